"""Tables that `find` learns from, and what it says of those that it cannot."""

import gzip
import sys

import numpy as np
import pandas as pd
import pytest
from running import QUICK, assert_one_line_error, run
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import train_test_split

ONE_ROUND = [*QUICK, "--rounds", "1", "--controls", "0"]


def joined(text):
    """Return text as a wider screen would show it."""
    return " ".join(text.replace("│", " ").split())


@pytest.fixture
def write(tmp_path):
    """Give the function that writes a table of 60 rows, with some columns changed, to a file."""

    def write(name="table.csv", sep=",", **columns):
        rng = np.random.default_rng(0)
        frame = pd.DataFrame({"a": rng.normal(size=60), "b": range(60), "y": ["no", "yes"] * 30})
        frame = frame.assign(**columns)
        path = tmp_path / name
        if name.endswith("parquet"):
            frame.to_parquet(path)
        else:
            frame.to_csv(path, sep=sep, index=False)
        return path

    return write


@pytest.fixture
def find(tmp_path):
    """Give the function that runs `find` on a table, quickly."""

    def find(path, *options, target="y"):
        asked = [] if target is None else ["--target", target]
        return run("find", path, *asked, "--output", tmp_path / "out", *ONE_ROUND, *options)

    return find


def lines(result):
    """Return the lines of errors, and nothing else."""
    assert result.exit_code == 2, result.output
    start = "skticket: error: "
    found = result.stderr.strip().splitlines()
    assert all(line.startswith(start) for line in found)
    return [line.removeprefix(start) for line in found]


# What is refused


def of(column, *values):
    """Return a column of 60 values, the first of them changed."""
    return [*values, *column][:60]


NUMBERS = list(range(60))


@pytest.mark.parametrize("value", ["inf", "-inf", "1e200", "-1e200", "1e400", "9" * 400, "9" * 40])
@pytest.mark.parametrize("target", ["y", "x"])
def test_numbers_that_cannot_be_scaled(write, find, value, target):
    path = write(x=of(NUMBERS, 0, 0, value))
    options = ["--task", "regression"] if target == "x" else []
    (line,) = lines(find(path, *options, target=target))
    assert "'x'" in line and "in row 3" in line and "too large" in line
    assert f"{float(value):g}" in line.replace("e+", "e+")


@pytest.mark.parametrize("value", ["unknown", "1+2j", "12,5", "-", "0x1F"])
def test_a_value_that_is_no_number_among_numbers(write, find, value):
    path = write(x=of(NUMBERS, 1, 2, 3, value, 4, value))
    (line,) = lines(find(path))
    for part in (f"'x': '{value}' in row 4 (and 1 more)", "58 other", f"--missing '{value}'"):
        assert part in line
    assert "--text 'x'" in line
    # Each way out that it tells is one.
    for option in (["--missing", f'"{value}"'], ["--text", "x"], ["--drop", "x"]):
        assert find(path, *option).exit_code == 0


def test_numbers_with_commas(write, find):
    path = write(x=[f"{n},5" for n in NUMBERS], z=of(["7"] * 59, "8"))
    (line,) = lines(find(path))
    for part in ("'x': '0,5' in row 1 (and 59 more)", "--decimal ,", "--text 'x'"):
        assert part in line
    for options in (["--decimal", ","], ["--text", "x"], ["--drop", "x"]):
        assert find(path, *options).exit_code == 0
    (line,) = lines(find(write(x=[f"1.{n:03},50" for n in NUMBERS])))
    assert "'1.000,50' in row 1" in line and "thousands" in line


def test_numbers_that_single_precision_cannot_tell_apart(write, find):
    (line,) = lines(find(write(x=1e9 + np.linspace(0, 1, 60))))
    for part in ("'x'", "too far from 0", "only 1 of 60", "1000000000.0", "1000000001.0"):
        assert part in line
    # Noise of the arithmetic is nothing that needs to be told.
    assert find(write(x=[0.1 + 0.2, 0.3] * 30)).exit_code == 0


# Of the first, single precision holds nothing but zeros; the second is infinite once it is scaled.
@pytest.mark.parametrize(("unit", "value"), [(1e-100, 1.0), (1e-30, 1e30)])
def test_numbers_that_are_too_far_apart(tmp_path, unit, value):
    # A row that is held out, and whose number is no matter of scale to the others.
    column = np.arange(442) * unit
    column[_a_test_row(442)] = value
    path = tmp_path / "table.csv"
    load_diabetes(as_frame=True).frame.assign(width=column).to_csv(path, index=False)
    result = run("find", path, "--target", "target", "--task", "regression")
    assert_one_line_error(result, "'width'", "too far apart")


def _a_test_row(n_rows):
    return train_test_split(np.arange(n_rows), test_size=0.2, random_state=0)[1][0]


