"""Pruning at initialization, against slow references in double precision."""

from itertools import product

import numpy as np
import pytest
import reference
import torch
from joblib import Memory
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetClassifier, NeuralNetRegressor
from torch import nn

from skticket import Prune, Ticket, WinningTicketClassifier, WinningTicketRegressor
from skticket.network import Data
from skticket.pruning import GraSP, Magnitude, Snip, SynFlow
from skticket.training import Gradients
from skticket.utils import Stream, derive_seed

X, y = make_classification(
    90, 5, n_informative=4, n_redundant=0, n_classes=3, n_clusters_per_class=1, random_state=0
)
X = X.astype(np.float32)
X_regression, y_regression = make_regression(90, 5, n_targets=2, random_state=0)
y_regression = y_regression / y_regression.std()
TARGETS = {"classes": y, "two classes": (y > 0).astype(int), "numbers": y_regression}

NAMES = ["snip", "grasp", "synflow"]
STRATEGIES = [Snip, GraSP, SynFlow]
SMALL = {
    "hidden_layer_sizes": (6, 4),
    "prune_rate": 0.3,
    "rounds": 2,
    "max_epochs": 2,
    "batch_size": 30,
    "random_state": 0,
}


def classifier(**parameters):
    return WinningTicketClassifier(**(SMALL | parameters))


def regressor(**parameters):
    return WinningTicketRegressor(**(SMALL | parameters))


# The references: the network in double precision, and derivatives of its loss.


LOSSES = {
    "classes": "cross_entropy",
    "two classes": "binary_cross_entropy",
    "numbers": "squared_error",
}


def layers_of(arrays):
    return [
        (arrays[weight].astype(float), arrays[bias].astype(float))
        for weight, bias in reference.layers(arrays)
    ]


def loss_and_gradients(layers, X, targets, kind, weight=None, temperature=1):
    """The loss of the outputs divided by a temperature, and its gradients by the weights."""
    arrays = {}
    for number, (W, b) in enumerate(layers):
        # To divide the outputs is to divide what makes them.
        scale = temperature if number == len(layers) - 1 else 1
        arrays |= {f"{number}.weight": W / scale, f"{number}.bias": b / scale}
    everything = {name: True for name, _ in reference.layers(arrays)}
    loss, found = reference.gradients(
        arrays, X, targets, everything, loss=LOSSES[kind], weight=weight
    )
    gradients = [found[name] for name in everything]
    gradients[-1] = gradients[-1] / temperature
    return loss, gradients


def moved(layers, directions, step):
    return [(W + step * V, b) for (W, b), V in zip(layers, directions, strict=True)]


def reference_product(layers, masks, *data, **options):
    """Hg, by differences of the gradient along the gradient of the survivors."""
    _, gradients = loss_and_gradients(layers, *data, **options)
    direction = [g * mask for g, mask in zip(gradients, masks, strict=True)]
    step = 1e-5 / max(np.abs(d).max() for d in direction)
    (_, ahead), (_, behind) = (
        loss_and_gradients(moved(layers, direction, s), *data, **options) for s in (step, -step)
    )
    return [(a - b) / (2 * step) for a, b in zip(ahead, behind, strict=True)]


def reference_flow(weights):
    """|θ| ∂R/∂|θ|: the sum over the paths through each weight, one path after another."""
    weights = [np.abs(W.astype(float)) for W in weights]
    flow = [np.zeros(W.shape) for W in weights]
    units = [range(weights[0].shape[1]), *(range(len(W)) for W in weights)]
    for path in product(*units):
        carried = np.prod([W[path[i + 1], path[i]] for i, W in enumerate(weights)])
        for i, scores in enumerate(flow):
            scores[path[i + 1], path[i]] += carried
    return flow


