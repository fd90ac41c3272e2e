import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from safetensors.numpy import save_file

from skticket import Ticket


def small(**changes):
    values = {
        "initial": {"w": np.array([[1.0, -2.0, 3.0]]), "b": np.array([0.5])},
        "mask": {"w": np.array([[True, False, True]])},
        "weights": {"w": np.array([[4.0, 5.0, 0.0]]), "b": np.array([-1.5])},
        "checkpoints": {2: {"w": np.array([[7.0, 8.0, 9.0]]), "b": np.array([0.25])}},
    }
    return Ticket(**(values | changes))


def groups(ticket):
    return [ticket.initial, ticket.mask, ticket.weights, *ticket.checkpoints.values()]


# Counts


def test_counts_are_of_prunable_weights_alone():
    ticket = Ticket(
        {"a": np.ones((2, 5)), "a_bias": np.ones(5), "b": np.ones((1, 10))},
        {"a": np.arange(10).reshape(2, 5) < 3, "b": np.arange(10).reshape(1, 10) < 7},
    )
    assert ticket.n_weights == 10
    assert ticket.density == 0.5
    assert ticket.layer_densities == {"a": 0.3, "b": 0.7}
    assert repr(ticket) == "Ticket(density=0.5, n_weights=10)"


def test_surviving_weight_of_zero_counts():
    # Masks are never inferred from zeros.
    ticket = small(weights={"w": np.zeros((1, 3)), "b": np.zeros(1)})
    assert ticket.n_weights == 2
    np.testing.assert_array_equal(ticket.mask["w"], [[True, False, True]])


# Values


@pytest.mark.parametrize("value", [5.0, -5.0, np.nan, np.inf])
def test_pruned_values_are_exactly_zero(value):
    array = np.array([[1.0, value, 3.0]])
    ticket = small(
        initial={"w": array, "b": np.array([0.5])},
        weights={"w": array, "b": np.array([0.5])},
        checkpoints={1: {"w": array, "b": np.array([0.5])}},
    )
    for arrays in (ticket.initial, ticket.weights, ticket.checkpoints[1]):
        assert arrays["w"].tobytes() == np.array([[1.0, 0.0, 3.0]]).tobytes()
        np.testing.assert_array_equal(arrays["b"], [0.5])


def test_weights_start_as_the_initial_ones():
    ticket = small(weights=None)
    for name in ticket.initial:
        np.testing.assert_array_equal(ticket.weights[name], ticket.initial[name])
    assert small(checkpoints={}) == Ticket(
        small().initial, small().mask, small().weights
    )  # no checkpoints by default


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_dtype_is_kept(dtype):
    array = np.array([[1, -2, 3]], dtype)
    ticket = Ticket({"w": array}, {"w": array > 0}, {"w": array}, {1: {"w": array}})
    for arrays in (ticket.initial, ticket.weights, ticket.checkpoints[1]):
        assert arrays["w"].dtype == dtype


# Immutability


def test_attributes_cannot_be_set():
    ticket = small()
    for name in ("initial", "mask", "weights", "checkpoints", "n_weights", "density"):
        with pytest.raises(AttributeError):
            setattr(ticket, name, {})


def test_arrays_and_mappings_are_read_only():
    ticket = small()
    for arrays in groups(ticket):
        with pytest.raises(TypeError):
            arrays["w"] = np.zeros((1, 3))
        for array in arrays.values():
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
    with pytest.raises(TypeError):
        ticket.checkpoints[9] = {}


def test_arrays_cannot_be_made_writeable_again():
    ticket = small()
    again = pickle.loads(pickle.dumps(ticket))
    for arrays in (*groups(ticket), *groups(again)):
        for array in arrays.values():
            with pytest.raises(ValueError, match="WRITEABLE"):
                array.flags.writeable = True
            with pytest.raises(ValueError, match="WRITEABLE"):
                array.setflags(write=True)


def test_torch_reads_the_arrays_without_a_copy():
    tensor = torch.from_dlpack(small().initial["w"])
    np.testing.assert_array_equal(tensor.numpy(), small().initial["w"])


