"""The reference itself: its gradients are slopes of its loss, its steps are those of torch."""

import numpy as np
import pytest
import reference
import torch


def make(loss, random_ticket):
    ticket = random_ticket((4, 5, 3, 2), density=0.6)
    rng = np.random.default_rng(1)
    y = rng.integers(2, size=6) if loss == "cross_entropy" else rng.uniform(size=(6, 2)).round()
    return ticket, rng.normal(size=(6, 4)), y, rng.uniform(0.5, 2, 6)


@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "squared_error"])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_are_slopes(loss, activation, weighted, random_ticket):
    ticket, X, y, weight = make(loss, random_ticket)
    options = {"loss": loss, "activation": activation, "weight": weight if weighted else None}
    arrays = reference.masked(ticket.weights, ticket.mask)
    _, gradients = reference.gradients(arrays, X, y, ticket.mask, **options)
    for name, gradient in gradients.items():
        for place in np.ndindex(gradient.shape):
            values = []
            for step in (-1e-5, 1e-5):
                moved = {n: a.copy() for n, a in arrays.items()}
                moved[name][place] += step
                values.append(reference.gradients(moved, X, y, ticket.mask, **options)[0])
            # Central differences: an error of step² in the slope, of 1e-16 / step in values.
            slope = (values[1] - values[0]) / 2e-5
            assert gradient[place] == pytest.approx(slope, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(
    "ours, theirs, options",
    [
        (reference.SGD, torch.optim.SGD, {"momentum": 0.9, "weight_decay": 0.1}),
        (reference.SGD, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        (reference.Adam, torch.optim.Adam, {"weight_decay": 0.1, "betas": (0.8, 0.95)}),
    ],
)
def test_steps_are_those_of_torch(ours, theirs, options):
    rng = np.random.default_rng(0)
    arrays = {"w": rng.normal(size=(3, 4))}
    parameter = torch.nn.Parameter(torch.tensor(arrays["w"]))
    ours, theirs = ours(0.1, **options), theirs([parameter], lr=0.1, **options)
    for _ in range(5):
        gradient = rng.normal(size=(3, 4))
        ours.step(arrays, {"w": gradient})
        parameter.grad = torch.tensor(gradient)
        theirs.step()
    np.testing.assert_allclose(arrays["w"], parameter.detach().numpy(), rtol=1e-12, atol=1e-14)
