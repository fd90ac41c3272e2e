"""Compiled functions on disk: checked when they are read, and done without where none can be."""

import hashlib
import logging
import pickle
from contextlib import suppress
from functools import cache

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.serialize import dumps

from ..utils import set_cache

_LOGGER = logging.getLogger("skticket")


class _Checked(CompileResultCacheImpl):
    """What is written has a checksum: machine code with a flipped bit would run."""

    def reduce(self, cres):
        content = dumps(super().reduce(cres))
        return hashlib.sha256(content).digest(), content

    def rebuild(self, target_context, payload):
        digest, content = payload
        if hashlib.sha256(content).digest() != digest:
            raise ValueError("the checksum does not fit")
        return super().rebuild(target_context, pickle.loads(content))


class _Cache(FunctionCache):
    """Numba's own, but that trouble with a file costs a compilation instead of the training."""

    _impl_class = _Checked

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # whatever pickle makes of damage
            _LOGGER.warning(
                "Compiled code in %s cannot be read (%s): %s is compiled anew",
                self.cache_path,
                type(error).__name__,
                self._py_func.__name__,
            )
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig, data):
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _LOGGER.warning("Compiled code could not be kept in %s: %s", self.cache_path, error)


def compiled(function):
    """Have a function compiled at its first call, or loaded from disk.

    Parameters
    ----------
    function : function
        That Numba understands.

    Returns
    -------
    Dispatcher
        To be called in its stead.
    """
    dispatcher = njit(nogil=True, error_model="numpy")(function)
    try:
        set_cache(dispatcher, _Cache(function))
    except RuntimeError:  # no folder to be written to
        _say_that_nothing_is_kept()
    return dispatcher


@cache
def _say_that_nothing_is_kept():
    _LOGGER.warning(
        "Compiled code cannot be kept: neither the package's folder nor the user's cache can be "
        "written to, so each process compiles; set NUMBA_CACHE_DIR to a folder that can"
    )
