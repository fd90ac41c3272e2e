"""The clock: contenders are timed in turns, patiently where others disturb."""

import os
import time
from contextlib import contextmanager
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

# Worker threads of the contender before spin for a while in wait of more; seconds.
_PAUSE = 0.02
# A figure is disturbed if other processes took more than this share of the processors' time. Two
# threads that wait for each other become several times slower when one of two cores is shared.
TOLERANCE = 0.05
# Units of times, in seconds; what is no time is given as it is.
UNITS = {"s": 1, "ms": 1e-3, "µs": 1e-6, "kB": 1}


@contextmanager
def limit_threads(n_threads):
    """Hold torch, OpenMP and BLAS to some threads; None leaves them alone."""
    if n_threads is None:
        yield
        return
    before = torch.get_num_threads()
    with threadpool_limits(n_threads):
        torch.set_num_threads(n_threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def all_threads():
    """Numbers of threads to try: all cores, and one."""
    return sorted({torch.get_num_threads(), 1}, reverse=True)


def measure(benchmark, case, settings):
    """Measure the contenders of a case in turns.

    Parameters
    ----------
    benchmark : str
        Its name.
    case : Case
        What is compared.
    settings : Settings
        How often, and how patiently.

    Returns
    -------
    list of dict
        A row a figure: `benchmark`, `case`, `contender`, `variant`, `repeat`, `value`, `unit`, and
        the share of the processors' time that `others` took meanwhile.
    """
    # Sizes are the same whatever others do.
    rows, patience = [], Patience(0 if case.unit == "kB" else settings.patience)
    for repeat in range(-case.warm_up, settings.repeats):
        for contender in case.contenders:
            if contender.run is None:
                continue
            value, others = _measure_patiently(contender, case.unit, patience)
            if repeat >= 0:
                row = {"benchmark": benchmark, "case": case.name, "contender": contender.name}
                row |= {"variant": contender.variant, "repeat": repeat, "value": value}
                rows.append(row | {"unit": case.unit, "others": others})
    return rows


class Patience:
    """Seconds that may still be lost to other processes.

    Parameters
    ----------
    seconds : float
        How many.
    """

    def __init__(self, seconds):
        self.left = seconds

    def wait(self):
        """Wait until other processes are quiet, or patience is at its end."""
        others = 1
        while self.left > 0 and others > TOLERANCE:
            with Others() as elapsed:
                time.sleep(0.25)
            others = elapsed.share
            self.left -= 0.25


class Others:
    """Measure which share of the processors' time other processes take."""

    def __enter__(self):
        self.start, self.work = time.perf_counter(), _work()
        return self

    def __exit__(self, *error):
        self.seconds = time.perf_counter() - self.start
        own, everyone = (after - before for before, after in zip(self.work, _work()))
        # Both clocks tick a hundred times a second.
        spent = max(everyone - own - 0.02, 0)
        self.share = spent / self.seconds / os.cpu_count()


def _work():
    """Seconds of processor time of this process and its children, and of the whole machine."""
    own = sum(os.times()[:4])
    stat = Path("/proc/stat")
    if not stat.exists():
        return own, own
    user, nice, system, _, _, irq, softirq, steal, *_ = map(
        int, stat.read_text("utf-8").split()[1:11]
    )
    everyone = user + nice + system + irq + softirq + steal
    return own, everyone / os.sysconf("SC_CLK_TCK")


def _measure_patiently(contender, unit, patience):
    """Return the least disturbed figure, and how disturbed it is."""
    best = None
    while best is None or (best[1] > TOLERANCE and patience.left > 0):
        patience.wait()
        with Others() as elapsed:
            value = _measure_once(contender, unit)
        if best is None or elapsed.share < best[1]:
            best = value, elapsed.share
        if elapsed.share > TOLERANCE:
            patience.left -= elapsed.seconds
    return best


def _measure_once(contender, unit):
    arguments = () if contender.prepare is None else (contender.prepare(),)
    time.sleep(_PAUSE)
    with limit_threads(contender.threads):
        start = time.perf_counter()
        result = contender.run(*arguments)
        seconds = time.perf_counter() - start
    return (result if unit == "kB" else seconds) / contender.work / UNITS[unit]
