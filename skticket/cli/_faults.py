"""What is wrong with a table: all of it at once, by column and value."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import (
    infer_dtype,
    is_bool_dtype,
    is_datetime64_any_dtype,
    is_numeric_dtype,
    is_string_dtype,
    is_timedelta64_dtype,
)

from ._output import listed, shown

_FEWEST_ROWS, _FEWEST_COLUMNS = 10, 2
# Differences of larger numbers are infinite in single precision.
_LARGEST = 1e38
# Of very many different numbers, single precision is to tell so many apart.
_FEWEST_TOLD, _VERY_MANY = 20, 10
# Where so large a share of a column are numbers, the other values are mistakes.
_MOSTLY = 0.9
_WITH_COMMA = r"[+-]?\d[\d.]*,\d+"
# More values than these, and than this share of the rows, are no classes.
MOST_CLASSES, _MOST_CLASSES_A_ROW = 20, 0.2


@dataclass(frozen=True)
class Question:
    """What is asked of a table.

    Parameters
    ----------
    target : str
        The column to predict.
    task : {"auto", "classification", "regression"}
        Whether its values are classes or numbers; auto: as they look.
    drop : tuple of str, default=()
        Columns that are left out.
    text : tuple of str, default=()
        Columns that are text, whatever they look like.
    """

    target: str
    task: str = "auto"
    drop: tuple = ()
    text: tuple = ()

    def is_regression(self, column):
        """Say whether the column to predict is one of numbers."""
        if self.task != "auto":
            return self.task == "regression"
        return is_a_number(column) and (column.nunique() > MOST_CLASSES or not are_whole(column))


def check_table(path, frame, names, question):
    """Raise an error for each fault of a table, all together.

    Parameters
    ----------
    path : str
        Where it is from.
    frame : DataFrame
        From `read_table`.
    names : list of str
        From `read_table`.
    question : Question
        What is asked of it.
    """
    faults = [ValueError(fault) for fault in _faults(path, frame, names, question)]
    if faults:
        raise ExceptionGroup(path, faults)


def column_faults(column, is_number=None):
    """Yield what is wrong with a column.

    Parameters
    ----------
    column : Series
        From `read_table`.
    is_number : bool, default=None
        Whether it is to be one of numbers; None where its values tell.
    """
    if is_a_number(column):
        yield from _too_large(column)
        yield from _not_told_apart(column)
    elif is_text(column):
        yield from _not_numbers(
            column, is_number, f"if it is text, --text {column.name!r}, or leave it out with --drop"
        )
        yield from _numbers_with_commas(column)
    elif not is_bool_dtype(column) and not _is_time(column):
        yield _strange(column)


def is_a_number(column):
    """Say whether a column is one of numbers, and not of truth values."""
    return is_numeric_dtype(column) and column.dtype.kind in "iuf"


def are_whole(column):
    """Say whether the numbers of a column are whole, but for those that are missing."""
    return bool((column.dropna() % 1 == 0).all())


def is_text(column):
    """Say whether a column is one of text."""
    if is_string_dtype(column) or _is_categories(column):
        return True
    return column.dtype == object and infer_dtype(column, skipna=True) == "string"


def _faults(path, frame, names, question):
    yield from _alike(names)
    for option, wanted in (
        ("--target", [question.target]),
        ("--drop", question.drop),
        ("--text", question.text),
    ):
        for name in wanted:
            if name not in frame:
                yield f"{option}: {path} has no column {name!r}, only {listed(list(frame))}"
    if question.target in question.drop:
        yield f"--drop must leave {question.target!r} in, which is to be predicted"
    frame = frame.drop(columns=list(question.drop), errors="ignore")
    n_rows = len(frame)
    if question.target in frame:
        frame = frame.dropna(subset=question.target)
    if len(frame) < _FEWEST_ROWS or frame.shape[1] < _FEWEST_COLUMNS:
        yield (
            f"{path} has {len(frame)} rows and {frame.shape[1]} columns to learn from; at least "
            f"{_FEWEST_ROWS} rows and {_FEWEST_COLUMNS} columns are needed"
        )
        return
    for name, column in frame.items():
        if name != question.target:
            yield from column_faults(column)
        else:
            yield from _faults_of_target(column, question, n_rows - len(frame))


def _alike(names):
    for name, count in Counter(names).items():
        if count > 1:
            places = [str(place) for place, other in enumerate(names, 1) if other == name]
            yield f"columns {listed(places, str)} are all called {name!r}: give each its own name"


def _too_large(column):
    is_large = (column.abs() > _LARGEST).to_numpy()
    if is_large.any():
        is_endless = np.isinf(column[is_large].iloc[0])
        or_long = ", or a number of as many digits," if is_endless else ""
        yield (
            f"column {column.name!r}: {_first(column, is_large)}{or_long} is too large to be "
            f"scaled; the largest may be {_LARGEST:g}"
        )


def _not_told_apart(column):
    values = column.dropna().to_numpy(float)
    values = values[np.abs(values) <= _LARGEST]
    n_values, n_told = len(np.unique(values)), len(np.unique(values.astype(np.float32)))
    if n_told < _FEWEST_TOLD and _VERY_MANY * n_told < n_values:
        yield (
            f"column {column.name!r} has numbers that are too far apart, or too far from 0: single "
            f"precision tells only {n_told} of {n_values} from each other, between "
            f"{shown(values.min())} and {shown(values.max())}; subtract what they share, or leave "
            "the column out with --drop"
        )


def _not_numbers(column, is_number, otherwise):
    numbers = pd.to_numeric(column.astype(object), errors="coerce")
    # Of numbers without end, some versions of pandas make no number at all.
    numbers = numbers.fillna(column[numbers.isna()].map(_endless, na_action="ignore").astype(float))
    is_other = (numbers.isna() & column.notna()).to_numpy()
    n_other, n_present = int(is_other.sum()), int(column.notna().sum())
    if is_number is None:
        # What is declared to be categories is text.
        is_number = not _is_categories(column) and n_other <= (1 - _MOSTLY) * n_present
    if not is_number:
        return
    if n_other:
        mark = column[is_other].iloc[0]
        yield (
            f"column {column.name!r}: {_first(column, is_other)} is no number, as "
            f"{n_present - n_other:,} other values are; if it means that there is none, say "
            f"--missing {shown(mark)}, {otherwise}"
        )
    yield from _too_large(numbers.rename(column.name))


def _numbers_with_commas(column):
    if _is_categories(column):
        return
    has_comma = column.str.fullmatch(_WITH_COMMA).fillna(False).to_numpy(bool)
    if has_comma.any() and has_comma.sum() >= _MOSTLY * column.notna().sum():
        yield (
            f"column {column.name!r}: {_first(column, has_comma)} looks like a number with a "
            f"comma, which --decimal , reads, without marks of thousands; if it is text, --text "
            f"{column.name!r}"
        )


def _endless(text):
    """Return the infinite number that a text is, if it is one."""
    try:
        return float(text) if np.isinf(float(text)) else np.nan
    except (ValueError, OverflowError):
        return np.nan


def _strange(column):
    value = column.dropna().iloc[0]
    return (
        f"column {column.name!r} holds values of the kind {type(value).__name__}, such as "
        f"{shown(value)}: neither numbers, times nor text; leave it out with --drop"
    )


def _faults_of_target(column, question, n_missing):
    faults = list(_faults_of_targets(column, question.task))
    yield from faults
    n_values = column.nunique()
    if n_values == 1:
        of = f" but the {n_missing:,} where it is missing" if n_missing else ""
        yield (
            f"column {column.name!r} is {shown(column.iloc[0])} in each row{of}: there is nothing "
            "to predict"
        )
    most = max(MOST_CLASSES, _MOST_CLASSES_A_ROW * len(column))
    if not faults and not question.is_regression(column) and n_values > most:
        yield (
            f"column {column.name!r} has {n_values:,} different values in {len(column):,} rows, "
            f"such as {shown(column.iloc[0])}: too many to be classes"
        )


def _faults_of_targets(column, task):
    if is_a_number(column):
        yield from _too_large(column)
    elif is_text(column):
        is_number = {"auto": None, "regression": True, "classification": False}[task]
        yield from _not_numbers(column, is_number, "if these are classes, --task classification")
    elif _is_time(column):
        yield f"--target: column {column.name!r} holds times; predict numbers or classes"
    elif not is_bool_dtype(column):
        yield _strange(column)


def _first(column, is_wrong):
    """Return the first value that is wrong, its row, and how many more there are."""
    row, n_more = int(np.argmax(is_wrong)), int(is_wrong.sum()) - 1
    more = f" (and {n_more:,} more)" if n_more else ""
    # Rows without a target are counted, too.
    return f"{shown(column.iloc[row])} in row {column.index[row] + 1}{more}"


def _is_categories(column):
    return isinstance(column.dtype, pd.CategoricalDtype)


def _is_time(column):
    return is_datetime64_any_dtype(column) or is_timedelta64_dtype(column)
