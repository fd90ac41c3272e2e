"""ONNX graphs of tables: a named input for each column."""

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skl2onnx import to_onnx
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from skrub import DatetimeEncoder, StringEncoder, TableVectorizer
from small import classifier

from skticket.cli._preparation import table_steps
from skticket.export import NO_DATE, graph_of, table_inputs

N_ROWS = 150


def make_table(seed=0):
    rng = np.random.default_rng(seed)
    seconds = rng.integers(0, 2 * 10**9, N_ROWS)
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=N_ROWS),
            "truth": rng.random(N_ROWS) > 0.5,
            "two": rng.choice(["a", "b"], N_ROWS),
            "category": rng.choice(["red", "grün", "синий"], N_ROWS),
            "time": pd.to_datetime(seconds, unit="s"),
            "constant": 1,
            "text": [f"House {i} of street {i % 7}" for i in rng.permutation(N_ROWS)],
            "whole": rng.integers(0, 30, N_ROWS),
        }
    )
    for name in ("number", "category", "time", "text"):
        frame.loc[rng.random(N_ROWS) < 0.1, name] = None
    return frame, rng.choice(["no", "yes"], N_ROWS)


def feed(frame, inputs):
    """Return what a graph takes of a table."""
    fed = {}
    for name, kind in inputs:
        column = frame[name]
        if "String" in type(kind).__name__:
            values = column.astype(object).where(column.notna(), "").to_numpy()
        elif "Int64" in type(kind).__name__:
            seconds = column.astype("datetime64[s]").astype("int64")
            values = np.where(column.isna(), NO_DATE, seconds)
        else:
            values = column.to_numpy(np.float32)
        fed[name] = values.reshape(-1, 1)
    return fed


def session_of(graph):
    return onnxruntime.InferenceSession(graph.SerializeToString())


@pytest.mark.parametrize("seed", range(2))
def test_the_preparation_of_a_table(seed):
    frame, _ = make_table(seed)
    table = dict(table_steps(0))["table"].fit(frame)
    inputs = table_inputs(table)
    assert [name for name, _ in inputs] == [name for name in frame if name != "constant"]
    session = session_of(to_onnx(table, initial_types=inputs))
    others, _ = make_table(seed + 10)
    others.loc[3, "category"] = others.loc[4, "two"] = "never seen"
    for rows in (frame, others):
        (found,) = session.run(None, feed(rows, inputs))
        # Copies, numbers of tables that were computed in double precision, and of texts sums of a
        # few dozen terms below 1.
        np.testing.assert_allclose(found, table.transform(rows).to_numpy(), rtol=1e-6, atol=1e-5)


def test_a_whole_model():
    frame, y = make_table()
    model = Pipeline([*table_steps(0), ("ticket", classifier(rounds=4))]).fit(frame, y)
    graph, inputs, note = graph_of(model)
    assert note is None
    label, probabilities = session_of(graph).run(None, feed(frame, inputs))
    expected = model.predict_proba(frame)
    # As without a table: sums of at most 40 scaled numbers, each rounded.
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-4)
    is_clear = np.abs(expected[:, 0] - 0.5) > 2e-4
    np.testing.assert_array_equal(label[is_clear], model.predict(frame)[is_clear])


@pytest.mark.parametrize("periodic", [None, "circular", "spline"])
@pytest.mark.parametrize("resolution", ["second", "day", "month"])
def test_dates(periodic, resolution):
    encoder = DatetimeEncoder(
        resolution=resolution, periodic_encoding=periodic, add_weekday=True, add_total_seconds=True
    )
    dates = pd.date_range("1890-01-01", "2110-01-01", periods=2000).floor("s")
    frame = pd.DataFrame({"time": dates})
    table = TableVectorizer(datetime=encoder).fit(frame)
    inputs = table_inputs(table)
    (found,) = session_of(to_onnx(table, initial_types=inputs)).run(None, feed(frame, inputs))
    np.testing.assert_allclose(found, table.transform(frame).to_numpy(), rtol=1e-6, atol=0)


@pytest.fixture(scope="module")
def calendar():
    """Give the session of a graph, and the table, of dates by their plain parts."""
    encoder = DatetimeEncoder("second", periodic_encoding=None, add_weekday=True)
    frame = pd.DataFrame({"time": pd.date_range("2000-01-01", periods=50, freq="97h13min7s")})
    table = TableVectorizer(datetime=encoder).fit(frame)
    return session_of(to_onnx(table, initial_types=table_inputs(table))), table


