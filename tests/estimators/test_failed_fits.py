"""A fit either succeeds or leaves the estimator as it was."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import scale
from sklearn.utils.validation import check_is_fitted

from skticket import WinningTicketClassifier, WinningTicketRegressor

X, y = load_iris(return_X_y=True)
X = scale(X)
OPTIONS = {"hidden_layer_sizes": (12,), "rounds": 2, "max_epochs": 3, "random_state": 0}


class _Stop:
    """A callback of scikit-learn's kind that raises in a round."""

    def __init__(self, number, error):
        self.number = number
        self.error = error

    def setup(self, estimator, context):
        self.round = -1

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **kwargs):
        if context.task_name == "round":
            self.round += 1
        if context.task_name == "epoch" and self.round == self.number:
            raise self.error("on purpose")

    def on_fit_task_end(self, estimator, context, **kwargs):
        return False


def state(estimator):
    names = [name for name in vars(estimator) if name.endswith("_")]
    return {name: getattr(estimator, name) for name in names}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("warm_start", [False, True])
def test_a_first_fit_that_fails_leaves_nothing(error, number, warm_start):
    clf = WinningTicketClassifier(**OPTIONS, warm_start=warm_start)
    clf.set_callbacks(_Stop(number, error))
    with pytest.raises(error, match="on purpose"):
        clf.fit(X, y)
    assert not state(clf)
    with pytest.raises(NotFittedError):
        check_is_fitted(clf)
    with pytest.raises(NotFittedError):
        clf.predict(X)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("warm_start", [False, True])
def test_a_refit_that_fails_predicts_as_before(error, number, warm_start):
    clf = WinningTicketClassifier(**OPTIONS, warm_start=warm_start).fit(X, y)
    before, predicted = state(clf), clf.predict_proba(X)
    clf.set_callbacks(_Stop(number, error))
    names = np.array(["other", "labels"])
    with pytest.raises(error, match="on purpose"):
        clf.fit(X[:, :3], names[(y > 0).astype(int)])
    after = state(clf)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    np.testing.assert_array_equal(clf.predict_proba(X), predicted)


@pytest.mark.parametrize("when", ["data", "labels", "divergence"])
def test_every_way_to_fail(when):
    clf = WinningTicketClassifier(**OPTIONS).fit(X, y)
    before = state(clf)
    if when == "data":
        attempt = (np.full((10, 2), np.nan), np.arange(10) % 2)
    elif when == "labels":
        attempt = (X[:, :2], np.zeros(len(X)))
    else:
        clf.set_params(optimizer="sgd", learning_rate=1e30)
        attempt = (X[:, :2], y)
    with pytest.raises(ValueError, match=r"NaN|one class|diverged"):
        clf.fit(*attempt)
    assert all(state(clf)[name] is before[name] for name in before)
    assert clf.n_features_in_ == 4


def test_a_partial_fit_that_fails():
    clf = WinningTicketClassifier(**OPTIONS | {"optimizer": "sgd", "learning_rate": 1e30})
    with pytest.raises(ValueError, match="diverged"):
        clf.partial_fit(X, y)
    assert not state(clf)
    clf.set_params(learning_rate=0.1).partial_fit(X, y)
    before, copy = state(clf), pickle.loads(pickle.dumps(clf))
    with pytest.raises(ValueError, match="diverged"):
        clf.set_params(learning_rate=1e30).partial_fit(X, y)
    assert all(state(clf)[name] is before[name] for name in before)
    # It goes on as if nothing had happened.
    clf.set_params(learning_rate=0.1).partial_fit(X, y)
    assert clf.ticket_ == copy.partial_fit(X, y).ticket_


def test_a_regressor():
    reg = WinningTicketRegressor(**OPTIONS).fit(X[:, :2], X[:, 2])
    predicted = reg.predict(X[:, :2])
    reg.set_params(optimizer="sgd", learning_rate=1e30)
    with pytest.raises(ValueError, match="diverged"):
        reg.fit(X[:, :2], X[:, 2:])
    np.testing.assert_array_equal(reg.predict(X[:, :2]), predicted)


def test_warm_start_goes_on_after_an_interrupt():
    clf = WinningTicketClassifier(**OPTIONS, warm_start=True).set_callbacks(
        _Stop(2, KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    rounds = _Count()
    clf.set_callbacks(rounds).fit(X, y)
    assert rounds.n == 1
    assert clf.tickets_ == WinningTicketClassifier(**OPTIONS).fit(X, y).tickets_


class _Count(_Stop):
    def __init__(self):
        super().__init__(None, None)
        self.n = 0

    def on_fit_task_begin(self, estimator, context, **kwargs):
        self.n += context.task_name == "round"
