"""Prototypes of the user's, and the default net."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.datasets import make_regression
from sklearn.metrics import log_loss
from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
from small import share_of
from torch import nn
from watched import (
    Convolutional,
    Smooth,
    X,
    classifier,
    prototype,
    y,
)

from skticket import Ticket, WinningTicketClassifier, WinningTicketRegressor
from skticket.network import TicketNet


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
    assert clf.round_results_["valid_score"][-1] == pytest.approx(clf.score(X, y), **share_of(X))
    probabilities = clf.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert log_loss(y, probabilities) == pytest.approx(
        clf.round_results_["valid_loss"][-1], rel=1e-3, abs=1e-5
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
    assert clf.round_results_["valid_score"][-1] == pytest.approx(
        clf.score(X, target), **share_of(X)
    )


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
    assert clf.round_results_["valid_score"][-1] == pytest.approx(clf.score(X, y), **share_of(X))
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
    # As if somebody listened: batch by batch, through skorch's own loop.
    for engine in ("_sparse", "_coverage"):
        monkeypatch.setattr(f"skticket.engines.{engine}.has_listeners", lambda net: True)
    monkeypatch.delattr(TicketNet, "run_single_epoch")
    theirs = WinningTicketClassifier((8, 4), **options).fit(X, y)
    for first, second in zip(ours.tickets_, theirs.tickets_, strict=True):
        assert first == second
    for first, second in zip(ours.histories_, theirs.histories_, strict=True):
        for row, other in zip(first, second, strict=True):
            assert row.keys() == other.keys()
            for name in row.keys() - {"dur"}:
                assert row[name] == pytest.approx(other[name], rel=1e-6, abs=1e-7), name
