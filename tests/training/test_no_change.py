"""`n_iter_no_change`: trainings that end when nothing improves, with the best weights."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, mean_squared_error
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring
from small import Dropping, X, X_regression, classifier, regressor, same_results, y, y_regression
from torch import nn

from skticket import Ticket

# Noisy labels: the loss on held-out rows soon grows.
NOISY = np.where(np.random.RandomState(0).uniform(size=len(y)) < 0.4, (y + 1) % 3, y)
OVERFITTING = {"max_epochs": 40, "learning_rate": 0.05, "validation_fraction": 0.3}
LONG = {"max_epochs": 40, "learning_rate": 0.05, "validation_fraction": 0}


def net(**parameters):
    return NeuralNetClassifier(
        Dropping, criterion=nn.CrossEntropyLoss, lr=0.5, max_epochs=40, verbose=0, **parameters
    )


def losses(estimator):
    return [np.array(history[:, "valid_loss"]) for history in estimator.histories_]


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("parameters", [{}, {"layout": "sparse"}, {"net": net()}])
def test_training_ends_where_nothing_improves(parameters, n):
    clf = classifier(n_iter_no_change=n, **OVERFITTING | parameters).fit(X, NOISY)
    whole = classifier(rounds=0, **OVERFITTING | parameters).fit(X, NOISY)
    for round_losses in losses(clf):
        best = round_losses.argmin()
        assert len(round_losses) == best + n + 1 < 40
        # It would have ended earlier, had there been reason to.
        improved = np.flatnonzero(round_losses <= np.minimum.accumulate(round_losses))
        assert np.all(np.diff(improved) <= n)
    first = losses(clf)[0]
    np.testing.assert_array_equal(first, losses(whole)[0][: len(first)])


@pytest.mark.parametrize("n", [3, 1000])
@pytest.mark.parametrize(
    "parameters", [{}, {"layout": "sparse"}, {"net": net(), "rewind_to": "none"}]
)
def test_weights_are_those_of_the_best_evaluation(parameters, n):
    clf = classifier(n_iter_no_change=n, **LONG | {"learning_rate": 0.3} | parameters)
    clf.fit(X, NOISY)
    results = clf.round_results_
    for position, ticket in enumerate(clf.tickets_):
        lowest = losses(clf)[position].min()
        assert results["valid_loss"][position] == lowest
        scores = np.array(clf.histories_[position][:, "valid_score"])
        assert results["valid_score"][position] == scores[losses(clf)[position].argmin()]
        for name, mask in ticket.mask.items():
            assert not np.any(ticket.weights[name][~mask])
    assert len(losses(clf)[-1]) - 1 > losses(clf)[-1].argmin()
    # Means of 150 float32 terms.
    assert log_loss(NOISY, clf.predict_proba(X)) == pytest.approx(lowest, rel=1e-4)
    assert clf.score(X, NOISY) == results["valid_score"][-1]
    np.testing.assert_array_equal(results["valid_loss"], results["converged_loss"])
    if n == 1000:
        assert {len(round_losses) for round_losses in losses(clf)} == {40}


def test_regressor_keeps_the_best_weights():
    reg = regressor(n_iter_no_change=2, **LONG | {"learning_rate": 0.3})
    reg.fit(X_regression, y_regression)
    lowest = losses(reg)[-1].min()
    assert len(losses(reg)[-1]) < 40
    predicted = reg.predict(X_regression)
    assert mean_squared_error(y_regression, predicted) == pytest.approx(lowest, rel=1e-4)
    assert reg.score(X_regression, y_regression) == pytest.approx(
        reg.round_results_["valid_score"][-1], abs=1e-5
    )


def test_without_it_the_last_weights_count():
    clf = classifier(**LONG | {"learning_rate": 0.3}).fit(X, NOISY)
    assert {len(round_losses) for round_losses in losses(clf)} == {40}
    assert losses(clf)[-1][-1] > losses(clf)[-1].min()
    assert clf.round_results_["valid_loss"][-1] == losses(clf)[-1][-1]


@pytest.mark.parametrize("evaluate_every", [None, 2])
def test_steps_are_told(evaluate_every):
    parameters = OVERFITTING | {"evaluate_every": evaluate_every, "select": "best"}
    clf = classifier(n_iter_no_change=2, **parameters).fit(X, NOISY)
    steps = [history[-1, "iteration"] for history in clf.histories_]
    assert clf.round_results_["n_steps"].tolist() == steps
    assert len(set(steps)) > 1
    assert clf.n_iter_ == steps[clf.selected_round_]
    # 105 rows in batches of 30, and 40 passes.
    whole = classifier(rounds=1, **parameters).fit(X, NOISY)
    assert whole.round_results_["n_steps"].tolist() == [160, 160]


def test_weights_to_rewind_to_are_reached():
    stopped = classifier(n_iter_no_change=1, rewind_to=100, **OVERFITTING).fit(X, NOISY)
    whole = classifier(rewind_to=100, rounds=0, **OVERFITTING).fit(X, NOISY)
    first = stopped.tickets_[0]
    assert stopped.round_results_["n_steps"].tolist()[0] == 100
    assert losses(stopped)[0].argmin() < len(losses(stopped)[0]) - 2
    assert np.all(stopped.round_results_["n_steps"][1:] < 100)
    for name, array in whole.ticket_.checkpoints[100].items():
        np.testing.assert_array_equal(first.checkpoints[100][name], array)


def test_by_hand():
    parameters = OVERFITTING | {"n_iter_no_change": 2}
    by_hand = classifier(**parameters).partial_fit(X, NOISY)
    for _ in range(2):
        by_hand.prune().rewind().partial_fit(X, NOISY)
    fitted = classifier(**parameters).fit(X, NOISY)
    assert by_hand.tickets_ == fitted.tickets_
    assert same_results(by_hand.round_results_, fitted.round_results_)
    # Another call goes on from the best weights.
    again = by_hand.partial_fit(X, NOISY)
    assert again.round_results_["valid_loss"][-1] == losses(again)[-1].min()


def test_memory_tells_it_apart(tmp_path, n_trained):
    parameters = OVERFITTING | {"memory": str(tmp_path), "rounds": 1}
    for n in (None, 2, 3, 2):
        remembered = classifier(n_iter_no_change=n, **parameters).fit(X, NOISY)
    assert len(n_trained) == 3 * 2
    fresh = classifier(n_iter_no_change=2, **parameters | {"memory": None}).fit(X, NOISY)
    assert remembered.tickets_ == fresh.tickets_
    assert same_results(remembered.round_results_, fresh.round_results_)


def test_warm_start_goes_on_and_starts_anew(n_trained):
    warm = classifier(warm_start=True, n_iter_no_change=2, rounds=1, **OVERFITTING).fit(X, NOISY)
    warm.set_params(rounds=2).fit(X, NOISY)
    assert len(n_trained) == 3
    assert warm.tickets_ == classifier(n_iter_no_change=2, **OVERFITTING).fit(X, NOISY).tickets_
    warm.set_params(n_iter_no_change=None).fit(X, NOISY)
    assert len(n_trained) == 9
    assert warm.tickets_ == classifier(**OVERFITTING).fit(X, NOISY).tickets_


def test_callbacks_see_the_last_evaluation_and_the_best_weights():
    seen = []

    class AtTheEnd(EpochScoring):
        def on_train_end(self, net, **kwargs):
            arrays = {k: v.detach().numpy().copy() for k, v in net.module_.named_parameters()}
            seen.append(arrays)

    prototype = net(callbacks=[("accuracy", AtTheEnd("accuracy", name="accuracy"))])
    clf = classifier(net=prototype, n_iter_no_change=2, **OVERFITTING).fit(X, NOISY)
    assert len(seen) == 3
    for history, ticket, arrays in zip(clf.histories_, clf.tickets_, seen, strict=True):
        assert len(history) < 40
        np.testing.assert_allclose(history[:, "accuracy"], history[:, "valid_score"], rtol=1e-6)
        assert isinstance(ticket, Ticket)
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, ticket.weights[name])


@pytest.mark.parametrize("value", [0, 2.5, "auto"])
def test_other_values_are_refused(value):
    with pytest.raises(ValueError, match="'n_iter_no_change' parameter"):
        classifier(n_iter_no_change=value).fit(X, y)