def test_later_changes_of_the_given_arrays_do_not_reach_the_ticket():
    # A bias that is aliased instead of copied is never rewound.
    given = {
        "initial": {"w": np.ones((1, 2)), "b": np.ones(1)},
        "mask": {"w": np.ones((1, 2), bool)},
        "weights": {"w": np.ones((1, 2)), "b": np.ones(1)},
        "checkpoints": {1: {"w": np.ones((1, 2)), "b": np.ones(1)}},
    }
    ticket = Ticket(**given)
    before = copy.deepcopy(ticket)
    for arrays in (given["initial"], given["mask"], given["weights"], given["checkpoints"][1]):
        for name, array in arrays.items():
            array[...] = 0
            assert array.flags.writeable, name
    del given["initial"]["b"], given["checkpoints"][1]
    assert ticket == before
    assert ticket.initial["b"] == 1


# Equality


def test_equal_tickets():
    assert small() == small()
    assert not small() != small()
    assert small() != SimpleNamespace(**vars(small()))
    assert small() != "ticket"


@pytest.mark.parametrize(
    "changes",
    [
        {"initial": {"w": np.array([[1.0, -2.0, np.nextafter(3.0, 4.0)]]), "b": np.array([0.5])}},
        {"initial": {"w": np.array([[1.0, -2.0, 3.0]]), "b": np.array([0.75])}},
        {"mask": {"w": np.array([[True, True, True]])}},
        {"weights": {"w": np.array([[4.0, 5.0, 1e-300]]), "b": np.array([-1.5])}},
        {"weights": {"w": np.array([[4.0, 5.0, np.nan]]), "b": np.array([-1.5])}},
        {"weights": {"w": np.array([[4.0, 5.0, 0.0]], "float32"), "b": np.array([-1.5])}},
        {"checkpoints": {}},
        {"checkpoints": {3: {"w": np.array([[7.0, 8.0, 9.0]]), "b": np.array([0.25])}}},
        {"checkpoints": {2: {"w": np.array([[7.0, 8.0, 9.5]]), "b": np.array([0.25])}}},
    ],
)
def test_any_other_value_makes_another_ticket(changes):
    assert small(**changes) != small()


def test_equality_is_to_the_bit():
    minus_zero = small(weights={"w": np.array([[4.0, 5.0, -0.0]]), "b": np.array([-1.5])})
    assert minus_zero != small()


def test_order_of_masks_counts():
    # The last one is the output layer's, which is pruned at another rate.
    arrays = {"a": np.ones((2, 2)), "b": np.ones((2, 2))}
    masks = {name: np.ones((2, 2), bool) for name in arrays}
    reversed_masks = dict(reversed(masks.items()))
    assert Ticket(arrays, masks) == Ticket(arrays, dict(masks))
    assert Ticket(arrays, masks) != Ticket(arrays, reversed_masks)


def test_pruned_values_are_no_part_of_the_ticket():
    assert small(weights={"w": np.array([[4.0, 99.0, 0.0]]), "b": np.array([-1.5])}) == small()


def test_tickets_are_unhashable():
    with pytest.raises(TypeError, match="unhashable"):
        hash(small())


# Errors


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"mask": {}}, "mask is empty"),
        ({"mask": {"v": np.ones((1, 3), bool)}}, "'v'"),
        ({"mask": {"w": np.ones((1, 3))}}, "must be boolean"),
        ({"mask": {"w": np.ones((3, 1), bool)}}, "'w' must have one shape"),
        ({"weights": {"w": np.ones((1, 3))}}, "same names"),
        ({"weights": {"w": np.ones((1, 2)), "b": np.ones(1)}}, "'w' must have one shape"),
        ({"weights": {"w": np.ones((1, 3)), "b": np.ones(2)}}, "'b' must have one shape"),
        ({"checkpoints": {2: {"w": np.ones((1, 3))}}}, "same names"),
        ({"checkpoints": {2: {"w": np.ones((1, 1)), "b": np.ones(1)}}}, "'w' must have one shape"),
    ],
)
def test_arrays_that_do_not_fit_together(changes, message):
    with pytest.raises(ValueError, match=message):
        small(**changes)