def test_all_faults_are_told_at_once(write, find):
    path = write(
        x=of(NUMBERS, "inf"),
        z=of(NUMBERS, "many"),
        w=1e9 + np.linspace(0, 1, 60),
    )
    path.write_text(path.read_text().replace("a,b,", "a,a,", 1))
    found = lines(find(path, "--drop", "gone", "--text", "lost"))
    parts = [
        "columns 1, 2 are all called 'a'",
        "--drop: " + str(path) + " has no column 'gone'",
        "--text: " + str(path) + " has no column 'lost'",
        "'x': inf in row 1",
        "'z': 'many' in row 1",
        "'w' has numbers",
    ]
    assert len(found) == len(parts)
    for line, part in zip(found, parts):
        assert part in line
    # What is left out has no faults, but for its name.
    assert len(lines(find(path, "--drop", "x,z,w"))) == 1


def test_very_many_faults_are_not_all_told(write, find):
    result = find(write(**{f"x{n}": of(NUMBERS, "inf") for n in range(35)}))
    found = result.stderr.strip().splitlines()
    assert len(found) == 31 and found[-1] == "skticket: 5 more errors"


def test_faults_are_no_markup_and_no_control_characters(write, find):
    (line,) = lines(find(write(**{"[red]\x1b[31m": of(NUMBERS, "[bold]\x07")})))
    assert r"'[red]\x1b[31m': '[bold]\x07' in row 1" in line


def test_header_alone(tmp_path, find):
    path = tmp_path / "table.csv"
    path.write_text("a,b,y\n")
    assert "0 rows" in lines(find(path))[0]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "No columns"),
        (b"\n\n", "No columns"),
        (b"PAR1 but nothing more", "Parquet"),
        (b"\x7fELF\0\0\0", "characters that no text has"),
        (b"PK\x03\x04 an archive", "packed"),
        (gzip.compress(b"a,y\n1,2\n", mtime=0), "packed"),
        (b"one column\n1\n2\n", "no separator"),
        (b"a,y\n1,2\n3,4,5\n", "line 3"),
        (b'a,y\n1,"2\n', "EOF inside string"),
        (b"\xff\xfea\0,", "utf-16"),
        (b"a,y\n\x81,1\n", "--encoding"),
    ],
)
def test_files_that_are_no_tables(tmp_path, find, content, part):
    path = tmp_path / "my.csv"
    path.write_bytes(content)
    (line,) = lines(find(path))
    assert str(path) in line and part in line


def test_rows_longer_than_the_header(tmp_path, find):
    """pandas would take the first column for names of rows, and shift the others."""
    path = tmp_path / "long.csv"
    path.write_text("a,b,y\n" + "1,2,3,4\n5,6,7,8\n" * 10)
    (line,) = lines(find(path))
    assert all(part in line for part in ("long.csv", "header", "3"))


def test_absent_files_and_folders(tmp_path, find):
    assert "no.csv" in lines(find(tmp_path / "no.csv"))[0]
    # A folder is none, in whatever words.
    assert tmp_path.name in lines(find(tmp_path))[0]


@pytest.mark.parametrize(
    "address",
    ["https://example.invalid/table.csv", "s3://bucket/table.parquet", "file:///etc/passwd"],
)
def test_addresses(find, address):
    (line,) = lines(find(address))
    assert address in line and "download" in line


def test_only_a_table_itself_is_opened(tmp_path):
    for ending in ("gz", "zip", "xz", "tar"):
        packed = tmp_path / f"table.{ending}"
        packed.write_bytes(b"\xff\xfe\x00 is none of these")
        assert_one_line_error(run("find", packed, "--target", "target"), "not a CSV file")


def test_wrong_targets(write, find):
    path = write(
        one="same", many=[f"name {n}" for n in range(60)], mostly=of(NUMBERS, "unknown"), none=""
    )
    (line,) = lines(find(path, target=None))
    assert "--target is missing" in line and "'mostly'" in line
    assert "no column 'price', only 'a', 'b', 'y'" in lines(find(path, target="price"))[0]
    assert "'one' is 'same' in each row" in lines(find(path, "--drop", "mostly", target="one"))[0]
    assert "60 different values" in lines(find(path, "--drop", "mostly", target="many"))[0]
    assert (
        "60 different values"
        in lines(find(path, "--drop", "mostly", "--task", "classification", target="b"))[0]
    )
    assert "0 rows" in lines(find(path, "--drop", "mostly", target="none"))[0]
    (line,) = lines(find(path, target="mostly"))
    assert "'unknown' in row 1" in line and "--task classification" in line
    (line,) = lines(find(path, "--task", "regression", "--drop", "mostly"))
    assert "'y': 'no' in row 1 (and 59 more) is no number" in line
    assert "must leave 'y' in" in lines(find(path, "--drop", "y,mostly"))[0]


