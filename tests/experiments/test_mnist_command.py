"""The command `mnist`, on digits and folders of images."""

import os
import signal
import struct
import subprocess
import sys
import time

import pandas as pd
import pytest

from skticket.experiments.mnist import EXPERIMENTS
from skticket.utils import processor_name

OPTIONS = ["--preset", "smoke", "--dataset", "digits"]


def smoke(dataset, output):
    return ["mnist", "iterative", "--preset", "smoke", "--dataset", dataset, "--output", output]


def test_command(tmp_path, run_command):
    result = run_command(
        "mnist",
        "iterative",
        *OPTIONS,
        "--trials",
        1,
        "--rounds",
        2,
        "--jobs",
        1,
        "--format",
        "svg,pdf",
        "--output",
        tmp_path,
    )
    assert result.exit_code == 0, result.stderr
    assert "at least as accurate" in result.stdout and "undecided" in result.stdout
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"iterative.csv", "iterative.svg", "iterative.pdf", "networks"}
    table = pd.read_csv(tmp_path / "iterative.csv")
    assert table["round"].max() == 2 and table["trial"].max() == 0


def test_folder_of_images(tmp_path, idx, run_command):
    folder = idx(tmp_path / "three")
    options = ["--preset", "smoke", "--dataset", folder, "--trials", 2, "--rounds", 1, "--jobs", 1]
    result = run_command("mnist", "architecture", *options, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    table = pd.read_csv(tmp_path / "out" / "architecture.csv")
    assert (table[table["layer"] == 0].groupby("trial").size() == 12).all()
    assert (table[table["layer"] == 3].groupby("trial").size() == 3).all()
    result = run_command("mnist", "iterative", *options, "--output", tmp_path / "out")
    assert pd.read_csv(tmp_path / "out" / "iterative.csv")["final_test_score"].mean() > 0.8


@pytest.mark.parametrize(
    "arguments, parts",
    [
        (["sideways"], ["EXPERIMENT must be one of all, one-shot", "resetting; got 'sideways'"]),
        (["iterative", "--trials", "0"], ["trials", "at least 1", "got 0"]),
        (["iterative", "--rounds", "0"], ["rounds", "at least 1", "got 0"]),
        (["iterative", "--iterations", "5"], ["iterations", "at least 10", "got 5"]),
        (["iterative", "--seed", "-1"], ["seed", "at least 0", "got -1"]),
        (["iterative", "--jobs", "0"], ["jobs", "got 0"]),
        (["iterative", "--dataset", "nowhere"], ["dataset", "no folder 'nowhere'"]),
        (["iterative", "--device", "abacus"], ["device", "'abacus'"]),
    ],
)
def test_bad_options(tmp_path, assert_refused, arguments, parts):
    name, *options = arguments
    options = [*OPTIONS, *options, "--output", tmp_path / "out"]
    assert_refused(["mnist", name, *options], *parts)
    assert not list(tmp_path.rglob("*.csv")) and not list(tmp_path.rglob("*.pkl*"))


def test_unreadable_folder(tmp_path, idx, assert_refused):
    folder = idx(tmp_path / "images")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    options = smoke(folder, tmp_path / "out")
    assert_refused(options, "no t10k-labels-idx1-ubyte", str(folder))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 20) + b"123")
    assert_refused(options, "t10k-labels-idx1-ubyte", "truncated")


def test_no_permission(tmp_path, idx, assert_refused):
    folder = idx(tmp_path / "images")
    folder.chmod(0)
    if os.access(folder, os.R_OK):
        pytest.skip("root may read and write everything")
    options = smoke(folder, tmp_path / "out")
    assert_refused(options, "Permission denied")
    folder.chmod(0o700)
    (tmp_path / "out").chmod(0o500)
    assert_refused(options, "Permission denied")


def test_output_that_is_no_folder(tmp_path, assert_refused):
    file = tmp_path / "file"
    file.write_text("here")
    assert_refused(smoke("digits", file), str(file))
    assert file.read_text() == "here"


def test_no_permission_to_write(tmp_path, assert_refused, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    result = assert_refused(smoke("digits", tmp_path), "Permission denied")
    # Said before anything is trained.
    assert result.stdout == ""


def test_one_class(tmp_path, idx, assert_refused):
    folder = idx(tmp_path / "images", labels=(4,))
    assert_refused(smoke(folder, tmp_path / "out"), "only one class, 4")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sizes of files are limited on POSIX")
def test_full_disk(tmp_path):
    """No file may grow beyond a few thousand bytes: the network cannot be written."""
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)); "
        "from skticket.cli import main; sys.argv = ['skticket', *sys.argv[1:]]; main()"
    )
    options = ["mnist", "iterative", *OPTIONS, "--jobs", "1", "--output", str(tmp_path)]
    # Where coverage is measured, its own file would not fit either.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
    result = subprocess.run(
        [sys.executable, "-c", program, *options], capture_output=True, text=True, env=environment
    )
    assert result.returncode == 2
    assert "skticket: error: a trained network could not be written" in result.stderr
    assert "File too large" in result.stderr and "Traceback" not in result.stderr
    assert not [
        path for path in tmp_path.rglob("*") if "output.pkl" in path.name or path.suffix == ".csv"
    ]


def tables(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.csv")}


def command(output, *options):
    arguments = [sys.executable, "-m", "skticket", "mnist", "all", *OPTIONS]
    return [*arguments, "--trials", "2", "--rounds", "2", "--output", str(output), *options]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills all processes of a session")
def test_killed_three_times_and_resumed(tmp_path, remembered):
    """The same bytes as from a run that was left alone, on another number of processes."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command(whole, "--jobs", "1"), check=True, capture_output=True)
    n_networks = len(remembered(whole))
    for share in (0.1, 0.4, 0.8):
        run = subprocess.Popen(
            command(killed, "--jobs", "2"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while len(remembered(killed)) < share * n_networks:
            assert run.poll() is None, "ended before it could be killed"
            time.sleep(0.02)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        assert len(remembered(killed)) < n_networks
    subprocess.run(command(killed, "--jobs", "2"), check=True, capture_output=True)
    assert len(remembered(killed)) == n_networks
    assert len(tables(whole)) == len(EXPERIMENTS) + 1
    assert tables(killed) == tables(whole)
    for name in ("report.md", "report.html", "one-shot.png"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    assert f"| processor | {processor_name()} |" in (whole / "report.md").read_text("utf-8")
    page = (whole / "report.html").read_text("utf-8")
    assert page.count("<img") == page.count("data:image/png;base64,") >= len(EXPERIMENTS)
