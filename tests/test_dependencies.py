"""What pyproject.toml says of dependencies: all that are used, and floors that are tested."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import skticket

ROOT = Path(__file__).parents[1]
# Of those who work on the package.
OTHER_EXTRAS = {"tests", "docs", "benchmarks"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
# What the package itself uses, always or in parts that not everybody needs.
USED = [
    Requirement(line)
    for group in [
        PROJECT["dependencies"],
        *(lines for name, lines in EXTRAS.items() if name not in OTHER_EXTRAS),
    ]
    for line in group
]
TESTS = [Requirement(line) for line in EXTRAS["tests"]]
REQUIREMENTS = [*USED, *(line for line in TESTS if line.name != "skticket")]
# Modules that are called otherwise than what installs them; llvmlite is the very one that Numba
# demands.
INSTALLED_BY = {
    "distributed": "dask",
    "llvmlite": "numba",
    "markdown_it": "markdown-it-py",
    "sklearn": "scikit-learn",
}


def pins(name):
    lines = (ROOT / name).read_text("utf-8").splitlines()
    pinned = (line.split("==") for line in lines if "==" in line)
    return {canonicalize_name(package): Version(version) for package, version in pinned}


def floor(requirement):
    (version,) = (s.version for s in requirement.specifier if s.operator == ">=")
    return Version(version)


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: requirement.name)
def test_oldest_versions_are_the_floors(requirement):
    oldest, newest = (
        pins(name)[canonicalize_name(requirement.name)]
        for name in ("constraints-oldest.txt", "constraints.txt")
    )
    # torch stays: it is the one build that every environment has.
    expected = newest if requirement.name == "torch" else floor(requirement)
    assert oldest == expected
    assert oldest in requirement.specifier and newest in requirement.specifier


def test_tests_have_all_that_the_package_may_use():
    (itself,) = (requirement for requirement in TESTS if requirement.name == "skticket")
    assert itself.extras == EXTRAS.keys() - OTHER_EXTRAS


def test_what_is_imported_is_declared():
    declared = {canonicalize_name(requirement.name) for requirement in USED}
    for path in Path(skticket.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module]
            else:
                continue
            for top in {module.split(".")[0] for module in modules} - sys.stdlib_module_names:
                name = canonicalize_name(INSTALLED_BY.get(top, top))
                assert name in declared | {"skticket"}, f"{path.name} imports {top}"
