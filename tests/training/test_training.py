"""What happens inside a training, watched through skorch's callbacks and an optimizer."""

import pickle
import signal
import tracemalloc
from contextlib import contextmanager
from functools import partial
from itertools import product

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification, make_regression
from sklearn.metrics import log_loss
from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import Callback, EarlyStopping
from torch import nn

from skticket import Prune, Rewind, Ticket, WinningTicketClassifier, WinningTicketRegressor
from skticket.initialization import Glorot
from skticket.network import Data, default_net, draw_initial, first_ticket, n_batch_rows
from skticket.training import train

X, y = make_classification(
    150, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, class_sep=1.5, random_state=0
)
X = X.astype("float32")

OPTIMIZERS = {
    "SGD": partial(torch.optim.SGD, momentum=0.9, weight_decay=0.02),
    "Nesterov": partial(torch.optim.SGD, momentum=0.9, weight_decay=0.02, nesterov=True),
    "Adam": partial(torch.optim.Adam, weight_decay=0.02),
    "AdamW": partial(torch.optim.AdamW, weight_decay=0.02),
}


def arrays(net):
    return {n: t.detach().cpu().numpy().copy() for n, t in net.module_.state_dict().items()}


class Recorder(Callback):
    """Keep what each training does, step by step; in the class, since nets are cloned."""

    trainings = []

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        start, state = arrays(net), len(net.optimizer_.state)
        Recorder.trainings.append({"start": start, "state": state, "steps": [], "rows": []})

    def on_epoch_begin(self, net, **kwargs):
        Recorder.trainings[-1]["rows"].append({True: [], False: []})

    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        Recorder.trainings[-1]["rows"][-1][training] += [
            (tuple(row), label) for row, label in zip(batch[0].tolist(), batch[1].tolist())
        ]
        if training:
            Recorder.trainings[-1]["steps"].append(arrays(net))


@pytest.fixture
def trainings():
    Recorder.trainings.clear()
    yield Recorder.trainings
    Recorder.trainings.clear()


class Smooth(nn.Module):
    """A network without dead units: every weight has a gradient."""

    def __init__(self, n_outputs=3, dropout=0.0):
        super().__init__()
        self.hidden = nn.Linear(6, 8)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(8, n_outputs)

    def forward(self, X):
        return self.output(self.dropout(torch.tanh(self.hidden(X))))


class Convolutional(nn.Module):
    """Two kinds of convolution and a batch normalization, over six features in a row."""

    def __init__(self):
        super().__init__()
        self.line = nn.Conv1d(1, 4, 3, padding=1)
        self.normalization = nn.BatchNorm1d(4)
        self.plane = nn.Conv2d(1, 2, (2, 3))
        self.output = nn.Linear(2 * 3 * 4, 3)

    def forward(self, X):
        X = torch.relu(self.normalization(self.line(X[:, None])))
        X = torch.relu(self.plane(X[:, None]))
        return self.output(X.flatten(1))


def prototype(module=Smooth, *, optimizer="SGD", **parameters):
    defaults = {"lr": 0.01, "max_epochs": 3, "batch_size": 20, "verbose": 0}
    return NeuralNetClassifier(
        module,
        criterion=nn.CrossEntropyLoss,
        optimizer=OPTIMIZERS[optimizer],
        callbacks=[Recorder()],
        **(defaults | parameters),
    )


def classifier(net=None, **parameters):
    net = prototype() if net is None else net
    defaults = {"net": net, "rounds": 2, "prune_rate": 0.4, "random_state": 0}
    return WinningTicketClassifier(**(defaults | parameters))


def masked(values, mask):
    return {name: np.where(mask.get(name, True), array, 0) for name, array in values.items()}


