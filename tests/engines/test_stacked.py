import numpy as np
import pytest
import reference
import torch
from sklearn.datasets import load_iris

from skticket import Prune, Rewind, Ticket, WinningTicketClassifier, WinningTicketRegressor
from skticket.datasets import make_xor
from skticket.engines import _stacked, stack_outputs, train_stack
from skticket.initialization import Normal
from skticket.network import Data, draw_initial
from skticket.pruning import Magnitude, UnitProduct
from skticket.training import train

X_XOR, Y_XOR = make_xor()


def make_tickets(n, sizes, strategy=None, rate=0.3, std=0.5):
    """Tickets of different networks; with a strategy, pruned so that each has masks of its own."""
    random_state = np.random.RandomState(0)
    tickets = []
    for i in range(n):
        n_in, *hidden, n_out = sizes
        initial = draw_initial(hidden, n_in, n_out, Normal(std=std), random_state)
        masks = {name: np.ones(initial[name].shape, bool) for name in initial if "weight" in name}
        ticket = Ticket(initial, masks)
        if strategy is not None:
            ticket = Prune(rate, strategy, random_state=i).transform(ticket)
        tickets.append(ticket)
    return tickets


def make_data(sizes, n_rows=30, classification=True):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n_rows, sizes[0])).astype(np.float32)
    if classification:
        return X, rng.integers(max(sizes[-1], 2), size=n_rows)
    return X, rng.normal(size=(n_rows, sizes[-1])).astype(np.float32)


def train_by_reference(ticket, X, y, optimizer, n_steps, loss):
    """The obvious loop, full batch, in float64."""
    kind, options = REFERENCES[optimizer]
    if loss == "cross_entropy" and len(list(ticket.weights.values())[-1]) == 1:
        loss = "binary_cross_entropy"
    batches = [np.arange(len(X))] * n_steps
    arrays, _ = reference.train(
        ticket.weights, X, y, ticket.mask, batches, kind(**options), loss=loss
    )
    return arrays


OPTIMIZERS = {
    "adam": {"optimizer": "adam", "learning_rate": 0.003},
    "sgd": {"optimizer": "sgd", "learning_rate": 0.1},
    "momentum": {"optimizer": "sgd", "learning_rate": 0.01, "momentum": 0.9},
}
REFERENCES = {
    "adam": (reference.Adam, {"lr": 0.003}),
    "sgd": (reference.SGD, {"lr": 0.1}),
    "momentum": (reference.SGD, {"lr": 0.01, "momentum": 0.9}),
}
TORCH = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD, "momentum": torch.optim.SGD}


@pytest.mark.parametrize("strategy", [None, "random", "unit_product"])
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
@pytest.mark.parametrize(
    "sizes, loss",
    [
        ((2, 10, 1), "cross_entropy"),
        ((5, 8, 6, 1), "cross_entropy"),
        ((4, 7, 5, 3), "cross_entropy"),
        ((4, 7, 2), "squared_error"),
        ((4, 6, 5, 4, 1), "squared_error"),
    ],
)
def test_equals_an_obvious_loop(sizes, loss, optimizer, strategy):
    tickets = make_tickets(3, sizes, strategy)
    X, y = make_data(sizes, classification=loss == "cross_entropy")
    trained = train_stack(tickets, X, y, n_steps=50, loss=loss, **OPTIMIZERS[optimizer])
    assert len(trained) == len(tickets)
    for before, after in zip(tickets, trained, strict=True):
        reference.assert_same_way(
            before, after, train_by_reference(before, X, y, optimizer, 50, loss)
        )


def test_a_network_without_hidden_layer():
    X, y = make_data((4, 3))
    (ticket,) = make_tickets(1, (4, 3), Magnitude())
    (trained,) = train_stack([ticket], X, y, n_steps=100, learning_rate=0.003)
    reference.assert_same_way(
        ticket, trained, train_by_reference(ticket, X, y, "adam", 100, "cross_entropy")
    )


