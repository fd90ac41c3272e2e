"""A second thread that shares the work of a compiled function, if it comes, while that pays."""

import math
import threading
import time
from contextlib import contextmanager

# So many steps tell how long one takes; fewer of them say little.
_TRIAL, _FEWEST = 16, 8
# After so many calls it is asked again whether the other way has become the faster one; after
# twice as many, where it has not.
_CALLS = 16
# One call, during which the machine may have been busy, changes an opinion by no more.
_SLOWER = 1.25


class Pace:
    """How many threads take the next steps: as many as were the faster, by the clock.

    On a machine that is busy otherwise, or whose two processors share no cache, a second thread is
    waited for longer than it takes to work alone. Nothing but time depends on the choice.
    """

    def __init__(self):
        self._seconds = {}
        self._faster = 2
        self._n_calls = 0
        # The very first call may have to load the compiled code.
        self._trials, self._gap = {1, 3}, _CALLS

    def choose(self, n_threads, n_steps):
        """Return how many threads, and for how many steps, of so many at most."""
        if n_threads == 1:
            return 1, n_steps
        self._n_calls += 1
        faster = 2 if self._seconds.get(2, 0) < self._seconds.get(1, math.inf) else 1
        if faster != self._faster:
            self._faster, self._gap = faster, _CALLS
        if self._n_calls not in self._trials:
            is_known = faster in self._seconds
            return faster, n_steps if is_known else min(n_steps, _TRIAL)
        if self._n_calls >= max(self._trials):
            self._trials = {self._n_calls + self._gap}
            self._gap *= 2
        return 3 - faster, min(n_steps, _TRIAL)

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
