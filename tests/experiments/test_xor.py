import numpy as np
import pandas as pd
import pytest
import reference
from scipy.stats import binomtest

from skticket import Prune, Rewind
from skticket.datasets import make_xor
from skticket.engines import stack_outputs, train_stack
from skticket.experiments.xor import (
    PUBLISHED,
    STRATEGIES,
    UNITS,
    Population,
    direct_populations,
    found_directly,
    measure,
    pruned,
    pruned_populations,
    tabulate,
    wilson,
)

SMALL = {"networks": 12, "steps": 60}


@pytest.fixture(scope="module")
def outcomes():
    return measure(direct_populations(UNITS) + pruned_populations(UNITS, STRATEGIES), **SMALL)


def n_units(ticket):
    return int(ticket.mask["layers.0.weight"].any(axis=1).sum())


def test_the_paper_has_34_figures():
    assert sum(len(cell) for cell in PUBLISHED.values()) == 34
    assert PUBLISHED["product", 2] == (91.5, 79.4)
    assert PUBLISHED["found directly", 2] == (49.1, 17.6)


def test_every_size_of_every_condition_is_there_and_has_its_number_of_units(outcomes):
    names = ["found directly", *STRATEGIES]
    assert [(o.name, o.units) for o in outcomes] == [(n, u) for n in names for u in UNITS]
    for outcome in outcomes:
        assert len(outcome.right) == len(outcome.zero_loss) == 12
        for ticket in outcome.tickets:
            assert n_units(ticket) == outcome.units
            assert ticket.mask["layers.1.weight"].sum() == outcome.units
            assert (ticket.initial["layers.0.bias"] == 0).all()


def assert_agree(before, first, second):
    for name, mask in first.mask.items():
        np.testing.assert_array_equal(mask, second.mask[name])
    reference.assert_same_way(before, first, second.weights)


def test_protocol_step_by_step(outcomes):
    X, y = make_xor()
    by_size = {o.units: o.tickets for o in outcomes if o.name == "output"}
    for before, after in zip(UNITS, UNITS[1:], strict=False):
        for first, second in zip(by_size[before], by_size[after], strict=True):
            ticket = Rewind(to="init").transform(Prune(2, "unit_output").transform(first))
            (again,) = train_stack([ticket], X, y, n_steps=60, learning_rate=2e-3)
            # Alone and in a stack it is the same to rounding.
            assert_agree(ticket, again, second)
    at_once = {o.units: o.tickets for o in outcomes if o.name == "one-shot product"}
    ticket = Rewind().transform(Prune(8, "unit_product").transform(at_once[10][0]))
    (again,) = train_stack([ticket], X, y, n_steps=60, learning_rate=2e-3)
    assert_agree(ticket, again, at_once[2][0])


def test_initial_weights_are_gaussian_and_each_condition_has_its_own():
    conditions = direct_populations((10,)) + pruned_populations((10,), STRATEGIES)
    firsts = [o.tickets[0] for o in measure(conditions, networks=3, steps=1)]
    weights = [t.initial["layers.0.weight"].ravel() for t in firsts]
    assert len({w.tobytes() for w in weights}) == len(conditions)
    assert 0.07 < np.concatenate(weights).std() < 0.13


def test_results_depend_on_the_seed_and_on_nothing_else(outcomes, global_state, identical):
    table = pruned(strategies=["product"], **SMALL)
    whole = tabulate(outcomes[5:])
    pd.testing.assert_frame_equal(
        table, whole[whole["strategy"] == "product"].reset_index(drop=True)
    )
    # More networks are the same ones, to rounding, and others.
    more = measure(pruned_populations(UNITS, ["product"]), networks=20, steps=60)
    for first, second in zip(more[0].tickets, outcomes[-len(UNITS)].tickets, strict=True):
        assert identical(first.initial, second.initial)
        assert_agree(Rewind().transform(second), first, second)
    other = measure([Population("product", UNITS)], seed=1, **SMALL)
    assert other[0].tickets != more[0].tickets


@pytest.mark.slow
def test_jobs_do_not_change_a_bit(outcomes):
    parallel = measure(
        direct_populations(UNITS) + pruned_populations(UNITS, STRATEGIES), jobs=2, **SMALL
    )
    assert [o.tickets for o in parallel] == [o.tickets for o in outcomes]
    assert tabulate(parallel).equals(tabulate(outcomes))


