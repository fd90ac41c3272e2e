"""A search step by step, by hand."""

import numpy as np
import pytest
from small import (
    X,
    assert_labels,
    classifier,
    forward,
    layer_counts,
    regressor,
    same_results,
    y,
    y_regression,
)

from skticket import Prune, Rewind
from skticket.pruning import (
    Movement,
)


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
    assert_labels(clf.predict(X), forward(clf.ticket_, X))
    clf.rewind()
    assert clf.ticket_ == Rewind().transform(Prune(0.3).transform(trained))
    assert_labels(clf.predict(X), forward(clf.ticket_, X))
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
    with pytest.raises(ValueError, match=r"classes must be those of the first call, \[0 1 2\]"):
        clf.partial_fit(X[y < 2], y[y < 2], classes=[0, 1])
    assert clf.partial_fit(X, y, classes=[2, 1, 0]) is clf
