"""The file of a ticket: arrays, told apart from anything else and from damage.

A safetensors file, whose one piece of metadata is JSON: a format with the SHA-256 of the whole
file (its own digits taken for zeros), the parameters' names, the shapes of what can be pruned, and
the steps of the checkpoints. What survives of a weight is a flat array, its mask a bit a weight.
"""

import hashlib
import json
import math
import os
import re

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

_VERSION = 2
_ZEROS = "0" * 64
_FORMAT = re.compile(rb"skticket-([0-9]{1,9})")
_SEAL = re.compile(rb"skticket-2 sha256:([0-9a-f]{64})")
# What the safetensors library reads, too.
_LONGEST_HEADER = 100_000_000
_DTYPES = [
    np.dtype(kind)
    for kind in ("?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8")
]


def ticket_to_bytes(initial, mask, weights, checkpoints):
    """Return the content of a ticket's file; the same ticket gives the same bytes.

    Parameters
    ----------
    initial, mask, weights, checkpoints
        As in `Ticket`.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If an array or its name cannot be kept in a file.
    """
    groups = _groups(initial, weights, checkpoints)
    for arrays in groups.values():
        _check_savable(arrays, mask)
    tensors = {f"mask/{name}": np.packbits(array) for name, array in mask.items()}
    for group, arrays in groups.items():
        for name, array in arrays.items():
            kept = array[mask[name]] if name in mask else np.asarray(array, order="C")
            tensors[f"{group}/{name}"] = kept
    # safetensors orders its tensors anew, and pieces of metadata by chance: there is but one.
    description = {
        "format": f"skticket-{_VERSION} sha256:{_ZEROS}",
        "names": list(initial),
        "shapes": {name: array.shape for name, array in mask.items()},
        "checkpoints": list(checkpoints),
    }
    content = save(tensors, {"ticket": json.dumps(description)})
    digest = hashlib.sha256(content).hexdigest()
    return content.replace(_ZEROS.encode(), digest.encode(), 1)


def read_ticket_file(path):
    """Read a ticket's file.

    Nothing is allocated for what the file does not hold, but for the weights that its masks, a bit
    each, say are pruned.

    Parameters
    ----------
    path : str or os.PathLike
        The file to read.

    Returns
    -------
    initial, mask, weights, checkpoints
        As in `Ticket`.

    Raises
    ------
    ValueError
        If the file is no ticket, is one of another version, or is damaged.
    """
    try:
        with open(path, "rb") as file:
            _check_version(_read_header(file))
            file.seek(0)
            content = file.read()
        return _unpacked(*_opened(content))
    except ValueError as error:
        raise ValueError(f"{path} is not a ticket, or is damaged: {error}") from error


def _groups(initial, weights, checkpoints):
    of_steps = {_group_of(step): arrays for step, arrays in checkpoints.items()}
    return {"initial": initial, "weights": weights, **of_steps}


def _group_of(step):
    return f"checkpoint-{step}"


def _check_savable(arrays, mask):
    for name, array in arrays.items():
        if not isinstance(name, str) or not _is_utf8(name):
            raise ValueError(f"a parameter's name must be text that UTF-8 knows, got {name!r}")
        if array.dtype not in _DTYPES:
            allowed = ", ".join(dtype.name for dtype in _DTYPES)
            raise ValueError(
                f"{name!r} has dtype {array.dtype.str!r}, which cannot be saved; in this machine's "
                f"order of bytes {allowed} can"
            )
        if name in mask and not array.size:
            raise ValueError(f"{name!r} has shape {array.shape}: no weights, nothing to be saved")


def _is_utf8(name):
    # Halves of surrogate pairs are the only text that is not.
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _read_header(file):
    """Read what comes before the values, if its length can be true."""
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > min(size - 8, _LONGEST_HEADER):
        raise ValueError(f"it has {size} bytes, which do not begin with a safetensors header")
    return file.read(length)


def _check_version(header):
    found = _FORMAT.search(header)
    if not found:
        raise ValueError("it does not name the format of a ticket")
    if found.group() != b"skticket-%d" % _VERSION:
        raise ValueError(
            f"its format is {found.group().decode()!r}, and this version of skticket reads "
            f"'skticket-{_VERSION}'"
        )


