"""Links that lead somewhere, and what the project says of itself in several places."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

import skticket

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PAGES = ["README.md", "CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "paper/paper.md"]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
ELSEWHERE = re.compile("[a-z]+:")


def text_of(name):
    return (ROOT / name).read_text("utf-8")


def links_of(text):
    return LINK.findall(text)


def heading_anchors(text):
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page):
    links = [link for link in links_of(text_of(page)) if not ELSEWHERE.match(link)]
    for path, _, anchor in (link.partition("#") for link in links):
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), path
        assert not anchor or anchor in heading_anchors(target.read_text("utf-8")), anchor


@pytest.fixture
def described(monkeypatch):
    """Give the function that returns what the package's build says of it, in some environment."""
    pytest.importorskip("hatchling")
    path = ROOT / "hatch_build.py"
    spec = importlib.util.spec_from_file_location("hatch_build", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)

    def describe(**environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        metadata = dict(PROJECT)
        module.Whereabouts(str(ROOT), {}).update(metadata)
        assert set(PROJECT["dynamic"]) == {"readme", "urls"} <= set(metadata)
        return metadata

    return describe


def test_links_are_absolute_where_the_repository_is_known(described):
    source = "https://example.org/some/where"
    metadata = described(GITHUB_SERVER_URL="https://example.org", GITHUB_REPOSITORY="some/where")
    tag, text = f"v{PROJECT['version']}", metadata["readme"]["text"]
    links = links_of(text)
    assert all(ELSEWHERE.match(link) for link in links)
    assert f"{source}/raw/{tag}/docs/images/mnist1d.png" in links
    assert f"{source}/blob/{tag}/CHANGELOG.md" in links
    assert metadata["urls"]["Source"] == source
    # Nothing else is another.
    ours = re.compile(rf"{source}/(raw|blob)/{tag}/")
    assert ours.sub("", text) == text_of("README.md")


def test_nothing_is_made_up_where_it_is_not(described):
    metadata = described()
    assert metadata["readme"]["text"] == text_of("README.md")
    assert metadata["urls"] == {}


# Known in several places


def test_package_is_of_this_version():
    assert skticket.__version__ == PROJECT["version"]


def test_citation_is_of_this_version():
    assert f"\nversion: {PROJECT['version']}\n" in text_of("CITATION.cff")


def test_changes_are_those_of_this_version():
    (newest, *_) = re.findall(r"^## \[(.+?)\]", text_of("CHANGELOG.md"), re.M)
    assert newest == PROJECT["version"]


def test_paper_cites_what_it_lists():
    cited = set(re.findall(r"@(\w+)", text_of("paper/paper.md")))
    assert cited == set(re.findall(r"^@\w+\{(\w+),$", text_of("paper/paper.bib"), re.M))


def test_pythons_are_those_that_are_tested():
    (listed,) = re.findall(r"^ +python: \[(.+)\]$", text_of(".github/workflows/tests.yml"), re.M)
    declared = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if ":: 3." in c]
    assert re.findall(r"[\d.]+", listed) == declared
    assert PROJECT["requires-python"] == f">={declared[0]}"


def test_formatter_is_the_pinned_one():
    (found,) = re.findall(
        r"ruff-pre-commit\n +rev: v(\S+)", text_of(".pre-commit-config.yaml"), re.M
    )
    assert f"\nruff=={found}\n" in text_of("constraints.txt")