def assert_same_bits(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


# Pruned weights stay 0, the others train


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("module", [Smooth, Convolutional])
@pytest.mark.parametrize("rewind", ["init", "none"])
def test_pruned_weight_is_zero_after_every_step(trainings, optimizer, module, rewind):
    clf = classifier(prototype(module, optimizer=optimizer), rewind_to=rewind).fit(X, y)
    assert len(trainings) == 3
    for ticket, training in zip(clf.tickets_, trainings, strict=True):
        assert len(training["steps"]) == 3 * 7
        for values in [training["start"], *training["steps"]]:
            for name, mask in ticket.mask.items():
                assert not np.any(values[name][~mask])
    assert len(clf.ticket_.mask) == (2 if module is Smooth else 3)
    assert not any(mask.all() for mask in clf.ticket_.mask.values())


class WatchedSGD(torch.optim.SGD):
    """Keep all parameters as each step finds them."""

    found = []

    def step(self, closure=None):
        group = [p.detach().numpy().copy() for g in self.param_groups for p in g["params"]]
        WatchedSGD.found.append(group)
        return super().step(closure)


@pytest.mark.parametrize("rewind", ["init", "none", "rearrange"])
def test_pruned_weight_of_the_default_network_is_zero_before_every_step(rewind):
    WatchedSGD.found.clear()
    clf = WinningTicketClassifier(
        (9, 7),
        rounds=2,
        max_epochs=3,
        batch_size=30,
        rewind_to=rewind,
        optimizer=partial(WatchedSGD, momentum=0.9, weight_decay=0.02),
        learning_rate=0.05,
        random_state=0,
    ).fit(X, y)
    n_steps = 3 * 5
    assert clf.n_iter_ == n_steps
    assert len(WatchedSGD.found) == 3 * n_steps
    for number, ticket in enumerate(clf.tickets_):
        for values in WatchedSGD.found[number * n_steps : (number + 1) * n_steps]:
            for name, array in zip(ticket.initial, values, strict=True):
                if name in ticket.mask:
                    assert not np.any(array[~ticket.mask[name]])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_negative_weights_train_like_positive_ones(trainings, optimizer):
    clf = classifier(prototype(optimizer=optimizer)).fit(X, y)
    for ticket, training in zip(clf.tickets_, trainings, strict=True):
        survivors = {name: mask for name, mask in ticket.mask.items()}

        def flat(values, survivors=survivors):
            return np.concatenate([values[name][mask] for name, mask in survivors.items()])

        start = flat(training["start"])
        assert (start < 0).sum() > 5 and (start > 0).sum() > 5
        for before, after in zip(training["steps"], training["steps"][1:]):
            moved = flat(after) != flat(before)
            assert moved[start < 0].mean() > 0.9
            assert moved[start > 0].mean() > 0.9


def test_optimizer_starts_afresh_each_round(trainings):
    classifier(prototype(optimizer="Adam")).fit(X, y)
    assert [training["state"] for training in trainings] == [0, 0, 0]


def test_biases_are_trained_and_never_masked(trainings):
    clf = classifier(rounds=4).fit(X, y)
    for ticket, training in zip(clf.tickets_, trainings, strict=True):
        for name in ("hidden.bias", "output.bias"):
            assert name not in ticket.mask
            assert np.all(ticket.weights[name] != training["start"][name])
            assert np.all(ticket.initial[name] == clf.tickets_[0].initial[name])


# Where each training starts


def test_first_round_starts_from_the_initial_weights(trainings):
    clf = classifier(rounds=0).fit(X, y)
    assert_same_bits(trainings[0]["start"], dict(clf.ticket_.initial))


def test_init_goes_back_to_the_very_first_weights(trainings):
    clf = classifier(rewind_to="init").fit(X, y)
    for ticket, training in zip(clf.tickets_[1:], trainings[1:], strict=True):
        # Biases included: these are not 0 in the beginning.
        assert_same_bits(training["start"], masked(trainings[0]["start"], ticket.mask))
        assert_same_bits(dict(ticket.initial), training["start"])
        assert np.all(training["start"]["hidden.bias"] != 0)


@pytest.mark.parametrize("step", [1, 4, 21])
def test_step_goes_back_to_the_weights_after_it(trainings, step):
    clf = classifier(rewind_to=step).fit(X, y)
    after = trainings[0]["steps"][step - 1]
    assert_same_bits(dict(clf.tickets_[0].checkpoints[step]), after)
    for ticket, training in zip(clf.tickets_[1:], trainings[1:], strict=True):
        assert_same_bits(training["start"], masked(after, ticket.mask))
        assert_same_bits(dict(ticket.checkpoints[step]), training["start"])
        # θ0 stays θ0.
        assert_same_bits(dict(ticket.initial), masked(trainings[0]["start"], ticket.mask))


@pytest.mark.parametrize("evaluate_every", [None, 2, 5])
def test_step_does_not_depend_on_the_evaluation_grid(trainings, evaluate_every):
    clf = classifier(rewind_to=4, evaluate_every=evaluate_every).fit(X, y)
    assert_same_bits(dict(clf.tickets_[0].checkpoints[4]), trainings[0]["steps"][3])
    reference = classifier(rewind_to=4).fit(X, y)
    assert_same_bits(
        dict(clf.tickets_[0].checkpoints[4]), dict(reference.tickets_[0].checkpoints[4])
    )


def test_step_beyond_the_training():
    with pytest.raises(ValueError, match="rewind_to=1000.*21 steps"):
        classifier(rewind_to=1000).fit(X, y)


def test_none_goes_on_from_the_trained_weights(trainings):
    clf = classifier(rewind_to="none").fit(X, y)
    for before, ticket, training in zip(clf.tickets_, clf.tickets_[1:], trainings[1:]):
        assert_same_bits(training["start"], masked(before.weights, ticket.mask))


def test_reinit_starts_from_other_weights(trainings):
    clf = classifier(rewind_to="reinit").fit(X, y)
    for number in (1, 2):
        start, ticket = trainings[number]["start"], clf.tickets_[number]
        expected = Prune(0.4).transform(clf.tickets_[number - 1])
        assert_same_bits(dict(ticket.mask), dict(expected.mask))
        assert_same_bits(dict(ticket.initial), start)
        for other in trainings[:number]:
            for name, mask in ticket.mask.items():
                assert not np.any(start[name][mask] == other["start"][name][mask])
                # The module's own distribution: uniform up to 1 / sqrt(fan in).
                assert np.abs(start[name]).max() <= mask.shape[1] ** -0.5


def test_rearrange_starts_from_the_same_weights_in_other_places(trainings):
    clf = classifier(rewind_to="rearrange").fit(X, y)
    for number in (1, 2):
        start, ticket = trainings[number]["start"], clf.tickets_[number]
        pruned = Prune(0.4).transform(clf.tickets_[number - 1])
        assert_same_bits(dict(ticket.initial), start)
        for name, mask in pruned.mask.items():
            assert np.any(ticket.mask[name] != mask)
            np.testing.assert_array_equal(
                np.sort(start[name][ticket.mask[name]]), np.sort(pruned.initial[name][mask])
            )


def test_each_round_prunes_the_trained_weights():
    clf = classifier(rounds=3).fit(X, y)
    for before, ticket in zip(clf.tickets_, clf.tickets_[1:]):
        assert_same_bits(dict(ticket.mask), dict(Prune(0.4).transform(before).mask))
        untrained = Rewind().transform(before)
        assert Prune(0.4).transform(untrained).mask["hidden.weight"].tobytes() != (
            ticket.mask["hidden.weight"].tobytes()
        )


# What each training keeps


@pytest.mark.parametrize("evaluate_every", [None, 4])
def test_ticket_holds_the_trained_weights(trainings, evaluate_every):
    net = prototype(lr=0.5, max_epochs=6)  # so large that the last evaluation is rarely the best
    clf = classifier(net, evaluate_every=evaluate_every, rounds=3).fit(X, y)
    results = clf.round_results_
    assert any(results["iterations_to_converge"] < 42)
    grid = [*range(7, 43, 7)] if evaluate_every is None else [*range(4, 42, 4), 42]
    for number, ticket in enumerate(clf.tickets_):
        assert_same_bits(dict(ticket.weights), trainings[number]["steps"][-1])
        losses = clf.histories_[number][:, "valid_loss"]
        scores = clf.histories_[number][:, "valid_score"]
        assert clf.histories_[number][:, "iteration"] == grid
        where = int(np.argmin(losses))
        assert results["iterations_to_converge"][number] == grid[where]
        assert results["converged_loss"][number] == losses[where]
        assert results["converged_score"][number] == scores[where]
        assert results["valid_loss"][number] == losses[-1]
        assert results["valid_score"][number] == scores[-1]


@pytest.mark.parametrize(
    "evaluate_every, n_evaluations", [(None, 3), (1, 21), (5, 5), (7, 3), (21, 1), (1000, 1)]
)
def test_evaluation_grid(trainings, evaluate_every, n_evaluations):
    clf = classifier(evaluate_every=evaluate_every, rounds=1).fit(X, y)
    for history, training in zip(clf.histories_, trainings, strict=True):
        assert len(history) == n_evaluations
        assert len(training["steps"]) == 21
    assert clf.n_iter_ == 21
    # How often is looked has no influence on the training.
    reference = classifier(rounds=1).fit(X, y)
    assert reference.tickets_[0].initial["hidden.weight"].tobytes() == (
        clf.tickets_[0].initial["hidden.weight"].tobytes()
    )
    assert_same_bits(trainings[0]["steps"][-1], trainings[2]["steps"][-1])


def test_loss_and_score_are_of_the_trained_weights():
    clf = WinningTicketClassifier(
        (10,), rounds=2, max_epochs=10, learning_rate=0.1, validation_fraction=0, random_state=0
    ).fit(X, y)
    assert clf.round_results_["valid_score"][-1] == pytest.approx(clf.score(X, y))
    loss = log_loss(y, clf.predict_proba(X))
    assert clf.round_results_["valid_loss"][-1] == pytest.approx(loss, rel=1e-4)


def test_loss_and_score_of_two_classes():
    clf = WinningTicketClassifier(
        (10,), rounds=1, max_epochs=10, learning_rate=0.1, validation_fraction=0, random_state=0
    ).fit(X, y == 1)
    assert clf.round_results_["valid_score"][-1] == pytest.approx(clf.score(X, y == 1))
    loss = log_loss(y == 1, clf.predict_proba(X))
    assert clf.round_results_["valid_loss"][-1] == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_loss_and_score_of_a_regression(n_targets):
    X, y = make_regression(120, 5, n_targets=n_targets, random_state=0)
    y = y / y.std()
    reg = WinningTicketRegressor(
        (10,), rounds=1, max_epochs=20, learning_rate=0.02, validation_fraction=0, random_state=0
    ).fit(X, y)
    assert reg.round_results_["valid_score"][-1] == pytest.approx(reg.score(X, y), rel=1e-4)
    loss = np.mean((reg.predict(X) - y) ** 2)
    assert reg.round_results_["valid_loss"][-1] == pytest.approx(loss, rel=1e-4)


# Rows and batches


def test_held_out_rows_are_not_trained_on(trainings):
    classifier(validation_fraction=0.2).fit(X, y)
    everything = {(tuple(row), label) for row, label in zip(X.tolist(), y.tolist())}
    for training in trainings:
        for epoch in training["rows"]:
            assert len(epoch[True]) == 120 and len(epoch[False]) == 30
            # Each pass takes each row once, with its own label.
            assert {*epoch[True]} | {*epoch[False]} == everything
            # The same rows are held out in every round, in proportion to the classes.
            assert {*epoch[False]} == {*trainings[0]["rows"][0][False]}
            labels = [label for _, label in epoch[False]]
            np.testing.assert_allclose(np.bincount(labels), np.bincount(y) / 5, atol=1)


def test_batches_are_shuffled_anew(trainings):
    classifier(rounds=1).fit(X, y)
    orders = [tuple(epoch[True]) for training in trainings for epoch in training["rows"]]
    assert len(set(orders)) == len(orders) == 6


class Listener(Callback):
    def on_grad_computed(self, net, batch=None, **kwargs):
        X, y = batch
        assert torch.is_tensor(X) and X.isfinite().all()

    def on_batch_end(self, net, batch=None, y_pred=None, **kwargs):
        assert y_pred.shape == (len(batch[0]), 3)


@pytest.mark.parametrize("layout", ["dense", "sparse"])
@pytest.mark.parametrize(
    "kind, weighted",
    # Only the default net weights its rows.
    [*product(["quiet", "listened to"], [False, True]), ("skorch's", False)],
)
def test_rows_of_the_data_are_trained_on_like_a_copy_of_them(kind, layout, weighted):
    """Rows to train on may be named; others of the same array are then not even looked at."""
    net = default_net((8,), 6, 3, criterion=nn.CrossEntropyLoss, batch_size=16)
    arrays = draw_initial((8,), 6, 3, Glorot(), np.random.RandomState(1))
    ticket = Prune(0.3).transform(first_ticket(net, arrays))
    if kind == "listened to":
        net.set_params(callbacks=[Listener()])
    elif kind == "skorch's":
        net = NeuralNetClassifier(Smooth, criterion=nn.CrossEntropyLoss, verbose=0)
        ticket = first_ticket(net, seed=1)
    rng = np.random.RandomState(0)
    rows = rng.permutation(150)[:101]
    others = np.setdiff1d(np.arange(150), rows)
    spoiled, weight = X.copy(), rng.uniform(0.5, 2, 150).astype(np.float32) if weighted else None
    spoiled[others] = np.nan
    valid = None if weight is None else weight[others]
    data = Data(spoiled, y, X[others], y[others], True, weight, valid, rows=rows)
    copied = Data(
        X[rows], y[rows], X[others], y[others], True, weight[rows] if weighted else None, valid
    )
    assert data.n_rows == copied.n_rows == 101
    assert data.digest == copied.digest
    options = {"n_steps": 20, "evaluate_every": 5, "seed": 3, "layout": layout}
    assert (
        train(net, ticket, data, **options).ticket == train(net, ticket, copied, **options).ticket
    )


def test_fit_copies_no_more_than_the_held_out_rows():
    values = np.random.RandomState(0).uniform(size=(4000, 500)).astype("float32")
    clf = WinningTicketClassifier((4,), rounds=0, max_epochs=1)
    clf.fit(values[:50], np.arange(50) % 2)
    tracemalloc.start()
    clf.fit(values, np.arange(4000) % 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * values.nbytes


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_read_only_arrays_are_no_matter(layout, recwarn):
    frozen, labels = X.copy(), y.copy()
    frozen.flags.writeable = labels.flags.writeable = False
    WinningTicketClassifier((4,), rounds=1, max_epochs=1, layout=layout).fit(frozen, labels)
    WinningTicketRegressor((4,), rounds=1, max_epochs=1, layout=layout).fit(frozen, frozen[:, 0])
    assert not recwarn.list


def test_training_rows_serve_for_evaluation_without_others(trainings):
    classifier(validation_fraction=0).fit(X, y)
    for epoch in trainings[-1]["rows"]:
        assert len(epoch[True]) == 150
        assert sorted(epoch[False]) == sorted(epoch[True])


def test_few_rows(trainings):
    few = [np.flatnonzero(y == label)[0] for label in range(3)]
    clf = classifier(validation_fraction=0.1).fit(X[few], y[few])
    assert len(trainings[-1]["rows"][0][True]) >= 2
    assert clf.predict(X).shape == (150,)


def test_class_with_one_row():
    rows = np.flatnonzero((y != 2) | (np.cumsum(y == 2) == 1))
    clf = classifier(validation_fraction=0.2).fit(X[rows], y[rows])
    assert list(clf.classes_) == [0, 1, 2]


@pytest.mark.parametrize("batch_size, n_batches", [(20, 7), (135, 1), (10_000, 1), (1, 135)])
def test_steps_of_an_epoch(batch_size, n_batches):
    clf = classifier(prototype(batch_size=batch_size, max_epochs=2), rounds=0).fit(X, y)
    assert clf.n_iter_ == 2 * n_batches
    clf = WinningTicketClassifier((4,), batch_size=batch_size, max_epochs=2, rounds=0).fit(X, y)
    assert clf.n_iter_ == 2 * n_batches


# Prototypes


def test_prototype_is_neither_trained_nor_changed():
    net = prototype()
    before = dict(vars(net))
    clf = classifier(net).fit(X, y)
    assert clf.net is net
    assert not net.initialized_
    assert vars(net) == before


def test_modules_given_as_instances_are_not_changed(trainings):
    torch.manual_seed(0)
    module = Smooth()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    clf = classifier(prototype(module)).fit(X, y)
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name])
        np.testing.assert_array_equal(clf.tickets_[0].initial[name], tensor)