def _opened(content):
    """Return description and tensors of an unchanged file."""
    seal = _SEAL.search(content)
    if not seal:
        raise ValueError("it has no checksum")
    view, digest = memoryview(content), hashlib.sha256()
    for part in (view[: seal.start(1)], _ZEROS.encode(), view[seal.end(1) :]):
        digest.update(part)
    if digest.hexdigest().encode() != seal.group(1):
        raise ValueError("its checksum does not fit its content")
    # From here on, only a file that was made to deceive can fail.
    try:
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        return json.loads(header["__metadata__"]["ticket"]), load(content)
    except (SafetensorError, ValueError, LookupError, TypeError, OverflowError) as error:
        raise ValueError(f"its header is wrong ({error})") from error
    except RecursionError as error:
        raise ValueError("its header is nested too deeply") from error


def _unpacked(description, tensors):
    names, shapes, steps = _checked_description(description)
    groups = ["initial", "weights", *map(_group_of, steps)]
    expected = {f"mask/{name}" for name in shapes}
    expected |= {f"{group}/{name}" for group in groups for name in names}
    if expected != tensors.keys():
        odd = sorted(expected ^ tensors.keys())[0]
        raise ValueError(f"{odd!r} is {'missing' if odd in expected else 'not expected'}")
    for name, array in tensors.items():
        if array.dtype not in _DTYPES:
            raise ValueError(f"{name!r} has dtype {array.dtype}, which no ticket has")
    mask = {name: _mask(name, shape, tensors[f"mask/{name}"]) for name, shape in shapes.items()}
    read = {
        group: {name: _values(name, tensors[f"{group}/{name}"], mask.get(name)) for name in names}
        for group in groups
    }
    checkpoints = {step: read[_group_of(step)] for step in steps}
    return read["initial"], mask, read["weights"], checkpoints


def _checked_description(description):
    """Return names, shapes and steps, all of the kinds that they must be."""
    if not isinstance(description, dict):
        raise ValueError("its description is no JSON object")
    names, shapes, steps = (description.get(key) for key in ("names", "shapes", "checkpoints"))
    if not _are_distinct(names, str):
        raise ValueError("'names' must be a list of different texts")
    if not _are_distinct(steps, int):
        raise ValueError("'checkpoints' must be a list of different whole numbers")
    if not isinstance(shapes, dict) or not shapes.keys() <= set(names):
        raise ValueError("'shapes' must be an object of some of the names")
    for name, shape in shapes.items():
        if not isinstance(shape, list) or not all(type(n) is int and n > 0 for n in shape):
            raise ValueError(f"the shape of {name!r} must be a list of positive whole numbers")
    return names, shapes, steps


def _are_distinct(values, kind):
    return (
        isinstance(values, list)
        and all(type(value) is kind for value in values)
        and len(set(values)) == len(values)
    )


def _mask(name, shape, packed):
    """Return the mask of a shape, if it has as many bits."""
    n_weights = math.prod(shape)
    n_bytes = -(-n_weights // 8)
    if packed.dtype != np.uint8 or packed.shape != (n_bytes,):
        raise ValueError(
            f"the mask of {name!r} has {packed.dtype} of shape {packed.shape}; {n_bytes} bytes "
            f"are needed for {n_weights} weights"
        )
    bits = np.unpackbits(packed)
    if bits[n_weights:].any():
        raise ValueError(f"the mask of {name!r} has bits of more than {n_weights} weights")
    return bits[:n_weights].view(bool).reshape(shape)


def _values(name, values, mask):
    """Return the values of a parameter, pruned ones as zeros."""
    if mask is None:
        return values
    n_surviving = int(np.count_nonzero(mask))
    if values.shape != (n_surviving,):
        raise ValueError(
            f"{name!r} has values of shape {values.shape} for {n_surviving} surviving weights"
        )
    array = np.zeros(mask.shape, values.dtype)
    array[mask] = values
    return array
