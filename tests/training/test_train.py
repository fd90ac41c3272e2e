"""What happens inside a training, watched through skorch's callbacks and an optimizer."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.datasets import make_regression
from sklearn.metrics import log_loss
from small import share_of
from watched import (
    OPTIMIZERS,
    Convolutional,
    Smooth,
    X,
    assert_same_bits,
    classifier,
    masked,
    prototype,
    y,
)

from skticket import Prune, Rewind, WinningTicketClassifier, WinningTicketRegressor

# Pruned weights stay 0, the others train


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("module", [Smooth, Convolutional])
@pytest.mark.parametrize("rewind", ["init", "none"])
def test_pruned_weight_is_zero_after_every_step(trainings, optimizer, module, rewind):
    clf = classifier(prototype(module, optimizer=optimizer), rewind_to=rewind).fit(X, y)
    assert len(trainings) == 3
    for ticket, training in zip(clf.tickets_, trainings, strict=True):
        assert len(training["steps"]) == 3 * 7
        for values in [training["start"], *training["steps"]]:
            for name, mask in ticket.mask.items():
                assert not np.any(values[name][~mask])
    assert len(clf.ticket_.mask) == (2 if module is Smooth else 3)
    assert not any(mask.all() for mask in clf.ticket_.mask.values())


class WatchedSGD(torch.optim.SGD):
    """Keep all parameters as each step finds them."""

    found = []

    def step(self, closure=None):
        group = [p.detach().numpy().copy() for g in self.param_groups for p in g["params"]]
        WatchedSGD.found.append(group)
        return super().step(closure)


@pytest.mark.parametrize("rewind", ["init", "none", "rearrange"])
def test_pruned_weight_of_the_default_network_is_zero_before_every_step(rewind):
    WatchedSGD.found.clear()
    clf = WinningTicketClassifier(
        (9, 7),
        rounds=2,
        max_epochs=3,
        batch_size=30,
        rewind_to=rewind,
        optimizer=partial(WatchedSGD, momentum=0.9, weight_decay=0.02),
        learning_rate=0.05,
        random_state=0,
    ).fit(X, y)
    n_steps = 3 * 5
    assert clf.n_iter_ == n_steps
    assert len(WatchedSGD.found) == 3 * n_steps
    for number, ticket in enumerate(clf.tickets_):
        for values in WatchedSGD.found[number * n_steps : (number + 1) * n_steps]:
            for name, array in zip(ticket.initial, values, strict=True):
                if name in ticket.mask:
                    assert not np.any(array[~ticket.mask[name]])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_negative_weights_train_like_positive_ones(trainings, optimizer):
    clf = classifier(prototype(optimizer=optimizer)).fit(X, y)
    for ticket, training in zip(clf.tickets_, trainings, strict=True):
        survivors = {name: mask for name, mask in ticket.mask.items()}

        def flat(values, survivors=survivors):
            return np.concatenate([values[name][mask] for name, mask in survivors.items()])

        start = flat(training["start"])
        assert (start < 0).sum() > 5 and (start > 0).sum() > 5
        for before, after in zip(training["steps"], training["steps"][1:]):
            moved = flat(after) != flat(before)
            assert moved[start < 0].mean() > 0.9
            assert moved[start > 0].mean() > 0.9


def test_optimizer_starts_afresh_each_round(trainings):
    classifier(prototype(optimizer="Adam")).fit(X, y)
    assert [training["state"] for training in trainings] == [0, 0, 0]


def test_biases_are_trained_and_never_masked(trainings):
    clf = classifier(rounds=4).fit(X, y)
    for ticket, training in zip(clf.tickets_, trainings, strict=True):
        for name in ("hidden.bias", "output.bias"):
            assert name not in ticket.mask
            assert np.all(ticket.weights[name] != training["start"][name])
            assert np.all(ticket.initial[name] == clf.tickets_[0].initial[name])


# Where each training starts


def test_first_round_starts_from_the_initial_weights(trainings):
    clf = classifier(rounds=0).fit(X, y)
    assert_same_bits(trainings[0]["start"], dict(clf.ticket_.initial))


def test_init_goes_back_to_the_very_first_weights(trainings):
    clf = classifier(rewind_to="init").fit(X, y)
    for ticket, training in zip(clf.tickets_[1:], trainings[1:], strict=True):
        # Biases included: these are not 0 in the beginning.
        assert_same_bits(training["start"], masked(trainings[0]["start"], ticket.mask))
        assert_same_bits(dict(ticket.initial), training["start"])
        assert np.all(training["start"]["hidden.bias"] != 0)


@pytest.mark.parametrize("step", [1, 4, 21])
def test_step_goes_back_to_the_weights_after_it(trainings, step):
    clf = classifier(rewind_to=step).fit(X, y)
    after = trainings[0]["steps"][step - 1]
    assert_same_bits(dict(clf.tickets_[0].checkpoints[step]), after)
    for ticket, training in zip(clf.tickets_[1:], trainings[1:], strict=True):
        assert_same_bits(training["start"], masked(after, ticket.mask))
        assert_same_bits(dict(ticket.checkpoints[step]), training["start"])
        # θ0 stays θ0.
        assert_same_bits(dict(ticket.initial), masked(trainings[0]["start"], ticket.mask))


@pytest.mark.parametrize("evaluate_every", [None, 2, 5])
def test_step_does_not_depend_on_the_evaluation_grid(trainings, evaluate_every):
    clf = classifier(rewind_to=4, evaluate_every=evaluate_every).fit(X, y)
    assert_same_bits(dict(clf.tickets_[0].checkpoints[4]), trainings[0]["steps"][3])
    reference = classifier(rewind_to=4).fit(X, y)
    assert_same_bits(
        dict(clf.tickets_[0].checkpoints[4]), dict(reference.tickets_[0].checkpoints[4])
    )


def test_step_beyond_the_training():
    with pytest.raises(ValueError, match="rewind_to=1000.*21 steps"):
        classifier(rewind_to=1000).fit(X, y)


def test_none_goes_on_from_the_trained_weights(trainings):
    clf = classifier(rewind_to="none").fit(X, y)
    for before, ticket, training in zip(clf.tickets_, clf.tickets_[1:], trainings[1:]):
        assert_same_bits(training["start"], masked(before.weights, ticket.mask))


def test_reinit_starts_from_other_weights(trainings):
    clf = classifier(rewind_to="reinit").fit(X, y)
    for number in (1, 2):
        start, ticket = trainings[number]["start"], clf.tickets_[number]
        expected = Prune(0.4).transform(clf.tickets_[number - 1])
        assert_same_bits(dict(ticket.mask), dict(expected.mask))
        assert_same_bits(dict(ticket.initial), start)
        for other in trainings[:number]:
            for name, mask in ticket.mask.items():
                assert not np.any(start[name][mask] == other["start"][name][mask])
                # The module's own distribution: uniform up to 1 / sqrt(fan in).
                assert np.abs(start[name]).max() <= mask.shape[1] ** -0.5


def test_rearrange_starts_from_the_same_weights_in_other_places(trainings):
    clf = classifier(rewind_to="rearrange").fit(X, y)
    for number in (1, 2):
        start, ticket = trainings[number]["start"], clf.tickets_[number]
        pruned = Prune(0.4).transform(clf.tickets_[number - 1])
        assert_same_bits(dict(ticket.initial), start)
        for name, mask in pruned.mask.items():
            assert np.any(ticket.mask[name] != mask)
            np.testing.assert_array_equal(
                np.sort(start[name][ticket.mask[name]]), np.sort(pruned.initial[name][mask])
            )


def test_each_round_prunes_the_trained_weights():
    clf = classifier(rounds=3).fit(X, y)
    for before, ticket in zip(clf.tickets_, clf.tickets_[1:]):
        assert_same_bits(dict(ticket.mask), dict(Prune(0.4).transform(before).mask))
        untrained = Rewind().transform(before)
        assert Prune(0.4).transform(untrained).mask["hidden.weight"].tobytes() != (
            ticket.mask["hidden.weight"].tobytes()
        )


# What each training keeps


@pytest.mark.parametrize("evaluate_every", [None, 4])
def test_ticket_holds_the_trained_weights(trainings, evaluate_every):
    net = prototype(lr=0.5, max_epochs=6)  # so large that the last evaluation is rarely the best
    clf = classifier(net, evaluate_every=evaluate_every, rounds=3, n_iter_no_change=None)
    results = clf.fit(X, y).round_results_
    assert any(results["iterations_to_converge"] < 42)
    grid = [*range(7, 43, 7)] if evaluate_every is None else [*range(4, 42, 4), 42]
    for number, ticket in enumerate(clf.tickets_):
        assert_same_bits(dict(ticket.weights), trainings[number]["steps"][-1])
        losses = clf.histories_[number][:, "valid_loss"]
        scores = clf.histories_[number][:, "valid_score"]
        assert clf.histories_[number][:, "iteration"] == grid
        where = int(np.argmin(losses))
        assert results["iterations_to_converge"][number] == grid[where]
        assert results["converged_loss"][number] == losses[where]
        assert results["converged_score"][number] == scores[where]
        assert results["valid_loss"][number] == losses[-1]
        assert results["valid_score"][number] == scores[-1]


@pytest.mark.parametrize(
    "evaluate_every, n_evaluations", [(None, 3), (1, 21), (5, 5), (7, 3), (21, 1), (1000, 1)]
)
def test_evaluation_grid(trainings, evaluate_every, n_evaluations):
    clf = classifier(evaluate_every=evaluate_every, rounds=1).fit(X, y)
    for history, training in zip(clf.histories_, trainings, strict=True):
        assert len(history) == n_evaluations
        assert len(training["steps"]) == 21
    assert clf.n_iter_ == 21
    # How often is looked has no influence on the training.
    reference = classifier(rounds=1).fit(X, y)
    assert reference.tickets_[0].initial["hidden.weight"].tobytes() == (
        clf.tickets_[0].initial["hidden.weight"].tobytes()
    )
    assert_same_bits(trainings[0]["steps"][-1], trainings[2]["steps"][-1])


def test_loss_and_score_are_of_the_trained_weights():
    clf = WinningTicketClassifier(
        (10,), rounds=2, max_epochs=10, learning_rate=0.1, validation_fraction=0, random_state=0
    ).fit(X, y)
    assert clf.round_results_["valid_score"][-1] == pytest.approx(clf.score(X, y), **share_of(X))
    loss = log_loss(y, clf.predict_proba(X))
    assert clf.round_results_["valid_loss"][-1] == pytest.approx(loss, rel=1e-4, abs=1e-6)


def test_loss_and_score_of_two_classes():
    clf = WinningTicketClassifier(
        (10,), rounds=1, max_epochs=10, learning_rate=0.1, validation_fraction=0, random_state=0
    ).fit(X, y == 1)
    assert clf.round_results_["valid_score"][-1] == pytest.approx(
        clf.score(X, y == 1), **share_of(X)
    )
    loss = log_loss(y == 1, clf.predict_proba(X))
    assert clf.round_results_["valid_loss"][-1] == pytest.approx(loss, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_loss_and_score_of_a_regression(n_targets):
    X, y = make_regression(120, 5, n_targets=n_targets, random_state=0)
    y = y / y.std()
    reg = WinningTicketRegressor(
        (10,), rounds=1, max_epochs=20, learning_rate=0.02, validation_fraction=0, random_state=0
    ).fit(X, y)
    assert reg.round_results_["valid_score"][-1] == pytest.approx(
        reg.score(X, y), rel=1e-4, abs=1e-4
    )
    loss = np.mean(((reg.predict(X) - y) / reg.y_scale_) ** 2)
    assert reg.round_results_["valid_loss"][-1] == pytest.approx(loss, rel=1e-4, abs=1e-6)
