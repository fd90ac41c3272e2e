from dataclasses import dataclass

import numpy as np
import pytest
from drawn import seeds, tickets
from hypothesis import given
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from small import NAMES, UNIT_NAMES, UNIT_STRATEGIES, WEIGHT_STRATEGIES

from skticket import Grow, Prune, Rewind, Ticket
from skticket.pruning import (
    InitialMagnitude,
    LargeInitLargeFinal,
    Magnitude,
    MagnitudeIncrease,
    Movement,
    Random,
    ScoreFunction,
    UnitInput,
    count_pruned,
    needs_gradients,
)

float_rates = st.one_of(
    st.floats(0, 1, exclude_max=True), st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.5, 0.75, 1 - 2**-53])
)


# An independent, slow reference: lists, loops and the words of the documentation.


def remaining_after(rate, surviving, rounds=1):
    for _ in range(rounds):
        if isinstance(rate, int):
            surviving -= rate
        else:
            surviving = max(surviving - round(rate * surviving), 1)
    return surviving


def reference_masks(ticket, scores, groups, rounds=1):
    """Masks after `rounds` prunings of each `(names, rate)` of `groups` by fixed `scores`.

    Elements go one by one in the order of score, then layer, then position, unless
    one is the last of its layer.
    """
    masks = {name: mask.tolist() for name, mask in ticket.mask.items()}
    for names, rate in groups:
        left = {name: int(ticket.mask[name].sum()) for name in names}
        ranked = sorted(
            (float(scores[name][i, j]), names.index(name), i, j)
            for name in names
            for i, row in enumerate(masks[name])
            for j, survives in enumerate(row)
            if survives
        )
        excess = len(ranked) - remaining_after(rate, len(ranked), rounds)
        for _, number, i, j in ranked:
            name = names[number]
            if excess and left[name] > 1:
                masks[name][i][j] = False
                left[name] -= 1
                excess -= 1
    return {name: np.array(mask) for name, mask in masks.items()}


REFERENCE_SCORES = {
    Magnitude: lambda initial, weight: abs(weight),
    InitialMagnitude: lambda initial, weight: abs(initial),
    MagnitudeIncrease: lambda initial, weight: abs(weight) - abs(initial),
    Movement: lambda initial, weight: abs(weight - initial),
}


def reference_scores(ticket, strategy_class):
    score = np.vectorize(REFERENCE_SCORES[strategy_class], otypes=["float32"])
    return {name: score(ticket.initial[name], ticket.weights[name]) for name in ticket.mask}


def assert_masks(ticket, expected):
    assert list(ticket.mask) == list(expected)
    for name in expected:
        np.testing.assert_array_equal(ticket.mask[name], expected[name], err_msg=name)


# Counts


@given(rate=float_rates, surviving=st.integers(1, 10**6), rounds=st.integers(1, 12))
def test_count_of_a_share(rate, surviving, rounds):
    assert count_pruned(rate, surviving, rounds) == surviving - remaining_after(
        rate, surviving, rounds
    )


@pytest.mark.parametrize(
    "rate, surviving, count",
    [
        (0.2, 235_200, 47_040),
        (0.5, 5, 2),  # Python's round: halves go to the even number
        (0.5, 7, 4),
        (0.1, 4, 0),
        (0.0, 10, 0),
        (0, 10, 0),
        (0.999, 10, 9),
        (0.5, 1, 0),
        (0.999, 1, 0),
        (0.5, 0, 0),
        (3, 10, 3),
        (3, 0, 0),
        (np.int64(3), 10, 3),
        (np.float32(0.5), 10, 5),
    ],
)
def test_count_in_numbers(rate, surviving, count):
    assert count_pruned(rate, surviving) == count


@given(
    ticket=tickets(),
    rate=float_rates,
    rounds=st.integers(1, 6),
    strategy=st.sampled_from([*REFERENCE_SCORES, Random]),
    seed=seeds,
)
def test_exact_counts_in_each_layer(ticket, rate, rounds, strategy, seed):
    prune = Prune(rate, strategy(output_rate=1), random_state=seed)
    expected = {name: int(mask.sum()) for name, mask in ticket.mask.items()}
    for _ in range(rounds):
        before, ticket = ticket, prune.transform(ticket)
        for name, mask in ticket.mask.items():
            expected[name] = remaining_after(rate, expected[name])
            assert mask.sum() == expected[name] >= 1
            # Masks only ever shrink.
            assert not np.any(mask & ~before.mask[name])


