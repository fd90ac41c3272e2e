"""The parallel parts on a `dask.distributed` cluster of two processes, one of which may die.

A worker is killed by what it runs, so that it is always in the middle of the work.
"""

import os
import signal

import joblib
import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skticket import WinningTicketClassifier
from skticket.model_selection import (
    smallest_within_one_standard_error,
    ticket_scoring,
    ticket_test_score,
)

distributed = pytest.importorskip("distributed")

# Large enough for Dask to place it on workers rather than send it with each task.
X, y = make_classification(
    600, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, class_sep=1.5, random_state=0
)
GRID = {"ticket__strategy": ["magnitude", "random"], "ticket__rounds": [1, 2]}
SPLITS = list(StratifiedKFold(3).split(X, y))
# The rows of each fold, too: Dask would place them on one worker only.
SCATTER = [X, y, *(rows for split in SPLITS for rows in split)]


@pytest.fixture(scope="module")
def cluster():
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            worker_dashboard_address=None,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        # It would leave one copy of what is scattered, to be lost with its worker.
        client.amm.stop()
        yield client


class Deadly:
    """Accuracy; the first process that asks for it is killed, if it is a worker."""

    def __init__(self, marker, main):
        self.marker, self.main = str(marker), main

    def __call__(self, estimator, X, y):
        if os.getpid() != self.main:
            try:
                os.close(os.open(self.marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                pass
            else:
                # Where there is no SIGKILL, what there is kills as surely.
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        return accuracy_score(y, estimator.predict(X))


def model(**parameters):
    clf = WinningTicketClassifier(
        (12,), rounds=2, max_epochs=3, learning_rate=0.03, random_state=0, **parameters
    )
    return Pipeline([("scale", StandardScaler()), ("ticket", clf)])


def grid(scoring=None, **parameters):
    return GridSearchCV(
        model(**parameters),
        GRID,
        cv=SPLITS,
        scoring=scoring or ticket_scoring("accuracy"),
        refit=True if scoring else smallest_within_one_standard_error,
        n_jobs=-1,
        error_score="raise",
    )


def assert_same_search(first, second):
    assert first.best_params_ == second.best_params_
    ours, theirs = (search.best_estimator_["ticket"] for search in (first, second))
    assert ours.tickets_ == theirs.tickets_
    for name, column in first.cv_results_.items():
        if name.startswith(("mean_test", "split", "rank")):
            np.testing.assert_array_equal(column, second.cv_results_[name])


def assert_same_test(first, second):
    assert first.score == second.score
    np.testing.assert_array_equal(first.control_scores, second.control_scores)


@pytest.mark.slow
def test_grid(cluster):
    with joblib.parallel_config(backend="dask", scatter=SCATTER):
        search = grid().fit(X, y)
    assert_same_search(search, grid().set_params(n_jobs=1).fit(X, y))


def test_workers_share_a_memory(cluster, tmp_path):
    with joblib.parallel_config(backend="dask", scatter=SCATTER):
        search = grid(memory=str(tmp_path)).fit(X, y)
    assert_same_search(search, grid().set_params(n_jobs=1).fit(X, y))
    in_folds, in_refit = 3 * (1 + 2 * 2), search.best_params_["ticket__rounds"] + 1
    assert len(list(tmp_path.rglob("output.pkl"))) == in_folds + in_refit


def run_test(**options):
    return ticket_test_score(model(), X, y, n_controls=6, scoring=options.pop("scoring"), **options)


@pytest.mark.parametrize("scatter", [None, [X, y]], ids=["not scattered", "scattered"])
def test_ticket_test_score(cluster, scatter):
    with joblib.parallel_config(backend="dask", scatter=scatter):
        result = run_test(n_jobs=-1, scoring="neg_log_loss")
    assert_same_test(result, run_test(scoring="neg_log_loss"))


def test_data_are_sent_once(cluster):
    """What is scattered is on both workers before any task, and no task brings it along."""
    with joblib.parallel_config(backend="dask", scatter=[X, y]) as config:
        backend = config["backend"]
        keys = {future.key for future in backend.data_futures.values()}
        assert all(len(workers) == 2 for workers in cluster.who_has(keys).values())
        submitted = []
        submit = backend.client.submit

        def recorded(function, *args, tasks, **kwargs):
            submitted.append(len(joblib.hashing.pickle.dumps(_without_futures(tasks))))
            return submit(function, *args, tasks=tasks, **kwargs)

        backend.client.submit = recorded
        try:
            run_test(n_jobs=-1, scoring="accuracy")
        finally:
            del backend.client.submit
    assert len(submitted) > 1
    assert max(submitted) < X.nbytes / 2


def _without_futures(tasks):
    return [
        [arg for arg in args if not isinstance(arg, distributed.Future)] for _, args, _ in tasks
    ]


@pytest.mark.slow
def test_a_grid_survives_a_worker(cluster, tmp_path):
    scoring = Deadly(tmp_path / "killed", os.getpid())
    with joblib.parallel_config(backend="dask", scatter=SCATTER):
        search = grid(scoring).fit(X, y)
    assert (tmp_path / "killed").exists()
    assert_same_search(search, grid(scoring).set_params(n_jobs=1).fit(X, y))


@pytest.mark.slow
def test_ticket_test_score_survives_a_worker(cluster, tmp_path):
    cluster.wait_for_workers(2, timeout=60)
    scoring = Deadly(tmp_path / "killed", os.getpid())
    with joblib.parallel_config(backend="dask", scatter=[X, y]):
        result = run_test(n_jobs=-1, scoring=scoring)
    assert (tmp_path / "killed").exists()
    assert_same_test(result, run_test(scoring=scoring))
