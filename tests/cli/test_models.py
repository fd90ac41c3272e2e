"""What find saves is a model: predict, info and export take it."""

import datetime
import errno
import io
import os
import subprocess
import sys
import zoneinfo

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from running import QUICK, assert_one_line_error, run
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from small import classifier, regressor

from skticket import Ticket, TicketTransformer
from skticket.persistence import about_model, load_model, save_model


def make_table(n_rows=80, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=n_rows),
            "code": rng.choice(["007", "008", "A1"], n_rows),
            "text": [f"house {i} of street {i % 7}" for i in range(n_rows)],
            "day": pd.date_range("2021-01-01", periods=n_rows).strftime("%d/%m/%Y"),
            "truth": rng.random(n_rows) > 0.5,
            "constant": 1,
        }
    )
    frame.loc[::9, "number"] = -1
    frame["y"] = np.where(frame["number"] > 0, "yes", "no")
    return frame


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give a folder with a table, a classifier of it, and regressors of other tables."""
    folder = tmp_path_factory.mktemp("found")
    options = [*QUICK, "--rounds", "1", "--select", "last", "--controls", "0"]
    make_table().to_csv(folder / "table.csv", index=False)
    make_table().drop(columns="text").to_csv(folder / "without.csv", index=False)
    for name, target, *more in (
        ("table", "y", "--missing", "-1.0"),
        ("without", "number", "--format", "pdf"),
    ):
        output = folder / name
        result = run(
            "find", folder / f"{name}.csv", "--target", target, *more, *options, "--output", output
        )
        assert result.exit_code == 0, result.output
    result = run("find", "digits", *options, "--output", folder / "digits")
    assert result.exit_code == 0, result.output
    return folder


def predicted(*arguments):
    result = run("predict", *arguments)
    assert result.exit_code == 0, result.output
    return pd.read_csv(io.StringIO(result.stdout))


def test_find_saves_the_model_and_its_card(folder):
    assert {"model.skops", "model.md", "ticket.safetensors"} <= set(os.listdir(folder / "table"))
    model = load_model(folder / "table" / "model.skops")
    assert [name for name, _ in model.steps] == ["table", "impute", "scale", "ticket"]
    assert model["ticket"].ticket_ == Ticket.load(folder / "table" / "ticket.safetensors")
    card = (folder / "table" / "model.md").read_text("utf-8")
    for part in ("`y` (classification)", "test accuracy", "## Rounds", "(rounds.png)", "`code`"):
        assert part in card
    # A PDF is no picture of a page.
    assert "rounds.p" not in (folder / "without" / "model.md").read_text("utf-8")


def test_predict(folder):
    model = load_model(folder / "table" / "model.skops")
    frame = make_table()
    frame["number"] = frame["number"].replace(-1, np.nan)
    found = predicted(folder / "table" / "model.skops", folder / "table.csv")
    X = frame.drop(columns="y")
    assert list(found.columns) == ["y"]
    np.testing.assert_array_equal(found["y"], model.predict(X))
    found = predicted(folder / "table" / "model.skops", folder / "table.csv", "--proba")
    assert list(found.columns) == ["y", "probability of no", "probability of yes"]
    # A float written as text is the same float.
    np.testing.assert_allclose(found.iloc[:, 1:], model.predict_proba(X), rtol=1e-6, atol=0)


def test_predict_other_files(folder, tmp_path):
    """What a column holds was settled in training, whatever these few rows look like."""
    model = folder / "table" / "model.skops"
    frame = make_table(seed=1)
    frame["code"] = "007"
    new = frame.drop(columns=["y", "constant"])[["text", "code", "truth", "day", "number"]]
    new.to_csv(tmp_path / "new.csv", sep=";", index=False)
    found = predicted(model, tmp_path / "new.csv", "--proba")
    frame["number"] = frame["number"].replace(-1, np.nan)
    expected = load_model(model).predict_proba(frame.drop(columns="y"))
    np.testing.assert_allclose(found.iloc[:, 1:], expected, rtol=1e-6, atol=0)
    result = run("predict", model, tmp_path / "new.csv", "--output", tmp_path / "out.csv")
    assert result.exit_code == 0 and not result.stdout
    assert len(pd.read_csv(tmp_path / "out.csv")) == len(new)
    new.to_parquet(tmp_path / "new.parquet")
    assert len(predicted(model, tmp_path / "new.parquet")) == len(new)


def test_predict_numbers(folder, tmp_path):
    found = predicted(folder / "without" / "model.skops", folder / "without.csv")
    assert list(found.columns) == ["number"] and found["number"].dtype == float
    result = run("predict", folder / "without" / "model.skops", folder / "without.csv", "--proba")
    assert_one_line_error(result, "--proba", "numbers")
    digits = pd.DataFrame(np.zeros((3, 64)))
    digits.to_csv(tmp_path / "digits.csv", index=False)
    found = predicted(folder / "digits" / "model.skops", tmp_path / "digits.csv", "--proba")
    assert list(found.columns[:2]) == ["prediction", "probability of 0"] and found.shape == (3, 11)
    digits.iloc[:, :63].to_csv(tmp_path / "digits.csv", index=False)
    result = run("predict", folder / "digits" / "model.skops", tmp_path / "digits.csv")
    assert_one_line_error(result, "63 columns", "64")


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("times.csv", datetime.UTC),
        ("times.csv", datetime.timezone(datetime.timedelta(hours=1))),
        ("times.parquet", zoneinfo.ZoneInfo("Europe/Berlin")),
    ],
)
def test_times_with_a_zone(name, zone, tmp_path):
    frame = make_table()[["number", "y"]]
    frame["time"] = pd.date_range("2021-01-01", periods=len(frame), freq="7h", tz=zone)
    path, output = tmp_path / name, tmp_path / "out"
    if name.endswith("csv"):
        # As many programs write them.
        form = "%Y-%m-%dT%H:%M:%SZ" if zone is datetime.UTC else "%Y-%m-%dT%H:%M:%S%z"
        frame["time"] = frame["time"].dt.strftime(form)
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    options = [*QUICK, "--rounds", "1", "--controls", "0", "--output", output]
    result = run("find", path, "--target", "y", *options)
    assert result.exit_code == 0, result.output
    assert len(predicted(output / "model.skops", path, "--proba")) == len(frame)


def saved(model, X, y, folder):
    save_model(model.fit(X, y), folder / "model.skops")
    pd.DataFrame(X).to_csv(folder / "rows.csv", index=False)
    return folder / "model.skops", folder / "rows.csv"


def test_models_from_python(tmp_path):
    frame = make_table()[["number", "code", "truth"]]
    numbers, y = frame[["number", "truth"]], make_table()["y"]
    # One that is no Pipeline.
    model = classifier().fit(numbers, y)
    found = predicted(*saved(model, numbers, y, tmp_path), "--proba")
    assert found["prediction"].tolist() == model.predict(numbers).tolist()
    # Columns that are not all of numbers.
    parts = ColumnTransformer([("text", OneHotEncoder(), ["code"]), ("as is", "passthrough", [0])])
    model = make_pipeline(parts, classifier()).fit(frame, y)
    path, rows = saved(model, frame, y, tmp_path)
    assert set(about_model(path)["columns"].values()) == {"as it is"}
    assert predicted(path, rows)["prediction"].tolist() == model.predict(frame).tolist()
    assert_one_line_error(run("export", path, tmp_path / "model.onnx"), "ColumnTransformer")
    # Several values a row.
    model = regressor().fit(numbers, numbers)
    found = predicted(*saved(model, numbers, numbers, tmp_path))
    assert list(found.columns) == ["prediction 0", "prediction 1"]
    np.testing.assert_allclose(found, model.predict(numbers), rtol=1e-6)


def test_models_that_predict_no_table(tmp_path):
    frame, y = make_table(), make_table()["y"]
    transformer = TicketTransformer(classifier())
    path, rows = saved(transformer, frame[["number", "truth"]], y, tmp_path)
    assert_one_line_error(run("predict", path, rows), "predicts nothing")
    texts = make_pipeline(TfidfVectorizer(), classifier())
    path, rows = saved(texts, frame["text"], y, tmp_path)
    assert load_model(path).predict(frame["text"]).tolist() == texts.predict(frame["text"]).tolist()
    assert_one_line_error(run("predict", path, rows), "takes no table")
    assert_one_line_error(run("export", path, tmp_path / "model.onnx"), "TfidfVectorizer")
    result = run("info", path)
    assert result.exit_code == 0 and "a model of no table" in result.output


def test_who_has_seen_enough_is_told_of_no_error(folder, monkeypatch):
    def write(*args):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("skticket.cli._predict._write", write)
    result = run("predict", folder / "without" / "model.skops", folder / "without.csv")
    assert result.exit_code == 1 and result.output == ""


def test_faults_of_a_file_are_told_at_once(folder, tmp_path):
    model = folder / "table" / "model.skops"
    new = make_table().drop(columns=["code", "text"])
    new.to_csv(tmp_path / "new.csv", index=False)
    assert_one_line_error(run("predict", model, tmp_path / "new.csv"), "lacks", "'code', 'text'")
    new = make_table().astype({"number": object, "truth": object})
    new.loc[3, "number"], new.loc[2, "truth"] = "many", "maybe"
    new.to_csv(tmp_path / "new.csv", index=False)
    result = run("predict", model, tmp_path / "new.csv")
    assert result.exit_code == 2
    first, second = result.stderr.splitlines()
    assert "'number' is to hold numbers, but has 'many' in row 4" in first
    assert "'truth'" in second and "'maybe'" in second
    make_table().head(0).to_csv(tmp_path / "new.csv", index=False)
    assert_one_line_error(run("predict", model, tmp_path / "new.csv"), "new.csv has no rows")
    new = make_table()
    new.loc[5, "day"] = "yesterday"
    new.to_csv(tmp_path / "new.csv", index=False)
    result = run("predict", model, tmp_path / "new.csv")
    assert_one_line_error(result, "'day' is to hold dates, but has 'yesterday' in row 6")


def test_what_is_no_model(folder, tmp_path):
    for path in (folder / "table" / "ticket.safetensors", folder / "table.csv"):
        assert_one_line_error(run("predict", path, folder / "table.csv"), "not a model")
        assert_one_line_error(run("export", path, tmp_path / "model.onnx"), "not a model")
    assert_one_line_error(run("predict", tmp_path / "absent", folder / "table.csv"), "absent")
    assert not (tmp_path / "model.onnx").exists()


def test_info_of_a_model(folder):
    result = run("info", folder / "table" / "model.skops")
    assert result.exit_code == 0, result.output
    for part in (
        "code",
        "category",
        "not used",
        "Task: classification of 'y'",
        "'no', 'yes'",
        "weights",
        "Test accuracy: ",
        "scikit-learn 1.",
    ):
        assert part in result.output


def test_export(folder, tmp_path):
    result = run("export", folder / "table" / "model.skops", tmp_path / "model.onnx")
    assert result.exit_code == 0, result.output
    assert "day" in result.output and "int64" in result.output
    frame = make_table().drop(columns="y")
    frame["number"] = frame["number"].replace(-1, np.nan)
    days = pd.to_datetime(frame["day"], dayfirst=True).astype("datetime64[s]").astype("int64")
    fed = {
        "number": frame["number"].astype(np.float32),
        "code": frame["code"].astype(object),
        "text": frame["text"].astype(object),
        "day": days,
        "truth": frame["truth"].astype(np.float32),
    }
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    _, found = session.run(None, {n: values.to_numpy()[:, None] for n, values in fed.items()})
    expected = load_model(folder / "table" / "model.skops").predict_proba(frame)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_export_of_a_model_without_a_table(folder, tmp_path):
    result = run("export", folder / "digits" / "model.skops", tmp_path / "model.onnx")
    assert result.exit_code == 0, result.output
    assert "64 a row" in result.output
    rows = np.random.default_rng(0).uniform(0, 16, (20, 64)).astype(np.float32)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    _, found = session.run(None, {"X": rows})
    expected = load_model(folder / "digits" / "model.skops").predict_proba(rows)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_in_another_process_without_the_training_data(folder, tmp_path):
    make_table(5, seed=2).drop(columns="y").to_csv(tmp_path / "new.csv", index=False)
    (tmp_path / "model.skops").write_bytes((folder / "table" / "model.skops").read_bytes())
    command = [sys.executable, "-m", "skticket", "predict", "model.skops", "new.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == run("predict", tmp_path / "model.skops", tmp_path / "new.csv").stdout


def test_without_skops_the_rest_is_saved(tmp_path, monkeypatch):
    monkeypatch.setattr("skticket.cli._find.find_spec", lambda name: None)
    options = [*QUICK, "--rounds", "0", "--output", tmp_path]
    result = run("find", "digits", *options)
    assert result.exit_code == 0, result.output
    assert "pip install 'skticket[models]'" in result.output
    assert "model.skops" not in os.listdir(tmp_path) and "rounds.csv" in os.listdir(tmp_path)
