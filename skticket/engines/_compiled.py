"""Calls of the compiled code, which is imported, and compiled, when something is first computed."""

import logging
import time
from functools import cache


@cache
def kernels():
    """Return the module of compiled functions; importing it imports Numba."""
    from . import _numba

    return _numba


def call(name, *arguments):
    """Call a compiled function; the log says so where it has to be compiled or loaded first."""
    function = getattr(kernels(), name)
    if function.overloads:
        return function(*arguments)
    logger = logging.getLogger("skticket")
    logger.info("Preparing the compiled function %s: seconds at its first use ever", name)
    start = time.perf_counter()
    result = function(*arguments)
    how = "compiled" if function.stats.cache_misses else "loaded from the cache on disk"
    logger.info("%s was %s in %.1f s", name, how, time.perf_counter() - start)
    return result
