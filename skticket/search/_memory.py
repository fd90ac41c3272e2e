"""Trainings that are remembered, by all that determines them."""

import logging
import warnings
from functools import cache
from os import PathLike
from pickle import PicklingError

import joblib
from joblib import Memory
from sklearn.utils.validation import check_memory


def open_memory(memory):
    """Return the memory that a folder holds.

    Parameters
    ----------
    memory : str, path-like, joblib.Memory or None
        A folder, made when first written to; or what `sklearn.utils.validation.check_memory`
        takes.

    Returns
    -------
    joblib.Memory
        That of a folder is compressed, because that carries a checksum: a damaged entry is
        trained anew.
    """
    if memory == "":
        raise ValueError("memory must name a folder, or be a joblib.Memory or None; got ''")
    if isinstance(memory, str | PathLike):
        return Memory(memory, verbose=0, compress=("zlib", 1))
    return check_memory(memory)


def key_of(*determines):
    """Return a hash of all that determines a training; None if nobody can tell."""
    if any(value is None for value in determines):
        return None
    try:
        return joblib.hash(determines)
    except (PicklingError, AttributeError, TypeError):
        # A function or class made on the spot, of which a pickle cannot even know the name.
        return None


def remember(memory, key, compute):
    """Return what was computed for a key before, or compute it.

    Parameters
    ----------
    memory : joblib.Memory
        Where.
    key : str or None
        All that determines the result; None where nobody can tell, which is said, and then nothing
        is remembered.
    compute : callable
        Without arguments.
    """
    if getattr(memory, "location", memory) is None:
        return compute()
    if key is None:
        _say_that_nothing_is_remembered()
        return compute()
    cached = memory.cache(_entry, ignore=["compute"])
    found, result = cached(key, compute)
    if found != key:
        logging.getLogger("skticket").warning("An entry of %s holds another's result", memory)
        cached.call_and_shelve(key, compute).clear()
        _, result = cached(key, compute)
    return result


def _entry(key, compute):
    return key, compute()


@cache
def _say_that_nothing_is_remembered():
    warnings.warn(
        "Trainings are not remembered: net, init, optimizer or a callback holds code that cannot "
        "be told from other code, such as a function made on the spot; define it in a module",
        UserWarning,
        stacklevel=2,
    )
