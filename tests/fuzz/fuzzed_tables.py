"""Tables in files, as they are and as they are not."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from mutating import mutated
from sklearn.pipeline import Pipeline

from skticket.cli import _reading, _source
from skticket.cli._faults import Question
from skticket.cli._preparation import prepare

# CSV files

_CELLS = st.one_of(
    st.floats().map(repr),
    st.integers().map(str),
    st.sampled_from(["", "nan", "NA", "inf", "-inf", "1e308", "-1e308", "1e400", "5e-324", "0x1F"]),
    st.sampled_from(["True", "false", "1_000", "1,5", '"', '"a"', "9" * 25, "9" * 400, "1+2j"]),
    st.sampled_from(["2020-01-01", "\0", "\r", "\n", "#", "é", "\ud83d\ude00", " ", "\t", "1 "]),
    st.text(max_size=4),
)  # fmt: skip
_NUMBERS = [
    lambda n: [f"{value:.3f}" for value in np.sin(np.arange(n))],
    lambda n: [str(value) for value in range(n)],
    lambda n: ["1e308" if value % 2 else "-1e308" for value in range(n)],
    lambda n: ["3"] * n,
    lambda n: ["True" if value % 3 else "False" for value in range(n)],
    lambda n: [str(value % 2) for value in range(n)],
    lambda n: ["18446744073709551615" if value % 2 else "-1" for value in range(n)],
    lambda n: ["1e-300" if value % 2 else "0" for value in range(n)],
]
_OTHERS = [
    lambda n: ["red" if value % 3 else "blue" for value in range(n)],
    lambda n: [f"the {value * value} of them" for value in range(n)],
    lambda n: [f"{value % 28 + 1:02}.03.20{value % 24:02}" for value in range(n)],
    lambda n: ["" if value % 4 else f"{value}.5" for value in range(n)],
    lambda n: [f"{value},5" for value in range(n)],
]
_TARGETS = [*_NUMBERS, _OTHERS[0]]


@st.composite
def _table(draw):
    """Return a table, mostly one that can be read, with some cells that are something else."""
    n_rows = draw(st.sampled_from([60, 30, 12, 12, 10, 9, 0]))
    kinds = draw(st.lists(st.sampled_from([*_NUMBERS, *_OTHERS]), min_size=1, max_size=4))
    columns = [kind(n_rows) for kind in [*kinds, draw(st.sampled_from(_TARGETS))]]
    rows = [list(row) for row in zip(*columns)]
    names = [f"x{n}" for n in range(len(columns) - 1)] + ["target"]
    lines = [names, *rows]
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2, 5]))):
        line = draw(st.sampled_from(lines[draw(st.sampled_from([0, 1, 1, 1])) :] or lines))
        place = draw(st.integers(0, len(line) - 1))
        # Now and then one more than there should be.
        line[place : place + draw(st.sampled_from([1] * 9 + [0]))] = [draw(_CELLS)]
    separator, end = (
        draw(st.sampled_from([",", ",", ",", ";", "\t"])),
        draw(st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", ",\n"])),
    )
    text = "".join(separator.join(line) + end for line in lines)
    coding = draw(st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "latin-1"]))
    return text.encode(coding, errors="replace")


CSV = "x,y,target\n" + "".join(f"{n},{n * n % 7},{n % 3}\n" for n in range(15))
_NAMES_OF_COLUMNS = st.lists(st.sampled_from(["x0", "x1", "y", "target"]), max_size=2).map(tuple)
_MARKS = st.lists(st.one_of(st.sampled_from(["0", "red", "?", "1.5"]), st.text(max_size=2)))
_FORMS = st.fixed_dictionaries(
    {},
    optional={
        "sep": st.one_of(st.sampled_from([",", ";", "\t", " "]), st.text(max_size=2)),
        "decimal": st.sampled_from([".", ",", "x"]),
        "encoding": st.sampled_from(["utf-8", "latin-1", "cp1252", "utf-16", "hex", "idna", "\0"]),
        "missing": _MARKS.map(tuple),
        "text": _NAMES_OF_COLUMNS,
    },
)
TABLES = st.tuples(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=100).map(lambda text: text.encode(errors="replace")),
        mutated(CSV.encode()),
        _table(),
        _table(),
        _table(),
        _table().flatmap(mutated),
    ),
    st.sampled_from(["target"] * 8 + ["x0", None]),
    st.sampled_from(["auto", "auto", "classification", "regression"]),
    st.one_of(st.just({}), _FORMS),
    st.one_of(st.just(()), _NAMES_OF_COLUMNS),
    # To prepare what was read takes most of the time.
    st.sampled_from([True, False, False, False]),
)


def check_csv(folder, table):
    """Read a table: finite numbers to learn from, or errors that the command tells in a line."""
    content, target, task, form, drop, is_prepared = table
    path = folder / "table.csv"
    path.write_bytes(content)
    try:
        question = Question(target, task, drop, form.get("text", ()))
        source = _source.load(str(path), question, _reading.Reading(**form))
        X_train, X_test, y_train, y_test = source.parts
        parts = (X_train, X_test)
        if is_prepared:
            parts = prepare(Pipeline(source.preparation), *parts)
    except ExceptionGroup as group:
        assert group.exceptions and all(type(fault) is ValueError for fault in group.exceptions)
        return "refused"
    except (ValueError, OSError):
        return "refused"
    for X, y in zip(parts, (y_train, y_test)):
        assert X.ndim == 2 and X.shape[1] == parts[0].shape[1] > 0
        assert len(X) == len(y) > 0
        assert not is_prepared or X.dtype == np.float32
        assert not is_prepared or np.isfinite(X).all(), "numbers that are none"
        assert not source.regression or np.isfinite(y).all(), "targets that are none"
        assert source.regression or len(np.unique(y)) <= len(source.counts)
    return "read"


# Parquet files


def _parquet_content():
    columns = {"x": np.arange(30) / 7, "word": ["a", "b", None] * 10, "target": [1, 2, 3] * 10}
    columns["when"] = pd.date_range("2020-01-01", periods=30)
    columns["kind"] = pd.Categorical(["u", "v", "w"] * 10)
    return pd.DataFrame(columns).to_parquet()


PARQUET = _parquet_content()
PARQUETS = st.one_of(
    *[mutated(PARQUET)] * 3,
    # What tells of the columns stands at the end.
    mutated(PARQUET[-2000:]).map(lambda end: PARQUET[:-2000] + end),
    st.just(PARQUET),
)


def check_parquet(folder, content):
    """Read a table: columns to learn from, or errors that the command tells in a line."""
    path = folder / "table.parquet"
    path.write_bytes(content)
    try:
        source = _source.load(str(path), Question("target"), _reading.Reading())
    except (ExceptionGroup, ValueError, OSError):
        return "refused"
    X_train, X_test, y_train, y_test = source.parts
    assert len(X_train) == len(y_train) > 0 and len(X_test) == len(y_test) > 0
    assert X_train.shape[1] == X_test.shape[1] > 0
    return "read"