def problem(kind, *, density=1.0, weighted=False, seed=0):
    """A ticket of a small network, its data, and the same as `Gradients`."""
    rng = np.random.RandomState(seed)
    estimator = regressor() if kind == "numbers" else classifier()
    inputs = X_regression.astype(np.float32) if kind == "numbers" else X
    estimator.set_params(rounds=0, max_epochs=1).fit(inputs, TARGETS[kind])
    weight = rng.uniform(0.1, 2, len(inputs)).astype(np.float32) if weighted else None
    data = estimator._hold_out(
        *estimator._validate(inputs, TARGETS[kind], reset=False), sample_weight=weight
    )
    initial, mask = dict(estimator.ticket_.initial), {}
    for name, array in initial.items():
        # Biases that are not 0 would show up where they should not count.
        initial[name] = rng.normal(size=array.shape).astype(np.float32) / 2
    for name in estimator.ticket_.mask:
        mask[name] = rng.uniform(size=initial[name].shape) < density
        mask[name].flat[0] = True
    ticket = Ticket(initial, mask, estimator.ticket_.weights)
    return ticket, data, Gradients(estimator._build_search().net, inputs.shape[1:], data, seed=seed)


def reference_data(data, kind):
    data = data.gathered
    targets = data.y.astype(int) if kind == "classes" else data.y
    return data.X, targets, kind, data.weight


def assert_close(arrays, expected):
    scale = max(np.abs(e).max() for e in expected)
    for (name, array), e in zip(arrays.items(), expected, strict=True):
        np.testing.assert_allclose(array, e, rtol=2e-4, atol=2e-5 * scale, err_msg=name)


@pytest.mark.parametrize("kind", TARGETS)
def test_reference_is_the_derivative_of_the_loss(kind):
    ticket, data, _ = problem(kind, weighted=True)
    layers, given = layers_of(ticket.initial), reference_data(data, kind)
    _, gradients = loss_and_gradients(layers, *given, temperature=3)
    for number, (W, _) in enumerate(layers):
        for place in np.ndindex(W.shape):
            directions = [np.zeros(V.shape) for V, _ in layers]
            directions[number][place] = 1
            ahead, behind = (
                loss_and_gradients(moved(layers, directions, s), *given, temperature=3)[0]
                for s in (1e-6, -1e-6)
            )
            assert (ahead - behind) / 2e-6 == pytest.approx(gradients[number][place], abs=1e-7)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("density", [0.5, 1.0])
@pytest.mark.parametrize("kind", TARGETS)
def test_gradient_of_the_loss(kind, density, weighted):
    ticket, data, gradients = problem(kind, density=density, weighted=weighted)
    _, expected = loss_and_gradients(layers_of(ticket.initial), *reference_data(data, kind))
    assert_close(gradients.of_loss(ticket), expected)


@pytest.mark.parametrize("temperature", [1, 5])
@pytest.mark.parametrize("density", [0.5, 1.0])
@pytest.mark.parametrize("kind", TARGETS)
def test_hessian_times_gradient(kind, density, temperature):
    ticket, data, gradients = problem(kind, density=density, weighted=True)
    expected = reference_product(
        layers_of(ticket.initial),
        list(ticket.mask.values()),
        *reference_data(data, kind),
        temperature=temperature,
    )
    assert_close(gradients.hessian_times_gradient(ticket, temperature=temperature), expected)


@pytest.mark.parametrize("density", [0.5, 1.0])
def test_flow_is_the_sum_over_paths(density):
    ticket, _, gradients = problem("classes", density=density)
    assert all(array.any() for array in ticket.initial.values())  # biases, too
    factors = gradients.of_flow(ticket)
    scores = {name: np.abs(ticket.initial[name]) * factors[name] for name in ticket.mask}
    assert_close(scores, reference_flow([ticket.initial[name] for name in ticket.mask]))


def test_flow_is_conserved():
    # What enters a layer leaves it: each layer's scores sum to the same.
    ticket, _, gradients = problem("classes", density=0.6)
    factors = gradients.of_flow(ticket)
    sums = [(np.abs(ticket.initial[name]) * factors[name]).sum() for name in ticket.mask]
    np.testing.assert_allclose(sums, sums[0])


# Scores


