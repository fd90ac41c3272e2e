"""Masks that change in the course of a training, against a slow reference in float64."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import reference
import torch
from scipy.sparse import csr_array
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, LRScheduler
from torch import nn

from skticket import Ticket
from skticket.engines import _coverage
from skticket.network import Data, default_net, steps_per_epoch
from skticket.pruning import Evolving
from skticket.training import train

SIZES = (12, 20, 10, 3)
N_ROWS, BATCH_SIZE, N_STEPS, SEED = 40, 16, 11, 7
# At steps 2, 4, 6, 8; by the gradient of all rows, so that nothing is drawn.
EVOLVING = Evolving(rate=0.4, every=2, how="gradient", n_rows=None)
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, reference.SGD, {"lr": 0.1}),
    "momentum": (torch.optim.SGD, reference.SGD, {"lr": 0.05, "momentum": 0.9}),
    "adam": (torch.optim.Adam, reference.Adam, {"lr": 0.01}),
    "adam, weight decay": (torch.optim.Adam, reference.Adam, {"lr": 0.01, "weight_decay": 0.1}),
}


class Nothing(Callback):
    """A callback of the user's, for whom steps have to be told of."""


def problem(seed):
    rng = np.random.default_rng(seed)
    arrays = {}
    for number, (n_in, n_out) in enumerate(pairwise(SIZES)):
        arrays[f"layers.{number}.weight"] = rng.normal(0, n_in**-0.5, (n_out, n_in))
        arrays[f"layers.{number}.bias"] = rng.normal(0, 0.5, n_out)
    arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
    full = Ticket.full(arrays, [name for name in arrays if "weight" in name])
    ticket = EVOLVING.born(full, 120, np.random.RandomState(seed))
    X = rng.normal(size=(N_ROWS, SIZES[0])).astype(np.float32)
    return ticket, X, rng.integers(SIZES[-1], size=N_ROWS)


def exchange(arrays, initial, masks, rate, X, y, optimizer, margins):
    """Prune the smallest and grow the largest gradients, one layer after another, in lists."""
    dense = dict.fromkeys(masks, True)
    _, gradients = reference.gradients(arrays, X, y, dense, loss="cross_entropy")
    *_, last = masks
    for name, mask in masks.items():
        there, missing = np.flatnonzero(mask), np.flatnonzero(~mask)
        n = min(round(rate * (0.5 if name == last else 1) * len(there)), len(missing))
        by_size = sorted(there, key=lambda place: abs(arrays[name].flat[place]))
        by_gradient = sorted(missing, key=lambda place: -abs(gradients[name].flat[place]))
        for ranked, values in ((by_size, arrays[name]), (by_gradient, gradients[name])):
            if 0 < n < len(ranked):
                chosen, next_one = (abs(values.flat[ranked[k]]) for k in (n - 1, n))
                margins.append(abs(chosen - next_one))
        changed = np.zeros(mask.shape, bool)
        changed.flat[by_size[:n]] = changed.flat[by_gradient[:n]] = True
        masks[name] = mask ^ changed
        arrays[name] = np.where(changed, 0, arrays[name])
        initial[name] = np.where(changed, 0, initial[name])
        for state in (getattr(optimizer, s, {}) for s in ("velocity", "mean", "square")):
            if name in state:
                state[name] = np.where(changed, 0, state[name])


@cache
def case(optimizer):
    """A training that float32 decides as float64 does, and its end."""
    _, rule, options = OPTIMIZERS[optimizer]
    for seed in range(500):
        ticket, X, y = problem(seed)
        masks, stepper, margins = dict(ticket.mask), rule(**options), []
        initial = {name: np.asarray(array, float) for name, array in ticket.initial.items()}
        arrays = reference.masked(ticket.weights, masks)
        for step, rows in enumerate(reference.batches(N_ROWS, BATCH_SIZE, N_STEPS, SEED), 1):
            _, found = reference.gradients(arrays, X[rows], y[rows], masks, loss="cross_entropy")
            if rule is reference.Adam:
                decay = options.get("weight_decay", 0)
                for name, g in found.items():
                    margins.extend(np.abs(g + decay * arrays[name])[g != 0])
            for number, (w, b) in enumerate(reference.layers(arrays)[:-1]):
                z = np.abs(
                    reference.units(arrays, X[rows], masks)[number] @ arrays[w].T + arrays[b]
                )
                margins.append(z[z > 0].min())
            stepper.step(arrays, found)
            arrays = reference.masked(arrays, masks)
            if step % 2 == 0 and step < 0.75 * N_STEPS:
                rate = 0.4 / 2 * (1 + np.cos(np.pi * step / (0.75 * N_STEPS)))
                exchange(arrays, initial, masks, rate, X, y, stepper, margins)
        # Nothing that rounding decides: units at 0, steps of Adam, ranks.
        if min(margins) > 1e-5:
            return ticket, X, y, arrays, initial, masks
    raise AssertionError("no seed keeps away from what rounding decides")


