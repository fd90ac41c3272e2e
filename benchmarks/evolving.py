"""What a training costs of a network that is sparse from birth, in trainings of the full network.

    python benchmarks/evolving.py [--help]

784-300-100-10 on MNIST, by Adam in batches of 128, so many steps for all, with an evaluation after
every 100: the full network, and networks born with 10% and 3.6% of its weights, of which every
100 steps 30% and less are exchanged for others, at random (SET) or by the gradient (RigL).
"""

import numpy as np
from baselines import BATCH, initial_arrays, uniform_masks
from harness import Case, Claim, Contender, main, mnist
from networks import make_net, make_ticket

from skticket.network import Data
from skticket.pruning import Evolving
from skticket.training import train

SIZES = (784, 300, 100, 10)
LR = 1.2e-3
DENSITIES = (0.1, 0.036)
# At most 0.3 of the full network's training.
WANTED = 1 / 0.3


def cases(settings):
    """Yield a case for each density."""
    X, _, y, _ = mnist(settings)
    n_train = round(11 / 12 * len(X))
    data = Data(X[:n_train], y[:n_train], X[n_train:], y[n_train:], True)
    full = make_ticket(initial_arrays(SIZES), uniform_masks(SIZES, 1))
    n_steps = settings.choose(2000, 3)
    for density in settings.choose(DENSITIES, DENSITIES[-1:]):
        yield _case(full, data, density, n_steps)


def _case(full, data, density, n_steps):
    net = make_net(SIZES, "adam", LR, BATCH)
    options = {"n_steps": n_steps, "evaluate_every": min(100, n_steps)}
    born = Evolving().born(full, round(density * full.n_weights), np.random.RandomState(0))
    contenders = [
        Contender("full network", lambda: train(net, full, data, **options)),
        *(
            Contender(
                name,
                lambda how=how: train(
                    net, born, data, layout="sparse", evolving=Evolving(how=how), **options
                ),
            )
            for name, how in (("SET", "random"), ("RigL", "gradient"))
        ),
    ]
    claims = [Claim(("full network",), WANTED, name) for name in ("SET", "RigL")]
    return Case(f"density {density:g}", contenders, claims, unit="s")


if __name__ == "__main__":
    main("evolving", cases, __doc__)