@pytest.mark.parametrize(
    "criterion, n_outputs",
    [(nn.CrossEntropyLoss, 3), (nn.NLLLoss, 3)],
)
def test_criteria_of_classification(criterion, n_outputs):
    net = NeuralNetClassifier(
        nn.Sequential(Smooth(n_outputs), nn.Softmax(-1)) if criterion is nn.NLLLoss else Smooth,
        criterion=criterion,
        optimizer=torch.optim.Adam,
        lr=0.05,
        max_epochs=15,
        batch_size=20,
        verbose=0,
    )
    clf = classifier(net, validation_fraction=0).fit(X, y)
    assert clf.score(X, y) > 0.85
    assert clf.round_results_["valid_score"][-1] == pytest.approx(clf.score(X, y))
    probabilities = clf.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert log_loss(y, probabilities) == pytest.approx(
        clf.round_results_["valid_loss"][-1], rel=1e-3
    )


class OneLogit(nn.Module):
    def __init__(self):
        super().__init__()
        self.smooth = Smooth(1)

    def forward(self, X):
        return self.smooth(X).squeeze(1)


def test_binary_net():
    net = NeuralNetBinaryClassifier(
        OneLogit, optimizer=torch.optim.Adam, lr=0.05, max_epochs=15, batch_size=20, verbose=0
    )
    target = np.where(y == 1, "yes", "no")
    clf = classifier(net, validation_fraction=0).fit(X, target)
    assert clf.score(X, target) > 0.85
    assert clf.predict_proba(X).shape == (150, 2)
    assert clf.round_results_["valid_score"][-1] == pytest.approx(clf.score(X, target))


