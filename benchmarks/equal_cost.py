"""The study `equal-cost` on tables: what a search gives for its cost, beside sparse networks.

    python benchmarks/equal_cost.py [--data ring penbased letter] [--trials 5] [--jobs 2]
        [--output benchmarks/results]

The networks, trainings and claims are those of `python -m skticket study equal-cost --preset
quick`; each table is one fold of its own, scaled. What was trained is kept in OUTPUT/equal_cost, so
that a run that was stopped goes on.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from tables import CLASSIFICATION, load_folds

from skticket.experiments import Images, Laboratory
from skticket.experiments.study import PRESETS, STUDIES, write_result
from skticket.network import Data
from skticket.search import open_memory


def load(name):
    """Return a table's rows to train, to validate and to test on."""
    X, y, X_test, y_test = load_folds(name)[0]
    labels, y = np.unique(y, return_inverse=True)
    scaler = StandardScaler().fit(X)
    X, X_test = (scaler.transform(part).astype(np.float32) for part in (X, X_test))
    X, X_valid, y, y_valid = train_test_split(X, y, test_size=0.1, stratify=y, random_state=0)
    y_test = np.searchsorted(labels, y_test)
    data = Data(X, y, X_valid, y_valid, True, X_test=X_test, y_test=y_test)
    return Images(data, len(labels), name)


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", nargs="+", choices=CLASSIFICATION, default=["ring", "penbased", "letter"]
    )
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    protocol = replace(PRESETS["quick"], trials=options.trials)
    for name in options.data:
        folder = options.output / "equal_cost" / name
        folder.mkdir(parents=True, exist_ok=True)
        laboratory = Laboratory(
            protocol, load(name), open_memory(folder / "networks"), jobs=options.jobs
        )
        result = STUDIES["equal-cost"].run(laboratory)
        write_result(result, folder)
        print(f"\n{name}")
        columns = ["percent", "cost", "test_score"]
        print(result.table.groupby(["round", "condition"], sort=False)[columns].mean())
        for claim in result.claims:
            print(f"{claim.text}: {claim.verdict} ({claim.evidence})")


if __name__ == "__main__":
    main()
