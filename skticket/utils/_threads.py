"""How many threads there are to use, and how the user's Ctrl-C is told from a callback's stop."""

import os
import signal
import threading
from contextlib import contextmanager

import torch
from joblib import cpu_count


def n_threads_allowed():
    """Cores of this process; fewer where a limit is set, as joblib sets it in its workers."""
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(cpu_count(), int(limit)) if limit.isdecimal() else cpu_count()


def n_training_threads():
    """Threads of a training: those that this process may use, unless it trains in threads.

    What runs in a thread of its own runs beside others.
    """
    if threading.current_thread() is not threading.main_thread():
        return 1
    return min(n_threads_allowed(), torch.get_num_threads())


@contextmanager
def noting_interrupts():
    """Note, in a list that is empty until then, that the user has pressed Ctrl-C.

    A callback of skorch ends a training by the same exception as Ctrl-C does. Signals reach
    the main thread alone; elsewhere the list stays empty.
    """
    interrupts = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield interrupts
        return

    def note(number, frame):
        interrupts.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
