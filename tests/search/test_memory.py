"""`memory=`: trainings that candidates, processes and runs share."""

import subprocess
import sys
import textwrap
from pathlib import Path

import joblib
import numpy as np
import pytest
from joblib import Memory, Parallel, delayed
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skticket import WinningTicketClassifier

X, y = make_classification(
    120, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, class_sep=1.5, random_state=0
)
GRID = {
    "ticket__strategy": ["magnitude", "random", "movement"],
    "ticket__rounds": [1, 3, 5, 7],
}


def classifier(**parameters):
    defaults = {
        "hidden_layer_sizes": (12,),
        "rounds": 2,
        "max_epochs": 2,
        "batch_size": 20,
        "learning_rate": 0.03,
        "random_state": 0,
    }
    return WinningTicketClassifier(**(defaults | parameters))


def grid(n_jobs=1, **parameters):
    model = Pipeline([("scale", StandardScaler()), ("ticket", classifier(**parameters))])
    return GridSearchCV(model, GRID, cv=3, n_jobs=n_jobs, error_score="raise")


def entries(store):
    return sorted(Path(store).rglob("output.pkl"))


def assert_same_search(first, second):
    assert first.best_params_ == second.best_params_
    ours, theirs = (search.best_estimator_["ticket"] for search in (first, second))
    assert ours.tickets_ == theirs.tickets_
    for name in first.cv_results_:
        if "_time" not in name and "param" not in name:
            np.testing.assert_array_equal(first.cv_results_[name], second.cv_results_[name])


@pytest.fixture(scope="module")
def without_memory():
    return grid().fit(X, y)


@pytest.mark.slow
def test_a_grid_trains_each_network_once(tmp_path, n_trained, without_memory):
    search = grid(memory=str(tmp_path)).fit(X, y)
    # A fold's full network, and seven rounds of three strategies.
    in_folds = 3 * (1 + 3 * 7)
    in_refit = search.best_params_["ticket__rounds"] + 1
    assert in_folds == 66
    assert len(n_trained) == len(entries(tmp_path)) == in_folds + in_refit
    assert_same_search(search, without_memory)
    grid(memory=str(tmp_path)).fit(X, y)
    assert len(n_trained) == in_folds + in_refit


def test_a_grid_without_memory_trains_all_again(n_trained):
    search = grid().fit(X, y)
    in_folds = 3 * 3 * (2 + 4 + 6 + 8)
    assert in_folds == 180
    assert len(n_trained) == in_folds + search.best_params_["ticket__rounds"] + 1


@pytest.mark.slow
def test_workers_share_a_memory(tmp_path, without_memory):
    search = grid(n_jobs=2, memory=str(tmp_path)).fit(X, y)
    assert len(entries(tmp_path)) == 66 + search.best_params_["ticket__rounds"] + 1
    assert_same_search(search, without_memory)


@pytest.mark.slow
def test_workers_without_memory(without_memory):
    assert_same_search(grid(n_jobs=2).fit(X, y), without_memory)


def digest(store):
    fitted = classifier(memory=store).fit(X, y)
    return joblib.hash([fitted.tickets_, fitted.round_results_["valid_loss"]])


def test_the_same_fit_at_once(tmp_path):
    digests = Parallel(n_jobs=2)(delayed(digest)(str(tmp_path)) for _ in range(6))
    assert set(digests) == {digest(None)}
    assert len(entries(tmp_path)) == 3
    assert not list(tmp_path.rglob("*thread-*"))


