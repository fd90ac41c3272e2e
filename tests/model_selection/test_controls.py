"""`fit_controls`."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from small import UNIT_NAMES, X, X_regression, classifier, regressor, y, y_regression

from skticket.model_selection import fit_controls


@pytest.fixture(scope="module")
def fitted():
    return classifier(rounds=3, select="best").fit(X, y)


@pytest.mark.parametrize("control", ["reinit", "rearrange"])
def test_controls_are_trained_as_the_selected_round_was(fitted, control):
    for other in fit_controls(fitted, X, y, control=control, n_controls=3):
        assert other.ticket_.layer_densities == fitted.ticket_.layer_densities
        masks = fitted.ticket_.mask.items()
        same = all((other.ticket_.mask[name] == mask).all() for name, mask in masks)
        assert same == (control == "reinit")
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
