"""A whole search on MNIST, beside the same search by other packages.

    python benchmarks/search_mnist.py [--help]

784-300-100-10, SGD, batches of 128; 20 rounds, each one pass over 13,500 rows (106 steps) and one
evaluation on 1,500. More steps would take longer, and spread what the estimator does between two
trainings over more of them. Its time includes checks and the split of the data, which the others
are given. Each of them runs on one thread, and on all.
"""

from functools import partial

import torch
from baselines import BATCH, initial_arrays, lightning_search, plain_search, prune_search
from harness import OURS, Case, Claim, Contender, all_threads, main, missing, mnist
from networks import fit_by_sgd

N_ROWS = 15_000
PLAIN, PRUNE, LIGHTNING = "plain torch loop", "torch.nn.utils.prune", "Lightning ModelPruning"
WANTED = {PLAIN: 1.9, PRUNE: 2.3, LIGHTNING: 2.3}


def cases(settings):
    """Yield the one case."""
    X, _, y, _ = mnist(settings)
    X, y = X[:N_ROWS], y[:N_ROWS]
    rounds = settings.choose(20, 2)
    n_train = round(0.9 * len(X))
    X_torch, y_torch = torch.from_numpy(X), torch.from_numpy(y)
    data = X_torch[:n_train], y_torch[:n_train], X_torch[n_train:], y_torch[n_train:]
    arrays = initial_arrays((X.shape[1], 300, 100, 10))
    contenders = [
        *_other(PLAIN, plain_search, data, arrays, rounds),
        *_other(PRUNE, prune_search, data, arrays, rounds),
        *_other(LIGHTNING, lightning_search, data, arrays, rounds, missing("lightning")),
        Contender(OURS, lambda: fit_by_sgd(X, y, rounds, 1)),
    ]
    claims = [Claim((name,), wanted) for name, wanted in WANTED.items()]
    # Only what is compiled needs warming up, and a whole round of turns takes minutes.
    fit_by_sgd(X[:1000], y[:1000], settings.choose(8, 2), 1)
    yield Case(f"{rounds} rounds", contenders, claims, unit="s", warm_up=0)


def _other(name, search, data, arrays, rounds, reason=""):
    if reason:
        return [Contender(name, None, missing=reason)]
    # A quick trial of both numbers of threads has been wrong about which one is faster.
    run = partial(search, data, arrays, rounds, BATCH)
    return [Contender(name, run, f"threads: {n}", threads=n) for n in all_threads()]


if __name__ == "__main__":
    main("search_mnist", cases, __doc__)
