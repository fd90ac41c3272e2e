"""What a user may get wrong: one clear error that names the parameter, and nothing lost."""

import warnings

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale
from skorch import NeuralNetClassifier
from torch import nn

from skticket import Prune, Ticket, WinningTicketClassifier, WinningTicketRegressor
from skticket.inspection import TicketCurveDisplay
from skticket.model_selection import ticket_test_score
from skticket.pruning import count_pruned

X, y = load_iris(return_X_y=True)
X = scale(X).astype(np.float32)


def classifier(**params):
    return WinningTicketClassifier(
        **{"hidden_layer_sizes": (8,), "rounds": 1, "max_epochs": 2, "random_state": 0} | params
    )


def with_module(module, **params):
    net = NeuralNetClassifier(
        module, criterion=nn.CrossEntropyLoss, lr=0.1, max_epochs=2, verbose=0, **params
    )
    return classifier(net=net)


@pytest.mark.parametrize("sizes", [True, (8, True), "8", (8.0,)])
def test_hidden_layer_sizes(sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        classifier(hidden_layer_sizes=sizes).fit(X, y)


def test_a_network_that_no_memory_holds():
    with pytest.raises(ValueError, match="does not fit in memory"):
        classifier(hidden_layer_sizes=(10**9, 10**9)).fit(X, y)


@pytest.mark.parametrize(
    "use",
    [
        lambda clf: clf.prune(),
        lambda clf: clf.rewind(),
        lambda clf: list(clf.staged_predict(X)),
        lambda clf: clf.partial_fit(X, y),
    ],
    ids=["prune", "rewind", "staged_predict", "partial_fit"],
)
def test_a_network_changed_after_the_fit(use):
    clf = classifier().fit(X, y)
    predicted = clf.predict_proba(X)
    clf.set_params(hidden_layer_sizes=(9,))
    with pytest.raises(ValueError, match=r"hidden_layer_sizes is \(9,\) now.*\(8, 4\)"):
        use(clf)
    np.testing.assert_array_equal(clf.predict_proba(X), predicted)
    use(clf.set_params(hidden_layer_sizes=[8]))


@pytest.mark.parametrize("returned", [None, [1, 2], np.ones(3)])
def test_a_strategy_without_a_dict(returned):
    with pytest.raises(ValueError, match="must return a dict"):
        classifier(strategy=lambda ticket: returned).fit(X, y)


@pytest.mark.parametrize("rate", [0.2, 0.0, 0, 1e-9])
def test_any_number_of_prunings_ends(rate):
    removed = count_pruned(rate, 1000, 2**40)
    assert removed == count_pruned(rate, 1000, 1000)
    ticket = Ticket.full({"w": np.arange(12.0).reshape(3, 4)}, ["w"])
    assert Prune(rate, repeat=2**40).transform(ticket).n_weights >= 1


def test_an_integer_rate_that_often_leaves_nothing():
    with pytest.raises(ValueError, match="would remove all"):
        count_pruned(3, 1000, 2**40)


@pytest.mark.parametrize("factor", [1e-30, 1e-300, 1e30, 1e300])
@pytest.mark.parametrize("make", [classifier, None])
def test_only_the_ratios_of_weights_count(factor, make):
    weight = np.random.RandomState(0).uniform(0.5, 2, len(X))
    model = classifier() if make else WinningTicketRegressor((8,), rounds=1, random_state=0)
    outputs = "predict_proba" if make else "predict"
    expected = getattr(model.fit(X, y, sample_weight=weight), outputs)(X)
    scaled = getattr(model.fit(X, y, sample_weight=factor * weight), outputs)(X)
    # The ratios are those of single precision.
    np.testing.assert_allclose(scaled, expected, rtol=1e-3, atol=1e-3)


def test_memory_without_a_name():
    with pytest.raises(ValueError, match="memory must name a folder"):
        classifier(memory="").fit(X, y)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is such a device")
def test_a_device_that_is_not_there():
    with pytest.raises(ValueError, match="device must name a torch device"):
        classifier(device="cuda").fit(X, y)
    with pytest.raises(ValueError, match="device must name a torch device"):
        with_module(nn.Sequential(nn.Linear(4, 3)), device="cuda").fit(X, y)


@pytest.mark.parametrize("single", ["axes", "three"])
def test_axes_of_a_ticket_curve(single):
    clf = classifier().fit(X, y)
    _, axes = plt.subplots(1, 3)
    with pytest.raises(ValueError, match="ax must be two axes"):
        TicketCurveDisplay.from_estimator(clf, ax=axes[0] if single == "axes" else axes)


class Embedding(nn.Sequential):
    def __init__(self):
        super().__init__(_Rows(), nn.Linear(8, 3))


class _Rows(nn.Embedding):
    def __init__(self):
        super().__init__(2, 2)

    def forward(self, X):
        return super().forward(X.abs().long()).flatten(1)


class Lazy(nn.Sequential):
    def __init__(self):
        super().__init__(nn.LazyLinear(5), nn.ReLU(), nn.Linear(5, 3))


def test_modules_that_cannot_take_the_data():
    with pytest.raises(ValueError, match="cannot take X of shape"):
        with_module(Embedding).fit(X + 10, y)
    with pytest.raises(ValueError, match="lazy layers"):
        with_module(Lazy).fit(X, y)


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
def test_a_useless_training_is_told():
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with pytest.warns(ConvergenceWarning, match="has learned nothing"):
            classifier(learning_rate=1e6).fit(X, y)
        with pytest.warns(ConvergenceWarning, match="has learned nothing"):
            WinningTicketRegressor((8,), learning_rate=1e6, max_epochs=2).fit(X, scale(y))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Every round ended")
        classifier().fit(X, y)


class Hidden(nn.Sequential):
    def __init__(self, n):
        super().__init__(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, n))


