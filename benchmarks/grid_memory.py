"""A grid over strategies and rounds with memory, without, and with two workers.

    python benchmarks/grid_memory.py [--help]

A three-fold grid of 3 strategies and `rounds` in (1, 3, 5, 7), without refit: 66 networks with
memory, 180 without. Beside it, `GridSearchCV` over a plain skorch net of the same layers, batches,
epochs and optimizer, with 12 learning rates for candidates: 36 networks, none pruned, one for each
fit; its time is that of 180. Each way starts with an empty memory; workers are started before the
clock is.
"""

import tempfile
import time

import numpy as np
import torch
from harness import OURS, Case, Claim, Contender, main
from joblib import Parallel, delayed
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetClassifier

from skticket import WinningTicketClassifier

GRID = {"strategy": ["magnitude", "random", "movement"], "rounds": [1, 3, 5, 7]}
N_ROWS, EPOCHS, N_NETWORKS = 2000, 3, 180
LAYERS, N_INPUTS, N_CLASSES, BATCH = (300, 100), 100, 10, 60
WITHOUT, SKORCH, WORKERS = "without memory", "plain skorch", "memory, 2 jobs"


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


def cases(settings):
    """Yield the one case."""
    X, y = data(settings.choose(N_ROWS, 200))
    epochs = settings.choose(EPOCHS, 1)
    grid = settings.choose(GRID, {"strategy": ["magnitude"], "rounds": [1]})
    contenders = [
        Contender(SKORCH, plain(X, y, epochs, settings.choose(12, 1)), work=36 / N_NETWORKS),
        Contender(WITHOUT, lambda: tickets(epochs, grid).fit(X, y)),
        _with_memory(OURS, X, y, epochs, grid, 1),
    ]
    claims = [Claim((WITHOUT,)), Claim((SKORCH,))]
    if not settings.tiny:
        Parallel(n_jobs=2)(delayed(warm_up)(number) for number in range(4))
        contenders.append(_with_memory(WORKERS, X, y, epochs, grid, 2))
        claims.append(Claim((OURS,), None, WORKERS))
    yield Case("a grid of 180 networks", contenders, claims, unit="s", warm_up=0)


def data(n_rows):
    """Return a classification problem."""
    X, y = make_classification(
        n_rows, N_INPUTS, n_informative=30, n_classes=N_CLASSES, random_state=0
    )
    return X.astype(np.float32), y


def tickets(epochs, grid, memory=None, n_jobs=1):
    """Return the grid over tickets."""
    clf = WinningTicketClassifier(
        LAYERS, batch_size=BATCH, max_epochs=epochs, memory=memory, random_state=0
    )
    return GridSearchCV(clf, grid, cv=3, n_jobs=n_jobs, refit=False)


def plain(X, y, epochs, n_candidates):
    """Return what fits a grid over full networks."""
    net = NeuralNetClassifier(
        Plain,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        batch_size=BATCH,
        max_epochs=epochs,
        verbose=0,
    )
    grid = {"lr": np.geomspace(1e-4, 1e-2, n_candidates).tolist()}
    return lambda: GridSearchCV(net, grid, cv=3, refit=False).fit(X, y)


def _with_memory(name, X, y, epochs, grid, n_jobs):
    def run(folder):
        with folder:
            return tickets(epochs, grid, folder.name, n_jobs).fit(X, y)

    return Contender(name, run, prepare=tempfile.TemporaryDirectory)


def warm_up(_):
    """Import, and compile, in a worker."""
    X, y = data(300)
    WinningTicketClassifier((8,), rounds=4, max_epochs=1, random_state=0).fit(X, y)
    time.sleep(0.5)


if __name__ == "__main__":
    main("grid_memory", cases, __doc__)
