import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from skticket import Grow, Prune, Rewind, Ticket
from skticket.initialization import Normal
from skticket.rewinding import CONTROLS


@pytest.fixture
def trained(random_ticket):
    """A pruned ticket whose current weights and biases are not the initial ones."""
    ticket = random_ticket((6, 9, 7, 3), density=0.6, checkpoints=(1, 40))
    for name in ticket.initial:
        assert not np.array_equal(ticket.initial[name], ticket.weights[name])
    return ticket


def conv_ticket():
    rng = np.random.default_rng(0)
    shapes = {"conv.weight": (4, 2, 3, 3), "conv.bias": (4,), "linear.weight": (2, 16)}
    initial, weights = ({n: rng.normal(size=s) for n, s in shapes.items()} for _ in range(2))
    mask = {n: rng.uniform(size=shapes[n]) < 0.5 for n in ("conv.weight", "linear.weight")}
    return Ticket(initial, mask, weights)


# Back to θ0, back to step k, or on


def test_init_is_the_initial_weights_to_the_bit(trained, identical):
    rewound = Rewind().transform(trained)
    assert identical(rewound.weights, trained.initial)
    assert any(name.endswith("bias") for name in rewound.weights)
    assert identical(rewound.initial, trained.initial)
    assert identical(rewound.mask, trained.mask)
    # The next rewinding may go to a checkpoint.
    assert list(rewound.checkpoints) == [1, 40]
    assert Rewind("init").transform(trained) == rewound


@pytest.mark.parametrize("step", [1, 40, np.int64(40)])
def test_step_is_the_weights_after_it_to_the_bit(trained, identical, step):
    rewound = Rewind(step).transform(trained)
    assert identical(rewound.weights, trained.checkpoints[step])
    assert identical(rewound.initial, trained.initial)
    assert identical(rewound.mask, trained.mask)
    assert Rewind(step).transform(rewound) == rewound


def test_step_that_the_ticket_does_not_hold(trained):
    with pytest.raises(ValueError, match=r"step 2: .*\[1, 40\].*set rewind_to=2"):
        Rewind(2).transform(trained)


def test_none_goes_on_from_the_trained_weights(trained):
    assert Rewind("none").transform(trained) == trained


@pytest.mark.parametrize("to", ["init", 1, 40])
def test_survivors_of_a_later_pruning_are_rewound_alike(trained, to):
    pruned = Prune(0.5).transform(trained)
    source = trained.initial if to == "init" else trained.checkpoints[to]
    rewound = make_pipeline(Prune(0.5), Rewind(to)).transform(trained)
    for name, array in source.items():
        mask = pruned.mask.get(name, np.ones(array.shape, bool))
        np.testing.assert_array_equal(rewound.weights[name], np.where(mask, array, 0))


# Signs


def root_mean_square(values):
    return np.sqrt(sum(float(value) ** 2 for value in values) / len(values))


def test_signs_have_one_magnitude_a_layer(trained, identical):
    rewound = Rewind("signs").transform(trained)
    assert identical(rewound.initial, trained.initial)
    assert identical(rewound.mask, trained.mask)
    assert list(rewound.checkpoints) == [1, 40]
    for name, array in trained.initial.items():
        mask = trained.mask.get(name)
        if mask is None:
            np.testing.assert_array_equal(rewound.weights[name], array)
            continue
        magnitude = root_mean_square(array[mask])
        expected = np.where(mask, np.where(array > 0, magnitude, -magnitude), 0)
        # A sum of at most 63 squares, rounded to single precision.
        np.testing.assert_allclose(rewound.weights[name], expected, rtol=1e-6)
        assert rewound.weights[name].dtype == array.dtype
        # As long as the initial weights that survive.
        norms = (np.linalg.norm(a.astype(float)) for a in (rewound.weights[name], array * mask))
        assert next(norms) == pytest.approx(next(norms), rel=1e-6)
    assert Rewind("signs").transform(rewound) == rewound


def test_signs_of_what_started_at_zero():
    weights, mask = {"w": np.array([3.0, 0.0, -4.0])}, {"w": np.array([True, True, True])}
    rewound = Rewind("signs").transform(Ticket(weights, mask))
    np.testing.assert_allclose(rewound.weights["w"], np.sqrt(25 / 3) * np.array([1, 0, -1]))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("to", ["signs", "random_signs"])
