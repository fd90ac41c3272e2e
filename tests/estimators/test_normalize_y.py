"""A regressor's targets are standardized inside: their scale and origin make no difference."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from sklearn.callback import ScoringMonitor
from sklearn.datasets import make_friedman1, make_regression
from sklearn.metrics import r2_score
from skorch import NeuralNetRegressor
from small import regressor, same_results

from skticket import TicketTransformer, WinningTicketRegressor
from skticket.model_selection import ticket_test_score

X, y = make_regression(150, 6, n_informative=3, noise=5, random_state=0)
# A power of two changes no digit of the standardized targets.
FACTOR = 2.0**40
both = pytest.mark.parametrize("own", [False, True], ids=["default network", "own net"])


def make(own=False, n_outputs=1, **parameters):
    if own:
        torch.manual_seed(0)
        parameters["net"] = NeuralNetRegressor(
            torch.nn.Linear(6, n_outputs), lr=0.05, max_epochs=5, batch_size=30, verbose=0
        )
    return regressor(**parameters)


@pytest.mark.parametrize("factor, origin", [(100, 0), (10_000, 0), (1, 1e6), (1, 1e9)])
def test_r2_does_not_depend_on_the_scale(factor, origin):
    X, y = make_friedman1(600, noise=1, random_state=0)
    reg = WinningTicketRegressor((50, 20), rounds=1, max_epochs=20, random_state=0)
    scores = [
        reg.fit(X[:400], target[:400]).score(X[400:], target[400:])
        for target in (y, factor * y + origin)
    ]
    assert scores[0] > 0.6
    # Standardized targets differ in the last digits of single precision.
    assert scores[1] == pytest.approx(scores[0], abs=0.005)


@both
def test_every_method_gives_what_it_gives_of_smaller_numbers(own):
    small, large = (make(own).fit(X, factor * y) for factor in (1, FACTOR))
    assert same_results(small.round_results_, large.round_results_)
    assert large.tickets_ == small.tickets_
    for ours, expected in zip(large.staged_predict(X), small.staged_predict(X), strict=True):
        np.testing.assert_allclose(ours, FACTOR * expected, rtol=1e-12, atol=1e-12 * FACTOR)
    assert large.score(X, FACTOR * y) == pytest.approx(small.score(X, y), abs=1e-9)


def test_losses_are_in_standardized_units():
    reg = regressor(validation_fraction=0, max_epochs=20).fit(X, 1e6 * y)
    # All rows serve for the validation, too: there R² is one minus the mean squared error.
    loss, score = (reg.round_results_[name] for name in ("valid_loss", "valid_score"))
    np.testing.assert_allclose(loss, 1 - score, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_each_output_has_a_mean_and_a_scale(weighted):
    weight = np.random.default_rng(0).integers(0, 4, len(y)) if weighted else np.ones(len(y))
    targets = np.stack([y, 1e5 + 1e-3 * y**2, np.full(len(y), 0.1)], axis=1)
    # What counts for nothing is not even learned from.
    targets[weight == 0] = 1e30
    reg = regressor(max_epochs=20).fit(X, targets, sample_weight=weight if weighted else None)
    mean = np.average(targets, axis=0, weights=weight)
    deviation = np.sqrt(np.average((targets - mean) ** 2, axis=0, weights=weight))
    # Weights are in single precision.
    assert (np.abs(reg.y_mean_ - mean) <= 1e-6 * deviation + 1e-12 * mean).all()
    np.testing.assert_allclose(reg.y_scale_, [*deviation[:2], 1], rtol=1e-6)
    counts = weight > 0
    predicted = reg.predict(X[counts])
    assert r2_score(targets[counts, :2], predicted[:, :2], multioutput="raw_values").min() > 0.5
    np.testing.assert_allclose(predicted[:, 2], 0.1, atol=0.3)


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e8])
def test_a_constant_target(constant):
    reg = regressor().fit(X, np.full(len(y), constant))
    assert reg.y_mean_ == constant
    assert reg.y_scale_ == 1


@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_numbers_that_single_precision_lacks(factor):
    small, far = (regressor().fit(X, f * y / np.abs(y).max()) for f in (1, factor))
    np.testing.assert_allclose(far.predict(X) / factor, small.predict(X), rtol=1e-3, atol=1e-3)


@both
def test_by_hand(own):
    target = FACTOR * y
    by_hand = make(own).partial_fit(X, target)
    mean, scale = by_hand.y_mean_, by_hand.y_scale_
    by_hand.prune().rewind().partial_fit(X, target)
    fitted = make(own, rounds=1).fit(X, target)
    np.testing.assert_array_equal(by_hand.predict(X), fitted.predict(X))
    # Later rows do not move what the first have told.
    by_hand.partial_fit(X[:50], 3 * target[:50] + 1)
    assert (by_hand.y_mean_, by_hand.y_scale_) == (mean, scale)
    # A fit begins anew.
    assert by_hand.fit(X[:50], target[:50]).y_mean_ == pytest.approx(target[:50].mean())


def test_pruning_by_the_loss_on_given_rows():
    tickets = [
        regressor(strategy="snip").partial_fit(X, f * y).prune(X=X, y=f * y).ticket_
        for f in (1, FACTOR)
    ]
    assert tickets[0] == tickets[1]


def test_other_forms_of_prediction():
    reg = regressor().fit(X, 1e6 * y + 1e7)
    predicted = reg.predict(X)
    for form in (reg.sparsify, reg.densify):
        np.testing.assert_allclose(form().predict(X), predicted, rtol=1e-4, atol=1e2)
    copy = pickle.loads(pickle.dumps(reg))
    np.testing.assert_array_equal(copy.predict(X), reg.predict(X))


def test_what_is_made_of_the_ticket():
    small, large = (
        TicketTransformer(regressor()).fit(X, factor * y).transform(X) for factor in (1, FACTOR)
    )
    np.testing.assert_array_equal(large, small)
    small, large = (
        ticket_test_score(regressor(), X, factor * y, n_controls=3) for factor in (1, FACTOR)
    )
    np.testing.assert_allclose(large.score, small.score, atol=1e-9)
    np.testing.assert_allclose(large.control_scores, small.control_scores, atol=1e-9)


def test_callbacks_score_in_the_targets_own_units():
    monitor = ScoringMonitor(scoring="r2")
    reg = regressor().set_callbacks(monitor).fit(X, 1e6 * y + 1e7)
    frame = monitor.get_logs().data_as_pandas
    assert frame["r2"].between(-3, 1).all()
    (last,) = frame.loc[frame["task_name"] == "fit", "r2"]
    # The callback's rows are in single precision.
    assert last == pytest.approx(reg.score(X, 1e6 * y + 1e7), abs=1e-5)


def test_warm_start_and_memory(n_trained, tmp_path):
    reg = regressor(rounds=1, warm_start=True, memory=str(tmp_path)).fit(X, 1e6 * y)
    assert len(n_trained) == 2
    reg.set_params(rounds=2).fit(X, 1e6 * y)
    assert len(n_trained) == 3
    expected = regressor(rounds=2).fit(X, 1e6 * y)
    np.testing.assert_array_equal(reg.predict(X), expected.predict(X))
    # Of other targets whose standardized ones are the same, the trainings are known.
    reg.fit(X, FACTOR * 1e6 * y)
    assert len(n_trained) == 6
    np.testing.assert_allclose(reg.predict(X), FACTOR * expected.predict(X), rtol=1e-9)
    reg.set_params(normalize_y=False).fit(X, y / y.std())
    assert (reg.y_mean_, reg.y_scale_) == (0, 1)


def test_a_fit_that_fails_leaves_mean_and_scale():
    reg = regressor().fit(X, 1e6 * y)
    mean, scale, predicted = reg.y_mean_, reg.y_scale_, reg.predict(X)
    reg.set_params(optimizer="sgd", learning_rate=1e30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="diverged"):
            reg.fit(X, y)
    assert (reg.y_mean_, reg.y_scale_) == (mean, scale)
    np.testing.assert_array_equal(reg.predict(X), predicted)


@both
def test_targets_as_they_are(own):
    standardized = (y - y.mean()) / y.std()
    plain = make(own, normalize_y=False).fit(X, standardized.astype(np.float32))
    assert (plain.y_mean_, plain.y_scale_) == (0, 1)
    # The same network, but for the last digits of single precision.
    expected = make(own).fit(X, standardized)
    np.testing.assert_allclose(plain.predict(X), expected.predict(X), atol=1e-2)
    assert plain.predict(X.astype(np.float32)).dtype == np.float32


def test_a_loss_that_needs_targets_as_they_are():
    counts = np.random.default_rng(0).poisson(np.exp(X[:, 0] / 4)).astype(float)
    net = NeuralNetRegressor(
        torch.nn.Linear(6, 1),
        criterion=torch.nn.PoissonNLLLoss,
        lr=0.01,
        max_epochs=5,
        batch_size=30,
        verbose=0,
    )
    reg = regressor(net=net, normalize_y=False).fit(X, counts)
    assert np.isfinite(reg.predict(X)).all()


def test_wrong_value():
    with pytest.raises(ValueError, match="'normalize_y' parameter of WinningTicketRegressor"):
        regressor(normalize_y="maybe").fit(X, y)