@pytest.mark.parametrize("value", [0.0, 0.5, -0.5])
@pytest.mark.parametrize("scope", ["layer", "global"])
def test_ties_go_by_position(value, scope):
    weights = {"first": np.full((2, 5), value), "second": np.full((5, 2), value)}
    ticket = Ticket(weights, {name: np.ones(w.shape, bool) for name, w in weights.items()})
    strategy = Magnitude(scope=scope, output_rate=1)
    pruned = Prune(0.3, strategy).transform(ticket)
    # Three of ten in each layer, or six of twenty in the first.
    counts = {"layer": (3, 3), "global": (6, 0)}[scope]
    for name, count in zip(weights, counts, strict=True):
        np.testing.assert_array_equal(pruned.mask[name].ravel(), np.arange(10) >= count)
    again = Prune(0.3, strategy).transform(pruned)
    counts = {"layer": (5, 5), "global": (9, 1)}[scope]  # 2 of 7 twice; 4 of 14
    for name, count in zip(weights, counts, strict=True):
        np.testing.assert_array_equal(again.mask[name].ravel(), np.arange(10) >= count)


@given(ticket=tickets(), rate=st.integers(0, 3))
def test_number_of_weights(ticket, rate):
    prune = Prune(rate, Magnitude(output_rate=1))
    if rate and any(mask.sum() <= rate for mask in ticket.mask.values()):
        with pytest.raises(ValueError, match=f"rate {rate} would remove all"):
            prune.transform(ticket)
    else:
        pruned = prune.transform(ticket)
        for name, mask in ticket.mask.items():
            assert pruned.mask[name].sum() == mask.sum() - rate


@given(
    ticket=tickets(st.lists(st.integers(1, 6), min_size=3, max_size=4)),
    rate=float_rates,
    rounds=st.integers(1, 5),
    output_rate=st.sampled_from([0, 0.25, 0.5, 1]),
    scope=st.sampled_from(["layer", "global"]),
    strategy=st.sampled_from([*REFERENCE_SCORES, Random]),
)
def test_one_shot_ends_at_the_iterative_masks(ticket, rate, rounds, output_rate, scope, strategy):
    # While nothing is trained scores stay, so that not only counts but masks are the same.
    strategy = strategy(scope=scope, output_rate=output_rate)
    one_shot = Prune(rate, strategy, repeat=rounds, random_state=0).transform(ticket)
    iterative = ticket
    for _ in range(rounds):
        iterative = Prune(rate, strategy, random_state=0).transform(iterative)
    assert one_shot == iterative


@given(
    sizes=st.lists(st.integers(1, 9), min_size=3, max_size=5),
    rate=float_rates,
    rounds=st.integers(1, 5),
    name=st.sampled_from(UNIT_NAMES),
)
def test_one_shot_of_units_ends_at_the_iterative_counts(sizes, rate, rounds, name, random_ticket):
    ticket = random_ticket(tuple(sizes), density=1.0)
    one_shot = Prune(rate, name, repeat=rounds).transform(ticket)
    iterative = ticket
    for _ in range(rounds):
        iterative = Prune(rate, name).transform(iterative)
    for layer in ticket.mask:
        assert one_shot.mask[layer].sum() == iterative.mask[layer].sum()


@given(ticket=tickets(), rate=st.integers(0, 4))
def test_number_of_weights_in_global_scope(ticket, rate):
    # So many a layer are so many times the layers in all: exactly, or a clear error.
    try:
        pruned = Prune(rate, Magnitude("global", output_rate=1)).transform(ticket)
    except ValueError as error:
        assert f"rate {rate}" in str(error)
        assert rate * len(ticket.mask) > ticket.n_weights - len(ticket.mask)
    else:
        assert ticket.n_weights - pruned.n_weights == rate * len(ticket.mask)
        assert all(mask.any() for mask in pruned.mask.values())


def test_one_shot_by_number(random_ticket):
    ticket = random_ticket((6, 5, 5), density=1.0)
    pruned = Prune(4, Magnitude(output_rate=1), repeat=3).transform(ticket)
    assert [mask.sum() for mask in pruned.mask.values()] == [30 - 12, 25 - 12]


# Which weights


