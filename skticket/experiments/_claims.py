"""Claims about tickets, judged by the trials of an experiment."""

from dataclasses import dataclass

import numpy as np

from ..utils import student_half_width

# Accuracies that differ by less are called equal, in percentage points.
MARGIN = 0.1
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Claim:
    """A sentence, whether the trials bear it out, and by what.

    Attributes
    ----------
    text : str
        What is claimed.
    judgement : bool or None
        Whether the whole interval is on the claim's side (True) or on the other (False); None
        where it has a part on either, and the trials do not decide.
    evidence : str
        The figures.
    """

    text: str
    judgement: bool | None
    evidence: str

    @property
    def holds(self):
        """Whether the trials bear it out."""
        return self.judgement is True

    @property
    def verdict(self):
        """The judgement in words."""
        return {True: "holds", False: "does not hold", None: "undecided"}[self.judgement]


@dataclass(frozen=True)
class Interval:
    """The mean of a difference between paired trials, with its confidence interval."""

    mean: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, differences):
        """Return the interval of some differences; of fewer than two, an infinite one."""
        differences = np.asarray(differences, float)
        differences = differences[np.isfinite(differences)]
        n = len(differences)
        if n < 2:
            mean = float(differences.mean()) if n else np.nan
            return cls(mean, -np.inf, np.inf, n)
        mean = differences.mean()
        half = student_half_width(differences.std(ddof=1), n, _CONFIDENCE)
        return cls(mean, mean - half, mean + half, n)

    def above(self, value):
        """Say whether all of it is above a value; None if only a part is."""
        return True if self.low > value else False if self.high < value else None

    def below(self, value):
        """Say whether all of it is below a value; None if only a part is."""
        return True if self.high < value else False if self.low > value else None

    def text(self, form, unit=""):
        """Return mean and ends in words."""
        if self.n < 2:
            return f"{form.format(self.mean)}{unit}, {self.n} trial(s): no interval"
        ends = f"{form.format(self.low)} to {form.format(self.high)}"
        return f"{form.format(self.mean)}{unit}, 95% interval {ends}, {self.n} trials"


def higher(text, first, second):
    """Claim that the first are more accurate than the second, trial by trial."""
    interval, evidence = _accuracies(first["test_score"], second["test_score"])
    return Claim(text, interval.above(0), evidence)


def no_lower(text, first, second):
    """Claim that the first are as accurate as the second, or nearly."""
    interval, evidence = _accuracies(first["test_score"], second["test_score"])
    return Claim(f"{text} (within {MARGIN} points)", interval.above(-MARGIN), evidence)


def _accuracies(first, second):
    interval = Interval.of(100 * (first - second))
    return interval, (
        f"{100 * first.mean():.2f}% against {100 * second.mean():.2f}%; difference "
        f"{interval.text('{:+.2f}', ' points')}"
    )


def fewer(text, first, second):
    """Claim that the first converge in fewer iterations than the second, trial by trial."""
    first, second = first["iterations_to_converge"], second["iterations_to_converge"]
    interval = Interval.of(first - second)
    evidence = (
        f"{first.mean():,.0f} against {second.mean():,.0f} iterations; difference "
        f"{interval.text('{:+,.0f}')}"
    )
    return Claim(text, interval.below(0), evidence)


def smaller(text, first, second):
    """Claim that the first sizes are smaller, by the logarithm of their ratio."""
    ratio = Interval.of(np.log(first / second))
    evidence = (
        f"smallest sizes (mean) {first.mean():.1f}% against {second.mean():.1f}%; ratio "
        f"{np.exp(ratio.mean):.2f}"
    )
    if ratio.n > 1:
        ends = f"{np.exp(ratio.low):.2f} to {np.exp(ratio.high):.2f}"
        evidence += f", 95% interval {ends}, {ratio.n} trials"
    return Claim(text, ratio.below(0), evidence)


def trials_of(table, condition, number):
    """Return a row a trial: the means of its repeats."""
    rows = table[(table["condition"] == condition) & (table["round"] == number)]
    return rows.groupby("trial")[["iterations_to_converge", "test_score", "percent"]].mean()


def nearest_round(table, condition, percent):
    """Return the round whose mean size is nearest to so many percent, by ratio."""
    return (np.log(sizes_of(table, condition)) - np.log(percent)).abs().idxmin()


def sizes_of(table, condition):
    """Return the mean percent of each round but the full network's."""
    rows = table[(table["condition"] == condition) & (table["round"] > 0)]
    return rows.groupby("round")["percent"].mean()


def percent_at(table, number, condition=None):
    """Return a round's mean size as text, of all conditions or of one."""
    rows = table[table["round"] == number]
    if condition is not None:
        rows = rows[rows["condition"] == condition]
    return f"{rows['percent'].mean():.3g}%"
