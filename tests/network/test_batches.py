"""Which rows are trained on, and in which batches."""

import tracemalloc
from itertools import product

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from skorch.dataset import Dataset
from torch import nn
from watched import Smooth, X, classifier, prototype, y

from skticket import Prune, WinningTicketClassifier, WinningTicketRegressor
from skticket.initialization import Glorot
from skticket.network import Batches, Data, default_net, draw_initial, first_ticket, n_batch_rows
from skticket.training import train


def test_held_out_rows_are_not_trained_on(trainings):
    classifier(validation_fraction=0.2).fit(X, y)
    everything = {(tuple(row), label) for row, label in zip(X.tolist(), y.tolist())}
    for training in trainings:
        for epoch in training["rows"]:
            assert len(epoch[True]) == 120 and len(epoch[False]) == 30
            # Each pass takes each row once, with its own label.
            assert {*epoch[True]} | {*epoch[False]} == everything
            # The same rows are held out in every round, in proportion to the classes.
            assert {*epoch[False]} == {*trainings[0]["rows"][0][False]}
            labels = [label for _, label in epoch[False]]
            np.testing.assert_allclose(np.bincount(labels), np.bincount(y) / 5, atol=1)


def test_batches_are_shuffled_anew(trainings):
    classifier(rounds=1).fit(X, y)
    orders = [tuple(epoch[True]) for training in trainings for epoch in training["rows"]]
    assert len(set(orders)) == len(orders) == 6


class Listener(Callback):
    def on_grad_computed(self, net, batch=None, **kwargs):
        X, y = batch
        assert torch.is_tensor(X) and X.isfinite().all()

    def on_batch_end(self, net, batch=None, y_pred=None, **kwargs):
        assert y_pred.shape == (len(batch[0]), 3)


@pytest.mark.parametrize("layout", ["dense", "sparse"])
@pytest.mark.parametrize(
    "kind, weighted",
    # Only the default net weights its rows.
    [*product(["quiet", "listened to"], [False, True]), ("skorch's", False)],
)
def test_rows_of_the_data_are_trained_on_like_a_copy_of_them(kind, layout, weighted):
    """Rows to train on may be named; others of the same array are then not even looked at."""
    net = default_net((8,), 6, 3, criterion=nn.CrossEntropyLoss, batch_size=16)
    arrays = draw_initial((8,), 6, 3, Glorot(), np.random.RandomState(1))
    ticket = Prune(0.3).transform(first_ticket(net, arrays))
    if kind == "listened to":
        net.set_params(callbacks=[Listener()])
    elif kind == "skorch's":
        net = NeuralNetClassifier(Smooth, criterion=nn.CrossEntropyLoss, verbose=0)
        ticket = first_ticket(net, seed=1)
    rng = np.random.RandomState(0)
    rows = rng.permutation(150)[:101]
    others = np.setdiff1d(np.arange(150), rows)
    spoiled, weight = X.copy(), rng.uniform(0.5, 2, 150).astype(np.float32) if weighted else None
    spoiled[others] = np.nan
    valid = None if weight is None else weight[others]
    data = Data(spoiled, y, X[others], y[others], True, weight, valid, rows=rows)
    copied = Data(
        X[rows], y[rows], X[others], y[others], True, weight[rows] if weighted else None, valid
    )
    assert data.n_rows == copied.n_rows == 101
    assert data.digest == copied.digest
    options = {"n_steps": 20, "evaluate_every": 5, "seed": 3, "layout": layout}
    assert (
        train(net, ticket, data, **options).ticket == train(net, ticket, copied, **options).ticket
    )


def test_fit_copies_no_more_than_the_held_out_rows():
    values = np.random.RandomState(0).uniform(size=(4000, 500)).astype("float32")
    clf = WinningTicketClassifier((4,), rounds=0, max_epochs=1)
    clf.fit(values[:50], np.arange(50) % 2)
    tracemalloc.start()
    clf.fit(values, np.arange(4000) % 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * values.nbytes


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_read_only_arrays_are_no_matter(layout, recwarn):
    frozen, labels = X.copy(), y.copy()
    frozen.flags.writeable = labels.flags.writeable = False
    options = {"rounds": 1, "max_epochs": 10, "layout": layout, "random_state": 0}
    WinningTicketClassifier((4,), **options).fit(frozen, labels)
    WinningTicketRegressor((4,), learning_rate=0.05, **options).fit(frozen, frozen[:, 0])
    # Ten epochs are few, which is told.
    assert all(warning.category is ConvergenceWarning for warning in recwarn.list)


def test_training_rows_serve_for_evaluation_without_others(trainings):
    classifier(validation_fraction=0).fit(X, y)
    for epoch in trainings[-1]["rows"]:
        assert len(epoch[True]) == 150
        assert sorted(epoch[False]) == sorted(epoch[True])


def test_few_rows(trainings):
    few = [np.flatnonzero(y == label)[0] for label in range(3)]
    clf = classifier(validation_fraction=0.1).fit(X[few], y[few])
    assert len(trainings[-1]["rows"][0][True]) >= 2
    assert clf.predict(X).shape == (150,)


def test_class_with_one_row():
    rows = np.flatnonzero((y != 2) | (np.cumsum(y == 2) == 1))
    clf = classifier(validation_fraction=0.2).fit(X[rows], y[rows])
    assert list(clf.classes_) == [0, 1, 2]


@pytest.mark.parametrize("batch_size, n_batches", [(20, 7), (135, 1), (10_000, 1), (1, 135)])
def test_steps_of_an_epoch(batch_size, n_batches):
    clf = classifier(prototype(batch_size=batch_size, max_epochs=2), rounds=0).fit(X, y)
    assert clf.n_iter_ == 2 * n_batches
    clf = WinningTicketClassifier((4,), batch_size=batch_size, max_epochs=2, rounds=0).fit(X, y)
    assert clf.n_iter_ == 2 * n_batches


@pytest.mark.parametrize(
    ("n_rows", "size"),
    [(5, 5), (50, 16), (169, 16), (175, 17), (1500, 150), (10_000, 200), (25_600, 200)]
    + [(60_000, 468), (180_000, 512), (10**7, 512)],
)
def test_automatic_batches_grow_with_the_rows(n_rows, size):
    assert n_batch_rows("auto", n_rows) == size


def test_runs_are_the_batches_of_an_interval_within_a_pass():
    """And end where somebody looks; the batches of both ways are the same."""
    rows = np.arange(25)
    options = {"batch_size": 4, "intervals": [5, 6], "seed": 0}
    batches = Batches(Dataset(rows, rows), **options)
    expected = [X.tolist() for _ in range(2) for X, _ in batches]
    runs = Batches(Dataset(rows, rows), **options, pauses=[3])
    found = [list(map(list, runs.runs())) for _ in range(2)]
    # Passes of seven batches, of which the last has one row.
    assert [list(map(len, interval)) for interval in found] == [[12, 8], [5, 16]]
    found = [run for interval in found for run in interval]
    assert [run[k : k + 4] for run in found for k in range(0, len(run), 4)] == expected