def test_regression_net():
    # A column of outputs against a vector of targets would broadcast to a matrix.
    X, y = make_regression(150, 6, random_state=0)
    y = y / y.std()
    net = NeuralNetRegressor(
        Smooth,
        module__n_outputs=1,
        optimizer=torch.optim.Adam,
        lr=0.05,
        max_epochs=20,
        batch_size=20,
        verbose=0,
    )
    reg = WinningTicketRegressor(net=net, rounds=1, random_state=0).fit(X, y)
    assert reg.score(X, y) > 0.8
    assert reg.predict(X).shape == (150,)


def test_convolutional_net(trainings, tmp_path):
    net = prototype(Convolutional, optimizer="Adam", lr=0.05, max_epochs=10)
    clf = classifier(net, validation_fraction=0).fit(X, y)
    assert {n: m.shape for n, m in clf.ticket_.mask.items()} == {
        "line.weight": (4, 1, 3),
        "plane.weight": (2, 1, 2, 3),
        "output.weight": (3, 24),
    }
    # 12 -> 7 -> 4, 12 -> 7 -> 4 and, at half the rate, 72 -> 58 -> 46.
    assert [mask.sum() for mask in clf.ticket_.mask.values()] == [4, 4, 46]
    assert clf.score(X, y) > 0.8
    # Statistics of the normalization are rewound, kept and used in prediction.
    assert np.all(trainings[1]["start"]["normalization.running_mean"] == 0)
    assert np.any(clf.ticket_.weights["normalization.running_mean"] != 0)
    assert clf.round_results_["valid_score"][-1] == pytest.approx(clf.score(X, y))
    clf.ticket_.save(tmp_path / "ticket")
    assert Ticket.load(tmp_path / "ticket") == clf.ticket_