@pytest.mark.parametrize(
    "problem, strategy, optimizer, batch_size",
    [
        ("binary", None, "adam", None),
        ("binary", "unit_product", "adam", None),
        ("binary", "magnitude", "momentum", 7),
        ("multiclass", "magnitude", "adam", 7),
        ("multiclass", "unit_product", "momentum", None),
        ("regression", "random", "sgd", 7),
    ],
)
def test_equals_one_by_one_through_the_training_room(problem, strategy, optimizer, batch_size):
    n_steps = 300
    options = REFERENCES[optimizer][1]
    sizes = {"binary": (2, 10, 1), "multiclass": (4, 8, 6, 3), "regression": (4, 8, 1)}[problem]
    X, y = make_data(sizes, n_rows=30, classification=problem != "regression")
    if problem == "binary":
        X, y = np.tile(X_XOR, (5, 1)), np.tile(Y_XOR, 5)
    cls = WinningTicketRegressor if problem == "regression" else WinningTicketClassifier
    as_they_are = {"normalize_y": False} if problem == "regression" else {}
    # The very net that the estimator would train with.
    estimator = cls(
        sizes[1:-1],
        **as_they_are,
        optimizer=lambda parameters, lr: TORCH[optimizer](parameters, **options),
        batch_size=batch_size or len(X),
        max_epochs=1,
        rounds=0,
    ).fit(X, y.ravel())
    net = estimator._build_search().net
    targets = estimator._encode(y.ravel())
    data = Data(X, targets, X, targets, problem != "regression")
    tickets = make_tickets(3, sizes, strategy)
    together = train_stack(
        tickets,
        X,
        y,
        n_steps=n_steps,
        loss="squared_error" if problem == "regression" else "cross_entropy",
        batch_size=batch_size,
        seed=3,
        **OPTIMIZERS[optimizer],
    )
    for ticket, trained in zip(tickets, together, strict=True):
        # A single evaluation, at the end, so that these are the last weights.
        alone = train(net, ticket, data, n_steps=n_steps, evaluate_every=n_steps, seed=3).ticket
        assert not np.allclose(alone.weights["layers.0.weight"], ticket.weights["layers.0.weight"])
        reference.assert_same_way(ticket, trained, alone.weights)


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_pruned_weights_stay_exactly_zero_and_the_rest_of_the_ticket_is_kept(optimizer, identical):
    settings = OPTIMIZERS[optimizer]
    tickets = make_tickets(20, (2, 10, 1), "random", rate=0.5)
    tickets = [Ticket(t.initial, t.mask, t.weights, {5: t.initial}) for t in tickets]
    for before, after in zip(
        tickets, train_stack(tickets, X_XOR, Y_XOR, n_steps=50, **settings), strict=True
    ):
        assert identical(before.initial, after.initial)
        assert identical(before.mask, after.mask)
        assert identical(before.checkpoints[5], after.checkpoints[5])
        for name, mask in after.mask.items():
            assert (after.weights[name][~mask] == 0).all()
            assert (after.weights[name] < 0).any()


def test_starts_from_the_current_weights():
    first = make_tickets(3, (2, 4, 1))
    trained = train_stack(first, X_XOR, Y_XOR, n_steps=20)
    again = train_stack(trained, X_XOR, Y_XOR, n_steps=0)
    assert again == trained
    rewound = [Rewind().transform(ticket) for ticket in trained]
    assert train_stack(rewound, X_XOR, Y_XOR, n_steps=20) == trained


def chunk_size(tickets, sizes, n_rows, memory_limit):
    return _stacked._chunk_size(
        _stacked._units_to_train(tickets, list(sizes)), n_rows, memory_limit
    )


