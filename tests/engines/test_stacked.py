import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris

from skticket import Prune, Rewind, Ticket, WinningTicketClassifier, WinningTicketRegressor
from skticket.datasets import make_xor
from skticket.engines import stack_outputs, train_stack
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


def train_by_autograd(ticket, X, y, optimizer, n_steps, loss):
    """The obvious loop, full batch, in float64."""
    weights = {n: torch.tensor(a, dtype=torch.float64) for n, a in ticket.weights.items()}
    masks = {n: torch.tensor(mask) for n, mask in ticket.mask.items()}
    for tensor in weights.values():
        tensor.requires_grad_()
    optimizer = optimizer(list(weights.values()))
    X, y = torch.tensor(X, dtype=torch.float64), torch.tensor(y)
    names = list(weights)
    for _ in range(n_steps):
        a = X
        for weight, bias in zip(names[::2], names[1::2], strict=True):
            z = a @ (weights[weight] * masks[weight]).T + weights[bias]
            a = z.relu()
        if loss == "squared_error":
            value = torch.nn.functional.mse_loss(z, y.double())
        elif z.shape[1] == 1:
            value = torch.nn.functional.binary_cross_entropy_with_logits(z[:, 0], y.double())
        else:
            value = torch.nn.functional.cross_entropy(z, y)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return {name: tensor.detach().numpy() for name, tensor in weights.items()}


def assert_close(before, after, arrays, tolerance=5e-3):
    """Compare weights; the difference may be this share of the way that training went."""
    for name, array in arrays.items():
        way = np.linalg.norm(array - before.weights[name])
        difference = np.linalg.norm(after.weights[name] - array)
        assert difference <= tolerance * way, (name, difference, way)


OPTIMIZERS = {
    "adam": (
        {"optimizer": "adam", "learning_rate": 0.003},
        lambda parameters: torch.optim.Adam(parameters, lr=0.003),
    ),
    "sgd": (
        {"optimizer": "sgd", "learning_rate": 0.1},
        lambda parameters: torch.optim.SGD(parameters, lr=0.1),
    ),
    "momentum": (
        {"optimizer": "sgd", "learning_rate": 0.01, "momentum": 0.9},
        lambda parameters: torch.optim.SGD(parameters, lr=0.01, momentum=0.9),
    ),
}


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
    settings, reference = OPTIMIZERS[optimizer]
    tickets = make_tickets(3, sizes, strategy)
    X, y = make_data(sizes, classification=loss == "cross_entropy")
    trained = train_stack(tickets, X, y, n_steps=50, loss=loss, **settings)
    assert len(trained) == len(tickets)
    for before, after in zip(tickets, trained, strict=True):
        assert_close(before, after, train_by_autograd(before, X, y, reference, 50, loss))


def test_a_network_without_hidden_layer():
    X, y = make_data((4, 3))
    (ticket,) = make_tickets(1, (4, 3), Magnitude())
    (trained,) = train_stack([ticket], X, y, n_steps=100, learning_rate=0.003)
    assert_close(ticket, trained, train_by_autograd(ticket, X, y, OPTIMIZERS["adam"][1], 100, ""))


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
    settings, torch_optimizer = OPTIMIZERS[optimizer]
    sizes = {"binary": (2, 10, 1), "multiclass": (4, 8, 6, 3), "regression": (4, 8, 1)}[problem]
    X, y = make_data(sizes, n_rows=30, classification=problem != "regression")
    if problem == "binary":
        X, y = np.tile(X_XOR, (5, 1)), np.tile(Y_XOR, 5)
    cls = WinningTicketRegressor if problem == "regression" else WinningTicketClassifier
    # The very net that the estimator would train with.
    estimator = cls(
        sizes[1:-1],
        optimizer=lambda parameters, lr: torch_optimizer(parameters),
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
        **settings,
    )
    for ticket, trained in zip(tickets, together, strict=True):
        # A single evaluation, at the end, so that these are the last weights.
        alone = train(net, ticket, data, n_steps=n_steps, evaluate_every=n_steps, seed=3).ticket
        assert not np.allclose(alone.weights["layers.0.weight"], ticket.weights["layers.0.weight"])
        assert_close(ticket, trained, alone.weights)


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_pruned_weights_stay_exactly_zero_and_the_rest_of_the_ticket_is_kept(optimizer, identical):
    settings, _ = OPTIMIZERS[optimizer]
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


@pytest.mark.parametrize("sizes", [(2, 10, 1), (20, 30, 12, 5)])
@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_chunks_and_neighbours_do_not_change_a_bit(sizes, optimizer):
    settings, _ = OPTIMIZERS[optimizer]
    tickets = make_tickets(150, sizes, "random", std=0.1)
    X, y = make_data(sizes, n_rows=50)
    options = {"n_steps": 60, "batch_size": 16, **settings}
    whole = train_stack(tickets, X, y, memory_limit=2**30, **options)
    assert train_stack(tickets, X, y, memory_limit=1, **options) == whole
    assert train_stack(tickets[33:87], X, y, memory_limit=2**30, **options) == whole[33:87]


def test_dropping_dead_units_changes_nothing(monkeypatch):
    from skticket import stacked

    tickets = make_tickets(6, (3, 9, 7, 2), UnitProduct(scope="global"), rate=0.5)
    alive = [t.mask["layers.0.weight"].any(axis=1).sum() for t in tickets]
    assert len(set(alive)) > 1
    X, y = make_data((3, 9, 7, 2))
    dropped = train_stack(tickets, X, y, n_steps=50, learning_rate=0.01)
    monkeypatch.setattr(
        stacked,
        "_units_to_train",
        lambda tickets, sizes: [np.tile(np.arange(size), (len(tickets), 1)) for size in sizes],
    )
    kept = train_stack(tickets, X, y, n_steps=50, learning_rate=0.01)
    for before, first, second in zip(tickets, dropped, kept, strict=True):
        assert_close(before, first, second.weights)


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
    alone = train_stack([tickets[0], tickets[2]], X, y, n_steps=10)
    assert [trained[0], trained[2]] == alone


def test_global_state_is_left_alone(global_state):
    train_stack(make_tickets(3, (2, 4, 1)), X_XOR, Y_XOR, n_steps=3, batch_size=3)


def test_outputs_are_the_networks(random_ticket):
    tickets = [random_ticket((4, 5, 3, 2), seed=seed) for seed in range(3)]
    X, _ = make_data((4, 2), n_rows=6)
    outputs = stack_outputs(tickets, X)
    assert outputs.shape == (3, 6, 2) and outputs.dtype == np.float32
    for ticket, output in zip(tickets, outputs, strict=True):
        w = {name.removeprefix("layers."): array for name, array in ticket.weights.items()}
        hidden = np.maximum(X @ w["0.weight"].T + w["0.bias"], 0)
        hidden = np.maximum(hidden @ w["1.weight"].T + w["1.bias"], 0)
        np.testing.assert_allclose(output, hidden @ w["2.weight"].T + w["2.bias"], rtol=1e-4)


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
