"""A whole search on MNIST, beside the same search by other packages.

    python benchmarks/search_mnist.py [--help]

784-300-100-10, SGD, batches of 128; 20 rounds, each one pass over 13,500 rows (106 steps) and one
evaluation on 1,500; and each over ten copies of these rows (1,055 steps), where what the estimator
does between two trainings weighs less, in trainings of the full network, with and without a budget.
Its time includes checks and the split of the data, which the others are given. Each of them runs on
one thread, and on all.
"""

from functools import partial

import numpy as np
import torch
from baselines import BATCH, initial_arrays, lightning_search, plain_search, prune_search
from harness import OURS, Case, Claim, Contender, all_threads, main, missing, mnist
from networks import fit_by_sgd

N_ROWS, N_COPIES = 15_000, 10
PLAIN, PRUNE, LIGHTNING = "plain torch loop", "torch.nn.utils.prune", "Lightning ModelPruning"
TRAINING, BUDGET = "skticket, full network alone", "skticket, round_budget=1/6"
WANTED = {PLAIN: 1.9, PRUNE: 2.3, LIGHTNING: 2.3}
# In trainings of the full network; and times faster than the others' searches.
WANTED_ALONE = {OURS: 5.5, BUDGET: 3.3}
WANTED_BUDGET = {PLAIN: 6, LIGHTNING: 8}


def cases(settings):
    """Yield a case of short rounds, and one of long ones."""
    X, _, y, _ = mnist(settings)
    X, y = X[:N_ROWS], y[:N_ROWS]
    rounds = settings.choose(20, 2)
    # Only what is compiled needs warming up, and a whole round of turns takes minutes.
    fit_by_sgd(X[:1000], y[:1000], settings.choose(8, 2), layout="sparse")
    contenders = [*_others(X, y, rounds), Contender(OURS, lambda: fit_by_sgd(X, y, rounds))]
    claims = [Claim((name,), wanted) for name, wanted in WANTED.items()]
    yield Case(f"{rounds} rounds", contenders, claims, unit="s", warm_up=0)

    # A round is cut short at an evaluation at the earliest, so that there have to be some.
    n_copies = settings.choose(N_COPIES, 2)
    budget = {"round_budget": 1 / 6, "n_evaluations": 5}
    X, y = np.tile(X, (n_copies, 1)), np.tile(y, n_copies)
    contenders = [
        *_others(X, y, rounds, without=PRUNE),
        Contender(TRAINING, lambda: fit_by_sgd(X, y, 0)),
        Contender(OURS, lambda: fit_by_sgd(X, y, rounds)),
        Contender(BUDGET, lambda: fit_by_sgd(X, y, rounds, **budget)),
    ]
    claims = [Claim((TRAINING,), 1 / cost, subject) for subject, cost in WANTED_ALONE.items()]
    claims += [Claim((name,), wanted, BUDGET) for name, wanted in WANTED_BUDGET.items()]
    yield Case(f"{rounds} longer rounds", contenders, claims, unit="s", warm_up=0)


def _others(X, y, rounds, without=None):
    n_train = round(0.9 * len(X))
    X_torch, y_torch = torch.from_numpy(X), torch.from_numpy(y)
    data = X_torch[:n_train], y_torch[:n_train], X_torch[n_train:], y_torch[n_train:]
    arrays = initial_arrays((X.shape[1], 300, 100, 10))
    searches = [
        (PLAIN, plain_search, ""),
        (PRUNE, prune_search, ""),
        (LIGHTNING, lightning_search, missing("lightning")),
    ]
    return [
        contender
        for name, search, reason in searches
        if name != without
        for contender in _other(name, search, data, arrays, rounds, reason)
    ]


def _other(name, search, data, arrays, rounds, reason):
    if reason:
        return [Contender(name, None, missing=reason)]
    # A quick trial of both numbers of threads has been wrong about which one is faster.
    run = partial(search, data, arrays, rounds, BATCH)
    return [Contender(name, run, f"threads: {n}", threads=n) for n in all_threads()]


if __name__ == "__main__":
    main("search_mnist", cases, __doc__)
