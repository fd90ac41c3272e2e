import copy
import inspect
import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from joblib import Parallel, delayed
from scipy.special import expit, softmax
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from skorch import NeuralNetClassifier
from torch import nn

from skticket import Prune, Rewind, Ticket, WinningTicketClassifier, WinningTicketRegressor
from skticket.initialization import Normal
from skticket.pruning import (
    InitialMagnitude,
    Magnitude,
    MagnitudeIncrease,
    Movement,
    Random,
    UnitInput,
    UnitOutput,
    UnitProduct,
)
from skticket.search import select_round, tabulate

X, y = make_classification(
    150, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, class_sep=1.5, random_state=0
)
X_regression, y_regression = make_regression(150, 6, n_informative=3, random_state=0)
y_regression = y_regression / y_regression.std()

WEIGHT_STRATEGIES = [Magnitude, Random, InitialMagnitude, MagnitudeIncrease, Movement]
UNIT_STRATEGIES = [UnitInput, UnitOutput, UnitProduct]
NAMES = ["magnitude", "random", "initial_magnitude", "magnitude_increase", "movement"]
UNIT_NAMES = ["unit_input", "unit_output", "unit_product"]
REWINDS = ["init", 3, "none", "reinit", "rearrange"]


def squares(ticket):
    return {name: ticket.weights[name] ** 2 for name in ticket.mask}


SMALL = {
    "hidden_layer_sizes": (10, 8),
    "prune_rate": 0.3,
    "rounds": 2,
    "max_epochs": 3,
    "batch_size": 30,
    "learning_rate": 0.02,
    "random_state": 0,
}


def classifier(**parameters):
    return WinningTicketClassifier(**(SMALL | parameters))


def regressor(**parameters):
    return WinningTicketRegressor(**(SMALL | parameters))


def same_results(first, second):
    columns = first.keys() - {"fit_time"}
    return columns == second.keys() - {"fit_time"} and all(
        np.array_equal(first[name], second[name], equal_nan=True) for name in columns
    )


def layer_counts(ticket):
    return [int(mask.sum()) for mask in ticket.mask.values()]


def remaining_after(rate, count, rounds):
    for _ in range(rounds):
        count = count - rate if isinstance(rate, int) else max(count - round(rate * count), 1)
    return count


# The interface


