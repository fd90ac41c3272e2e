"""What is remembered is told apart by the code behind it, and by its key."""

import re
import shutil
import types
import warnings
from functools import partial
from pathlib import Path

import joblib
import numba
import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback

import skticket.search._memory as room
from skticket import WinningTicketClassifier
from skticket.pruning import Evolving
from skticket.utils import code_key

X, y = load_iris(return_X_y=True)
X = scale(X).astype(np.float32)

MODULE = """
import torch
from torch import nn
from skorch.callbacks import Callback
FACTOR = {factor}

def helper(X):
    return X * {helper}

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, X):
        return self.last(helper(torch.{activation}(self.first(X)))) * FACTOR
"""


def define(namespace=None, **values):
    """Run a notebook's cell, again."""
    values = {"activation": "relu", "helper": 1, "factor": 1} | values
    namespace = {"__name__": "__main__"} if namespace is None else namespace
    exec(compile(MODULE.format(**values), "<cell>", "exec"), namespace)
    return namespace["Net"]


@pytest.fixture
def Net(monkeypatch):
    """A function that defines the class anew, so that pickle finds it."""
    import __main__

    def make(**values):
        module = define(**values)
        monkeypatch.setattr(__main__, "Net", module, raising=False)
        return module

    return make


def classifier(module, **params):
    net = NeuralNetClassifier(
        module,
        criterion=torch.nn.CrossEntropyLoss,
        lr=0.1,
        max_epochs=5,
        batch_size=30,
        verbose=0,
        callbacks=params.pop("callbacks", None),
    )
    return WinningTicketClassifier(net=net, random_state=0, **{"rounds": 1} | params)


CHANGES = [{"activation": "tanh"}, {"helper": 2}, {"factor": 3}]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_memory_knows_changed_code(Net, tmp_path, change):
    first = classifier(Net(), memory=str(tmp_path)).fit(X, y)
    fresh = classifier(Net(**change)).fit(X, y)
    assert fresh.tickets_ != first.tickets_
    changed = classifier(Net(**change), memory=str(tmp_path)).fit(X, y)
    assert changed.tickets_ == fresh.tickets_
    n_entries = len(list(tmp_path.rglob("output.pkl")))
    # The same code, defined again, is the same.
    again = classifier(Net(), memory=str(tmp_path)).fit(X, y)
    assert again.tickets_ == first.tickets_
    assert len(list(tmp_path.rglob("output.pkl"))) == n_entries


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_warm_start_knows_changed_code(Net, change):
    clf = classifier(Net(), warm_start=True).fit(X, y)
    changed = Net(**change)
    clf.net.module = changed
    clf.set_params(rounds=2).fit(X, y)
    assert clf.tickets_ == classifier(changed, rounds=2).fit(X, y).tickets_


SCORE = """
def score(ticket):
    return {{name: {sign} * abs(array) for name, array in ticket.weights.items()}}
"""


def test_memory_knows_changed_code_of_what_prunes_as_it_trains(monkeypatch, tmp_path):
    import __main__

    def fit(sign, **params):
        namespace = {"__name__": "__main__"}
        exec(compile(SCORE.format(sign=sign), "<cell>", "exec"), namespace)
        monkeypatch.setattr(__main__, "score", namespace["score"], raising=False)
        clf = WinningTicketClassifier(
            (8,),
            schedule=Evolving(every=2, rate=0.5),
            strategy=namespace["score"],
            rounds=3,
            batch_size=30,
            max_epochs=3,
            random_state=0,
            **params,
        )
        return clf.fit(X, y)

    first = fit(1, memory=str(tmp_path))
    fresh = fit(-1)
    assert fresh.ticket_ != first.ticket_
    assert fit(-1, memory=str(tmp_path)).ticket_ == fresh.ticket_
    n_entries = len(list(tmp_path.rglob("output.pkl")))
    assert fit(1, memory=str(tmp_path)).ticket_ == first.ticket_
    assert len(list(tmp_path.rglob("output.pkl"))) == n_entries


class _Noting(Callback):
    def on_epoch_end(self, net, **kwargs):
        pass