# Copies and files


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol, random_ticket):
    ticket = random_ticket(checkpoints=(1, 5))
    again = pickle.loads(pickle.dumps(ticket, protocol))
    assert again == ticket
    assert not any(array.flags.writeable for arrays in groups(again) for array in arrays.values())


def test_deepcopy(random_ticket):
    ticket = random_ticket(checkpoints=(1,))
    assert copy.deepcopy(ticket) == ticket


def tickets():
    """Any tickets: all kinds of values, shapes, orders of names and state without a mask."""
    shapes = st.lists(
        npst.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4), min_size=1, max_size=3
    )

    @st.composite
    def draw_ticket(draw):
        dtype = draw(st.sampled_from(["float32", "float64"]))
        names = draw(st.permutations(["z.weight", "a.weight", "m.weight"]))
        layers = dict(zip(names, draw(shapes), strict=False))
        mask = {name: draw(npst.arrays(bool, shape)) for name, shape in layers.items()}

        def values():
            arrays = {n: draw(npst.arrays(dtype, shape)) for n, shape in layers.items()}
            arrays["b.bias"] = draw(npst.arrays(dtype, (3,)))
            arrays["running_mean"] = draw(npst.arrays("float32", (2, 0)))
            arrays["num_batches_tracked"] = draw(npst.arrays("int64", ()))
            return arrays

        steps = draw(st.lists(st.integers(1, 10**6), max_size=2, unique=True))
        return Ticket(values(), mask, values(), {step: values() for step in steps})

    return draw_ticket()


@given(ticket=tickets())
def test_load_restores_to_the_bit(ticket, tmp_path_factory, identical):
    path = tmp_path_factory.mktemp("tickets") / "ticket.safetensors"
    ticket.save(path)
    loaded = Ticket.load(path)
    # Equal bits, dtypes and shapes in the same order: the last mask is the output layer's.
    assert identical(loaded.initial, ticket.initial)
    assert identical(loaded.mask, ticket.mask)
    assert identical(loaded.weights, ticket.weights)
    assert list(loaded.checkpoints) == list(ticket.checkpoints)
    for step in ticket.checkpoints:
        assert identical(loaded.checkpoints[step], ticket.checkpoints[step])
    assert loaded == ticket


def test_checkpoints_at_numpy_integers(tmp_path):
    # Steps may come from np.arange in a parameter grid.
    ticket = small(checkpoints={np.int64(2): small().checkpoints[2]})
    assert ticket == small()
    ticket.save(tmp_path / "ticket")
    assert Ticket.load(tmp_path / "ticket") == small()


def test_path_may_be_a_string(tmp_path):
    path = str(tmp_path / "a folder" / "my ticket.safetensors")
    small().save(path)
    assert Ticket.load(path) == small()


def test_save_replaces_the_file(tmp_path, random_ticket):
    path = tmp_path / "ticket"
    random_ticket().save(path)
    small().save(path)
    assert Ticket.load(path) == small()
    assert [file.name for file in tmp_path.iterdir()] == ["ticket"]


def test_file_holds_only_what_survives(tmp_path, random_ticket):
    full = random_ticket((100, 100, 2), density=1.0)
    sparse = random_ticket((100, 100, 2), density=0.01)
    full.save(tmp_path / "full")
    sparse.save(tmp_path / "sparse")
    # Two float32 groups of 10,200 weights against about 1% of them and a bit a weight.
    assert (tmp_path / "full").stat().st_size > 2 * 4 * 10_200
    assert (tmp_path / "sparse").stat().st_size < 6_000


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Ticket.load(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"label,x\n1,2\n", b"\0" * 64])
def test_file_that_is_no_ticket(tmp_path, content):
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="other.csv is not a ticket"):
        Ticket.load(path)


def test_safetensors_file_that_is_no_ticket(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"w": np.ones(3)}, path)
    with pytest.raises(ValueError, match="other.safetensors is not a ticket"):
        Ticket.load(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_truncated_file(tmp_path, random_ticket, share):
    path = tmp_path / "cut.safetensors"
    random_ticket().save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match="cut.safetensors"):
        Ticket.load(path)
