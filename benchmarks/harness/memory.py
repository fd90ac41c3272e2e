"""Peak memory, of a process of its own."""

import multiprocessing
from pathlib import Path

POLL = 0.002
# What every process would import first: a server does it once, and its children begin with that.
IMPORTED = ["sklearn.neural_network", "skticket", "numba"]


def missing_memory():
    """Say why memory cannot be measured; "" if it can."""
    return "" if Path("/proc/self/status").exists() else "there is no /proc on this system"


def peak_memory(prepare, work):
    """Return how many kB some work takes at its peak, in a process of its own.

    Counted is what the process has allocated, beyond what it had when the work began; not the
    pages of files that are mapped, which the system drops when it needs the memory.

    Parameters
    ----------
    prepare : callable
        Makes the data. A function of a module, or a partial of one, as `work`.
    work : callable
        Takes the data.
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
    ours.recv()
    process.join()
    return max(peak - before, 1)


def _child(parent, prepare, work):
    data = prepare()
    parent.send("ready")
    parent.recv()
    work(data)
    parent.send("done")


def _allocated(pid):
    """Anonymous memory of a process, in kB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")]
    return sum(map(int, found))