def test_code_of_callbacks_and_optimizers_counts():
    values = [
        _Noting(),
        partial(torch.optim.SGD, momentum=0.5),
        partial(torch.optim.SGD, momentum=0.6),
        partial(torch.optim.Adam),
        lambda ticket: 1,
        lambda ticket: 2,
    ]
    assert len({code_key(value) for value in values}) == len(values)
    assert None not in map(code_key, values)


def test_versions_count(monkeypatch):
    before = code_key(torch.nn.ReLU)
    monkeypatch.setattr("skticket.utils._code.version", lambda name: "0.0")
    assert code_key(torch.nn.ReLU) != before


def test_code_that_cannot_be_had(tmp_path):
    room._say_that_nothing_is_remembered.cache_clear()

    def made_on_the_spot(parameters, lr):
        return torch.optim.SGD(parameters, lr=lr)

    clf = WinningTicketClassifier(
        (8,), rounds=1, max_epochs=2, optimizer=made_on_the_spot, memory=str(tmp_path)
    )
    with pytest.warns(UserWarning, match="not remembered"):
        clf.fit(X, y)
    assert not list(tmp_path.rglob("output.pkl"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Every round ended")
        clf.fit(X, y)  # said once


def test_swapped_entries_are_noticed(tmp_path, caplog):
    fits = [
        WinningTicketClassifier(
            (8,), rounds=0, max_epochs=2, random_state=seed, memory=str(tmp_path)
        )
        for seed in range(2)
    ]
    expected = [clf.fit(X, y).tickets_ for clf in fits]
    first, second = [Path(path).parent for path in tmp_path.rglob("output.pkl")]
    shutil.move(first, tmp_path / "aside")
    shutil.move(second, first)
    shutil.move(tmp_path / "aside", second)
    assert [clf.fit(X, y).tickets_ for clf in fits] == expected
    assert len([r for r in caplog.records if re.search("another's result", r.getMessage())]) == 2
    caplog.clear()
    assert [clf.fit(X, y).tickets_ for clf in fits] == expected
    assert not caplog.records


def test_a_memory_of_joblibs_own(tmp_path):
    memory = joblib.Memory(tmp_path, verbose=0)
    clf = WinningTicketClassifier((8,), rounds=1, max_epochs=2, random_state=0, memory=memory)
    assert clf.fit(X, y).tickets_ == clf.fit(X, y).tickets_
    assert len(list(tmp_path.rglob("output.pkl"))) == 2


def test_code_in_another_module_counts(tmp_path, monkeypatch):
    def function(source):
        helpers = types.ModuleType("helpers_of_mine")
        exec(source, vars(helpers))
        namespace = {"__name__": "__main__", "helpers": helpers}
        exec("def score(ticket):\n    return helpers.scale(ticket)", namespace)
        return namespace["score"]

    first = function("def scale(x):\n    return x")
    again = function("def scale(x):\n    return x")
    changed = function("def scale(x):\n    return -x")
    assert code_key(first) == code_key(again) != code_key(changed)


def test_an_unset_variable_of_a_closure():
    def outer():
        def inner():
            return later

        if X is None:
            later = 1
        return inner

    assert code_key(outer()) is not None


def test_a_compiled_class_of_no_known_library():
    dispatcher = type(numba.njit(lambda x: x)).__mro__
    compiled = next(kind for kind in dispatcher if kind.__module__ == "_dispatcher")
    assert code_key(compiled) is None
    assert code_key(compiled.__call__) is None


class _Remembering:
    """A memory of one's own: all that is asked of it is `cache`."""

    def __init__(self, folder):
        self._memory = joblib.Memory(folder, verbose=0)

    def cache(self, function, ignore=None):
        return self._memory.cache(function, ignore=ignore)


def test_a_memory_that_only_caches(tmp_path):
    memory = _Remembering(tmp_path)
    clf = WinningTicketClassifier((8,), rounds=1, max_epochs=2, random_state=0, memory=memory)
    assert clf.fit(X, y).tickets_ == clf.fit(X, y).tickets_
    assert len(list(tmp_path.rglob("output.pkl"))) == 2
