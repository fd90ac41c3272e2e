"""`mnist` and `study` on a `dask.distributed` cluster of two processes, one of which dies."""

import os
import signal
import sys
import threading
import time

import pytest

distributed = pytest.importorskip("distributed")

MNIST = ["mnist", "iterative-controls", "--preset", "smoke", "--dataset", "digits"]
STUDY = ["study", "stability", "--preset", "smoke", "--dataset", "digits"]


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        worker_dashboard_address=None,
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Give the folder for what this process computes itself."""
    return tmp_path_factory.mktemp("expected")


@pytest.mark.parametrize("command", [MNIST, STUDY], ids=["mnist", "study"])
def test_same_tables(cluster, tmp_path, expected, run_command, command):
    address = cluster.scheduler_address
    result = run_command(*command, "--cluster", address, "--output", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert run_command(*command, "--jobs", 1, "--output", expected).exit_code == 0
    table = f"{command[1]}.csv"
    assert (tmp_path / table).read_bytes() == (expected / table).read_bytes()


def test_a_worker_dies(cluster, tmp_path, expected, run_command, remembered):
    """Killed while it trains: what it had not finished is trained by the other."""
    cluster.wait_for_workers(2, timeout=60)
    with distributed.Client(cluster.scheduler_address) as client:
        victim = next(iter(client.run(os.getpid).values()))
    # Where there is no SIGKILL, what there is kills as surely.
    fatal = getattr(signal, "SIGKILL", signal.SIGTERM)
    is_killed = threading.Event()

    def kill():
        while not remembered(tmp_path):
            time.sleep(0.01)
        os.kill(victim, fatal)
        is_killed.set()

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    address = cluster.scheduler_address
    result = run_command(*MNIST, "--cluster", address, "--output", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert is_killed.is_set()
    assert run_command(*MNIST, "--jobs", 1, "--output", expected).exit_code == 0
    table = f"{MNIST[1]}.csv"
    assert (tmp_path / table).read_bytes() == (expected / table).read_bytes()


@pytest.mark.parametrize("address", ["nowhere", "tcp://127.0.0.1:9"])
def test_no_scheduler_there(tmp_path, assert_refused, remembered, monkeypatch, address):
    monkeypatch.setattr("skticket.cli._cluster._CONNECT", 1)
    arguments = [*MNIST, "--cluster", address, "--output", tmp_path]
    assert_refused(arguments, f"--cluster: no Dask scheduler answers at '{address}'")
    assert not remembered(tmp_path)


def test_no_workers(tmp_path, assert_refused, monkeypatch):
    monkeypatch.setattr("skticket.cli._cluster._WORKERS", 0.2)
    with distributed.LocalCluster(
        n_workers=0, processes=False, host="127.0.0.1", protocol="tcp", dashboard_address=":0"
    ) as cluster:
        address = cluster.scheduler_address
        arguments = [*MNIST, "--cluster", address, "--output", tmp_path]
        assert_refused(arguments, f"the scheduler at '{address}' has no workers")


def test_without_the_package(tmp_path, assert_refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    arguments = [*MNIST, "--cluster", "tcp://127.0.0.1:9", "--output", tmp_path]
    assert_refused(arguments, "clusters need the package", "pip install 'skticket[cluster]'")
