"""The L2 penalty."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch import NeuralNetClassifier
from small import SMALL, X, X_regression, classifier, regressor, y, y_regression
from torch import nn

LAYOUTS = pytest.mark.parametrize("layout", ["dense", "sparse"])


def size_of(estimator):
    """Sum of all squared weights."""
    return sum(np.square(array).sum() for array in estimator.ticket_.weights.values())


@LAYOUTS
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_more_of_it_leaves_smaller_weights(layout, optimizer):
    options = {"layout": layout, "optimizer": optimizer, "max_epochs": 30}
    sizes = [size_of(classifier(alpha=alpha, **options).fit(X, y)) for alpha in (0, 3, 30)]
    assert sizes[0] > sizes[1] > sizes[2]
    # What was pruned stays pruned.
    ticket = classifier(alpha=30, **options).fit(X, y).ticket_
    assert all(not ticket.weights[name][~mask].any() for name, mask in ticket.mask.items())


@LAYOUTS
def test_it_is_the_gradients_share_of_the_penalty(layout):
    # One step of plain descent: the weights' part of the gradient is alpha / rows times them.
    options = {
        "layout": layout,
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "batch_size": len(X),
        "max_epochs": 1,
        "validation_fraction": 0,
        "rounds": 0,
    }
    without = classifier(alpha=0, **options).fit(X, y).ticket_
    with_it = classifier(alpha=30, **options).fit(X, y).ticket_
    for name, start in without.initial.items():
        expected = without.weights[name] - 0.1 * 30 / len(X) * start
        np.testing.assert_allclose(with_it.weights[name], expected, rtol=1e-5, atol=1e-6)


def test_it_counts_rows_as_the_losses_do():
    # Each row twice is each loss twice; so is twice the penalty.
    options = {"validation_fraction": 0, "rounds": 0, "optimizer": "sgd", "max_epochs": 20}
    once = regressor(alpha=5, batch_size=len(X), **options).fit(X_regression, y_regression)
    twice = regressor(alpha=10, batch_size=2 * len(X), **options).fit(
        np.tile(X_regression, (2, 1)), np.tile(y_regression, 2)
    )
    for name, weights in once.ticket_.weights.items():
        np.testing.assert_allclose(twice.ticket_.weights[name], weights, rtol=1e-4, atol=1e-5)


class Module(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": torch.optim.SGD},
        {"net": NeuralNetClassifier(Module, criterion=nn.CrossEntropyLoss, max_epochs=2)},
    ],
    ids=["optimizer", "net"],
)
def test_what_has_its_own_penalty_has_none_of_it(options):
    tickets = [classifier(alpha=alpha, **options).fit(X, y).ticket_ for alpha in (0, 30)]
    assert tickets[0] == tickets[1]


def test_another_one_is_another_search(tmp_path):
    options = SMALL | {"memory": str(tmp_path), "warm_start": True}
    clf = classifier(**options).fit(X, y)
    first = clf.ticket_
    clf.set_params(alpha=30).fit(X, y)
    assert clf.ticket_ == classifier(alpha=30).fit(X, y).ticket_ != first
    assert clone(clf).set_params(alpha=0).fit(X, y).ticket_ == first


def test_training_by_hand_has_it():
    plain, penalized = (classifier(alpha=alpha).partial_fit(X, y) for alpha in (0, 30))
    assert size_of(penalized) < size_of(plain)


@pytest.mark.parametrize("alpha", [-1, np.nan, "much", None])
def test_what_it_cannot_be(alpha):
    with pytest.raises(ValueError, match="'alpha' parameter"):
        classifier(alpha=alpha).fit(X, y)
