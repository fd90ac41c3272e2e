"""What `skticket find` learns from: MNIST-1D, digits, MNIST or a CSV file."""

# The share of rows that are held out, where a data set has no test rows of its own.
_TEST_FRACTION = 0.2
# More values than these are taken for a number to predict, not for classes.
_MOST_CLASSES = 20
# Squares of larger numbers are infinite, and those of columns are summed.
_LARGEST = 1e150

# How the networks of images train, whatever the defaults for tables: all the way, without penalty.
_PROTOCOL = {"learning_rate": 1.2e-3, "alpha": 0, "n_iter_no_change": None}


def load(source, target, task):
    """Return X and y to train and to test with, whether it is regression, and defaults for it."""
    from ..datasets import fetch_mnist, load_digits, make_mnist1d, split_images

    if source == "mnist":
        # The paper's split and its grid; 5,000 of 60,000 rows are for validation.
        defaults = _PROTOCOL | {"max_epochs": 4, "batch_size": 60}
        defaults |= {"evaluate_every": 100, "validation_fraction": 1 / 12}
        return split_images(fetch_mnist()), False, defaults
    if source == "mnist1d":
        # Already standardized, as a whole.
        X, y = make_mnist1d(random_state=0)
        defaults = _PROTOCOL | {"hidden_layer_sizes": (500,), "rounds": 12}
        defaults |= {"max_epochs": 40, "batch_size": 100}
        return _split(X, y), False, defaults
    if source == "digits":
        return _scaled(*_split(*load_digits(return_X_y=True))), False, {}
    return *_load_csv(source, target, task), {}


def _load_csv(path, target, task):
    """Return X and y to train and to test with, and whether it is regression."""
    import pandas as pd

    frame = _read_csv(path, target)
    y = frame.pop(target)
    numeric = pd.api.types.is_numeric_dtype(y)
    regression = task == "regression" or (
        task == "auto" and numeric and y.nunique() > _MOST_CLASSES
    )
    if regression and not numeric:
        raise ValueError(f"--task regression needs numbers in column {target!r}")
    stratified = not regression and _can_be_stratified(y)
    y = y.to_numpy(float) if regression else y.to_numpy()
    parts = _scaled(*_split(frame.to_numpy(float), y, stratified))
    _check_scaled(*parts[:2], frame.columns)
    return parts, regression


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


def _scaled(X_train, X_test, y_train, y_test):
    """Scale inputs."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(X_train)
    return scaler.transform(X_train), scaler.transform(X_test), y_train, y_test


def _check_scaled(X_train, X_test, names):
    """Refuse numbers of which single precision cannot hold what scaling makes of them."""
    import numpy as np

    largest = np.abs(np.vstack([X_train, X_test])).max(axis=0)
    for name, value in zip(names, largest):
        if not value <= np.finfo(np.float32).max:
            raise ValueError(f"column {name!r} has numbers too far apart to be scaled")


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
        n_missing = int(column.isna().sum())
        if n_missing:
            raise ValueError(
                f"column {name!r} has {n_missing} missing values (of {len(column)} rows); "
                "fill or drop them first"
            )
        numeric = pd.api.types.is_numeric_dtype(column)
        if numeric and not column.abs().max() <= _LARGEST:
            raise ValueError(
                f"column {name!r} has numbers beyond {_LARGEST:g}, too large to be scaled"
            )
        if name != target and not numeric:
            raise ValueError(
                f"column {name!r} holds text, such as {column.iloc[0]!r}; encode it as numbers "
                "or drop it first"
            )
    return frame
