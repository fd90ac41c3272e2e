"""What docstrings say of defaults is what signatures have."""

import ast
import importlib
import inspect
import re
from contextlib import suppress
from inspect import isfunction

import pytest

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


def documented_defaults(docstring):
    """Return the defaults that a docstring in numpydoc's form gives as values, not in words."""
    _, _, section = inspect.cleandoc(docstring).partition("Parameters\n----------\n")
    defaults = {}
    for line in re.split(r"\n\n\w+\n-+\n", section)[0].splitlines():
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


def test_the_walk_sees_defaults():
    found = documented_defaults(skticket.Prune.__doc__)
    assert found["strategy"] == "magnitude" and found["rate"] == 0.2
    assert len(OURS) > 100
