"""Time a grid over strategies and rounds with memory, without, and with two workers.

    python benchmarks/grid_memory.py [--rows 2000] [--epochs 4] [--repeats 3]
        [--output benchmarks/results]

A three-fold grid of 3 strategies and `rounds` in (1, 3, 5, 7), without refit: 66 networks with
memory, 180 without. Beside it, `GridSearchCV` over a plain skorch net of the same layers, batches,
epochs and optimizer, with 12 learning rates for candidates: 36 networks, none pruned, one for each
fit. Each way starts with an empty memory. Workers are started before the clock is; the ways
alternate, so that changes in the machine's speed meet all of them.
"""

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetClassifier

from skticket import WinningTicketClassifier
from skticket.files import replacing

GRID = {"strategy": ["magnitude", "random", "movement"], "rounds": [1, 3, 5, 7]}
LAYERS, N_INPUTS, N_CLASSES, BATCH = (300, 100), 100, 10, 60


class Plain(torch.nn.Sequential):
    """The layers of the estimator's network, as skorch's users write them."""

    def __init__(self):
        super().__init__(
            torch.nn.Linear(N_INPUTS, LAYERS[0]),
            torch.nn.ReLU(),
            torch.nn.Linear(LAYERS[0], LAYERS[1]),
            torch.nn.ReLU(),
            torch.nn.Linear(LAYERS[1], N_CLASSES),
        )


def data(n_rows):
    """Return a classification problem."""
    X, y = make_classification(
        n_rows, N_INPUTS, n_informative=30, n_classes=N_CLASSES, random_state=0
    )
    return X.astype(np.float32), y


def tickets(epochs, memory=None, n_jobs=1):
    """Return the grid over tickets."""
    clf = WinningTicketClassifier(
        LAYERS, batch_size=BATCH, max_epochs=epochs, memory=memory, random_state=0
    )
    return GridSearchCV(clf, GRID, cv=3, n_jobs=n_jobs, refit=False)


def plain(epochs):
    """Return a grid over full networks."""
    net = NeuralNetClassifier(
        Plain,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        batch_size=BATCH,
        max_epochs=epochs,
        verbose=0,
    )
    return GridSearchCV(net, {"lr": np.geomspace(1e-4, 1e-2, 12).tolist()}, cv=3, refit=False)


def networks(memory):
    """Count what a memory holds."""
    return len(list(Path(memory).rglob("output.pkl")))


def warm_up(_):
    """Import, and compile, in a worker."""
    X, y = data(300)
    WinningTicketClassifier((8,), rounds=4, max_epochs=1, random_state=0).fit(X, y)
    time.sleep(0.5)


def measure(options):
    """Return a row for each way and repeat."""
    X, y = data(options.rows)
    Parallel(n_jobs=2)(delayed(warm_up)(number) for number in range(4))
    warm_up(0)
    rows, scores = [], {}
    for repeat in range(options.repeats):
        for way in ("plain skorch", "without memory", "memory", "memory, 2 jobs"):
            with tempfile.TemporaryDirectory() as folder:
                n_jobs = 2 if "2 jobs" in way else 1
                memory = folder if way.startswith("memory") else None
                search = plain(options.epochs)
                if way != "plain skorch":
                    search = tickets(options.epochs, memory, n_jobs)
                start = time.perf_counter()
                search.fit(X, y)
                seconds = time.perf_counter() - start
                n_networks = {"plain skorch": 36, "without memory": 180}.get(way, networks(folder))
            scores[way] = search.cv_results_["mean_test_score"]
            rows.append(
                {"repeat": repeat, "way": way, "networks": n_networks, "seconds": round(seconds, 2)}
            )
            print(rows[-1], flush=True)
    same = all(np.array_equal(scores["memory"], scores[way]) for way in list(scores)[1:])
    return pd.DataFrame(rows), same


def markdown(frame, same, options, about):
    """Return the report."""
    table = frame.groupby("way", sort=False).agg(
        networks=("networks", "max"),
        median=("seconds", "median"),
        least=("seconds", "min"),
        most=("seconds", "max"),
    )
    median = table["median"]
    lines = [
        "# A grid with memory",
        "",
        about,
        "",
        f"3 folds, 3 strategies, rounds 1, 3, 5, 7; {options.rows:,} rows of {N_INPUTS} features, "
        f"layers {LAYERS}, {options.epochs} epochs a round; medians of {options.repeats} runs "
        "(least to most). Plain skorch: 12 learning rates, full networks only.",
        "",
        "| grid | networks | seconds | seconds a network |",
        "| --- | ---: | ---: | ---: |",
    ]
    for way, row in table.iterrows():
        lines.append(
            f"| {way} | {row['networks']:.0f} | {row['median']:.1f} ({row['least']:.1f} to "
            f"{row['most']:.1f}) | {row['median'] / row['networks']:.3f} |"
        )
    lines += [
        "",
        f"Memory: {median['without memory'] / median['memory']:.2f} times faster than without. "
        f"Two jobs: {median['memory'] / median['memory, 2 jobs']:.2f} times faster than one. "
        f"Scores of all candidates are {'the same' if same else 'NOT the same'} in all three.",
        "",
    ]
    return "\n".join(lines)


def main():
    """Run the comparison and write its results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    about = (
        f"{os.cpu_count()} cores; Python {platform.python_version()}, torch {torch.__version__}; "
        f"load average at the start {os.getloadavg()[0]:.1f}"
    )
    frame, same = measure(options)
    text = markdown(frame, same, options, about)
    print(text)
    with replacing(options.output / "grid_memory.csv") as temporary:
        frame.to_csv(temporary, index=False)
    with replacing(options.output / "grid_memory.md") as temporary:
        temporary.write_text(text)


if __name__ == "__main__":
    main()
