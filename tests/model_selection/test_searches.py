"""Searches that weigh score against size, and what chooses for them."""

import pickle
from functools import partial

import numpy as np
import pytest
from scipy.stats import randint, uniform
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import BaggingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    cross_validate,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skticket import WinningTicketClassifier, WinningTicketRegressor
from skticket.model_selection import (
    neg_density,
    neg_iterations_to_match,
    neg_n_weights,
    smallest_within_one_standard_error,
    ticket_scoring,
)
from skticket.pruning import Magnitude, Movement

X, y = make_classification(
    150, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, class_sep=1.5, random_state=0
)
SCORERS = [neg_density, neg_n_weights, neg_iterations_to_match]


def classifier(cls=WinningTicketClassifier, **parameters):
    defaults = {
        "hidden_layer_sizes": (12,),
        "rounds": 2,
        "max_epochs": 4,
        "batch_size": 20,
        "learning_rate": 0.03,
        "random_state": 0,
    }
    return cls(**(defaults | parameters))


def pipeline(**parameters):
    return Pipeline([("scale", StandardScaler()), ("ticket", classifier(**parameters))])


def assert_same(first, second):
    assert first.best_params_ == second.best_params_
    for name, column in first.cv_results_.items():
        if name.startswith(("mean_test", "split", "rank")):
            np.testing.assert_array_equal(column, second.cv_results_[name])


# Scorers.


def test_scorers_are_minus_what_they_name():
    fitted = classifier(rounds=4, max_epochs=8, select="best").fit(X, y)
    assert neg_density(fitted, X, y) == -fitted.density_
    assert neg_n_weights(fitted, X, y) == -fitted.ticket_.n_weights
    results = fitted.round_results_
    expected = results["iterations_to_match"][fitted.selected_round_]
    assert neg_iterations_to_match(fitted, X, y) == -expected
    for scorer in SCORERS:
        assert type(scorer(fitted)) is float
        assert pickle.loads(pickle.dumps(scorer)) is scorer


def test_a_ticket_that_never_matched_has_a_number():
    fitted = classifier(rounds=1).fit(X, y)
    fitted.round_results_["iterations_to_match"][1] = np.nan
    assert neg_iterations_to_match(fitted) == -(fitted.n_iter_ + 1)


def test_the_last_training_of_a_round_counts():
    fitted = classifier().partial_fit(X, y).prune().rewind().partial_fit(X, y).partial_fit(X, y)
    fitted.round_results_["iterations_to_match"][:] = 3, 2, 1
    assert neg_iterations_to_match(fitted) == -1


def regressor():
    return classifier(WinningTicketRegressor, learning_rate=1e-3)


@pytest.mark.parametrize(
    "model",
    [
        classifier(),
        pipeline(),
        make_pipeline(StandardScaler(), pipeline()),
        GridSearchCV(classifier(), {"rounds": [1]}, cv=2),
        make_pipeline(StandardScaler(), GridSearchCV(classifier(), {"rounds": [1]}, cv=2)),
        SelectFromModel(classifier()),
        make_pipeline(SelectFromModel(classifier()), LogisticRegression()),
    ],
    ids=lambda model: type(model).__name__,
)
def test_scorers_see_through(model):
    check_seen_through(model.fit(X, y))


def test_scorers_see_through_a_frozen_estimator():
    check_seen_through(FrozenEstimator(classifier().fit(X, y)).fit(X, y))


def check_seen_through(fitted):
    assert -1 < neg_density(fitted) < 0
    assert neg_n_weights(fitted) == round(neg_density(fitted) * 108)
    assert neg_iterations_to_match(fitted) < 0


def test_scorers_see_through_a_transformer_of_targets():
    X, y = make_regression(80, 6, random_state=0)
    fitted = TransformedTargetRegressor(regressor(), transformer=StandardScaler()).fit(X, y)
    assert neg_density(fitted) == -fitted.regressor_.density_


def test_a_fitted_prototype_is_not_what_was_fitted():
    prototype = classifier(rounds=5).fit(X, y)
    search = GridSearchCV(prototype, {"rounds": [1]}, cv=2).fit(X, y)
    assert neg_density(search) == -search.best_estimator_.density_


def test_the_final_step_counts():
    selector = SelectFromModel(classifier(rounds=1))
    fitted = make_pipeline(selector, classifier(rounds=3)).fit(X, y)
    assert neg_density(fitted) == -fitted[-1].density_


@pytest.mark.parametrize(
    "fit, n_found",
    [
        (lambda: LogisticRegression().fit(X, y), 0),
        (classifier, 0),
        (lambda: BaggingClassifier(classifier(rounds=1), 2, random_state=0).fit(X, y), 2),
    ],
    ids=["no ticket", "not fitted", "two tickets"],
)
@pytest.mark.parametrize("scorer", SCORERS)
def test_not_one_ticket(scorer, fit, n_found):
    fitted = fit()
    with pytest.raises(ValueError, match=f"one fitted WinningTicketClassifier.*found {n_found}"):
        scorer(fitted, X, y)


