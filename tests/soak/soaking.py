"""What the soak scripts share: random small searches, what is compared of them, and the count.

These scripts are no part of the test suite: each goes on for as long as it is told, with other
searches in every try.

    python tests/soak/killed_searches.py --minutes 60 --seed 0
    python tests/soak/shared_memory.py --minutes 60 --seed 0
    python tests/soak/damaged_files.py --minutes 60 --seed 0

Each prints a line a minute and a table at the end, and fails if anything was lost or left over.
`--only N` repeats the try of a number.
"""

import argparse
import faulthandler
import hashlib
import json
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import make_classification, make_regression
from skorch import NeuralNetClassifier
from torch import nn

from skticket import WinningTicketClassifier, WinningTicketRegressor
from skticket.pruning import Magnitude, MagnitudeIncrease, Movement, UnitProduct

# Fresh processes that have imported everything, and in which nothing was computed yet.
PROCESSES = multiprocessing.get_context("forkserver")
# torch imports that part of itself at the first optimizer.
PROCESSES.set_forkserver_preload(["soaking", "skticket.cli._evidence", "skrub", "torch._dynamo"])
# A search takes seconds; what takes longer than this hangs.
_LONGEST = 900
_KILLED = object()
# Searches this small need a tenth of it.
_MOST_MEMORY = 4 * 2**30
COLUMNS = ("tried", "survived", "lost", "left over")
_STRATEGIES = (
    "magnitude", "random", "initial_magnitude", "magnitude_increase",
    "large_init_large_final", "movement",
    "snip", "grasp", "synflow", "unit_input", "unit_output", "unit_product",
)  # fmt: skip
_INSTANCES = {
    "Magnitude": Magnitude,
    "MagnitudeIncrease": MagnitudeIncrease,
    "Movement": Movement,
    "UnitProduct": UnitProduct,
}


# Networks of one's own


class Dropping(nn.Module):
    """Draws random numbers in every step."""

    def __init__(self, n_outputs):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(16, 12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, n_outputs)
        )

    def forward(self, X):
        return self.layers(X)


class Convolving(nn.Module):
    """Takes images, and keeps statistics of its batches."""

    def __init__(self, n_outputs):
        super().__init__()
        self.convolution = nn.Conv2d(1, 3, 3)
        self.norm = nn.BatchNorm2d(3)
        self.linear = nn.Linear(12, n_outputs)

    def forward(self, X):
        X = torch.relu(self.norm(self.convolution(X.reshape(-1, 1, 4, 4))))
        return self.linear(X.flatten(1))


class Chain(nn.Sequential):
    """Of the kind that every engine covers."""

    def __init__(self, n_outputs):
        super().__init__(nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, n_outputs))


_MODULES = {"dropout": Dropping, "convolution": Convolving, "chain": Chain}


# Searches


def draw_case(rng):
    """Return what describes a random small search: a dict that JSON can hold."""

    def one_of(*options):
        return options[rng.integers(len(options))]

    kind = one_of("default", "default", "default", "regression", *_MODULES)
    strategy = one_of(*_STRATEGIES)
    if rng.random() < 0.2:
        name = one_of(*_INSTANCES)
        options = {"output_rate": one_of(0, 0.5, 1)} if not name.startswith("Unit") else {}
        strategy = [name, {"scope": one_of("layer", "global"), **options}]
    case = {
        "kind": kind,
        "data_seed": int(rng.integers(100)),
        "n_rows": int(rng.integers(40, 200)),
        "n_classes": one_of(2, 3),
        "strategy": strategy,
        "rounds": int(rng.integers(0, 6)),
        "prune_rate": one_of(0.1, 0.2, 0.5, 1, 2),
        "schedule": one_of("iterative", "iterative", "one-shot", "evolving"),
        "rewind_to": one_of("init", "none", "reinit", "rearrange", 1, 2, 5),
        "select": one_of("last", "best", "winning"),
        "layout": one_of("auto", "dense", "sparse"),
        "validation_fraction": one_of(0.0, 0.1, 0.3),
        "evaluate_every": one_of(None, None, 1, 3),
        "random_state": int(rng.integers(1000)),
        "max_epochs": int(rng.integers(1, 10)),
        "batch_size": one_of(8, 20, 64),
        "optimizer": one_of("adam", "sgd"),
    }
    if kind in ("default", "regression"):
        case["hidden_layer_sizes"] = one_of([10], [12, 8], [60, 30], [300, 100], [8, 8, 8])
        case["init"] = one_of("glorot_normal", "he_normal")
    return case


