"""What readers of files make of anything: what they promise, or an error that is documented.

A few hundred examples of each are part of the test suite; for more of them, others with each seed,
with little memory and an alarm for what never ends:

    python tests/fuzz/fuzzing.py --examples 20000 --seed 0
"""

import argparse
import gzip
import hashlib
import json
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import numpy as np
from fuzzed_tables import PARQUETS, TABLES, check_csv, check_parquet
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mutating import mutated
from safetensors.numpy import load, save

from skticket import Ticket
from skticket.datasets import load_idx

# Beyond what is used before the first example.
MOST_MEMORY = 2 * 2**30
_LONGEST = 120
_ZEROS = b"0" * 64


# Tickets


def _ticket_content():
    arrays = {
        "a.weight": np.arange(12, dtype="float32").reshape(3, 4),
        "a.bias": np.zeros(3, "float32"),
        "b.weight": np.arange(3, dtype="float64").reshape(1, 3) + 1,
        "n": np.array(7),
    }
    masks = {name: arrays[name] % 3 != 1 for name in ("b.weight", "a.weight")}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ticket")
        Ticket(arrays, masks, checkpoints={5: arrays}).save(path)
        return path.read_bytes()


TICKET = _ticket_content()
_HEADER = int.from_bytes(TICKET[:8], "little")
_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([0, 1, 3, 4, 5, 12, -1, 2**31, 2**62, 2**64, 10**400]),
        st.floats(),
        st.text(max_size=5),
        st.sampled_from(["a.weight", "a.bias", "n", "F32", "F64", "C64", "BF16", "I64", "U8"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def _sealed(content):
    """Return content with a checksum that is right, if there is a place for one."""
    at = content.find(b"sha256:") + 7
    content = content[:at] + _ZEROS + content[at + 64 :]
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[:at] + digest + content[at + 64 :]


def _with_header(header, values):
    return len(header).to_bytes(8, "little") + header + values


@st.composite
def _changed(draw, value):
    """Return JSON of which one place is something else."""
    if isinstance(value, dict | list) and value and draw(st.integers(0, 9)):
        places = sorted(value) if isinstance(value, dict) else range(len(value))
        place = draw(st.sampled_from(list(places)))
        changed = value.copy()
        if draw(st.integers(0, 9)):
            changed[place] = draw(_changed(value[place]))
        else:
            del changed[place]
        return changed
    return draw(_JSON)


@st.composite
def _forged_header(draw):
    """Return a file of which the header tells other things of the same values."""
    header = json.loads(TICKET[8 : 8 + _HEADER])
    if draw(st.booleans()):
        text = json.loads(header["__metadata__"]["ticket"])
        header["__metadata__"]["ticket"] = json.dumps(draw(_changed(text)))
    else:
        header = draw(_changed(header))
    return _sealed(_with_header(json.dumps(header).encode(), TICKET[8 + _HEADER :]))


_SHORT = st.lists(st.integers(0, 5), max_size=4)


@st.composite
def _forged_tensors(draw):
    """Return a whole file of other arrays, or of a description that does not fit them."""
    tensors = load(TICKET)
    description = json.loads(json.loads(TICKET[8 : 8 + _HEADER])["__metadata__"]["ticket"])
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(tensors)))
        kind = draw(st.sampled_from(["u1", "?", "f2", "f4", "f8", "i8", "u8", "c8"]))
        shape = draw(st.one_of(*[st.just(tensors[name].shape)] * 3, _SHORT))
        tensors[name] = np.full(shape, draw(st.integers(0, 255)), kind)
    if draw(st.sampled_from([False, False, False, True])):
        description["shapes"]["a.weight"] = draw(st.lists(st.integers(0, 2**40), max_size=4))
    seal = f"skticket-2 sha256:{_ZEROS.decode()}"
    description["format"] = seal
    return _sealed(save(tensors, {"ticket": json.dumps(description)}))


TICKETS = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=300).map(lambda header: _sealed(_with_header(header, b""))),
    mutated(TICKET),
    mutated(TICKET).map(_sealed),
    _forged_header(),
    _forged_tensors(),
    _forged_tensors(),
)


def check_ticket(folder, content):
    """Load a file: a ticket that can be saved and loaded again, or a ValueError that names it."""
    path = folder / "my.ticket"
    path.write_bytes(content)
    try:
        ticket = Ticket.load(path)
    except ValueError as error:
        assert str(path) in str(error)
        return "refused"
    assert 0 <= ticket.density <= 1
    ticket.save(path)
    assert Ticket.load(path) == ticket
    return "read"


# IDX files

_SHAPES = {
    "train-images-idx3-ubyte": (3, 2, 2),
    "train-labels-idx1-ubyte": (3,),
    "t10k-images-idx3-ubyte": (1, 2, 2),
    "t10k-labels-idx1-ubyte": (1,),
}


def _idx_content(shape):
    header = struct.pack(f">{1 + len(shape)}I", 0x800 + len(shape), *shape)
    return header + bytes(range(int(np.prod(shape))))


