"""Files of tickets: whole, the same each time, or refused in words."""

import hashlib
import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load, save, save_file

from skticket import Ticket


def make_ticket(order=("b", "a")):
    arrays = {
        "a.weight": np.arange(12, dtype="float32").reshape(3, 4),
        "a.bias": np.zeros(3, "float32"),
        "b.weight": np.arange(3, dtype="float64").reshape(1, 3) + 1,
        "n": np.array(7),
    }
    mask = {f"{name}.weight": arrays[f"{name}.weight"] % 3 != 1 for name in order}
    return Ticket(arrays, mask, checkpoints={5: arrays})


@pytest.fixture
def path(tmp_path):
    """Give the path of a ticket's file."""
    make_ticket().save(tmp_path / "my.ticket")
    return tmp_path / "my.ticket"


def content_of(path):
    """Return description and tensors of a file."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["ticket"]), load(content)


def forge(path, description, tensors):
    """Write a file whose checksum is right."""
    description = dict(description)
    if "format" in description:
        version = description["format"].split()[0]
        description["format"] = f"{version} sha256:{'0' * 64}"
    seal(path, save(tensors, {"ticket": json.dumps(description)}))


def seal(path, content):
    digest = hashlib.sha256(content).hexdigest()
    path.write_bytes(content.replace(b"0" * 64, digest.encode(), 1))


def assert_refused(path, match="is not a ticket"):
    with pytest.raises(ValueError, match=match) as caught:
        Ticket.load(path)
    assert str(path) in str(caught.value)


def test_safetensors_reads_it(path):
    with safe_open(path, framework="numpy") as file:
        np.testing.assert_array_equal(file.get_tensor("initial/a.bias"), np.zeros(3))
        assert "skticket-2" in file.metadata()["ticket"]


def test_forging_nothing_changes_nothing(path):
    before = path.read_bytes()
    forge(path, *content_of(path))
    assert path.read_bytes() == before


def test_the_same_ticket_gives_the_same_bytes(path, tmp_path):
    Ticket.load(path).save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    program = f"""
        import sys
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        from test_ticket_file import make_ticket
        make_ticket().save(sys.argv[1])
    """
    for seed in ("1", "2", "3"):
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), tmp_path / seed],
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        )
        assert (tmp_path / seed).read_bytes() == path.read_bytes()


def test_order_of_masks_is_kept(tmp_path):
    for order in ("ab", "ba"):
        make_ticket(order).save(tmp_path / order)
        assert list(Ticket.load(tmp_path / order).mask) == [f"{name}.weight" for name in order]
        assert Ticket.load(tmp_path / order) == make_ticket(order)


# Damage


def test_any_flipped_bit_is_noticed(path):
    content = path.read_bytes()
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        assert_refused(path)


def test_any_truncation_is_noticed(path):
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert_refused(path)
    path.write_bytes(content + b"\0")
    assert_refused(path, "checksum")


@given(data=st.data())
def test_any_mutation_is_refused(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("mutated") / "my.ticket"
    make_ticket().save(path)
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.integers(start, min(start + 40, len(content))))
    mutated = content[:start] + data.draw(st.binary(max_size=40)) + content[stop:]
    path.write_bytes(mutated)
    if mutated != content:
        assert_refused(path)
        # The same with a checksum that fits: a file, or a ValueError.
        at = content.index(b"sha256:") + 7
        if start > at + 64:
            seal(path, mutated.replace(content[at : at + 64], b"0" * 64, 1))
            try:
                Ticket.load(path)
            except ValueError as error:
                assert str(path) in str(error)


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"__metadata__":{"ticket":"skticket-2"}}',
        b'{"__metadata__":{"ticket":["skticket-2 sha256:' + b"0" * 64 + b'"]}}',
        b'["skticket-2 sha256:' + b"0" * 64 + b'"' + b",[" * 100_000,
        b'["skticket-2 sha256:' + b"0" * 64 + b'"]',
        b'{"skticket-2 sha256:' + b"0" * 64 + b'": 1' + b"1" * 5000 + b"}",
        b'{"skticket-2 sha256:' + b"0" * 64 + b'": "\xff"}',
        b'{"__metadata__":{"ticket":"[' + b"[" * 100_000 + b'"}, "skticket-2 sha256:'
        + b"0" * 64 + b'": 0}',
    ],
)  # fmt: skip
def test_headers_that_are_none(path, header):
    seal(path, len(header).to_bytes(8, "little") + header)
    assert_refused(path)


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 10**8, 10**6])
def test_length_of_the_header_is_checked_first(path, length):
    content = path.read_bytes()
    path.write_bytes(length.to_bytes(8, "little") + content[8:])
    assert_refused(path, "header")


@pytest.mark.parametrize("version", ["1", "3", "02", "20"])
def test_other_versions_are_named(path, version):
    description, tensors = content_of(path)
    description["format"] = f"skticket-{version} x"
    forge(path, description, tensors)
    assert_refused(path, f"format is 'skticket-{version}', and this version .* reads 'skticket-2'")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"names": None}, "'names' must be"),
        ({"names": 3}, "'names' must be"),
        ({"names": ["a.bias", "a.bias"]}, "'names' must be"),
        ({"names": ["a.bias"]}, "'shapes' must be"),
        ({"names": [["a.bias"]]}, "'names' must be"),
        ({"names": ["a.weight", "a.bias", "b.weight", "n", "c"]}, "'.*/c' is missing"),
        ({"names": ["a.weight", "b.weight", "n"]}, "'.*/a.bias' is not expected"),
        ({"shapes": []}, "'shapes' must be"),
        ({"shapes": {}}, "'mask/a.weight' is not expected"),
        ({"checkpoints": []}, "'checkpoint-5/a.bias' is not expected"),
        ({"checkpoints": [True]}, "'checkpoints' must be"),
        ({"checkpoints": [5, 5]}, "'checkpoints' must be"),
        ({"checkpoints": ["5"]}, "'checkpoints' must be"),
        ({"checkpoints": [10**400]}, "missing|not expected"),
    ],
)
def test_descriptions_that_are_none(path, changes, message):
    description, tensors = content_of(path)
    forge(path, description | changes, tensors)
    assert_refused(path, message)


def test_description_that_is_no_object(path):
    tensors = content_of(path)[1]
    seal(path, save(tensors, {"ticket": json.dumps(["skticket-2 sha256:" + "0" * 64])}))
    assert_refused(path, "no JSON object")


@pytest.mark.parametrize(
    "shape, message",
    [
        ([3, 6], r"has uint8 of shape \(2,\); 3 bytes are needed for 18 weights"),
        ([3, 3], "bits of more than 9 weights"),
        ([100_000, 100_000], "1250000000 bytes are needed"),
        ([2**62, 2**62], "are needed for"),
        ([0, 2**70], "positive whole numbers"),
        ([-3, -4], "positive whole numbers"),
        ([3.0, 4], "positive whole numbers"),
        ([True, 12], "positive whole numbers"),
        ("34", "positive whole numbers"),
        ([1] * 100 + [12], "dimension"),
    ],
)
def test_shapes_that_do_not_fit(path, shape, message):
    description, tensors = content_of(path)
    description["shapes"]["a.weight"] = shape
    forge(path, description, tensors)
    assert_refused(path, message)


@pytest.mark.parametrize(
    "name, change, message",
    [
        ("mask/a.weight", lambda bits: bits[:1], "2 bytes are needed for 12 weights"),
        ("mask/a.weight", lambda bits: np.append(bits, bits), "2 bytes are needed"),
        ("mask/a.weight", lambda bits: bits | np.uint8(1), "bits of more than 12 weights"),
        ("mask/a.weight", lambda bits: bits.astype("uint16"), "has uint16"),
        # One value would be broadcast to all.
        ("weights/a.weight", lambda values: values[:1], r"\(1,\) for 8 surviving"),
        ("weights/a.weight", lambda values: values[:0], r"\(0,\) for 8 surviving"),
        ("weights/a.weight", lambda values: np.append(values, 1), r"\(9,\) for 8 surviving"),
        ("checkpoint-5/a.weight", lambda values: values.reshape(2, 4), "for 8 surviving"),
        ("initial/a.bias", lambda values: values[:2], "'a.bias' must have one shape"),
    ],
)
def test_lengths_are_exact(path, name, change, message):
    description, tensors = content_of(path)
    tensors[name] = change(tensors[name])
    forge(path, description, tensors)
    assert_refused(path, message)


@pytest.mark.parametrize("name", ["weights/a.bias", "initial/a.weight", "checkpoint-5/n"])
def test_what_cannot_be_saved_is_not_read(path, name):
    description, tensors = content_of(path)
    tensors[name] = tensors[name].astype("complex64")
    forge(path, description, tensors)
    assert_refused(path, f"'{name}' has dtype complex64")


def test_safetensors_header_that_promises_more_than_there_is(path):
    content = path.read_bytes()
    digest = content[content.index(b"sha256:") + 7 :][:64]
    shape = b'"shape":[8]'
    larger = content.replace(digest, b"0" * 64).replace(shape, b'"shape":[9]', 1)
    assert larger.count(shape) == content.count(shape) - 1
    seal(path, larger)
    assert_refused(path, "its header is wrong")


def test_safetensors_file_of_another_kind(path):
    save_file({"initial/w": np.ones(3)}, path, metadata={"format": "skticket-1"})
    assert_refused(path, "format is 'skticket-1'")
    save_file({"w": np.ones(3)}, path)
    assert_refused(path, "does not name the format")


# What cannot be saved


def with_state(array, name="state"):
    return Ticket({"w": np.ones((2, 3)), name: array}, {"w": np.ones((2, 3), bool)})


@pytest.mark.parametrize(
    "array",
    [
        np.array([None, 1]),
        np.ones(2, complex),
        np.ones(2, "complex64"),
        np.zeros(2, "float32,int8"),
        np.array(["a", "b"]),
        np.array(["2020-01-01"], "datetime64[D]"),
    ],
)
def test_arrays_that_cannot_be_saved(tmp_path, array):
    with pytest.raises(ValueError, match="'state' has dtype .* cannot be saved"):
        with_state(array).save(tmp_path / "ticket")
    with pytest.raises(ValueError, match="'w' has dtype .* cannot be saved"):
        Ticket({"w": array}, {"w": np.ones(array.shape, bool)}).save(tmp_path / "ticket")
    assert os.listdir(tmp_path) == []


def test_bytes_in_another_order_cannot_be_saved(tmp_path):
    array = np.ones(2, ">f4" if sys.byteorder == "little" else "<f4")
    with pytest.raises(ValueError, match="'state' has dtype .* order of bytes"):
        with_state(array).save(tmp_path / "ticket")


def test_weights_of_size_zero_cannot_be_saved(tmp_path):
    with pytest.raises(ValueError, match=r"'w' has shape \(0, 3\): no weights"):
        Ticket({"w": np.ones((0, 3))}, {"w": np.ones((0, 3), bool)}).save(tmp_path / "ticket")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", [3, "half \ud800"])
def test_names_that_cannot_be_saved(tmp_path, name):
    with pytest.raises(ValueError, match="name must be text"):
        with_state(np.ones(2), name).save(tmp_path / "ticket")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="sizes of files are limited on POSIX")
def test_full_disk(tmp_path):
    # A limit on the size of files fails a write as a full disk does.
    program = """
        import resource, sys
        import numpy as np
        from skticket import Ticket
        ticket = Ticket({"w": np.ones((100, 100))}, {"w": np.ones((100, 100), bool)})
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            ticket.save(sys.argv[1])
        except OSError:
            print("refused")
    """
    (tmp_path / "ticket").write_text("as it was")
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), tmp_path / "ticket"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert result.stdout == "refused\n"
    assert os.listdir(tmp_path) == ["ticket"]
    assert (tmp_path / "ticket").read_text() == "as it was"
