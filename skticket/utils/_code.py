"""What a value does: a hash of the code behind it, of which a pickle knows only the names."""

import hashlib
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)

# Their code changes with their versions.
_LIBRARIES = {"joblib", "numpy", "pandas", "scipy", "sklearn", "skorch", "skticket", "torch"}
_VERSIONS = ("numpy", "scikit-learn", "skorch", "skticket", "torch")


def code_key(value):
    """Return a hash of the code behind a value, and of the versions of the libraries behind it.

    Parameters
    ----------
    value : object
        Classes, functions, instances, and collections of such. The code of their methods, and of
        the functions and classes that those name, counts, as it was loaded: a notebook's cell that
        was run again gives another hash.

    Returns
    -------
    str or None
        None where some code cannot be had, as that of a compiled extension.

    Examples
    --------
    >>> from skticket.utils import code_key
    >>> code_key(max) == code_key(min)
    False
    """
    walk = _Walk()
    walk.visit(value)
    if walk.is_lost:
        return None
    versions = [platform.python_version(), *(f"{name} {version(name)}" for name in _VERSIONS)]
    return hashlib.sha256("\n".join([*versions, *walk.lines]).encode()).hexdigest()


class _Walk:
    """Collects a line for each thing found, in the order in which it is found."""

    def __init__(self):
        self.lines = []
        self.is_lost = False
        self._seen = {}

    def visit(self, value):
        if value is None or isinstance(value, bool | int | float | complex | str | bytes):
            self.lines.append(repr(value))
            return
        if id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if isinstance(value, CodeType):
            self._visit_code(value)
        elif isinstance(value, type):
            self._visit_class(value)
        elif isinstance(value, FunctionType):
            self._visit_function(value)
        elif isinstance(value, MethodType):
            self._visit_all([value.__func__, value.__self__])
        elif isinstance(value, staticmethod | classmethod):
            self.visit(value.__func__)
        elif isinstance(value, property):
            self._visit_all([value.fget, value.fset, value.fdel])
        elif isinstance(value, partial):
            self._visit_all([value.func, value.args, value.keywords])
        elif isinstance(value, Mapping):
            self._visit_all([part for item in value.items() for part in item])
        elif isinstance(value, list | tuple):
            self._visit_all(value)
        elif isinstance(value, set | frozenset):
            self._visit_all(sorted(value, key=repr))
        elif isinstance(value, BuiltinFunctionType):
            self.lines.append(value.__qualname__)
            self.is_lost |= not _is_of_library(value)
        elif isinstance(value, MethodDescriptorType | WrapperDescriptorType):
            self.is_lost |= not _is_of_library(value.__objclass__)
        elif not isinstance(value, ModuleType):
            self._visit_instance(value)

    def _visit_all(self, values):
        self.lines.append(f"{len(values)}:")
        for value in values:
            self.visit(value)

    def _visit_code(self, code):
        self.lines.append(f"{code.co_code.hex()} {code.co_names}")
        self._visit_all([c for c in code.co_consts if c is not Ellipsis])

    def _visit_function(self, function):
        self.lines.append(function.__qualname__)
        if _is_of_library(function):
            return
        self.visit(function.__code__)
        self._visit_all([function.__defaults__, function.__kwdefaults__])
        for cell in function.__closure__ or ():
            content = None
            with suppress(ValueError):  # of a variable that was never set
                content = cell.cell_contents
            self.visit(content)
        named = [n for code in _nested(function.__code__) for n in code.co_names]
        found = [function.__globals__[n] for n in named if n in function.__globals__]
        # Of the user's modules, what is taken from them by name.
        modules = [m for m in found if isinstance(m, ModuleType) and not _is_library(m.__name__)]
        found += [getattr(m, n) for m in modules for n in named if hasattr(m, n)]
        self._visit_all(found)

    def _visit_class(self, kind):
        self.lines.append(f"{kind.__module__}.{kind.__qualname__}")
        if _is_of_library(kind):
            return
        self._visit_all(kind.__bases__)
        for name, value in vars(kind).items():
            if callable(value) or isinstance(value, property | staticmethod | classmethod):
                self.lines.append(name)
                self.visit(value)
            elif isinstance(value, int | float | str | tuple) and not name.startswith("__"):
                self.lines.append(name)
                self.visit(value)

    def _visit_instance(self, value):
        self.visit(type(value))
        # Numbers are data, which others hash.
        if hasattr(value, "__dict__") and not _is_array(value):
            self.visit({n: v for n, v in vars(value).items() if not _is_array(v)})


def _nested(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _is_array(value):
    return hasattr(value, "dtype") and hasattr(value, "shape")


def _is_of_library(value):
    return _is_library(getattr(value, "__module__", None) or "builtins")


def _is_library(module):
    package = module.partition(".")[0]
    return package in _LIBRARIES or package in sys.stdlib_module_names - {"__main__"}
