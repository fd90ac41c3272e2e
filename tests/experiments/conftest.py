import struct
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from skticket.cli import main
from skticket.experiments import Laboratory


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory):
    return Laboratory.open("smoke", "digits", memory=tmp_path_factory.mktemp("networks"))


@pytest.fixture
def run_command(monkeypatch, capsys):
    """Give the function that runs the command line in this process."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["skticket", *map(str, arguments)])
        with pytest.raises(SystemExit) as ending:
            main()
        stdout, stderr = capsys.readouterr()
        return SimpleNamespace(exit_code=ending.value.code or 0, stdout=stdout, stderr=stderr)

    return run


@pytest.fixture
def assert_refused(run_command):
    """Give the function that runs the command line and expects an error in one line."""

    def check(arguments, *parts):
        result = run_command(*arguments)
        assert result.exit_code == 2
        line = result.stderr.strip()
        assert line.startswith("skticket: error: ") and "\n" not in line
        for part in parts:
            assert part in line
        return result

    return check


def _remembered(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("output.pkl")}


@pytest.fixture(scope="session")
def remembered():
    """Give the function that tells which networks a folder holds, and since when."""
    return _remembered


def _idx(folder, n_train=60, n_test=20, labels=(0, 1, 7), test_labels=None):
    folder.mkdir(exist_ok=True)
    random_state = np.random.RandomState(0)
    for name, n, choices in (
        ("train", n_train, labels),
        ("t10k", n_test, test_labels or labels),
    ):
        y = np.resize(choices, n).astype(np.uint8)
        X = random_state.randint(20, size=(n, 3, 4)).astype(np.uint8) + 25 * y[:, None, None]
        (folder / f"{name}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 0x803, n, 3, 4) + X.astype(np.uint8).tobytes()
        )
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(
            struct.pack(">II", 0x801, n) + y.tobytes()
        )
    return folder


@pytest.fixture(scope="session")
def idx():
    """Give the function that writes a folder of images whose brightness tells their label."""
    return _idx
