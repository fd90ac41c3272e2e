"""Peak memory of a fit: on sparse inputs, and on rows in a file.

    python benchmarks/memory.py [--help]

The fits of `sparse_rows`, beside the same with an array and `MLPClassifier`; an array made of the
sparse matrix counts, as whoever needs one has to make it. And one round on 4 GB of float32 rows, in
a file made for that, which is mapped to memory. Each in a process of its own; see `harness.memory`.
"""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from harness import OURS, Case, Claim, Contender, main, missing_memory, peak_memory
from sparse_rows import ARRAY, SKLEARN, SKLEARN_ARRAY, TABLES, TINY, ours, sklearn

from skticket import WinningTicketClassifier

COPY = "a copy of the rows"
N_ROWS, N_COLUMNS, ROWS_AT_A_TIME = 10_000_000, 100, 100_000
# 4 GB of rows, less than 1 GB of memory.
WANTED = 4


def cases(settings):
    """Yield a case for each sparse table, and one for the file."""
    for table, (make, hidden) in TABLES.items():
        prepare = partial(make, **settings.choose({}, TINY[make]))
        fits = {
            SKLEARN: partial(_fit, False, partial(sklearn, hidden)),
            SKLEARN_ARRAY: partial(_fit, True, partial(sklearn, hidden)),
            ARRAY: partial(_fit, True, partial(ours, hidden, 0)),
            OURS: partial(_fit, False, partial(ours, hidden, 0)),
        }
        contenders = [
            _contender(name, partial(peak_memory, prepare, fit)) for name, fit in fits.items()
        ]
        claims = [Claim((other,)) for other in (SKLEARN, SKLEARN_ARRAY, ARRAY)]
        yield Case(f"{table}: the full network", contenders, claims, unit="kB", warm_up=0)
    n_rows = settings.choose(N_ROWS, 2000)
    with tempfile.TemporaryDirectory() as folder:
        write_rows(folder, n_rows)
        contenders = [
            _contender(COPY, lambda: n_rows * N_COLUMNS * 4 / 1000),
            _contender(OURS, partial(peak_memory, partial(mapped_rows, folder), fit_one_round)),
        ]
        claims = [Claim((COPY,), settings.choose(WANTED, None))]
        yield Case(f"{n_rows:,} rows in a file", contenders, claims, unit="kB", warm_up=0)


def write_rows(folder, n_rows):
    """Write random rows, and labels of two classes, to files."""
    rng = np.random.default_rng(0)
    shape = n_rows, N_COLUMNS
    X = np.lib.format.open_memmap(Path(folder, "X.npy"), "w+", np.float32, shape)
    y = np.empty(n_rows, np.int64)
    for start in range(0, n_rows, ROWS_AT_A_TIME):
        part = slice(start, start + ROWS_AT_A_TIME)
        X[part] = rng.standard_normal(X[part].shape, np.float32)
        y[part] = X[part, :5].sum(axis=1) > 0
    X.flush()
    np.save(Path(folder, "y.npy"), y)


def mapped_rows(folder):
    """Return the rows, mapped, and the labels."""
    return np.load(Path(folder, "X.npy"), mmap_mode="r"), np.load(Path(folder, "y.npy"))


def fit_one_round(data):
    """Train the full network for one pass, prune it, and train the ticket."""
    WinningTicketClassifier((100,), rounds=1, max_epochs=1, random_state=0).fit(*data)


def _contender(name, run):
    reason = missing_memory()
    return Contender(name, None if reason else run, missing=reason)


def _fit(as_array, fit, data):
    X, y = data
    fit(X.toarray() if as_array else X, y)


if __name__ == "__main__":
    main("memory", cases, __doc__)
