"""Files of tickets, entries of a memory and IDX files, damaged in all ways.

What is read must be right, or refused by an error that is documented. A damaged entry of a memory
costs a training, and nothing else. An IDX file has no checksum: it is right to read the pixels that
it has, which another reader, written for this, tells.
"""

import gzip
import os
import shutil
import struct

import numpy as np
from soaking import (
    Lost,
    check_same,
    compile_all,
    data_of,
    draw_case,
    estimator_of,
    fit_case,
    in_process,
    left_in_memory,
    report,
    soak,
)

from skticket import Ticket
from skticket.datasets import fetch_mnist, load_idx

_IDX = {
    "train-images-idx3-ubyte": (5, 3, 4),
    "train-labels-idx1-ubyte": (5,),
    "t10k-images-idx3-ubyte": (2, 3, 4),
    "t10k-labels-idx1-ubyte": (2,),
}


def attempt(rng, tally, folder):
    """Damage one kind of file."""
    chance = rng.random()
    if chance < 0.02 and os.environ.get("SKTICKET_DATA"):
        _attempt_mnist(rng, tally, folder)
    elif chance < 0.3:
        _attempt_tickets(rng, tally, folder)
    elif chance < 0.6:
        _attempt_idx(rng, tally, folder)
    else:
        _attempt_memory(rng, tally, folder)


# Ways to damage a file


def _flip_a_bit(rng, path, others):
    content = bytearray(path.read_bytes())
    if content:
        content[rng.integers(len(content))] ^= 1 << rng.integers(8)
    path.write_bytes(content)


def _overwrite(rng, path, others):
    content = bytearray(path.read_bytes())
    start = rng.integers(len(content) + 1)
    length = rng.integers(1, 600)
    content[start : start + length] = rng.bytes(length)
    path.write_bytes(content)


def _zero_a_block(rng, path, others):
    content = bytearray(path.read_bytes())
    start = rng.integers(len(content) + 1) // 512 * 512
    content[start : start + 512] = bytes(len(content[start : start + 512]))
    path.write_bytes(content)


def _truncate(rng, path, others):
    content = path.read_bytes()
    path.write_bytes(content[: rng.integers(len(content) + 1)])


def _empty(rng, path, others):
    path.write_bytes(b"")


def _lengthen(rng, path, others):
    path.write_bytes(path.read_bytes() + rng.bytes(rng.integers(1, 100)))


def _cut_out(rng, path, others):
    content = path.read_bytes()
    start, stop = sorted(rng.integers(len(content) + 1, size=2))
    path.write_bytes(content[:start] + content[stop:])


def _swap(rng, path, others):
    other = others[rng.integers(len(others))]
    content = path.read_bytes()
    path.write_bytes(other.read_bytes())
    other.write_bytes(content)


def _copy_another(rng, path, others):
    path.write_bytes(others[rng.integers(len(others))].read_bytes())


def _remove(rng, path, others):
    path.unlink()


def _make_a_folder(rng, path, others):
    path.unlink()
    path.mkdir()


_WAYS = (
    _flip_a_bit, _flip_a_bit, _overwrite, _zero_a_block, _truncate, _truncate, _empty, _lengthen,
    _cut_out, _swap, _copy_another, _remove,
)  # fmt: skip


def _damage(rng, paths, ways=_WAYS):
    """Damage one of the files; return how."""
    path = paths[rng.integers(len(paths))]
    way = ways[rng.integers(len(ways))]
    way(rng, path, paths)
    return f"{path.name}: {way.__name__.strip('_').replace('_', ' ')}"


def _settle(row, tally, fault, how):
    tally.add(row, tried=1, lost=fault is not None, survived=fault is None)
    if fault is not None:
        report(row, 1, how, f"lost: {fault}")


# Tickets


def _attempt_tickets(rng, tally, folder):
    case = draw_case(rng) | {"max_epochs": 1, "rounds": 2}
    try:
        tickets = estimator_of(case).fit(*data_of(case)).tickets_
    except ValueError:
        return
    paths = [folder / f"{n}.safetensors" for n in range(len(tickets))]
    for _ in range(100):
        for path, ticket in zip(paths, tickets):
            ticket.save(path)
        how = _damage(rng, paths, (*_WAYS, _make_a_folder))
        faults = [_fault_of_ticket(path, tickets) for path in paths]
        _settle("tickets", tally, next(filter(None, faults), None), how)
        for path in paths:
            if path.is_dir():
                path.rmdir()


