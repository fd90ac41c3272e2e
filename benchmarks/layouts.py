"""The layout that `layout="auto"` takes beside both, at every density of a search.

    python benchmarks/layouts.py [--help]

Trainings of tickets by SGD in batches of 128, with one evaluation at the end: 784-300-100-10 on
MNIST, and the digits' network, of which so short a training is not worth compiled code. And whole
searches of tables of 100,000 rows: nine rounds of one epoch, by the other defaults.
"""

import numpy as np
from baselines import BATCH, LR, initial_arrays, uniform_masks
from harness import Case, Claim, Contender, main, mnist
from networks import make_net, make_ticket
from sklearn.datasets import make_classification

from skticket import WinningTicketClassifier
from skticket.datasets import load_digits
from skticket.network import Data
from skticket.training import train

DENSITIES = (1, 0.8, 0.64, 0.51, 0.41, 0.33, 0.26, 0.1, 0.036, 0.01)
# Within 5% of the better layout.
WANTED = 1 / 1.05


def cases(settings):
    """Yield a case for each network and density."""
    X, _, y, _ = mnist(settings)
    for density in settings.choose(DENSITIES, DENSITIES[-2:]):
        yield _case(X, y, density, settings.choose(100, 3), WANTED)
    if not settings.tiny:
        X, y = load_digits(return_X_y=True)
        for density in DENSITIES[::3]:
            yield _case(X, y, density, 200, None)
    for n_columns in settings.choose((20, 100, 1000), (20,)):
        yield _table_case(settings.choose(100_000, 1000), n_columns)


def _table_case(n_rows, n_columns):
    X, y = make_classification(n_rows, n_columns, n_informative=10, n_classes=4, random_state=0)
    X = X.astype(np.float32)
    options = {"rounds": 9, "max_epochs": 1, "random_state": 0}
    contenders = [
        Contender(
            layout,
            lambda layout=layout: WinningTicketClassifier(layout=layout, **options).fit(X, y),
        )
        for layout in ("dense", "sparse", "auto")
    ]
    name = f"a table of {n_columns} columns"
    return Case(name, contenders, [Claim(("dense", "sparse"), WANTED, "auto")], unit="s")


def _case(X, y, density, n_steps, wanted):
    sizes = (X.shape[1], 300, 100, 10)
    ticket = make_ticket(initial_arrays(sizes), uniform_masks(sizes, density))
    n_train = round(0.9 * len(X))
    data = Data(X[:n_train], y[:n_train], X[n_train:], y[n_train:], True)
    net = make_net(sizes, "sgd", LR, BATCH)
    contenders = [
        Contender(
            layout,
            lambda layout=layout: train(
                net, ticket, data, n_steps=n_steps, evaluate_every=n_steps, layout=layout
            ),
            work=n_steps,
        )
        for layout in ("dense", "sparse", "auto")
    ]
    name = f"{'-'.join(map(str, sizes))}, density {density:g}"
    return Case(name, contenders, [Claim(("dense", "sparse"), wanted, "auto")])


if __name__ == "__main__":
    main("layouts", cases, __doc__)