@given(
    ticket=tickets(), rate=float_rates, rounds=st.integers(1, 3), name=st.sampled_from(NAMES[:1])
)
def test_named_strategy_is_the_default_instance(ticket, rate, rounds, name):
    assert Prune(rate, name, repeat=rounds).transform(ticket) == Prune(
        rate, Magnitude(), repeat=rounds
    ).transform(ticket)


@pytest.mark.parametrize(
    "name, strategy_class",
    [*zip(NAMES + UNIT_NAMES, WEIGHT_STRATEGIES + UNIT_STRATEGIES, strict=True)],
)
def test_names(name, strategy_class, random_ticket):
    ticket = random_ticket((10, 20, 10, 3))
    strategy = strategy_class()
    by_name, by_instance = (
        Prune(0.4, s, random_state=0).transform(ticket) for s in (name, strategy)
    )
    assert by_name == by_instance
    assert_masks(by_name, strategy.masks(ticket, 0.4, random_state=0))
    others = [Prune(0.4, s, random_state=0).transform(ticket) for s in NAMES + UNIT_NAMES]
    assert sum(other == by_name for other in others) == 1


@given(
    ticket=tickets(),
    rate=float_rates,
    rounds=st.integers(1, 3),
    strategy=st.sampled_from(list(REFERENCE_SCORES)),
)
def test_scores_in_each_layer(ticket, rate, rounds, strategy):
    pruned = Prune(rate, strategy(output_rate=1), repeat=rounds).transform(ticket)
    groups = [([name], rate) for name in ticket.mask]
    scores = reference_scores(ticket, strategy)
    assert_masks(pruned, reference_masks(ticket, scores, groups, rounds))


@given(
    ticket=tickets(),
    rate=float_rates,
    rounds=st.integers(1, 3),
    strategy=st.sampled_from(list(REFERENCE_SCORES)),
)
def test_global_scope_is_a_sort_over_all_weights(ticket, rate, rounds, strategy):
    pruned = Prune(rate, strategy("global", output_rate=1), repeat=rounds).transform(ticket)
    scores = reference_scores(ticket, strategy)
    expected = reference_masks(ticket, scores, [(list(ticket.mask), rate)], rounds)
    assert_masks(pruned, expected)


def test_global_scope_in_one_sort(random_ticket):
    # No layer comes near its last weight here, so the plain sort decides alone.
    ticket = random_ticket((30, 20, 20, 10), density=0.8)
    pruned = Prune(0.3, Magnitude("global", output_rate=1)).transform(ticket)
    alive = np.concatenate([np.abs(ticket.weights[n][m]) for n, m in ticket.mask.items()])
    threshold = np.sort(alive)[round(0.3 * alive.size)]
    for name, mask in ticket.mask.items():
        np.testing.assert_array_equal(
            pruned.mask[name], mask & (np.abs(ticket.weights[name]) >= threshold)
        )
    assert pruned != Prune(0.3, Magnitude(output_rate=1)).transform(ticket)


@given(
    ticket=tickets(st.lists(st.integers(1, 6), min_size=3, max_size=4)),
    rate=float_rates,
    rounds=st.integers(1, 3),
    scope=st.sampled_from(["layer", "global"]),
    output_rate=st.floats(0, 1, exclude_max=True),
)
def test_output_layer_has_its_own_rate(ticket, rate, rounds, scope, output_rate):
    strategy = Magnitude(scope, output_rate)
    pruned = Prune(rate, strategy, repeat=rounds).transform(ticket)
    *hidden, output = ticket.mask
    groups = [(hidden, rate)] if scope == "global" else [([name], rate) for name in hidden]
    expected = reference_masks(
        ticket,
        reference_scores(ticket, Magnitude),
        [*groups, ([output], rate * output_rate)],
        rounds,
    )
    assert_masks(pruned, expected)


@pytest.mark.parametrize("strategy", [Magnitude, Random])
@pytest.mark.parametrize(
    "rate, output_rate, removed",
    [
        (0.2, None, 10),
        (0.2, 0, 0),
        (0.2, 1, 20),
        (0.2, 0.25, 5),
        (6, None, 3),
        (6, 0, 0),
        (6, 1, 6),
        (5, None, 2),
    ],
)
def test_output_layer_loses_half_by_default(strategy, rate, output_rate, removed):
    shapes = {"hidden": (20, 20), "output": (10, 10)}
    ticket = Ticket(
        {name: np.ones(shape) for name, shape in shapes.items()},
        {name: np.ones(shape, bool) for name, shape in shapes.items()},
    )
    strategy = strategy() if output_rate is None else strategy(output_rate=output_rate)
    pruned = Prune(rate, strategy, random_state=0).transform(ticket)
    assert pruned.mask["output"].sum() == 100 - removed
    assert pruned.mask["hidden"].sum() == 400 - (rate if rate > 1 else 80)


