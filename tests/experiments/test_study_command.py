"""The command `study`, on digits, and what all studies have in common."""

import pandas as pd
import pytest

from skticket.experiments import Result
from skticket.experiments.study import PRESETS, STUDIES

OPTIONS = ["--preset", "smoke", "--jobs", 1]


@pytest.fixture(scope="session")
def studied(tmp_path_factory):
    """A folder where studies share their trainings."""
    return tmp_path_factory.mktemp("studies")


def smallest(name):
    """The smallest images, or the smallest table."""
    return ["--dataset", {"mnist": "digits", "tables": "wine"}[STUDIES[name].dataset]]


@pytest.mark.parametrize("name", STUDIES)
def test_study(name, studied, run_command, remembered):
    arguments = ["study", name, *OPTIONS, *smallest(name), "--output", studied]
    result = run_command(*arguments)
    assert result.exit_code == 0, result.stderr
    assert STUDIES[name].question in result.stdout
    table = pd.read_csv(studied / f"{name}.csv")
    assert set(table["trial"]) == set(range(PRESETS["smoke"].trials))
    claims = pd.read_csv(studied / f"{name}-claims.csv")
    assert set(claims["verdict"]) <= {"holds", "does not hold", "undecided"}
    assert claims["evidence"].str.contains("interval").all()
    report = (studied / f"{name}-report.md").read_text("utf-8")
    assert all(text in report for text in (STUDIES[name].question, *claims["claim"]))
    # Written from the tables alone, and what was trained is trained once.
    before = remembered(studied), (studied / f"{name}.csv").read_bytes()
    assert run_command(*arguments).exit_code == 0
    assert (remembered(studied), (studied / f"{name}.csv").read_bytes()) == before
    for draw in Result(STUDIES[name], table).pictures.values():
        assert draw(table).axes


def test_list_tells_the_question_of_each(run_command):
    result = run_command("study", "list")
    assert result.exit_code == 0
    for study in STUDIES.values():
        assert study.question in result.stdout and study.paper in result.stdout


@pytest.mark.parametrize(
    "arguments, parts",
    [
        (["sideways"], ["NAME must be one of all, list, equal-cost", "got 'sideways'"]),
        (["stability", "--preset", "fast"], ["--preset must be one of full", "got 'fast'"]),
        (["stability", "--trials", "0"], ["trials", "at least 1", "got 0"]),
        (["stability", "--iterations", "5"], ["iterations", "at least 10", "got 5"]),
        (["stability", "--dataset", "nowhere"], ["dataset", "no folder 'nowhere'"]),
    ],
)
def test_bad_options(tmp_path, assert_refused, arguments, parts):
    name, *options = arguments
    assert_refused(["study", name, *OPTIONS, *options, "--output", tmp_path / "out"], *parts)
    assert not list(tmp_path.rglob("*.csv"))
