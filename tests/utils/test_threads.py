"""How many threads a training may use."""

import threading

import pytest
import torch

from skticket.utils import _threads, n_threads_allowed, n_training_threads


def test_threads_of_a_training_are_those_of_the_process_and_of_torch(monkeypatch):
    monkeypatch.setattr(_threads, "n_threads_allowed", lambda: 8)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert n_training_threads() == 3
    monkeypatch.setattr(_threads, "n_threads_allowed", lambda: 2)
    assert n_training_threads() == 2
    inside = []
    thread = threading.Thread(target=lambda: inside.append(n_training_threads()))
    thread.start()
    thread.join()
    assert inside == [1]


@pytest.mark.parametrize("limit, n_threads", [("1", 1), ("3", 3), ("100", 4), ("", 4), ("4,2", 4)])
def test_threads_of_the_process_are_limited_by_the_environment(limit, n_threads, monkeypatch):
    monkeypatch.setattr(_threads, "cpu_count", lambda: 4)
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    assert n_threads_allowed() == n_threads
