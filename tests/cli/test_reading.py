"""Files of tables: what form they have is found out, or said."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

from skticket.cli._reading import Reading, read_table

NUMBERS = [0.5, 1.25, -2.75, 1000.0]
WORDS = ["blå", "grün", "rouge, vif", "noir"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [".", ","])
@pytest.mark.parametrize(("sep", "name"), [(",", ","), (";", ";"), ("\t", "tab"), ("|", "|")])
def test_the_form_is_found_out(tmp_path, sep, name, mark, end, encoding):
    if sep == mark == ",":
        return
    frame = pd.DataFrame({"number": NUMBERS, "word": WORDS, "whole": range(4)})
    path = tmp_path / "table"
    frame.to_csv(path, index=False, sep=sep, decimal=mark, lineterminator=end, encoding=encoding)
    found, names, form = read_table(str(path), Reading())
    pd.testing.assert_frame_equal(found, frame)
    assert names == list(frame)
    assert f'"{name}"' in form and encoding.removesuffix("-sig") in form
    assert ("decimal mark" in form) == (mark == ",")


def test_the_form_may_be_said(tmp_path):
    path = tmp_path / "table"
    path.write_text("a b\n1,5 é\n2,5 ô\n", encoding="latin-1")
    found, _, _ = read_table(str(path), Reading(" ", ",", "latin-1"))
    assert found.to_dict("list") == {"a": [1.5, 2.5], "b": ["é", "ô"]}
    # In quotes, a decimal comma is none between values.
    path.write_text('a,b\n"1,5",2\n')
    found, _, _ = read_table(str(path), Reading(decimal=","))
    assert found.to_dict("list") == {"a": [1.5], "b": [2]}


def test_commas_within_values_are_no_separators(tmp_path):
    path = tmp_path / "table"
    path.write_text("price, EUR;city, country\n" + "1,5;Rome, Italy\n" * 3)
    found, names, _ = read_table(str(path), Reading())
    assert names == ["price, EUR", "city, country"]
    assert found["price, EUR"].tolist() == [1.5] * 3


def test_dates_with_points_are_no_numbers(tmp_path):
    path = tmp_path / "table"
    path.write_text("a;b\n1,5;01.02.2020\n2,5;03.02.2020\n")
    found, _, form = read_table(str(path), Reading())
    assert found["a"].tolist() == [1.5, 2.5] and found["b"].tolist() == ["01.02.2020", "03.02.2020"]


def test_thousands_are_no_decimals(tmp_path):
    path = tmp_path / "table"
    path.write_text('a,b\n"1,234",x\n"2,345",y\n')
    found, _, _ = read_table(str(path), Reading())
    assert found["a"].tolist() == ["1,234", "2,345"]


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_what_is_missing(tmp_path, name):
    frame = pd.DataFrame({"a": [1, -999, 3], "b": ["x", "?", "n/a"], "c": ["y", "z", "unknown"]})
    path = tmp_path / name
    frame.to_parquet(path) if "parquet" in name else frame.to_csv(path, index=False)
    found, _, _ = read_table(str(path), Reading(missing=("-999", "?", "unknown")))
    assert found["a"].isna().tolist() == [False, True, False]
    assert found["b"].isna().tolist() == [False, True, name == "table.csv"]
    assert found["c"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_text_stays_what_it_is(tmp_path, name):
    frame = pd.DataFrame({"zip": ["01234", None, "99999"], "n": [1, 2, 3], "d": ["2020-01-01"] * 3})
    path = tmp_path / name
    frame.to_parquet(path) if "parquet" in name else frame.to_csv(path, index=False)
    found, _, _ = read_table(str(path), Reading(text=("zip", "n", "d")))
    assert found["zip"].dropna().tolist() == ["01234", "99999"] and found["zip"].isna()[1]
    assert found["n"].tolist() == ["1", "2", "3"]
    assert all(isinstance(dtype, pd.CategoricalDtype) for dtype in found.dtypes)


def test_kinds_of_parquet(tmp_path):
    day, columns = datetime.date(2020, 1, 1), {}
    columns["whole"] = pd.array([1, None, 3], dtype="Int64")
    columns["flag"] = pd.array([True, None, False], dtype="boolean")
    columns["sure"] = pd.array([True, True, False], dtype="boolean")
    columns["money"] = [decimal.Decimal("1.50"), None, decimal.Decimal("2.25")]
    columns["day"] = [day, None, day]
    columns["time"] = pd.to_datetime(["2020-01-01T12:00"] * 3, utc=True)
    columns["grade"] = pd.Categorical(["3", "1", "3"])
    columns["word"] = ["a", None, "b"]
    path = tmp_path / "a table"
    pd.DataFrame(columns, index=pd.Index([7, 8, 9], name="id")).to_parquet(path)
    found, names, form = read_table(str(path), Reading())
    assert names == ["id", *columns] and form == "Parquet"
    assert found["id"].tolist() == [7, 8, 9]
    for name, values in {
        "whole": [1, np.nan, 3],
        "flag": [1, np.nan, 0],
        "money": [1.5, np.nan, 2.25],
    }.items():
        assert found[name].dtype == float
        np.testing.assert_array_equal(found[name], values)
    assert found["sure"].dtype == bool
    assert found["day"].dtype.kind == "M" and found["day"].isna().tolist() == [False, True, False]
    assert found["time"].dtype.kind == "M"
    assert found["grade"].tolist() == ["3", "1", "3"] and found["grade"].dtype == "category"
    assert found["word"].isna().tolist() == [False, True, False]


def test_names_that_are_alike(tmp_path):
    path = tmp_path / "table"
    path.write_text("a,b,a\n1,2,3\n")
    assert read_table(str(path), Reading())[1] == ["a", "b", "a"]


def test_long_files_are_sampled(tmp_path):
    """The start of a file may end within a character, and be in another encoding than the rest."""
    path = tmp_path / "table"
    line = "1;é\n".encode()
    content = b"one;two\n" + line * (2**20 // len(line) + 10)
    assert content[: 2**20].decode(errors="ignore").encode() != content[: 2**20]
    path.write_bytes(content)
    found, _, form = read_table(str(path), Reading())
    assert set(found["two"]) == {"é"} and "utf-8" in form
    path.write_bytes(content + b"1;\xe9\n")
    found, _, form = read_table(str(path), Reading())
    assert found["two"].iloc[-1] == "é" and "cp1252" in form


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"sep": ""}, "--sep"),
        ({"sep": "ab"}, "--sep"),
        ({"sep": '"'}, "--sep"),
        ({"decimal": "x"}, "--decimal"),
        ({"encoding": "latin-99"}, "--encoding: there is none called 'latin-99'"),
        ({"encoding": "hex"}, "--encoding"),
        ({"encoding": "\0"}, "--encoding"),
    ],
)
def test_wrong_forms(options, part):
    with pytest.raises(ValueError, match=part):
        Reading(**options)


def test_the_offending_byte_is_told(tmp_path):
    path = tmp_path / "table"
    path.write_bytes(b"a,b\n\xff,1\n")
    with pytest.raises(ValueError, match="0xff in position 4"):
        read_table(str(path), Reading(encoding="utf-8"))
