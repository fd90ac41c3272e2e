"""Test tickets of MNIST against their controls.

    SKTICKET_DATA=FOLDER python benchmarks/ticket_test_mnist.py [--rows 10000] [--controls 19]
        [--rounds 7] [--epochs 8] [--jobs 2] [--memory FOLDER] [--output benchmarks/results]

Tickets are found on the first rows of the training images, once by magnitude and once by chance,
and scored with their controls on the 10,000 test images. A ticket found by magnitude is expected
to beat each of its reinitialized controls (a p-value at its floor of 1 / (controls + 1)); one
found by chance is one more random network.
"""

import argparse
import os
import platform
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from skticket import WinningTicketClassifier
from skticket.datasets import fetch_mnist, split_images
from skticket.inspection import TicketTestDisplay
from skticket.model_selection import ticket_test_score
from skticket.utils import processor_name, replacing

CONDITIONS = [("magnitude", "reinit"), ("magnitude", "rearrange"), ("random", "reinit")]


def load(n_rows):
    """Return images and labels, and the one split: the first training rows, all test rows."""
    X, X_test, y, y_test = split_images(fetch_mnist())
    rows = np.arange(n_rows + len(X_test))
    X, y = np.concatenate([X[:n_rows], X_test]), np.concatenate([y[:n_rows], y_test])
    return X, y, [(rows[:n_rows], rows[n_rows:])]


def measure(options):
    """Return a result for each strategy and control, and its seconds."""
    X, y, cv = load(options.rows)
    results = {}
    for strategy, control in CONDITIONS:
        start = time.perf_counter()
        estimator = WinningTicketClassifier(
            strategy=strategy,
            rounds=options.rounds,
            max_epochs=options.epochs,
            memory=options.memory,
            random_state=options.seed,
        )
        result = ticket_test_score(
            estimator,
            X,
            y,
            control=control,
            n_controls=options.controls,
            cv=cv,
            n_jobs=options.jobs,
            random_state=options.seed,
        )
        result.seconds = time.perf_counter() - start
        results[strategy, control] = result
        print(describe(strategy, control, result), flush=True)
    return results


def describe(strategy, control, result):
    """Return a row of the table."""
    controls = result.control_scores
    return (
        f"| {strategy} | {control} | {100 * result.density:.1f} | {100 * result.score:.2f} | "
        f"{100 * controls.mean():.2f} ({100 * controls.min():.2f} to {100 * controls.max():.2f}) | "
        f"{result.pvalue:.3g} | {result.seconds:.0f} |"
    )


def markdown(results, options):
    """Return the report."""
    return "\n".join(
        [
            "# Tickets of MNIST against their controls",
            "",
            f"{options.rows:,} training rows, {options.rounds} rounds of {options.epochs} epochs, "
            f"Adam, 784-300-100-10; accuracy on the 10,000 test images in percent; "
            f"{options.controls} controls, so that no p-value is below "
            f"{1 / (options.controls + 1):.3g}; seed {options.seed}.",
            "",
            f"{processor_name()}, {os.cpu_count()} cores, {options.jobs} jobs; "
            f"Python {platform.python_version()}, torch {torch.__version__}.",
            "",
            "| strategy | control | % remaining | ticket | controls | p-value | seconds |",
            "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
            *(describe(*condition, result) for condition, result in results.items()),
            "",
        ]
    )


def main():
    """Run the tests and write their results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--controls", type=int, default=19)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    results = measure(options)
    text = markdown(results, options)
    print(text)
    frame = pd.DataFrame(
        [
            {"strategy": strategy, "control": control, "network": name, "accuracy": accuracy}
            for (strategy, control), result in results.items()
            for name, accuracy in [("ticket", result.score)]
            + [(f"control {number}", score) for number, score in enumerate(result.control_scores)]
        ]
    )
    with replacing(options.output / "ticket_test_mnist.csv") as temporary:
        frame.to_csv(temporary, index=False)
    with replacing(options.output / "ticket_test_mnist.md") as temporary:
        temporary.write_text(text, "utf-8")
    display = TicketTestDisplay.from_results(results["magnitude", "reinit"], score_name="accuracy")
    with replacing(options.output / "ticket_test_mnist.png") as temporary:
        display.figure_.savefig(temporary, dpi=110, format="png")


if __name__ == "__main__":
    main()
