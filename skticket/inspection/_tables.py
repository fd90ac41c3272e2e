"""Tables of several trials, and what is drawn of them."""

import numpy as np
import pandas as pd

from ..utils import student_half_width

# Sizes that differ by no more than this factor are one size in several trials.
_SAME_SIZE = 1.01


def read_table(results, columns):
    """Return a table as DataFrame with a fresh index; complain of what it lacks."""
    frame = pd.DataFrame(results).reset_index(drop=True)
    missing = [column for column in columns if column not in frame]
    if missing:
        raise ValueError(f"results must have the columns {missing}, got {list(frame.columns)}")
    if frame.empty:
        raise ValueError("results must have at least one row, got none")
    return frame


def group_sizes(values):
    """Number the sizes among positive values from 0, the largest; nearly equal ones are one.

    >>> group_sizes([100.0, 80.02, 80.0, 64.0])
    array([0, 1, 1, 2])
    """
    values = np.asarray(values, float)
    order = np.argsort(-values, kind="stable")
    ordered = values[order]
    groups = np.empty(len(values), int)
    groups[order] = np.concatenate([[0], np.cumsum(ordered[:-1] > _SAME_SIZE * ordered[1:])])
    return groups


def number_sizes(frame, x):
    """Return the table with a column `_size`: the round, or else the number of the size."""
    sizes = frame["round"] if "round" in frame else group_sizes(frame[x])
    return frame.assign(_size=sizes)


def check_trials(frame, by, x):
    """Complain of a trial that has several rows of one size where one is expected."""
    if "trial" not in frame:
        return
    repeated = frame[frame.duplicated(["_size", *by, "trial"])]
    if len(repeated):
        size = "round" if "round" in frame else x
        where = ", ".join(f"{key} {repeated[key].iloc[0]}" for key in (*by, "trial", size))
        raise ValueError(
            f"results must have one row for each point of each trial, got several for {where}; "
            "select the rows of one experiment first"
        )


def check_spread(spread):
    """Complain of a spread that is none."""
    allowed = (*_SPREADS, None)
    if spread not in allowed:
        raise ValueError(f"spread must be one of {allowed}, got {spread!r}")


def summarize(groups, columns, spread):
    """Return means of columns over the trials of each group, their spread, and `n_trials`.

    The spread is in columns `<name>_low` and `<name>_high`: NaN where one trial has no deviation,
    none without a spread. The mean's standard error is in `<name>_error`, NaN of one trial. Missing
    values are left out.
    """
    table = {}
    for column in columns:
        values = groups[column]
        table[column] = mean = values.mean()
        table[f"{column}_error"] = values.sem()
        if spread is not None:
            table[f"{column}_low"], table[f"{column}_high"] = _SPREADS[spread](values, mean)
    return pd.DataFrame(table).assign(n_trials=groups.size())


def standard_errors(table, column):
    """Return the standard error of each mean of a curve.

    Of one trial, that is what its values differ by from one to the next, as if they were all alike
    but for noise.
    """
    values = table[column].to_numpy(float)
    errors = table.get(f"{column}_error", pd.Series(np.nan, table.index)).to_numpy(float)
    steps = np.diff(values[np.isfinite(values)])
    noise = np.sqrt(np.mean(steps**2) / 2) if len(steps) > 1 else 0.0
    return np.where(np.isfinite(errors), errors, noise)


def describe_trials(curves, spread, drawn):
    """Return how many trials curves are the means of, and what is drawn for their spread.

    None where each is of one trial.
    """
    counts = [n for curve in curves if "n_trials" in curve for n in curve["n_trials"]]
    if max(counts, default=1) == 1:
        return None
    n = f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else f"{max(counts)}"
    spread = f"; {drawn}: {_SPREAD_WORDS[spread]}" if spread else ""
    return f"mean of {n} trials{spread}"


def _range(values, mean):
    return values.min(), values.max()


def _standard_deviation(values, mean):
    deviation = values.std()
    return mean - deviation, mean + deviation


def _confidence_interval(values, mean):
    error = student_half_width(values.std(), values.count())
    return mean - error, mean + error


_SPREAD_WORDS = {
    "range": "least to greatest",
    "std": "one standard deviation either way",
    "ci95": "95% interval of the mean",
}
_SPREADS = {"range": _range, "std": _standard_deviation, "ci95": _confidence_interval}