def data_of(case):
    """Return inputs and targets."""
    if case["kind"] == "regression":
        X, y = make_regression(case["n_rows"], 16, n_informative=5, random_state=case["data_seed"])
        y = y / y.std()
    else:
        X, y = make_classification(
            case["n_rows"], 16, n_informative=6, n_classes=case["n_classes"],
            n_clusters_per_class=1, random_state=case["data_seed"],
        )  # fmt: skip
    return X.astype(np.float32), y


def estimator_of(case, **parameters):
    """Return the estimator, not yet fitted."""
    case = dict(case)
    kind = case.pop("kind")
    n_classes = [case.pop(name) for name in ("data_seed", "n_rows", "n_classes")][-1]
    if isinstance(case["strategy"], list):
        name, options = case["strategy"]
        case["strategy"] = _INSTANCES[name](**options)
    if kind == "regression":
        return WinningTicketRegressor(**case | {"learning_rate": 1e-2} | parameters)
    if kind in _MODULES:
        optimizers = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
        net = NeuralNetClassifier(
            _MODULES[kind],
            module__n_outputs=n_classes,
            criterion=nn.CrossEntropyLoss,
            optimizer=optimizers[case.pop("optimizer")],
            lr=0.01,
            max_epochs=case.pop("max_epochs"),
            batch_size=case.pop("batch_size"),
            verbose=0,
        )
        return WinningTicketClassifier(net=net, **case | parameters)
    return WinningTicketClassifier(**case | {"learning_rate": 1e-2} | parameters)


def digests_of(estimator, X):
    """Return a hash of each part of what a fit gives, all but the time that it took."""
    columns = {k: v for k, v in estimator.round_results_.items() if k != "fit_time"}
    histories = [[_without_times(row) for row in history] for history in estimator.histories_]
    parts = {
        "round_results_": [(name, _bits(column)) for name, column in columns.items()],
        "histories_": histories,
        "selected_round_": estimator.selected_round_,
        "n_iter_": estimator.n_iter_,
        "ticket_": _ticket_bits(estimator.ticket_),
        "predict": _bits(estimator.predict(X)),
    }
    parts |= {f"tickets_[{n}]": _ticket_bits(t) for n, t in enumerate(estimator.tickets_)}
    return {name: hashlib.sha256(repr(part).encode()).hexdigest() for name, part in parts.items()}


def _without_times(row):
    return {name: value for name, value in row.items() if name not in ("dur", "batches")}


def _bits(array):
    array = np.asarray(array)
    return array.dtype.str, array.shape, array.tobytes()


def _ticket_bits(ticket):
    groups = {"initial": ticket.initial, "mask": ticket.mask, "weights": ticket.weights}
    groups |= ticket.checkpoints
    return [(group, [(n, _bits(a)) for n, a in arrays.items()]) for group, arrays in groups.items()]


def fit_case(case, n_threads=1, **parameters):
    """Return the digests of a search, or the words in which it was refused."""
    use_threads(n_threads)
    X, y = data_of(case)
    try:
        return digests_of(estimator_of(case, **parameters).fit(X, y), X)
    except ValueError as error:
        return {"refused": str(error)}


def use_threads(n_threads):
    """Let this process compute with so many threads."""
    os.environ["OMP_NUM_THREADS"] = str(n_threads)
    torch.set_num_threads(n_threads)


# Processes


class Lost(Exception):
    """A result is wrong, or missing."""


def _serve(connection, function, args, kwargs):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.dump_traceback_later(_LONGEST - 60)
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
    connection.send("ready")
    result = function(*args, **kwargs)
    used = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if used > _MOST_MEMORY / 4:
        raise Lost(f"it took {used / 2**30:.1f} GiB of memory")
    connection.send(result)