@pytest.mark.parametrize("sizes", [(2, 10, 1), (20, 30, 12, 5)])
@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
@pytest.mark.parametrize("batch_size", [16, 50])
def test_whole_chunks_do_not_change_a_bit(sizes, optimizer, batch_size):
    tickets = make_tickets(150, sizes, "random", std=0.1)
    X, y = make_data(sizes, n_rows=50)
    options = {"n_steps": 60, "batch_size": batch_size, **OPTIMIZERS[optimizer]}
    whole = train_stack(tickets, X, y, memory_limit=2**30, **options)
    limits = {chunk_size(tickets, sizes, batch_size, k * 2**16): k * 2**16 for k in range(1, 400)}
    assert chunk_size(tickets, sizes, batch_size, 2**30) >= 150
    assert {64, 128} <= limits.keys()
    for size in (64, 128):
        parts = train_stack(tickets, X, y, memory_limit=limits[size], **options)
        assert parts == whole


@pytest.mark.parametrize("sizes", [(2, 10, 1), (20, 30, 12, 5)])
@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_a_place_in_the_stack_makes_a_difference_of_rounding(sizes, optimizer):
    tickets = make_tickets(150, sizes, "random", std=0.1)
    X, y = make_data(sizes, n_rows=50)
    n_steps, batch_size = 60, 16
    options = {"n_steps": n_steps, "batch_size": batch_size, **OPTIMIZERS[optimizer]}
    whole = train_stack(tickets, X, y, **options)[33:87]
    part = train_stack(tickets[33:87], X, y, **options)
    if optimizer == "adam":
        # Adam makes a step of its full size of a gradient that is nothing but rounding; there
        # are few such, so that they are a small share of the whole way, but no small number.
        for ticket, first, second in zip(tickets[33:87], whole, part, strict=True):
            reference.assert_same_way(ticket, first, second.weights)
        return
    # In each of three layers, forth and back, sums of at most 31 terms, which are far below 1; a
    # step takes them times the learning rate, ten times what momentum gathers, and rounds.
    n_terms = 6 * max(batch_size, max(sizes) + 1)
    tolerance = n_steps * reference.EPS * (1 + 0.01 * 10 * n_terms)
    for first, second in zip(whole, part, strict=True):
        for name, array in first.weights.items():
            np.testing.assert_allclose(second.weights[name], array, rtol=0, atol=tolerance)
            assert (second.weights[name] == 0).tolist() == (array == 0).tolist()


def test_dropping_dead_units_changes_nothing(monkeypatch):
    tickets = make_tickets(6, (3, 9, 7, 2), UnitProduct(scope="global"), rate=0.5)
    alive = [t.mask["layers.0.weight"].any(axis=1).sum() for t in tickets]
    assert len(set(alive)) > 1
    X, y = make_data((3, 9, 7, 2))
    dropped = train_stack(tickets, X, y, n_steps=50, learning_rate=0.01)
    monkeypatch.setattr(
        _stacked,
        "_units_to_train",
        lambda tickets, sizes: [np.tile(np.arange(size), (len(tickets), 1)) for size in sizes],
    )
    kept = train_stack(tickets, X, y, n_steps=50, learning_rate=0.01)
    for before, first, second in zip(tickets, dropped, kept, strict=True):
        reference.assert_same_way(before, first, second.weights)


def test_all_units_dead():
    (ticket,) = make_tickets(1, (2, 3, 1))
    dead = Ticket(ticket.initial, {name: mask & False for name, mask in ticket.mask.items()})
    (trained,) = train_stack([dead], X_XOR, [1, 1, 1, 0], n_steps=2000, learning_rate=0.01)
    assert trained.n_weights == 0
    np.testing.assert_allclose(trained.weights["layers.1.bias"], np.log(3), rtol=1e-3)