def test_signs_of_few_and_of_small_weights(to):
    nothing = Ticket({"w": np.zeros(2)}, {"w": np.array([False, False])})
    np.testing.assert_array_equal(Rewind(to).transform(nothing).weights["w"], [0, 0])
    single = Ticket({"w": np.array([3.0, -5.0])}, {"w": np.array([False, True])})
    np.testing.assert_array_equal(np.abs(Rewind(to).transform(single).weights["w"]), [0, 5])
    # Squares of these are 0 in single precision.
    small = Ticket.full({"w": np.array([3e-30, -4e-30], np.float32)}, ["w"])
    np.testing.assert_allclose(
        np.abs(Rewind(to).transform(small).weights["w"]), np.sqrt(12.5) * 1e-30, rtol=1e-6
    )


# Controls


def test_random_signs_keep_mask_and_magnitude(trained, identical):
    signs = Rewind("signs").transform(trained)
    drawn = Rewind("random_signs", random_state=0).transform(trained)
    assert identical(drawn.mask, trained.mask)
    for name in trained.mask:
        np.testing.assert_array_equal(np.abs(drawn.initial[name]), np.abs(signs.weights[name]))


def test_random_signs_are_even(random_ticket):
    ticket = random_ticket((60, 60), density=0.5)
    (name,) = ticket.mask
    drawn = Rewind("random_signs", random_state=0).transform(ticket).initial[name]
    survivors = drawn[ticket.mask[name]]
    # Binomial: five standard deviations.
    assert abs(np.sign(survivors).sum()) < 5 * np.sqrt(len(survivors))


@pytest.mark.parametrize("init", ["glorot_normal", "he_uniform", Normal(std=3.0)])
def test_reinit_keeps_the_mask_and_draws_anew(trained, identical, init):
    fresh = Rewind("reinit", init=init, random_state=0).transform(trained)
    assert identical(fresh.mask, trained.mask)
    assert identical(fresh.weights, fresh.initial)
    for name, array in trained.initial.items():
        assert fresh.initial[name].dtype == array.dtype
        if name in trained.mask:
            survives = trained.mask[name]
            assert not np.any(fresh.initial[name][survives] == array[survives])
            assert not np.any(fresh.initial[name][survives] == 0)
            assert not np.any(fresh.initial[name][~survives])
        else:  # a bias is not drawn, and is no longer the trained one
            assert fresh.initial[name].tobytes() == array.tobytes()


def test_reinit_draws_from_the_distribution(random_ticket):
    ticket = random_ticket((60, 60, 60), density=0.5)
    for init, std in (("glorot_normal", (2 / 120) ** 0.5), (Normal(std=3.0), 3.0)):
        fresh = Rewind("reinit", init=init, random_state=0).transform(ticket)
        values = np.concatenate([fresh.initial[name][mask] for name, mask in ticket.mask.items()])
        assert stats.kstest(values, stats.norm(0, std).cdf).pvalue > 0.01


def test_reinit_takes_the_fresh_arrays_themselves(trained, identical):
    fresh = {name: np.full_like(array, 7) for name, array in trained.initial.items()}
    reinitialized = Rewind("reinit", init=fresh).transform(trained)
    assert identical(reinitialized.mask, trained.mask)
    for name, array in reinitialized.weights.items():
        np.testing.assert_array_equal(array, 7 * trained.mask.get(name, np.ones(array.shape)))


@pytest.mark.parametrize(
    "init, found",
    [({}, "none"), ({"v": np.ones((3, 4))}, "none"), ({"w": np.ones(3)}, r"shape \(3,\)")],
)
def test_fresh_values_that_are_missing(init, found):
    ticket = Ticket.full({"w": np.ones((3, 4))}, ["w"])
    message = rf"^init must hold fresh values of shape \(3, 4\) for 'w', got {found}$"
    with pytest.raises(ValueError, match=message):
        Rewind("reinit", init=init).transform(ticket)


def test_fresh_arrays_need_not_hold_biases(trained):
    fresh = {name: np.full_like(trained.initial[name], 7) for name in trained.mask}
    reinitialized = Rewind("reinit", init=fresh).transform(trained)
    assert list(reinitialized.initial) == list(trained.initial)
    for name, array in trained.initial.items():
        if name not in fresh:
            np.testing.assert_array_equal(reinitialized.weights[name], array)