def test_single_layer_is_pruned_at_the_full_rate():
    ticket = Ticket({"w": np.arange(10.0)}, {"w": np.ones(10, bool)})
    assert Prune(0.4).transform(ticket).n_weights == 6


def test_each_layer_keeps_its_best_weight_in_global_scope():
    initial = {"small": np.array([[1.0, 2.0, -3.0]]), "large": np.arange(4.0, 11.0)}
    ticket = Ticket(initial, {name: np.ones(w.shape, bool) for name, w in initial.items()})
    pruned = Prune(0.7, Magnitude("global", output_rate=1)).transform(ticket)
    np.testing.assert_array_equal(pruned.mask["small"], [[False, False, True]])
    np.testing.assert_array_equal(pruned.mask["large"], np.arange(4, 11) >= 9)


@pytest.mark.parametrize("n", [1, 2, 700, 1999])
@pytest.mark.parametrize("levels", [None, [1.0, -2.0, 3.0]])
def test_few_and_many_of_a_large_layer(n, levels):
    rng = np.random.default_rng(0)
    weights = rng.normal(size=2000) if levels is None else rng.choice(levels, 2000)
    pruned = Prune(n).transform(Ticket({"w": weights}, {"w": np.ones(2000, bool)}))
    lowest = np.argsort(np.abs(weights), kind="stable")[:n]
    np.testing.assert_array_equal(np.flatnonzero(~pruned.mask["w"]), np.sort(lowest))


def test_negative_weights_are_judged_by_magnitude():
    initial = {"w": np.array([0.1, -0.2, 0.3, -0.4])}
    ticket = Ticket(initial, {"w": np.ones(4, bool)})
    np.testing.assert_array_equal(Prune(0.5).transform(ticket).mask["w"], [0, 0, 1, 1])


def test_strategies_on_paper():
    ticket = Ticket(
        {"w": np.array([0.5, -1.0, 2.0, 0.1])},
        {"w": np.ones(4, bool)},
        {"w": np.array([-0.6, 0.9, 2.5, 0.3])},
    )
    # Increase: 0.1, -0.1, 0.5, 0.2; movement: 1.1, 1.9, 0.5, 0.2; of large initial and large final
    # weights, these at 0.8 of their size, the smaller: 0.48, 0.72, 2, 0.1.
    for name, kept in {
        "magnitude": [0, 1, 1, 0],
        "initial_magnitude": [0, 1, 1, 0],
        "magnitude_increase": [0, 0, 1, 1],
        "large_init_large_final": [0, 1, 1, 0],
        "movement": [1, 1, 0, 0],
    }.items():
        np.testing.assert_array_equal(Prune(0.5, name).transform(ticket).mask["w"], kept, name)


def test_surviving_zero_may_be_pruned_but_pruned_weights_do_not_count():
    ticket = Ticket({"w": np.array([3.0, 0.0, 2.0, 1.0])}, {"w": np.array([1, 1, 0, 1], bool)})
    pruned = Prune(1).transform(ticket)
    np.testing.assert_array_equal(pruned.mask["w"], [True, False, False, True])


@pytest.mark.parametrize("size", [1, 1e-3])
def test_large_initial_and_large_final(size, random_ticket):
    ticket = random_ticket((9, 8, 7), density=0.7)
    arrays = [{n: size * a for n, a in d.items()} for d in (ticket.initial, ticket.weights)]
    ticket = Ticket(arrays[0], ticket.mask, arrays[1])
    pruned = Prune(0.5, LargeInitLargeFinal(output_rate=1)).transform(ticket)
    for name, mask in ticket.mask.items():
        initial, trained = (abs(a[name][mask]) for a in (ticket.initial, ticket.weights))
        factor = initial.max() / trained.max()
        scores = np.array([min(factor * w, w0) for w, w0 in zip(trained, initial, strict=True)])
        kept = np.sort(np.argsort(-scores, kind="stable")[: len(scores) - round(0.5 * len(scores))])
        np.testing.assert_array_equal(np.flatnonzero(pruned.mask[name][mask]), kept)