def test_a_diverging_network_harms_no_other():
    X, y = load_iris(return_X_y=True)
    tickets = make_tickets(3, (4, 5, 3))
    huge = {name: np.full_like(a, 1e30) for name, a in tickets[1].initial.items()}
    bad = Ticket(tickets[1].initial, tickets[1].mask, huge)
    trained = train_stack([tickets[0], bad, tickets[2]], X, y, n_steps=10)
    assert np.isnan(trained[1].weights["layers.0.weight"]).any()
    assert not np.isnan(trained[0].weights["layers.0.weight"]).any()
    beside_a_good_one = train_stack(tickets, X, y, n_steps=10)
    assert trained[0] == beside_a_good_one[0]
    assert trained[2] == beside_a_good_one[2]


def test_global_state_is_left_alone(global_state):
    train_stack(make_tickets(3, (2, 4, 1)), X_XOR, Y_XOR, n_steps=3, batch_size=3)


def test_outputs_are_the_networks(random_ticket):
    tickets = [random_ticket((4, 5, 3, 2), seed=seed) for seed in range(3)]
    X, _ = make_data((4, 2), n_rows=6)
    outputs = stack_outputs(tickets, X)
    assert outputs.shape == (3, 6, 2) and outputs.dtype == np.float32
    for ticket, output in zip(tickets, outputs, strict=True):
        expected = reference.forward(ticket.weights, X, ticket.mask)
        # Three layers of at most five products and a bias, each of the order of 1 to 10.
        np.testing.assert_allclose(output, expected, rtol=1e-5, atol=3 * 6 * 10 * reference.EPS)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"tickets": []}, "tickets is empty"),
        ({"y": [0, 1, 1]}, "y must have a row for each of the 4 rows"),
        ({"y": [0, 1, 2, 0]}, "y must hold the classes 0 to 1"),
        ({"y": [0.0, 1.0], "X": X_XOR[:2], "loss": "squared"}, "'loss' parameter"),
        ({"X": np.zeros((4, 3))}, "X must have rows of 2 features"),
        ({"X": np.zeros((0, 2)), "y": []}, r"got shape \(0, 2\)"),
        ({"y": np.zeros((4, 2)), "loss": "squared_error"}, "a column for each of the 1 outputs"),
        ({"n_steps": -1}, "'n_steps' parameter"),
        ({"batch_size": 0}, "'batch_size' parameter"),
        ({"momentum": 1.0}, "'momentum' parameter"),
        ({"tickets": make_tickets(1, (2, 4, 1)) + make_tickets(1, (2, 5, 1))}, r"tickets\[1\]"),
        (
            {"tickets": [Ticket({"w": np.ones((2, 2))}, {"w": np.ones((2, 2), bool)})]},
            "fully connected",
        ),
    ],
)
def test_bad_arguments_are_named(change, message):
    arguments = {"tickets": make_tickets(2, (2, 4, 1)), "X": X_XOR, "y": Y_XOR, "n_steps": 1}
    with pytest.raises(ValueError, match=message):
        train_stack(**arguments | change)


@pytest.mark.parametrize("n_outputs", [1, 2, 3])
@pytest.mark.parametrize("n_inputs", [1, 2])
def test_without_hidden_layers(n_inputs, n_outputs):
    rng = np.random.RandomState(0)
    tickets = []
    for _ in range(3):
        weights = rng.normal(size=(n_outputs, n_inputs)).astype(np.float32)
        arrays = {"layers.0.weight": weights, "layers.0.bias": np.zeros(n_outputs, np.float32)}
        tickets.append(Ticket.full(arrays, ["layers.0.weight"]))
    X, y = rng.normal(size=(20, n_inputs)), rng.normal(size=(20, n_outputs))
    trained = train_stack(
        tickets, X, y, n_steps=1, loss="squared_error", optimizer="sgd", learning_rate=0.1
    )
    for before, after in zip(tickets, trained, strict=True):
        weights = before.weights["layers.0.weight"]
        errors = 2 * (X @ weights.T - y) / y.size
        expected = weights - 0.1 * errors.T @ X
        np.testing.assert_allclose(after.weights["layers.0.weight"], expected, rtol=1e-5, atol=1e-6)
