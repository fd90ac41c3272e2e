"""Fits in several threads at once, and who else uses torch meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from joblib import parallel_config
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import scale
from skorch import NeuralNetClassifier
from torch import nn

from skticket import WinningTicketClassifier

X, y = load_iris(return_X_y=True)
X = scale(X).astype(np.float32)


class Random(nn.Sequential):
    """A module that draws its initial weights, and numbers in each step."""

    def __init__(self):
        super().__init__(nn.Linear(4, 10), nn.ReLU(), nn.Dropout(0.3), nn.Linear(10, 3))


def default(seed):
    return WinningTicketClassifier((10,), rounds=2, max_epochs=4, random_state=seed)


def own(seed):
    net = NeuralNetClassifier(
        Random, criterion=nn.CrossEntropyLoss, lr=0.1, max_epochs=4, batch_size=30, verbose=0
    )
    return WinningTicketClassifier(net=net, rounds=2, random_state=seed)


@pytest.mark.parametrize("make", [default, own])
def test_beside_others_as_alone(make):
    alone = [make(seed).fit(X, y).tickets_ for seed in range(8)]
    state = torch.get_rng_state()
    with ThreadPoolExecutor(4) as executor:
        together = list(executor.map(lambda seed: make(seed).fit(X, y).tickets_, range(8)))
    assert together == alone
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("make", [default, own])
def test_a_grid_in_threads(make):
    grid = {"prune_rate": [0.1, 0.2, 0.3, 0.4]}
    alone = GridSearchCV(make(0), grid, cv=2).fit(X, y)
    with parallel_config(backend="threading", n_jobs=4):
        together = GridSearchCV(make(0), grid, cv=2).fit(X, y)
    for name in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(together.cv_results_[name], alone.cv_results_[name])
    assert together.best_estimator_.tickets_ == alone.best_estimator_.tickets_


def test_default_nets_leave_torchs_generator_to_others():
    torch.manual_seed(5)
    expected = [torch.rand(3).tolist() for _ in range(400)]
    torch.manual_seed(5)
    drawn, ended = [], threading.Event()

    def draw():
        while len(drawn) < 400 and not ended.is_set() or len(drawn) < 5:
            drawn.append(torch.rand(3).tolist())

    other = threading.Thread(target=draw)
    with ThreadPoolExecutor(3) as executor:
        other.start()
        list(executor.map(lambda seed: default(seed).fit(X, y), range(6)))
    ended.set()
    other.join()
    assert drawn == expected[: len(drawn)]
