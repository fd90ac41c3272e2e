"""The loop of training, pruning and rewinding."""

import numpy as np
import pytest
from scipy.special import softmax
from small import (
    NAMES,
    REWINDS,
    UNIT_NAMES,
    UNIT_STRATEGIES,
    WEIGHT_STRATEGIES,
    X,
    X_regression,
    classifier,
    forward,
    layer_counts,
    regressor,
    remaining_after,
    same_results,
    squares,
    y,
    y_regression,
)

from skticket import Rewind


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
