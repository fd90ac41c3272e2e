"""Names that are imported when they are first asked for."""

import sys
from importlib import import_module


def lazily(package, homes):
    """Return `__getattr__` and `__dir__` of a package that imports its names only when asked.

    Parameters
    ----------
    package : str
        The package's `__name__`.
    homes : dict of str to str
        The module of the package that each name lives in, by the name.

    Returns
    -------
    tuple of two callables
        As PEP 562 has them.
    """

    def get(name):
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{homes[name]}"), name)
        # Found there the next time.
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: sorted({*vars(sys.modules[package]), *homes})
