"""One training step of a sparse network beside torch's masked one and SparseProp's.

    python benchmarks/steps.py [--help]

A step is: gather a batch of 128 rows of MNIST, forward, cross-entropy, backward, update. The plain
torch loop multiplies the masks in; it runs on one thread and on all, with a fused optimizer and
with torch's default one. SparseProp's layers stand in for all layers or for the hidden ones, on one
thread and on all. Ours are those of a training: many in one call, on as many threads as pay.
"""

from contextlib import contextmanager
from itertools import islice

import numpy as np
import torch
from baselines import (
    BATCH,
    LR,
    PlainLoop,
    batches,
    initial_arrays,
    magnitude_masks,
    make_optimizer,
    sparseprop_network,
    uniform_masks,
)
from harness import OURS, Case, Claim, Contender, all_threads, main, missing, mnist, times
from networks import make_net, make_ticket
from skorch.dataset import Dataset
from torch.nn import functional as F

from skticket.engines import computing
from skticket.network import Data, load_arrays, with_batches

PLAIN, UNFUSED, SPARSEPROP = "plain torch loop", "plain loop, default optimizer", "SparseProp"
NETWORKS = {"300-100": (784, 300, 100, 10), "1000-1000": (784, 1000, 1000, 10)}
# How many times faster than the plain loop, by network and density, on two cores of their own.
WANTED = {
    ("300-100", 0.26): 4,
    ("300-100", 0.1): 9,
    ("300-100", 0.036): 16,
    ("300-100", 0.01): 30,
    ("1000-1000", 0.1): 7,
    ("1000-1000", 0.036): 18,
    ("1000-1000", 0.01): 48,
}
WANTED_SPARSEPROP = 3


def cases(settings):
    """Yield a case for each network, optimizer, kind of mask and density."""
    X, _, y, _ = mnist(settings)
    trained = _train(X, y, settings.choose(200, 2))
    kinds = [
        ("300-100", "sgd", "uniform"),
        ("300-100", "sgd", "magnitude"),
        ("300-100", "adam", "uniform"),
        ("1000-1000", "sgd", "uniform"),
    ]
    for network, optimizer, kind in settings.choose(kinds, kinds[1:3]):
        sizes = NETWORKS[network]
        densities = [density for name, density in WANTED if name == network]
        for density in settings.choose(densities, densities[-1:]):
            if kind == "uniform":
                masks = uniform_masks(sizes, density)
            else:
                masks = magnitude_masks(trained, density)
            n_steps = settings.choose(50 if network == "300-100" else 15, 2)
            yield from _case(network, optimizer, kind, density, masks, X, y, n_steps)


def _train(X, y, n_steps):
    """Return the weights of a full network after some steps."""
    loop = PlainLoop(*initial_arrays(NETWORKS["300-100"]), optimizer="adam")
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    for _, rows in zip(range(n_steps), batches(len(X), BATCH)):
        loop.step(X[rows], y[rows])
    return [weight.detach().numpy() for weight in loop.weights]


def _case(network, optimizer, kind, density, masks, X, y, n_steps):
    arrays = initial_arrays(NETWORKS[network])
    contenders = [
        *_plain(arrays, masks, optimizer, X, y, n_steps),
        *_sparseprop(arrays, masks, optimizer, X, y, n_steps),
    ]
    claims = [Claim((PLAIN, UNFUSED), WANTED[network, density]), Claim((UNFUSED,))]
    # No promise is made beside SparseProp for networks that are hardly sparse.
    claims.append(Claim((SPARSEPROP,), WANTED_SPARSEPROP if density <= 0.1 else None))
    sizes = "-".join(map(str, NETWORKS[network]))
    name = f"{sizes}, {optimizer}, {kind} masks, density {density:g}"
    with _sparse_steps(arrays, masks, optimizer, X, y, n_steps * 2) as take:
        ours = Contender(OURS, take, work=n_steps * 2)
        yield Case(name, [*contenders, ours], claims, unit="µs")


def _plain(arrays, masks, optimizer, X, y, n_steps):
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    for fused in (True, False):
        for threads in all_threads():
            loop = PlainLoop(*arrays, masks, optimizer, fused)
            yield Contender(
                PLAIN if fused else UNFUSED,
                times(n_steps, _stepper(loop.step, X, y)),
                f"threads: {threads}",
                work=n_steps,
                threads=threads,
            )


def _stepper(step, X, y):
    order = batches(len(X), BATCH)

    def take():
        rows = next(order)
        return step(X[rows], y[rows])

    return take


def _sparseprop(arrays, masks, optimizer, X, y, n_steps):
    reason = missing("sparseprop.modules")
    if reason:
        return [Contender(SPARSEPROP, None, missing=reason)]
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    contenders = []
    for layers, n_sparse in (("all layers", len(masks)), ("hidden layers", len(masks) - 1)):
        for threads in all_threads():
            step = _module_step(sparseprop_network(*arrays, masks, n_sparse), optimizer)
            contenders.append(
                Contender(
                    SPARSEPROP,
                    times(n_steps, _stepper(step, X, y)),
                    f"{layers}, threads: {threads}",
                    work=n_steps,
                    threads=threads,
                )
            )
    return contenders


def _module_step(network, name):
    optimizer = make_optimizer(name, network.parameters())

    def step(X, y):
        loss = F.cross_entropy(network(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


@contextmanager
def _sparse_steps(arrays, masks, optimizer, X, y, n_steps):
    """Give what takes the next steps of a training of the ticket."""
    ticket = make_ticket(arrays, masks)
    sizes = (X.shape[1], *map(len, masks))
    net = make_net(sizes, optimizer, LR if optimizer == "sgd" else 1e-3, BATCH)
    net = with_batches(net, "iterator_train").initialize()
    load_arrays(net.module_, ticket.weights)
    order = batches(len(X), BATCH)
    options = {"n_rows": n_steps * BATCH, "layout": "sparse", "n_threads": max(all_threads())}
    with computing(net, ticket, Data(X, y, X[:1], y[:1], True), **options):
        iterator = net.get_iterator(Dataset(X, y), training=True)
        yield lambda: net.take_steps(iterator, np.concatenate(list(islice(order, n_steps))))


if __name__ == "__main__":
    main("steps", cases, __doc__)