@pytest.mark.parametrize("name", NAMES)
def test_layers_that_ended_at_zero_and_without_weights(name):
    initial = {"none": np.ones((0, 3)), "zero": np.array([[3.0, -2.0, 1.0]]), "out": np.ones(4)}
    ticket = Ticket.full(initial, initial)
    ticket = Ticket(initial, ticket.mask, initial | {"zero": np.zeros((1, 3))})
    pruned = Prune(0.5, name, random_state=0).transform(ticket)
    assert [mask.sum() for mask in pruned.mask.values()] == [0, 1, 3]


# Random


def test_random_prunes_by_chance_alone(random_ticket, global_state):
    ticket = random_ticket((10, 10, 10))
    other_values = random_ticket((10, 10, 10), seed=0, levels=[0.0, 1.0])
    other_values = Ticket(other_values.initial, ticket.mask, other_values.weights)
    first, again, another = (
        Prune(0.5, "random", random_state=s).transform(ticket) for s in (0, 0, 1)
    )
    assert first == again
    assert first != another
    assert_masks(Prune(0.5, "random", random_state=0).transform(other_values), first.mask)


def test_random_prunes_every_weight_alike():
    ticket = Ticket({"w": np.arange(20.0)}, {"w": np.arange(20) >= 10})
    state = np.random.RandomState(0)
    prune = Prune(0.3, "random", random_state=state)
    times = sum(prune.transform(ticket).mask["w"] for _ in range(1000))
    np.testing.assert_array_equal(times[:10], 0)
    # Binomial(1000, 0.7): five standard deviations are 72.
    assert np.all(np.abs(times[10:] - 700) < 72)


def test_random_in_global_scope(random_ticket):
    ticket = random_ticket((20, 20, 20), density=1.0)
    prune = Prune(0.5, Random("global", output_rate=1), random_state=0)
    first, second = (mask.sum() for mask in prune.transform(ticket).mask.values())
    assert first + second == 400
    assert first != second  # 200 each only by a rare chance, and never for this seed


# Functions


def test_function(random_ticket):
    ticket = random_ticket()

    def smallest_stay(ticket):
        return {name: -np.abs(ticket.weights[name]) for name in ticket.mask}

    pruned = Prune(0.4, smallest_stay).transform(ticket)
    negated = {name: -np.abs(ticket.weights[name]) for name in ticket.mask}
    *hidden, output = ticket.mask
    groups = [([name], 0.4) for name in hidden] + [([output], 0.2)]
    assert_masks(pruned, reference_masks(ticket, negated, groups))
    assert Prune(0.4, ScoreFunction(smallest_stay)).transform(ticket) == pruned
    alike = ScoreFunction(smallest_stay, output_rate=1)
    assert_masks(
        Prune(0.4, alike).transform(ticket),
        reference_masks(ticket, negated, [([name], 0.4) for name in ticket.mask]),
    )
    whole = ScoreFunction(smallest_stay, scope="global", output_rate=1)
    assert_masks(
        Prune(0.4, whole).transform(ticket),
        reference_masks(ticket, negated, [(list(ticket.mask), 0.4)]),
    )


@pytest.mark.parametrize(
    "function, message",
    [
        (
            lambda ticket: [1.0],
            r"^the strategy must return a dict of an array of scores for each of "
            r"\['layers.0.weight', 'layers.1.weight'\], got list$",
        ),
        (lambda ticket: {}, "no scores for 'layers.0.weight'"),
        (lambda t: {n: m.sum(axis=0) for n, m in t.mask.items()}, r"shape \(5, 4\), got \(4,\)"),
        (lambda t: {n: np.full(m.shape, np.nan) for n, m in t.mask.items()}, "NaN"),
    ],
)
def test_scores_that_cannot_be_used(function, message, random_ticket):
    with pytest.raises(ValueError, match=message):
        Prune(0.5, function).transform(random_ticket((4, 5, 3)))


def test_nan_weights_name_the_layer_and_the_likely_cause():
    ticket = Ticket(
        {"a": np.ones(3), "b": np.ones(3)},
        {"a": np.ones(3, bool), "b": np.ones(3, bool)},
        {"a": np.ones(3), "b": np.array([1.0, np.nan, 2.0])},
    )
    with pytest.raises(
        ValueError, match="'b' contain NaN; if .* diverged, a smaller learning rate helps"
    ):
        Prune().transform(ticket)


