"""The features that a ticket keeps, beside those that LassoNet and scikit-learn's selectors choose.

    python benchmarks/features.py [--tables NAME ...] [--trials 4] [--rounds 15]
        [--output benchmarks/results]

The study `features` (`python -m skticket study features`) with one method more: LassoNet (Lemhadri
et al., JMLR 2021; the package `lassonet`, in the extra `benchmarks`), by its own defaults. It ranks
features by the penalty at which its path, which begins with all of them, loses each.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from harness import about, limit_threads

from skticket.experiments.study import compare_features
from skticket.utils import replacing

TABLES = ("made up", "like Madelon", "breast cancer", "wine", "digits")


def lassonet(X, y, seed):
    """Return LassoNet's score of each feature."""
    from lassonet import LassoNetClassifier

    model = LassoNetClassifier(random_state=seed, torch_seed=seed, verbose=0)
    model.path(X.astype(np.float32), y, return_state_dicts=False)
    return model.feature_importances_.numpy()


def main():
    """Compare, and write a table of means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"))
    arguments = parser.parse_args()
    with limit_threads(1):
        table = compare(arguments.tables, arguments.trials, arguments.rounds)
    arguments.output.mkdir(parents=True, exist_ok=True)
    with replacing(arguments.output / "features.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.7g")
    print(means(table).to_string(float_format="%.1f"))
    print(about())


def compare(tables, trials, rounds):
    """Return a row a choice of features, for each trial."""
    return pd.concat(
        (
            compare_features(tables, trial, rounds, others={"LassoNet": lassonet}).assign(
                trial=trial
            )
            for trial in range(trials)
        ),
        ignore_index=True,
    )


def means(table):
    """Return the mean percent of false discoveries, and of rows got right, of each choice."""
    columns = ["n_features", "false", "test_score"]
    found = table.groupby(["table", "method", "share"], sort=False, dropna=False)[columns].mean()
    return found.assign(false=100 * found["false"], test_score=100 * found["test_score"])


if __name__ == "__main__":
    main()
