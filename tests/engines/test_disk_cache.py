"""Compiled code on disk: damaged, or nowhere to be kept."""

import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numba
import pytest

import skticket

SOURCE = """
from skticket.engines._disk_cache import compiled


@compiled
def double(x):
    return 2 * x
"""


@pytest.fixture
def double(tmp_path, monkeypatch):
    """Give a function that imports a compiled function anew."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "module.py").write_text(SOURCE)

    def imported():
        spec = importlib.util.spec_from_file_location("module", tmp_path / "module.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.double

    return imported


def n_compiled(function, argument=3):
    """How many signatures were compiled rather than loaded, after a call."""
    assert function(argument) == 2 * argument
    return sum(function.stats.cache_misses.values())


def test_loaded_from_disk(double):
    assert n_compiled(double()) == 1
    assert n_compiled(double()) == 0


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def empty(content):
    return b""


def foreign(content):
    return b"something else"


@pytest.mark.parametrize("kind", ["*.nbi", "*.nbc"])
@pytest.mark.parametrize("damage", [truncated, flipped, empty, foreign])
def test_damaged_code_is_compiled_anew(double, tmp_path, caplog, kind, damage):
    double()(3)
    (path,) = tmp_path.rglob(kind)
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        n_misses = n_compiled(double())
    # A damaged index may be taken for that of another version.
    assert n_misses == 1
    assert len(caplog.records) == 1 or (kind == "*.nbi" and not caplog.records)
    for record in caplog.records:
        assert record.name == "skticket" and "double is compiled anew" in record.getMessage()
    assert n_compiled(double()) == 0


def test_any_flipped_byte_of_code_is_noticed(double, tmp_path):
    double()(3)
    (path,) = tmp_path.rglob("*.nbc")
    content = path.read_bytes()
    for position in range(0, len(content), len(content) // 25):
        damaged = bytearray(content)
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        assert double()(3) == 6


def test_full_disk_costs_the_cache_alone(double, tmp_path, caplog, monkeypatch):
    function = double()
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("in the way")
    assert n_compiled(function) == 1
    assert "could not be kept" in caplog.text


CALL = """
    import logging, sys
    import numpy as np
    import skticket
    from skticket.engines._compiled import call, kernels
    from skticket.engines._tables import Rule, Settings

    assert skticket.__file__.startswith(sys.argv[1]), skticket.__file__
    parameters = np.ones(3, np.float32)
    settings = Settings(rule=int(Rule.sgd), lr=0.5)
    nothing = parameters[:0]
    vectors = kernels().Vectors(parameters, parameters.copy(), nothing, nothing)
    call("update", settings, 1, vectors)
    print(parameters.tolist(), kernels().update.stats.cache_path)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="elsewhere no variable says where home is")
@pytest.mark.parametrize("writable", [False, True])
def test_package_that_cannot_be_written_to(tmp_path, writable):
    """Neither beside the package, nor at home; root may write anywhere but below a file."""
    site, file = tmp_path / "site", tmp_path / "file"
    file.write_text("")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(skticket.__file__).parent, site / "skticket", ignore=ignore)
    (site / "skticket" / "engines" / "__pycache__").write_text("")
    changes = {"PYTHONPATH": str(site), "HOME": str(file), "XDG_CACHE_HOME": str(file)}
    changes["NUMBA_CACHE_DIR"] = str((tmp_path if writable else file) / "cache")
    result = subprocess.run(
        [sys.executable, "-B", "-c", textwrap.dedent(CALL), site],
        env=os.environ | changes, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("[0.5, 0.5, 0.5]")
    lines = [line for line in result.stderr.splitlines() if "NUMBA_CACHE_DIR" in line]
    assert len(lines) == (0 if writable else 1)
    assert len(list(tmp_path.rglob("*.nbc"))) == (1 if writable else 0)
