"""Loss and error on the line between two tickets."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from sklearn.metrics import log_loss
from small import X, X_regression, classifier, regressor, with_net, y, y_regression

from skticket import Ticket
from skticket.inspection import InterpolationDisplay, error_barrier, line_between


def linear(weights, bias, mask=None):
    """A ticket of a default network without hidden units, trained to some values."""
    weights = np.atleast_2d(np.asarray(weights, float))
    mask = np.ones(weights.shape, bool) if mask is None else np.atleast_2d(np.asarray(mask, bool))
    arrays = {"layers.0.weight": weights, "layers.0.bias": np.atleast_1d(float(bias))}
    return Ticket(arrays, {"layers.0.weight": mask})


def hidden(first, second, masks=(True, True)):
    """Two hidden units that add up: relu of x times either number."""
    arrays = {
        "layers.0.weight": np.array([[first], [second]], float),
        "layers.0.bias": np.zeros(2),
        "layers.1.weight": np.array([[first, second]], float),
        "layers.1.bias": np.zeros(1),
    }
    mask = {
        "layers.0.weight": np.array([[masks[0]], [masks[1]]]),
        "layers.1.weight": np.array([masks]),
    }
    return Ticket(arrays, mask)


@pytest.mark.parametrize("second_mask", [[1, 1, 1], [1, 0, 1]], ids=["same", "other mask"])
def test_loss_of_a_linear_network_is_a_quadratic(second_mask):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    w, v = np.array([1.0, -2.0, 0.5]), np.array([0.3, 4.0, -1.0])
    first, second = linear(w, 1.0), linear(v, -2.0, second_mask)
    line = line_between(first, second, X, y, n_points=7)
    # (1 - a) r + a s, squared: of the residuals r and s at the ends.
    r, s = X @ w + 1 - y, X @ (v * second_mask) - 2 - y
    a = line["alpha"].to_numpy()
    expected = (
        (1 - a) ** 2 * np.mean(r**2) + 2 * a * (1 - a) * np.mean(r * s) + a**2 * np.mean(s**2)
    )
    # Sums of 40 terms in double precision.
    np.testing.assert_allclose(line["loss"], expected, rtol=1e-12)
    np.testing.assert_allclose(line["error"], expected / y.var(), rtol=1e-12)
    # It is convex: there is no barrier.
    assert error_barrier(first, second, X, y, of="loss") == 0


def test_barrier_between_two_that_compute_the_same():
    """One hidden unit or the other computes x; halfway, each computes a quarter of it."""
    x = np.linspace(0.1, 1, 10)[:, None]
    first, second = hidden(1, 0, (True, False)), hidden(0, 1, (False, True))
    line = line_between(first, second, x, x[:, 0], n_points=5)
    a = line["alpha"].to_numpy()
    shares = (1 - a) ** 2 + a**2
    expected = (1 - shares) ** 2 * np.mean(x**2)
    np.testing.assert_allclose(line["loss"], expected, atol=1e-15, rtol=1e-12)
    barrier = error_barrier(first, second, x, x[:, 0], of="loss")
    assert barrier == pytest.approx(np.mean(x**2) / 4, rel=1e-12)
    assert barrier == pytest.approx(line["loss"].max(), rel=1e-12)
    assert error_barrier(first, second, x, x[:, 0]) == pytest.approx(
        np.mean(x**2) / 4 / x.var(), rel=1e-12
    )


def test_rise_is_measured_from_the_line_between_the_ends():
    # Outputs 1 - 2a against 1: nothing rises over the chord of a convex loss but for its ends.
    x, y = np.ones((2, 1)), np.array([0.0, 1.0])
    first, second = hidden(1, 0, (True, False)), hidden(0, 2, (False, True))
    line = line_between(first, second, x, y, n_points=3)
    outputs = np.array([1, 0.5**2 + 1, 4])
    expected = ((outputs[:, None] - y) ** 2).mean(axis=1)
    np.testing.assert_allclose(line["loss"], expected, rtol=1e-12)
    rise = expected[1] - (expected[0] + expected[2]) / 2
    assert error_barrier(first, second, x, y, n_points=3, of="loss") == max(rise, 0)


@pytest.mark.parametrize("targets", [y, y == 1, np.array(["a", "b", "c"])[y]])
def test_ends_are_what_the_estimators_say(targets):
    clf = classifier(rounds=1).fit(X, targets)
    other = classifier(rounds=1, random_state=1).fit(X, targets)
    line = line_between(clf, other, X, targets, n_points=3)
    for row, end in zip(line.iloc[[0, 2]].to_dict("records"), (clf, other), strict=True):
        # A share of 150 rows; logarithms of float32 probabilities.
        assert row["error"] == pytest.approx(1 - end.score(X, targets), abs=1e-12)
        assert row["loss"] == pytest.approx(log_loss(targets, end.predict_proba(X)), rel=1e-5)


def test_tickets_alone_are_evaluated_as_their_estimators():
    clf = classifier(rounds=2).fit(X, y)
    ends = clf.tickets_[1], clf.tickets_[2]
    line = line_between(*ends, X.astype(np.float32), y)
    display = InterpolationDisplay.from_estimator(clf, X.astype(np.float32), y, rounds=[1, 2])
    (curve,) = display.curves.values()
    np.testing.assert_allclose(curve["loss"], line["loss"], rtol=1e-5)
    np.testing.assert_allclose(curve["error"], line["error"], atol=1.01 / len(y))


def test_truth_values_are_classes():
    clf = classifier(rounds=1).fit(X, y == 1)
    lines = [
        line_between(*clf.tickets_, X, targets, n_points=3) for targets in (y == 1, (y == 1) + 0)
    ]
    pd.testing.assert_frame_equal(*lines)


def test_regression():
    reg = regressor(rounds=1, normalize_y=True).fit(X_regression, 100 * y_regression + 7)
    targets = 100 * y_regression + 7
    line = line_between(reg, reg, X_regression, targets, n_points=3)
    np.testing.assert_allclose(line["error"], 1 - reg.score(X_regression, targets), rtol=1e-5)


def test_standardizing_is_interpolated_too():
    """Of two networks that learned in different units, each keeps its own at its end."""
    first = regressor(rounds=0, normalize_y=True).fit(X_regression, y_regression)
    second = regressor(rounds=0, normalize_y=True).fit(X_regression, 100 * y_regression + 7)
    line = line_between(first, second, X_regression, y_regression, n_points=3)
    for row, end in zip(line.iloc[[0, 2]].to_dict("records"), (first, second), strict=True):
        score = end.score(X_regression, y_regression)
        assert row["error"] == pytest.approx(1 - score, rel=1e-5)


def test_tickets_of_another_network_are_refused():
    ticket = with_net(rounds=0).fit(X, y).ticket_
    with pytest.raises(ValueError, match="not one of the default network"):
        line_between(ticket, ticket, X, y)


def test_any_net():
    clf = with_net(rounds=1).fit(X, y)
    line = line_between(clf, clf, X, y, n_points=3)
    np.testing.assert_allclose(line["error"], 1 - clf.score(X, y), atol=1e-12)


def test_wrong_arguments():
    clf = classifier(rounds=1).fit(X, y)
    ticket = clf.ticket_
    wider = classifier(rounds=0, hidden_layer_sizes=(11,)).fit(X, y)
    many = classifier(rounds=0).fit(X, np.stack([y == 1, y > 0], axis=1).astype(int))
    for arguments, message in (
        ((clf, wider, X, y), "one architecture"),
        ((clf, ticket, X, y), "two Tickets, or two .*, got WinningTicketClassifier and Ticket;"),
        ((clf, classifier(rounds=0).fit(X, y + 1), X, y), "same classes apart, got .0 1 2. and .1"),
        ((clf, regressor(rounds=0).fit(X, y), X, y), "both predict classes, or both numbers"),
        ((ticket, ticket, X[:, 1:], y), "takes 6 inputs, but X has 5 features"),
        ((ticket, ticket, np.where(X > 2, np.nan, X), y), "X contains NaN"),
        ((ticket, ticket, X, y.astype(float)), "ticket has 3 outputs, but y needs 1"),
        ((clf, clf, X, y + 1), "labels .3. that are not among"),
        ((ticket, ticket, X, y + 1), "numbers of classes from 0 to 2, got 1 to 3"),
        ((ticket, ticket, X, y[:-1]), "inconsistent numbers of samples"),
        ((ticket, ticket, X, y.astype(str)), "y must be numbers .*, got dtype <U"),
        ((many, many, X, y), "one label a row"),
    ):
        with pytest.raises(ValueError, match=message):
            error_barrier(*arguments)
    with pytest.raises(ValueError, match="n_points must be a whole number of at least 3, got 2"):
        line_between(clf, clf, X, y, n_points=2)
    with pytest.raises(ValueError, match="of must be one of .*, got 'accuracy'"):
        error_barrier(clf, clf, X, y, of="accuracy")


def test_display_of_trials():
    alpha = np.linspace(0, 1, 3)
    results = pd.concat(
        pd.DataFrame({"alpha": alpha, "loss": alpha + trial, "error": alpha}).assign(
            condition=name, trial=trial
        )
        for name in ("reinit", "mine")
        for trial in (0, 2)
    )
    display = InterpolationDisplay.from_results(results)
    assert [text.get_text() for text in display.legend_.get_texts()] == ["reinit", "mine"]
    loss, error = display.lines_["mine"]
    np.testing.assert_array_equal(loss.get_ydata(), alpha + 1)
    np.testing.assert_array_equal(error.get_ydata(), alpha)
    # The errors of the trials are the same, and have no band.
    assert len(display.bands_["mine"]) == 1
    figure, axes = plt.subplots(2)
    assert display.plot(ax=axes).figure_ is figure


def test_display_of_one_line():
    clf = classifier(rounds=1).fit(X, y)
    other = classifier(rounds=1, random_state=1).fit(X, y)
    display = InterpolationDisplay.from_estimators(clf, other, X, y, n_points=5)
    assert display.legend_ is None and len(display.lines_) == 1
    with pytest.raises(ValueError, match="at least two rounds, got 1"):
        InterpolationDisplay.from_estimator(clf, X, y, rounds=[1])
    with pytest.raises(ValueError, match="must have the columns .'error'."):
        InterpolationDisplay.from_results({"alpha": [0], "loss": [1]})