@pytest.mark.parametrize("kind", TARGETS)
def test_snip_keeps_what_the_loss_is_most_sensitive_to(kind):
    ticket, data, gradients = problem(kind, density=0.8)
    layers = layers_of(ticket.initial)
    _, expected = loss_and_gradients(layers, *reference_data(data, kind))
    scores = [np.abs(W * g) for (W, _), g in zip(layers, expected, strict=True)]
    pruned = Prune(0.4, Snip(n_rows=None), gradients=gradients).transform(ticket)
    assert_highest_stay(ticket, pruned, scores, 0.4)


@pytest.mark.parametrize("kind", TARGETS)
def test_grasp_keeps_what_the_gradient_flow_would_miss_most(kind):
    ticket, data, gradients = problem(kind, density=0.8)
    layers, masks = layers_of(ticket.initial), list(ticket.mask.values())
    given = reference_data(data, kind)
    products = reference_product(layers, masks, *given, temperature=200)
    scores = [W * p for (W, _), p in zip(layers, products, strict=True)]
    pruned = Prune(0.4, GraSP(n_rows=None), gradients=gradients).transform(ticket)
    assert_highest_stay(ticket, pruned, scores, 0.4)


def assert_highest_stay(ticket, pruned, scores, rate):
    kept, removed = [], []
    for (name, mask), score in zip(ticket.mask.items(), scores, strict=True):
        kept.extend(score[pruned.mask[name]])
        removed.extend(score[mask & ~pruned.mask[name]])
    assert len(removed) == round(rate * ticket.n_weights)
    # Units that no example turns on have scores of 0, so that there may be ties; scores of single
    # precision may turn near-ties around.
    scale = max(np.abs(score).max() for score in scores)
    assert min(kept) >= max(removed) - 2 * (2e-4 * abs(max(removed)) + 2e-5 * scale)
    assert min(removed) < np.median(kept)


def test_sign_of_grasp():
    # The squared norm of the gradient, while one weight after another starts to vanish.
    ticket, data, gradients = problem("classes")
    layers, given = layers_of(ticket.initial), reference_data(data, "classes")

    def flow(directions, step):
        _, g = loss_and_gradients(moved(layers, directions, step), *given)
        return sum((part**2).sum() for part in g)

    scores = GraSP(temperature=1, n_rows=None)._scores(ticket, None, gradients)
    for number, name in enumerate(scores):
        for place in list(np.ndindex(scores[name].shape))[::3]:
            directions = [np.zeros(W.shape) for W, _ in layers]
            directions[number][place] = -layers[number][0][place]
            change = (flow(directions, 1e-6) - flow(directions, -1e-6)) / 2e-6
            # What is kept, with a high score, is what would take gradient flow with it.
            assert -2 * scores[name][place] == pytest.approx(change, rel=1e-3, abs=1e-4)


def remaining(n, rate, step, n_steps):
    return round(n * (1 - round(rate * n) / n) ** (step / n_steps))


@pytest.mark.parametrize("n_steps", [1, 4, 100])
def test_synflow_step_by_step(n_steps):
    ticket, _, gradients = problem("classes")
    names = list(ticket.mask)
    masks = [mask.copy() for mask in ticket.mask.values()]
    n = ticket.n_weights
    for step in range(1, n_steps + 1):
        flow = reference_flow([ticket.initial[f] * m for f, m in zip(names, masks, strict=True)])
        ranked = sorted(
            (score, i, place)
            for i, scores in enumerate(flow)
            for place, score in np.ndenumerate(scores)
            if masks[i][place]
        )
        last = {i: max(place for place in ranked if place[1] == i) for i in range(len(masks))}
        ranked = [entry for entry in ranked if entry != last[entry[1]]]
        excess = sum(int(m.sum()) for m in masks) - remaining(n, 0.85, step, n_steps)
        for _, i, place in ranked[:excess]:
            masks[i][place] = False
    pruned = Prune(0.85, SynFlow(n_steps=n_steps), gradients=gradients).transform(ticket)
    assert pruned.n_weights == n - round(0.85 * n)
    for name, mask in zip(names, masks, strict=True):
        np.testing.assert_array_equal(pruned.mask[name], mask)


