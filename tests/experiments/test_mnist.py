"""The MNIST experiments, on digits and at the smallest of the presets."""

import os
import signal
import struct
import subprocess
import sys
import time
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_rel
from sklearn.neural_network import MLPClassifier
from typer.testing import CliRunner

from skticket import Prune, Rewind
from skticket.cli import app
from skticket.experiments import Laboratory, load_images, mnist
from skticket.experiments import _mnist_claims as claims
from skticket.experiments import _mnist_plots as plots
from skticket.experiments.mnist import EXPERIMENTS, PRESETS, Condition, Network, _summary

SMOKE = PRESETS["smoke"]
OPTIONS = ["--preset", "smoke", "--dataset", "digits"]


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    return Laboratory.open("smoke", "digits", memory=tmp_path_factory.mktemp("networks"))


def remembered(folder):
    return sorted(folder.rglob("output.pkl"))


def network(condition, number, trial=0):
    return Network.make(trial, number, condition.recipe, condition.control)


def outputs(ticket, X):
    """What a ticket's network computes, written out."""
    arrays = list(ticket.weights.values())
    for weight, bias in zip(arrays[:-2:2], arrays[1:-2:2]):
        X = np.maximum(X @ weight.T + bias, 0)
    return X @ arrays[-2].T + arrays[-1]


def idx(folder, n_train=60, n_test=20, labels=(0, 1, 7), test_labels=None):
    """Write images whose brightness tells their label."""
    folder.mkdir(exist_ok=True)
    random_state = np.random.RandomState(0)
    for name, n, choices in (
        ("train", n_train, labels),
        ("t10k", n_test, test_labels or labels),
    ):
        y = np.resize(choices, n).astype(np.uint8)
        X = random_state.randint(20, size=(n, 3, 4)).astype(np.uint8) + 25 * y[:, None, None]
        (folder / f"{name}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 0x803, n, 3, 4) + X.astype(np.uint8).tobytes()
        )
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(
            struct.pack(">II", 0x801, n) + y.tobytes()
        )
    return folder


def run(*arguments):
    return CliRunner().invoke(app, ["mnist", *map(str, arguments)])


def assert_one_line_error(result, *parts):
    assert result.exit_code == 2
    line = result.stderr.strip()
    assert line.startswith("skticket: error: ") and "\n" not in line
    for part in parts:
        assert part in line


# Protocols


def test_v1_is_the_papers_protocol():
    v1 = PRESETS["v1"]
    assert v1.recipe.hidden_layer_sizes == (300, 100)
    assert (v1.optimizer, v1.learning_rate, v1.batch_size) == ("sgd", 0.05, 100)
    assert (v1.iterations, v1.evaluate_every, v1.trials) == (50_000, 100, 5)
    lab = Laboratory.open("v1", "digits", trials=1)
    ticket = lab._search(network(mnist.iterative_conditions(lab.protocol)[0], 0)).first_ticket()
    for name, weight in ticket.initial.items():
        if name in ticket.mask and weight.size > 1000:
            # A Gaussian of 0.1, cut off at 0.2, has a standard deviation of 0.088.
            assert abs(weight).max() <= 0.2
            assert weight.std() == pytest.approx(0.088, rel=0.05)
        elif name not in ticket.mask:
            assert not weight.any()


def test_fast_differs_in_what_the_design_says():
    v1, fast = PRESETS["v1"], PRESETS["fast"]
    assert fast.recipe == replace(v1.recipe, init="glorot_normal")
    assert (fast.optimizer, fast.learning_rate, fast.batch_size) == ("adam", 1.2e-3, 60)
    assert (fast.iterations, fast.evaluate_every, fast.trials) == (5000, 100, 5)


def test_sizes_are_the_papers():
    fast = PRESETS["fast"]
    assert [fast.round_at(percent) for percent in (80, 16.8, 5.5)] == [1, 8, 13]
    assert 8 in mnist.one_shot_conditions(fast)[0].rounds
    # Whatever the rate, pruning goes about as far.
    for rate in fast.rates:
        reached = (1 - rate) ** fast.rounds_at(rate)
        assert 0.5 < np.log(reached) / np.log(0.8**15) < 1.6


