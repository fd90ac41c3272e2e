"""`fit_controls`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from small import UNIT_NAMES, X, X_regression, classifier, regressor, squares, y, y_regression

from skticket import Prune, Ticket
from skticket.model_selection import fit_controls
from skticket.persistence import load_model, save_model
from skticket.pruning import Magnitude, Random, UnitProduct, opposite_masks

CONTROLS = ["reinit", "rearrange", "random_signs", "shuffle", "inverted"]
OF_ITS_MASKS = {"reinit", "random_signs"}


@pytest.fixture(scope="module")
def fitted():
    return classifier(rounds=3, select="best").fit(X, y)


@pytest.mark.parametrize("control", CONTROLS)
def test_controls_are_trained_as_the_selected_round_was(fitted, control):
    for other in fit_controls(fitted, X, y, control=control, n_controls=3):
        assert other.ticket_.layer_densities == fitted.ticket_.layer_densities
        masks = fitted.ticket_.mask.items()
        same = all((other.ticket_.mask[name] == mask).all() for name, mask in masks)
        assert same == (control in OF_ITS_MASKS)
        assert other.n_iter_ == fitted.n_iter_
        assert other.selected_round_ == fitted.selected_round_
        assert list(other.round_results_["round"]) == [0, fitted.selected_round_]
        for name in ("density", "early_loss", "converged_score", "valid_loss"):
            # The full network is the ticket's: what controls are judged by.
            assert other.round_results_[name][0] == fitted.round_results_[name][0]
        assert other.is_winning_ == other.round_results_["is_winning"][1]
        np.testing.assert_array_equal(other.predict(X), list(other.staged_predict(X))[-1])


def test_rearranged_connections_keep_their_initial_weights(fitted):
    (other,) = fit_controls(fitted, X, y, control="rearrange", n_controls=1)
    for name, mask in fitted.ticket_.mask.items():
        kept = np.sort(fitted.ticket_.initial[name][mask])
        moved = np.sort(other.ticket_.initial[name][other.ticket_.mask[name]])
        np.testing.assert_array_equal(kept, moved)


@pytest.mark.parametrize("strategy", ["magnitude", Magnitude(scope="global"), "snip"])
def test_shuffled_masks_lie_over_the_first_rounds_weights(strategy):
    clf = classifier(strategy=strategy).fit(X, y)
    first, second = fit_controls(clf, X, y, control="shuffle", n_controls=2)
    initial = clf.tickets_[0].initial
    for name, mask in clf.ticket_.mask.items():
        ours = first.ticket_.mask[name]
        assert ours.sum() == mask.sum()
        np.testing.assert_array_equal(first.ticket_.initial[name], np.where(ours, initial[name], 0))
    masks = [ticket.mask for ticket in (clf.ticket_, first.ticket_, second.ticket_)]
    name = next(iter(initial))
    assert not any(np.array_equal(masks[i][name], masks[j][name]) for i, j in ((0, 1), (1, 2)))


def test_shuffled_masks_may_be_anywhere():
    clf = classifier(rounds=1, prune_rate=0.5, hidden_layer_sizes=(3,), max_epochs=1).fit(X, y)
    others = fit_controls(clf, X, y, control="shuffle", n_controls=200)
    counts = sum(other.ticket_.mask["layers.0.weight"].astype(int) for other in others)
    # Binomial(200, 1/2): five standard deviations are 35.4.
    assert np.all(np.abs(counts - 100) < 36)


def test_shuffled_masks_stay_within_a_ticket_that_was_given(fitted):
    again = classifier(ticket=fitted.tickets_[1]).fit(X, y)
    (other,) = fit_controls(again, X, y, control="shuffle", n_controls=1)
    for name, mask in fitted.tickets_[1].mask.items():
        assert not np.any(other.ticket_.mask[name] & ~mask)


@pytest.mark.parametrize("schedule", ["iterative", "one-shot"])
def test_inverted_keeps_the_lowest_scores(schedule):
    """Against a sort of what round 0 has learned; every control keeps the same."""
    clf = classifier(schedule=schedule, prune_rate=0.4).fit(X, y)
    others = fit_controls(clf, X, y, control="inverted", n_controls=2)
    full = clf.tickets_[0]
    for name, mask in clf.ticket_.mask.items():
        lowest = np.argsort(np.abs(full.weights[name]), axis=None, kind="stable")[: mask.sum()]
        for other in others:
            np.testing.assert_array_equal(np.flatnonzero(other.ticket_.mask[name]), np.sort(lowest))
            kept = np.where(other.ticket_.mask[name], full.initial[name], 0)
            np.testing.assert_array_equal(other.ticket_.initial[name], kept)
    assert others[0].ticket_ != others[1].ticket_  # by the order of batches


@pytest.mark.parametrize("strategy", ["snip", "grasp", "synflow", "movement", squares])
def test_scores_of_any_kind_are_inverted(strategy):
    clf = classifier(strategy=strategy, schedule="one-shot", prune_rate=0.6).fit(X, y)
    (other,) = fit_controls(clf, X, y, control="inverted", n_controls=1)
    assert other.ticket_.layer_densities == clf.ticket_.layer_densities
    # What few weights are kept of the first layer are not those that had the highest scores.
    name = next(iter(clf.ticket_.mask))
    assert clf.ticket_.layer_densities[name] < 0.5
    assert not np.any(clf.ticket_.mask[name] & other.ticket_.mask[name])


@given(
    sizes=st.lists(st.integers(1, 8), min_size=2, max_size=4),
    rate=st.floats(0, 0.99),
    seed=st.integers(0, 2**31),
    levels=st.sampled_from([None, [1.0], [0.0, 1.0, -1.0]]),
    scope=st.sampled_from(["layer", "global"]),
)
def test_opposite_masks(sizes, rate, seed, levels, scope, random_ticket):
    ticket = random_ticket(tuple(sizes), density=0.8, seed=seed, levels=levels)
    kept = Prune(rate, Magnitude(scope=scope)).transform(ticket)
    for name, mask in opposite_masks(ticket, kept, "magnitude").items():
        alive, score = ticket.mask[name], np.abs(ticket.weights[name])
        assert mask.sum() == kept.mask[name].sum()
        assert not np.any(mask & ~alive)
        if (alive & ~mask).any():
            assert score[mask].max() <= score[alive & ~mask].min()


@settings(max_examples=30)
@given(
    rate=st.floats(0, 0.99),
    seed=st.integers(0, 2**31),
)
def test_opposite_units(rate, seed, random_ticket):
    ticket = random_ticket((4, 7, 6, 3), density=1, seed=seed)
    kept = Prune(rate, UnitProduct()).transform(ticket)
    other = Ticket(ticket.initial, opposite_masks(ticket, kept, UnitProduct()), ticket.weights)
    counts = [{n: u.sum() for n, u in t.living_units.items()} for t in (kept, other)]
    assert counts[0] == counts[1]


def test_unsigned_scores_are_inverted():
    full = Ticket.full({"w": np.arange(4.0).reshape(1, 4)}, ["w"])
    kept = Prune(0.5).transform(full)
    scores = {"w": np.array([[3, 0, 1, 2]], np.uint8)}
    expected = [[False, True, True, False]]
    np.testing.assert_array_equal(opposite_masks(full, kept, lambda _: scores)["w"], expected)


class Unscored:
    def masks(self, ticket, rate, **options):
        return ticket.mask


@pytest.mark.parametrize("strategy", ["random", Random(output_rate=1), Unscored()])
def test_strategies_without_scores_cannot_be_inverted(strategy):
    full = Ticket.full({"w": np.ones((1, 4))}, ["w"])
    message = (
        "^the strategy .* gives no scores that could be inverted; "
        "control='inverted' needs one that does, such as 'magnitude' or 'snip'$"
    )
    with pytest.raises(ValueError, match=message):
        opposite_masks(full, full, strategy)


def test_random_tickets_have_no_inverted_controls():
    clf = classifier(strategy="random").fit(X, y)
    with pytest.raises(ValueError, match="'random' gives no scores that could be inverted"):
        fit_controls(clf, X, y, control="inverted", n_controls=1)


@pytest.mark.parametrize("control", ["reinit", "rearrange", "shuffle", "inverted"])
def test_a_model_from_a_file_no_longer_holds_the_first_round(control, fitted, tmp_path):
    pytest.importorskip("skops")
    save_model(fitted, tmp_path / "model.skops")
    loaded = load_model(tmp_path / "model.skops")
    with pytest.raises(ValueError, match="by the first round, which the estimator no longer"):
        fit_controls(loaded, X, y, control=control, n_controls=1)


def test_each_control_is_another_and_a_seed_gives_the_same(fitted):
    first = fit_controls(fitted, X, y, n_controls=3)
    again = fit_controls(fitted, X, y, n_controls=2, n_jobs=2)
    others = fit_controls(fitted, X, y, n_controls=2, random_state=1)
    tickets = [control.ticket_ for control in first + others]
    assert all(one != two for i, one in enumerate(tickets) for two in tickets[:i])
    assert [control.ticket_ for control in again] == tickets[:2]


def test_the_estimator_stays_as_it_is(fitted):
    before = {name: value for name, value in vars(fitted).items()}
    fit_controls(fitted, X, y, n_controls=1)
    assert vars(fitted).keys() == before.keys()
    assert all(vars(fitted)[name] is value for name, value in before.items())


def test_weights_of_rows_count(fitted):
    weight = np.linspace(0.1, 3, len(y))
    fitted = classifier().fit(X, y, weight)
    (weighted,) = fit_controls(fitted, X, y, n_controls=1, sample_weight=weight)
    (plain,) = fit_controls(fitted, X, y, n_controls=1)
    assert weighted.ticket_ != plain.ticket_


def test_a_regressor_and_a_ticket_by_hand():
    reg = regressor().fit(X_regression, y_regression)
    (other,) = fit_controls(reg, X_regression, y_regression, n_controls=1)
    assert np.isfinite(other.score(X_regression, y_regression))
    clf = classifier(strategy=UNIT_NAMES[0])
    clf.partial_fit(X, y).prune().rewind().partial_fit(X, y)
    (other,) = fit_controls(clf, X, y, n_controls=1)
    assert list(other.round_results_["round"]) == [0, 1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"control": "random"}, "control"),
        ({"n_controls": 0}, "n_controls"),
        ({"n_controls": True}, "n_controls"),
        ({"n_jobs": 2**40}, "n_jobs"),
    ],
)
def test_bad_options(fitted, options, words):
    with pytest.raises(ValueError, match=words):
        fit_controls(fitted, X, y, **options)


def test_needs_a_fitted_ticket_estimator():
    with pytest.raises(NotFittedError):
        fit_controls(classifier(), X, y)
    with pytest.raises(ValueError, match="estimator"):
        fit_controls(object(), X, y)