@given(
    sizes=st.lists(st.integers(1, 8), min_size=2, max_size=4),
    density=st.floats(0, 1),
    seed=st.integers(0, 2**31),
    levels=st.sampled_from([None, [1.0], [0.0, 1.0, -1.0]]),
)
def test_rearrange_keeps_the_multiset_of_each_layer(sizes, density, seed, levels, random_ticket):
    ticket = random_ticket(tuple(sizes), density=density, seed=seed, levels=levels)
    moved = Rewind("rearrange", random_state=seed).transform(ticket)
    assert list(moved.mask) == list(ticket.mask)
    for name, array in ticket.initial.items():
        assert moved.initial[name].dtype == array.dtype
        assert moved.initial[name].tobytes() == moved.weights[name].tobytes()
        if name in ticket.mask:
            mask = moved.mask[name]
            assert mask.sum() == ticket.mask[name].sum()
            assert sorted(moved.initial[name][mask]) == sorted(array[ticket.mask[name]])
            assert not np.any(moved.initial[name][~mask])
        else:
            assert moved.initial[name].tobytes() == array.tobytes()


def test_rearrange_of_convolutions():
    ticket = conv_ticket()
    moved = Rewind("rearrange", random_state=0).transform(ticket)
    for name, mask in ticket.mask.items():
        assert not np.array_equal(moved.mask[name], mask)
        np.testing.assert_array_equal(
            np.sort(moved.initial[name][moved.mask[name]]), np.sort(ticket.initial[name][mask])
        )


def test_rearrange_puts_every_connection_anywhere():
    ticket = Ticket(
        {"w": np.array([[1.0, 2.0], [3.0, 4.0]])}, {"w": np.array([[1, 1], [0, 0]], bool)}
    )
    rewind = Rewind("rearrange", random_state=np.random.RandomState(0))
    places = np.zeros((2, 4))
    for _ in range(2000):
        moved = rewind.transform(ticket).initial["w"].ravel()
        places += [moved == 1, moved == 2]
    # Binomial(2000, 1/4): five standard deviations are 97.
    assert np.all(np.abs(places - 500) < 97)


@pytest.mark.parametrize("to", CONTROLS)
def test_random_state_decides(to, trained, global_state):
    first, again, other = (Rewind(to, random_state=s).transform(trained) for s in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize("to", CONTROLS)
def test_a_control_rewinds_to_itself(to, trained):
    # Its new weights are its θ0: later rounds go back to these.
    control = Rewind(to, random_state=0).transform(trained)
    later = Ticket(control.initial, control.mask, {n: a + 1 for n, a in control.weights.items()})
    assert Rewind("init").transform(later) == control
    assert control.initial.keys() == trained.initial.keys()


# The transformer


@pytest.mark.parametrize("to", ["init", 40, "none", "signs", *CONTROLS])
def test_given_ticket_stays_as_it_was(to, trained, random_ticket):
    density = trained.density
    rewound = Rewind(to, random_state=0).transform(trained)
    assert trained == random_ticket((6, 9, 7, 3), density=0.6, checkpoints=(1, 40))
    assert rewound.density == density


@pytest.mark.parametrize(
    "parameters, name",
    [
        ({"to": "start"}, "to"),
        ({"to": -1}, "to"),
        ({"to": 0}, "to"),
        ({"to": 1.5}, "to"),
        ({"to": None}, "to"),
        ({"to": "reinit", "init": "xavier"}, "init"),
        ({"to": "reinit", "init": 0.1}, "init"),
        ({"to": "reinit", "random_state": "seed"}, "random_state"),
    ],
)
def test_wrong_parameter_is_named(parameters, name, trained):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        Rewind(**parameters).transform(trained)


def test_transformer(trained):
    rewind = Rewind(40)
    expected = rewind.transform(trained)
    assert rewind.fit(trained) is rewind
    assert rewind.fit_transform(trained) == clone(rewind).transform(trained) == expected
    tags = get_tags(rewind)
    assert tags.requires_fit is False and tags.no_validation is True
    # A ticket is no metadata that a pipeline could be asked to hand on.
    assert not any(hasattr(rewind, f"set_{method}_request") for method in ("fit", "transform"))
    routing = rewind.get_metadata_routing()
    assert not routing.fit.requests and not routing.transform.requests
    with config_context(transform_output="pandas"):
        assert rewind.fit_transform(trained) == expected


@pytest.mark.parametrize("step", [Prune(), Grow(), Rewind(), Rewind("none")])
def test_what_is_no_ticket(step):
    for use in (step.transform, make_pipeline(step, "passthrough").fit_transform):
        with pytest.raises(TypeError, match="ticket must be a skticket.Ticket, got ndarray"):
            use(np.ones((3, 2)))
