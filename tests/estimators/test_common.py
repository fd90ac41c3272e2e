"""scikit-learn's own checks of estimators."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skticket import WinningTicketClassifier, WinningTicketRegressor
from skticket.pruning import Evolving

SMALL = {
    "hidden_layer_sizes": (20,),
    "rounds": 1,
    "max_epochs": 12,
    "batch_size": 20,
    "learning_rate": 0.03,
    "evaluate_every": 25,
}


def expected_failures(estimator):
    # scikit-learn expects the same of its own estimators that train on random parts of the
    # rows (SGDClassifier, the bagging and boosting ones). Where the parts are whole, the
    # equivalence holds as far as float32 goes: see test_estimators.py.
    reason = (
        "sample_weight is not equivalent to removing/repeating samples: which rows are held "
        "out, and which make a batch, is drawn row by row"
    )
    forms = "dense", "sparse"
    return {f"check_sample_weight_equivalence_on_{form}_data": reason for form in forms}


@parametrize_with_checks(
    [
        WinningTicketClassifier(**SMALL),
        WinningTicketRegressor(**SMALL),
        WinningTicketClassifier(**SMALL, schedule="evolving"),
        WinningTicketRegressor(**SMALL, schedule=Evolving(every=5, how="gradient")),
    ],
    expected_failed_checks=expected_failures,
)
def test_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize("cls", [WinningTicketClassifier, WinningTicketRegressor])
def test_no_check_is_switched_off(cls):
    tags = cls().__sklearn_tags__()
    assert not tags.no_validation
    assert not tags._skip_test
    assert not tags.non_deterministic
    assert tags.requires_fit
    assert tags.input_tags.sparse
    assert tags.target_tags.required
    assert not (tags.classifier_tags or tags.regressor_tags).poor_score
