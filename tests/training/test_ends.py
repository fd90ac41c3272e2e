"""How trainings end: by themselves, by a callback, by an error, by the user."""

import signal
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, EarlyStopping
from torch import nn
from watched import Recorder, Smooth, X, assert_same_bits, classifier, prototype, y

from skticket import WinningTicketClassifier, WinningTicketRegressor


@contextmanager
def uninterrupted():
    """Let an interruption fail the test, not end all tests."""
    try:
        yield
    except KeyboardInterrupt:
        pytest.fail("the end of one training was taken for Ctrl-C")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_diverged_training(optimizer, global_state):
    clf = WinningTicketClassifier((8,), optimizer=optimizer, learning_rate=1e30, random_state=0)
    with pytest.raises(ValueError, match="diverged.*learning_rate"):
        clf.fit(X, y)


def test_diverged_training_of_a_regressor(global_state):
    reg = WinningTicketRegressor((8,), optimizer="sgd", learning_rate=1e30, random_state=0)
    with pytest.raises(ValueError, match="diverged.*learning_rate"):
        reg.fit(X, X[:, 0])


def test_training_that_diverges_late(global_state):
    class Exploding(torch.optim.SGD):
        n_steps = 0

        def step(self, closure=None):
            super().step(closure)
            Exploding.n_steps += 1
            if Exploding.n_steps > 14:
                with torch.no_grad():
                    self.param_groups[0]["params"][0].fill_(np.nan)

    clf = WinningTicketClassifier(
        (8,), rounds=1, max_epochs=3, batch_size=20, optimizer=Exploding, random_state=0
    )
    with pytest.raises(ValueError, match="diverged"):
        clf.fit(X, y)


def test_early_stopping_ends_that_training_only(trainings):
    # No loss is a whole 10 better than that of the first epoch: the third epoch is the last.
    stopping = EarlyStopping(patience=3, threshold=10, threshold_mode="abs", sink=lambda line: None)
    net = prototype(max_epochs=20).set_params(callbacks=[Recorder(), stopping])
    with uninterrupted():
        clf = classifier(net, rounds=2).fit(X, y)
    n_epochs = [len(training["rows"]) for training in trainings]
    assert len(clf.tickets_) == len(clf.histories_) == 3
    assert n_epochs[0] < 6
    assert n_epochs == [n_epochs[0]] * 3
    assert [len(history) for history in clf.histories_] == n_epochs
    assert clf.n_iter_ == 7 * n_epochs[0]
    assert clf.density_ < 0.6


class Stop(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise KeyboardInterrupt


def test_training_that_a_callback_ends_at_the_first_epoch(trainings):
    net = prototype().set_params(callbacks=[Recorder(), Stop()])
    with uninterrupted():
        clf = classifier(net).fit(X, y)
    assert [len(training["steps"]) for training in trainings] == [7, 7, 7]
    assert clf.n_iter_ == 7
    np.testing.assert_array_equal(clf.round_results_["iterations_to_converge"], 7)
    assert_same_bits(dict(clf.ticket_.weights), trainings[-1]["steps"][-1])


class Interrupt(Callback):
    """Press Ctrl-C in the second round, at a certain place."""

    n_batches = 0

    @staticmethod
    def press():
        signal.raise_signal(signal.SIGINT)

    @staticmethod
    def count(place, training):
        if training:
            Interrupt.n_batches += 1
        if Interrupt.n_batches == 25 and Interrupt.place == place:
            Interrupt.press()

    def on_batch_end(self, net, training=None, **kwargs):
        Interrupt.count("callback", training)


class InterruptedModule(Smooth):
    def forward(self, X):
        if Interrupt.n_batches == 25 and Interrupt.place == "forward":
            Interrupt.press()
        # An evaluation comes after 28 steps.
        if Interrupt.n_batches == 28 and not self.training and Interrupt.place == "evaluation":
            Interrupt.press()
        return super().forward(X)


class InterruptedSGD(torch.optim.SGD):
    def step(self, closure=None):
        if Interrupt.n_batches == 25 and Interrupt.place == "step":
            Interrupt.press()
        return super().step(closure)


@pytest.mark.parametrize("place", ["forward", "evaluation", "step", "callback"])
def test_ctrl_c_stops_the_fit(trainings, place, global_state):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    Interrupt.n_batches, Interrupt.place = 0, place
    net = prototype(InterruptedModule).set_params(
        callbacks=[Recorder(), Interrupt()], optimizer=InterruptedSGD
    )
    try:
        with pytest.raises(KeyboardInterrupt):
            classifier(net, rounds=4).fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(trainings) == 2


def test_training_error_leaves_no_trace(global_state):
    class Failing(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, 3)

        def forward(self, X):
            if self.training:
                torch.rand(3)
                raise RuntimeError("a mistake in the module")
            return self.layer(X)

    with pytest.raises(RuntimeError, match="a mistake in the module"):
        classifier(prototype(Failing)).fit(X, y)
