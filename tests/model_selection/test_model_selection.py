"""The estimators inside scikit-learn's cross-validation and searches."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_wine, make_classification, make_regression
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skticket import WinningTicketClassifier, WinningTicketRegressor
from skticket.pruning import Magnitude, Movement, Random

X, y = make_classification(
    150, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, class_sep=1.5, random_state=0
)


def classifier(**parameters):
    defaults = {
        "hidden_layer_sizes": (12, 8),
        "rounds": 2,
        "max_epochs": 4,
        "batch_size": 20,
        "learning_rate": 0.03,
        "random_state": 0,
    }
    return WinningTicketClassifier(**(defaults | parameters))


def pipeline(**parameters):
    return Pipeline([("scale", StandardScaler()), ("ticket", classifier(**parameters))])


def test_cross_val_score():
    scores = cross_val_score(pipeline(max_epochs=15), X, y, cv=3)
    assert scores.shape == (3,)
    assert scores.mean() > 0.8


def test_cross_val_score_in_workers():
    np.testing.assert_array_equal(
        cross_val_score(pipeline(), X, y, cv=3, n_jobs=2), cross_val_score(pipeline(), X, y, cv=3)
    )


def test_cross_val_score_of_the_regressor():
    X, y = make_regression(150, 5, n_informative=3, random_state=0)
    reg = WinningTicketRegressor(
        (20,), rounds=1, max_epochs=30, batch_size=20, learning_rate=0.03, random_state=0
    )
    scores = cross_val_score(make_pipeline(StandardScaler(), reg), X, y / y.std(), cv=3)
    assert scores.mean() > 0.8


@pytest.mark.parametrize(
    "scoring", ["accuracy", "neg_log_loss", "roc_auc_ovr", "f1_macro", "balanced_accuracy"]
)
def test_scorers(scoring):
    scores = cross_val_score(classifier(), X, y, cv=2, scoring=scoring, error_score="raise")
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("scoring", ["roc_auc", "average_precision", "neg_brier_score", "f1"])
def test_scorers_of_two_classes(scoring):
    model = classifier(max_epochs=10)
    scores = cross_val_score(model, X, y == 1, cv=2, scoring=scoring, error_score="raise")
    # All of these tell the classes from each other, if they do not take one for the other.
    assert scores.mean() > (-0.25 if scoring == "neg_brier_score" else 0.5)


def test_cross_validate_and_predict():
    results = cross_validate(pipeline(), X, y, cv=2, return_estimator=True, return_indices=True)
    for fitted, train in zip(results["estimator"], results["indices"]["train"], strict=True):
        expected = clone(pipeline()).fit(X[train], y[train])
        assert fitted["ticket"].ticket_ == expected["ticket"].ticket_
    probabilities = cross_val_predict(pipeline(), X, y, cv=2, method="predict_proba")
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


GRID = [
    {
        "ticket__strategy": ["magnitude", "random", "movement", "unit_product"],
        "ticket__prune_rate": [0.2, 3],
    },
    {
        "ticket__strategy": [Magnitude(), Movement()],
        "ticket__strategy__scope": ["layer", "global"],
        "ticket__rewind_to": ["init", "rearrange"],
    },
    {
        "ticket__rewind_to": ["init", 3, "none", "reinit", "rearrange"],
        "ticket__schedule": ["iterative", "one-shot"],
    },
]


def test_grid_search_in_a_pipeline():
    search = GridSearchCV(pipeline(max_epochs=2), GRID, cv=2, error_score="raise").fit(X, y)
    results = search.cv_results_
    assert len(results["params"]) == 8 + 8 + 10
    assert np.isfinite(results["mean_test_score"]).all()
    # What a search reports is what the parameters give when set by hand.
    expected = pipeline(max_epochs=2).set_params(**search.best_params_).fit(X, y)
    best = search.best_estimator_["ticket"]
    assert best.ticket_ == expected["ticket"].ticket_
    assert best.get_params()["rewind_to"] == expected["ticket"].get_params()["rewind_to"]
    assert search.score(X, y) == expected.score(X, y)


@pytest.mark.parametrize(
    "name, values",
    [
        ("strategy", ["magnitude", "random"]),
        ("strategy__scope", ["layer", "global"]),
        ("strategy__output_rate", [0, 1]),
        ("prune_rate", [0.1, 0.5]),
        ("rewind_to", ["init", "none"]),
        ("rewind_to", [1, 10]),
        ("rounds", [0, 3]),
        ("schedule", ["iterative", "one-shot"]),
        ("init", ["he_normal", "truncated_normal"]),
    ],
)
def test_each_value_of_a_search_is_in_force(name, values):
    parameters = {"strategy": Magnitude()} if name.startswith("strategy__") else {}
    model = pipeline(**parameters)
    grid = {f"ticket__{name}": values}
    search = GridSearchCV(model, grid, cv=2, error_score="raise", scoring="neg_log_loss")
    scores = search.fit(X, y).cv_results_["mean_test_score"]
    assert scores[0] != scores[1]
    for value, score in zip(values, scores, strict=True):
        single = clone(model).set_params(**{f"ticket__{name}": value})
        expected = cross_val_score(single, X, y, cv=2, scoring="neg_log_loss").mean()
        assert score == expected


def test_grid_search_in_workers():
    grid = {"ticket__rewind_to": ["init", "reinit", 2], "ticket__strategy": ["random", Random()]}
    one, two = (GridSearchCV(pipeline(), grid, cv=2, n_jobs=n).fit(X, y) for n in (1, 2))
    np.testing.assert_array_equal(
        one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"]
    )
    assert one.best_estimator_["ticket"].ticket_ == two.best_estimator_["ticket"].ticket_


def test_rewind_steps_from_an_array(tmp_path):
    # np.arange and distributions give NumPy's integers.
    search = RandomizedSearchCV(
        pipeline(),
        {"ticket__rewind_to": np.arange(1, 6), "ticket__prune_rate": np.array([0.2, 0.5])},
        n_iter=3,
        cv=2,
        random_state=0,
        error_score="raise",
    ).fit(X, y)
    ticket = search.best_estimator_["ticket"].ticket_
    assert list(ticket.checkpoints) == [search.best_params_["ticket__rewind_to"]]
    ticket.save(tmp_path / "ticket")
    assert type(ticket).load(tmp_path / "ticket") == ticket


def test_numbers_from_an_array():
    search = GridSearchCV(
        pipeline(), {"ticket__prune_rate": np.array([1, 4])}, cv=2, error_score="raise"
    ).fit(X, y)
    rate = search.best_params_["ticket__prune_rate"]
    expected = pipeline(prune_rate=int(rate)).fit(X, y)
    assert search.best_estimator_["ticket"].ticket_ == expected["ticket"].ticket_


@pytest.mark.parametrize("name", ["batch_size", "max_epochs", "rounds", "evaluate_every"])
def test_whole_numbers_from_an_array(name):
    search = GridSearchCV(
        pipeline(), {f"ticket__{name}": np.array([3, 7])}, cv=2, error_score="raise"
    ).fit(X, y)
    value = int(search.best_params_[f"ticket__{name}"])
    expected = pipeline(**{name: value}).fit(X, y)
    assert search.best_estimator_["ticket"].tickets_ == expected["ticket"].tickets_


def test_wrong_value_in_a_search_is_named():
    search = GridSearchCV(pipeline(), {"ticket__rewind_to": ["start"]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match="'rewind_to' parameter"):
        search.fit(X, y)


def test_ensembles():
    bagging = BaggingClassifier(classifier(rounds=1), n_estimators=2, random_state=0).fit(X, y)
    first, second = (clf.ticket_ for clf in bagging.estimators_)
    assert first != second
    voting = VotingClassifier(
        [("ticket", classifier(rounds=1)), ("logistic", LogisticRegression())], voting="soft"
    ).fit(X, y)
    assert voting.score(X, y) > 0.7


@pytest.mark.slow
@pytest.mark.parametrize("load", [load_wine, load_breast_cancer])
def test_defaults_serve(load):
    from sklearn.neural_network import MLPClassifier

    X, y = load(return_X_y=True)
    models = [
        WinningTicketClassifier(rounds=7),
        MLPClassifier(max_iter=1000),
    ]
    ours, theirs = (
        np.mean([_score_from(seed, model, X, y) for seed in range(3)]) for model in models
    )
    assert ours >= theirs - 0.01


def _score_from(seed, model, X, y):
    model = make_pipeline(StandardScaler(), clone(model).set_params(random_state=seed))
    return cross_val_score(model, X, y, cv=5).mean()
