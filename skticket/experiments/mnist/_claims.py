"""What the paper says of tickets, judged by the trials of an experiment."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t

__all__ = ["Claim"]

# Accuracies that differ by less are called equal, in percentage points.
_MARGIN = 0.1
_CONFIDENCE = 0.95
# Sizes that differ by such a factor at most are about the same.
_SAME_SIZE = 1.05


@dataclass(frozen=True)
class Claim:
    """A sentence, whether the trials bear it out, and by what.

    Attributes
    ----------
    text : str
        What is claimed.
    holds : bool
        Whether the whole interval is on the claim's side.
    evidence : str
        The figures.
    """

    text: str
    holds: bool
    evidence: str

    @property
    def verdict(self):
        """The judgement in words."""
        return "holds" if self.holds else "does not hold"


@dataclass(frozen=True)
class _Interval:
    """The mean of a difference between paired trials, with its confidence interval."""

    mean: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, differences):
        differences = np.asarray(differences, float)
        differences = differences[np.isfinite(differences)]
        n = len(differences)
        if n < 2:
            mean = float(differences.mean()) if n else np.nan
            return cls(mean, -np.inf, np.inf, n)
        mean = differences.mean()
        half = t.ppf((1 + _CONFIDENCE) / 2, n - 1) * differences.std(ddof=1) / np.sqrt(n)
        return cls(mean, mean - half, mean + half, n)

    def text(self, form, unit=""):
        if self.n < 2:
            return f"{form.format(self.mean)}{unit}, {self.n} trial(s): no interval"
        ends = f"{form.format(self.low)} to {form.format(self.high)}"
        return f"{form.format(self.mean)}{unit}, 95% interval {ends}, {self.n} trials"


def of_one_shot(table):
    """Judge that tickets learn faster than the full network."""
    fifth = max(table["iteration"].max() / 5, table["iteration"].min())
    start = table[table["iteration"] <= fifth]
    means = start.groupby(["round", "trial"])["test_score"].mean().unstack()
    rounds = [number for number in means.index if number > 0]
    return [
        _higher(
            f"Tickets pruned once to {_percent(table, number)} learn faster: they are more "
            "accurate than the full network over the first fifth of the training",
            means.loc[number],
            means.loc[0],
        )
        for number in rounds
    ]


def of_one_shot_controls(table):
    """Judge that one-shot tickets beat both controls."""
    return _of_controls(table, "one-shot", "one-shot tickets")


def of_iterative(table):
    """Judge iterative tickets against the full network, and against one-shot tickets."""
    number = _nearest_round(table, "iterative", 16.8)
    size = _percent(table, number)
    found = _trials(table, "iterative", number)
    full = _trials(table, "iterative", 0)
    once = _smallest_winning(table, "one-shot")
    repeatedly = _smallest_winning(table, "iterative", _rounds(table, "one-shot"))
    smallest = max(_rounds(table, "one-shot"))
    return [
        _no_lower(
            f"Iterative tickets at {size} end at least as accurate as the full network",
            found["test_score"],
            full["test_score"],
        ),
        _fewer(
            f"Iterative tickets at {size} converge in fewer iterations than the full network",
            found["iterations_to_converge"],
            full["iterations_to_converge"],
        ),
        _smaller(
            "Iterative pruning finds smaller tickets than one-shot pruning that match the full "
            "network (accuracy and iterations)",
            repeatedly,
            once,
        ),
        _higher(
            f"At {_percent(table, smallest)} iterative tickets are more accurate than one-shot "
            "tickets",
            _trials(table, "iterative", smallest)["test_score"],
            _trials(table, "one-shot", smallest)["test_score"],
        ),
    ]


def of_iterative_controls(table):
    """Judge that iterative tickets beat both controls."""
    return _of_controls(table, "iterative", "iterative tickets")


def of_initializations(table):
    """Judge that surviving initial weights of hidden layers lie away from zero."""
    number = table["round"].max()
    centre = _distance_from_zero(table)
    claims = []
    for layer in sorted(table["layer"].unique())[:-1]:
        rows = table[table["layer"] == layer]
        near = centre[rows.index] <= _quartile(rows[rows["round"] == 0])
        share = rows["weights"].where(near, 0).groupby([rows["round"], rows["trial"]]).sum()
        share = (share / rows.groupby(["round", "trial"])["weights"].sum()).unstack()
        interval = _Interval.of(100 * (share.loc[number] - share.loc[0]))
        claims.append(
            Claim(
                f"Initial weights of hidden layer {layer + 1} that survive at "
                f"{_percent(table, number)} lie away from zero: fewer of them than of all are "
                "among the values nearest to it",
                bool(interval.high < 0),
                f"{100 * share.loc[number].mean():.1f}% against {100 * share.loc[0].mean():.1f}%; "
                f"difference {interval.text('{:+.1f}', ' points')}",
            )
        )
    return claims


def of_architecture(table):
    """Judge that a few inputs and units keep most connections."""
    number = table["round"].max()
    rows = table[table["round"] == number]
    sides = [(0, "outgoing", "inputs"), (1, "incoming", "units of hidden layer 1")]
    sides += [
        (1, "outgoing", "units of hidden layer 1"),
        (2, "incoming", "units of hidden layer 2"),
    ]
    claims = []
    for layer, direction, what in sides:
        counts = rows[rows["layer"] == layer].groupby("trial")[direction]
        interval = _Interval.of(100 * counts.apply(_share_of_top_fifth))
        claims.append(
            Claim(
                f"At {_percent(table, number)} a fifth of the {what} keep most {direction} "
                "connections",
                bool(interval.low > 50),
                f"they keep {interval.text('{:.1f}', '%')}",
            )
        )
    return claims


def of_initialization_scale(table):
    """Judge that there are tickets at each scale of initial weights."""
    return _of_conditions(table, "With {}")


def of_network_size(table):
    """Judge that there are tickets in networks of each size."""
    return _of_conditions(table, "In a network of {} units")


def of_pruning_rate(table):
    """Judge that pruning more carefully keeps more accuracy, at the same size."""
    slowest, *others = table["condition"].unique()
    least = _sizes(table, slowest).min()
    claims = []
    for name in others:
        sizes = _sizes(table, name)
        # Quick pruning ends anywhere, perhaps at sizes that the slow one does not come down to.
        shared = sizes[sizes > least / _SAME_SIZE]
        number = (sizes if shared.empty else shared).idxmin()
        same = _nearest_round(table, slowest, sizes[number])
        claims.append(
            _higher(
                f"Pruned to about {_percent(table, number, name)}, tickets of {slowest} are more "
                f"accurate than those of {name}",
                _trials(table, slowest, same)["test_score"],
                _trials(table, name, number)["test_score"],
            )
        )
    return claims


def of_resetting(table):
    """Judge that at small sizes resetting beats going on from the trained weights."""
    claims = []
    for number in dict.fromkeys(_nearest_round(table, "reset", size) for size in (16.8, 5.5, 3.5)):
        size = _percent(table, number)
        reset, on = (_trials(table, condition, number) for condition in ("reset", "go on"))
        claims += [
            _higher(
                f"At {size}, resetting ends more accurate than going on",
                reset["test_score"],
                on["test_score"],
            ),
            _fewer(
                f"At {size}, resetting converges in fewer iterations than going on",
                reset["iterations_to_converge"],
                on["iterations_to_converge"],
            ),
        ]
    return claims


def _of_controls(table, condition, tickets):
    number = _nearest_round(table, "reinit", 16.8)
    size = _percent(table, number)
    found = _trials(table, condition, number)
    claims = []
    for control, name in (("reinit", "Reinitialized"), ("rearrange", "Rearranged")):
        others = _trials(table, control, number)
        claims.append(
            _fewer(
                f"{name} {tickets} at {size} learn slower: the tickets converge in fewer "
                "iterations",
                found["iterations_to_converge"],
                others["iterations_to_converge"],
            )
        )
        claims.append(
            _higher(
                f"{name} {tickets} at {size} end lower: the tickets are more accurate",
                found["test_score"],
                others["test_score"],
            )
        )
    return claims


def _of_conditions(table, opening):
    claims = []
    for name in table["condition"].unique():
        number = _nearest_round(table, name, 16.8)
        claims.append(
            _no_lower(
                f"{opening.format(name)}, tickets at {_percent(table, number, name)} end at least "
                "as accurate as the full network",
                _trials(table, name, number)["test_score"],
                _trials(table, name, 0)["test_score"],
            )
        )
    return claims


def _higher(text, first, second):
    interval = _Interval.of(100 * (first - second))
    return Claim(text, bool(interval.low > 0), _accuracies(first, second, interval))


def _no_lower(text, first, second):
    interval = _Interval.of(100 * (first - second))
    text = f"{text} (within {_MARGIN} points)"
    return Claim(text, bool(interval.low > -_MARGIN), _accuracies(first, second, interval))


def _accuracies(first, second, interval):
    return (
        f"{100 * first.mean():.2f}% against {100 * second.mean():.2f}%; difference "
        f"{interval.text('{:+.2f}', ' points')}"
    )


def _fewer(text, first, second):
    interval = _Interval.of(first - second)
    evidence = (
        f"{first.mean():,.0f} against {second.mean():,.0f} iterations; difference "
        f"{interval.text('{:+,.0f}')}"
    )
    return Claim(text, bool(interval.high < 0), evidence)


def _smaller(text, first, second):
    """Compare smallest sizes by the logarithm of their ratio."""
    ratio = _Interval.of(np.log(first / second))
    evidence = (
        f"smallest sizes (mean) {first.mean():.1f}% against {second.mean():.1f}%; ratio "
        f"{np.exp(ratio.mean):.2f}"
    )
    if ratio.n > 1:
        ends = f"{np.exp(ratio.low):.2f} to {np.exp(ratio.high):.2f}"
        evidence += f", 95% interval {ends}, {ratio.n} trials"
    return Claim(text, bool(ratio.high < 0), evidence)


def _trials(table, condition, number):
    """Return a row a trial: the means of its repeats."""
    rows = table[(table["condition"] == condition) & (table["round"] == number)]
    return rows.groupby("trial")[["iterations_to_converge", "test_score", "percent"]].mean()


def _rounds(table, condition):
    return sorted(table.loc[table["condition"] == condition, "round"].unique())


def _smallest_winning(table, condition, rounds=None):
    """Return each trial's smallest percent that matches the full network; 100 if none does."""
    full = _trials(table, condition, 0)
    smallest = pd.Series(100.0, index=full.index)
    for number in rounds or _rounds(table, condition):
        found = _trials(table, condition, number)
        matches = (found["test_score"] >= full["test_score"] - _MARGIN / 100) & (
            found["iterations_to_converge"] <= full["iterations_to_converge"]
        )
        smallest = smallest.where(~matches, np.minimum(smallest, found["percent"]))
    return smallest


def _nearest_round(table, condition, percent):
    return (np.log(_sizes(table, condition)) - np.log(percent)).abs().idxmin()


def _sizes(table, condition):
    """Return the mean percent of each round but the full network's."""
    rows = table[(table["condition"] == condition) & (table["round"] > 0)]
    return rows.groupby("round")["percent"].mean()


def _percent(table, number, condition=None):
    rows = table[table["round"] == number]
    if condition is not None:
        rows = rows[rows["condition"] == condition]
    return f"{rows['percent'].mean():.3g}%"


def _distance_from_zero(rows):
    # Rounded, because bins on either side of zero may differ in the last bits.
    return ((rows["lower"] + rows["upper"]) / 2).abs().round(9)


def _quartile(rows):
    """Return the distance from zero within which a quarter of a histogram's weights lie."""
    counts = rows["weights"].groupby(_distance_from_zero(rows)).sum()
    share = counts.cumsum() / counts.sum()
    return share.index[np.searchsorted(share.to_numpy(), 0.25)]


def _share_of_top_fifth(counts):
    counts = np.sort(counts.to_numpy())[::-1]
    return counts[: max(1, round(len(counts) / 5))].sum() / counts.sum()
