"""Layers of which little was pruned are computed whole, with zeros where it was."""

from unittest import mock

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from skticket import Ticket
from skticket.engines import SparseNetwork
from skticket.engines._optimizers import CompiledAdam, CompiledSGD

OPTIMIZERS = {
    CompiledSGD: {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
    CompiledAdam: {"lr": 0.01, "weight_decay": 0.01},
}


def random_ticket(sizes, density, rng):
    arrays, mask = {}, {}
    for number, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):
        arrays[f"{number}.weight"] = rng.normal(0, n_in**-0.5, (n_out, n_in)).astype(np.float32)
        arrays[f"{number}.bias"] = rng.normal(0, 0.5, n_out).astype(np.float32)
        mask[f"{number}.weight"] = rng.random((n_out, n_in)) < density
    return Ticket(arrays, mask)


def train(ticket, kind, *data, **options):
    """The losses of some steps, and all that a network then holds, as dense arrays."""
    network = SparseNetwork(ticket)
    values = torch.nn.Parameter(torch.from_numpy(network.parameters))
    values.grad = torch.from_numpy(network.gradients)
    optimizer = kind([values], **OPTIMIZERS[kind])
    losses = network.take_steps(*data, optimizer, **options)
    vectors = [network.parameters, network.gradients, *optimizer.state_arrays]
    held = [network.to_arrays(vector) for vector in vectors if len(vector)]
    return losses, held, network


@given(
    sizes=st.lists(st.integers(1, 23), min_size=1, max_size=3),
    n_features=st.integers(1, 40),
    density=st.sampled_from([0.5, 0.65, 0.8, 0.95, 1]),
    batch_size=st.sampled_from([1, 16, 40, 60, 100, 128, 256, 300]),
    kind=st.sampled_from(list(OPTIMIZERS)),
    n_threads=st.sampled_from([1, 2]),
    share=st.sampled_from([0.02, 1]),
    seed=st.integers(0, 1000),
)
def test_no_bit_depends_on_the_zeros(
    sizes, n_features, density, batch_size, kind, n_threads, share, seed
):
    rng = np.random.default_rng(seed)
    ticket = random_ticket((n_features, *sizes, 3), density, rng)
    X = rng.normal(size=(90, n_features)).astype(np.float32)
    y, rows = rng.integers(3, size=90), rng.integers(90, size=2 * batch_size + 1)
    if share < 1:
        X = csr_array(X * (rng.random(X.shape) < share))
    arguments = ticket, kind, X, y
    options = {"rows": rows, "batch_size": batch_size, "n_threads": n_threads}
    losses, held, network = train(*arguments, **options)
    with mock.patch("skticket.engines._pattern._FULL", 2):
        expected_losses, expected, surviving_alone = train(*arguments, **options)
    np.testing.assert_array_equal(losses, expected_losses)
    for found, others in zip(held, expected, strict=True):
        for name, array in found.items():
            np.testing.assert_array_equal(array, others[name])
    np.testing.assert_array_equal(network.predict(X), surviving_alone.predict(X))


def test_what_was_pruned_stays_zero():
    rng = np.random.default_rng(0)
    ticket = random_ticket((30, 20, 10), 0.8, rng)
    X, y = rng.normal(size=(200, 30)).astype(np.float32), rng.integers(10, size=200)
    for kind in OPTIMIZERS:
        options = {"rows": np.tile(np.arange(200), 5), "batch_size": 50}
        losses, held, network = train(ticket, kind, X, y, **options)
        assert len(network.parameters) == 30 * 20 + 20 + 20 * 10 + 10
        for name, mask in ticket.mask.items():
            assert not any(arrays[name][~mask].any() for arrays in held)
            assert held[0][name][mask].all()
        assert losses[-4:].mean() < losses[:4].mean()


def test_other_networks_values_of_what_was_pruned_are_ignored():
    ticket = random_ticket((30, 20, 10), 0.8, np.random.default_rng(0))
    network = SparseNetwork(ticket)
    ones = {name: np.ones_like(array) for name, array in ticket.initial.items()}
    spread = network.to_arrays(network.to_vector(ones))
    for name, mask in ticket.mask.items():
        np.testing.assert_array_equal(spread[name], mask)


def test_a_training_that_diverges_shows():
    rng = np.random.default_rng(0)
    ticket = random_ticket((30, 20, 10), 0.8, rng)
    X, y = rng.normal(size=(64, 30)).astype(np.float32), rng.integers(10, size=64)
    X[3, 4] = np.inf
    losses, _, _ = train(ticket, CompiledSGD, X, y, rows=np.arange(64), batch_size=64)
    assert np.isnan(losses).all()
