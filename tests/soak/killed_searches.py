"""Searches that are killed or interrupted at random moments, and gone on with.

Each must give to the bit what it gives when left alone. SIGKILL: the search goes on from its
`memory` in another process; so does the command `find`, which has none and starts anew. SIGINT:
the estimator is as it was before, and goes on in the same process, by `warm_start`, `memory`, both
or neither.
"""

import contextlib
import io
import os
import signal
import sys
import threading
import time

import numpy as np
import pandas as pd
from soaking import (
    Lost,
    Running,
    check_same,
    compile_all,
    data_of,
    digests_of,
    draw_case,
    estimator_of,
    fit_case,
    in_process,
    left_in_memory,
    report,
    soak,
)

from skticket import Ticket
from skticket.persistence import about_model, load_model


def attempt(rng, tally, folder):
    """Run one search undisturbed, and again with signals."""
    chance = rng.random()
    if chance < 0.1:
        _attempt_find(rng, tally, folder)
        return
    case = draw_case(rng)
    start = time.monotonic()
    expected = in_process(fit_case, case)
    duration = time.monotonic() - start
    if "refused" in expected:
        tally.add("not tried: such a search is refused", refused=1)
        return
    if chance < 0.5:
        moments = rng.uniform(0, duration, size=rng.integers(1, 6))
        _killed(case, expected, moments, rng, tally, folder)
    else:
        moments = rng.uniform(0, 1.1, size=rng.integers(1, 9))
        _interrupted(case, expected, moments, rng, tally, folder)


def _killed(case, expected, moments, rng, tally, folder):
    memory = str(folder / "memory")
    n_hit = 0
    for moment in moments:
        running = Running(fit_case, case, int(rng.integers(1, 3)), memory=memory)
        running.kill(moment)
        n_hit += running.result()[1]
    found = in_process(fit_case, case, memory=memory)
    _settle("SIGKILL", tally, n_hit, found, expected, left_in_memory(memory), case)


def _settle(row, tally, n, found, expected, left, case):
    tally.add(row, searches=1, tried=n, left_over=len(left))
    if left:
        report(row, len(left), case, f"left over: {left}")
    try:
        check_same(found, expected)
    except Lost as fault:
        tally.add(row, lost=max(n, 1))
        report(row, 1, case, f"lost: {fault}")
    else:
        tally.add(row, survived=n)


# SIGINT


def _interrupted(case, expected, moments, rng, tally, folder):
    memory = str(folder / "memory") if rng.random() < 0.6 else None
    parameters = {"memory": memory, "warm_start": bool(rng.random() < 0.6)}
    refits = bool(rng.random() < 0.3)
    n_threads = int(rng.integers(1, 3))
    found, n_hit = in_process(_until_done, case, parameters, moments, refits, n_threads)
    left = left_in_memory(memory) if memory else []
    if memory is not None:
        check_same(in_process(fit_case, case, memory=memory), expected)
    row = f"SIGINT, {' and '.join(n for n, v in parameters.items() if v) or 'nothing kept'}"
    _settle(row, tally, n_hit, found, expected, left, {**case, **parameters, "refits": refits})


def _until_done(case, parameters, moments, refits, n_threads):
    """Fit until no interrupt comes between; return digests, and how often one did.

    `moments` are shares of the time that a fit takes.
    """
    # First in peace: libraries import parts of themselves at their first use, and what of that is
    # interrupted stays broken.
    fit_case(case, n_threads)
    start = time.monotonic()
    fit_case(case, n_threads)
    duration = time.monotonic() - start
    X, y = data_of(case)
    estimator = estimator_of(case, **parameters)
    if refits:
        # Something to be kept.
        with contextlib.suppress(ValueError):
            estimator.set_params(random_state=case["random_state"] + 1).fit(X[::2], y[::2])
        estimator.set_params(random_state=case["random_state"])
    n_hit = 0
    for moment in moments:
        before = _state(estimator)
        if not _fits(estimator, X, y, moment * duration):
            n_hit += 1
            if not _is_kept(before, _state(estimator)):
                # An interrupt may come when all is done, and only the way back is left.
                return digests_of(estimator, X), n_hit
        elif not parameters["warm_start"]:
            return digests_of(estimator, X), n_hit
    return digests_of(estimator.fit(X, y), X), n_hit


def _fits(estimator, X, y, seconds):
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            estimator.fit(X, y)
            return True
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return False
    finally:
        timer.cancel()
        timer.join()


def _state(estimator):
    return {name: value for name, value in vars(estimator).items() if name.endswith("_")}


def _is_kept(before, after):
    return before.keys() == after.keys() and all(after[n] is before[n] for n in before)


# The command


def _attempt_find(rng, tally, folder):
    table = folder / "table.csv"
    X, y = data_of({"kind": "default", "data_seed": 0, "n_rows": 90, "n_classes": 3})
    pd.DataFrame(X).assign(target=y).to_csv(table, index=False)
    seed, rounds = int(rng.integers(1000)), int(rng.integers(1, 5))
    options = [
        "find", str(table), "--target", "target", "--hidden", "12,8", "--epochs", "5",
        "--rounds", str(rounds), "--seed", str(seed), "--output",
    ]  # fmt: skip
    start = time.monotonic()
    in_process(_command, [*options, str(folder / "whole")])
    duration = time.monotonic() - start
    output, n_hit = folder / "killed", 0
    for moment in rng.uniform(0, 1.1 * duration, size=rng.integers(1, 5)):
        running = Running(_command, [*options, str(output)])
        running.kill(moment)
        n_hit += running.result()[1]
        _check_whole_or_absent(output, folder / "whole")
    in_process(_command, [*options, str(output)])
    found, expected = (_files(path) for path in (output, folder / "whole"))
    left = sorted(found.keys() - expected.keys())
    found = {name: content for name, content in found.items() if name not in left}
    case = {"command": options}
    _settle("SIGKILL of find", tally, n_hit, found, expected, left, case)


def _command(arguments):
    from skticket.cli import main

    # Where trainings seem to take long it would start workers, for whose end this process would
    # have to wait: they are idle for minutes first.
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"
    sys.argv = ["skticket", *arguments]
    screen = io.StringIO()
    with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
        try:
            main()
        except SystemExit as ended:
            if ended.code:
                raise Lost(screen.getvalue()) from ended


def _files(folder):
    """All that is written, but for the seconds that trainings took."""
    return {path.name: _content(path) for path in folder.iterdir()}


def _content(path):
    if path.suffix == ".csv":
        return pd.read_csv(path).drop(columns="fit_time", errors="ignore").to_csv()
    if path.suffix == ".skops":
        # Its parts have names of the moment.
        return about_model(path), load_model(path)[-1].ticket_
    return path.read_bytes()


def _check_whole_or_absent(folder, whole):
    ticket = folder / "ticket.safetensors"
    if ticket.exists() and Ticket.load(ticket) != Ticket.load(whole / ticket.name):
        raise Lost(f"{ticket} is another ticket")
    table = folder / "rounds.csv"
    if table.exists():
        rows = [len(pd.read_csv(path / table.name)) for path in (folder, whole)]
        if rows[0] != rows[1]:
            raise Lost(f"{table} is not whole")


if __name__ == "__main__":
    np.seterr(all="ignore")
    soak(attempt, __doc__, prepare=compile_all)