def test_synflow_by_itself_and_where_a_layer_is_empty():
    ticket, _, gradients = problem("classes")
    strategy = SynFlow(scope="layer", n_steps=3)
    pruned = Prune(0.4, strategy, gradients=gradients).transform(ticket)
    alone = strategy.masks(ticket, 0.4, gradients=gradients)
    for name, mask in pruned.mask.items():
        np.testing.assert_array_equal(alone[name], mask)
    first = next(iter(ticket.mask))
    emptied = ticket.mask | {first: np.zeros_like(ticket.mask[first])}
    emptied = Ticket(ticket.initial, emptied, ticket.weights)
    left = Prune(0.5, strategy, gradients=gradients).transform(emptied)
    for name, mask in emptied.mask.items():
        assert left.mask[name].sum() == mask.sum() - round(mask.sum() / 2)


def test_synflow_in_steps_keeps_more_flow():
    rng = np.random.RandomState(0)
    shapes = {"0.weight": (20, 20), "2.weight": (2, 20)}
    weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    weights |= {"0.bias": np.zeros(20), "2.bias": np.zeros(2)}
    ticket = Ticket(weights, {name: np.ones(shape, bool) for name, shape in shapes.items()})
    module = nn.Sequential(nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 2))
    gradients = Gradients(NeuralNetRegressor(module, verbose=0), (20,))
    flow = {}
    for n_steps in (1, 100):
        pruned = Prune(0.95, SynFlow(n_steps=n_steps), gradients=gradients).transform(ticket)
        assert pruned.n_weights == 22
        flow[n_steps] = reference_flow([pruned.initial[name] for name in shapes])[0].sum()
    assert flow[100] > flow[1]


@pytest.mark.parametrize("n_rows", [1, 7, 10**6])
def test_loss_is_taken_on_so_many_rows(n_rows):
    ticket, data, gradients = problem("classes", seed=3)
    rows = np.random.RandomState(3).permutation(data.n_rows)[:n_rows]
    X, targets, kind, _ = reference_data(data, "classes")
    _, expected = loss_and_gradients(layers_of(ticket.initial), X[rows], targets[rows], kind)
    assert_close(gradients.of_loss(ticket, n_rows), expected)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_trained_weights_do_not_matter(strategy):
    ticket, _, gradients = problem("classes", density=0.8)
    prune = Prune(0.5, strategy(), gradients=gradients)
    untrained = Ticket(ticket.initial, ticket.mask)
    assert prune.transform(ticket).mask["layers.0.weight"].any()
    for name, mask in prune.transform(ticket).mask.items():
        np.testing.assert_array_equal(prune.transform(untrained).mask[name], mask)


# Counts


@pytest.mark.parametrize("repeat", [1, 3])
@pytest.mark.parametrize("rate", [0, 0.0, 0.3, 0.9, 4])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_counts(strategy, rate, repeat):
    ticket, _, gradients = problem("classes", density=0.9)
    for parameters in ({}, {"scope": "layer"}, {"scope": "layer", "output_rate": 0.5}):
        if rate == 4 and repeat == 3 and not parameters:
            continue
        by_magnitude = Magnitude(**({"scope": "global", "output_rate": 1} | parameters))
        try:
            expected = Prune(rate, by_magnitude, repeat=repeat).transform(ticket)
        except ValueError:
            with pytest.raises(ValueError, match=f"prune rate {rate}"):
                Prune(rate, strategy(**parameters), repeat=repeat).fit(ticket)
            continue
        prune = Prune(rate, strategy(**parameters), repeat=repeat, gradients=gradients)
        pruned = prune.fit(ticket).transform(ticket)
        assert pruned.n_weights == expected.n_weights
        assert all(mask.any() for mask in pruned.mask.values())
        assert not any(np.any(pruned.mask[name] & ~ticket.mask[name]) for name in ticket.mask)
        if parameters:
            assert pruned.layer_densities == expected.layer_densities


# In the estimators


class Convolutional(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 3, 2),
            nn.BatchNorm2d(3),
            nn.Tanh(),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(12, 3),
        )


images = np.random.RandomState(0).normal(size=(90, 1, 3, 3)).astype(np.float32)