def test_parameters():
    expected = """hidden_layer_sizes prune_rate rounds strategy schedule rewind select optimizer
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
        "learning_rate": 1.2e-3,
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


# The default network


@pytest.mark.parametrize(
    "target, n_outputs", [(y, 3), (y == 0, 1), (np.where(y == 2, "b", "a"), 1)]
)
def test_architecture_of_the_classifier(target, n_outputs):
    clf = classifier().fit(X, target)
    shapes = {name: array.shape for name, array in clf.ticket_.initial.items()}
    assert shapes == {
        "layers.0.weight": (10, 6),
        "layers.0.bias": (10,),
        "layers.1.weight": (8, 10),
        "layers.1.bias": (8,),
        "layers.2.weight": (n_outputs, 8),
        "layers.2.bias": (n_outputs,),
    }
    assert list(clf.ticket_.mask) == [name for name in shapes if name.endswith("weight")]
    for name, array in clf.ticket_.initial.items():
        assert array.dtype == np.float32
        if name.endswith("bias"):
            assert not array.any()


def forward(ticket, X):
    """Outputs of a fully connected ReLU network, by NumPy from the ticket alone."""
    n_layers = len(ticket.mask)
    for number in range(n_layers):
        weight = ticket.weights[f"layers.{number}.weight"].astype(float)
        X = X @ weight.T + ticket.weights[f"layers.{number}.bias"]
        X = np.maximum(X, 0) if number < n_layers - 1 else X
    return X


@pytest.mark.parametrize("hidden_layer_sizes", [(), (7,), 7, [5, 4, 3]])
def test_predictions_are_the_tickets(hidden_layer_sizes):
    clf = classifier(hidden_layer_sizes=hidden_layer_sizes).fit(X, y)
    expected = softmax(forward(clf.ticket_, X), axis=1)
    np.testing.assert_allclose(clf.predict_proba(X), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(clf.predict(X), expected.argmax(axis=1))

    clf = classifier(hidden_layer_sizes=hidden_layer_sizes).fit(X, y == 1)
    expected = expit(forward(clf.ticket_, X)[:, 0])
    probabilities = clf.predict_proba(X)
    np.testing.assert_allclose(probabilities[:, 1], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(clf.predict(X), expected > 0.5)

    reg = regressor(hidden_layer_sizes=hidden_layer_sizes).fit(X_regression, y_regression)
    expected = forward(reg.ticket_, X_regression)[:, 0]
    np.testing.assert_allclose(reg.predict(X_regression), expected, rtol=1e-4, atol=1e-5)


def test_targets_of_a_regression_may_be_several():
    targets = np.column_stack([y_regression, -2 * y_regression])
    reg = regressor(max_epochs=30, rounds=1, learning_rate=0.05, evaluate_every=25)
    reg.fit(X_regression, targets)
    predicted = reg.predict(X_regression)
    assert predicted.shape == (150, 2)
    np.testing.assert_allclose(predicted, forward(reg.ticket_, X_regression), rtol=1e-3, atol=1e-4)
    assert r2_score(targets, predicted) > 0.9


@pytest.mark.parametrize(
    "init", ["he_uniform", "truncated_normal", Normal(std=3), lambda shape, state: np.ones(shape)]
)
def test_initial_weights_come_from_init(init):
    ticket = classifier(hidden_layer_sizes=(100, 50), init=init, rounds=0).fit(X, y).ticket_
    first = ticket.initial["layers.0.weight"]
    if init == "he_uniform":
        assert 0.95 < np.abs(first).max() <= 1
    elif init == "truncated_normal":
        assert 0.15 < np.abs(first).max() <= 0.2
    elif isinstance(init, Normal):
        assert 2.7 < first.std() < 3.3
    else:
        assert np.all(first == 1)


# The search


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("schedule", ["iterative", "one-shot"])
@pytest.mark.parametrize("strategy", WEIGHT_STRATEGIES)
def test_counts_of_every_strategy(strategy, schedule, scope):
    clf = classifier(strategy=strategy(scope=scope), schedule=schedule, rounds=3).fit(X, y)
    rounds = [0, 1, 2, 3] if schedule == "iterative" else [0, 3]
    assert len(clf.tickets_) == len(rounds)
    for ticket, n in zip(clf.tickets_, rounds, strict=True):
        first, second, output = layer_counts(ticket)
        assert output == remaining_after(0.15, 24, n)
        if scope == "layer":
            assert first == remaining_after(0.3, 60, n)
            assert second == remaining_after(0.3, 80, n)
        else:
            assert first + second == remaining_after(0.3, 140, n)
    assert_masks_shrink(clf.tickets_)
    np.testing.assert_array_equal(clf.round_results_["round"], np.arange(len(rounds)))


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("schedule", ["iterative", "one-shot"])
@pytest.mark.parametrize("strategy", UNIT_STRATEGIES)
def test_counts_of_every_unit_strategy(strategy, schedule, scope):
    clf = classifier(strategy=strategy(scope=scope), schedule=schedule).fit(X, y)
    for ticket, n in zip(clf.tickets_, [0, 1, 2] if schedule == "iterative" else [0, 2]):
        first, second, output = ticket.mask.values()
        units = first.any(axis=1).sum(), output.any(axis=0).sum()
        assert first.sum() == 6 * units[0]
        assert second.sum() == units[0] * units[1]
        assert output.sum() == 3 * units[1]
        if scope == "layer":
            assert units == (remaining_after(0.3, 10, n), remaining_after(0.3, 8, n))
        else:
            assert sum(units) == remaining_after(0.3, 18, n)
    assert_masks_shrink(clf.tickets_)


def assert_masks_shrink(tickets):
    for before, after in zip(tickets, tickets[1:], strict=False):
        for name, mask in after.mask.items():
            assert not np.any(mask & ~before.mask[name])


@pytest.mark.parametrize("strategy", [*NAMES, *UNIT_NAMES, squares])
@pytest.mark.parametrize("rewind", REWINDS)
def test_every_combination_runs(strategy, rewind):
    clf = classifier(strategy=strategy, rewind_to=rewind, max_epochs=1).fit(X, y)
    assert clf.tickets_[0].density == 1
    assert np.all(np.diff(clf.round_results_["n_weights"]) < 0)
    assert 0 <= clf.score(X, y) <= 1


@pytest.mark.parametrize("strategy, prune_rate", [("magnitude", 5), ("unit_product", 2)])
def test_rate_may_be_a_number(strategy, prune_rate):
    clf = classifier(strategy=strategy, prune_rate=prune_rate, rounds=3).fit(X, y)
    if strategy == "magnitude":
        assert layer_counts(clf.ticket_) == [60 - 15, 80 - 15, 24 - 6]
    else:
        assert layer_counts(clf.ticket_) == [6 * 4, 4 * 2, 2 * 3]
    one_shot = classifier(
        strategy=strategy, prune_rate=prune_rate, rounds=3, schedule="one-shot"
    ).fit(X, y)
    assert layer_counts(one_shot.ticket_) == layer_counts(clf.ticket_)


@pytest.mark.parametrize("schedule", ["iterative", "one-shot"])
@pytest.mark.parametrize("strategy, prune_rate", [("magnitude", 30), ("unit_product", 4)])
def test_rate_that_would_leave_nothing(strategy, prune_rate, schedule):
    # It would in the second round only, but is told before the first training.
    clf = classifier(strategy=strategy, prune_rate=prune_rate, schedule=schedule)
    with pytest.raises(ValueError, match=f"rate {prune_rate} would remove all"):
        clf.fit(X, y)
    assert not getattr(clf, "tickets_", [])


def test_no_rounds():
    clf = classifier(rounds=0).fit(X, y)
    assert clf.density_ == 1
    assert len(clf.tickets_) == len(clf.histories_) == 1
    assert clf.selected_round_ == 0
    assert clf.ticket_ == classifier(rounds=2).fit(X, y).tickets_[0]
    assert classifier(rounds=0, schedule="one-shot").fit(X, y).ticket_ == clf.ticket_


def test_rate_zero():
    clf = classifier(prune_rate=0.0).fit(X, y)
    assert [ticket.density for ticket in clf.tickets_] == [1, 1, 1]
    assert not clf.round_results_["is_winning"].any()


def test_longer_search_begins_like_a_shorter_one():
    long, short = classifier(rounds=3).fit(X, y), classifier(rounds=1).fit(X, y)
    assert long.tickets_[:2] == short.tickets_


@pytest.mark.parametrize("rewind", REWINDS)
def test_network_that_predicts_is_trained(rewind):
    clf = classifier(rewind_to=rewind, max_epochs=25, rounds=2).fit(X, y)
    assert clf.score(X, y) > 0.85
    for ticket in clf.tickets_:
        for name in ("layers.0.weight", "layers.0.bias", "layers.2.weight", "layers.2.bias"):
            assert np.any(ticket.weights[name] != ticket.initial[name])
    rewound = Rewind("init").transform(clf.ticket_)
    untrained = softmax(forward(rewound, X), axis=1).argmax(axis=1)
    assert clf.score(X, y) > np.mean(untrained == y) + 0.1


@pytest.mark.parametrize("rewind", REWINDS)
def test_regressor_that_predicts_is_trained(rewind):
    reg = regressor(rewind_to=rewind, max_epochs=30, learning_rate=0.05, evaluate_every=25)
    reg.fit(X_regression, y_regression)
    assert reg.score(X_regression, y_regression) > 0.9


def test_fit_again_starts_anew():
    clf = classifier().fit(X, y)
    tickets, results = clf.tickets_, clf.round_results_
    clf.fit(X, y)
    assert clf.tickets_ == tickets
    assert same_results(clf.round_results_, results)
    clf.fit(X_regression[:, :4], y_regression > 0)
    assert clf.n_features_in_ == 4
    assert len(clf.tickets_) == len(clf.histories_) == 3
    assert list(clf.classes_) == [False, True]


# Results, and the round that predicts


@pytest.mark.parametrize("evaluate_every", [None, 2])
def test_results_follow_from_the_histories(evaluate_every):
    clf = classifier(rounds=5, max_epochs=8, evaluate_every=evaluate_every).fit(X, y)
    results = clf.round_results_
    scores = [np.array(history[:, "valid_score"]) for history in clf.histories_]
    iterations = [np.array(history[:, "iteration"]) for history in clf.histories_]
    np.testing.assert_array_equal(
        iterations[0], np.arange(2, 41, 2) if evaluate_every else np.arange(5, 41, 5)
    )
    where = [list(i).index(c) for i, c in zip(iterations, results["iterations_to_converge"])]
    wanted = scores[0][where[0]] - 1e-3
    for number, score in enumerate(scores):
        assert results["converged_score"][number] == score[where[number]]
        assert results["valid_score"][number] == score[-1]
        reached = iterations[number][score >= wanted]
        expected = reached[0] if len(reached) else np.nan
        np.testing.assert_array_equal(results["iterations_to_match"][number], expected)
        wins = number > 0 and expected <= results["iterations_to_converge"][0]
        assert results["is_winning"][number] == wins


def trained(density, losses, scores, iterations=(10, 20, 30)):
    losses = np.array(losses, float)
    return SimpleNamespace(
        ticket=SimpleNamespace(density=density, n_weights=round(1000 * density)),
        iterations=np.array(iterations),
        valid_loss=losses,
        valid_score=np.array(scores, float),
        convergence=int(np.nanargmin(losses)),
        fit_time=1.0,
    )


def test_results_on_paper():
    results = tabulate(
        range(5),
        [
            trained(1.0, [3, 1, 2], [0.7, 0.9, 0.7]),  # converges at 20, with 0.9
            trained(0.8, [3, 2, 1], [0.8993, 0.89, 0.9]),  # 0.8993 is within the tolerance
            trained(0.6, [3, 2, 1], [0.8, 0.8985, 0.9]),  # 0.8985 is not: too late at 30
            trained(0.4, [1, 2, 3], [0.85, 0.95, 0.7]),  # matches at 20, just in time
            trained(0.2, [3, 2, 1], [0.8, 0.8, 0.8]),  # never
        ],
    )
    np.testing.assert_array_equal(results["iterations_to_converge"], [20, 30, 30, 10, 30])
    np.testing.assert_array_equal(results["iterations_to_match"], [20, 10, 30, 20, np.nan])
    np.testing.assert_array_equal(results["valid_score"], [0.7, 0.9, 0.9, 0.7, 0.8])
    np.testing.assert_array_equal(results["converged_score"], [0.9, 0.9, 0.9, 0.85, 0.8])
    np.testing.assert_array_equal(results["converged_loss"], 1)
    np.testing.assert_array_equal(results["is_winning"], [False, True, False, True, False])
    assert select_round(results, "last") == 4
    assert select_round(results, "winning") == 3
    assert select_round(results, "best") == 2  # the sparsest of equals


def test_no_winning_ticket_on_paper():
    results = tabulate(
        range(2), [trained(1.0, [3, 2, 1], [1, 1, 1]), trained(0.5, [3, 2, 1], [0, 0, 0])]
    )
    assert select_round(results, "winning") == 0
    assert select_round(results, "best") == 0


@pytest.mark.parametrize("select", ["last", "best", "winning"])
@pytest.mark.parametrize("make", [classifier, regressor])
def test_selected_round_predicts(select, make):
    estimator = make(select=select, rounds=6, prune_rate=0.5, max_epochs=6)
    estimator.fit(X, y if make is classifier else X[:, 0])
    results = estimator.round_results_
    if select == "last":
        expected = 6
    elif select == "best":
        expected = np.flatnonzero(results["valid_score"] == results["valid_score"].max())[-1]
    else:
        expected = max([0, *np.flatnonzero(results["is_winning"])])
    assert estimator.selected_round_ == expected
    assert estimator.ticket_ == estimator.tickets_[expected]
    assert estimator.density_ == results["density"][expected]
    outputs = forward(estimator.tickets_[expected], X)
    predicted = estimator.predict(X)
    if make is classifier:
        np.testing.assert_array_equal(predicted, outputs.argmax(axis=1))
    else:
        np.testing.assert_allclose(predicted, outputs[:, 0], rtol=1e-3, atol=1e-4)


def test_selection_does_not_change_the_search():
    last, best, winning = (
        classifier(select=select).fit(X, y) for select in ("last", "best", "winning")
    )
    assert last.tickets_ == best.tickets_ == winning.tickets_


# By hand


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"rewind_to": 3},
        {"rewind_to": "none"},
        {"rewind_to": "reinit"},
        {"rewind_to": "rearrange"},
        {"strategy": "random"},
        {"strategy": Movement(scope="global")},
        {"strategy": "unit_product", "prune_rate": 2},
        {"validation_fraction": 0, "evaluate_every": 4},
        {"optimizer": "sgd", "hidden_layer_sizes": (12,)},
    ],
)
@pytest.mark.parametrize("make", [classifier, regressor])
def test_steps_by_hand_give_what_fit_gives(parameters, make):
    target = y if make is classifier else y_regression
    fitted = make(**parameters).fit(X, target)
    by_hand = make(**parameters).partial_fit(X, target)
    assert by_hand.tickets_ == fitted.tickets_[:1]
    for number in (1, 2):
        assert by_hand.prune() is by_hand
        assert by_hand.rewind() is by_hand
        by_hand.partial_fit(X, target)
        assert by_hand.ticket_ == fitted.tickets_[number]
        assert len(by_hand.histories_) == len(by_hand.tickets_) == number + 1
    assert by_hand.tickets_ == fitted.tickets_
    assert same_results(by_hand.round_results_, fitted.round_results_)
    for first, second in zip(by_hand.histories_, fitted.histories_, strict=True):
        assert first[:, "valid_score"] == second[:, "valid_score"]
    np.testing.assert_array_equal(by_hand.predict(X), fitted.predict(X))
    assert by_hand.n_iter_ == fitted.n_iter_
    assert by_hand.density_ == fitted.density_
    assert by_hand.selected_round_ == fitted.selected_round_


def test_one_shot_by_hand():
    fitted = classifier(schedule="one-shot", rounds=4).fit(X, y)
    by_hand = classifier(schedule="one-shot", rounds=4)
    by_hand.partial_fit(X, y).prune().rewind().partial_fit(X, y)
    assert by_hand.tickets_ == fitted.tickets_


def test_fit_goes_on_by_hand():
    long = classifier(rounds=3).fit(X, y)
    short = classifier(rounds=1).fit(X, y)
    short.prune().rewind().partial_fit(X, y).prune().rewind().partial_fit(X, y)
    assert short.tickets_ == long.tickets_
    assert same_results(short.round_results_, long.round_results_)


def test_each_step_by_hand():
    clf = classifier().partial_fit(X, y)
    trained = clf.ticket_
    assert trained.density == 1
    clf.prune()
    assert clf.ticket_ == Prune(0.3).transform(trained)
    assert clf.density_ == clf.ticket_.density < 1
    # What was pruned predicts, even between the steps.
    np.testing.assert_array_equal(clf.predict(X), forward(clf.ticket_, X).argmax(axis=1))
    clf.rewind()
    assert clf.ticket_ == Rewind().transform(Prune(0.3).transform(trained))
    np.testing.assert_array_equal(clf.predict(X), forward(clf.ticket_, X).argmax(axis=1))
    assert clf.tickets_ == [trained]


def test_other_rates_and_rewinds_by_hand():
    clf = classifier(rewind_to=3).partial_fit(X, y)
    trained = clf.ticket_
    clf.prune(0.5)
    pruned = Prune(0.5).transform(trained)
    assert clf.ticket_ == pruned
    for to in ("none", "init", 3):
        clf.rewind(to)
        pruned = Rewind(to).transform(pruned)
        assert clf.ticket_ == pruned
    clf.rewind("rearrange")
    assert layer_counts(clf.ticket_) == layer_counts(pruned)
    assert clf.ticket_ != pruned
    with pytest.raises(ValueError, match="step 4"):
        clf.rewind(4)
    with pytest.raises(ValueError, match="'rate' parameter"):
        clf.prune(1.5)
    with pytest.raises(ValueError, match="'to' parameter"):
        clf.rewind("start")


def test_more_training_goes_on_from_the_current_weights():
    clf = classifier(max_epochs=1, optimizer="sgd", learning_rate=1e-9).partial_fit(X, y)
    first = clf.ticket_
    clf.partial_fit(X, y)
    assert len(clf.tickets_) == len(clf.histories_) == len(clf.round_results_["round"]) == 2
    for name, array in clf.ticket_.weights.items():
        np.testing.assert_allclose(array, first.weights[name], atol=1e-6)
    assert clf.ticket_.initial["layers.0.weight"].tobytes() == (
        first.initial["layers.0.weight"].tobytes()
    )
    clf = classifier(max_epochs=3, validation_fraction=0)
    losses = [clf.partial_fit(X, y).round_results_["valid_loss"][-1] for _ in range(4)]
    assert losses == sorted(losses, reverse=True)


def test_classes_that_come_later():
    clf = classifier(max_epochs=10).partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    assert list(clf.classes_) == [0, 1, 2]
    assert clf.predict_proba(X).shape == (150, 3)
    for _ in range(3):
        clf.partial_fit(X, y)
    assert clf.score(X, y) > 0.8
    with pytest.raises(ValueError, match="7"):
        clf.partial_fit(X, np.where(y == 0, 7, y))


def test_parameter_rewind_and_method_rewind():
    clf = classifier(rewind_to="rearrange")
    assert clf.rewind == "rearrange"
    assert clf.get_params()["rewind_to"] == "rearrange"
    assert isinstance(clf.get_params()["rewind_to"], str)
    assert callable(clf.rewind)
    assert clone(clf).get_params()["rewind_to"] == "rearrange"
    assert clf.set_params(rewind_to=2).get_params()["rewind_to"] == 2
    assert "rewind_to=2" in repr(clf)
    assert "rewind" in WinningTicketClassifier.rewind.__name__
    assert copy.deepcopy(clf).get_params()["rewind_to"] == 2
    assert pickle.loads(pickle.dumps(clf)).fit(X, y).rewind("init").ticket_.density < 1


# Reproducibility


class Dropping(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))

    def forward(self, X):
        return self.layers(X)


def with_net(**parameters):
    net = NeuralNetClassifier(
        Dropping, criterion=nn.CrossEntropyLoss, lr=0.1, max_epochs=2, batch_size=30, verbose=0
    )
    return classifier(net=net, **parameters)


RANDOM = {
    "default": (classifier, {}),
    "random strategy": (classifier, {"strategy": "random"}),
    "reinit": (classifier, {"rewind_to": "reinit"}),
    "rearrange": (classifier, {"rewind_to": "rearrange"}),
    "net": (with_net, {}),
    "net reinit": (with_net, {"rewind_to": "reinit"}),
    "regressor": (regressor, {}),
}


@pytest.fixture(params=RANDOM)
def random_estimator(request):
    make, parameters = RANDOM[request.param]
    return make(**parameters)


def fit_tickets(estimator):
    # float32, as every estimator takes it.
    return estimator.fit(X.astype("float32"), y).tickets_


def test_same_seed_gives_the_same_tickets(random_estimator):
    tickets = fit_tickets(random_estimator)
    assert fit_tickets(clone(random_estimator)) == tickets
    assert fit_tickets(random_estimator) == tickets
    assert fit_tickets(pickle.loads(pickle.dumps(clone(random_estimator)))) == tickets
    assert fit_tickets(copy.deepcopy(random_estimator)) == tickets


def test_workers_give_the_same_tickets():
    estimators = [make(**parameters) for make, parameters in RANDOM.values()]
    in_workers = Parallel(n_jobs=2, backend="loky")(
        delayed(fit_tickets)(estimator) for estimator in estimators
    )
    for estimator, tickets in zip(estimators, in_workers, strict=True):
        assert fit_tickets(estimator) == tickets


def test_trainings_in_threads_side_by_side():
    expected = [fit_tickets(classifier(random_state=seed)) for seed in range(4)]
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        in_threads = Parallel(n_jobs=4, backend="threading")(
            delayed(fit_tickets)(classifier(random_state=seed)) for seed in range(4)
        )
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert in_threads == expected


def test_other_seed_gives_other_tickets(random_estimator):
    tickets = fit_tickets(random_estimator)
    others = fit_tickets(clone(random_estimator).set_params(random_state=1))
    for ticket, other in zip(tickets, others, strict=True):
        for name in ticket.mask:
            assert np.any(ticket.initial[name] != other.initial[name])
        assert ticket != other


def test_random_state_may_be_an_instance():
    state = np.random.RandomState(0)
    first = fit_tickets(classifier(random_state=state))
    assert fit_tickets(classifier(random_state=np.random.RandomState(0))) == first
    # An instance goes on: a second fit is another one.
    assert fit_tickets(classifier(random_state=state)) != first


def test_no_random_state_gives_other_tickets_each_time():
    assert fit_tickets(classifier(random_state=None)) != fit_tickets(classifier(random_state=None))


@pytest.mark.parametrize("make", [classifier, with_net, regressor])
@pytest.mark.parametrize("rewind", ["init", "reinit", "rearrange"])
def test_global_state_stays(make, rewind, global_state):
    estimator = make(rewind_to=rewind, strategy="random")
    fit_tickets(estimator)
    estimator.predict(X)
    estimator.prune().rewind().partial_fit(X, y)


def test_global_state_stays_without_a_seed(global_state):
    classifier(random_state=None).fit(X, y)


def test_global_generators_have_no_influence(random_estimator):
    tickets = []
    states = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        tickets.append(fit_tickets(clone(random_estimator)))
    torch.set_rng_state(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    assert tickets[0] == tickets[1]


def test_number_of_threads_has_no_influence():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 64)).astype("float32")
    y = X[:, 0] + X[:, 1] > 0
    before = torch.get_num_threads()
    tickets = []
    try:
        for n_threads in (1, 2, 4):
            torch.set_num_threads(n_threads)
            clf = classifier(hidden_layer_sizes=(200, 100), batch_size=300, max_epochs=2, rounds=1)
            tickets.append(clf.fit(X, y).tickets_)
            assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)
    assert tickets[0] == tickets[1] == tickets[2]


# Data


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["setosa", "versicolor", "virginica"]),
        np.array(["setosa", "versicolor", "virginica"], object),
        np.array([-1, 5, 100]),
        np.array([0.0, 1.0, 2.0]),
    ],
)
def test_labels(labels):
    clf = classifier(max_epochs=25).fit(X, labels[y])
    np.testing.assert_array_equal(clf.classes_, labels)
    assert set(clf.predict(X)) <= set(labels)
    assert clf.score(X, labels[y]) > 0.8
    assert clf.ticket_ == classifier(max_epochs=25).fit(X, y).ticket_


@pytest.mark.parametrize("labels", [np.array(["no", "yes"]), np.array([-1, 1]), [False, True]])
def test_two_labels(labels):
    target = np.asarray(labels)[(y == 1).astype(int)]
    clf = classifier(max_epochs=25).fit(X, target)
    np.testing.assert_array_equal(clf.classes_, labels)
    assert clf.score(X, target) > 0.8
    # Probabilities come in the order of the classes.
    high = clf.predict_proba(X)[:, 1] > 0.5
    np.testing.assert_array_equal(clf.predict(X), np.asarray(labels)[high.astype(int)])


def test_data_frames():
    frame = pd.DataFrame(X, columns=list("abcdef"))
    labels = pd.Series(np.array(["x", "y", "z"])[y], index=np.arange(150)[::-1])
    clf = classifier().fit(frame, labels)
    assert clf.ticket_ == classifier().fit(X, y).ticket_
    np.testing.assert_array_equal(
        clf.predict(frame), np.array(["x", "y", "z"])[clf.predict_proba(frame).argmax(1)]
    )
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame[list("fedcba")])
    with pytest.warns(UserWarning, match="feature names"):
        clf.predict(X)
    reg = regressor().fit(frame, pd.Series(y_regression))
    assert reg.predict(frame).shape == (150,)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool"])
def test_dtypes(dtype):
    values = np.abs(10 * X).astype(dtype)
    before = values.copy()
    clf = classifier().fit(values, y)
    np.testing.assert_array_equal(values, before)
    assert clf.predict(values).shape == (150,)
    as_float = classifier().fit(values.astype("float32"), y)
    assert clf.ticket_ == as_float.ticket_
    np.testing.assert_array_equal(clf.predict_proba(values), as_float.predict_proba(values))


@pytest.mark.parametrize("order", ["C", "F", "strided", "read-only"])
def test_memory_layouts(order):
    values = {"C": X.copy(), "F": np.asfortranarray(X), "strided": np.repeat(X, 2, axis=0)[::2]}
    if order == "read-only":
        values[order] = X.astype("float32")
        values[order].flags.writeable = False
    target = y.copy()
    target.flags.writeable = order != "read-only"
    clf = classifier().fit(values[order], target)
    assert clf.ticket_ == classifier().fit(X, y).ticket_


def test_lists():
    assert classifier().fit(X.tolist(), y.tolist()).ticket_ == classifier().fit(X, y).ticket_


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize("value, message", [(np.nan, "NaN"), (np.inf, "infinity")])
def test_values_that_are_not_finite(make, value, message):
    spoiled = X.copy()
    spoiled[3, 2] = value
    estimator = make()
    with pytest.raises(ValueError, match=message):
        estimator.fit(spoiled, y)
    estimator.fit(X, y)
    with pytest.raises(ValueError, match=message):
        estimator.predict(spoiled)


def test_targets_that_are_not_finite():
    target = y_regression.copy()
    target[0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        regressor().fit(X, target)
    with pytest.raises(ValueError, match="NaN"):
        classifier().fit(X, np.where(y == 0, np.nan, y))


def test_one_class():
    with pytest.raises(ValueError, match="class"):
        classifier().fit(X, np.ones(150))


def test_numbers_are_no_classes():
    with pytest.raises(ValueError, match="Unknown label type"):
        classifier().fit(X, y_regression)


@pytest.mark.parametrize("make", [classifier, regressor])
def test_other_shapes(make):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        make().fit(X, y[:-1])
    with pytest.raises(ValueError, match="Expected 2D array"):
        make().fit(X[:, 0], y)
    estimator = make().fit(X, y)
    with pytest.raises(ValueError, match="X has 5 features"):
        estimator.predict(X[:, :5])
    with pytest.raises(ValueError, match="X has 5 features"):
        estimator.partial_fit(X[:, :5], y)


@pytest.mark.parametrize("make", [classifier, regressor])
def test_weight_of_a_row_is_the_number_of_its_copies(make):
    # Exact but for rounding where all rows make one batch, and none are held out.
    weight = np.random.default_rng(0).integers(0, 4, len(X))
    whole = {"batch_size": 1000, "validation_fraction": 0, "max_epochs": 10}
    weighted = make(**whole).fit(X, y, sample_weight=weight)
    repeated = make(**whole).fit(X.repeat(weight, axis=0), y.repeat(weight))
    unweighted = make(**whole).fit(X, y)
    for name, array in repeated.ticket_.weights.items():
        np.testing.assert_allclose(weighted.ticket_.weights[name], array, rtol=1e-3, atol=1e-4)
        assert np.abs(unweighted.ticket_.weights[name] - array).max() > 1e-3
    for column in ("valid_loss", "valid_score", "converged_loss"):
        np.testing.assert_allclose(
            weighted.round_results_[column], repeated.round_results_[column], rtol=1e-3
        )


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


# Errors


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize(
    "name, value",
    [
        ("hidden_layer_sizes", (0,)),
        ("hidden_layer_sizes", (5, -1)),
        ("hidden_layer_sizes", (2.5,)),
        ("hidden_layer_sizes", "many"),
        ("hidden_layer_sizes", None),
        ("prune_rate", 1.0),
        ("prune_rate", -0.2),
        ("prune_rate", "half"),
        ("rounds", -1),
        ("rounds", 1.5),
        ("rounds", None),
        ("strategy", "magnitud"),
        ("strategy", None),
        ("schedule", "oneshot"),
        ("rewind_to", "start"),
        ("rewind_to", 0),
        ("rewind_to", -3),
        ("rewind_to", 1.5),
        ("rewind_to", None),
        ("select", "first"),
        ("optimizer", "rmsprop"),
        ("optimizer", None),
        ("learning_rate", 0.0),
        ("learning_rate", -1.0),
        ("learning_rate", "fast"),
        ("batch_size", 0),
        ("batch_size", 2.5),
        ("max_epochs", 0),
        ("init", "xavier"),
        ("init", None),
        ("validation_fraction", 1.0),
        ("validation_fraction", -0.1),
        ("evaluate_every", 0),
        ("evaluate_every", 2.5),
        ("net", "mlp"),
        ("net", nn.Linear(6, 3)),
        ("layout", "round"),
        ("device", "abacus"),
        ("device", None),
        ("random_state", "seed"),
        ("verbose", "loud"),
    ],
)
def test_wrong_parameter_is_named(make, name, value):
    estimator = make(**{name: value})
    with pytest.raises(ValueError, match=name):
        estimator.fit(X, y)
    assert not getattr(estimator, "tickets_", [])


@pytest.mark.parametrize(
    "parameters, name",
    [
        ({"strategy": Magnitude(scope="local")}, "scope"),
        ({"strategy": Random(output_rate=2)}, "output_rate"),
        ({"strategy": UnitInput(scope="local")}, "scope"),
        ({"init": Normal(std=-1)}, "std"),
    ],
)
def test_wrong_parameter_of_a_part_is_named(parameters, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        classifier(**parameters).fit(X, y)


def test_parameters_are_checked_by_hand_too():
    with pytest.raises(ValueError, match="'rounds' parameter"):
        classifier(rounds=-1).partial_fit(X, y)


def test_wrong_shape_from_init():
    with pytest.raises(ValueError, match="layers.0.weight|init"):
        classifier(init=lambda shape, random_state: np.ones(3)).fit(X, y)
