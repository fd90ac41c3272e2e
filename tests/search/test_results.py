"""Results of the rounds, and the round that predicts."""

from types import SimpleNamespace

import numpy as np
import pytest
from small import X, assert_labels, classifier, forward, regressor, y

from skticket.search import select_round, tabulate


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
        early = [np.mean(history[: where[0] + 1, "valid_loss"]) for history in clf.histories_]
        assert results["early_loss"][number] == early[number]
        wins = number > 0 and early[number] <= early[0] and score[where[number]] >= wanted
        assert results["is_winning"][number] == wins
        assert results["n_steps"][number] == iterations[number][-1]
    assert clf.is_winning_ == results["is_winning"][clf.selected_round_]


def trained(density, losses, scores, iterations=(10, 20, 30)):
    losses = np.array(losses, float)
    return SimpleNamespace(
        ticket=SimpleNamespace(density=density, n_weights=round(1000 * density)),
        iterations=np.array(iterations),
        valid_loss=losses,
        valid_score=np.array(scores, float),
        convergence=int(np.nanargmin(losses)),
        kept=-1,
        fit_time=1.0,
    )


def test_results_on_paper():
    results = tabulate(
        range(6),
        [
            trained(1.0, [3, 1, 2], [0.7, 0.9, 0.7]),  # converges at 20, with 0.9
            trained(0.8, [2, 2, 1], [0.8993, 0.89, 0.8993]),  # within the tolerance; as fast
            trained(0.6, [2, 2, 1], [0.8, 0.8993, 0.8985]),  # not at its own convergence
            trained(0.4, [1, 2, 9], [0.9, 0.95, 0.7]),  # what comes later does not count
            trained(0.2, [3, 2, 0], [0.95, 0.95, 0.95]),  # better, but slower
            trained(0.1, [3, 3, 3], [0.8, 0.8, 0.8]),  # never
        ],
    )
    np.testing.assert_array_equal(results["iterations_to_converge"], [20, 30, 30, 10, 30, 10])
    np.testing.assert_array_equal(results["iterations_to_match"], [20, 10, 20, 10, 10, np.nan])
    np.testing.assert_array_equal(results["early_loss"], [2, 2, 2, 1.5, 2.5, 3])
    np.testing.assert_array_equal(results["n_steps"], 30)
    np.testing.assert_array_equal(results["valid_score"], [0.7, 0.8993, 0.8985, 0.7, 0.95, 0.8])
    np.testing.assert_array_equal(results["converged_score"], [0.9, 0.8993, 0.8985, 0.9, 0.95, 0.8])
    np.testing.assert_array_equal(results["converged_loss"], [1, 1, 1, 1, 0, 3])
    np.testing.assert_array_equal(results["is_winning"], [False, True, False, True, False, False])
    assert select_round(results, "last") == 5
    assert select_round(results, "winning") == 3
    assert select_round(results, "best") == 4


def test_early_losses_are_of_the_evaluations_that_both_have():
    results = tabulate(
        range(4),
        [
            trained(1.0, [4, 3, 2], [0.7, 0.8, 0.9]),
            trained(0.5, [3.75, 3.25], [0.8, 0.9], iterations=(10, 20)),  # cut short
            trained(0.4, [3.5, 0, 3.5], [0.8, 0.8, 0.9], iterations=(10, 15, 20)),
            trained(0.3, [0, 0], [0.9, 0.9], iterations=(15, 25)),
        ],
    )
    np.testing.assert_array_equal(results["early_loss"], [3, 3.5, 3.5, np.nan])
    np.testing.assert_array_equal(results["is_winning"], [False, True, False, False])


def test_early_loss_that_is_not_finite_does_not_win():
    results = tabulate(
        range(2),
        [trained(1.0, [3, 2], [0.5, 0.6], (1, 2)), trained(0.5, [np.nan, 1], [1, 1], (1, 2))],
    )
    assert not results["is_winning"].any()


def test_no_winning_ticket_on_paper():
    results = tabulate(
        range(2), [trained(1.0, [3, 2, 1], [1, 1, 1]), trained(0.5, [3, 2, 1], [0, 0, 0])]
    )
    assert select_round(results, "winning") == 0
    assert select_round(results, "best") == 0


@pytest.mark.parametrize("select", ["last", "best", "winning"])
@pytest.mark.parametrize("make", [classifier, regressor])
def test_selected_round_predicts(select, make):
    options = {} if make is classifier else {"normalize_y": False}
    estimator = make(**options, select=select, rounds=6, prune_rate=0.5, max_epochs=6)
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
        assert_labels(predicted, outputs)
    else:
        np.testing.assert_allclose(predicted, outputs[:, 0], rtol=1e-3, atol=1e-4)


def test_selection_does_not_change_the_search():
    last, best, winning = (
        classifier(select=select).fit(X, y) for select in ("last", "best", "winning")
    )
    assert last.tickets_ == best.tickets_ == winning.tickets_
