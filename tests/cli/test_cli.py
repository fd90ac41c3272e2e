"""The command line, run as users run it but in this process."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
from running import QUICK, assert_one_line_error, run
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from skticket import Ticket


def csv(folder, loader=load_iris, **changes):
    frame = loader(as_frame=True).frame.assign(**changes)
    path = folder / "table.csv"
    frame.to_csv(path, index=False)
    return path


def test_find_digits(tmp_path):
    options = ["--rounds", 2, "--select", "last", "--controls", 1, "--format", "png,pdf"]
    result = run("find", "digits", *options, "--output", tmp_path / "new", *QUICK)
    assert result.exit_code == 0, result.output
    assert sorted(os.listdir(tmp_path / "new")) == [
        "controls.csv",
        "model.md",
        "model.skops",
        "rounds.csv",
        "rounds.pdf",
        "rounds.png",
        "ticket.safetensors",
    ]
    table = pd.read_csv(tmp_path / "new" / "rounds.csv")
    # 64 × 20 + 20 × 10 weights lose a fifth a round, and 10 × 10 a tenth.
    assert list(table["n_weights"]) == [1580, 1274, 1028]
    assert table["test_score"].between(0, 1).all()
    for text in ("winning ticket", "1,028", "iterations", "65.1", "test accuracy"):
        assert text in result.output
    assert (tmp_path / "new" / "rounds.png").read_bytes().startswith(b"\x89PNG")


def test_find_mnist1d(tmp_path):
    result = run("find", "mnist1d", "--rounds", 1, "--output", tmp_path, *QUICK)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "rounds.csv")
    assert list(table["n_weights"]) == [40 * 20 + 20 * 10 + 10 * 10, 640 + 160 + 90]
    n_right = 1000 * table["test_score"]
    np.testing.assert_allclose(n_right, n_right.round(), rtol=0, atol=1e-6)
    assert "winning ticket" in result.output


def test_find_shows_controls_and_the_spread_of_seeds(tmp_path):
    options = ["--rounds", 2, "--select", "last", "--controls", 2, "--seeds", 2]
    result = run("find", "digits", *options, "--output", tmp_path, *QUICK)
    assert result.exit_code == 0, result.output
    controls = pd.read_csv(tmp_path / "controls.csv")
    assert list(controls["control"]) == ["reinit", "reinit", "rearrange", "rearrange"]
    assert (controls["round"] == 2).all() and (controls["n_weights"] == 1028).all()
    assert controls["test_score"].between(0, 1).all()
    rounds = pd.read_csv(tmp_path / "rounds.csv")
    assert list(rounds["trial"]) == [0, 0, 0, 1, 1, 1]
    assert rounds["early_loss"].nunique() == 6
    assert "Controls of round 2" in result.output
    # The first search is that of one seed alone.
    alone = run("find", "digits", *options[:4], "--controls", 0, "--output", tmp_path, *QUICK)
    assert "Controls of" not in alone.output
    again = pd.read_csv(tmp_path / "rounds.csv")
    columns = ["density", "early_loss", "valid_score", "test_score"]
    pd.testing.assert_frame_equal(again[columns], rounds[columns][:3])


def test_same_seed_same_ticket(tmp_path):
    for name in ("first", "second"):
        arguments = ["--rounds", 1, "--seed", 3, "--select", "last", "--output", tmp_path / name]
        assert run("find", "digits", *arguments, *QUICK).exit_code == 0
    first, second = (
        Ticket.load(tmp_path / name / "ticket.safetensors") for name in ("first", "second")
    )
    assert first == second


def test_options_reach_the_search(tmp_path):
    options = ["--schedule", "one-shot", "--rewind-to", "5", "--strategy", "movement"]
    options += ["--prune-rate", "30", "--select", "last", "--rounds", 2]
    result = run("find", "digits", *options, "--output", tmp_path, *QUICK)
    assert result.exit_code == 0, result.output
    ticket = Ticket.load(tmp_path / "ticket.safetensors")
    assert [mask.sum() for mask in ticket.mask.values()] == [1280 - 60, 200 - 60, 100 - 30]
    assert list(ticket.checkpoints) == [5]


def test_a_round_budget_cuts_rounds_short(tmp_path):
    options = ["--rounds", 3, "--select", "last", "--round-budget", 0.2, "--controls", 0]
    result = run("find", "mnist1d", *options, "--output", tmp_path, "--epochs", 10, "--hidden", 20)
    assert result.exit_code == 0, result.output
    n_steps = pd.read_csv(tmp_path / "rounds.csv")["n_steps"]
    # 36 steps an epoch; densities of .83 and .68 of 1,000 weights.
    assert n_steps[0] == n_steps[3] == 360 and (n_steps[1:3] < 120).all()
    assert_one_line_error(run("find", "digits", "--round-budget", 2), "round_budget")


def test_info(tmp_path):
    ticket = Ticket(
        {"w": np.ones((2, 3)), "b": np.zeros(2)},
        {"w": np.array([[True, False, False], [True, True, False]])},
    )
    ticket.save(tmp_path / "ticket.safetensors")
    result = run("info", tmp_path / "ticket.safetensors")
    assert result.exit_code == 0
    for text in ("2 × 3", "3 of 6 weights (50%)", "2 of 3 inputs"):
        assert text in result.output


def test_info_of_something_else(tmp_path):
    (tmp_path / "note.txt").write_text("not a ticket")
    assert_one_line_error(run("info", tmp_path / "note.txt"), "note.txt", "not a ticket")
    assert_one_line_error(run("info", tmp_path / "absent"), "absent")


def test_csv_of_classes(tmp_path):
    names = np.array(["setosa", "versicolor", "virginica"])[load_iris().target]
    path = csv(tmp_path, target=names)
    output = tmp_path / "out"
    result = run("find", path, "--target", "target", "--rounds", 1, "--output", output, *QUICK)
    assert result.exit_code == 0, result.output
    assert "accuracy" in result.output


def test_csv_of_numbers_is_regression(tmp_path):
    path = csv(tmp_path, load_diabetes)
    arguments = ["find", path, "--target", "target", "--rounds", 1, "--output", tmp_path, *QUICK]
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert "R²" in result.output


def test_task_may_be_named(tmp_path):
    path = csv(tmp_path, load_breast_cancer)
    options = ["--target", "target", "--task", "regression", "--rounds", 0, "--output", tmp_path]
    result = run("find", path, *options, *QUICK)
    assert result.exit_code == 0, result.output
    assert "R²" in result.output


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--rounds", "-1"], "rounds"),
        (["--prune-rate", "1.5"], "prune_rate"),
        (["--prune-rate", "much"], "--prune-rate"),
        (["--strategy", "luck"], "strategy"),
        (["--rewind-to", "yesterday"], "rewind"),
        (["--select", "first"], "select"),
        (["--hidden", "20,x"], "--hidden"),
        (["--epochs", "0"], "max_epochs"),
        (["--prune-rate", "10000"], "10000"),
        (["--strategy", "unit_input", "--hidden", "2", "--prune-rate", "1"], "1"),
    ],
)
def test_wrong_options(options, part, tmp_path):
    result = run("find", "digits", "--output", tmp_path / "out", *options)
    assert_one_line_error(result, part)
    assert not (tmp_path / "out").exists()


def test_damaged_mnist_is_named(tmp_path, monkeypatch):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"nothing")
    monkeypatch.setenv("SKTICKET_DATA", str(tmp_path))
    assert_one_line_error(run("find", "mnist"), "ubyte")


@pytest.mark.parametrize("command", [["find", "digits"], ["xor"], ["mnist", "one-shot"]])
@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_folder_that_cannot_be_written_is_told_before_training(
    tmp_path, monkeypatch, command, folder
):
    def fail(*args, **kwargs):
        raise AssertionError("too late")

    monkeypatch.setattr("skticket.cli._find.load", fail)
    monkeypatch.setattr("skticket.experiments.xor.measure", fail)
    monkeypatch.setattr("skticket.experiments.Laboratory.open", fail)
    (tmp_path / "file").write_text("in the way")
    result = run(*command, "--output", tmp_path / folder)
    assert_one_line_error(result, "--output: cannot write to", folder)


def test_folder_is_made_before_training(tmp_path, monkeypatch):
    def load(*args):
        assert (tmp_path / "a" / "b").is_dir()
        raise ValueError("seen")

    monkeypatch.setattr("skticket.cli._find.load", load)
    assert_one_line_error(run("find", "digits", "--output", tmp_path / "a" / "b"), "seen")
    # Nothing came of it.
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="asks POSIX which processes live")
def test_what_killed_runs_left_is_removed(tmp_path):
    """A run is killed while it writes its table; the next one into that folder tidies up."""
    program = """
        import os, signal, sys
        import pandas as pd
        from skticket.cli import main

        def to_csv(self, path, **options):
            path.write_text("half a tab")
            os.kill(os.getpid(), signal.SIGKILL)

        pd.DataFrame.to_csv = to_csv
        sys.argv = ["skticket", *sys.argv[1:]]
        main()
    """
    options = ["find", "digits", "--rounds", "0", "--output", str(tmp_path), *QUICK]
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(program), *options])
    assert killed.returncode == -signal.SIGKILL
    assert len([name for name in os.listdir(tmp_path) if name.startswith(".")]) == 1
    mine = tmp_path / ".not-ours"
    mine.write_text("")
    assert run(*options).exit_code == 0
    names = [".not-ours", "model.md", "model.skops", "rounds.csv", "rounds.png"]
    names.append("ticket.safetensors")
    assert sorted(os.listdir(tmp_path)) == names


def test_module_runs():
    result = subprocess.run(
        [sys.executable, "-m", "skticket", "--help"], capture_output=True, text=True, check=True
    )
    for command in ("find", "xor", "info"):
        assert command in result.stdout


def test_output_that_lacks_characters(random_ticket, tmp_path):
    """As a file has it that output goes to where the system's encoding is not UTF-8."""
    random_ticket().save(tmp_path / "ticket")
    result = subprocess.run(
        [sys.executable, "-m", "skticket", "info", tmp_path / "ticket"],
        env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert r"5 \xd7 4" in result.stdout