def test_scores_of_pruned_weights_do_not_matter():
    def scores(ticket):
        return {"w": np.where(ticket.mask["w"], [1.0, 2.0, 3.0, 4.0], np.nan)}

    ticket = Ticket({"w": np.ones(4)}, {"w": np.array([1, 1, 1, 0], bool)})
    np.testing.assert_array_equal(Prune(1, scores).transform(ticket).mask["w"], [0, 1, 1, 0])


# Units


def reference_units(ticket, name, rate):
    """Units of each hidden layer that `rate` leaves, by loops over the definition."""
    layers = list(ticket.mask)
    left = []
    for into, out_of in zip(layers, layers[1:], strict=False):
        ranked = []
        for unit in range(ticket.mask[into].shape[0]):
            incoming = sum(abs(float(w)) for w in ticket.weights[into][unit])
            outgoing = sum(abs(float(row[unit])) for row in ticket.weights[out_of])
            if ticket.mask[into][unit].any() or ticket.mask[out_of][:, unit].any():
                score = {
                    "unit_input": incoming,
                    "unit_output": outgoing,
                    "unit_product": incoming * outgoing,
                }[name]
                ranked.append((score, unit))
        n_left = remaining_after(rate, len(ranked))
        left.append({unit for _, unit in sorted(ranked)[len(ranked) - n_left :]})
    return left


@given(
    sizes=st.lists(st.integers(1, 8), min_size=3, max_size=5),
    seed=seeds,
    density=st.sampled_from([0.3, 0.7, 1.0]),
    rate=float_rates,
    name=st.sampled_from(UNIT_NAMES),
)
def test_units_in_each_layer(sizes, seed, density, rate, name, random_ticket):
    ticket = random_ticket(tuple(sizes), seed=seed, density=density, dtype="float64")
    pruned = Prune(rate, name).transform(ticket)
    left = reference_units(ticket, name, rate)
    layers = list(ticket.mask)
    # A weight survives if it did, and if the units at both its ends do.
    inputs_and_units = [set(range(sizes[0])), *left]
    units_and_outputs = [*left, set(range(sizes[-1]))]
    for layer, sources, targets in zip(layers, inputs_and_units, units_and_outputs, strict=True):
        for target, source in np.ndindex(ticket.mask[layer].shape):
            assert pruned.mask[layer][target, source] == (
                ticket.mask[layer][target, source] and target in targets and source in sources
            )


@pytest.mark.parametrize("name", UNIT_NAMES)
def test_xor_protocol(name, random_ticket):
    # 10 -> 8 -> 6 -> 4 -> 2 units by two a round; 10 -> 4 and 10 -> 2 at once.
    ticket = random_ticket((2, 10, 1), density=1.0)
    pruned = ticket
    for units in (8, 6, 4, 2):
        pruned = Prune(2, name).transform(pruned)
        assert pruned.mask["layers.0.weight"].all(axis=1).sum() == units
        assert pruned.mask["layers.1.weight"].sum() == units
        assert pruned.n_weights == 3 * units
    assert Prune(8, name).transform(ticket) == pruned
    assert Prune(2, name, repeat=4).transform(ticket) == pruned
    with pytest.raises(
        ValueError,
        match=r"rate 2 would remove all 2 surviving weights or units of a "
        "layer; an integer rate must be smaller than what survives there: layers.0.weight$",
    ):
        Prune(2, name).transform(pruned)


def test_units_on_paper():
    ticket = Ticket(
        {
            "in": np.array([[1.0, -1.0], [0.5, 0.5], [3.0, 0.0]]),  # incoming 2, 1, 3
            "out": np.array([[1.0, -3.0, 0.5]]),  # outgoing 1, 3, 0.5; products 2, 3, 1.5
        },
        {"in": np.ones((3, 2), bool), "out": np.ones((1, 3), bool)},
    )
    for name, kept in {"unit_input": 2, "unit_output": 1, "unit_product": 1}.items():
        pruned = Prune(2, name).transform(ticket)
        np.testing.assert_array_equal(pruned.mask["out"][0], np.arange(3) == kept, name)
        np.testing.assert_array_equal(pruned.mask["in"][:, 0], np.arange(3) == kept, name)


