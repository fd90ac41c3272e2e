"""Work in a process of its own, and the memory it takes there at its peak."""

import multiprocessing
import time
from pathlib import Path

POLL = 0.002
# What every process would import first: a server does it once, and its children begin with that.
IMPORTED = ["sklearn.ensemble", "sklearn.neural_network", "skticket", "numba"]


def missing_memory():
    """Say why memory cannot be measured; "" if it can."""
    return "" if Path("/proc/self/status").exists() else "there is no /proc on this system"


def peak_memory(prepare, work):
    """Return how many kB some work takes at its peak, as `apart` has it."""
    return apart(prepare, work)["kB"]


def apart(prepare, work):
    """Do some work in a process of its own, and measure it.

    Parameters
    ----------
    prepare : callable
        Makes the data. A function of a module, or a partial of one, as `work`.
    work : callable
        Takes the data.

    Returns
    -------
    dict
        `result`, what the work returns; `seconds` and `processor`, the time it takes, and that of
        the processor; `kB`, what the process has allocated at most, beyond what it had when the
        work began. Pages of files that are mapped do not count: the system drops them when it
        needs the memory.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    ours, theirs = context.Pipe()
    process = context.Process(target=_child, args=(theirs, prepare, work))
    process.start()
    theirs.close()
    ours.recv()
    before = peak = _allocated(process.pid)
    ours.send("begin")
    while not ours.poll(POLL):
        peak = max(peak, _allocated(process.pid))
    measured = ours.recv()
    process.join()
    return measured | {"kB": max(peak - before, 1)}


def _child(parent, prepare, work):
    data = prepare()
    parent.send("ready")
    parent.recv()
    start, processor = time.perf_counter(), time.process_time()
    result = work(data)
    spent = {"seconds": time.perf_counter() - start, "processor": time.process_time() - processor}
    parent.send({"result": result} | spent)


def _allocated(pid):
    """Anonymous memory of a process, in kB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")]
    return sum(map(int, found))