IDX = {name: _idx_content(shape) for name, shape in _SHAPES.items()}
# Of nothing there follows as much as there is room for.
_BOMBS = {name: gzip.compress(content + bytes(2**22)) for name, content in IDX.items()}
_SIZES = st.one_of(
    st.integers(0, 5),
    st.sampled_from([2**16, 2**20, 2**28, 2**31, 2**32 - 1]),
    st.integers(0, 2**32 - 1),
)


@st.composite
def _idx_file(draw, name):
    """Return ending and content; None where there is no such file."""
    content = draw(
        st.one_of(
            st.just(IDX[name]),
            mutated(IDX[name]),
            st.binary(max_size=60),
            st.lists(_SIZES, max_size=4).map(_idx_header),
            st.sampled_from(sorted(IDX.values())),
        )
    )
    form = draw(st.sampled_from(["plain", "plain", "packed", "packed", "mutated", "bomb"]))
    if form == "bomb":
        content = _BOMBS[name]
    elif form != "plain":
        content = gzip.compress(content, mtime=0)
        content = draw(mutated(content)) if form == "mutated" else content
    ending = draw(st.sampled_from(["", ".gz"]))
    return draw(st.sampled_from([(ending, content)] * 19 + [None]))


def _idx_header(sizes):
    return struct.pack(f">{1 + len(sizes)}I", 0x800 + len(sizes), *sizes) + bytes(40)


@st.composite
def _idx_folder(draw):
    """Return files by name; mostly but one of them is not as it should be."""
    files = {name: ("", content) for name, content in IDX.items()}
    for name in draw(st.lists(st.sampled_from(sorted(IDX)), min_size=1, max_size=2)):
        files[name] = draw(_idx_file(name))
    return files


IDX_FOLDERS = _idx_folder()


def check_idx(folder, files):
    """Load a folder: images of the form that is told, or an error that names a file."""
    for name in IDX:
        for ending in ("", ".gz"):
            (folder / f"{name}{ending}").unlink(missing_ok=True)
    for name, file in files.items():
        if file is not None:
            (folder / f"{name}{file[0]}").write_bytes(file[1])
    try:
        images = load_idx(folder)
    except FileNotFoundError as error:
        assert None in files.values() and str(folder) in str(error)
        return "refused"
    except ValueError as error:
        assert any(name in str(error) for name in IDX)
        return "refused"
    assert images.data.shape == (len(images.target), len(images.feature_names))
    assert images.data.dtype == np.float32 and images.target.dtype == np.int64
    assert images.data.size == 0 or 0 <= images.data.min() <= images.data.max() <= 1
    return "read"


READERS = {
    "Ticket.load": (TICKETS, check_ticket),
    "load_idx": (IDX_FOLDERS, check_idx),
    "find FILE.csv": (TABLES, check_csv),
    "find FILE.parquet": (PARQUETS, check_parquet),
}


@contextmanager
def little_memory():
    """Let this process have so much memory more, where that can be told and limited."""
    used = Path("/proc/self/statm")
    if not used.exists():
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(used.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def fuzz(reader, folder, *, before=lambda: None, seed=None, **options):
    """Give a reader many files; return how many it read, and how many it refused."""
    files, check = READERS[reader]
    counts = Counter()

    @settings(
        deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink], report_multiple_bugs=True, **options,
    )  # fmt: skip
    @given(files)
    def test(file):
        before()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            counts[check(folder, file)] += 1

    with little_memory():
        (test if seed is None else hypothesis.seed(seed)(test))()
    return counts


# As a script


class Hangs(Exception):
    """A reader did not come to an end."""


def _ring(number, frame):
    raise Hangs(f"after {_LONGEST} s")


def main():
    """Fuzz each reader; say what came of it, and exit with 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", choices=list(READERS), help="that alone")
    arguments = parser.parse_args()
    signal.signal(signal.SIGALRM, _ring)
    lines, fails = [], False
    for reader in [arguments.reader] if arguments.reader else READERS:
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            try:
                counts = fuzz(
                    reader,
                    Path(folder),
                    before=lambda: signal.alarm(_LONGEST),
                    seed=arguments.seed,
                    max_examples=arguments.examples,
                )
                fault = "none"
            except BaseException:
                traceback.print_exc()
                counts, fault, fails = Counter(), "see above", True
        signal.alarm(0)
        seconds = time.monotonic() - start
        lines.append(
            f"| {reader} | {counts.total():,} | {counts['read']:,} | {counts['refused']:,} | "
            f"{fault} | {seconds:.0f} |"
        )
        print(lines[-1], flush=True)
    print(f"\nseed {arguments.seed}\n\n| reader | inputs | read | refused | faults | seconds |")
    print("| --- | --- | --- | --- | --- | --- |", *lines, sep="\n")
    sys.exit(fails)


if __name__ == "__main__":
    main()