@pytest.mark.parametrize("strategy", ["unit_input", "unit_output", "unit_product"])
def test_unit_strategy_on_a_convolutional_net(trainings, strategy):
    with pytest.raises(ValueError, match="fully connected"):
        classifier(prototype(Convolutional), strategy=strategy).fit(X, y)
    assert not trainings  # told before any training


def test_unit_strategy_on_a_fully_connected_net():
    clf = classifier(strategy="unit_product", prune_rate=3).fit(X, y)
    assert clf.ticket_.mask["hidden.weight"].any(axis=1).sum() == 2


def test_net_without_prunable_weights():
    class Nothing(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3))

        def forward(self, X):
            return X[:, :3] * self.scale

    with pytest.raises(ValueError, match="no Linear or Conv layer"):
        classifier(prototype(Nothing)).fit(X, y)


def test_net_parameters_are_reached(trainings):
    clf = classifier().set_params(
        net__lr=0.25, net__max_epochs=2, net__batch_size=50, net__module__dropout=0.5
    )
    clf.fit(X, y)
    assert clf.n_iter_ == 2 * 3
    assert clf.net_.lr == 0.25
    assert clf.net_.module_.dropout.p == 0.5


def test_dropout_is_reproducible_and_off_in_prediction():
    net = prototype(module__dropout=0.5)
    first, again, other = (
        classifier(net, random_state=seed, rounds=1).fit(X, y) for seed in (0, 0, 1)
    )
    assert first.tickets_ == again.tickets_
    assert first.ticket_ != other.ticket_
    np.testing.assert_array_equal(first.predict_proba(X), first.predict_proba(X))
    without = classifier(prototype(), random_state=0, rounds=1).fit(X, y)
    assert first.tickets_[0].initial.keys() == without.tickets_[0].initial.keys()
    assert first.tickets_[0] != without.tickets_[0]