def test_split():
    images = load_images("digits")
    data = images.data
    sizes = [len(X) for X in (data.X, data.X_valid, data.X_test)]
    assert sizes == [1318, 120, 359]
    rows = np.concatenate([data.X, data.X_valid, data.X_test])
    from sklearn.datasets import load_digits

    expected = load_digits().data / 16
    assert sorted(map(tuple, rows.round(4))) == sorted(map(tuple, expected.astype("f4").round(4)))
    other = load_images("digits", seed=1).data
    assert not np.array_equal(other.X_valid, data.X_valid)


def test_mnist_split():
    if "SKTICKET_DATA" not in os.environ:
        pytest.skip("needs MNIST's files")
    data = load_images("mnist").data
    assert [len(X) for X in (data.X, data.X_valid, data.X_test)] == [55_000, 5000, 10_000]
    assert data.X.min() == 0 and data.X.max() == 1


# Networks


def test_full_network_is_the_same_for_all():
    once, again = mnist.iterative_conditions(SMOKE)
    assert network(once, 0) == network(again, 0)
    for condition in mnist.pruning_rate_conditions(SMOKE):
        assert network(condition, 0) == network(once, 0)
    reset, go_on, step = mnist.resetting_conditions(SMOKE)
    assert network(reset, 0) == network(go_on, 0) != network(step, 0)


def test_networks_come_after_those_they_are_pruned_from(laboratory):
    for experiment in EXPERIMENTS.values():
        networks = laboratory.networks(experiment.conditions(SMOKE))
        assert len(set(networks)) == len(networks)
        for position, one in enumerate(networks):
            assert one.parent is None or one.parent in networks[:position]


def test_iterative_search_written_out(laboratory):
    """The loop of the paper, by hand, gives the same tickets to the bit."""
    condition = mnist.iterative_conditions(SMOKE)[0]
    tickets = laboratory.tickets([condition])
    measured = laboratory.measure([condition])
    for trial in range(SMOKE.trials):
        search = laboratory._search(network(condition, 1, trial))
        ticket = search.first_ticket()
        first = ticket
        for number in range(SMOKE.rounds + 1):
            if number:
                ticket = Rewind().transform(Prune(0.2).transform(ticket))
                for name, mask in ticket.mask.items():
                    expected = np.where(mask, first.initial[name], 0)
                    np.testing.assert_array_equal(ticket.weights[name], expected)
            trained = search.train(ticket, laboratory.images.data, number)
            ticket = trained.ticket
            assert ticket == tickets[network(condition, number, trial)]
            found = measured[network(condition, number, trial)]
            assert found.density == ticket.density
            np.testing.assert_array_equal(found.test_score, trained.test_score)


def test_scores_are_of_the_test_images(laboratory):
    condition = mnist.iterative_conditions(SMOKE)[0]
    measured, tickets = laboratory.measure([condition]), laboratory.tickets([condition])
    data = laboratory.images.data
    for one, found in measured.items():
        scores = [
            np.mean(outputs(tickets[one], X).argmax(axis=1) == y)
            for X, y in ((data.X_test, data.y_test), (data.X_valid, data.y_valid))
        ]
        assert scores == pytest.approx([found.test_score[-1], found.valid_score[-1]])


def test_table_takes_accuracy_where_validation_loss_is_lowest():
    laboratory = Laboratory.open("smoke", "digits", trials=2, rounds=2, iterations=400)
    conditions = mnist.iterative_conditions(laboratory.protocol)
    table = laboratory.table(conditions)
    measured = laboratory.measure(conditions)
    # Otherwise the end would do as well.
    assert (table["iterations_to_converge"] < 400).any()
    assert (table["test_score"] != table["final_test_score"]).any()
    for row in table.itertuples():
        condition = next(c for c in conditions if c.name == row.condition)
        found = measured[network(condition, row.round, row.trial)]
        best = int(np.argmin(found.valid_loss))
        assert row.iterations_to_converge == found.iterations[best]
        assert row.test_score == found.test_score[best]
        assert row.final_test_score == found.test_score[-1]
        assert row.percent == 100 * found.density
    assert found.iterations.tolist() == list(range(20, 401, 20))


def test_test_images_choose_nothing(laboratory):
    """Other test images change the test score, and nothing else."""
    data = laboratory.images.data
    images = replace(
        laboratory.images, data=replace(data, X_test=data.X_test[:50], y_test=9 - data.y_test[:50])
    )
    condition = [Condition("few", SMOKE.recipe, (0, 2))]
    ones, others = (
        laboratory.measure(condition),
        replace(laboratory, images=images).measure(condition),
    )
    for one, found in ones.items():
        np.testing.assert_array_equal(found.valid_loss, others[one].valid_loss)
        assert found.density == others[one].density
        assert not np.array_equal(found.test_score, others[one].test_score)