def with_net(**parameters):
    net = NeuralNetClassifier(
        Convolutional, criterion=nn.CrossEntropyLoss, max_epochs=2, batch_size=30, verbose=0
    )
    return classifier(net=net, **parameters)


class Smooth(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(5, 6), nn.Sigmoid(), nn.Linear(6, 2))


def regression_net(**parameters):
    net = NeuralNetRegressor(Smooth, max_epochs=2, verbose=0)
    return regressor(net=net, **parameters)


KINDS = {
    "classifier": (classifier, X, y),
    "binary": (classifier, X, TARGETS["two classes"]),
    "regressor": (regressor, X_regression, y_regression),
    "convolutional": (with_net, images, y),
    "regression net": (regression_net, X_regression, y_regression),
}


@pytest.mark.parametrize("schedule", ["iterative", "one-shot"])
@pytest.mark.parametrize("strategy", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_steps_by_hand_give_what_fit_gives(kind, strategy, schedule, global_state):
    make, inputs, targets = KINDS[kind]
    fitted = make(strategy=strategy, schedule=schedule).fit(inputs, targets)
    again = make(strategy=strategy, schedule=schedule).fit(inputs, targets)
    assert fitted.tickets_ == again.tickets_
    by_hand = make(strategy=strategy, schedule=schedule).partial_fit(inputs, targets)
    data = {} if strategy == "synflow" else {"X": inputs, "y": targets}
    for _ in fitted.tickets_[1:]:
        by_hand.prune(**data).rewind().partial_fit(inputs, targets)
    assert by_hand.tickets_ == fitted.tickets_
    assert fitted.predict(inputs).shape == targets.shape


def test_steps_by_hand_with_weights_of_rows():
    weight = np.random.RandomState(0).uniform(0, 2, len(X))
    fitted = classifier(strategy="snip", rounds=1).fit(X, y, sample_weight=weight)
    by_hand = classifier(strategy="snip").partial_fit(X, y, sample_weight=weight)
    by_hand.prune(X=X, y=y, sample_weight=weight).rewind()
    assert by_hand.ticket_.mask["layers.0.weight"].tolist() == (
        fitted.ticket_.mask["layers.0.weight"].tolist()
    )


@pytest.mark.parametrize("strategy", NAMES)
def test_it_is_pruning_at_initialization(strategy):
    # The mask, and the weights that the last training starts from, without any training.
    fitted = classifier(strategy=strategy, schedule="one-shot").fit(X, y)
    search = fitted._build_search()
    full = search.first_ticket()
    data = fitted._hold_out(*fitted._validate(X, y, reset=False), None)
    ticket = search.next_ticket(full, data, 1)
    assert search.train(ticket, data, 1).ticket == fitted.ticket_
    assert ticket.initial.keys() == full.initial.keys()
    for name, mask in ticket.mask.items():
        np.testing.assert_array_equal(ticket.weights[name], full.initial[name] * mask)


@pytest.mark.parametrize("strategy", ["snip", "grasp"])
def test_rows_have_a_stream_of_their_own(strategy):
    # Other rows, other masks; the same networks otherwise.
    few = classifier(strategy=strategy, rounds=1).set_params(
        strategy={"snip": Snip, "grasp": GraSP}[strategy](n_rows=3)
    )
    few.fit(X, y)
    all_rows = classifier(strategy=strategy, rounds=1).fit(X, y)
    assert few.tickets_[0] == all_rows.tickets_[0]
    assert few.tickets_[1] != all_rows.tickets_[1]
    seeds = {derive_seed(few._run.seed, stream, 1) for stream in Stream}
    assert len(seeds) == len(Stream)


def test_grid_beside_magnitude_shares_the_full_network(tmp_path):
    memory = Memory(tmp_path, verbose=0)
    grid = {"strategy": ["magnitude", *NAMES], "schedule": ["one-shot", "iterative"]}
    search = GridSearchCV(classifier(memory=memory), grid, cv=2, refit=False).fit(X, y)
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()
    # A fold: the full network once; for each strategy one-shot, and two rounds.
    assert len(list(tmp_path.rglob("output.pkl"))) == 2 * (1 + 4 * 3)


def test_parameters_are_reached():
    clf = clone(classifier(strategy=GraSP()))
    clf.set_params(strategy__n_rows=5, strategy__temperature=1, strategy__scope="layer")
    assert clf.strategy.get_params() == {
        "scope": "layer",
        "output_rate": 1,
        "n_rows": 5,
        "temperature": 1,
    }
    assert classifier(strategy=SynFlow()).get_params()["strategy__n_steps"] == 100


def test_defaults_are_the_papers():
    paper = {"scope": "global", "output_rate": 1}
    assert Snip().get_params() == paper | {"n_rows": 128}
    assert GraSP().get_params() == paper | {"n_rows": 128, "temperature": 200}
    assert SynFlow().get_params() == paper | {"n_steps": 100}


@pytest.mark.parametrize(
    "strategy", [Snip(n_rows=1), GraSP(n_rows=1, temperature=0.5), SynFlow(n_steps=1)]
)
def test_least_values(strategy):
    ticket, _, gradients = problem("classes")
    assert Prune(0.5, strategy, gradients=gradients).transform(ticket).density == 0.5


@pytest.mark.parametrize("rewind", [1, "none", "reinit", "rearrange"])
@pytest.mark.parametrize("strategy", NAMES)
def test_every_rewind(strategy, rewind):
    clf = classifier(strategy=strategy, rewind_to=rewind).fit(X, y)
    assert [t.n_weights for t in clf.tickets_] == [66, 46, 32]


# Errors


@pytest.mark.parametrize("strategy", NAMES)
def test_ticket_alone_is_not_enough(strategy):
    ticket, _, _ = problem("classes")
    with pytest.raises(
        ValueError,
        match=r"^the strategy (Snip|GraSP|SynFlow) scores weights by gradients of the network, "
        r"which a ticket alone cannot give: Prune needs gradients=skticket\.training\.Gradients"
        r"\(\.\.\.\); an estimator provides them by itself$",
    ):
        Prune(0.5, strategy).transform(ticket)


def test_ticket_alone_is_not_enough_even_for_nothing():
    with pytest.raises(ValueError, match="Prune needs gradients="):
        Prune(0.0, SynFlow(n_steps=1)).transform(problem("classes")[0])


@pytest.mark.parametrize("strategy", ["snip", "grasp"])
def test_data_are_needed_by_hand(strategy):
    clf = classifier(strategy=strategy).partial_fit(X, y)
    with pytest.raises(ValueError, match=r"prune\(X=..., y=...\)"):
        clf.prune()
    with pytest.raises(ValueError, match="y"):
        clf.prune(X=X)
    with pytest.raises(ValueError, match="3 features"):
        clf.prune(X=X[:, :3], y=y)
    assert clf.prune(0.5, X, y).density_ == 0.5


@pytest.mark.parametrize(
    "strategy, name",
    [
        (Snip(n_rows=0), "n_rows"),
        (Snip(n_rows=0.5), "n_rows"),
        (GraSP(temperature=0), "temperature"),
        (SynFlow(n_steps=0), "n_steps"),
        (SynFlow(scope="local"), "scope"),
        (Snip(output_rate=2), "output_rate"),
    ],
)
def test_wrong_parameter_is_named(strategy, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        classifier(strategy=strategy).fit(X, y)
    with pytest.raises(ValueError, match="'gradients' parameter"):
        Prune(0.5, "snip", gradients=[1]).transform(problem("classes")[0])


def test_net_is_not_changed():
    net = NeuralNetRegressor(nn.Linear(5, 2), verbose=0)
    before = {name: value.clone() for name, value in net.module.state_dict().items()}
    arrays = {name: 2 * value.numpy() for name, value in before.items()}
    ticket = Ticket(arrays, {"weight": np.ones((2, 5), bool)})
    data = Data(X, y_regression.astype(np.float32), X, y_regression, classification=False)
    gradients = Gradients(net, (5,), data)
    for strategy in NAMES:
        assert Prune(0.5, strategy, gradients=gradients).transform(ticket).n_weights == 5
    for name, value in net.module.state_dict().items():
        assert torch.equal(value, before[name])
