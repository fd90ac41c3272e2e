"""Two threads that share a training's steps, while that is the faster way."""

import pytest
from numba import njit

from skticket.engines import _numba
from skticket.engines._team import Pace


class _Clock:
    """Seconds that pass when it is told so."""

    now = 0.0

    def __call__(self):
        return self.now


def _calls(monkeypatch, seconds, n_calls, n_threads=2, n_steps=100):
    """Make calls whose steps take `seconds(n_threads, call)`; return what each was given."""
    clock = _Clock()
    monkeypatch.setattr("skticket.engines._team.time.perf_counter", clock)
    pace, calls = Pace(), []
    for call in range(n_calls):
        threads, steps = pace.choose(n_threads, n_steps)
        with pace.measured(threads, steps):
            clock.now += steps * seconds(threads, call)
        calls.append((threads, steps))
    return calls


def test_two_threads_that_are_faster_take_nearly_all_steps(monkeypatch):
    calls = _calls(monkeypatch, lambda n, _: {1: 2.0, 2: 1.1}[n], 100)
    alone = sum(steps for threads, steps in calls if threads == 1)
    assert 0 < alone < 0.02 * sum(steps for _, steps in calls)


def test_two_threads_that_are_slower_are_tried_now_and_then(monkeypatch):
    calls = _calls(monkeypatch, lambda n, _: {1: 1.0, 2: 1.5}[n], 100)
    together = [call for call, (threads, _) in enumerate(calls) if threads == 2]
    assert together[0] == 1
    assert 2 <= len(together) <= 5


def test_a_machine_that_becomes_idle_is_noticed(monkeypatch):
    calls = _calls(monkeypatch, lambda n, call: 1.0 if n == 1 else (2.0, 0.5)[call >= 40], 100)
    assert {threads for threads, _ in calls[20:31]} == {1}
    assert [threads for threads, _ in calls[60:]].count(2) >= 35


def test_one_long_wait_is_no_reason_to_go_on_alone(monkeypatch):
    calls = _calls(monkeypatch, lambda n, call: 1.0 if n == 1 else (0.6, 60.0)[call == 5], 16)
    assert [threads for threads, _ in calls[6:15]] == [2] * 9


def test_a_first_call_that_loads_code_decides_nothing(monkeypatch):
    for together, others in ((0.6, 2), (1.5, 1)):
        calls = _calls(
            monkeypatch, lambda n, call, t=together: 60.0 if call == 0 else {1: 1.0, 2: t}[n], 15
        )
        assert [threads for threads, _ in calls[3:]] == [others] * 12


@pytest.mark.parametrize("n_steps", [1, 7, 100])
def test_one_thread_takes_all_steps(monkeypatch, n_steps):
    assert set(_calls(monkeypatch, lambda *_: 1.0, 40, 1, n_steps)) == {(1, n_steps)}


def test_who_waits_for_long_gives_way():
    # Compiled code may ask for a function only by its name; a name that is not found is left out.
    @njit
    def wait():
        _numba._give_way()

    wait()
    assert any(name in wait.inspect_llvm(wait.signatures[0]) for name in _numba.GIVE_WAY)