class Running:
    """A function that runs in a process of its own."""

    def __init__(self, function, *args, **kwargs):
        self._connection, other = PROCESSES.Pipe()
        self.process = PROCESSES.Process(target=_serve, args=(other, function, args, kwargs))
        self.process.start()
        other.close()
        self._receive()

    def result(self):
        """Return what the function returned, and whether its process was killed instead."""
        result = self._receive()
        self.process.join()
        return (None, True) if result is _KILLED else (result, False)

    def _receive(self):
        # Second by second: time in which all processes are stopped counts one of them.
        if not any(self._connection.poll(1) for _ in range(_LONGEST)):
            self.process.kill()
            raise Lost(f"no result after {_LONGEST} s")
        try:
            return self._connection.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            if self.process.exitcode == -signal.SIGKILL:
                return _KILLED
            raise Lost(f"the process ended with {self.process.exitcode}") from None

    def kill(self, seconds):
        """Kill it after so long, unless it is at its end before."""
        if not self._connection.poll(seconds):
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)


def in_process(function, *args, **kwargs):
    """Return what a function returns in a process of its own."""
    result, is_killed = Running(function, *args, **kwargs).result()
    if is_killed:
        raise Lost("killed by another")
    return result


def check_same(found, expected):
    """Raise `Lost` with the parts that differ."""
    differing = [n for n in expected.keys() | found.keys() if found.get(n) != expected.get(n)]
    if differing:
        raise Lost(f"differs in {sorted(differing)}; {found.get('refused', '')}")


_KEPT = {"output.pkl", "metadata.json", "func_code.py", ".gitignore"}


def left_in_memory(folder):
    """Return the files that are neither an entry's nor the memory's own."""
    return [str(p) for p in Path(folder).rglob("*") if p.is_file() and p.name not in _KEPT]


# Counting


class Tally:
    """How often what was tried, survived, was lost, and left something over."""

    def __init__(self):
        self._counts = {}

    def add(self, row, **columns):
        """Count; spaces in the names of columns are underscores here."""
        counts = self._counts.setdefault(row, Counter())
        for name, n in columns.items():
            counts[name.replace("_", " ")] += n

    @property
    def total(self):
        """All rows together."""
        return sum(self._counts.values(), Counter())

    def line(self):
        """Return the totals in one line."""
        return ", ".join(f"{name} {self.total[name]:,}" for name in COLUMNS)

    def table(self):
        """Return all counts as Markdown."""
        others = sorted({n for counts in self._counts.values() for n in counts} - {*COLUMNS})
        columns = (*COLUMNS, *others)
        lines = [["", *columns], ["---"] * (len(columns) + 1)]
        for row, counts in [*sorted(self._counts.items()), ("all", self.total)]:
            lines.append([row, *(f"{counts[name]:,}" for name in columns)])
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def soak(attempt, description, prepare=None):
    """Call `attempt(rng, tally, folder)` again and again, and exit with 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="the number of the one try to repeat")
    arguments = parser.parse_args()
    tally = Tally()
    start = time.monotonic()
    if prepare is not None:
        prepare()
    number, minute = arguments.only or 0, 0
    while time.monotonic() - start < 60 * arguments.minutes:
        _attempt(attempt, [arguments.seed, number], tally)
        number += 1
        elapsed = (time.monotonic() - start) / 60
        if elapsed >= minute + 1:
            minute = int(elapsed)
            print(f"{minute} min: {tally.line()}", flush=True)
        if arguments.only is not None:
            break
    print(f"\nseed {arguments.seed}, {number} tries, {elapsed:.1f} minutes\n\n{tally.table()}")
    sys.exit(bool(tally.total["lost"] or tally.total["left over"]))


def _attempt(attempt, seeds, tally):
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        try:
            attempt(np.random.default_rng(seeds), tally, Path(folder))
        except Exception:
            tally.add("a try that failed", tried=1, lost=1)
            print(f"try {seeds[1]}: {traceback.format_exc()}", flush=True)


def report(row, number_of_faults, case, what):
    """Say what was lost or left over, with what repeats it."""
    print(f"{row}: {number_of_faults} {what}\n    {json.dumps(case)}", flush=True)


def compile_all():
    """Compile what the sparse layout needs, once, so that no search has to."""
    rng = np.random.default_rng(0)
    for kind in ("default", "regression", "chain"):
        for optimizer in ("adam", "sgd"):
            changes = {"kind": kind, "optimizer": optimizer, "layout": "sparse", "rounds": 1}
            case = draw_case(rng) | changes | {"schedule": "iterative", "strategy": "magnitude"}
            if kind == "chain":
                case = {n: v for n, v in case.items() if n not in ("hidden_layer_sizes", "init")}
            in_process(fit_case, case, rewind_to="init")
