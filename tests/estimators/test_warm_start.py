"""`warm_start=True`: go on from the rounds of the previous fit, with the result of a fit anew."""

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression

from skticket import WinningTicketClassifier, WinningTicketRegressor
from skticket.pruning import Magnitude
from skticket.search import _search

X, y = make_classification(
    100, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, random_state=0
)
SETTINGS = {
    "hidden_layer_sizes": (12, 8),
    "rounds": 2,
    "max_epochs": 3,
    "batch_size": 20,
    "learning_rate": 0.03,
    "random_state": 0,
}


def cold(**parameters):
    return WinningTicketClassifier(**(SETTINGS | parameters))


def warm(**parameters):
    return cold(warm_start=True, **parameters)


def assert_same(fitted, expected):
    assert fitted.tickets_ == expected.tickets_
    assert fitted.ticket_ == expected.ticket_
    assert fitted.selected_round_ == expected.selected_round_
    assert fitted.n_iter_ == expected.n_iter_
    assert len(fitted.histories_) == len(expected.histories_)
    for name, column in expected.round_results_.items():
        if name != "fit_time":
            np.testing.assert_array_equal(fitted.round_results_[name], column)
    np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize("strategy", ["magnitude", "random", "unit_product"])
@pytest.mark.parametrize("rewind", ["init", 2, "none", "reinit", "rearrange"])
def test_more_rounds_go_on(strategy, rewind, n_trained):
    parameters = {"strategy": strategy, "rewind_to": rewind}
    fitted = warm(rounds=1, **parameters).fit(X, y)
    fitted.set_params(rounds=4).fit(X, y)
    assert len(n_trained) == 5
    assert_same(fitted, cold(rounds=4, **parameters).fit(X, y))


def test_a_round_at_a_time(n_trained):
    fitted = warm(rounds=0)
    for rounds in range(4):
        fitted.set_params(rounds=rounds).fit(X, y)
    assert len(n_trained) == 4
    assert_same(fitted, cold(rounds=3).fit(X, y))


def test_the_same_again(n_trained):
    fitted = warm().fit(X, y).fit(X, y)
    assert len(n_trained) == 3
    assert_same(fitted, cold().fit(X, y))


def test_fewer_rounds(n_trained):
    fitted = warm(rounds=3).fit(X, y).set_params(rounds=1).fit(X, y)
    assert len(n_trained) == 4
    assert_same(fitted, cold(rounds=1).fit(X, y))
    assert_same(fitted.set_params(rounds=3).fit(X, y), cold(rounds=3).fit(X, y))


@pytest.mark.parametrize("select", ["best", "winning"])
def test_another_selection_trains_nothing(select, n_trained):
    fitted = warm(rounds=3).fit(X, y).set_params(select=select).fit(X, y)
    assert len(n_trained) == 4
    assert_same(fitted, cold(rounds=3, select=select).fit(X, y))


@pytest.mark.parametrize("first, second", [("best", "last"), ("last", "best")])
def test_selected_round_does_not_matter_for_going_on(first, second):
    fitted = warm(select=first).fit(X, y).set_params(rounds=4, select=second).fit(X, y)
    assert_same(fitted, cold(rounds=4, select=second).fit(X, y))


@pytest.mark.parametrize(
    "changed",
    [
        {"prune_rate": 0.3},
        {"strategy": "movement"},
        {"rewind_to": "none"},
        {"learning_rate": 0.01},
        {"batch_size": 30},
        {"max_epochs": 2},
        {"n_iter_no_change": 1},
        {"hidden_layer_sizes": (12,)},
        {"init": "he_normal"},
        {"validation_fraction": 0.2},
        {"evaluate_every": 2},
        {"optimizer": "sgd"},
        {"class_weight": "balanced"},
        {"random_state": 1},
        {"schedule": "one-shot"},
        {"layout": "sparse"},
    ],
)
def test_other_parameters_start_anew(changed, n_trained):
    fitted = warm().fit(X, y).set_params(rounds=3, **changed).fit(X, y)
    expected = cold(rounds=3, **changed)
    n_rounds = 1 if changed.get("schedule") == "one-shot" else 3
    assert len(n_trained) == 3 + n_rounds + 1
    assert_same(fitted, expected.fit(X, y))


def test_parameters_of_a_strategy_start_anew():
    fitted = warm(strategy=Magnitude()).fit(X, y)
    fitted.set_params(strategy__scope="global", rounds=3).fit(X, y)
    assert_same(fitted, cold(strategy=Magnitude(scope="global"), rounds=3).fit(X, y))


