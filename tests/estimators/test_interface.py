"""What estimators are: parameters, fitted attributes, copies."""

import copy
import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from small import (
    X,
    classifier,
    regressor,
    same_results,
    with_net,
    y,
)

from skticket import Ticket, WinningTicketClassifier, WinningTicketRegressor
from skticket.initialization import Normal
from skticket.pruning import (
    Magnitude,
)


def test_parameters():
    expected = """hidden_layer_sizes prune_rate rounds strategy schedule rewind_to select optimizer
        learning_rate batch_size max_epochs init validation_fraction evaluate_every net layout
        device random_state verbose""".split()
    for cls in (WinningTicketClassifier, WinningTicketRegressor):
        parameters = cls().get_params(deep=False)
        assert {*expected} <= parameters.keys()
        first, *others = inspect.signature(cls).parameters.values()
        assert first.name == "hidden_layer_sizes"
        assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in others)


def test_defaults():
    stated = {
        "hidden_layer_sizes": (300, 100),
        "prune_rate": 0.2,
        "rounds": 7,
        "strategy": "magnitude",
        "schedule": "iterative",
        "rewind_to": "init",
        "select": "last",
        "optimizer": "adam",
        "learning_rate": 3e-3,
        "validation_fraction": 0.1,
        "net": None,
        "layout": "auto",
        "device": "cpu",
        "random_state": None,
        "verbose": 0,
    }
    for cls in (WinningTicketClassifier, WinningTicketRegressor):
        assert {name: cls().get_params()[name] for name in stated} == stated


def test_kinds():
    assert is_classifier(WinningTicketClassifier())
    assert is_regressor(WinningTicketRegressor())


def test_fitted_attributes():
    frame = pd.DataFrame(X, columns=list("abcdef"))
    clf = classifier().fit(frame, y)
    assert clf.n_features_in_ == 6
    assert list(clf.feature_names_in_) == list("abcdef")
    assert list(clf.classes_) == [0, 1, 2]
    assert isinstance(clf.ticket_, Ticket)
    assert len(clf.tickets_) == len(clf.histories_) == 3
    assert clf.ticket_ == clf.tickets_[-1]
    assert clf.selected_round_ == 2
    assert clf.density_ == clf.ticket_.density
    # 135 rows in batches of 30 are five steps an epoch.
    assert clf.n_iter_ == 15
    table = pd.DataFrame(clf.round_results_)
    assert {
        *"round density n_weights iterations_to_converge iterations_to_match valid_score".split(),
        *"valid_loss is_winning fit_time".split(),
    } <= {*table.columns}
    assert list(table["round"]) == [0, 1, 2]
    assert list(table["density"]) == [ticket.density for ticket in clf.tickets_]
    assert list(table["n_weights"]) == [ticket.n_weights for ticket in clf.tickets_]
    assert table["is_winning"].dtype == bool
    assert not table["is_winning"][0]
    assert (table["fit_time"] > 0).all()
    assert all(isinstance(column, np.ndarray) for column in clf.round_results_.values())


def test_feature_importances():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    clf = classifier(rounds=6, max_epochs=10).fit(X, X[:, 2] > 0)
    importances = clf.feature_importances_
    weights = np.abs(clf.ticket_.weights["layers.0.weight"].astype(float))
    np.testing.assert_allclose(importances, weights.sum(axis=0) / weights.sum())
    assert importances.shape == (4,)
    assert importances.argmax() == 2


def test_feature_without_weights_has_no_importance():
    clf = classifier(hidden_layer_sizes=(1,), prune_rate=4, rounds=1).fit(X, y)
    alive = clf.ticket_.mask["layers.0.weight"][0]
    assert alive.sum() == 2
    np.testing.assert_array_equal(clf.feature_importances_ > 0, alive)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "prune", "rewind"])
def test_unfitted(method):
    clf = classifier()
    arguments = [X] if method.startswith("predict") else []
    with pytest.raises(NotFittedError):
        getattr(clf, method)(*arguments)


# Copies


@pytest.mark.parametrize("make", [classifier, regressor, with_net])
def test_fitted_estimator_is_copied(make):
    values = X.astype("float32")
    estimator = make().fit(values, y)
    for again in (pickle.loads(pickle.dumps(estimator)), copy.deepcopy(estimator)):
        np.testing.assert_array_equal(again.predict(values), estimator.predict(values))
        assert again.tickets_ == estimator.tickets_
        assert same_results(again.round_results_, estimator.round_results_)
        # The copy goes on like the original.
        expected = copy.deepcopy(estimator).prune().rewind().partial_fit(values, y)
        assert again.prune().rewind().partial_fit(values, y).ticket_ == expected.ticket_


def test_clone_is_unfitted_and_equal():
    clf = classifier(strategy=Magnitude(scope="global"), init=Normal(std=0.2)).fit(X, y)
    again = clone(clf)
    with pytest.raises(NotFittedError):
        again.predict(X)
    assert again.strategy is not clf.strategy
    assert again.get_params()["strategy__scope"] == "global"
    assert again.get_params()["init__std"] == 0.2
    again.set_params(strategy__output_rate=0, init__std=0.3, prune_rate=0.4)
    assert again.fit(X, y).ticket_.layer_densities["layers.2.weight"] == 1
    assert clf.strategy.output_rate == 0.5


def test_fit_leaves_the_parameters_alone():
    clf = classifier(strategy=Magnitude("global"), hidden_layer_sizes=[9, 4])
    before = copy.deepcopy(clf.get_params())
    clf.fit(X, y)
    after = clf.get_params()
    assert {name: repr(value) for name, value in after.items()} == {
        name: repr(value) for name, value in before.items()
    }
