"""What `skticket find` learns from: MNIST-1D, digits, MNIST or a CSV file."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ._preparation import table_steps

# The share of rows that are held out, where a data set has no test rows of its own.
_TEST_FRACTION = 0.2
# More values than these are taken for a number to predict, not for classes.
_MOST_CLASSES = 20
# Squares of larger numbers are infinite, and those of columns are summed.
_LARGEST = 1e150

# How the networks of images train, whatever the defaults for tables: all the way, without penalty.
_PROTOCOL = {"learning_rate": 1.2e-3, "alpha": 0, "n_iter_no_change": None}


@dataclass(frozen=True)
class Source:
    """What is learned from, and how.

    Parameters
    ----------
    parts : sequence
        X to train and to test with, and y to train and to test with.
    preparation : list of (str, transformer)
        Steps of a Pipeline that turn X into numbers to learn from.
    regression : bool, default=False
        Whether y are numbers.
    defaults : dict, default={}
        Parameters of the estimator.
    """

    parts: Sequence
    preparation: list
    regression: bool = False
    defaults: dict = field(default_factory=dict)


_UNSCALED = [("scale", "passthrough")]


def load(source, target, task, seed=0):
    """Return what a source has to be learned from."""
    from sklearn.preprocessing import StandardScaler

    from ..datasets import fetch_mnist, load_digits, make_mnist1d, split_images

    if source == "mnist":
        # The paper's split and its grid; 5,000 of 60,000 rows are for validation.
        defaults = _PROTOCOL | {"max_epochs": 4, "batch_size": 60}
        defaults |= {"evaluate_every": 100, "validation_fraction": 1 / 12}
        return Source(split_images(fetch_mnist()), _UNSCALED, defaults=defaults)
    if source == "mnist1d":
        # Already standardized, as a whole.
        X, y = make_mnist1d(random_state=0)
        defaults = _PROTOCOL | {"hidden_layer_sizes": (500,), "rounds": 12}
        defaults |= {"max_epochs": 40, "batch_size": 100}
        return Source(_split(X, y), _UNSCALED, defaults=defaults)
    if source == "digits":
        return Source(_split(*load_digits(return_X_y=True)), [("scale", StandardScaler())])
    return _load_csv(source, target, task, seed)


def _load_csv(path, target, task, seed):
    import pandas as pd

    frame = _read_csv(path, target).dropna(subset=target, ignore_index=True)
    y = frame.pop(target)
    numeric = pd.api.types.is_numeric_dtype(y)
    regression = task == "regression" or (
        task == "auto" and numeric and y.nunique() > _MOST_CLASSES
    )
    if regression and not numeric:
        raise ValueError(f"--task regression needs numbers in column {target!r}")
    stratified = not regression and _can_be_stratified(y)
    y = y.to_numpy(float) if regression else y.to_numpy()
    return Source(_split(frame, y, stratified), table_steps(seed), regression)


def _can_be_stratified(y):
    """Say whether each class can have a row on either side."""
    counts = y.value_counts()
    return counts.min() > 1 and len(counts) <= int(_TEST_FRACTION * len(y))


def _split(X, y, stratified=True):
    """Hold test rows out."""
    from sklearn.model_selection import train_test_split

    return train_test_split(
        X, y, test_size=_TEST_FRACTION, random_state=0, stratify=y if stratified else None
    )


def _read_csv(path, target):
    """Return the table in a CSV file, or say which column is at fault."""
    import pandas as pd

    try:
        # Given the path itself, pandas would open addresses and archives, too.
        with open(path, "rb") as file:
            frame = pd.read_csv(file)
    except FileNotFoundError:
        raise ValueError(
            f'no file {path!r}: the source is "mnist1d", "digits", "mnist" or a CSV file'
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a CSV file: {error}") from error
    columns = list(frame.columns)
    if target is None:
        raise ValueError(f"--target is missing: which of the columns {columns} is to be predicted?")
    if target not in columns:
        raise ValueError(f"--target: {path} has no column {target!r}, only {columns}")
    if not isinstance(frame.index, pd.RangeIndex):
        raise ValueError(
            f"{path} has rows of more values than the {len(columns)} that the header names"
        )
    if len(frame) < 10 or len(columns) < 2:
        raise ValueError(
            f"{path} has {len(frame)} rows and {len(columns)} columns; at least 10 rows and "
            "2 columns are needed"
        )
    for name, column in frame.items():
        numeric = pd.api.types.is_numeric_dtype(column)
        if numeric and column.abs().max() > _LARGEST:
            raise ValueError(
                f"column {name!r} has numbers beyond {_LARGEST:g}, too large to be scaled"
            )
    return frame
