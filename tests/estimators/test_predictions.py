"""The default network: its shape, its initial weights, what it predicts."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import r2_score
from small import (
    X,
    X_regression,
    assert_labels,
    classifier,
    forward,
    regressor,
    y,
    y_regression,
)

from skticket.initialization import Normal


@pytest.mark.parametrize(
    "target, n_outputs", [(y, 3), (y == 0, 1), (np.where(y == 2, "b", "a"), 1)]
)
def test_architecture_of_the_classifier(target, n_outputs):
    clf = classifier().fit(X, target)
    shapes = {name: array.shape for name, array in clf.ticket_.initial.items()}
    assert shapes == {
        "layers.0.weight": (10, 6),
        "layers.0.bias": (10,),
        "layers.1.weight": (8, 10),
        "layers.1.bias": (8,),
        "layers.2.weight": (n_outputs, 8),
        "layers.2.bias": (n_outputs,),
    }
    assert list(clf.ticket_.mask) == [name for name in shapes if name.endswith("weight")]
    for name, array in clf.ticket_.initial.items():
        assert array.dtype == np.float32
        if name.endswith("bias"):
            assert not array.any()


@pytest.mark.parametrize("hidden_layer_sizes", [(), (7,), 7, [5, 4, 3]])
def test_predictions_are_the_tickets(hidden_layer_sizes):
    clf = classifier(hidden_layer_sizes=hidden_layer_sizes).fit(X, y)
    outputs = forward(clf.ticket_, X)
    expected = softmax(outputs, axis=1)
    np.testing.assert_allclose(clf.predict_proba(X), expected, rtol=1e-4, atol=1e-6)
    assert_labels(clf.predict(X), outputs)

    clf = classifier(hidden_layer_sizes=hidden_layer_sizes).fit(X, y == 1)
    outputs = forward(clf.ticket_, X)
    expected = expit(outputs[:, 0])
    probabilities = clf.predict_proba(X)
    np.testing.assert_allclose(probabilities[:, 1], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert_labels(clf.predict(X), np.hstack([-outputs, outputs]))

    reg = regressor(hidden_layer_sizes=hidden_layer_sizes).fit(X_regression, y_regression)
    expected = forward(reg.ticket_, X_regression)[:, 0] * reg.y_scale_ + reg.y_mean_
    np.testing.assert_allclose(reg.predict(X_regression), expected, rtol=1e-4, atol=1e-5)


def test_targets_of_a_regression_may_be_several():
    targets = np.column_stack([y_regression, -2 * y_regression])
    reg = regressor(max_epochs=30, rounds=1, learning_rate=0.05, evaluate_every=25)
    reg.fit(X_regression, targets)
    predicted = reg.predict(X_regression)
    assert predicted.shape == (150, 2)
    expected = forward(reg.ticket_, X_regression) * reg.y_scale_ + reg.y_mean_
    np.testing.assert_allclose(predicted, expected, rtol=1e-3, atol=1e-4)
    assert r2_score(targets, predicted) > 0.9


@pytest.mark.parametrize(
    "init", ["he_uniform", "truncated_normal", Normal(std=3), lambda shape, state: np.ones(shape)]
)
def test_initial_weights_come_from_init(init):
    ticket = classifier(hidden_layer_sizes=(100, 50), init=init, rounds=0).fit(X, y).ticket_
    first = ticket.initial["layers.0.weight"]
    if init == "he_uniform":
        assert 0.95 < np.abs(first).max() <= 1
    elif init == "truncated_normal":
        assert 0.15 < np.abs(first).max() <= 0.2
    elif isinstance(init, Normal):
        assert 2.7 < first.std() < 3.3
    else:
        assert np.all(first == 1)