def net_of(optimizer, **parameters):
    kind, _, options = OPTIMIZERS[optimizer]
    net = default_net(
        SIZES[1:-1],
        SIZES[0],
        SIZES[-1],
        criterion=nn.CrossEntropyLoss,
        optimizer=kind,
        learning_rate=options["lr"],
        batch_size=BATCH_SIZE,
    )
    rest = {f"optimizer__{name}": v for name, v in options.items() if name != "lr"}
    return net.set_params(**rest, **parameters)


def tolerances(optimizer):
    """As of the contract of engines: sums of 20 terms, forth and back in three layers.

    Of Adam's steps, a thousandth each.
    """
    rtol, lr = 5 * 20 * reference.EPS, OPTIMIZERS[optimizer][2]["lr"]
    share = 1e-3 if "adam" in optimizer else N_STEPS * rtol
    return {"rtol": rtol, "atol": lr * N_STEPS * share + N_STEPS * reference.EPS}


@pytest.mark.parametrize("engine", ["sparse", "sparse, told", "dense", "autograd"])
@pytest.mark.parametrize("evaluate_every", [3, 4, 100])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_evolving_training_is_the_references(engine, evaluate_every, optimizer, monkeypatch):
    ticket, X, y, arrays, initial, masks = case(optimizer)
    net = net_of(optimizer)
    if engine in ("sparse, told", "autograd"):
        net.set_params(callbacks=[Nothing()])
        monkeypatch.setattr(_coverage, "_CALLBACKS", (*_coverage._CALLBACKS, Nothing))
    trained = train(
        net,
        ticket,
        Data(X, y, X[:5], y[:5], True),
        n_steps=N_STEPS,
        evaluate_every=evaluate_every,
        seed=SEED,
        layout="sparse" if "sparse" in engine else "dense",
        evolving=EVOLVING,
    )
    assert trained.engine == engine.partition(",")[0]
    for name, array in arrays.items():
        if name in masks:
            np.testing.assert_array_equal(trained.ticket.mask[name], masks[name])
            assert (masks[name] != ticket.mask[name]).any() or masks[name].all()
        np.testing.assert_array_equal(
            trained.ticket.initial[name], initial[name].astype(np.float32)
        )
        np.testing.assert_allclose(
            trained.ticket.weights[name], array, **tolerances(optimizer), err_msg=name
        )


def fit(net, layout, on_evaluation=None, evolving=EVOLVING, **options):
    ticket, X, y, *_ = case("adam")
    settings = {"n_steps": N_STEPS, "evaluate_every": 3, "seed": SEED} | options
    data = Data(X, y, X[:5], y[:5], True)
    return train(
        net, ticket, data, layout=layout, evolving=evolving, on_evaluation=on_evaluation, **settings
    )


def assert_same(first, second):
    assert first.ticket == second.ticket
    np.testing.assert_array_equal(first.valid_loss, second.valid_loss)


