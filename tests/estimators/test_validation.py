"""What data and parameters are taken, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from small import X, classifier, regressor, y, y_regression
from torch import nn

from skticket.initialization import Normal
from skticket.pruning import (
    Magnitude,
    Random,
    UnitInput,
)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["setosa", "versicolor", "virginica"]),
        np.array(["setosa", "versicolor", "virginica"], object),
        np.array([-1, 5, 100]),
        np.array([0.0, 1.0, 2.0]),
    ],
)
def test_labels(labels):
    clf = classifier(max_epochs=25).fit(X, labels[y])
    np.testing.assert_array_equal(clf.classes_, labels)
    assert set(clf.predict(X)) <= set(labels)
    assert clf.score(X, labels[y]) > 0.8
    assert clf.ticket_ == classifier(max_epochs=25).fit(X, y).ticket_


@pytest.mark.parametrize("labels", [np.array(["no", "yes"]), np.array([-1, 1]), [False, True]])
def test_two_labels(labels):
    target = np.asarray(labels)[(y == 1).astype(int)]
    clf = classifier(max_epochs=25).fit(X, target)
    np.testing.assert_array_equal(clf.classes_, labels)
    assert clf.score(X, target) > 0.8
    # Probabilities come in the order of the classes.
    high = clf.predict_proba(X)[:, 1] > 0.5
    np.testing.assert_array_equal(clf.predict(X), np.asarray(labels)[high.astype(int)])


def test_data_frames():
    frame = pd.DataFrame(X, columns=list("abcdef"))
    labels = pd.Series(np.array(["x", "y", "z"])[y], index=np.arange(150)[::-1])
    clf = classifier().fit(frame, labels)
    assert clf.ticket_ == classifier().fit(X, y).ticket_
    np.testing.assert_array_equal(
        clf.predict(frame), np.array(["x", "y", "z"])[clf.predict_proba(frame).argmax(1)]
    )
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame[list("fedcba")])
    with pytest.warns(UserWarning, match="feature names"):
        clf.predict(X)
    reg = regressor().fit(frame, pd.Series(y_regression))
    assert reg.predict(frame).shape == (150,)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool"])
def test_dtypes(dtype):
    values = np.abs(10 * X).astype(dtype)
    before = values.copy()
    clf = classifier().fit(values, y)
    np.testing.assert_array_equal(values, before)
    assert clf.predict(values).shape == (150,)
    as_float = classifier().fit(values.astype("float32"), y)
    assert clf.ticket_ == as_float.ticket_
    np.testing.assert_array_equal(clf.predict_proba(values), as_float.predict_proba(values))


@pytest.mark.parametrize("order", ["C", "F", "strided", "read-only"])
def test_memory_layouts(order):
    values = {"C": X.copy(), "F": np.asfortranarray(X), "strided": np.repeat(X, 2, axis=0)[::2]}
    if order == "read-only":
        values[order] = X.astype("float32")
        values[order].flags.writeable = False
    target = y.copy()
    target.flags.writeable = order != "read-only"
    clf = classifier().fit(values[order], target)
    assert clf.ticket_ == classifier().fit(X, y).ticket_


def test_lists():
    assert classifier().fit(X.tolist(), y.tolist()).ticket_ == classifier().fit(X, y).ticket_


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize("value, message", [(np.nan, "NaN"), (np.inf, "infinity")])
def test_values_that_are_not_finite(make, value, message):
    spoiled = X.copy()
    spoiled[3, 2] = value
    estimator = make()
    with pytest.raises(ValueError, match=message):
        estimator.fit(spoiled, y)
    estimator.fit(X, y)
    with pytest.raises(ValueError, match=message):
        estimator.predict(spoiled)


def test_targets_that_are_not_finite():
    target = y_regression.copy()
    target[0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        regressor().fit(X, target)
    with pytest.raises(ValueError, match="NaN"):
        classifier().fit(X, np.where(y == 0, np.nan, y))


def test_one_class():
    with pytest.raises(ValueError, match="class"):
        classifier().fit(X, np.ones(150))


def test_numbers_are_no_classes():
    with pytest.raises(ValueError, match="Unknown label type"):
        classifier().fit(X, y_regression)


@pytest.mark.parametrize("make", [classifier, regressor])
def test_other_shapes(make):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        make().fit(X, y[:-1])
    with pytest.raises(ValueError, match="Expected 2D array"):
        make().fit(X[:, 0], y)
    estimator = make().fit(X, y)
    with pytest.raises(ValueError, match="X has 5 features"):
        estimator.predict(X[:, :5])
    with pytest.raises(ValueError, match="X has 5 features"):
        estimator.partial_fit(X[:, :5], y)


@pytest.mark.parametrize("make", [classifier, regressor])
def test_weight_of_a_row_is_the_number_of_its_copies(make):
    # Exact but for rounding where all rows make one batch, and none are held out.
    weight = np.random.default_rng(0).integers(0, 4, len(X))
    whole = {"batch_size": 1000, "validation_fraction": 0, "max_epochs": 10}
    weighted = make(**whole).fit(X, y, sample_weight=weight)
    repeated = make(**whole).fit(X.repeat(weight, axis=0), y.repeat(weight))
    unweighted = make(**whole).fit(X, y)
    for name, array in repeated.ticket_.weights.items():
        np.testing.assert_allclose(weighted.ticket_.weights[name], array, rtol=1e-3, atol=1e-4)
        assert np.abs(unweighted.ticket_.weights[name] - array).max() > 1e-3
    # A row whose label rounding decides may be several of the repeated ones.
    tolerances = {"valid_loss": 1e-5, "converged_loss": 1e-5, "valid_score": 1e-4}
    if make is classifier:
        tolerances["valid_score"] = 3 / weight.sum()
    for column, tolerance in tolerances.items():
        np.testing.assert_allclose(
            weighted.round_results_[column],
            repeated.round_results_[column],
            rtol=1e-3,
            atol=tolerance,
        )


# Errors


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize(
    "name, value",
    [
        ("hidden_layer_sizes", (0,)),
        ("hidden_layer_sizes", (5, -1)),
        ("hidden_layer_sizes", (2.5,)),
        ("hidden_layer_sizes", "many"),
        ("hidden_layer_sizes", None),
        ("prune_rate", 1.0),
        ("prune_rate", -0.2),
        ("prune_rate", "half"),
        ("rounds", -1),
        ("rounds", 1.5),
        ("rounds", None),
        ("strategy", "magnitud"),
        ("strategy", None),
        ("schedule", "oneshot"),
        ("rewind_to", "start"),
        ("rewind_to", 0),
        ("rewind_to", -3),
        ("rewind_to", 1.5),
        ("rewind_to", None),
        ("select", "first"),
        ("optimizer", "rmsprop"),
        ("optimizer", None),
        ("learning_rate", 0.0),
        ("learning_rate", -1.0),
        ("learning_rate", "fast"),
        ("batch_size", 0),
        ("batch_size", 2.5),
        ("max_epochs", 0),
        ("init", "xavier"),
        ("init", None),
        ("validation_fraction", 1.0),
        ("validation_fraction", -0.1),
        ("evaluate_every", 0),
        ("evaluate_every", 2.5),
        ("net", "mlp"),
        ("net", nn.Linear(6, 3)),
        ("layout", "round"),
        ("device", "abacus"),
        ("device", None),
        ("random_state", "seed"),
        ("verbose", "loud"),
    ],
)
def test_wrong_parameter_is_named(make, name, value):
    estimator = make(**{name: value})
    with pytest.raises(ValueError, match=name):
        estimator.fit(X, y)
    assert not getattr(estimator, "tickets_", [])


@pytest.mark.parametrize(
    "parameters, name",
    [
        ({"strategy": Magnitude(scope="local")}, "scope"),
        ({"strategy": Random(output_rate=2)}, "output_rate"),
        ({"strategy": UnitInput(scope="local")}, "scope"),
        ({"init": Normal(std=-1)}, "std"),
    ],
)
def test_wrong_parameter_of_a_part_is_named(parameters, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        classifier(**parameters).fit(X, y)


def test_parameters_are_checked_by_hand_too():
    with pytest.raises(ValueError, match="'rounds' parameter"):
        classifier(rounds=-1).partial_fit(X, y)


def test_wrong_shape_from_init():
    with pytest.raises(ValueError, match="layers.0.weight|init"):
        classifier(init=lambda shape, random_state: np.ones(3)).fit(X, y)
