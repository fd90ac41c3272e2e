"""What killed processes and damage leave in a folder of `memory=`."""

import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import joblib
import pytest
from joblib import numpy_pickle
from sklearn.datasets import load_iris

from skticket import WinningTicketClassifier
from skticket.search import open_memory

X, y = load_iris(return_X_y=True)


def classifier(memory, **parameters):
    return WinningTicketClassifier(
        (8,), rounds=1, max_epochs=2, random_state=0, memory=memory, **parameters
    )


def entries(folder):
    return sorted(Path(folder).rglob("output.pkl"))


def halves(folder):
    return sorted(Path(folder).rglob("*.pkl.*")) + sorted(Path(folder).rglob("*.json.*"))


def train_and(*, dying_after, folder):
    """Fit in another process, which is killed while it writes what it trained."""
    program = f"""
        import os, signal, sys
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        from joblib import numpy_pickle
        from test_damaged_memory import X, classifier, y

        dump, trained = numpy_pickle.dump, []

        def dying(value, file, compress):
            trained.append(value)
            if len(trained) == {dying_after}:
                file.write(b"half")
                file.flush()
                os.kill(os.getpid(), signal.SIGKILL)
            return dump(value, file, compress)

        numpy_pickle.dump = dying
        classifier(sys.argv[1]).fit(X, y)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(program), folder])
    assert killed.returncode == -signal.SIGKILL


@pytest.mark.skipif(os.name != "posix", reason="asks POSIX which processes live")
def test_halves_of_killed_processes_are_removed(tmp_path):
    train_and(dying_after=2, folder=tmp_path)
    assert (len(entries(tmp_path)), len(halves(tmp_path))) == (1, 1)
    fitted = classifier(str(tmp_path)).fit(X, y)
    assert (len(entries(tmp_path)), len(halves(tmp_path))) == (2, 0)
    assert fitted.tickets_ == classifier(None).fit(X, y).tickets_


def test_halves_of_running_processes_and_other_files_are_kept(tmp_path):
    classifier(str(tmp_path / "first")).fit(X, y)
    (tmp_path / "first").rename(tmp_path / "second")  # a folder that was not yet opened
    entry = entries(tmp_path / "second")[0].parent
    unique = "0123456789abcdef" * 2
    kept = [
        f"output.pkl.{unique}-{os.getpid()}-140",
        f"metadata.json.{unique}-{os.getppid()}-140",
        f"output.pkl.{unique}",
        "notes.txt",
    ]
    for name in kept:
        (entry / name).write_text("")
    before = sorted(os.listdir(entry))
    open_memory(tmp_path / "second")
    assert sorted(os.listdir(entry)) == before


def test_an_interrupt_leaves_no_half(tmp_path, monkeypatch):
    def interrupted(value, file, compress):
        file.write(b"half")
        raise KeyboardInterrupt

    running = entries_of_a_running_thread(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(numpy_pickle, "dump", interrupted)
        with pytest.raises(KeyboardInterrupt):
            classifier(str(tmp_path)).fit(X, y)
    assert halves(tmp_path) == running
    assert classifier(str(tmp_path)).fit(X, y).tickets_ == classifier(None).fit(X, y).tickets_


def test_an_interrupt_is_not_lost_on_the_notes_of_an_entry(tmp_path, monkeypatch):
    """joblib catches whatever is raised while it writes them."""
    dumps, interrupted = json.dumps, []

    def interrupting(value, *args, **kwargs):
        if not interrupted and "duration" in value:
            interrupted.append(True)
            signal.raise_signal(signal.SIGINT)
        return dumps(value, *args, **kwargs)

    # A process in the background is deaf to it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(json, "dumps", interrupting)
            with pytest.raises(KeyboardInterrupt):
                classifier(str(tmp_path)).fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)
    assert interrupted and not halves(tmp_path)
    assert classifier(str(tmp_path)).fit(X, y).tickets_ == classifier(None).fit(X, y).tickets_


def entries_of_a_running_thread(folder):
    """What another thread of this process is writing."""
    classifier(str(folder)).set_params(random_state=1).fit(X, y)
    half = entries(folder)[0].parent / f"output.pkl.{'0123456789abcdef' * 2}-{os.getpid()}-140"
    half.write_text("")
    return [half]


def test_a_folder_that_is_not_there_yet(tmp_path):
    open_memory(tmp_path / "new")
    open_memory(joblib.Memory(None))
    open_memory(None)


@pytest.mark.parametrize("kind", ["truncated", "empty", "flipped", "of another value"])
def test_damage_is_told_in_one_line(tmp_path, caplog, kind):
    expected = classifier(str(tmp_path)).fit(X, y)
    damaged = entries(tmp_path)[0]
    content = damaged.read_bytes()
    if kind == "of another value":
        joblib.dump(3, damaged)
    elif kind == "flipped":
        damaged.write_bytes(content[:200] + bytes([content[200] ^ 8]) + content[201:])
    else:
        damaged.write_bytes(content[: len(content) // 2] if kind == "truncated" else b"")
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Every round ended")
        assert classifier(str(tmp_path)).fit(X, y).tickets_ == expected.tickets_
    (record,) = caplog.records
    assert record.name == "skticket"
    assert "A remembered training is damaged" in record.getMessage()
    assert damaged.parent.name in record.getMessage() and str(tmp_path) in record.getMessage()
    assert "\n" not in record.getMessage() and not record.exc_info
    caplog.clear()
    assert classifier(str(tmp_path)).fit(X, y).tickets_ == expected.tickets_
    assert not caplog.records


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux for its memory")
@pytest.mark.parametrize("compression", ["zlib", "gzip"])
def test_an_entry_that_is_too_long(tmp_path, caplog, compression):
    """joblib would read on and on, until no memory is left."""
    import resource

    memory = joblib.Memory(tmp_path, verbose=0, compress=(compression, 1))
    expected = classifier(memory).fit(X, y)
    with entries(tmp_path)[0].open("ab") as damaged:
        damaged.write(b"more")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, hard))
    try:
        assert classifier(memory).fit(X, y).tickets_ == expected.tickets_
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert "A remembered training is damaged (ValueError)" in caplog.text


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"\xff" + content,
        lambda content: content.replace(b"line: ", b"line: x"),
        lambda content: content.replace(b"compute", b"compote"),
        lambda content: content[:20],
        lambda content: None,
    ],
    ids=["no text", "no number", "other code", "truncated", "removed"],
)
def test_damage_to_joblibs_record_of_the_code_costs_nothing(
    tmp_path, monkeypatch, n_trained, damage
):
    monkeypatch.setattr(joblib.memory, "_FUNCTION_HASHES", {})
    expected = classifier(str(tmp_path)).fit(X, y)
    (record,) = tmp_path.rglob("func_code.py")
    content = damage(record.read_bytes())
    record.unlink() if content is None else record.write_bytes(content)
    # As little as another process knows.
    monkeypatch.setattr(joblib.memory, "_FUNCTION_HASHES", {})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Every round ended")
        assert classifier(str(tmp_path)).fit(X, y).tickets_ == expected.tickets_
    assert len(n_trained) == len(entries(tmp_path)) == 2