@pytest.mark.parametrize("layout", ["dense", "sparse"])
@pytest.mark.parametrize("how", ["random", "gradient"])
def test_evaluations_change_nothing(layout, how):
    evolving = Evolving(rate=0.4, every=2, how=how, n_rows=20)
    ends = [
        fit(net_of("adam"), layout, evolving=evolving, evaluate_every=n).ticket
        for n in (1, 2, 5, 100)
    ]
    assert all(end == ends[0] for end in ends)
    steps = [fit(net_of("adam"), layout, evolving=evolving, n_threads=n) for n in (1, 2)]
    assert_same(*steps)
    assert steps[0].ticket == ends[0]


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_an_evaluation_sees_what_has_been_trained(layout):
    """Weights are exchanged after it, where both come after the same step."""
    ticket, *_ = case("adam")
    masks = []
    options = {"evaluate_every": 2, "evolving": Evolving(rate=0.4, every=2, decay="constant")}
    fit(net_of("adam"), layout, lambda net, now: masks.append(now.mask), **options)
    same = [
        all(np.array_equal(first[n], second[n]) for n in first)
        for first, second in pairwise([ticket.mask, *masks])
    ]
    # Before steps 2, 4, 6, 8, 10 and 11: no exchange comes before the first, or after step 8.
    assert same == [True, False, False, False, False, True]


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_the_best_evaluation_has_its_masks(layout):
    """With a rate that ruins: the best evaluation is an early one."""
    evolving = Evolving(rate=0.9, every=2, decay="constant", until=1.0)
    seen = []

    def look(net, ticket):
        state = {name: tensor.numpy().copy() for name, tensor in net.module_.state_dict().items()}
        seen.append(Ticket(ticket.initial, ticket.mask, state))

    options = {"evolving": evolving, "evaluate_every": 1, "n_steps": 30, "n_iter_no_change": 30}
    trained = fit(net_of("adam"), layout, look, **options)
    assert 0 <= trained.kept < 29
    assert trained.ticket == seen[trained.kept]
    assert trained.ticket != seen[-1]


def test_sparse_rows_are_trained_on_like_an_array():
    ticket, X, y, *_ = case("adam")
    X = np.where(np.abs(X) > 1.5, X, 0)
    trainings = [
        train(
            net_of("adam"),
            ticket,
            Data(rows, y, rows[:5], y[:5], True),
            n_steps=N_STEPS,
            evaluate_every=4,
            layout="sparse",
            evolving=EVOLVING,
        )
        for rows in (X, csr_array(X))
    ]
    assert_same(*trainings)


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_a_scheduler_of_the_learning_rate_keeps_hold_of_the_optimizer(layout):
    scheduler = LRScheduler("StepLR", step_size=1, gamma=1e-3)
    net = net_of("adam", callbacks=[("schedule", scheduler)])
    biases = []

    def look(net, ticket):
        biases.append(net.module_.state_dict()["layers.0.bias"].numpy().copy())

    fit(net, layout, look, evaluate_every=3)
    moves = [np.abs(second - first).max() for first, second in pairwise(biases)]
    # A rate of 1e-2, then 1e-5, 1e-8: whatever was exchanged meanwhile.
    assert moves[0] < 1e-4 and moves[1] < 1e-6


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(12, 20)
        self.norm = nn.BatchNorm1d(20)
        self.drop = nn.Dropout(0.2)
        self.last = nn.Linear(20, 3)

    def forward(self, X):
        return self.last(self.drop(torch.relu(self.norm(self.first(X)))))


@pytest.mark.parametrize("how", ["random", "gradient"])
@pytest.mark.parametrize("optimizer", [torch.optim.RMSprop, torch.optim.LBFGS, torch.optim.AdamW])
def test_modules_of_ones_own_evolve(how, optimizer):
    net = NeuralNetClassifier(
        Small, criterion=nn.CrossEntropyLoss, optimizer=optimizer, lr=0.01, batch_size=16, verbose=0
    ).initialize()
    arrays = {name: tensor.numpy().copy() for name, tensor in net.module_.state_dict().items()}
    full = Ticket.full(arrays, ["first.weight", "last.weight"])
    evolving = Evolving(rate=0.5, every=2, how=how, n_rows=30)
    born = evolving.born(full, 100, np.random.RandomState(0))
    _, X, y, *_ = case("adam")
    n_seen = []

    def look(net, ticket):
        state = net.module_.state_dict()
        for name, mask in ticket.mask.items():
            assert (state[name].numpy()[~mask] == 0).all()
            assert mask.sum() == born.mask[name].sum()
        n_seen.append(ticket)

    data = Data(X, y, X[:5], y[:5], True)
    options = {"n_steps": 12, "evaluate_every": 1, "evolving": evolving, "on_evaluation": look}
    assert steps_per_epoch(net, N_ROWS) == 3
    trained, again = (train(net, born, data, **options) for _ in range(2))
    assert trained.ticket == again.ticket
    assert trained.engine == "autograd"
    first = {name: mask for name, mask in trained.ticket.mask.items()}
    assert any((first[name] != born.mask[name]).any() for name in first)
    new = first["first.weight"] & ~born.mask["first.weight"]
    assert (trained.ticket.initial["first.weight"][new] == 0).all()
    assert (trained.ticket.weights["first.weight"][new] != 0).any()