def test_scoring_names():
    sizes = ["density", "n_weights", "iterations_to_match"]
    assert list(ticket_scoring()) == ["score", *sizes]
    assert list(ticket_scoring("accuracy")) == ["accuracy", *sizes]
    assert list(ticket_scoring(("accuracy", "roc_auc_ovr"))) == ["accuracy", "roc_auc_ovr", *sizes]
    assert list(ticket_scoring({"auc": "roc_auc_ovr"})) == ["auc", *sizes]
    assert ticket_scoring(neg_density)["score"] is neg_density
    with pytest.raises(ValueError, match="'density'"):
        ticket_scoring({"density": "accuracy"})
    with pytest.raises(ValueError, match="no_such"):
        ticket_scoring("no_such")


@pytest.mark.parametrize("scoring", [None, "accuracy", ["accuracy", "neg_log_loss"]])
def test_cross_validate(scoring):
    results = cross_validate(pipeline(), X, y, cv=2, scoring=ticket_scoring(scoring))
    first = "accuracy" if scoring else "score"
    expected = cross_validate(pipeline(), X, y, cv=2)["test_score"]
    np.testing.assert_array_equal(results[f"test_{first}"], expected)
    assert (results["test_density"] == neg_density(classifier().fit(X, y))).all()


# The rule.


def cv_results(scores, sizes, name="accuracy", size="n_weights"):
    scores = np.asarray(scores, dtype=float)
    folds = {f"split{fold}_test_{name}": column for fold, column in enumerate(scores.T)}
    means = {f"mean_test_{name}": scores.mean(axis=1), f"mean_test_{size}": np.asarray(sizes)}
    return folds | means


def test_smallest_within_one_standard_error():
    # The best, 0.92, has a standard error of 0.02 / sqrt(3) = 0.0115.
    scores = [[0.90, 0.92, 0.94], [0.91] * 3, [0.907] * 3, [0.91] * 3]
    assert smallest_within_one_standard_error(cv_results(scores, [-100, -50, -20, -60])) == 1
    assert smallest_within_one_standard_error(cv_results(scores, [-10, -50, -20, -60])) == 0


def test_equally_small_tickets():
    scores = [[0.90, 0.94], [0.91] * 2, [0.915] * 2, [0.915] * 2]
    assert smallest_within_one_standard_error(cv_results(scores, [-100, -50, -50, -50])) == 2


def test_one_fold_has_no_standard_error():
    assert smallest_within_one_standard_error(cv_results([[0.9], [0.8]], [-9, -1])) == 0


def test_failed_candidates_are_not_chosen():
    scores = [[np.nan, np.nan], [0.9, 0.9], [0.8, 0.8]]
    assert smallest_within_one_standard_error(cv_results(scores, [np.nan, -9, -1])) == 1
    with pytest.raises(ValueError, match="no candidate"):
        smallest_within_one_standard_error(cv_results([[np.nan]], [-1.0]))


def test_metrics_by_name():
    results = cv_results([[0.9, 0.9], [0.9, 0.9]], [-2, -1], "roc_auc", "density")
    results |= cv_results([[0.9, 0.9], [0.8, 0.8]], [-2, -1], "accuracy", "iterations_to_match")
    with pytest.raises(ValueError, match="score must name one.*roc_auc.*accuracy"):
        smallest_within_one_standard_error(results)
    by_auc = partial(smallest_within_one_standard_error, score="roc_auc", size="density")
    assert by_auc(results) == 1
    with pytest.raises(ValueError, match="size='n_weights' is no metric"):
        smallest_within_one_standard_error(results, score="roc_auc")
    with pytest.raises(ValueError, match="score='f1' is no metric"):
        smallest_within_one_standard_error(results, score="f1")


def test_a_name_that_contains_another():
    results = cv_results([[0.9, 0.9], [0.8, 0.8]], [-2, -1], "f1")
    results |= {"split0_test_not_f1": np.zeros(2), "mean_test_not_f1": np.zeros(2)}
    assert smallest_within_one_standard_error(results, score="f1") == 0


# Searches.

GRID = {"ticket__strategy": ["magnitude", "random"], "ticket__rounds": [1, 6]}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_grid(n_jobs, tmp_path):
    model = pipeline(memory=str(tmp_path))
    search = GridSearchCV(
        model,
        GRID,
        scoring=ticket_scoring("neg_log_loss"),
        refit=smallest_within_one_standard_error,
        cv=3,
        n_jobs=n_jobs,
        error_score="raise",
    ).fit(X, y)
    results = search.cv_results_
    means = results["mean_test_neg_log_loss"]
    best = means.argmax()
    folds = [results[f"split{fold}_test_neg_log_loss"][best] for fold in range(3)]
    good = means >= means[best] - np.std(folds, ddof=1) / np.sqrt(3)
    weights = -results["mean_test_n_weights"]
    assert good[search.best_index_]
    assert weights[search.best_index_] == weights[good].min()
    assert neg_n_weights(search) == -weights[search.best_index_]
    expected = clone(pipeline()).set_params(**search.best_params_).fit(X, y)
    assert search.best_estimator_["ticket"].ticket_ == expected["ticket"].ticket_


