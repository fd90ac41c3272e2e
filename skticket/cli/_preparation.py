"""How the columns of a table become numbers to learn from."""

import warnings

import numpy as np

from ..utils import extra


def table_steps(seed):
    """Return the steps of a Pipeline that prepares a table, by name.

    Parameters
    ----------
    seed : int
        Determines how texts are encoded.

    Returns
    -------
    list of (str, transformer)
        "table": columns become numbers, and what is missing of a number its median, with a column
        that says so. "impute": what is missing of a date becomes its median. "scale".
    """
    with extra("tables", "tables in files"):
        from skrub import DatetimeEncoder, StringEncoder, TableVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    table = TableVectorizer(
        numeric=SimpleImputer(strategy="median", add_indicator=True),
        high_cardinality=StringEncoder(random_state=seed),
        datetime=DatetimeEncoder(periodic_encoding="spline", add_weekday=True),
        drop_if_constant=True,
    )
    return [
        ("table", table),
        ("impute", SimpleImputer(strategy="median")),
        ("scale", StandardScaler()),
    ]


def prepare(preparation, X_train, X_test):
    """Fit a preparation; return what it makes of both parts, in single precision.

    Parameters
    ----------
    preparation : Pipeline
        Not yet fitted.
    X_train, X_test : array-like
        Rows to learn from, and others.
    """
    columns = X_train.items() if hasattr(X_train, "items") else ()
    if columns and all(column.nunique(dropna=False) < 2 for _, column in columns):
        raise ValueError("no column is left to learn from: each has one value only, or none")
    with np.errstate(over="ignore", invalid="ignore"), warnings.catch_warnings():
        # A category that only other rows have is nothing to learn from, and few texts need no
        # reduction to fewer columns.
        warnings.filterwarnings("ignore", "Found unknown categories")
        warnings.filterwarnings("ignore", "The matrix shape is")
        Z_train = preparation.fit_transform(X_train).astype(np.float32, copy=False)
        Z_test = preparation.transform(X_test).astype(np.float32, copy=False)
    is_finite = np.isfinite(Z_train).all(axis=0) & np.isfinite(Z_test).all(axis=0)
    if not is_finite.all():
        name = preparation.get_feature_names_out()[np.argmin(is_finite)]
        raise ValueError(f"column {name!r} has numbers too far apart to be scaled")
    return Z_train, Z_test


def describe_columns(table, frame):
    """Return a row for each column of a table: what it holds, and what is made of it.

    Parameters
    ----------
    table : TableVectorizer
        Fitted.
    frame : DataFrame
        All rows, those to test with included.
    """
    import pandas as pd

    rows = []
    for name, column in frame.items():
        kind = table.column_to_kind_.get(name, "none")
        n_columns = len(table.input_to_outputs_[name]) if kind != "none" else 0
        n_values, n_missing = column.nunique(), int(column.isna().sum())
        rows.append(
            {
                "column": name,
                "holds": _HOLDS[kind] if n_values else "nothing",
                "values": n_values,
                "missing": n_missing,
                "becomes": _MADE[kind],
                "columns": n_columns,
                "is_name": n_values == len(column) and _could_be_a_name(kind, column),
            }
        )
    return pd.DataFrame(rows)


_HOLDS = {
    "numeric": "numbers",
    "datetime": "times",
    "low_cardinality": "categories",
    "high_cardinality": "text",
    "none": "one value",
}
_MADE = {
    "numeric": "standardized",
    "datetime": "year, seasons, weekday, time",
    "low_cardinality": "a column for each",
    "high_cardinality": "pieces of its words",
    "none": "left out",
}


def _could_be_a_name(kind, column):
    """Say whether values that differ in each row look like names of the rows."""
    if kind == "high_cardinality":
        return True
    is_whole = kind == "numeric" and column.dtype.kind in "iu"
    return is_whole and int(column.max()) - int(column.min()) == len(column) - 1
