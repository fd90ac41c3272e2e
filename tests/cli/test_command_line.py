"""What people expect of a command line: quick answers, choices in order, a version, progress."""

import io
import re
import subprocess
import sys

import pytest
from rich.console import Console
from running import QUICK, assert_one_line_error, run

import skticket
from skticket.cli import _parsing, _progress
from skticket.experiments import mnist, study, xor
from skticket.inspection import FORMATS
from skticket.pruning import STRATEGY_CONSTRAINTS
from skticket.rewinding import REWIND_CONSTRAINTS

HEAVY = "numpy pandas scipy sklearn skrub torch skorch matplotlib numba joblib".split()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["find", "--help"],
        ["mnist", "--help"],
        ["study", "--help"],
        ["find", "digits", "--lucky"],
        ["find", "digits", "--strategy", "luck"],
        ["find", "digits", "--hidden", "many"],
        ["find", "digits", "--rounds", "many"],
        ["find", "table.csv", "--sep", "ab"],
        ["mnist", "everything"],
        ["study", "everything"],
        ["xor", "--format", "gif"],
    ],
)
def test_nothing_heavy_is_imported_for_an_answer(arguments):
    program = """
import sys
from skticket.cli import main
sys.argv = ["skticket", *sys.argv[1:]]
try:
    main()
finally:
    print([name for name in HEAVY if name in sys.modules], file=sys.stderr)
"""
    program = program.replace("HEAVY", repr(HEAVY))
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True
    )
    assert result.returncode == (0 if arguments[-1] in ("--help", "--version") else 2)
    assert result.stderr.splitlines()[-1] == "[]"


def test_version():
    result = run("--version")
    assert result.exit_code == 0 and result.output == f"skticket {skticket.__version__}\n"


def test_choices_are_those_of_the_package():
    (options,) = (c.options for c in STRATEGY_CONSTRAINTS if hasattr(c, "options"))
    assert set(_parsing.STRATEGIES) == options
    (options,) = (c.options for c in REWIND_CONSTRAINTS if hasattr(c, "options"))
    assert set(_parsing.REWINDS) == options
    assert _parsing.FORMATS == FORMATS
    assert _parsing.EXPERIMENTS == ("all", *mnist.EXPERIMENTS)
    assert _parsing.STUDIES == ("all", "list", *study.STUDIES)
    assert _parsing.STUDY_PRESETS == tuple(study.PRESETS)
    assert _parsing.XOR_STRATEGIES == tuple(xor.STRATEGIES)
    constraints = skticket.WinningTicketClassifier._parameter_constraints
    for name, choices in (("select", _parsing.SELECTIONS), ("schedule", _parsing.SCHEDULES)):
        (options,) = (c.options for c in constraints[name] if hasattr(c, "options"))
        assert set(choices) == options


@pytest.mark.parametrize(
    ("command", "option", "choices"),
    [
        ("find", "--strategy", _parsing.STRATEGIES),
        ("find", "--schedule", _parsing.SCHEDULES),
        ("find", "--select", _parsing.SELECTIONS),
        ("find", "--rewind-to", _parsing.REWINDS),
        ("find", "--task", _parsing.TASKS),
        ("find", "--class-weight", ("balanced",)),
        ("find", "--format", _parsing.FORMATS),
        ("mnist", "--preset", _parsing.PRESETS),
        ("study", "--preset", _parsing.STUDY_PRESETS),
        ("xor", "--strategies", _parsing.XOR_STRATEGIES),
    ],
)
def test_choices_are_told_in_order(command, option, choices, tmp_path):
    source = {"find": ["digits"], "mnist": ["all"], "study": ["all"], "xor": []}[command]
    result = run(command, *source, option, "luck", "--output", tmp_path / "new")
    assert_one_line_error(result, option, ", ".join(choices), "'luck'")
    assert not (tmp_path / "new").exists()
    help_text = "".join(run(command, "--help").output.split())
    between = "," if option in ("--format", "--strategies") else "|"
    assert between.join(choices).replace(" ", "") in help_text


def test_experiments_are_told_in_order():
    listed = ", ".join(_parsing.EXPERIMENTS)
    assert_one_line_error(run("mnist", "everything"), listed, "'everything'")
    assert "".join(listed.split()) in "".join(run("mnist", "--help").output.split())


def test_options_of_training(tmp_path, monkeypatch):
    asked = {}

    def fit(self, X, y):
        asked.update(self.get_params())
        raise ValueError("seen")

    monkeypatch.setattr(skticket.WinningTicketClassifier, "fit", fit)
    options = ["--batch-size", 50, "--learning-rate", 0.01, "--device", "cpu"]
    assert_one_line_error(run("find", "digits", *options, "--output", tmp_path), "seen")
    assert (asked["batch_size"], asked["learning_rate"], asked["device"]) == (50, 0.01, "cpu")