def test_refit_by_a_size():
    search = GridSearchCV(
        pipeline(), {"ticket__rounds": [3, 1]}, scoring=ticket_scoring(), refit="density", cv=2
    ).fit(X, y)
    assert search.best_params_ == {"ticket__rounds": 3}


def test_randomized():
    search = RandomizedSearchCV(
        pipeline(),
        {
            "ticket__prune_rate": uniform(0.1, 0.5),
            "ticket__rounds": randint(1, 4),
            "ticket__strategy": ["magnitude", "unit_product", Movement(scope="global")],
            "ticket__learning_rate": uniform(0.01, 0.02),
            "ticket__batch_size": randint(10, 30),
        },
        n_iter=5,
        cv=2,
        scoring=ticket_scoring("accuracy"),
        refit=smallest_within_one_standard_error,
        random_state=0,
        error_score="raise",
    )
    assert_same(search.fit(X, y), clone(search).set_params(n_jobs=2).fit(X, y))
    assert len(np.unique(search.cv_results_["mean_test_density"])) > 2
    expected = clone(pipeline()).set_params(**search.best_params_).fit(X, y)
    assert search.best_estimator_["ticket"].ticket_ == expected["ticket"].ticket_


def test_halving_over_rows():
    search = HalvingGridSearchCV(
        pipeline(strategy=Magnitude()),
        {"ticket__strategy__scope": ["layer", "global"], "ticket__rewind_to": ["init", "none"]},
        cv=2,
        random_state=0,
        min_resources=40,
        factor=2,
        error_score="raise",
    ).fit(X, y)
    assert search.n_iterations_ == 2
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("cls", [HalvingGridSearchCV, HalvingRandomSearchCV])
def test_halving_over_rounds_trains_each_network_once(cls, tmp_path, n_trained):
    search = cls(
        pipeline(memory=str(tmp_path)),
        {"ticket__strategy": ["magnitude", "movement", "random", "initial_magnitude"]},
        resource="ticket__rounds",
        max_resources=4,
        min_resources=1,
        factor=2,
        cv=2,
        random_state=0,
        error_score="raise",
    ).fit(X, y)
    assert list(search.n_resources_) == [1, 2, 4]
    assert search.n_candidates_[0] == 4
    # Each candidate goes on where it was: a fold's full network; four strategies pruned
    # once, two of them a second time, one twice more; and the refit.
    assert len(n_trained) == 2 * (1 + 4 + 2 + 2) + search.best_estimator_["ticket"].rounds + 1


def test_halving_by_size():
    search = HalvingGridSearchCV(
        pipeline(), GRID, scoring=neg_n_weights, cv=2, random_state=0, min_resources=40
    ).fit(X, y)
    assert search.best_params_["ticket__rounds"] == 6


def test_parameters_of_a_net():
    import torch
    from skorch import NeuralNetClassifier

    class Network(torch.nn.Sequential):
        def __init__(self, n_units=5):
            super().__init__(
                torch.nn.Linear(6, n_units), torch.nn.ReLU(), torch.nn.Linear(n_units, 3)
            )

    net = NeuralNetClassifier(Network, criterion=torch.nn.CrossEntropyLoss, max_epochs=2, verbose=0)
    search = GridSearchCV(
        pipeline(net=net, rounds=1),
        {"ticket__net__lr": [0.01, 0.1], "ticket__net__module__n_units": [4, 8]},
        scoring=ticket_scoring(),
        refit=smallest_within_one_standard_error,
        cv=2,
        error_score="raise",
    ).fit(X, y)
    assert len(np.unique(search.cv_results_["mean_test_n_weights"])) == 2


def test_regressors():
    X, y = make_regression(100, 6, random_state=0)
    model = TransformedTargetRegressor(regressor(), transformer=StandardScaler())
    search = GridSearchCV(
        model,
        {"regressor__rounds": [1, 3]},
        scoring=ticket_scoring("r2"),
        refit=smallest_within_one_standard_error,
        cv=2,
        error_score="raise",
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_r2"]).all()


def test_workers_train_on_one_thread():
    import torch

    class Threads(WinningTicketClassifier):
        def score(self, X, y):
            return self.n_threads_

        def fit(self, X, y):
            super().fit(X, y)
            self.n_threads_ = torch.get_num_threads()
            return self

    scores = cross_validate(Threads((4,), rounds=0, max_epochs=1), X, y, cv=2, n_jobs=2)
    assert scores["test_score"].max() == 1
