"""Names of files, folders, columns and weights are text, to a terminal and to a page."""

import struct
from html.parser import HTMLParser

import numpy as np
import pytest
from running import QUICK as QUICK_ROUNDS
from running import run
from sklearn.datasets import load_iris

from skticket import Ticket

QUICK = [*QUICK_ROUNDS, "--rounds", "0"]
MARKUP = "[/red] [bold]:smile:[link=https://example.org]"
CONTROL = "\x1b[31mred\x07\r\x9b1m\u202e"
SHOWN = r"\x1b[31mred\x07\r\x9b1m\u202e"


def joined(text):
    return "".join(text.split())


def assert_harmless(text):
    odd = {character for character in text if not character.isprintable()} - {"\n"}
    assert not odd


def test_output_of_find(tmp_path):
    folder = tmp_path / f"a {MARKUP}{CONTROL}".replace("/", "")
    result = run("find", "digits", "--output", folder, *QUICK)
    assert result.exit_code == 0, result.output
    assert (folder / "rounds.csv").exists()
    assert MARKUP.replace("/", "") + SHOWN in result.output
    assert_harmless(result.output)


def test_closing_tag_in_output(tmp_path):
    result = run("find", "digits", "--output", f"{tmp_path}/[/red]", *QUICK)
    assert result.exit_code == 0, result.output
    assert f"Written to {tmp_path}/[/red]:" in result.output


def test_columns_of_a_table(tmp_path):
    values = [*range(149), "\x1b[31mred"]
    control = CONTROL.replace("\r", "")
    frame = load_iris(as_frame=True).frame.assign(**{MARKUP: values, control: "\x1b[31mred"})
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    result = run("find", path, "--target", "target", "--output", tmp_path)
    assert result.exit_code == 2
    assert MARKUP in result.stderr
    assert_harmless(result.stderr)
    result = run("find", path, "--target", "target", "--text", MARKUP, "--output", tmp_path, *QUICK)
    assert result.exit_code == 0, result.output
    shown = SHOWN.replace(r"\r", "")
    rows = [line.split("│") for line in result.output.splitlines() if line.startswith("│")]
    names = joined("".join(row[1] for row in rows))
    assert joined(MARKUP) in names and shown in names
    assert_harmless(result.output)


@pytest.mark.parametrize("name", [MARKUP, CONTROL, "half \udcff"])
def test_names_in_errors(tmp_path, name):
    result = run("info", tmp_path / name)
    assert result.exit_code == 2
    assert_harmless(result.stderr)
    result = run("find", name, "--target", "a", "--output", tmp_path)
    assert result.exit_code == 2
    assert_harmless(result.stderr)


def test_weights_of_a_ticket(tmp_path):
    name = f"{MARKUP}{CONTROL}.weight"
    path = tmp_path / CONTROL
    Ticket({name: np.ones((2, 3))}, {name: np.ones((2, 3), bool)}).save(path)
    result = run("info", path)
    assert result.exit_code == 0, result.output
    # A narrow table cuts names into lines.
    assert SHOWN in joined(result.output)
    assert "[bold]:smile:" in result.output
    assert_harmless(result.output)


class _Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def write_images(folder):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, n in (("train", 60), ("t10k", 20)):
        labels = np.resize([0, 1], n).astype(np.uint8)
        images = rng.integers(0, 99, size=(n, 3, 3), dtype=np.uint8) + 99 * labels[:, None, None]
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
            content = header + array.astype(np.uint8).tobytes()
            (folder / f"{name}-{kind}-ubyte").write_bytes(content)


@pytest.mark.slow
def test_folder_of_images_in_the_report(tmp_path):
    name = f"<img src=x onerror=alert(1)> a|b [x](data:,) `c` *d* &lt; {CONTROL}"
    write_images(tmp_path / name)
    options = ["--preset", "smoke", "--trials", "2", "--rounds", "2", "--jobs", "1"]
    output = tmp_path / "out"
    result = run("mnist", "all", *options, "--dataset", tmp_path / name, "--output", output)
    assert result.exit_code == 0, result.output
    assert_harmless(result.output)
    page = (output / "report.html").read_text("utf-8")
    parser = _Elements()
    parser.feed(page)
    images = [attributes for tag, attributes in parser.found if tag == "img"]
    assert images and all(image["src"].startswith("data:image/png;base64,") for image in images)
    assert not any("onerror" in attributes for _, attributes in parser.found)
    shown = name.replace(CONTROL, SHOWN)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        shown = shown.replace(character, entity)
    assert f"{shown}:" in page
    assert_harmless((output / "report.md").read_text("utf-8"))
