"""Results of the rounds, and the round that predicts."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats
from scipy.special import log_softmax
from small import X, assert_labels, classifier, forward, regressor, y

from skticket.estimators import held_out
from skticket.search import may_win, select_round, tabulate


def clear(differences):
    """Whether a mean difference is above 0 by more than chance explains, one time in twenty."""
    error = np.std(differences, ddof=1) / np.sqrt(len(differences))
    return np.mean(differences) > stats.t.ppf(0.95, len(differences) - 1) * error


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
        assert results["n_steps"][number] == iterations[number][-1]
    assert clf.is_winning_ == results["is_winning"][clf.selected_round_]


@pytest.mark.parametrize("seed", range(6))
def test_who_wins_by_rows_of_the_held_out(seed):
    # One evaluation a training: what is compared is what the trained networks say of each row.
    # Of 210 rows, 105 are held out, of which some are a part of two.
    rows, labels = np.vstack([X, X[:60]]), np.concatenate([y, y[:60]])
    options = {"rounds": 4, "validation_fraction": 0.5, "random_state": seed}
    clf = classifier(evaluate_every=10**6, max_epochs=20, **options).fit(rows, labels)
    held, true = held_out(clf, rows, labels)
    outputs = [forward(ticket, held) for ticket in clf.tickets_]
    losses = [-log_softmax(o, axis=1)[np.arange(len(held)), true] for o in outputs]
    rights = [o.argmax(axis=1) == true for o in outputs]
    results = clf.round_results_
    for number in range(1, 5):
        gains, score_gains = losses[0] - losses[number], 1.0 * rights[number] - rights[0]
        error = np.std(gains, ddof=1) / np.sqrt(len(held))
        # Five of the hundred parts are of two rows each.
        assert results["early_loss_error"][number] == pytest.approx(error, rel=0.1)
        np.testing.assert_allclose(
            results["converged_score_error"][number],
            np.std(score_gains, ddof=1) / np.sqrt(len(held)),
            rtol=0.1,
        )
        wins = clear(gains) and not clear(-score_gains - 1e-9)
        assert results["is_winning"][number] == wins


def trained(density, losses, scores, iterations=(10, 20, 30), spread=(0, 0)):
    """What a training gives; `spread` moves what single parts add to loss and score."""
    losses, zigzag = np.array(losses, float), np.tile([1, -1], 50)
    convergence = int(np.nanargmin(losses))
    return SimpleNamespace(
        ticket=SimpleNamespace(density=density, n_weights=round(1000 * density)),
        iterations=np.array(iterations),
        valid_loss=losses,
        valid_score=np.array(scores, float),
        convergence=convergence,
        kept=-1,
        fit_time=1.0,
        loss_parts=losses[:, None] + spread[0] * zigzag,
        score_parts=scores[convergence] + spread[1] * zigzag,
        part_shares=np.full(100, 0.01),
    )


def test_results_on_paper():
    results = tabulate(
        range(6),
        [
            trained(1.0, [3, 1, 2], [0.7, 0.9, 0.7]),  # converges at 20, with 0.9
            trained(0.8, [2, 1.9, 1], [0.8993, 0.89, 0.8993]),  # within the tolerance; faster
            trained(0.6, [2, 1.9, 1], [0.8, 0.8993, 0.8985]),  # not at its own convergence
            trained(0.4, [1, 2, 9], [0.9, 0.95, 0.7]),  # what comes later does not count
            trained(0.2, [3, 2, 0], [0.95, 0.95, 0.95]),  # better, but slower
            trained(0.1, [2, 2, 1], [0.95, 0.95, 0.95]),  # as fast alone
        ],
    )
    np.testing.assert_array_equal(results["iterations_to_converge"], [20, 30, 30, 10, 30, 30])
    np.testing.assert_array_equal(results["iterations_to_match"], [20, 10, 20, 10, 10, 10])
    np.testing.assert_array_equal(results["early_loss"], [2, 1.95, 1.95, 1.5, 2.5, 2])
    np.testing.assert_array_equal(results["n_steps"], 30)
    np.testing.assert_array_equal(results["valid_score"], [0.7, 0.8993, 0.8985, 0.7, 0.95, 0.95])
    wanted = [0.9, 0.8993, 0.8985, 0.9, 0.95, 0.95]
    np.testing.assert_array_equal(results["converged_score"], wanted)
    np.testing.assert_array_equal(results["converged_loss"], [1, 1, 1, 1, 0, 1])
    np.testing.assert_array_equal(results["is_winning"], [False, True, False, True, False, False])
    assert select_round(results, "last") == 5
    assert select_round(results, "winning") == 3
    assert select_round(results, "best") == 5


# The standard error of the mean of a hundred parts that lie one above and one below it, by 1;
# 1.66 of them are exceeded by chance one time in twenty.
_ERROR = 0.1 / np.sqrt(0.99)
_CLEAR = 1.66 * _ERROR


@pytest.mark.parametrize("gain, wins", [(0.98, False), (1.02, True)])
def test_faster_by_more_than_chance_explains(gain, wins):
    full = trained(1.0, [3, 1, 2], [0.7, 0.9, 0.7])
    early = 2 - gain * _CLEAR
    ticket = trained(0.5, [early, early, 0], [1, 1, 1], spread=(1, 0))
    results = tabulate(range(2), [full, ticket])
    assert list(results["is_winning"]) == [False, wins]
    np.testing.assert_allclose(results["early_loss_error"], [0, _ERROR])
    assert may_win(ticket, full) == wins


@pytest.mark.parametrize("loss, wins", [(1.02, False), (0.98, True)])
def test_no_less_accurate_by_more_than_chance_explains(loss, wins):
    full = trained(1.0, [3, 1, 2], [0.7, 0.9, 0.7])
    score = 0.9 - loss * _CLEAR / 4
    ticket = trained(0.5, [1, 1, 0], [0, 0, score], spread=(0, 0.25))
    results = tabulate(range(2), [full, ticket])
    assert list(results["is_winning"]) == [False, wins]
    np.testing.assert_allclose(results["converged_score_error"], [0, _ERROR / 4])


def test_of_other_rows_the_variances_add_up():
    # As when a network is trained by hand, on other data each time.
    full, ticket = (
        trained(density, [early, early, 1], [0.9, 0.9, 0.9], spread=(1, 0.25))
        for density, early in ((1.0, 2), (0.5, 1))
    )
    for name in ("loss_parts", "score_parts", "part_shares"):
        setattr(ticket, name, getattr(ticket, name)[..., :50])
    ticket.part_shares = ticket.part_shares * 2
    results = tabulate(range(2), [full, ticket])
    error = np.hypot(_ERROR, 1 / np.sqrt(49))
    np.testing.assert_allclose(results["early_loss_error"], [0, error], rtol=1e-6)
    np.testing.assert_allclose(results["converged_score_error"], [0, error / 4])
    assert results["is_winning"][1]


@pytest.mark.parametrize("shares", [[1], [1, 0], [1 - 1e-6, 1e-6]])
def test_a_single_held_out_row_tells_nothing(shares):
    # Neither does one beside which others have no weight, or hardly any.
    full, ticket = trained(1.0, [3, 2, 1], [1, 1, 1]), trained(0.5, [1, 1, 1], [1, 1, 1])
    for network in (full, ticket):
        network.loss_parts = network.valid_loss[:, None] + np.arange(len(shares))
        network.score_parts, network.part_shares = np.ones(len(shares)), np.array(shares)
    results = tabulate(range(2), [full, ticket])
    assert not results["is_winning"].any()
    assert np.isinf(results["early_loss_error"][1])


@pytest.mark.parametrize(
    "weigh", [np.ones, lambda n: np.arange(n) < 8, lambda n: 0.9 ** np.arange(n)]
)
def test_chance_alone_makes_one_of_twenty_learn_faster(weigh):
    random_state = np.random.RandomState(0)
    full = trained(1.0, [1], [1], iterations=(10,))
    full.part_shares = weigh(100) / np.sum(weigh(100))
    full.loss_parts = np.zeros((1, 100))
    n_winning = 0
    for gains in random_state.normal(size=(2000, 100)):
        loss = 1 - full.part_shares @ gains
        ticket = trained(0.5, [loss], [1], iterations=(10,))
        ticket.part_shares, ticket.loss_parts = full.part_shares, -gains[None]
        n_winning += tabulate(range(2), [full, ticket])["is_winning"][1]
    # Three standard deviations of such a count are 29.
    assert abs(n_winning - 100) < 30


def test_where_no_loss_is_known_row_by_row_the_means_decide():
    networks = [
        trained(density, [early, early, 1], [0.9, 0.9, 0.9])
        for density, early in ((1.0, 2), (0.5, 2), (0.4, 1.9), (0.3, 2.1))
    ]
    for network in networks:
        network.loss_parts = np.full((3, 100), np.nan)
    results = tabulate(range(4), networks)
    assert list(results["is_winning"]) == [False, True, True, False]
    assert np.isnan(results["early_loss_error"]).all()


def test_early_losses_are_of_the_evaluations_that_both_have():
    full = trained(1.0, [4, 3, 2], [0.7, 0.8, 0.9])
    short = trained(0.5, [3.75, 3], [0.8, 0.9], iterations=(10, 20))
    results = tabulate(
        range(4),
        [
            full,
            short,
            trained(0.4, [3.5, 0, 3.5], [0.8, 0.8, 0.9], iterations=(10, 15, 20)),
            trained(0.3, [0, 0], [0.9, 0.9], iterations=(15, 25)),
        ],
    )
    np.testing.assert_array_equal(results["early_loss"], [3, 3.375, 3.5, np.nan])
    np.testing.assert_array_equal(results["is_winning"], [False, True, False, False])
    # What it has not been trained for may still decide it.
    assert may_win(short, full)


def test_early_loss_that_is_not_finite_does_not_win():
    results = tabulate(
        range(2),
        [trained(1.0, [3, 2], [0.5, 0.6], (1, 2)), trained(0.5, [np.nan, 1], [1, 1], (1, 2))],
    )
    assert not results["is_winning"].any()


def test_no_winning_ticket_on_paper():
    results = tabulate(
        range(2), [trained(1.0, [3, 2, 1], [1, 1, 1]), trained(0.5, [2, 2, 1], [0, 0, 0])]
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