# Ends


@contextmanager
def uninterrupted():
    """Let an interruption fail the test, not end all tests."""
    try:
        yield
    except KeyboardInterrupt:
        pytest.fail("the end of one training was taken for Ctrl-C")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_diverged_training(optimizer, global_state):
    clf = WinningTicketClassifier((8,), optimizer=optimizer, learning_rate=1e30, random_state=0)
    with pytest.raises(ValueError, match="diverged.*learning_rate"):
        clf.fit(X, y)


def test_diverged_training_of_a_regressor(global_state):
    reg = WinningTicketRegressor((8,), optimizer="sgd", learning_rate=1e30, random_state=0)
    with pytest.raises(ValueError, match="diverged.*learning_rate"):
        reg.fit(X, X[:, 0])


def test_training_that_diverges_late(global_state):
    class Exploding(torch.optim.SGD):
        n_steps = 0

        def step(self, closure=None):
            super().step(closure)
            Exploding.n_steps += 1
            if Exploding.n_steps > 14:
                with torch.no_grad():
                    self.param_groups[0]["params"][0].fill_(np.nan)

    clf = WinningTicketClassifier(
        (8,), rounds=1, max_epochs=3, batch_size=20, optimizer=Exploding, random_state=0
    )
    with pytest.raises(ValueError, match="diverged"):
        clf.fit(X, y)