def test_units_in_global_scope():
    ticket = Ticket(
        {
            "first": np.diag([1.0, 2.0, 9.0]),  # incoming 1, 2, 9
            "second": np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 4.0]]),  # incoming 3, 4
            "output": np.array([[1.0, 1.0]]),
        },
        {
            "first": np.ones((3, 3), bool),
            "second": np.ones((2, 3), bool),
            "output": np.ones((1, 2), bool),
        },
    )
    pruned = Prune(0.6, UnitInput("global")).transform(ticket)  # three of five units
    np.testing.assert_array_equal(pruned.mask["first"].any(axis=1), [False, False, True])
    np.testing.assert_array_equal(pruned.mask["second"], [[0, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(pruned.mask["output"], [[False, True]])
    # A tenth: round(0.5) = 0 units of five. Both layers keep their best, whatever the rate.
    assert Prune(0.1, UnitInput("global")).transform(ticket) == ticket
    most = Prune(0.99, UnitInput("global")).transform(ticket)
    assert_masks(most, pruned.mask)


@pytest.mark.parametrize("name", UNIT_NAMES)
def test_unit_strategy_on_a_convolutional_network(name):
    shapes = {"conv.weight": (4, 1, 3, 3), "linear.weight": (2, 16)}
    ticket = Ticket(
        {n: np.ones(shape) for n, shape in shapes.items()},
        {n: np.ones(shape, bool) for n, shape in shapes.items()},
    )
    with pytest.raises(
        ValueError, match=r"^a unit strategy needs fully connected.*conv.weight.*\(4, 1, 3, 3\)"
    ):
        Prune(0.5, name).transform(ticket)


@pytest.mark.parametrize("shapes", [[(3, 2)], [(3, 2), (1, 4)]])
def test_unit_strategy_without_a_chain_of_layers(shapes):
    arrays = {f"layer{i}": np.ones(shape) for i, shape in enumerate(shapes)}
    ticket = Ticket(arrays, {name: a > 0 for name, a in arrays.items()})
    with pytest.raises(ValueError, match="fully connected.*hidden layer"):
        Prune(0.5, "unit_input").transform(ticket)


def test_weights_of_convolutions_are_pruned_like_others():
    rng = np.random.default_rng(0)
    initial = {
        "conv.weight": rng.normal(size=(4, 2, 3, 3)),
        "linear.weight": rng.normal(size=(2, 16)),
    }
    ticket = Ticket(initial, {name: np.ones(w.shape, bool) for name, w in initial.items()})
    pruned = Prune(0.25).transform(ticket)
    conv = np.abs(initial["conv.weight"])
    np.testing.assert_array_equal(pruned.mask["conv.weight"], conv >= np.sort(conv.ravel())[18])
    assert pruned.mask["linear.weight"].sum() == 28


# The transformer


def test_the_layer_that_would_be_emptied_is_named(random_ticket):
    ticket = random_ticket((6, 4, 3), density=1.1)
    with pytest.raises(ValueError, match=r"rate 24 would .*: layers.0.weight$"):
        Prune(24).fit(ticket)
    with pytest.raises(
        ValueError, match=r"rate 12 .*: layers.1.weight, with output_rate of the rate 23$"
    ):
        Prune(23, Magnitude(output_rate=12 / 23)).fit(ticket)


def test_fit_tells_what_transform_would_raise():
    ticket = Ticket({"w": np.arange(10.0)}, {"w": np.ones(10, bool)})
    assert Prune(4, repeat=2).fit(ticket).transform(ticket).n_weights == 2
    Magnitude().check(ticket, 6)  # once, if nothing is said
    for prune in (Prune(10), Prune(4, repeat=3)):
        with pytest.raises(ValueError, match="would remove all 10|would remove all 2"):
            prune.fit(ticket)
        with pytest.raises(ValueError, match="would remove all 10|would remove all 2"):
            prune.transform(ticket)


@pytest.mark.parametrize("strategy", NAMES + UNIT_NAMES)
@pytest.mark.parametrize("density", [0.5, 1.0])
def test_survivors_keep_their_values(strategy, density, random_ticket):
    ticket = random_ticket(checkpoints=(3,), density=density)
    before = random_ticket(checkpoints=(3,), density=density)
    pruned = Prune(0.4, strategy, random_state=0).transform(ticket)
    assert ticket == before
    assert 0 < pruned.n_weights < ticket.n_weights
    for old, new in (
        (ticket.initial, pruned.initial),
        (ticket.weights, pruned.weights),
        (ticket.checkpoints[3], pruned.checkpoints[3]),
    ):
        for name in old:
            mask = pruned.mask.get(name, np.ones(old[name].shape, bool))
            np.testing.assert_array_equal(new[name], np.where(mask, old[name], 0))
    # Biases are never pruned.
    assert list(pruned.mask) == [name for name in ticket.initial if name.endswith("weight")]


@pytest.mark.parametrize("rate", [0, 0.0])
@pytest.mark.parametrize("strategy", NAMES + UNIT_NAMES)
def test_rate_zero_changes_nothing(rate, strategy, random_ticket):
    assert Prune(rate, strategy, random_state=0).transform(random_ticket()) == random_ticket()


@pytest.mark.parametrize(
    "parameters, name",
    [
        ({"rate": 1.0}, "rate"),
        ({"rate": -0.1}, "rate"),
        ({"rate": -1}, "rate"),
        ({"rate": "half"}, "rate"),
        ({"rate": None}, "rate"),
        ({"rate": np.nan}, "rate"),
        ({"strategy": "magnitud"}, "strategy"),
        ({"strategy": None}, "strategy"),
        ({"strategy": 3}, "strategy"),
        ({"strategy": Magnitude("local")}, "scope"),
        ({"strategy": Magnitude(output_rate=1.5)}, "output_rate"),
        ({"strategy": Random(output_rate=-1)}, "output_rate"),
        ({"strategy": UnitInput("everywhere")}, "scope"),
        ({"strategy": ScoreFunction("magnitude")}, "function"),
        ({"repeat": 0}, "repeat"),
        ({"repeat": 1.5}, "repeat"),
        ({"random_state": "seed"}, "random_state"),
    ],
)
def test_wrong_parameter_is_named(parameters, name, random_ticket):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        Prune(**parameters).transform(random_ticket())


def test_transformer(random_ticket):
    ticket = random_ticket(checkpoints=(2,))
    prune = Prune(0.3, Magnitude("global"))
    expected = prune.transform(ticket)
    assert prune.fit(ticket) is prune
    assert prune.fit_transform(ticket) == clone(prune).transform(ticket) == expected
    assert make_pipeline(prune, Rewind(to="init")).transform(ticket) == Rewind().transform(expected)
    assert make_pipeline(prune, Rewind(to=2)).fit_transform(ticket) == Rewind(2).transform(expected)
    tags = get_tags(prune)
    assert tags.requires_fit is False and tags.no_validation is True
    # A ticket is no metadata that a pipeline could be asked to hand on.
    assert not any(hasattr(prune, f"set_{method}_request") for method in ("fit", "transform"))
    routing = prune.get_metadata_routing()
    assert not routing.fit.requests and not routing.transform.requests
    with config_context(transform_output="pandas"):
        assert prune.fit_transform(ticket) == expected


@pytest.mark.parametrize("step", [Grow(), Prune(), Rewind()])
def test_a_ticket_is_no_metadata(step, random_ticket):
    assert not hasattr(step, "set_transform_request")
    with config_context(enable_metadata_routing=True):
        ticket = random_ticket((4, 5, 3), density=1.0)
        assert make_pipeline(step, Prune(0)).fit(ticket).transform(ticket) == step.transform(ticket)


@dataclass
class Constant:
    """A function that is not hashable, as instances that are compared by value are."""

    value: float

    def __call__(self, ticket):
        return {name: np.full(mask.shape, self.value) for name, mask in ticket.mask.items()}


def test_functions_need_no_gradients(random_ticket):
    assert needs_gradients(lambda ticket: {}) is False
    assert needs_gradients(Constant(1.0)) is False
    assert Prune(0.5, Constant(1.0)).transform(random_ticket()).density < 0.5
    assert needs_gradients(Magnitude()) is False


def test_parameters_of_the_strategy_are_reached():
    prune = clone(Prune(0.3, Magnitude()))
    assert prune.get_params()["strategy__scope"] == "layer"
    prune.set_params(strategy__scope="global", strategy__output_rate=0, rate=2)
    assert (prune.strategy.scope, prune.strategy.output_rate, prune.rate) == ("global", 0, 2)
