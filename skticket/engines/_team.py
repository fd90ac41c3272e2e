"""A second thread that shares the work of a compiled function, if it comes, while that pays."""

import math
import threading
import time
from contextlib import contextmanager

# So many steps alone tell how long one takes; fewer of both say little.
_TRIAL, _FEWEST = 16, 8
# The first calls that try the other way: the very first may have to load the compiled code. Then
# it is asked again every so many calls whether that has become the faster one.
_TRIALS, _CALLS = (1, 3), 16
# One call, during which the machine may have been busy, changes an opinion by no more.
_SLOWER = 1.25


class Pace:
    """How many threads take the next steps: as many as were the faster, by the clock.

    On a machine that is busy otherwise, or whose two processors share no cache, a second thread is
    waited for longer than it takes to work alone. Nothing but time depends on the choice.
    """

    def __init__(self):
        self._seconds = {}
        self._n_calls = 0

    def choose(self, n_threads, n_steps):
        """Return how many threads, and for how many steps, of so many at most."""
        if n_threads == 1:
            return 1, n_steps
        self._n_calls += 1
        is_faster = self._seconds.get(2, 0) < self._seconds.get(1, math.inf)
        is_trial = self._n_calls in _TRIALS or self._n_calls % _CALLS == 0
        if is_faster != is_trial:
            return 2, n_steps
        return 1, min(n_steps, _TRIAL) if is_trial else n_steps

    @contextmanager
    def measured(self, n_threads, n_steps):
        """Take the time of so many steps with so many threads."""
        start = time.perf_counter()
        yield
        if n_steps >= _FEWEST:
            seconds = (time.perf_counter() - start) / n_steps
            before = self._seconds.get(n_threads, math.inf)
            self._seconds[n_threads] = min(seconds, _SLOWER * before)


def with_helper(function, signals, over):
    """Call a function in this thread for its first part, and in another one for its second.

    The first does all work that the second, which the system may start late or never, does not
    take part in. When it returns, the second has nothing more to do, and is not waited for.

    Parameters
    ----------
    function : callable
        Takes the number of the part, 0 or 1; it does without Python's lock meanwhile.
    signals : ndarray of int
        What the two tell each other.
    over : int
        A signal that ends every wait. The function itself gives it in the end.
    """
    try:
        _start(threading.Thread(target=function, args=(1,), daemon=True))
        function(0)
    except BaseException:  # such as Ctrl-C, before the first has begun
        signals[:] = over
        raise


def _start(thread):
    try:
        thread.start()
    except RuntimeError:  # the system has none to give
        return