def test_early_stopping_ends_that_training_only(trainings):
    # No loss is a whole 10 better than that of the first epoch: the third epoch is the last.
    stopping = EarlyStopping(patience=3, threshold=10, threshold_mode="abs", sink=lambda line: None)
    net = prototype(max_epochs=20).set_params(callbacks=[Recorder(), stopping])
    with uninterrupted():
        clf = classifier(net, rounds=2).fit(X, y)
    n_epochs = [len(training["rows"]) for training in trainings]
    assert len(clf.tickets_) == len(clf.histories_) == 3
    assert n_epochs[0] < 6
    assert n_epochs == [n_epochs[0]] * 3
    assert [len(history) for history in clf.histories_] == n_epochs
    assert clf.n_iter_ == 7 * n_epochs[0]
    assert clf.density_ < 0.6


class Stop(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise KeyboardInterrupt


def test_training_that_a_callback_ends_at_the_first_epoch(trainings):
    net = prototype().set_params(callbacks=[Recorder(), Stop()])
    with uninterrupted():
        clf = classifier(net).fit(X, y)
    assert [len(training["steps"]) for training in trainings] == [7, 7, 7]
    assert clf.n_iter_ == 7
    np.testing.assert_array_equal(clf.round_results_["iterations_to_converge"], 7)
    assert_same_bits(dict(clf.ticket_.weights), trainings[-1]["steps"][-1])


class Interrupt(Callback):
    """Press Ctrl-C in the second round, at a certain place."""

    n_batches = 0

    @staticmethod
    def press():
        signal.raise_signal(signal.SIGINT)

    @staticmethod
    def count(place, training):
        if training:
            Interrupt.n_batches += 1
        if Interrupt.n_batches == 25 and Interrupt.place == place:
            Interrupt.press()

    def on_batch_end(self, net, training=None, **kwargs):
        Interrupt.count("callback", training)


class InterruptedModule(Smooth):
    def forward(self, X):
        if Interrupt.n_batches == 25 and Interrupt.place == "forward":
            Interrupt.press()
        # An evaluation comes after 28 steps.
        if Interrupt.n_batches == 28 and not self.training and Interrupt.place == "evaluation":
            Interrupt.press()
        return super().forward(X)


class InterruptedSGD(torch.optim.SGD):
    def step(self, closure=None):
        if Interrupt.n_batches == 25 and Interrupt.place == "step":
            Interrupt.press()
        return super().step(closure)


@pytest.mark.parametrize("place", ["forward", "evaluation", "step", "callback"])
def test_ctrl_c_stops_the_fit(trainings, place, global_state):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    Interrupt.n_batches, Interrupt.place = 0, place
    net = prototype(InterruptedModule).set_params(
        callbacks=[Recorder(), Interrupt()], optimizer=InterruptedSGD
    )
    try:
        with pytest.raises(KeyboardInterrupt):
            classifier(net, rounds=4).fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(trainings) == 2


def test_training_error_leaves_no_trace(global_state):
    class Failing(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, 3)

        def forward(self, X):
            if self.training:
                torch.rand(3)
                raise RuntimeError("a mistake in the module")
            return self.layer(X)

    with pytest.raises(RuntimeError, match="a mistake in the module"):
        classifier(prototype(Failing)).fit(X, y)


def test_training_is_quiet(capfd):
    WinningTicketClassifier((4,), rounds=1, max_epochs=2).fit(X, y).predict(X)
    output = capfd.readouterr()
    assert output.out == output.err == ""


def test_histories_hold_a_row_an_evaluation():
    clf = WinningTicketClassifier((4,), rounds=1, max_epochs=3).fit(X, y)
    for history in clf.histories_:
        assert len(history) == 3
        for column in ("epoch", "train_loss", "valid_loss"):
            assert len(history[:, column]) == 3
        assert np.isfinite(history[:, "train_loss"]).all()
    assert pickle.loads(pickle.dumps(clf.histories_))[0][:, "epoch"] == [1, 2, 3]


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_history_is_that_of_skorchs_own_loop(layout, monkeypatch):
    """Batches that nobody listens to are not told of, and recorded in one row; no more."""
    options = {"max_epochs": 3, "rounds": 1, "layout": layout, "random_state": 0}
    ours = WinningTicketClassifier((8, 4), **options).fit(X, y)
    monkeypatch.delattr("skticket.training.TicketNet.run_single_epoch")
    theirs = WinningTicketClassifier((8, 4), **options).fit(X, y)
    for first, second in zip(ours.tickets_, theirs.tickets_, strict=True):
        assert first == second
    for first, second in zip(ours.histories_, theirs.histories_, strict=True):
        for row, other in zip(first, second, strict=True):
            assert row.keys() == other.keys()
            for name in row.keys() - {"dur"}:
                assert row[name] == pytest.approx(other[name], rel=1e-6), name


@pytest.mark.parametrize(("n_rows", "size"), [(5, 5), (50, 8), (89, 8), (150, 15), (10_000, 60)])
def test_automatic_batches_are_a_tenth_of_few_rows(n_rows, size):
    assert n_batch_rows("auto", n_rows) == size
