"""All engines keep the contract of `skticket.engines`, against the reference in float64."""

import copy
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
import reference
import torch
from scipy.sparse import csr_array, csr_matrix
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer
from torch import nn

from skticket import Ticket
from skticket.engines import Predictor, SparseNetwork, _coverage, stack_outputs, train_stack
from skticket.network import Data, default_net
from skticket.training import train

N_STEPS = 5
SEED = 7
HIDDEN = (20, 10)
N_FEATURES = 12

CRITERIA = {
    "cross_entropy": (nn.CrossEntropyLoss, 3),
    "binary_cross_entropy": (nn.BCEWithLogitsLoss, 1),
    "squared_error": (nn.MSELoss, 2),
}
# Several labels a row: of the loss, the mean over them.
CRITERIA_OF_TRAININGS = CRITERIA | {"labels": (nn.BCEWithLogitsLoss, 3)}
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"lr": 0.1}),
    "momentum": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "nesterov": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "weight decay": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
    "adam": (torch.optim.Adam, {"lr": 0.01}),
    "adam, weight decay": (
        torch.optim.Adam,
        {"lr": 0.01, "betas": (0.8, 0.95), "weight_decay": 0.1},
    ),
}
STACKED_OPTIMIZERS = {
    "sgd": {"optimizer": "sgd", "learning_rate": 0.1},
    "momentum": {"optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.9},
    "adam": {"optimizer": "adam", "learning_rate": 0.01},
}
# Rows, and rows a batch. 130 are more than a tile of the compiled code, by two.
BATCHES = {
    "all rows": (40, 40),
    "a smaller last one": (40, 16),
    "one row": (40, 1),
    "130 rows": (200, 130),
}
MASKS = ["full", "a third", "dead units", "one layer nearly empty"]


def make_ticket(mask, n_outputs, seed, sizes=None):
    """A ticket with the masks of one kind; biases are not 0."""
    rng = np.random.default_rng(seed)
    sizes = sizes or (N_FEATURES, *HIDDEN, n_outputs)
    arrays, masks = {}, {}
    for number, (n_in, n_out) in enumerate(pairwise(sizes)):
        weight, shape = f"layers.{number}.weight", (n_out, n_in)
        arrays[weight] = rng.normal(0, n_in**-0.5, shape).astype(np.float32)
        arrays[f"layers.{number}.bias"] = rng.normal(0, 0.5, n_out).astype(np.float32)
        size = np.abs(arrays[weight])
        masks[weight] = np.ones(shape, bool)
        if mask in ("a third", "dead units"):
            masks[weight] = size > np.quantile(size, 0.7)
    first, second, last = masks.values()
    if mask == "dead units":
        first[3] = second[:, 3] = False  # a unit without any weights
        first[4] = False  # a constant
        second[:, 5] = False  # a unit that leads nowhere, and with it
        first[5, 0] = True
        first[:5, 0] = first[6:, 0] = False  # an input that leads only there
        first[:, 1:4] = False  # inputs that lead nowhere at all
        last[:, 2] = False
        second[2, :] = True
    if mask == "one layer nearly empty":
        second[...] = False
        second[1, 2] = second[6, 2] = second[6, 11] = True
    initial = {name: array / 2 for name, array in arrays.items()}
    return Ticket(initial, masks, arrays)


def make_rows(loss, n_rows, n_outputs, seed):
    rng = np.random.default_rng(seed + 1000)
    X = rng.normal(size=(n_rows, N_FEATURES)).astype(np.float32)
    if loss == "cross_entropy":
        y = rng.integers(n_outputs, size=n_rows)
    elif loss == "binary_cross_entropy":
        y = rng.integers(2, size=n_rows).astype(np.float32)
    elif loss == "labels":
        y = rng.integers(2, size=(n_rows, n_outputs)).astype(np.float32)
    else:
        y = rng.normal(size=(n_rows, n_outputs)).astype(np.float32)
    return X, y


@dataclass
class Case:
    """A training, and what the reference makes of it."""

    ticket: Ticket
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    batch_size: int
    expected: dict
    losses: list
    rtol: float
    atol: float

    def check(self, ticket):
        assert ticket.mask.keys() == self.ticket.mask.keys()
        for name, expected in self.expected.items():
            array = ticket.weights[name]
            assert array.dtype == np.float32
            np.testing.assert_allclose(
                array, expected, rtol=self.rtol, atol=self.atol, err_msg=name
            )
            if name in ticket.mask:
                assert (array[~self.ticket.mask[name]] == 0).all()


def make_case(loss, optimizer, mask, batches, weighted=False, activation="relu"):
    """A case that float32 decides as float64 does, and its tolerances.

    Rounding may turn a rectified unit on or off where its input is next to 0, and Adam divides a
    gradient by its own size, whatever that is. So the seed is the first whose training keeps
    away from both: no input of a hidden unit within 1e-5 of 0, and for Adam no gradient, and so
    no step, that rounding could turn around. And in which all layers train, far beyond the
    tolerance.

    A sum of n terms has an error of at most n units in the last place of float32 (2**-24) of
    the sum of the terms' sizes, which is of the order of 1 here: n is a batch's rows, or a
    layer's inputs, one after the other in each layer, and forth and back. A step moves a weight
    by the learning rate times that, what momentum has gathered (at most N_STEPS of them)
    included. Adam makes of an error e of a gradient g a part e / |g| of a step: with an e of
    1e-8 (2**-24 of the mean of terms of some tenths) and |g| of 1e-5 and more, a thousandth of
    the learning rate at the worst.
    """
    n_rows, batch_size = BATCHES[batches]
    n_outputs = CRITERIA_OF_TRAININGS[loss][1]
    kind, options = OPTIMIZERS[optimizer]
    is_adam = kind is torch.optim.Adam
    order = reference.batches(n_rows, batch_size, N_STEPS, SEED)
    n_terms = (2 * len(HIDDEN) + 1) * max(batch_size, N_FEATURES, *HIDDEN)
    rtol = n_terms * reference.EPS
    atol = options["lr"] * N_STEPS * (1e-3 if is_adam else rtol * N_STEPS)
    if not is_adam:
        atol += reference.EPS * N_STEPS  # of the subtraction from weights of the order of 1
    for seed in range(200):
        ticket = make_ticket(mask, n_outputs, seed)
        X, y = make_rows(loss, n_rows, n_outputs, seed)
        weight = np.random.default_rng(seed).uniform(0.2, 3, n_rows).astype(np.float32)
        weight = weight if weighted else None
        smallest = []

        def watch(arrays, rows, gradients, X=X, ticket=ticket, smallest=smallest):
            if activation == "relu":
                smallest.extend(kinks(arrays, X[rows], ticket.mask))
            if is_adam:
                decay = options.get("weight_decay", 0)
                for name, gradient in gradients.items():
                    g = np.abs(gradient + decay * arrays[name])
                    smallest.extend(g[gradient != 0])

        expected, losses = reference.train(
            ticket.weights,
            X,
            y,
            ticket.mask,
            order,
            (reference.Adam if is_adam else reference.SGD)(**options),
            weight=weight,
            watch=watch,
            loss="binary_cross_entropy" if loss == "labels" else loss,
            activation=activation,
        )
        moved = [np.abs(expected[name] - array).max() for name, array in ticket.weights.items()]
        if min(smallest, default=1) > 1e-5 and min(moved) > 5 * atol:
            break
    else:
        raise AssertionError("no seed keeps away from what rounding decides")
    for array in (X, y, *([] if weight is None else [weight])):
        array.flags.writeable = False
    return Case(ticket, X, y, weight, batch_size, expected, losses, rtol, atol)


def kinks(arrays, X, mask):
    """How far the inputs of rectified units are from 0; of those that are not 0 exactly."""
    values = reference.units(arrays, X, mask, "relu")
    for number, (weight, bias) in enumerate(reference.layers(arrays)[:-1]):
        z = np.abs(values[number] @ arrays[weight].T + arrays[bias])
        yield z[z > 0].min()


class Nothing(Callback):
    """A callback of the user's, for whom steps have to be told of."""


def make_net(case, engine, loss, optimizer, max_epochs=1):
    criterion, n_outputs = CRITERIA_OF_TRAININGS[loss]
    kind, options = OPTIMIZERS[optimizer]
    net = default_net(
        HIDDEN,
        N_FEATURES,
        n_outputs,
        criterion=criterion,
        optimizer=kind,
        learning_rate=options["lr"],
        batch_size=case.batch_size,
    )
    net.set_params(**{f"optimizer__{n}": value for n, value in options.items() if n != "lr"})
    if engine == "autograd":
        net.set_params(callbacks=[Nothing()])
    return net


def make_data(case, loss):
    n = 5
    valid = None if case.weight is None else case.weight[:n]
    classification = loss != "squared_error"
    return Data(case.X, case.y, case.X[:n], case.y[:n], classification, case.weight, valid)


def training(net, case, data, engine, **options):
    """Train, look at the net after each step, and check what is promised beside the weights."""
    before = copy.deepcopy((case.X, case.y, case.weight)), copy.deepcopy(case.ticket)
    n_seen = []

    def look(net, ticket):
        state = {name: tensor.numpy() for name, tensor in net.module_.state_dict().items()}
        shapes = {name: array.shape for name, array in case.ticket.initial.items()}
        assert {name: array.shape for name, array in state.items()} == shapes
        for name, mask in case.ticket.mask.items():
            assert (state[name][~mask] == 0).all()
        n_seen.append(1)

    layout = "sparse" if engine == "sparse" else "dense"
    options = {"seed": SEED, "layout": layout, "on_evaluation": look} | options
    trained = train(net, case.ticket, data, n_steps=N_STEPS, evaluate_every=1, **options)
    assert trained.engine == engine
    assert len(n_seen) == N_STEPS
    assert trained.ticket.initial is not None
    unchanged = Ticket(case.ticket.initial, case.ticket.mask, case.ticket.weights)
    assert before[1] == case.ticket == unchanged
    for array, copied in zip((case.X, case.y, case.weight), before[0], strict=True):
        np.testing.assert_array_equal(array, copied)
    return trained


def combinations():
    """Each optimizer with each loss, each mask with each batch, and most other pairs."""
    for i, loss in enumerate(CRITERIA):
        for j, optimizer in enumerate(OPTIMIZERS):
            for k, mask in enumerate(MASKS):
                batches = list(BATCHES)[(i + j + k) % len(BATCHES)]
                yield loss, optimizer, mask, batches


COMBINATIONS = list(combinations())


LABELS = [
    ("labels", "weight decay", "dead units", "a smaller last one"),
    ("labels", "adam", "a third", "130 rows"),
    ("labels", "momentum", "full", "all rows"),
]


@pytest.mark.parametrize("engine", ["sparse", "dense", "autograd"])
@pytest.mark.parametrize("loss, optimizer, mask, batches", COMBINATIONS + LABELS)
def test_steps_are_the_references(engine, loss, optimizer, mask, batches, global_state):
    weighted = (MASKS.index(mask) + list(OPTIMIZERS).index(optimizer)) % 2 == 1
    case = make_case(loss, optimizer, mask, batches, weighted)
    net, data = make_net(case, engine, loss, optimizer), make_data(case, loss)
    one, two = (training(net, case, data, engine, n_threads=n_threads) for n_threads in (1, 2))
    case.check(one.ticket)
    np.testing.assert_allclose(
        one.history[:, "train_loss"], case.losses, rtol=2 * case.rtol, atol=2 * case.atol
    )
    assert one.ticket == two.ticket
    assert one.valid_loss.tobytes() == two.valid_loss.tobytes()


def taken_together(net, case, data, engine, n_steps=23, **options):
    """A training as what follows from it, to the bit: weights, losses, weights in between."""
    options = {"evaluate_every": n_steps, "checkpoint": 7, "seed": SEED, "layout": engine} | options
    trained = train(net, case.ticket, data, n_steps=n_steps, **options)
    assert trained.engine == engine
    return trained.ticket, trained.valid_loss[-1], trained.history[:, "train_loss"]


@pytest.mark.parametrize("engine", ["sparse", "dense"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss, optimizer, mask, batches", COMBINATIONS[::3])
def test_steps_together_are_the_steps_one_by_one(
    engine, loss, optimizer, mask, batches, weighted, global_state, monkeypatch
):
    """Together, where nobody looks in between; over the ends of passes and beyond a checkpoint."""
    case = make_case(loss, optimizer, mask, batches, weighted)
    net, data = make_net(case, engine, loss, optimizer), make_data(case, loss)
    *together, (mean_loss,) = taken_together(net, case, data, engine)
    *one_by_one, losses = taken_together(net, case, data, engine, evaluate_every=1)
    assert together == one_by_one
    assert together[0].checkpoints[7].keys() == case.ticket.weights.keys()
    sizes = reference.batches(len(case.X), case.batch_size, len(losses), SEED)
    assert mean_loss == np.average(losses, weights=list(map(len, sizes)))
    monkeypatch.setattr(_coverage, "_SHARED_WORK", 0)
    for _ in range(3):  # each time threads meet by other chances
        two = taken_together(net, case, data, engine, n_threads=2)
        assert two[0] == together[0] and two[2] == [mean_loss]
    if engine == "sparse":  # the other does not cover callbacks
        told = net.set_params(callbacks=[("timer", EpochTimer())])
        assert taken_together(told, case, data, engine)[0] == together[0]


@pytest.mark.parametrize("filled", [0.03, 0.2])
@pytest.mark.parametrize("engine", ["sparse", "dense", "autograd"])
@pytest.mark.parametrize("loss, optimizer, mask, batches", COMBINATIONS[1::7] + LABELS[:1])
def test_sparse_rows_are_trained_on_like_an_array(
    engine, loss, optimizer, mask, batches, filled, global_state
):
    case = make_case(loss, optimizer, mask, batches)
    net, data = make_net(case, engine, loss, optimizer), make_data(case, loss)
    X = np.where(np.random.default_rng(0).random(case.X.shape) < filled, case.X, 0)
    options = {"n_steps": 23, "evaluate_every": 9, "seed": SEED}
    options["layout"] = "sparse" if engine == "sparse" else "dense"
    results = []
    for form in (np.asarray, csr_array, csr_matrix):
        for n_threads in (1, 2):
            rows = replace(data, X=form(X), X_valid=form(X[:20]), y_valid=data.y[:20])
            trained = train(net, case.ticket, rows, n_threads=n_threads, **options)
            assert trained.engine == engine
            losses = trained.history[:, "train_loss"]
            results.append((trained.ticket, trained.valid_loss.tobytes(), losses))
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
@pytest.mark.parametrize("n_rows", [1, 2, 39])
@pytest.mark.parametrize("engine", ["sparse", "dense"])
def test_a_layer_that_threads_share(engine, n_rows, loss):
    """Batches of one row and of an odd number cannot be cut into halves."""
    n_outputs = CRITERIA[loss][1]
    ticket = make_ticket("a third", n_outputs, 0, (N_FEATURES, 320, 330, n_outputs))
    X, y = make_rows(loss, n_rows, n_outputs, 0)
    net = default_net(
        (320, 330),
        N_FEATURES,
        n_outputs,
        criterion=CRITERIA[loss][0],
        optimizer="sgd",
        learning_rate=0.1,
        batch_size=n_rows,
    )
    data = Data(X, y, X, y, loss == "cross_entropy")
    one, two, five = (
        train(
            net,
            ticket,
            data,
            n_steps=2,
            evaluate_every=1,
            layout=engine,
            n_threads=n_threads,
            seed=SEED,
        )
        for n_threads in (1, 2, 5)
    )
    assert one.engine == engine
    assert one.ticket == two.ticket == five.ticket
    expected, _ = reference.train(
        ticket.weights,
        X,
        y,
        ticket.mask,
        reference.batches(n_rows, n_rows, 2, SEED),
        reference.SGD(0.1),
        loss=loss,
    )
    # As in `make_case`, but of so many units one may well be turned on or off by rounding: its
    # part in a gradient is then wrong by what such an input, of some 1e-6, would have made.
    for name, array in expected.items():
        np.testing.assert_allclose(two.ticket.weights[name], array, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("engine", ["sparse", "autograd"])
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
@pytest.mark.parametrize("mask", ["a third", "dead units"])
def test_activations_of_sequential_nets(engine, activation, mask):
    case = make_case("cross_entropy", "momentum", mask, "a smaller last one", False, activation)
    kinds = {"relu": nn.ReLU, "tanh": nn.Tanh, "logistic": nn.Sigmoid, "identity": nn.Identity}
    hidden = [N_FEATURES, *HIDDEN]
    parts = [part for n, m in pairwise(hidden) for part in (nn.Linear(n, m), kinds[activation]())]
    module = nn.Sequential(*parts, nn.Linear(hidden[-1], 3))
    names = dict(zip(case.ticket.weights, module.state_dict(), strict=True))

    def renamed(arrays):
        return {names[name]: array for name, array in arrays.items()}

    ticket = Ticket(*map(renamed, (case.ticket.initial, case.ticket.mask, case.ticket.weights)))
    case.expected, case.ticket = renamed(case.expected), ticket
    net = NeuralNet(
        module,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        lr=0.05,
        optimizer__momentum=0.9,
        batch_size=case.batch_size,
        verbose=0,
    )
    data = make_data(case, "cross_entropy")
    case.check(training(net, case, data, engine).ticket)


STACKED = [
    (loss, optimizer, mask, batches)
    for loss, optimizer, mask, batches in COMBINATIONS
    if optimizer in STACKED_OPTIMIZERS
]


@pytest.mark.parametrize("loss, optimizer, mask, batches", STACKED)
def test_steps_of_a_stack_are_the_references(loss, optimizer, mask, batches, global_state):
    case = make_case(loss, optimizer, mask, batches)
    # Neighbours with other masks, so that more units take part than this network's own.
    others = [make_ticket(kind, CRITERIA[loss][1], 1) for kind in ("full", "dead units")]
    tickets = [others[0], case.ticket, others[1]]
    before = copy.deepcopy(tickets)
    results = []
    for n_threads in (1, 2):
        n_before = torch.get_num_threads()
        torch.set_num_threads(n_threads)
        try:
            results.append(
                train_stack(
                    tickets,
                    case.X,
                    case.y,
                    n_steps=N_STEPS,
                    loss="squared_error" if loss == "squared_error" else "cross_entropy",
                    batch_size=case.batch_size,
                    seed=SEED,
                    **STACKED_OPTIMIZERS[optimizer],
                )
            )
            assert torch.get_num_threads() == n_threads
        finally:
            torch.set_num_threads(n_before)
    case.check(results[0][1])
    assert results[0] == results[1]
    assert tickets == before


# Predictions


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("n_rows", [1, 7, 130, 3000])
@pytest.mark.parametrize("engine", ["dense", "sparse", "stacked", "sparse rows"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_outputs_are_the_references(dtype, engine, n_rows, mask, global_state):
    ticket = make_ticket(mask, 3, 0)
    X = make_rows("cross_entropy", n_rows, 3, 0)[0].astype(dtype)
    X.flags.writeable = False
    before = copy.deepcopy(ticket)
    if engine == "sparse rows":
        outputs = Predictor(ticket, "dense")(csr_array(X))
    elif engine == "stacked":
        dtype = np.float32
        outputs = stack_outputs([make_ticket("full", 3, 1), ticket], X)[1]
    else:
        predictor = Predictor(ticket, engine)
        assert predictor.engine == engine
        outputs = predictor(X)
    assert outputs.dtype == dtype and outputs.shape == (n_rows, 3)
    # Sums of so many terms a layer, each of the order of 1, in this type.
    eps = {np.float32: 2.0**-24, np.float64: 2.0**-53}[dtype]
    tolerance = len(ticket.mask) * (max(N_FEATURES, *HIDDEN) + 1) * eps
    expected = reference.forward(ticket.weights, X, ticket.mask)
    np.testing.assert_allclose(outputs, expected, rtol=tolerance, atol=tolerance)
    assert ticket == before


def test_outputs_do_not_depend_on_threads():
    ticket = make_ticket("a third", 3, 0)
    X, _ = make_rows("cross_entropy", 3000, 3, 0)
    network = SparseNetwork(ticket)
    one, two = (network.predict(X, n_threads=n_threads) for n_threads in (1, 2))
    np.testing.assert_array_equal(one, two)
    n_before = torch.get_num_threads()
    try:
        outputs = []
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            outputs.append(Predictor(ticket, "sparse")(X))
        np.testing.assert_array_equal(*outputs)
    finally:
        torch.set_num_threads(n_before)


# Divergence


def huge(ticket):
    return Ticket(
        ticket.initial, ticket.mask, {n: np.float32(1e30) * a for n, a in ticket.weights.items()}
    )


@pytest.mark.parametrize("loss", CRITERIA)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("engine", ["sparse", "dense", "autograd", "stacked"])
def test_divergence_is_told(engine, optimizer, loss, global_state):
    """As NaN by the engine; `train` makes an error of it, in the end."""
    case = make_case(loss, optimizer, "a third", "all rows")
    case.ticket = huge(case.ticket)
    if engine == "stacked":
        kind = "squared_error" if loss == "squared_error" else "cross_entropy"
        options = STACKED_OPTIMIZERS[optimizer]
        (trained,) = train_stack(
            [case.ticket], case.X, case.y, n_steps=N_STEPS, loss=kind, **options
        )
        assert np.isnan(trained.weights["layers.0.weight"]).any()
        assert np.isnan(stack_outputs([trained], case.X)).any()
        return
    net, data = make_net(case, engine, loss, optimizer), make_data(case, loss)
    seen = []
    with pytest.raises(ValueError, match="diverged"):
        train(
            net,
            case.ticket,
            data,
            n_steps=N_STEPS,
            evaluate_every=1,
            layout="sparse" if engine == "sparse" else "dense",
            on_evaluation=lambda net, ticket: seen.append(net.history[-1, "train_loss"]),
        )
    # Each step was taken, and the last ones gave NaN.
    assert len(seen) == N_STEPS and np.isnan(seen[-1])


@pytest.mark.parametrize("engine", ["dense", "sparse"])
def test_outputs_of_a_network_that_diverged_are_nan(engine):
    ticket = make_ticket("full", 3, 0)
    nan = {name: np.full_like(array, np.nan) for name, array in ticket.weights.items()}
    outputs = Predictor(Ticket(ticket.initial, ticket.mask, nan), engine)(np.ones((3, 12)))
    assert np.isnan(outputs).all()