@pytest.mark.parametrize(
    ("option", "value", "part"),
    [
        ("--batch-size", 0, "batch_size"),
        ("--learning-rate", 0, "learning_rate"),
        ("--round-budget", 2, "round_budget"),
        ("--device", "moon", "moon"),
    ],
)
def test_wrong_options_of_training(option, value, part, tmp_path):
    result = run("find", "digits", option, value, "--output", tmp_path / "new")
    assert_one_line_error(result, part)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--epochs", 0), "max_epochs"),
        (("--hidden", 0), "hidden_layer_sizes"),
        (("--device", "moon"), "device"),
        (("--seed", 2**32 - 1, "--seeds", 2), "random_state"),
    ],
)
def test_wrong_values_are_told_before_a_table_is_read(options, part, tmp_path, monkeypatch):
    def load(*args):
        raise AssertionError("too late")

    monkeypatch.setattr("skticket.cli._find.load", load)
    result = run("find", "a.csv", *options, "--output", tmp_path / "new")
    assert_one_line_error(result, part)


def test_quiet(tmp_path):
    options = ["--rounds", 1, "--controls", 1, "--select", "last", "--output", tmp_path, *QUICK]
    loud, quiet = run("find", "digits", *options), run("find", "digits", *options, "--quiet")
    assert quiet.exit_code == 0
    assert "round" in loud.stdout and "│" not in quiet.stdout
    assert quiet.stdout.startswith(("No winning", "Not a", "A winning", "No round"))
    # It is the verdict.
    assert " ".join(quiet.stdout.split()) in " ".join(loud.stdout.split())
    assert quiet.stderr == ""


# How far one is


@pytest.fixture
def console():
    """A console that is no terminal."""
    return Console(file=io.StringIO(), markup=False, emoji=False, width=200)


def lines_after(console, n_lines, block):
    """Run a block until so many lines were said."""
    with block:
        while console.file.getvalue().count("\n") < n_lines:
            pass
    return console.file.getvalue().splitlines()


@pytest.fixture
def short_minutes(monkeypatch):
    monkeypatch.setattr(_progress, "_MINUTE", 0.01)


def test_a_line_a_minute(console, short_minutes):
    lines = lines_after(console, 3, _progress.telling(console, "Doing [it]\x07"))
    assert all(line == r"Doing [it]\x07 (0 min)" for line in lines)


def test_what_is_counted(console, short_minutes):
    with _progress.counting(console, "starting", "networks") as tell:
        tell(total=7)
        tell(3)
        tell(text="iterative")
        while "iterative" not in console.file.getvalue():
            pass
    assert console.file.getvalue().splitlines()[-1] == "iterative: 3 of 7 networks (0 min)"


def test_nothing_is_said_within_a_minute(console):
    with _progress.telling(console, "Doing it"):
        pass
    assert console.file.getvalue() == ""


def test_terminals_have_bars():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with _progress.counting(console, "[bold]starting", "networks") as tell:
        tell(2, 4)
        tell(text="[bold]more")
    assert "2/4" in console.file.getvalue() and "[bold]more" in console.file.getvalue()
    with _progress.telling(console, "Doing it") as tell:
        tell("Doing more")


def test_rounds_are_told(tmp_path, short_minutes, monkeypatch):
    """`find`, whose output is no terminal here, says how far it is."""
    result = run("find", "digits", "--rounds", 1, "--controls", 0, "--output", tmp_path, *QUICK)
    assert result.exit_code == 0
    assert re.search(r"^Round [01]( of 1, evaluation [12])? \(0 min\)$", result.output, re.M)


@pytest.mark.slow
def test_a_redirected_experiment_is_not_silent(tmp_path, short_minutes):
    options = ["--preset", "smoke", "--dataset", "digits", "--trials", 1, "--rounds", 1]
    result = run("mnist", "pruning-rate", *options, "--jobs", 1, "--output", tmp_path)
    assert result.exit_code == 0, result.output
    assert "pruning-rate: 0 of 7 networks (0 min)" in result.output


def test_xor_of_another_protocol(tmp_path):
    few = ["--units", "2", "--strategies", "product", "--jobs", 1, "--output", tmp_path]
    said = " ".join(run("xor", "--networks", 3, "--steps", 5, *few).output.split())
    assert (
        "figures are of 1,000 networks that took 10,000 steps each; these are of 3 that took 5"
        in said
    )
    assert "another protocol" in said
    said = run("xor", "--networks", 1000, "--steps", 5, *few).output
    assert "another protocol" in said