@pytest.mark.parametrize("position", [0, 1])
def test_controls(laboratory, position):
    """Both keep what they should of the ticket, and change the rest."""
    condition = mnist.iterative_conditions(SMOKE)[position]
    number = 2
    tickets = laboratory.tickets([replace(condition, rounds=(number,))])
    controls = mnist._controls(replace(SMOKE, controls=2), replace(condition, rounds=(number,)))
    for control in controls:
        others = laboratory.tickets([control])
        assert len({str(t.initial) for t in others.values()}) == len(others)
        for other, found in others.items():
            ticket = tickets[network(condition, number, other.trial)]
            for name, mask in ticket.mask.items():
                assert found.mask[name].sum() == mask.sum()
                values = [np.sort(t.initial[name][t.mask[name]]) for t in (ticket, found)]
                if control.name == "reinit":
                    np.testing.assert_array_equal(found.mask[name], mask)
                    assert not np.isin(values[0], values[1]).any()
                else:
                    assert not np.array_equal(found.mask[name], mask)
                    np.testing.assert_array_equal(*values)


def test_one_shot_reaches_the_size_of_as_many_rounds(laboratory):
    for number in range(1, SMOKE.rounds + 1):
        iterative, once = (
            next(iter(laboratory.tickets([replace(condition, rounds=(number,))]).values()))
            for condition in mnist.iterative_conditions(SMOKE)
        )
        for name, mask in iterative.mask.items():
            assert once.mask[name].sum() == pytest.approx(mask.sum(), abs=1)
        if number > 1:
            assert any((once.mask[name] != mask).any() for name, mask in iterative.mask.items())


def test_going_on_starts_from_trained_weights(laboratory):
    """After a few steps it is ahead of what starts anew."""
    table_of = {c.name: laboratory.measure([c]) for c in mnist.resetting_conditions(SMOKE)}
    for trial in range(SMOKE.trials):
        first = {
            name: next(
                f.valid_loss[0] for n, f in found.items() if (n.round, n.trial) == (1, trial)
            )
            for name, found in table_of.items()
        }
        assert first["go on"] < first["reset"]
        assert first["rewind to step 10"] < first["reset"]


# Tables


def test_tables(laboratory):
    fast = PRESETS["fast"]
    protocol = laboratory.protocol
    for name, experiment in EXPERIMENTS.items():
        table = experiment.measure(laboratory)
        ends = table.drop(columns=["incoming", "outgoing"], errors="ignore")
        assert not ends.isna().any(axis=None)
        assert sorted(table["trial"].unique()) == list(range(protocol.trials)), name
        for figure in (draw(table) for draw in experiment.pictures.values()):
            assert figure.axes
            plt.close(figure)
        assert all(claim.text and claim.evidence for claim in experiment.judge(table))
        if "condition" in table:
            assert (table["percent"] <= 100).all() and (table["n_weights"] > 0).all()
            assert table.groupby(["condition", "trial", "repeat", "round"]).size().eq(1).all()
    names = [c.name for c in mnist.initialization_scale_conditions(fast)]
    assert len(names) >= 5 and "Glorot" in names
    assert len(mnist.network_size_conditions(fast)) >= 5
    rates = [c.name for c in mnist.pruning_rate_conditions(fast)]
    assert rates == [f"{rate}% a round" for rate in (10, 20, 40, 60, 80)]


def test_initializations_counts_survivors(laboratory):
    table = mnist.initializations(laboratory)
    tickets = laboratory.tickets(mnist.initializations_conditions(SMOKE))
    for one, ticket in tickets.items():
        rows = table[(table["round"] == one.round) & (table["trial"] == one.trial)]
        for layer, (name, mask) in enumerate(ticket.mask.items()):
            of_layer = rows[rows["layer"] == layer]
            assert of_layer["weights"].sum() == mask.sum()
            values = ticket.initial[name][mask]
            for row in of_layer.iloc[:-1:20].itertuples():
                inside = (values >= row.lower) & (values < row.upper)
                assert row.weights == inside.sum()