def _fault_of_ticket(path, tickets):
    """Another ticket's file is a ticket, too."""
    try:
        loaded = Ticket.load(path)
    except ValueError as error:
        return None if str(path) in str(error) else f"the file is not named: {error}"
    except OSError as error:
        return None if not path.is_file() else repr(error)
    except Exception as error:
        return repr(error)
    return None if loaded in tickets else "a wrong ticket"


# Memory


def _attempt_memory(rng, tally, folder):
    case = draw_case(rng) | {"rounds": int(rng.integers(1, 4)), "max_epochs": 2}
    memory = folder / "memory"
    expected = in_process(fit_case, case, memory=str(memory))
    if "refused" in expected:
        return
    whole = folder / "whole"
    memory.rename(whole)
    for _ in range(6):
        shutil.rmtree(memory, ignore_errors=True)
        shutil.copytree(whole, memory)
        names = ["output.pkl"] if rng.random() < 0.6 else ["metadata.json", "func_code.py"]
        paths = sorted(p for p in memory.rglob("*") if p.name in names)
        how = [_damage(rng, paths)]
        paths = [path for path in paths if path.is_file()]
        if paths and rng.random() < 0.3:
            how.append(_damage(rng, paths))
        row = f"memory: {' and '.join(names)}"
        fault = _fault_of_memory(case, str(memory), expected)
        _settle(row, tally, fault, [case, how])
        left = left_in_memory(memory)
        if left:
            tally.add(row, left_over=len(left))
            report(row, len(left), how, f"left over: {left}")


def _fault_of_memory(case, memory, expected):
    try:
        for _ in range(2):  # damaged, and mended
            check_same(in_process(fit_case, case, memory=memory), expected)
    except Lost as fault:
        return fault


# IDX


def _attempt_idx(rng, tally, folder):
    for number in range(100):
        part = folder / str(number)
        part.mkdir()
        for name, shape in _IDX.items():
            content = struct.pack(f">{1 + len(shape)}I", 0x800 + len(shape), *shape)
            content += rng.bytes(int(np.prod(shape)))
            packed = rng.random() < 0.5
            (part / f"{name}{'.gz' if packed else ''}").write_bytes(
                gzip.compress(content, mtime=0) if packed else content
            )
        how = _damage(rng, sorted(part.iterdir()), (*_WAYS, _make_a_folder))
        _settle("IDX", tally, _fault_of_idx(part), how)


def _fault_of_idx(folder):
    try:
        images = load_idx(folder)
    except ValueError as error:
        named = any(name in str(error) for name in _IDX)
        return None if named else f"no file is named: {error}"
    except FileNotFoundError:
        missing = [n for n in _IDX if not any((folder / f"{n}{e}").is_file() for e in ("", ".gz"))]
        return None if missing else "nothing is missing"
    except Exception as error:
        return repr(error)
    parts = [_values(folder, name) for name in _IDX]
    pixels = np.concatenate([parts[0], parts[2]]).astype(np.float32) / np.float32(255)
    labels = np.concatenate([parts[1], parts[3]])
    if not np.array_equal(images.data, pixels) or not np.array_equal(images.target, labels):
        return "wrong values"


def _values(folder, name):
    """What stands in a file, a row an image or a label."""
    path = folder / name
    content = path.read_bytes() if path.is_file() else (folder / f"{name}.gz").read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    shape = struct.unpack(f">{content[3]}I", content[4 : 4 + 4 * content[3]])
    values = np.frombuffer(content[4 + 4 * content[3] :], np.uint8)
    return values.reshape(shape[0], -1) if len(shape) > 1 else values.reshape(shape)


def _attempt_mnist(rng, tally, folder):
    """MNIST has checksums: it is right or refused."""
    home = os.environ["SKTICKET_DATA"]
    for name in os.listdir(home):
        if name.removesuffix(".gz") in _IDX:
            shutil.copyfile(os.path.join(home, name), folder / name)
    how = _damage(rng, sorted(folder.iterdir()))
    try:
        images = fetch_mnist(folder)
        expected = fetch_mnist(home)
        same = all(np.array_equal(images[name], expected[name]) for name in ("data", "target"))
        fault = None if same else "wrong values"
    except (ValueError, FileNotFoundError):
        fault = None
    except Exception as error:
        fault = repr(error)
    _settle("MNIST", tally, fault, how)


if __name__ == "__main__":
    soak(attempt, __doc__, prepare=compile_all)