def test_class_weights_of_numbers(write, find):
    (line,) = lines(find(write(), "--class-weight", "balanced", target="a"))
    assert "--class-weight" in line


def test_nothing_to_learn_from(write, find):
    (line,) = lines(find(write(a=1, b="same")))
    assert "no column is left" in line


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ([[1, 2]] * 60, "such as array([1, 2])"),
        ([b"bytes"] * 60, "bytes"),
        ([{"k": 1}] * 60, "dict"),
    ],
)
def test_values_of_other_kinds(write, find, values, part):
    (line,) = lines(find(write("table.parquet", x=values)))
    assert "'x'" in line and part in line and "--drop" in line


def test_times_are_no_targets(write, find):
    path = write("table.parquet", x=pd.date_range("2020-01-01", periods=60))
    assert "holds times" in lines(find(path, target="x"))[0]


def test_missing_packages(write, find, monkeypatch):
    monkeypatch.setitem(sys.modules, "skrub", None)
    (line,) = lines(find(write()))
    assert "'skrub'" in line and "pip install 'skticket[tables]'" in line


def test_missing_package_for_parquet(write, find, monkeypatch):
    path = write("table.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (line,) = lines(find(path))
    assert "'pyarrow.parquet'" in line and "pip install 'skticket[tables]'" in line


# What is learned from


def test_a_mixed_table(write, find, tmp_path):
    rng = np.random.default_rng(0)
    number = pd.Series(NUMBERS, dtype=float).where(rng.random(60) < 0.9)
    path = write(
        number=number,
        colour=rng.choice(["red", "green", None], 60),
        title=[f"the {n}th of its kind" for n in NUMBERS],
        date=pd.date_range("2020-02-01", periods=60).strftime("%d.%m.%Y"),
        same="x",
        nothing=None,
    )
    result = find(path)
    assert result.exit_code == 0, result.output
    columns = pd.read_csv(tmp_path / "out" / "columns.csv", index_col="column")
    assert columns["holds"].to_dict() == {
        "a": "numbers",
        "b": "numbers",
        "number": "numbers",
        "colour": "categories",
        "title": "text",
        "date": "times",
        "same": "one value",
        "nothing": "nothing",
    }
    # A number and whether it is missing; a colour each, and none.
    assert columns["columns"][["a", "number", "colour", "same", "nothing"]].tolist() == [
        1, 2, 3, 0, 0,
    ]  # fmt: skip
    assert columns["missing"]["number"] == number.isna().sum()
    shown = joined(result.output)
    for name in columns.index:
        assert f" {name} " in shown
    assert "60 rows, 9 columns" in shown
    assert "'title' differs in each row" in shown and "'b' differs in each row" in shown


def test_names_of_columns_are_text_to_the_screen(write, find):
    markup, control = "[/red] [bold]:smile:", "\x1b[31m"
    result = find(write(**{markup + control: NUMBERS}))
    assert result.exit_code == 0, result.output
    assert markup in joined(result.output) and r"\x1b[31m" in result.output
    assert "\x1b" not in result.output


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_rows_without_a_target_are_left_out(write, find, name):
    path = write(name, y=of(["no", "yes"] * 30, None, None, None))
    result = find(path)
    assert result.exit_code == 0, result.output
    assert "3 rows have no 'y': they are left out." in joined(result.output)
    assert " no 29 " in joined(result.output) and " yes 28 " in joined(result.output)
    # Whole numbers stay whole, though some are missing.
    result = find(write(name, y=of([3, 4] * 30, None, None, None)))
    assert " 3 29 " in joined(result.output) and " 4 28 " in joined(result.output)
    (line,) = lines(find(write(name, y=of(["b"] * 60, None))))
    assert "'y' is 'b' in each row but the 1 where it is missing" in line


def test_the_task_is_told(write, find):
    path = write(few=[1, 2, 3] * 20, part=np.linspace(0, 1, 60))
    said = joined(find(path, target="few").output)
    assert "Task: classification, as 'few' has only 3 different values; --task regression" in said
    said = joined(find(path, target="part").output)
    assert "Task: regression, as 'part' has 60 different values; --task classification" in said
    path = write(few=[0.5, 1.5, 2.5] * 20)
    said = joined(find(path, target="few").output)
    assert "Task: regression, as 'few' has decimals; --task classification" in said
    said = joined(find(path, "--task", "classification", target="few").output)
    assert "Task: classification." in said and " 0.5 20 33.3 " in said
    path = write(few=[1, 2, 3] * 20)
    result = find(path, "--task", "regression", target="few")
    assert "Task: regression." in result.output and "R²" in result.output


def test_a_rare_class_is_told_and_scored(write, find, tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat(["often", "rare"], [285, 15])
    b = 2 * (y == "rare") + rng.normal(size=300)
    frame = pd.DataFrame({"a": rng.normal(size=300), "b": b, "y": y})
    path = tmp_path / "rare.csv"
    frame.to_csv(path, index=False)
    longer = ["--epochs", 20]
    said = joined(find(path, *longer).output)
    assert "Only 5% of the rows are of class 'rare'" in said
    assert "scores: balanced accuracy" in said and "--class-weight balanced" in said
    assert "test balanced accuracy" in said
    table = pd.read_csv(tmp_path / "out" / "rounds.csv")
    # Of 57 and 3 test rows.
    steps = table["test_score"] * 2 * 57
    np.testing.assert_allclose(steps, steps.round(), rtol=0, atol=1e-6)
    weighted = find(path, "--class-weight", "balanced", *longer)
    assert weighted.exit_code == 0, weighted.output
    better = pd.read_csv(tmp_path / "out" / "rounds.csv")
    assert better["test_score"][0] > table["test_score"][0]
    assert "balanced accuracy" not in find(path, "--scoring", "accuracy").output


@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss", "f1_macro"])
def test_any_score(write, find, tmp_path, scoring):
    result = find(write(), "--scoring", scoring, "--select", "last", "--controls", 1)
    assert result.exit_code == 0, result.output
    assert f"test {scoring.replace('_', ' ')} " in joined(result.output)
    for name in ("rounds", "controls"):
        table = pd.read_csv(tmp_path / "out" / f"{name}.csv")
        assert (table[["test_score", "valid_score"]].max() <= (0 if "neg" in scoring else 1)).all()


def test_scores_that_do_not_exist_or_do_not_fit(write, find):
    (line,) = lines(find(write(), "--scoring", "luck"))
    assert "'luck'" in line
    # In order.
    assert line.index("accuracy") < line.index("balanced_accuracy") < line.index("r2")
    (line,) = lines(find(write(), "--scoring", "r2"))
    assert "--scoring" in line and "r2" in line or "R²" in line
    assert "--scoring" in lines(find(write(), "--scoring", "roc_auc", target="a"))[0]


def test_fewer_test_rows_than_classes(tmp_path, find):
    path = tmp_path / "table.csv"
    path.write_text("a,y\n" + "".join(f"{n},{n % 5}\n" for n in range(12)))
    result = find(path)
    assert result.exit_code == 0, result.output


def test_texts_and_categories_of_numbers(write, find, tmp_path):
    path = write(zip=[f"0{n % 7}" for n in NUMBERS], code=[n % 3 for n in NUMBERS])
    assert find(path, "--text", "zip,code").exit_code == 0
    columns = pd.read_csv(tmp_path / "out" / "columns.csv", index_col="column")
    assert columns.loc[["zip", "code"], "holds"].tolist() == ["categories"] * 2
    assert columns.loc[["zip", "code"], "columns"].tolist() == [7, 3]


def test_what_only_few_rows_have_is_nothing_to_warn_of(write, find, recwarn):
    # Of 48 rows to learn from, some lack what only one row of all has; 60 short texts are few.
    colours = [f"colour {n}" if n < 30 else "red" for n in NUMBERS]
    result = find(write(colour=colours, short=[f"{chr(65 + n)}" for n in NUMBERS]))
    assert result.exit_code == 0, result.output
    assert all("skticket" in w.filename for w in recwarn if w.category is UserWarning)


def test_tables_on_the_screen_fit_into_80_columns(write, find):
    output = find(write(), "--controls", 1, "--select", "last").output
    assert "┃ validation ┃   test ┃ winning ┃" in output
    assert "┃ validation ┃   test ┃ would win ┃" in output


def test_dropped_columns(write, find, tmp_path):
    path = write(**{"with, comma": NUMBERS})
    result = find(path, "--drop", 'b, "with, comma"')
    assert result.exit_code == 0, result.output
    assert pd.read_csv(tmp_path / "out" / "columns.csv")["column"].tolist() == ["a"]


def test_one_seed_gives_one_ticket_of_a_table(write, find, tmp_path):
    path = write(title=[f"kind {n % 50} of {n % 3}" for n in NUMBERS])
    tickets = []
    for _ in range(2):
        assert find(path, "--seed", 3).exit_code == 0
        tickets.append((tmp_path / "out" / "ticket.safetensors").read_bytes())
    assert tickets[0] == tickets[1]


def test_csv_errors_of_the_iris(tmp_path):
    frame = load_iris(as_frame=True).frame
    path = tmp_path / "iris.csv"
    frame.to_csv(path, index=False)
    assert_one_line_error(run("find", path), "--target", "target")
    assert_one_line_error(run("find", path, "--target", "price"), "price", "petal width (cm)")
    (tmp_path / "short.csv").write_text("a,b\n1,2\n")
    assert_one_line_error(run("find", tmp_path / "short.csv", "--target", "a"), "1 rows")
