"""Models of tables in files: the preparation of each kind of column comes back, and no code."""

import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy.interpolate import BSpline
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import SplineTransformer
from skrub import DatetimeEncoder, TableVectorizer
from small import SMALL, classifier

from skticket.cli._preparation import table_steps
from skticket.persistence import TRUSTED, about_model, load_model, save_model


def make_table(n_rows=120):
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 10**6, n_rows), "min")
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=n_rows),
            "whole": rng.integers(0, 30, n_rows),
            "truth": rng.random(n_rows) > 0.5,
            "two": rng.choice(["a", "b"], n_rows),
            "category": rng.choice(["red", "grün", "синий"], n_rows),
            "text": [f"house {i} of street {i % 7}" for i in rng.integers(0, 60, n_rows)],
            "time": days,
            "day": days.strftime("%d/%m/%Y"),
            "constant": 1,
        }
    )
    for name in ("number", "category", "text", "time"):
        frame.loc[rng.random(n_rows) < 0.1, name] = None
    return frame, rng.choice(["no", "yes"], n_rows)


@pytest.fixture(scope="module")
def table():
    frame, y = make_table()
    return Pipeline([*table_steps(0), ("ticket", classifier())]).fit(frame, y), frame


def test_every_kind_of_column_comes_back(table, tmp_path):
    model, frame = table
    save_model(model, tmp_path / "model.skops", target="y", missing=["-"])
    loaded = load_model(tmp_path / "model.skops")
    np.testing.assert_array_equal(loaded.predict_proba(frame), model.predict_proba(frame))
    about = about_model(tmp_path / "model.skops")
    assert about["columns"] == {
        "number": "number",
        "whole": "number",
        "truth": "number",
        "two": "category",
        "category": "category",
        "text": "text",
        "time": "date",
        "day": "date",
        "constant": "not used",
    }
    assert about["missing"] == ["-"]
    assert "skrub" in about["versions"]


def test_files_of_tables_hold_no_functions(table, tmp_path):
    model, _ = table
    save_model(model, tmp_path / "model.skops")
    # None of these types is a function, which a file might have called.
    for name in skops.io.get_untrusted_types(file=tmp_path / "model.skops"):
        room, _, kind = name.rpartition(".")
        assert isinstance(getattr(sys.modules[room], kind), type), name


def test_every_trusted_type_is_there_and_needed(table, tmp_path):
    model, _ = table
    for name in TRUSTED:
        room, _, kind = name.rpartition(".")
        assert isinstance(getattr(__import__(room, fromlist=[kind]), kind), type), name
    table = TableVectorizer(datetime=DatetimeEncoder(periodic_encoding="circular"))
    circular = make_pipeline(table, SimpleImputer(), classifier()).fit(*make_table())
    found = set()
    for number, one in enumerate((model, circular)):
        save_model(one, tmp_path / f"{number}.skops")
        found |= set(skops.io.get_untrusted_types(file=tmp_path / f"{number}.skops"))
    assert {name for name in TRUSTED if name.startswith("skrub.")} <= found


def test_compiled_splines_are_never_taken_from_a_file(table, tmp_path):
    model, frame = table
    skops.io.dump(BSpline(np.arange(10.0), np.arange(6.0), 3), tmp_path / "spline.skops")
    with pytest.raises(ValueError, match="BSpline"):
        load_model(tmp_path / "spline.skops")
    knots = np.linspace(-3, 3, 5)[:, None]
    splines = make_pipeline(SplineTransformer(knots=knots, extrapolation="linear"), classifier())
    X = frame[["number"]].fillna(0).to_numpy()
    splines.fit(X, frame["truth"])
    save_model(splines, tmp_path / "model.skops")
    loaded = load_model(tmp_path / "model.skops")
    np.testing.assert_array_equal(loaded.predict_proba(X), splines.predict_proba(X))
    # What the data have determined cannot be made again.
    quantiles = make_pipeline(SplineTransformer(knots="quantile"), classifier())
    with pytest.raises(ValueError, match="BSpline"):
        save_model(quantiles.fit(X, frame["truth"]), tmp_path / "other.skops")


def test_in_another_process_without_the_training_data(table, tmp_path):
    model, frame = table
    save_model(model, tmp_path / "model.skops")
    frame[:9].to_pickle(tmp_path / "new.pkl")
    code = """
        import numpy as np, pandas as pd
        from skticket.persistence import load_model
        np.save("out.npy", load_model("model.skops").predict_proba(pd.read_pickle("new.pkl")))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, check=True)
    found = np.load(tmp_path / "out.npy")
    np.testing.assert_array_equal(found, model.predict_proba(frame[:9]))


def test_the_model_stays_as_it_is(table, tmp_path):
    model, frame = table
    before = model.predict_proba(frame)
    save_model(model, tmp_path / "model.skops")
    np.testing.assert_array_equal(model.predict_proba(frame), before)
    assert model["ticket"].tickets_ and SMALL["rounds"] == 2