def test_architecture_counts_connections(laboratory):
    table = mnist.architecture(laboratory)
    tickets = laboratory.tickets(mnist.architecture_conditions(SMOKE))
    for one, ticket in tickets.items():
        rows = table[(table["round"] == one.round) & (table["trial"] == one.trial)]
        for layer, mask in enumerate(ticket.mask.values()):
            sources, targets = (rows[rows["layer"] == layer + side] for side in (0, 1))
            for unit in (0, 3):
                outgoing = sources.set_index("unit").loc[unit, "outgoing"]
                incoming = targets.set_index("unit").loc[unit, "incoming"]
                assert outgoing == sum(row[unit] for row in mask.tolist())
                assert incoming == sum(mask.tolist()[unit])


def test_one_shot_curves(laboratory):
    table = mnist.one_shot(laboratory)
    assert list(table.columns) == ["trial", "round", "percent", "iteration", "test_score"]
    assert (
        table.groupby(["trial", "round"])["iteration"].apply(list).map(str) == "[20, 40, 60]"
    ).all()


# Claims


def trials(**conditions):
    """A table of ten trials: for each condition, accuracies and iterations of each round."""
    random_state = np.random.RandomState(0)
    noise = random_state.normal(0, 0.0004, 10)
    return pd.DataFrame(
        {
            "condition": name.replace("_", "-"),
            "trial": trial,
            "repeat": 0,
            "round": number,
            "percent": 100 * 0.8**number,
            "n_weights": 1000 * 0.8**number,
            "iterations_to_converge": iterations + 10 * trial,
            "test_score": score + noise[trial] + 0.0001 * (trial % 3),
        }
        for name, rounds in conditions.items()
        for number, (score, iterations) in rounds.items()
        for trial in range(10)
    )


TICKETS = {0: (0.975, 3000), 8: (0.98, 2000), 14: (0.97, 2500)}
LOWER = {8: (0.96, 2600), 14: (0.93, 4000)}


def test_claims_hold_when_they_should():
    table = trials(
        iterative=TICKETS, one_shot={0: (0.975, 3000), 8: (0.97, 3000), 14: (0.95, 4000)}
    )
    assert [claim.holds for claim in claims.of_iterative(table)] == [True] * 4
    controls = trials(iterative=TICKETS, reinit=LOWER, rearrange=LOWER)
    assert [claim.holds for claim in claims.of_iterative_controls(controls)] == [True] * 4


def test_claims_do_not_hold_when_they_should_not():
    worse = {0: (0.975, 3000), 8: (0.96, 3500), 14: (0.94, 4000)}
    table = trials(iterative=worse, one_shot=TICKETS)
    found = claims.of_iterative(table)
    assert [claim.holds for claim in found] == [False] * 4
    assert all(claim.verdict == "does not hold" for claim in found)
    controls = trials(one_shot=LOWER, reinit=TICKETS, rearrange=TICKETS)
    assert not any(claim.holds for claim in claims.of_one_shot_controls(controls))


@pytest.mark.parametrize(("quick", "holds"), [(0.975, False), (0.96, True)])
def test_pruning_rates_are_compared_at_the_same_size(quick, holds):
    """Not where each ends: there the quicker one may just have fewer weights left."""
    full = (0.98, 3000)
    table = trials(
        slow={0: full, 5: (0.98, 3000), 10: (0.975, 3000)},
        quick={0: full, 10: (quick, 3000), 14: (0.9, 3000)},
    )
    (claim,) = claims.of_pruning_rate(table)
    assert claim.holds == holds
    assert claim.text.startswith("Pruned to about 10.7%,")


def test_pruning_rates_without_a_common_size():
    table = trials(slow={0: (0.98, 3000), 1: (0.98, 3000)}, quick={0: (0.98, 3000), 14: (0.9, 9)})
    (claim,) = claims.of_pruning_rate(table)
    assert claim.holds
    assert claim.text.startswith("Pruned to about 4.4%,")


def test_equal_is_not_better():
    table = trials(iterative=TICKETS, reinit=TICKETS, rearrange=TICKETS)
    assert not any(claim.holds for claim in claims.of_iterative_controls(table))


def test_better_on_average_is_not_enough():
    """Differences that go both ways leave all claims open."""
    table = trials(iterative=TICKETS, reinit=LOWER, rearrange=LOWER, one_shot=TICKETS)
    found = (table["condition"] == "iterative") & (table["round"] > 0)
    swing = np.where(table["trial"] % 2, 0.15, -0.14)
    table.loc[found, "test_score"] += swing[found]
    table.loc[found, "iterations_to_converge"] -= (50_000 * swing[found]).astype(int)
    assert not any(claim.holds for claim in claims.of_iterative_controls(table))
    judged = claims.of_iterative(table)
    assert not any(judged[k].holds for k in (0, 1, 3))


