"""`Grow`: weights that come back, at zero; and the masks of a schedule that evolves."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from drawn import seeds, tickets
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from skorch import NeuralNetClassifier
from torch import nn

from skticket import Grow, Prune, Ticket
from skticket.network import Data
from skticket.pruning import Evolving, Magnitude, Random
from skticket.training import Gradients
from skticket.utils import Stream, derive_seed

rates = st.one_of(st.floats(0, 1, exclude_max=True), st.sampled_from([0.0, 0.3, 0.5, 1 - 2**-53]))
STRATEGIES = [
    Magnitude(),
    Magnitude(scope="global", output_rate=1),
    Magnitude(output_rate=0),
    Random(),
]


@dataclass
class Fixed:
    """Gradients that are known."""

    arrays: dict
    asked = None

    def of_loss(self, ticket, n_rows):
        self.asked = ticket, n_rows
        return self.arrays


def full_of(value, ticket):
    return Fixed(
        {name: np.full(mask.shape, value, "float32") for name, mask in ticket.mask.items()}
    )


def drawn_gradients(ticket, seed, levels):
    rng = np.random.default_rng(seed)
    draw = (lambda s: rng.normal(size=s)) if levels is None else (lambda s: rng.choice(levels, s))
    return Fixed({name: draw(mask.shape) for name, mask in ticket.mask.items()})


def counts(ticket):
    return {name: int(mask.sum()) for name, mask in ticket.mask.items()}


def assert_only_grown(ticket, grown):
    """What was there is as it was; what came is 0; each layer has its shape."""
    for name, mask in ticket.mask.items():
        assert grown.mask[name].shape == mask.shape
        assert grown.mask[name][mask].all()
        new = grown.mask[name] & ~mask
        for arrays, before in ((grown.initial, ticket.initial), (grown.weights, ticket.weights)):
            assert (arrays[name][new] == 0).all()
            np.testing.assert_array_equal(arrays[name][mask], before[name][mask])
    biases = ticket.initial.keys() - ticket.mask.keys()
    for name in biases:
        np.testing.assert_array_equal(grown.weights[name], ticket.weights[name])


@given(tickets(), rates, st.sampled_from([0, 0.5, 1]), seeds)
def test_a_share_is_one_of_what_is_there(ticket, rate, output_rate, seed):
    grown = Grow(rate, output_rate=output_rate, random_state=seed).transform(ticket)
    assert_only_grown(ticket, grown)
    *_, last = ticket.mask
    for name, mask in ticket.mask.items():
        n = int(mask.sum())
        share = rate * output_rate if name == last and len(ticket.mask) > 1 else rate
        # As many as `Prune` would remove: never the last one of those that are there.
        wanted = min(round(share * n), n - 1, mask.size - n)
        assert counts(grown)[name] == n + wanted


@given(tickets(), st.integers(0, 6), seeds)
def test_an_integer_is_a_number_a_layer(ticket, rate, seed):
    grow = Grow(rate, output_rate=1, random_state=seed)
    fewest = min(mask.size - int(mask.sum()) for mask in ticket.mask.values())
    if rate > fewest:
        for call in (grow.fit, grow.transform):
            with pytest.raises(ValueError, match=f"grow rate {rate} is more than the"):
                call(ticket)
        return
    grown = grow.fit(ticket).transform(ticket)
    assert_only_grown(ticket, grown)
    assert counts(grown) == {name: n + rate for name, n in counts(ticket).items()}


@given(
    tickets(), rates, st.sampled_from(STRATEGIES), st.sampled_from(["random", "gradient"]), seeds
)
def test_pruned_and_grown_the_density_is_the_same(ticket, rate, strategy, how, seed):
    pruned = Prune(rate, strategy, random_state=seed).transform(ticket)
    gradients = drawn_gradients(ticket, seed, None)
    grow = Grow(None, how, since=ticket, random_state=seed, gradients=gradients)
    grown = grow.transform(pruned)
    assert counts(grown) == counts(ticket)
    for name, before in ticket.mask.items():
        lost, came = before & ~grown.mask[name], grown.mask[name] & ~before
        assert lost.sum() == came.sum()
        # Nothing is both pruned and grown: what is not new is what it was.
        kept = before & grown.mask[name]
        for arrays in ("initial", "weights"):
            ours, theirs = getattr(grown, arrays)[name], getattr(ticket, arrays)[name]
            np.testing.assert_array_equal(ours[kept], theirs[kept])
            assert (ours[came] == 0).all()
        back = kept & ~pruned.mask[name]
        if back.any():
            # Only where there was nothing else to grow; and the largest come back.
            assert (before | grown.mask[name]).all()
            sizes = np.abs(ticket.weights[name])
            assert sizes[back].min() >= sizes[lost].max(initial=0)


@given(tickets(), seeds, st.sampled_from([None, [1.0], [-2.0, 0.0, 1.0, 2.0]]))
def test_gradients_choose_the_largest_ties_by_position(ticket, seed, levels):
    gradients = drawn_gradients(ticket, seed, levels)
    grown = Grow(0.7, "gradient", output_rate=1, n_rows=5, gradients=gradients).transform(ticket)
    asked, n_rows = gradients.asked
    assert n_rows == 5
    assert asked.mask.keys() == ticket.mask.keys()
    for name in ticket.initial:
        np.testing.assert_array_equal(asked.initial[name], ticket.weights[name])
    for name, mask in ticket.mask.items():
        candidates = [place for place in range(mask.size) if not mask.flat[place]]
        # A sort in Python is stable.
        ranked = sorted(candidates, key=lambda place: -abs(gradients.arrays[name].flat[place]))
        new = np.flatnonzero(grown.mask[name] & ~mask)
        assert sorted(ranked[: len(new)]) == new.tolist()


def small_ticket(density, seed=0, sizes=(6, 5, 4, 3)):
    rng = np.random.default_rng(seed)
    arrays, masks = {}, {}
    for number, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False)):
        name = f"{2 * number}.weight"
        arrays[name] = rng.normal(size=(n_out, n_in)).astype("float32")
        arrays[f"{2 * number}.bias"] = rng.normal(size=n_out).astype("float32")
        masks[name] = rng.uniform(size=(n_out, n_in)) < density
    return Ticket({name: array / 3 for name, array in arrays.items()}, masks, arrays)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("weighted", [False, True])
def test_growing_by_the_gradient_of_a_network(seed, weighted):
    """Against autograd in double precision, at the current weights, pruned ones included."""
    ticket = small_ticket(0.5, seed)
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(40, 6)).astype("float32"), rng.integers(3, size=40)
    weight = rng.uniform(0.5, 2, 40).astype("float32") if weighted else None
    tensors = {
        name: torch.tensor(array, dtype=torch.float64, requires_grad=True)
        for name, array in ticket.weights.items()
    }
    units = torch.tensor(X, dtype=torch.float64)
    for number in (0, 2, 4):
        units = units @ tensors[f"{number}.weight"].T + tensors[f"{number}.bias"]
        units = torch.relu(units) if number < 4 else units
    losses = nn.functional.cross_entropy(units, torch.tensor(y), reduction="none")
    w = torch.ones(40) if weight is None else torch.tensor(weight)
    ((losses * w).sum() / w.sum()).backward()

    layers = [nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)]
    net = NeuralNetClassifier(nn.Sequential(*layers), criterion=nn.CrossEntropyLoss, verbose=0)
    if weighted:
        # Weights of rows are the default network's; its loss knows what to do with them.
        from skticket.network import default_net

        net = default_net((5, 4), 6, 3, criterion=nn.CrossEntropyLoss)
        rename = {
            f"{2 * n}.{part}": f"layers.{n}.{part}" for n in range(3) for part in ("weight", "bias")
        }
        ticket = Ticket(
            {rename[n]: a for n, a in ticket.initial.items()},
            {rename[n]: a for n, a in ticket.mask.items()},
            {rename[n]: a for n, a in ticket.weights.items()},
        )
        tensors = {rename[n]: t for n, t in tensors.items()}
    data = Data(X, y, X, y, True, weight, weight)
    gradients = Gradients(net, (6,), data)
    grown = Grow(3, "gradient", output_rate=1, n_rows=None, gradients=gradients).transform(ticket)
    for name, mask in ticket.mask.items():
        sizes = np.where(mask, -1, np.abs(tensors[name].grad.numpy()))
        wanted = np.sort(sizes.ravel())[-3:].min()
        new = grown.mask[name] & ~mask
        assert new.sum() == 3
        # Sums of 40 products of numbers of the order of 1, in float32.
        assert sizes[new].min() >= wanted - 40 * 2.0**-24


def test_gradients_are_those_before_weights_were_pruned():
    ticket = small_ticket(0.5)
    gradients = full_of(1.0, ticket)
    grow = Grow(None, "gradient", since=ticket, gradients=gradients)
    grow.transform(Prune(0.4).transform(ticket))
    assert gradients.asked == (Ticket(ticket.weights, ticket.mask), 128)


def test_checkpoints_of_grown_weights_are_0():
    ticket = small_ticket(0.5)
    ticket = Ticket(ticket.initial, ticket.mask, ticket.weights, {3: ticket.weights})
    grown = Grow(2, random_state=0).transform(ticket)
    for name, mask in ticket.mask.items():
        new = grown.mask[name] & ~mask
        assert (grown.checkpoints[3][name][new] == 0).all()
        np.testing.assert_array_equal(grown.checkpoints[3][name][mask], ticket.weights[name][mask])


def test_what_comes_back_for_want_of_others():
    theta = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
    ticket = Ticket({"w": theta}, {"w": theta < 6}, {"w": -theta}, {1: {"w": theta / 2}})
    pruned = Prune(3).transform(ticket)
    grown = Grow(None, since=ticket, random_state=0).transform(pruned)
    np.testing.assert_array_equal(grown.mask["w"], [[False, True, True, True, True, True]])
    np.testing.assert_array_equal(grown.initial["w"], [[0, 2, 3, 4, 5, 0]])
    np.testing.assert_array_equal(grown.weights["w"], [[0, -2, -3, -4, -5, 0]])
    np.testing.assert_array_equal(grown.checkpoints[1]["w"], [[0, 1, 1.5, 2, 2.5, 0]])
    # Of a step that `since` does not hold there is nothing to take back.
    since = Ticket(ticket.initial, ticket.mask, ticket.weights)
    again = Grow(None, since=since, random_state=0).transform(pruned)
    np.testing.assert_array_equal(again.weights["w"], grown.weights["w"])
    np.testing.assert_array_equal(again.checkpoints[1]["w"], [[0, 0, 0, 2, 2.5, 0]])


def test_random_growth_has_a_seed():
    ticket = small_ticket(0.3)
    first, again, other = (Grow(4, random_state=s).transform(ticket) for s in (0, 0, 1))
    assert first == again != other


def test_it_is_a_transformer():
    ticket = small_ticket(0.5)
    grow = Grow(None, since=ticket, random_state=0)
    pipeline = make_pipeline(Prune(0.4), clone(grow))
    assert counts(pipeline.transform(ticket)) == counts(ticket)
    assert pipeline.set_params(grow__rate=0, grow__since=None).transform(ticket).density < 0.4
    tags = grow.__sklearn_tags__()
    assert tags.requires_fit is False and tags.no_validation is True
    # A ticket is no metadata that a pipeline could be asked to hand on.
    assert not any(hasattr(grow, f"set_{method}_request") for method in ("fit", "transform"))
    routing = grow.get_metadata_routing()
    assert not routing.fit.requests and not routing.transform.requests
    assert grow.fit(ticket) is grow


def test_defaults_and_least_values():
    assert Grow().get_params() == {
        "rate": 0.2,
        "how": "random",
        "output_rate": 0.5,
        "since": None,
        "n_rows": 128,
        "random_state": None,
        "gradients": None,
    }
    ticket = small_ticket(0.5)
    grow = Grow(0, "gradient", output_rate=0, n_rows=1, gradients=full_of(1.0, ticket))
    assert grow.transform(ticket) == ticket
    assert Evolving().get_params() == {
        "rate": 0.3,
        "every": 100,
        "how": "random",
        "decay": "cosine",
        "until": 0.75,
        "n_rows": 128,
    }
    Evolving(rate=0.0, every=1, until=1.0, n_rows=1).check("magnitude")
    Evolving(decay="constant", n_rows=None, until=1e-3).check(Magnitude())


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"rate": 1.0}, "'rate' parameter"),
        ({"rate": -1}, "'rate' parameter"),
        ({"how": "magnitude"}, "'how' parameter"),
        ({"output_rate": 2}, "'output_rate' parameter"),
        ({"output_rate": -1}, "'output_rate' parameter"),
        ({"random_state": "today"}, "'random_state' parameter"),
        ({"gradients": "steep"}, "'gradients' parameter"),
        ({"since": "before"}, "'since' parameter"),
        ({"n_rows": 0}, "'n_rows' parameter"),
        (
            {"rate": None},
            "^rate=None grows as many weights as were pruned, and needs since=, the ticket "
            "before that$",
        ),
        (
            {"since": small_ticket(0.5, sizes=(6, 4, 3))},
            r"^since must be a ticket of the same network: its weights have the shapes "
            r"\{'0.weight': \(4, 6\), .*\}, those of the ticket to grow \{'0.weight': \(5, 6\), ",
        ),
        ({"rate": 30}, "grow rate 30 is more than the [0-9]+ weights that '0.weight' lacks"),
    ],
)
def test_bad_parameters(parameters, message):
    for call in (Grow(**parameters).fit, Grow(**parameters).transform):
        with pytest.raises(ValueError, match=message):
            call(small_ticket(0.5))


def test_gradients_that_are_missing_or_nan():
    ticket = small_ticket(0.5)
    message = (
        r"^how='gradient' needs gradients of the network, which a ticket alone cannot give: "
        r"gradients=skticket\.training\.Gradients\(\.\.\.\); an estimator provides them by itself$"
    )
    with pytest.raises(ValueError, match=message):
        Grow(how="gradient").transform(ticket)
    message = (
        r"^the gradients by '0\.weight' contain NaN; if training diverged, a smaller learning "
        "rate helps$"
    )
    with pytest.raises(ValueError, match=message):
        Grow(how="gradient", gradients=full_of(np.nan, ticket)).transform(ticket)


# The schedule's own arithmetic.


@given(tickets(), st.floats(0, 1), seeds)
def test_a_network_is_born_with_so_many_weights(ticket, share, seed):
    present = counts(ticket)
    n = len(present) + round(share * (sum(present.values()) - len(present)))
    born = Evolving().born(ticket, n, np.random.RandomState(seed))
    assert born.n_weights == n
    assert min(counts(born).values()) >= 1
    shares = {name: sum(mask.shape) for name, mask in ticket.mask.items()}
    for name, mask in ticket.mask.items():
        assert not (born.mask[name] & ~mask).any()
        for ours, theirs in ((born.initial, ticket.initial), (born.weights, ticket.weights)):
            np.testing.assert_array_equal(ours[name], np.where(born.mask[name], theirs[name], 0))
    # Among layers that are neither full nor at their last weight, in proportion.
    free = [name for name, k in counts(born).items() if 1 < k < present[name]]
    for name in free:
        level = counts(born)[name] / shares[name]
        for other in free:
            # Each is rounded, by less than 1.
            assert (
                abs(counts(born)[other] - level * shares[other]) < 1 + shares[other] / shares[name]
            )
        for other, k in counts(born).items():
            # What is full would have more, what is at its last weight less.
            if k == present[other] > 1:
                assert k < level * shares[other] + 1 + shares[other] / shares[name]


def test_a_network_is_born_with_its_checkpoints():
    ticket = small_ticket(1.0)
    ticket = Ticket(ticket.initial, ticket.mask, checkpoints={3: ticket.weights})
    born = Evolving().born(ticket, 10, np.random.RandomState(0))
    assert born == Ticket(ticket.initial, born.mask, checkpoints=ticket.checkpoints)


def test_layers_of_the_papers_network():
    shapes = {"1": (300, 784), "2": (100, 300), "3": (10, 100)}
    ticket = Ticket.full({name: np.ones(shape) for name, shape in shapes.items()}, shapes)
    born = Evolving().born(ticket, 26_620, np.random.RandomState(0))
    # 1,084 and 400 of what the full output layer, of 1,000 weights, leaves.
    assert counts(born) == {"1": 18_714, "2": 6_906, "3": 1_000}


@pytest.mark.parametrize(
    "parameters, n_steps, expected",
    [
        ({}, 1000, [100, 200, 300, 400, 500, 600, 700]),
        ({"until": 0.8}, 1000, [100, 200, 300, 400, 500, 600, 700, 800]),
        ({"until": 1.0}, 300, [100, 200]),
        ({"every": 7, "until": 0.5}, 30, [7, 14]),
        ({"every": 1, "until": 1.0}, 4, [1, 2, 3]),
        ({"rate": 0}, 1000, []),
        ({"rate": 0, "every": 1}, 1000, []),
        ({}, 50, []),
    ],
)
def test_steps_at_which_weights_are_exchanged(parameters, n_steps, expected):
    assert list(Evolving(**parameters).steps(n_steps)) == expected


@pytest.mark.parametrize("how", ["random", "gradient"])
@pytest.mark.parametrize("decay", ["cosine", "constant"])
def test_how_many_weights_are_exchanged(decay, how):
    ticket = small_ticket(0.4, sizes=(40, 30, 10))
    evolving = Evolving(rate=0.4, how=how, decay=decay, until=0.5)
    gradients = drawn_gradients(ticket, 0, None)
    for step in (1, 10, 25, 49, 50):
        after = evolving.exchanged(ticket, step, 100, gradients=gradients)
        rate = 0.4 if decay == "constant" else 0.2 * (1 + np.cos(np.pi * step / 50))
        for name, mask in ticket.mask.items():
            share = rate if name == "0.weight" else rate / 2
            assert (mask & ~after.mask[name]).sum() == round(share * mask.sum())
            assert after.mask[name].sum() == mask.sum()


def test_each_exchange_has_a_chance_of_its_own():
    ticket = small_ticket(0.2, sizes=(40, 30, 10))
    evolving = Evolving(decay="constant")
    masks = [evolving.exchanged(ticket, step, 100, seed=s).mask for step in (1, 2) for s in (0, 1)]
    names = list(ticket.mask)
    drawn = {tuple(np.concatenate([m[name].ravel() for name in names])) for m in masks}
    assert len(drawn) == 4
    assert evolving.exchanged(ticket, 1, 100, seed=1) == evolving.exchanged(ticket, 1, 100, seed=1)


@pytest.mark.parametrize("how", ["random", "gradient"])
def test_an_exchange_is_what_prune_and_grow_do(how):
    ticket = small_ticket(0.4, sizes=(40, 30, 10))
    gradients = drawn_gradients(ticket, 0, None)
    evolving = Evolving(rate=0.4, how=how, decay="constant", n_rows=5)
    after = evolving.exchanged(ticket, 7, 100, strategy="random", seed=6, gradients=gradients)
    assert (gradients.asked is None) if how == "random" else (gradients.asked[1] == 5)
    pruned_by, grown_by = (derive_seed(6, use, 7) for use in (Stream.PRUNE, Stream.GROW))
    pruned = Prune(0.4, "random", random_state=pruned_by).transform(ticket)
    grow = Grow(None, how, since=ticket, random_state=grown_by, gradients=gradients)
    assert after == grow.transform(pruned)
