"""What docstrings say of parameters is what signatures have."""

import ast
import importlib
import inspect
import re
from contextlib import suppress
from inspect import isfunction

import pytest
from test_site import BEHIND

import skticket

ROOMS = (
    "datasets engines estimators experiments experiments.mnist experiments.study experiments.xor "
    "export initialization inspection model_selection network persistence pruning rewinding search "
    "ticket training transformers utils"
).split()
PUBLIC = {
    f"{room}.{name}": getattr(importlib.import_module(f"skticket.{room}"), name)
    for room in ROOMS
    for name in importlib.import_module(f"skticket.{room}").__all__
}
OURS = {
    name: found
    for name, found in PUBLIC.items()
    if callable(found) and found.__module__.startswith("skticket")
}


def section(docstring, title):
    """Return the lines of a section of a docstring in numpydoc's form."""
    _, _, found = inspect.cleandoc(docstring).partition(f"{title}\n{'-' * len(title)}\n")
    return re.split(r"\n\n\w+\n-+\n", found)[0].splitlines()


def documented_names(docstring):
    """Return what a docstring says something of: parameters, or attributes of what has fields."""
    names = set()
    for line in section(docstring, "Parameters") + section(docstring, "Attributes"):
        if found := re.fullmatch(r"(\*{0,2}\w[\w, *]*)(?: : .+)?", line):
            names |= {name.strip(" *") for name in found[1].split(",")}
    return names


def documented_defaults(docstring):
    """Return the defaults that a docstring in numpydoc's form gives as values, not in words."""
    defaults = {}
    for line in section(docstring, "Parameters"):
        found = re.fullmatch(r"(\w[\w, ]*) : .*\bdefault=(.+)", line)
        if found:
            with suppress(ValueError, SyntaxError):
                defaults |= dict.fromkeys(found[1].split(", "), ast.literal_eval(found[2]))
    return defaults


def functions(found):
    if not inspect.isclass(found):
        return [found]
    return [found, *(m for name, m in vars(found).items() if name[0] != "_" and isfunction(m))]


@pytest.mark.parametrize("name", OURS)
def test_defaults_are_the_documented_ones(name):
    for function in functions(OURS[name]):
        defaults = documented_defaults(function.__doc__ or "")
        parameters = inspect.signature(function).parameters if defaults else {}
        for parameter, default in defaults.items():
            actual = parameters[parameter].default
            # What a dataclass makes anew for each instance is no value.
            if repr(actual) != "<factory>":
                assert repr(actual) == repr(default), parameter


@pytest.mark.parametrize("name", [name for name in OURS if name.split(".")[0] not in BEHIND])
def test_every_parameter_is_documented(name):
    parameters = inspect.signature(OURS[name]).parameters
    assert set(parameters) <= documented_names(OURS[name].__doc__)


def test_the_walk_sees_parameters():
    assert documented_names(skticket.Prune.__doc__) >= {"rate", "strategy"}
    text = "Say.\n\nParameters\n----------\na, b : int\n    Two.\n**c\n"
    assert documented_names(text) == {"a", "b", "c"}


def test_the_walk_sees_defaults():
    found = documented_defaults(skticket.Prune.__doc__)
    assert found["strategy"] == "magnitude" and found["rate"] == 0.2
    assert len(OURS) > 100