def truncate(data):
    return data[: len(data) // 2]


def empty(data):
    return b""


def flip(position):
    def flipped(data):
        data = bytearray(data)
        start = int(position * len(data))
        data[start : start + 8] = bytes(byte ^ 0xFF for byte in data[start : start + 8])
        return bytes(data)

    return flipped


@pytest.mark.parametrize(
    "damage", [truncate, empty, flip(0), flip(0.3), flip(0.5), flip(0.8), flip(0.999)]
)
def test_a_damaged_entry_is_trained_anew(tmp_path, n_trained, damage):
    model = classifier(memory=str(tmp_path), hidden_layer_sizes=(100, 50))
    expected = clone(model).fit(X, y)
    assert len(n_trained) == 3
    damaged = entries(tmp_path)[1]
    whole = damaged.read_bytes()
    damaged.write_bytes(damage(whole))
    assert clone(model).fit(X, y).tickets_ == expected.tickets_
    assert len(n_trained) == 4
    assert clone(model).fit(X, y).tickets_ == expected.tickets_
    assert len(n_trained) == 4


@pytest.mark.slow
def test_a_later_run_goes_on(tmp_path, n_trained):
    program = """
        import sys
        from test_memory import X, classifier, y
        classifier(memory=sys.argv[1], rounds=1).fit(X, y)
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        check=True,
        cwd=Path(__file__).parent,
    )
    assert len(entries(tmp_path)) == 2
    fitted = classifier(memory=str(tmp_path)).fit(X, y)
    assert len(n_trained) == 1
    assert fitted.tickets_ == classifier().fit(X, y).tickets_


@pytest.mark.parametrize(
    "changed",
    [
        {"random_state": 1},
        {"learning_rate": 0.02},
        {"batch_size": 19},
        {"max_epochs": 3},
        {"evaluate_every": 3},
        {"hidden_layer_sizes": (13,)},
        {"init": "he_normal"},
        {"validation_fraction": 0.2},
        {"class_weight": "balanced"},
        {"rewind_to": 2},
    ],
)
def test_what_a_training_depends_on_is_told_apart(tmp_path, n_trained, changed):
    classifier(memory=str(tmp_path)).fit(X, y)
    fitted = classifier(memory=str(tmp_path), **changed).fit(X, y)
    assert len(n_trained) == 6
    assert fitted.tickets_ == classifier(**changed).fit(X, y).tickets_


@pytest.mark.parametrize(
    "changed, n_new",
    [
        ({"rounds": 1}, 0),
        ({"select": "best"}, 0),
        ({"strategy": "movement"}, 2),
        ({"prune_rate": 0.3}, 2),
        ({"rewind_to": "none"}, 2),
        # Pruned once: one network more.
        ({"schedule": "one-shot"}, 1),
    ],
)
def test_what_a_training_does_not_depend_on_is_shared(tmp_path, n_trained, changed, n_new):
    classifier(memory=str(tmp_path)).fit(X, y)
    classifier(memory=str(tmp_path), **changed).fit(X, y)
    assert len(n_trained) == 3 + n_new


def test_data_are_told_apart(tmp_path, n_trained):
    classifier(memory=str(tmp_path)).fit(X, y)
    classifier(memory=str(tmp_path)).fit(X + 1e-3, y)
    assert len(n_trained) == 6


def test_rounds_by_hand_are_remembered(tmp_path, n_trained):
    expected = classifier(memory=str(tmp_path), rounds=1).fit(X, y)
    by_hand = classifier(memory=str(tmp_path)).partial_fit(X, y).prune().rewind().partial_fit(X, y)
    assert by_hand.ticket_ == expected.ticket_
    assert len(n_trained) == 2


def test_a_joblib_memory(tmp_path, n_trained):
    memory = Memory(tmp_path, verbose=0)
    expected = classifier(memory=memory).fit(X, y)
    assert classifier(memory=memory).fit(X, y).tickets_ == expected.tickets_
    assert len(n_trained) == 3


def test_its_size_can_be_bounded(tmp_path, n_trained):
    classifier(memory=str(tmp_path)).fit(X, y)
    sizes = [sum(p.stat().st_size for p in path.parent.iterdir()) for path in entries(tmp_path)]
    Memory(tmp_path, verbose=0).reduce_size(bytes_limit=sum(sizes) - 1)
    assert len(entries(tmp_path)) == 2
    classifier(memory=str(tmp_path)).fit(X, y)
    assert len(n_trained) == len(sizes) + 1
    Memory(tmp_path, verbose=0).reduce_size(items_limit=1)
    assert len(entries(tmp_path)) == 1


def test_a_round_takes_the_documented_space(tmp_path):
    fitted = classifier(memory=str(tmp_path), hidden_layer_sizes=(300, 100), rounds=1).fit(X, y)
    full = fitted.tickets_[0].n_weights
    for path in entries(tmp_path):
        assert path.stat().st_size < 9 * full + 20_000


class _StopAfterOneEpoch:
    """A callback of scikit-learn's kind that ends each training after an epoch."""

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        return context.task_name == "epoch"


def test_a_training_that_a_callback_ended_is_not_remembered(tmp_path, n_trained):
    stopped = classifier(memory=str(tmp_path)).set_callbacks(_StopAfterOneEpoch()).fit(X, y)
    assert [len(history) for history in stopped.histories_] == [1, 1, 1]
    assert entries(tmp_path) == []
    whole = classifier(memory=str(tmp_path)).fit(X, y)
    assert whole.tickets_ == classifier().fit(X, y).tickets_