def test_blocks_are_put_together_in_order(monkeypatch):
    monkeypatch.setattr("skticket.experiments.xor._networks._BLOCK", 5)
    seen = []
    found = measure(
        direct_populations((3, 2)), networks=12, steps=5, progress=lambda *count: seen.append(count)
    )
    assert [len(o.right) for o in found] == [12, 12]
    assert seen == [(i, 6) for i in range(1, 7)]


def test_success_is_judged_by_the_logits(outcomes):
    X, y = make_xor()
    for outcome in outcomes:
        logits = stack_outputs(outcome.tickets, X)[:, :, 0]
        for logit, right, zero in zip(logits, outcome.right, outcome.zero_loss, strict=False):
            assert right == all(z >= -1e-4 if label else z <= 1e-4 for z, label in zip(logit, y))
            p = 1 / (1 + np.exp(-logit.astype(float)))
            assert zero == (-np.log(np.where(y == 1, p, 1 - p)).mean() < 0.01)


def test_a_tie_counts_as_right():
    from skticket.experiments.xor._networks import _new_ticket, _outcome
    from skticket.ticket import Ticket

    ticket = _new_ticket(2, np.random.RandomState(0))
    for bias, right in ((0.0, True), (5e-5, True), (2e-4, False)):
        arrays = {name: 0 * array for name, array in ticket.initial.items()}
        arrays["layers.1.bias"] = np.array([bias], np.float32)
        outcome = _outcome("product", 2, [Ticket(ticket.initial, ticket.mask, arrays)])
        assert outcome.right.tolist() == [right]
        assert outcome.zero_loss.tolist() == [False]


@pytest.mark.parametrize("successes, n", [(0, 10), (3, 10), (10, 10), (491, 1000)])
def test_wilson_interval(successes, n):
    expected = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose(
        wilson(successes, n), (100 * expected.low, 100 * expected.high), atol=1e-9
    )


def test_tickets_beat_networks_found_directly():
    """The point of the experiment, on a small scale."""
    settings = {"networks": 100, "steps": 2000}
    direct = found_directly((2,), **settings).iloc[0]
    ticket = pruned((10, 2), ["product"], **settings).iloc[-1]
    assert ticket["db_low"] > direct["db_high"]


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"networks": 0}, "networks must be a whole number of at least 1, got 0"),
        ({"steps": 0}, "steps must be"),
        ({"seed": -1}, "seed must be"),
        ({"jobs": 0}, "jobs must be"),
        ({"units": (2, 4)}, "descending order.*got 2,4"),
        ({"units": (4, 4)}, "descending order"),
        ({"units": (4, 0)}, "at least 1"),
        ({"units": ()}, "units must be"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        found_directly(**settings)


def test_unknown_strategy():
    with pytest.raises(ValueError, match="unknown strategy 'magnitude'; strategies are one-shot"):
        pruned(strategies=["magnitude"])


def test_command(run_command, tmp_path):
    result = run_command(
        "xor",
        *("--networks", "5", "--steps", "20", "--jobs", "1", "--format", "png, svg"),
        *("--output", str(tmp_path)),
    )
    assert result.exit_code == 0, result.stderr
    assert "Found directly" in result.stdout and "one-shot product" in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "boundaries.png",
        "boundaries.svg",
        "strategies.csv",
        "success.png",
        "success.svg",
        "units.csv",
    ]
    units = pd.read_csv(tmp_path / "units.csv")
    assert list(units.columns[:3]) == ["units", "db", "zl"]
    assert units["units"].tolist() == list(UNITS)
    strategies = pd.read_csv(tmp_path / "strategies.csv")
    assert list(strategies.columns[:4]) == ["strategy", "units", "db", "zl"]
    assert strategies["strategy"].unique().tolist() == list(STRATEGIES)
    assert strategies["db"].between(0, 100).all()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--networks", "0"], "networks must be"),
        (["--units", "2,4"], "descending"),
        (["--units", "4,x"], "--units must be whole numbers"),
        (["--format", "png,gif"], "--format must be one of png, svg, pdf; got 'gif'"),
        (
            ["--strategies", "output,inputs"],
            "--strategies must be one of one-shot product, input, output, product; got 'inputs'",
        ),
    ],
)
def test_command_refuses_in_one_line(assert_refused, tmp_path, arguments, message):
    output = tmp_path / "new"
    result = assert_refused(["xor", *arguments, "--output", output], message)
    assert result.stdout == "" and not output.exists()
