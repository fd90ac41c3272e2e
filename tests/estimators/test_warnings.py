"""Warnings of fits that went not far enough; none of what is normal."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, load_wine, make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from small import Dropping, X, classifier, regressor, y
from torch import nn

from skticket import WinningTicketClassifier, WinningTicketRegressor

UNFINISHED = "Every round ended while its validation loss still fell"
SLOW = {"learning_rate": 1e-4, "max_epochs": 5}


@pytest.fixture
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        yield


@pytest.mark.parametrize("schedule", ["iterative", "one-shot"])
@pytest.mark.parametrize("n_iter_no_change", [None, 3])
@pytest.mark.parametrize("make, target", [(classifier, y), (regressor, scale(X[:, 0] * X[:, 1]))])
def test_trainings_that_were_too_short(make, target, n_iter_no_change, schedule):
    estimator = make(n_iter_no_change=n_iter_no_change, schedule=schedule, **SLOW)
    with pytest.warns(ConvergenceWarning, match=f"{UNFINISHED}, after 25 .* raise max_epochs"):
        estimator.fit(X, target)


def test_trainings_of_a_net_that_were_too_short():
    net = NeuralNetClassifier(
        Dropping, criterion=nn.CrossEntropyLoss, lr=1e-3, max_epochs=5, verbose=0
    )
    with pytest.warns(ConvergenceWarning, match=UNFINISHED):
        classifier(net=net).fit(X, y)


def test_one_round_that_was_long_enough(no_warning):
    # From the trained weights on, the later rounds have little to gain.
    clf = classifier(rewind_to="none", learning_rate=0.02, max_epochs=40, rounds=1).fit(X, y)
    assert min(clf.round_results_["iterations_to_converge"]) < 200


@pytest.mark.parametrize("load", [load_iris, load_wine, load_digits])
def test_the_default_is_long_enough(load, no_warning):
    data, target = load(return_X_y=True)
    WinningTicketClassifier(rounds=1, random_state=0).fit(scale(data), target)


def test_the_default_regressor_is_long_enough(no_warning):
    data, target = make_friedman1(300, random_state=0)
    WinningTicketRegressor(rounds=1, random_state=0).fit(scale(data), scale(target))


def test_separable_classes_whose_loss_falls_for_ever(no_warning):
    rng = np.random.RandomState(0)
    target = np.repeat([0, 1], 100)
    data = rng.normal(size=(200, 5)) + 10 * target[:, None]
    clf = classifier(max_epochs=40, rounds=1).fit(scale(data), target)
    assert clf.round_results_["iterations_to_converge"][0] == clf.round_results_["n_steps"][0]


def test_a_single_evaluation_says_nothing(no_warning):
    classifier(learning_rate=1e-4, max_epochs=1).fit(X, y)


def test_trainings_by_hand_go_on(no_warning):
    classifier(**SLOW).partial_fit(X, y)


class Stop(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 3:
            raise KeyboardInterrupt


def test_trainings_that_a_callback_ended_were_long_enough(no_warning):
    net = NeuralNetClassifier(
        Dropping, criterion=nn.CrossEntropyLoss, lr=1e-3, max_epochs=5, verbose=0, callbacks=[Stop]
    )
    clf = classifier(net=net, rounds=1).fit(X, y)
    assert [len(history) for history in clf.histories_] == [3, 3]