@pytest.mark.parametrize(
    "data", [(X[:-1], y[:-1]), (X + 1e-3, y), (X, y[::-1])], ids=["rows", "inputs", "targets"]
)
def test_other_data_start_anew(data, n_trained):
    fitted = warm().fit(X, y).set_params(rounds=3).fit(*data)
    assert len(n_trained) == 3 + 4
    assert_same(fitted, cold(rounds=3).fit(*data))


def test_other_weights_start_anew():
    weight = np.linspace(0.5, 2, len(y))
    fitted = warm().fit(X, y).set_params(rounds=3).fit(X, y, sample_weight=weight)
    assert_same(fitted, cold(rounds=3).fit(X, y, sample_weight=weight))
    fitted.set_params(rounds=4).fit(X, y, sample_weight=weight)
    assert_same(fitted, cold(rounds=4).fit(X, y, sample_weight=weight))


def test_equal_data_in_another_array_go_on(n_trained):
    warm(rounds=1).fit(X, y).set_params(rounds=2).fit(X.tolist(), y.copy())
    assert len(n_trained) == 3


def test_one_shot(n_trained):
    fitted = warm(schedule="one-shot").fit(X, y).fit(X, y)
    assert len(n_trained) == 2
    # Another number of rounds prunes to another density.
    fitted.set_params(rounds=5).fit(X, y)
    assert_same(fitted, cold(schedule="one-shot", rounds=5).fit(X, y))


def test_without_a_seed_the_one_first_drawn_stays():
    random_state = np.random.RandomState(3)
    fitted = warm(random_state=random_state, rounds=1).fit(X, y)
    fitted.set_params(rounds=3).fit(X, y)
    assert_same(fitted, cold(random_state=np.random.RandomState(3), rounds=3).fit(X, y))
    unseeded = warm(random_state=None, rounds=1).fit(X, y)
    first = list(unseeded.tickets_)
    assert unseeded.set_params(rounds=2).fit(X, y).tickets_[:2] == first


def test_without_warm_start_each_fit_starts_anew(n_trained):
    fitted = cold(rounds=1).fit(X, y)
    fitted.set_params(rounds=2).fit(X, y)
    assert len(n_trained) == 2 + 3


def test_steps_by_hand_are_no_rounds_to_go_on_from():
    fitted = warm().fit(X, y)
    fitted.prune(0.5).rewind().partial_fit(X, y)
    assert_same(fitted.set_params(rounds=3).fit(X, y), cold(rounds=3).fit(X, y))


def test_a_pruned_ticket_is_no_round_to_go_on_from():
    fitted = warm().fit(X, y).prune(0.5)
    assert_same(fitted.set_params(rounds=3).fit(X, y), cold(rounds=3).fit(X, y))


def test_an_interrupted_fit_goes_on(n_trained, monkeypatch):
    fitted = warm(rounds=3)
    train = _search.train

    def interrupted(*args, **kwargs):
        if len(n_trained) == 2:
            raise KeyboardInterrupt
        return train(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(_search, "train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fitted.fit(X, y)
    fitted.fit(X, y)
    assert len(n_trained) == 4
    assert_same(fitted, cold(rounds=3).fit(X, y))


class _StopAfterOneEpoch:
    """A callback of scikit-learn's kind that ends each training after an epoch."""

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        return context.task_name == "epoch"


def test_a_training_that_a_callback_ended_is_no_round_to_go_on_from():
    fitted = warm().set_callbacks(_StopAfterOneEpoch()).fit(X, y)
    fitted.set_callbacks().set_params(rounds=3).fit(X, y)
    assert_same(fitted, cold(rounds=3).fit(X, y))


def test_a_strategy_that_cannot_be_pickled():
    def strategy(ticket):
        return {name: np.abs(ticket.weights[name]) for name in ticket.mask}

    fitted = warm(strategy=strategy, rounds=1).fit(X, y).set_params(rounds=2).fit(X, y)
    assert_same(fitted, cold(strategy=strategy).fit(X, y))


def test_with_memory(tmp_path, n_trained):
    fitted = warm(rounds=1, memory=str(tmp_path)).fit(X, y).set_params(rounds=2).fit(X, y)
    assert len(n_trained) == 3
    assert_same(fitted, cold(memory=str(tmp_path)).fit(X, y))
    assert len(n_trained) == 3


def test_regressor():
    X, y = make_regression(80, 4, random_state=0)
    settings = SETTINGS | {"learning_rate": 1e-3}
    fitted = WinningTicketRegressor(**settings, warm_start=True).fit(X, y)
    fitted.set_params(rounds=4).fit(X, y)
    expected = WinningTicketRegressor(**(settings | {"rounds": 4})).fit(X, y)
    assert fitted.tickets_ == expected.tickets_