def test_interval_is_that_of_a_paired_test():
    random_state = np.random.RandomState(1)
    first, second = random_state.normal(size=(2, 5))
    interval = claims._Interval.of(first - second)
    expected = ttest_rel(first, second).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx(expected)


def test_one_trial_proves_nothing():
    table = trials(iterative=TICKETS, reinit=LOWER, rearrange=LOWER)
    found = claims.of_iterative_controls(table[table["trial"] == 0])
    assert not any(claim.holds for claim in found)
    assert all("no interval" in claim.evidence for claim in found)


def test_repeats_of_a_trial_do_not_count_as_trials():
    table = trials(iterative=TICKETS, reinit=LOWER, rearrange=LOWER)
    repeated = pd.concat([table, table[table["condition"] == "reinit"].assign(repeat=1)])
    texts = [[c.evidence for c in claims.of_iterative_controls(t)] for t in (table, repeated)]
    assert texts[0] == texts[1] and "10 trials" in texts[0][0]


@pytest.mark.parametrize(
    ("worst", "scale"), [(0.95, "linear"), (0.9, "logit")], ids=["near", "far apart"]
)
@pytest.mark.parametrize("plot", [plots.plot_conditions, plots.plot_by_weights])
def test_differences_among_the_best_are_seen_beside_the_worst(plot, worst, scale):
    table = trials(best={0: (0.98, 100), 8: (0.975, 90)}, worst={8: (worst, 100)})
    ax = plot(table).axes[1]
    assert ax.get_yscale() == scale
    assert ("logit" in ax.get_ylabel()) == (scale == "logit")
    drawn = [container.lines[0].get_ydata(orig=False) for container in ax.containers]
    np.testing.assert_allclose(np.concatenate(drawn), [0.98, 0.975, worst], atol=1e-3)
    low, high = ax.get_ylim()
    errors = 1 - np.sort([tick for tick in ax.get_yticks() if low < tick < high])
    assert len(errors) >= 3
    # On that scale, ticks at even distances would crowd among the worst.
    assert scale == "linear" or (errors[:-1] / errors[1:]).max() < 1.8


def test_perfect_accuracy_can_be_drawn():
    ax = plots.plot_conditions(trials(best={0: (1, 100)}, worst={8: (0.5, 100)}).round(2)).axes[1]
    assert ax.get_yscale() == "linear"


def histogram(share_near_zero):
    """All initial weights are evenly distributed; the survivors as told."""
    edges = np.linspace(-1, 1, 9)
    return pd.DataFrame(
        {
            "trial": trial,
            "round": number,
            "percent": 100 * 0.8**number,
            "layer": layer,
            "lower": edges[i],
            "upper": edges[i + 1],
            "weights": 1000 + trial if number == 0 else round(1000 * near) + trial,
        }
        for trial in range(5)
        for number in (0, 13)
        for layer in (0, 1, 2)
        for i in range(8)
        for near in [share_near_zero if 2 <= i <= 5 else 1.0]
    )


def test_initial_weights_near_zero():
    assert [claim.holds for claim in claims.of_initializations(histogram(0.2))] == [True, True]
    assert [claim.holds for claim in claims.of_initializations(histogram(1.0))] == [False, False]


# Remembering


