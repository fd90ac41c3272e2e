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
    none without a spread. Missing values are left out.
    """
    table = {}
    for column in columns:
        values = groups[column]
        table[column] = mean = values.mean()
        if spread is not None:
            table[f"{column}_low"], table[f"{column}_high"] = _SPREADS[spread](values, mean)
    return pd.DataFrame(table).assign(n_trials=groups.size())


def _range(values, mean):
    return values.min(), values.max()


def _standard_deviation(values, mean):
    deviation = values.std()
    return mean - deviation, mean + deviation


def _confidence_interval(values, mean):
    error = student_half_width(values.std(), values.count())
    return mean - error, mean + error


_SPREADS = {"range": _range, "std": _standard_deviation, "ci95": _confidence_interval}
