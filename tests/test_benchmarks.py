"""The benchmarks' statistics and tables, and that each benchmark runs."""

import importlib
import json
import sys
from pathlib import Path

import pandas as pd
import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
NAMES = (
    "digits_training",
    "files",
    "grid_memory",
    "layouts",
    "prediction",
    "search_mnist",
    "steps",
    "whole_fit",
    "xor_stack",
)

pytestmark = pytest.mark.skipif(
    not BENCHMARKS.exists(), reason="benchmarks are not part of the source distribution"
)


@pytest.fixture
def load(monkeypatch):
    """Give the function that imports a module of the benchmarks; they are no package."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def common(load):
    return load("common")


def returning(values):
    """Return a function that gives one value after another."""
    values = iter(values)
    return lambda: next(values)


@pytest.fixture
def case(common):
    """Give a case whose figures are known: kB are what `run` returns."""
    return common.Case(
        "a",
        [
            common.Contender("other", returning([0, 40, 60, 50]), "one thread", work=2),
            common.Contender("other", returning([0, 20, 40, 30]), "two threads"),
            common.Contender("skticket", returning([0, 10, 10, 5])),
            common.Contender("third", None, missing="ImportError: no"),
        ],
        [
            common.Claim(("other",), 3.5),
            common.Claim(("other",), 2),
            common.Claim(("other",)),
            common.Claim(("third",), 2),
        ],
        unit="kB",
    )


@pytest.fixture
def rows(common, case):
    return common.measure("b", case, common.Settings(3))


def test_statistics(common, rows):
    table = common.summarize(rows)
    assert table["contender"].tolist() == ["other", "other", "skticket"]
    assert table["median"].tolist() == [25, 30, 10]
    assert table["min"].tolist() == [20, 20, 5]
    assert table["max"].tolist() == [30, 40, 10]
    assert table["count"].tolist() == [3, 3, 3]


def test_contenders_take_turns(common):
    turns = []
    contenders = [
        common.Contender(name, lambda name=name: turns.append(name)) for name in ("x", "y")
    ]
    common.measure("b", common.Case("a", contenders, warm_up=1), common.Settings(2))
    assert turns == ["x", "y"] * 3


def test_the_fastest_variant_is_the_baseline(common, case):
    missed, met, nothing_wanted, _ = common.judge(
        "b", case, common.measure("b", case, common.Settings(3))
    )
    assert missed["baseline"] == "other (one thread)"
    assert missed["ratio"] == 2.5
    assert (missed["least"], missed["most"]) == (2, 5)
    assert missed["met"] is False
    assert met["met"] is True
    assert nothing_wanted["met"] is None


def test_disturbed_figures_are_measured_again(common, monkeypatch):
    shares = iter([0.5, 0.0, 0.4, 0.3, 0.01, 0.2])

    class Others:
        def __enter__(self):
            self.seconds = 0.1
            return self

        def __exit__(self, *error):
            self.share = next(shares)

    monkeypatch.setattr(common, "Others", Others)
    monkeypatch.setattr(common.time, "sleep", lambda seconds: None)
    contender = common.Contender("x", returning([7, 8]))
    # Waits until quiet, is disturbed, waits again, is disturbed less: patience is at its end.
    patience = common.Patience(0.9)
    assert common._measure_patiently(contender, "kB", patience) == (8, 0.2)
    assert patience.left < 0


def test_more_figures_are_added(common):
    case = common.Case("a", [common.Contender("x", lambda: 1)], unit="kB", warm_up=0)
    first = common.run_case("b", case, common.Settings(2))
    second = common.run_case("b", case, common.Settings(3), first["rows"])
    assert [row["repeat"] for row in second["rows"]] == [0, 1, 2, 3, 4]


def test_a_missing_baseline_is_reported(common, case):
    result = common.run_case("b", case, common.Settings(3))
    claim = result["claims"][-1]
    assert claim["missing"] == "third: ImportError: no"
    assert "MISSING" in common.describe(claim)
    text = common.markdown([result])
    assert "| a |  | third | 2.00 | missing: third: ImportError: no |" in text
    assert "| a | 2.50 (2.00 to 5.00) | other (one thread) | 3.50 | **missed** |" in text


def test_missing(common):
    assert common.missing("numpy") == ""
    assert "ModuleNotFoundError" in common.missing("no_such_package")


def test_threads_are_put_back(common, global_state):
    import torch

    with common.limit_threads(1):
        assert torch.get_num_threads() == 1


@pytest.mark.parametrize("name", NAMES)
def test_runs(name, load, common, tmp_path):
    options = ["--tiny", "--repeats", "1", "--output", str(tmp_path)]
    common.run({name: load(name).cases}, common.options_of("", options))
    results = [json.loads(path.read_text()) for path in (tmp_path / "raw").glob("*.json")]
    assert results
    for result in results:
        measured = {row["contender"] for row in result["rows"]}
        assert all(row["value"] > 0 for row in result["rows"])
        assert result["claims"]
        for claim in result["claims"]:
            # Who does not take part is reported.
            assert claim["subject"] in measured
            assert ("ratio" in claim) == bool(measured & set(claim["against"].split(" or ")))
            assert ("missing" in claim) != ("ratio" in claim)
    assert (tmp_path / f"benchmark_{name}.png").exists()
    n_claims = sum(len(result["claims"]) for result in results)
    assert len(pd.read_csv(tmp_path / "claims.csv")) == n_claims
    assert f"## {name}" in (tmp_path / "table.md").read_text()


def test_one_command_runs_all(load):
    assert sorted(load("run_all").BENCHMARKS) == sorted(NAMES)