@given(st.datetimes(pd.Timestamp("1700-01-01"), pd.Timestamp("2250-12-31")))
@settings(max_examples=200)
def test_any_date(calendar, date):
    session, table = calendar
    date = pd.Timestamp(date).floor("s")
    fed = {"time": np.array([[date.value // 10**9]])}
    (found,) = session.run(None, fed)
    names = list(table.all_outputs_)
    expected = {
        "time_year": date.year,
        "time_month": date.month,
        "time_day": date.day,
        "time_hour": date.hour,
        "time_minute": date.minute,
        "time_second": date.second,
        "time_weekday": date.isoweekday(),
    }
    assert {name: found[0, names.index(name)] for name in expected} == expected


WORDS = "Größe small Large RUND ÉCOLE x a ab Привет МИР 日本 don't 12-34 a.b".split()


def make_texts(n_rows, seed):
    rng = np.random.default_rng(seed)
    spaces = [" ", "  ", "\t", "\u00a0", "\n"]
    return pd.DataFrame(
        {
            "text": [
                "".join(word + rng.choice(spaces) for word in rng.choice(WORDS, rng.integers(0, 6)))
                + str(rng.integers(99))
                for _ in range(n_rows)
            ]
        }
    )


@pytest.mark.parametrize(
    "parameters", [{}, {"n_components": 1000}, {"ngram_range": (2, 5)}], ids=str
)
def test_texts(parameters):
    frame = make_texts(300, seed=0)
    frame.loc[5, "text"] = None
    table = TableVectorizer(high_cardinality=StringEncoder(random_state=0, **parameters))
    table.fit(frame)
    inputs = table_inputs(table)
    session = session_of(to_onnx(table, initial_types=inputs))
    odd = pd.DataFrame({"text": ["", "zzz", "  ", "A B", "UNSEEN größe", "x" * 300]})
    nothing = pd.DataFrame({"text": [""]})
    for rows in (frame, make_texts(40, seed=1), odd, nothing):
        (found,) = session.run(None, feed(rows, inputs))
        # Weights of at most a few hundred pieces, below 1 each.
        expected = table.transform(rows).to_numpy()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_what_no_graph_can_begin_with():
    frame, y = make_table()
    frame["text"] = [f"house {i} of street {i % 7}" for i in range(N_ROWS)]
    table = dict(table_steps(0))["table"]
    table.set_params(high_cardinality=StringEncoder(vectorizer="hashing", random_state=0))
    steps = [("table", table), ("impute", SimpleImputer()), ("ticket", classifier())]
    model = Pipeline(steps).fit(frame, y)
    with pytest.raises(NotImplementedError, match="column 'text' is prepared by StringEncoder"):
        table_inputs(model["table"])
    graph, [(name, kind)], note = graph_of(model)
    assert "'text'" in note
    prepared = model["table"].transform(frame).to_numpy(np.float32)
    assert kind.shape == [None, prepared.shape[1]]
    _, probabilities = session_of(graph).run(None, {name: prepared})
    np.testing.assert_allclose(probabilities, model.predict_proba(frame), rtol=0, atol=1e-4)


def test_a_time_zone_is_none_of_utc():
    frame, _ = make_table()
    frame["time"] = frame["time"].dt.tz_localize("Europe/Berlin", ambiguous="NaT")
    table = dict(table_steps(0))["table"].fit(frame)
    with pytest.raises(NotImplementedError, match="'time'"):
        table_inputs(table)


def test_wrong_inputs_are_named():
    frame, _ = make_table()
    table = dict(table_steps(0))["table"].fit(frame)
    inputs = dict(table_inputs(table))
    without = [(name, kind) for name, kind in inputs.items() if name != "two"]
    with pytest.raises(ValueError, match="column 'two' is not among the inputs"):
        to_onnx(table, initial_types=without)
    with pytest.raises(ValueError, match="column 'two' holds text"):
        to_onnx(table, initial_types=[*(inputs | {"two": inputs["number"]}).items()])
    with pytest.raises(ValueError, match="column 'time' holds dates"):
        to_onnx(table, initial_types=[*(inputs | {"time": inputs["number"]}).items()])
