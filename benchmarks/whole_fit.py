"""A whole `fit` of the full network beside a plain torch loop and default skorch.

    python benchmarks/whole_fit.py [--help]

784-300-100-10 on MNIST, SGD, batches of 128, two passes, validation loss and accuracy after each.
The estimator's time includes checks, the split of the data and its records. The plain loop splits
by position, so that it never copies the training rows.
"""

import numpy as np
import torch
from baselines import BATCH, LR, PlainLoop, initial_arrays
from harness import OURS, Case, Claim, Contender, all_threads, main, mnist
from networks import fit_by_sgd
from skorch import NeuralNetClassifier
from skorch.dataset import ValidSplit
from torch import nn

HIDDEN = (300, 100)
PLAIN, SKORCH = "plain torch loop", "default skorch"
# Plain loop's time over ours; skorch's over ours.
WANTED_PLAIN, WANTED_SKORCH = 1 / 1.10, 1.3


def cases(settings):
    """Yield the one case."""
    X, _, y, _ = mnist(settings)
    epochs = settings.choose(2, 1)
    contenders = []
    for threads in all_threads():
        variant = f"threads: {threads}"
        contenders += [
            Contender(PLAIN, lambda: plain(X, y, epochs), variant, threads=threads),
            Contender(SKORCH, lambda: skorch(X, y, epochs), variant, threads=threads),
        ]
    contenders.append(Contender(OURS, lambda: ours(X, y, epochs)))
    claims = [Claim((PLAIN,), WANTED_PLAIN), Claim((SKORCH,), WANTED_SKORCH)]
    # A few rows warm up what there is to warm up.
    for fit in (ours, plain, skorch):
        fit(X[:2000], y[:2000], 1)
    yield Case(f"{epochs} epochs, density 1, sgd", contenders, claims, unit="s", warm_up=0)


def ours(X, y, epochs):
    """Fit the estimator; return its validation scores."""
    return fit_by_sgd(X, y, 0, epochs).histories_[0][:, "valid_score"]


def plain(X, y, epochs):
    """Train by a plain loop; return its validation scores."""
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    order = torch.randperm(len(X))
    rows, valid = order.tensor_split([round(0.9 * len(X))])
    X_valid, y_valid = X[valid], y[valid]
    loop = PlainLoop(*initial_arrays((X.shape[1], *HIDDEN, 10)))
    scores = []
    for _ in range(epochs):
        loss = 0
        for batch in rows[torch.randperm(len(rows))].split(BATCH):
            loss += loop.step(X[batch], y[batch]) * len(batch)
        scores.append(loop.evaluate(X_valid, y_valid)[1])
    return scores


class Network(nn.Sequential):
    """The network, as skorch's users write it."""

    def __init__(self):
        sizes = (784, *HIDDEN, 10)
        layers = [
            part
            for n_in, n_out in zip(sizes, sizes[1:])
            for part in (nn.Linear(n_in, n_out), nn.ReLU())
        ]
        super().__init__(*layers[:-1])


def skorch(X, y, epochs):
    """Fit skorch's classifier with its defaults; return its validation scores."""
    net = NeuralNetClassifier(
        Network,
        criterion=nn.CrossEntropyLoss,
        lr=LR,
        batch_size=BATCH,
        max_epochs=epochs,
        train_split=ValidSplit(0.1, stratified=True),
        verbose=0,
    ).fit(X, y)
    return np.array(net.history[:, "valid_acc"])


if __name__ == "__main__":
    main("whole_fit", cases, __doc__)
