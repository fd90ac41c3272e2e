"""Draws the pictures of the experiments anew from their tables: python docs/pictures.py."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import pandas as pd  # noqa: E402

from skticket.experiments.mnist import EXPERIMENTS, Result, write_pictures  # noqa: E402

DOCS = Path(__file__).parent
# Tables of before there was such a column: how long each of their trainings was.
STEPS = {"mnist": 5_000, "mnist_v1": 25_000}


def main():
    """Draw each picture of which there is a table."""
    for folder, n_steps in STEPS.items():
        for name, experiment in EXPERIMENTS.items():
            path = DOCS / folder / f"{name}.csv"
            if path.exists():
                table = pd.read_csv(path)
                table = table.assign(**{"n_steps": n_steps} | dict(table.items()))
                write_pictures(Result(experiment, table), path.parent)


if __name__ == "__main__":
    main()