def test_nothing_is_trained_twice(tmp_path, monkeypatch):
    laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=2, memory=tmp_path)
    tables = [mnist.iterative_controls(laboratory), mnist.initializations(laboratory)]
    wanted = {
        one
        for name in ("iterative-controls", "initializations")
        for one in laboratory.networks(EXPERIMENTS[name].conditions(laboratory.protocol))
    }
    assert len(remembered(tmp_path)) == len(wanted)

    def fail(*args, **kwargs):
        raise AssertionError("trained again")

    monkeypatch.setattr("skticket.search.train", fail)
    again = [mnist.iterative_controls(laboratory), mnist.initializations(laboratory)]
    for first, second in zip(tables, again, strict=True):
        pd.testing.assert_frame_equal(first, second, check_exact=True)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_damaged_network_is_trained_again(tmp_path, damage):
    laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=2, memory=tmp_path)
    table = mnist.iterative(laboratory)
    for path in remembered(tmp_path):
        content = bytearray(path.read_bytes())
        if damage == "flipped":
            content[len(content) // 2] ^= 0xFF
        path.write_bytes(content[: {"truncated": -50, "flipped": None, "empty": 0}[damage]])
    again = mnist.iterative(laboratory)
    pd.testing.assert_frame_equal(table, again, check_exact=True)


def test_progress_tells_of_each_network(tmp_path):
    done = []
    laboratory = Laboratory.open(
        "smoke", "digits", trials=1, rounds=2, memory=tmp_path, progress=done.append
    )
    mnist.iterative(laboratory)
    expected = laboratory.networks(mnist.iterative_conditions(laboratory.protocol))
    assert sorted(map(repr, done)) == sorted(map(repr, expected))


def test_global_state_is_left_alone(laboratory, global_state):
    replace(laboratory, seed=5).measure([Condition("full", SMOKE.recipe, (0, 1))])


def test_seed_changes_everything(laboratory):
    condition = [Condition("full", SMOKE.recipe, (0,))]
    first, second = (replace(laboratory, seed=seed).measure(condition) for seed in (0, 1))
    losses = [tuple(f.valid_loss) for found in (first, second) for f in found.values()]
    assert len(set(losses)) == len(losses)


def tables(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.csv")}


def command(output, *options):
    arguments = [sys.executable, "-m", "skticket", "mnist", "all", *OPTIONS]
    return [*arguments, "--trials", "2", "--rounds", "2", "--output", str(output), *options]


@pytest.mark.slow
def test_killed_three_times_and_resumed(tmp_path):
    """The same bytes as from a run that was left alone, on another number of processes."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command(whole, "--jobs", "1"), check=True, capture_output=True)
    n_networks = len(remembered(whole))
    for share in (0.1, 0.4, 0.8):
        run = subprocess.Popen(
            command(killed, "--jobs", "2"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while len(remembered(killed)) < share * n_networks:
            assert run.poll() is None, "ended before it could be killed"
            time.sleep(0.02)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        assert len(remembered(killed)) < n_networks
    subprocess.run(command(killed, "--jobs", "2"), check=True, capture_output=True)
    assert len(remembered(killed)) == n_networks
    assert len(tables(whole)) == len(EXPERIMENTS) + 1
    assert tables(killed) == tables(whole)
    for name in ("report.md", "report.html", "one-shot.png"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    page = (whole / "report.html").read_text()
    assert page.count("<img") == page.count("data:image/png;base64,") >= len(EXPERIMENTS)


def test_report_tabulates_few_sizes_whole_and_a_third_of_many():
    table = trials(
        few={number: (0.98, 100) for number in range(8)},
        many={number: (0.98, 100) for number in range(16)},
    )
    text, _ = _summary(table)
    rows = [line.split(" | ") for line in text.splitlines()]
    shown = {name: [row[1] for row in rows if row[0] == f"| {name}"] for name in ("few", "many")}
    percent = [f"{100 * 0.8**number:.3g}" for number in range(16)]
    assert shown == {"few": percent[:8], "many": [percent[i] for i in (0, 2, 5, 8, 11, 14)]}


# The command


def test_command(tmp_path):
    result = run(
        "iterative", *OPTIONS, "--trials", 1, "--rounds", 2, "--jobs", 1, "--output", tmp_path
    )
    assert result.exit_code == 0, result.output
    assert "at least as accurate" in result.output and "does not hold" in result.output
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"iterative.csv", "iterative.png", "networks"}
    table = pd.read_csv(tmp_path / "iterative.csv")
    assert table["round"].max() == 2 and table["trial"].max() == 0


def test_folder_of_images(tmp_path):
    folder = idx(tmp_path / "three")
    options = ["--preset", "smoke", "--dataset", folder, "--trials", 2, "--rounds", 1, "--jobs", 1]
    result = run("architecture", *options, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "out" / "architecture.csv")
    assert (table[table["layer"] == 0].groupby("trial").size() == 12).all()
    assert (table[table["layer"] == 3].groupby("trial").size() == 3).all()
    result = run("iterative", *options, "--output", tmp_path / "out")
    assert pd.read_csv(tmp_path / "out" / "iterative.csv")["final_test_score"].mean() > 0.8


@pytest.mark.parametrize(
    "arguments, parts",
    [
        (["sideways"], ["no experiment 'sideways'", "one-shot", "resetting"]),
        (["iterative", "--trials", "0"], ["trials", "at least 1", "got 0"]),
        (["iterative", "--rounds", "0"], ["rounds", "at least 1", "got 0"]),
        (["iterative", "--iterations", "5"], ["iterations", "at least 10", "got 5"]),
        (["iterative", "--seed", "-1"], ["seed", "at least 0", "got -1"]),
        (["iterative", "--jobs", "0"], ["jobs", "got 0"]),
        (["iterative", "--dataset", "nowhere"], ["dataset", "no folder 'nowhere'"]),
        (["iterative", "--device", "abacus"], ["device", "'abacus'"]),
    ],
)
def test_bad_options(tmp_path, arguments, parts):
    result = run(*arguments[:1], *OPTIONS, *arguments[1:], "--output", tmp_path / "out")
    assert_one_line_error(result, *parts)
    assert not list(tmp_path.rglob("*.csv")) and not list(tmp_path.rglob("*.pkl*"))


def test_unreadable_folder(tmp_path):
    folder = idx(tmp_path / "images")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    options = ["iterative", "--preset", "smoke", "--dataset", folder, "--output", tmp_path / "out"]
    assert_one_line_error(run(*options), "no t10k-labels-idx1-ubyte", str(folder))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 20) + b"123")
    assert_one_line_error(run(*options), "t10k-labels-idx1-ubyte", "truncated")


def test_no_permission(tmp_path):
    folder = idx(tmp_path / "images")
    folder.chmod(0)
    if os.access(folder, os.R_OK):
        pytest.skip("root may read and write everything")
    options = ["iterative", "--preset", "smoke", "--dataset", folder, "--output", tmp_path / "out"]
    assert_one_line_error(run(*options), "Permission denied")
    folder.chmod(0o700)
    (tmp_path / "out").chmod(0o500)
    assert_one_line_error(run(*options), "Permission denied")


def test_output_that_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("here")
    result = run("iterative", *OPTIONS, "--output", tmp_path / "file")
    assert_one_line_error(result, str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "here"


def test_no_permission_to_write(tmp_path, monkeypatch):
    """Said before anything is trained."""

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("skticket.search.train", lambda *args, **kwargs: pytest.fail("trained"))
    assert_one_line_error(run("iterative", *OPTIONS, "--output", tmp_path), "Permission denied")


def test_one_class(tmp_path):
    folder = idx(tmp_path / "images", labels=(4,))
    result = run("iterative", "--preset", "smoke", "--dataset", folder, "--output", tmp_path / "o")
    assert_one_line_error(result, "only one class, 4")


def test_unknown_test_label(tmp_path):
    with pytest.raises(ValueError, match=r"labels \[9\], which no training image has"):
        load_images(idx(tmp_path / "images", labels=(1, 2), test_labels=(1, 9)))


def test_too_few_images(tmp_path):
    with pytest.raises(ValueError, match="too few"):
        load_images(idx(tmp_path / "images", n_train=5))
    with pytest.raises(ValueError, match="0 test images"):
        load_images(idx(tmp_path / "images", n_test=0))


def test_full_disk(tmp_path):
    """No file may grow beyond a few thousand bytes: the network cannot be written."""
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)); "
        "from skticket.cli import main; sys.argv = ['skticket', *sys.argv[1:]]; main()"
    )
    options = ["mnist", "iterative", *OPTIONS, "--jobs", "1", "--output", str(tmp_path)]
    result = subprocess.run(
        [sys.executable, "-c", program, *options], capture_output=True, text=True
    )
    assert result.returncode == 2
    assert "skticket: error: a trained network could not be written" in result.stderr
    assert "File too large" in result.stderr and "Traceback" not in result.stderr
    assert not [
        path for path in tmp_path.rglob("*") if "output.pkl" in path.name or path.suffix == ".csv"
    ]


def test_accuracy_is_that_of_another_implementation():
    """At one size and many steps, a full network is about as good as scikit-learn's."""
    laboratory = Laboratory.open("smoke", "digits", trials=1, iterations=1000)
    data = laboratory.images.data
    found = next(iter(laboratory.measure([Condition("full", SMOKE.recipe, (0,))]).values()))
    other = MLPClassifier(
        (30, 10), learning_rate_init=5e-3, batch_size=60, max_iter=45, random_state=0
    )
    with pytest.warns(UserWarning):
        other.fit(data.X, data.y)
    assert abs(found.test_score[-1] - other.score(data.X_test, data.y_test)) < 0.04
