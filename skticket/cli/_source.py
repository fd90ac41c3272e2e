"""What `skticket find` learns from: MNIST-1D, digits, MNIST or a CSV file."""

# The share of rows that are held out, where a data set has no test rows of its own.
_TEST_FRACTION = 0.2
# More values than these are taken for a number to predict, not for classes.
_MOST_CLASSES = 20


def load(source, target, task):
    """Return X and y to train and to test with, whether it is regression, and defaults for it."""
    import pandas as pd

    from ..datasets import fetch_mnist, load_digits, make_mnist1d, split_images

    if source == "mnist":
        # The paper's split and its grid; 5,000 of 60,000 rows are for validation.
        defaults = {"max_epochs": 4, "batch_size": 60, "n_iter_no_change": None}
        defaults |= {"evaluate_every": 100, "validation_fraction": 1 / 12}
        return split_images(fetch_mnist()), False, defaults
    if source == "mnist1d":
        # Already standardized, as a whole.
        X, y = make_mnist1d(random_state=0)
        defaults = {"hidden_layer_sizes": (500,), "rounds": 12, "max_epochs": 40}
        defaults |= {"batch_size": 100, "n_iter_no_change": None}
        return _split(X, y), False, defaults
    if source == "digits":
        X, y = load_digits(return_X_y=True)
        regression = False
    else:
        X, y = _read_csv(source, target)
        numeric = pd.api.types.is_numeric_dtype(y)
        regression = task == "regression" or (
            task == "auto" and numeric and y.nunique() > _MOST_CLASSES
        )
        if regression and not numeric:
            raise ValueError(f"--task regression needs numbers in column {target!r}")
        y = y.to_numpy(float) if regression else y.to_numpy()
    stratified = not regression and pd.Series(y).value_counts().min() > 1
    return _scaled(*_split(X, y, stratified)), regression, {}


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


def _read_csv(path, target):
    """Return features and target of a CSV file, or say which column is at fault."""
    import pandas as pd

    try:
        frame = pd.read_csv(path)
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
    for name, column in frame.items():
        n_missing = int(column.isna().sum())
        if n_missing:
            raise ValueError(
                f"column {name!r} has {n_missing} missing values (of {len(column)} rows); "
                "fill or drop them first"
            )
        if name != target and not pd.api.types.is_numeric_dtype(column):
            raise ValueError(
                f"column {name!r} holds text, such as {column.iloc[0]!r}; encode it as numbers "
                "or drop it first"
            )
    if len(frame) < 10 or len(columns) < 2:
        raise ValueError(
            f"{path} has {len(frame)} rows and {len(columns)} columns; at least 10 rows and "
            "2 columns are needed"
        )
    return frame.drop(columns=target).to_numpy(float), frame[target]
