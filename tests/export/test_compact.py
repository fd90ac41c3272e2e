"""What is left of a ticket's network gives the same outputs."""

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from skticket import Ticket
from skticket.export import compact
from skticket.ticket import reaching_units

sizes = st.lists(st.integers(1, 6), min_size=2, max_size=5)


def forward(ticket, X):
    inputs, layers = compact(ticket)
    X = X[:, inputs]
    for number, (weights, biases) in enumerate(layers, start=1):
        X = X @ weights.T + biases
        if number < len(layers):
            X = np.maximum(X, 0)
    return X


@given(sizes, st.floats(0, 1), st.integers(0, 10_000))
def test_outputs_are_the_same(random_ticket, sizes, density, seed):
    ticket = random_ticket(sizes, density=density, seed=seed, dtype="float64")
    X = np.random.default_rng(seed).normal(size=(4, sizes[0]))
    expected = reference.forward(ticket.weights, X, ticket.mask)
    # At most four sums of seven terms each, of which normal variates make products below 1e4.
    np.testing.assert_allclose(forward(ticket, X), expected, rtol=1e-12, atol=1e-10)


@given(sizes, st.floats(0, 1), st.integers(0, 10_000))
def test_nothing_else_is_left(random_ticket, sizes, density, seed):
    ticket = random_ticket(sizes, density=density, seed=seed)
    masks = list(ticket.mask.values())
    backward = reaching_units(masks)
    # The same from the other end: what inputs lead to.
    forward = [*reversed(reaching_units([mask.T for mask in reversed(masks)]))]
    forward[0][:] = True
    inputs, layers = compact(ticket)
    assert len(inputs) == max(backward[0].sum(), 1)
    for number, (weights, biases) in enumerate(layers, start=1):
        is_last = number == len(layers)
        used = np.ones(sizes[-1], bool) if is_last else backward[number] & forward[number]
        assert weights.shape[0] == len(biases) == max(used.sum(), 1)


def test_a_network_without_a_path():
    arrays = {
        "layers.0.weight": np.array([[1.0, 0.0], [0.0, 0.0]]),
        "layers.0.bias": np.array([1.0, 2.0]),
        "layers.1.weight": np.array([[0.0, 3.0]]),
        "layers.1.bias": np.array([4.0]),
    }
    mask = {name: arrays[name] != 0 for name in ("layers.0.weight", "layers.1.weight")}
    ticket = Ticket(arrays, mask)
    np.testing.assert_array_equal(forward(ticket, np.ones((3, 2))), np.full((3, 1), 10.0))


def test_no_hidden_layer():
    arrays = {"layers.0.weight": np.array([[0.0, 2.0]]), "layers.0.bias": np.array([1.0])}
    ticket = Ticket(arrays, {"layers.0.weight": np.array([[False, True]])})
    inputs, [(weights, biases)] = compact(ticket)
    assert (list(inputs), weights.tolist(), biases.tolist()) == ([1], [[2.0]], [1.0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_ticket_stays(random_ticket, dtype):
    ticket = random_ticket(dtype=dtype)
    same = random_ticket(dtype=dtype)
    compact(ticket)
    assert ticket == same
