"""Trainings that are remembered, by all that determines them."""

import logging
import re
import signal
import threading
import warnings
import zlib
from contextlib import contextmanager, suppress
from functools import cache
from os import PathLike, getpid, path, scandir
from pathlib import Path
from pickle import PicklingError

import joblib
from joblib import Memory
from joblib.memory import MemorizedFunc
from sklearn.utils.validation import check_memory

from ..utils import noting_interrupts, printable, remove_left_over

# What joblib writes to before it gives an entry its name: a process's number is part of it.
_HALF = re.compile(r"(?:output\.pkl|metadata\.json|func_code\.py)\.[0-9a-f]{32}-([0-9]+)-[0-9]+$")
_PIECE = 2**16


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
        trained anew. What killed processes left in it half-written is removed.
    """
    if memory == "":
        raise ValueError("memory must name a folder, or be a joblib.Memory or None; got ''")
    if isinstance(memory, str | PathLike):
        memory = Memory(memory, verbose=0, compress=("zlib", 1))
    memory = check_memory(memory)
    if isinstance(memory, Memory) and memory.location is not None:
        entries = memory.cache(_entry, ignore=["compute"])
        _clean(path.join(entries.store_backend.location, entries.func_id))
    return memory


@cache
def _clean(folder):
    """Remove halves of entries, at the first opening in a process: there may be many entries."""
    remove_left_over(folder, _HALF)
    if path.isdir(folder):
        for entry in scandir(folder):
            if entry.is_dir():
                remove_left_over(entry.path, _HALF)


def key_of(*determines):
    """Return a hash of all that determines a training; None if nobody can tell."""
    if any(value is None for value in determines):
        return None
    try:
        return joblib.hash(determines)
    except (PicklingError, AttributeError, TypeError):
        # A function or class made on the spot, of which a pickle cannot even know the name.
        return None


def remembers(memory):
    """Tell whether a memory, joblib's or one with such a `cache`, keeps anything."""
    return getattr(memory, "location", memory) is not None


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
    if not remembers(memory):
        return compute()
    if key is None:
        _say_that_nothing_is_remembered()
        return compute()
    cached = memory.cache(_entry, ignore=["compute"])
    with _nothing_by_halves(cached):
        _keep_code(cached)
        if cached.check_call_in_cache(key, compute):
            shelved = cached.call_and_shelve(key, compute)
            # joblib itself would tell of damage at length, with a traceback.
            try:
                found, result = _load(cached, shelved)
            except Exception as error:
                fault = f"damaged ({type(error).__name__})"
            else:
                if found == key:
                    return result
                fault = "another's result"
            logging.getLogger("skticket").warning(
                "A remembered training is %s, and done anew: entry %s of %s",
                fault,
                shelved.args_id,
                printable(str(memory.location)),
            )
            shelved.clear()
        _, result = cached(key, compute)
    return result


@contextmanager
def _nothing_by_halves(cached):
    """If what is done within is interrupted, leave no half of a file behind."""
    with noting_interrupts() as interrupts:
        try:
            yield
        except BaseException:
            _remove_own_halves(cached)
            raise
    if interrupts:
        # While it writes what it notes of an entry, joblib catches whatever is raised.
        _remove_own_halves(cached)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            raise KeyboardInterrupt


def _entry(key, compute):
    return key, compute()


def _keep_code(cached):
    """Have joblib find the code that it looks for.

    It fails over a damaged record of it, and over another's removes all entries. Here it says
    nothing: the key tells the version.
    """
    if not isinstance(cached, MemorizedFunc):
        return
    code, _, line = cached.func_code_info
    backend, kept = cached.store_backend, f"# first line: {line}\n{code}"
    with suppress(OSError):  # in a folder to read only, joblib may still do with what there is
        try:
            if backend.get_cached_func_code([cached.func_id]) == kept:
                return
        except (OSError, UnicodeDecodeError):
            pass
        backend.store_cached_func_code([cached.func_id], kept)


def _load(cached, shelved):
    """Return what an entry holds, and raise whatever damage makes of it."""
    if isinstance(cached, MemorizedFunc):
        folder = path.join(cached.store_backend.location, cached.func_id, shelved.args_id)
        _check_end(path.join(folder, "output.pkl"))
    return shelved.get()


def _check_end(file):
    """Raise `ValueError` if something follows compressed data: joblib would read it for ever."""
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)  # of zlib or gzip
    with suppress(OSError, zlib.error), open(file, "rb") as compressed:
        while piece := compressed.read(_PIECE):
            decompressor.decompress(piece)
            if decompressor.unused_data:
                raise ValueError("something follows the compressed data")


def _remove_own_halves(cached):
    """Remove what this thread was writing when it was interrupted."""
    if isinstance(cached, MemorizedFunc):
        ending = f"-{getpid()}-{id(threading.current_thread())}"
        folder = Path(cached.store_backend.location, cached.func_id)
        for half in folder.glob(f"**/*{ending}"):
            if _HALF.match(half.name):
                half.unlink(missing_ok=True)


@cache
def _say_that_nothing_is_remembered():
    warnings.warn(
        "Trainings are not remembered: net, init, optimizer or a callback holds code that cannot "
        "be told from other code, such as a function made on the spot; define it in a module",
        UserWarning,
        stacklevel=2,
    )
