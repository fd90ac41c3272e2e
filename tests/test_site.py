"""The site names every page and every public name; building it is `make docs`."""

import importlib
import re
from pathlib import Path

import pytest
from test_house import FLOOR

import skticket
from skticket.utils import HasPage

ROOT = Path(__file__).parents[1]
DOCS, EXAMPLES = ROOT / "docs", ROOT / "examples"
# What the page of the API leaves out, and says so.
BEHIND = {"cli", "estimators", "network", "search", "training", "utils"}
ROOMS = [
    "skticket",
    "skticket.experiments.mnist",
    "skticket.experiments.study",
    "skticket.experiments.xor",
    *sorted(f"skticket.{room}" for room in FLOOR if room not in {"__init__", "__main__", *BEHIND}),
]
TITLE = re.compile(r'"""\n(.+)\n(=+)\n\n')

pytestmark = pytest.mark.skipif(not EXAMPLES.exists(), reason="no part of the distribution")


def written(folder, pattern):
    """Yield the pages of a folder that somebody wrote, not those that Sphinx makes of them."""
    for path in folder.rglob(pattern):
        name = path.relative_to(folder).as_posix()
        if not name.startswith(("_", "api/", "auto_examples/", "sg_execution")):
            yield name.rpartition(".")[0], path.read_text("utf-8")


def toctrees(text):
    """Yield the entries of a page's toctrees."""
    for block in re.findall(r"^```\{toctree\}\n(.*?)^```", text, re.M | re.S):
        for line in block.splitlines():
            if line and not line.startswith(":"):
                yield re.sub(r".*<(.+)>", r"\1", line)


def documented():
    """Return the objects, and the full names, that the page of the API has."""
    module, objects, names = None, set(), set()
    for line in (DOCS / "api.rst").read_text("utf-8").splitlines():
        if found := re.fullmatch(r"\.\. currentmodule:: ([\w.]+)", line):
            module = importlib.import_module(found[1])
        elif found := re.fullmatch(r"(?:   |\.\. py:data:: )(\w+)", line):
            names.add(f"{module.__name__}.{found[1]}")
            objects.add(id(getattr(module, found[1])))
    return objects, names


def test_every_page_is_in_a_toctree():
    pages = dict([*written(DOCS, "*.md"), *written(DOCS, "*.rst")])
    entries = {entry for text in pages.values() for entry in toctrees(text)}
    assert entries - {"auto_examples/index"} == set(pages) - {"index"}


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_is_in_the_reference(room):
    objects, names = documented()
    module = importlib.import_module(room)
    for name in set(module.__all__) - {"mnist", "study", "xor"}:
        found = getattr(module, name)
        is_there = f"{room}.{name}" in names or callable(found) and id(found) in objects
        assert is_there, f"docs/api.rst lacks {name}"


NAMED = re.compile(r"\b(?:benchmarks|docs|examples|paper|skticket|tests)/[\w./-]+\.\w+")
PAGES = [*dict(written(DOCS, "*.md")).values(), (ROOT / "README.md").read_text("utf-8")]


@pytest.mark.parametrize("path", sorted({path for page in PAGES for path in NAMED.findall(page)}))
def test_files_that_pages_name_are_there(path):
    assert (ROOT / path).exists()


def test_the_walks_see_pages_and_names():
    assert [*toctrees("```{toctree}\n:hidden:\n\nThe end <end>\n```\n")] == ["end"]
    assert "skticket.Prune" in documented()[1]
    assert "skticket.inspection.PALETTE" in documented()[1]


def examples():
    return sorted(EXAMPLES.rglob("plot_*.py"))


def test_examples_have_titles_and_pictures():
    assert len(examples()) >= 14
    titles = set()
    for path in examples():
        text = path.read_text("utf-8")
        title, line = TITLE.match(text).groups()
        assert len(title) == len(line), path.name
        assert "plt.show()" in text, path.name
        assert (path.parent / "GALLERY_HEADER.rst").exists()
        titles.add(title)
    assert len(titles) == len(examples())


@pytest.fixture
def site(monkeypatch):
    address = "https://example.org/skticket/"
    monkeypatch.setattr("skticket.utils._pages._documentation", lambda: address)
    return address


@pytest.mark.parametrize(
    "estimator, page",
    [
        (skticket.WinningTicketClassifier(), "skticket.WinningTicketClassifier"),
        (skticket.TicketSelector(skticket.WinningTicketClassifier()), "skticket.TicketSelector"),
        (skticket.Prune(), "skticket.Prune"),
        (importlib.import_module("skticket.pruning").Snip(), "skticket.pruning.Snip"),
        (importlib.import_module("skticket.initialization").He(), "skticket.initialization.He"),
    ],
)
def test_displays_link_to_pages_of_the_reference(site, estimator, page):
    link = f"{site}api/{page}.html"
    assert estimator._get_doc_link() == link
    assert link in estimator._repr_html_()
    assert page in documented()[1]


def test_all_estimators_have_pages():
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in module.__all__:
            found = getattr(module, name)
            if isinstance(found, type) and hasattr(found, "get_params"):
                assert issubclass(found, HasPage), name


def test_displays_without_an_address_have_no_link(monkeypatch):
    monkeypatch.setattr("skticket.utils._pages._documentation", lambda: None)
    assert skticket.Prune()._get_doc_link() == ""


def test_no_page_is_promised_of_what_others_derive(site):
    class Mine(skticket.WinningTicketClassifier):
        pass

    assert Mine()._get_doc_link() == ""