@pytest.mark.parametrize("labels", ["two", "three"])
@pytest.mark.parametrize("own", [False, True])
def test_log_probabilities_are_finite(labels, own):
    target = y if labels == "three" else (y > 0).astype(int)
    n = 3 if labels == "three" else 2
    if own:
        clf = with_module(Hidden, module__n=n)
    else:
        clf = classifier()
    clf.fit(X, target)
    far = np.full((1, 4), 1e6, np.float32)
    logs = clf.predict_log_proba(far)
    assert np.isfinite(logs).all()
    assert logs.min() < -200
    np.testing.assert_allclose(
        clf.predict_log_proba(X), np.log(clf.predict_proba(X)), rtol=1e-5, atol=1e-6
    )


def test_two_controls_by_hand_are_two():
    clf = classifier().fit(X, y)
    first = clf.rewind("reinit").ticket_
    second = clf.rewind("reinit").ticket_
    third = clf.rewind("rearrange").ticket_
    name = next(iter(first.mask))
    assert (first.initial[name] != second.initial[name]).any()
    assert third.n_weights == first.n_weights
    again = classifier().fit(X, y).rewind("reinit").rewind("reinit").ticket_
    assert again == second


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"cv": []}, "cv must give at least one pair"),
        ({"cv": [0]}, "cv must give at least one pair"),
        ({"cv": [(np.arange(9),)]}, "cv must give at least one pair"),
        ({"n_controls": True}, "n_controls"),
        ({"n_controls": 0}, "n_controls"),
        ({"n_jobs": 2**40}, "n_jobs"),
    ],
)
def test_ticket_test_score(params, message):
    with pytest.raises(ValueError, match=message):
        ticket_test_score(classifier(), X, y, **{"n_controls": 1} | params)


def test_an_optimizer_made_on_the_spot_trains(tmp_path):
    clf = classifier(
        optimizer=lambda parameters, lr: torch.optim.SGD(parameters, lr=lr),
        memory=joblib.Memory(tmp_path, verbose=0),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert clf.fit(X, y).score(X, y) > 0
