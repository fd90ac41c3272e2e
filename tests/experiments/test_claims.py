"""What is made of tables: judged claims, pictures and a report."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_rel

from skticket.experiments import Result
from skticket.experiments.mnist import EXPERIMENTS, write_report, write_result


def judge(name, table):
    return EXPERIMENTS[name].claims(table)


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
            "n_steps": 5000,
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
    assert [claim.holds for claim in judge("iterative", table)] == [True] * 4
    controls = trials(iterative=TICKETS, reinit=LOWER, rearrange=LOWER)
    assert [claim.holds for claim in judge("iterative-controls", controls)] == [True] * 4


def test_claims_do_not_hold_when_they_should_not():
    worse = {0: (0.975, 3000), 8: (0.96, 3500), 14: (0.94, 4000)}
    table = trials(iterative=worse, one_shot=TICKETS)
    found = judge("iterative", table)
    assert [claim.holds for claim in found] == [False] * 4
    assert all(claim.verdict == "does not hold" for claim in found)
    controls = trials(one_shot=LOWER, reinit=TICKETS, rearrange=TICKETS)
    assert not any(claim.holds for claim in judge("one-shot-controls", controls))


@pytest.mark.parametrize(("quick", "holds"), [(0.975, False), (0.96, True)])
def test_pruning_rates_are_compared_at_the_same_size(quick, holds):
    """Not where each ends: there the quicker one may just have fewer weights left."""
    full = (0.98, 3000)
    table = trials(
        slow={0: full, 5: (0.98, 3000), 10: (0.975, 3000)},
        quick={0: full, 10: (quick, 3000), 14: (0.9, 3000)},
    )
    (claim,) = judge("pruning-rate", table)
    assert claim.holds == holds
    assert claim.text.startswith("Pruned to about 10.7%,")


def test_pruning_rates_without_a_common_size():
    table = trials(slow={0: (0.98, 3000), 1: (0.98, 3000)}, quick={0: (0.98, 3000), 14: (0.9, 9)})
    (claim,) = judge("pruning-rate", table)
    assert claim.holds
    assert claim.text.startswith("Pruned to about 4.4%,")


def test_equal_is_not_better():
    table = trials(iterative=TICKETS, reinit=TICKETS, rearrange=TICKETS)
    assert not any(claim.holds for claim in judge("iterative-controls", table))


def test_better_on_average_is_not_enough():
    """Differences that go both ways leave all claims open."""
    table = trials(iterative=TICKETS, reinit=LOWER, rearrange=LOWER, one_shot=TICKETS)
    found = (table["condition"] == "iterative") & (table["round"] > 0)
    swing = np.where(table["trial"] % 2, 0.15, -0.14)
    table.loc[found, "test_score"] += swing[found]
    table.loc[found, "iterations_to_converge"] -= (50_000 * swing[found]).astype(int)
    assert not any(claim.holds for claim in judge("iterative-controls", table))
    judged = judge("iterative", table)
    assert not any(judged[k].holds for k in (0, 1, 3))


def test_interval_is_that_of_a_paired_test():
    table = trials(reset=TICKETS, go_on=LOWER).replace("go-on", "go on")
    table["test_score"] += np.random.RandomState(1).normal(0, 0.01, len(table))
    first, second = (
        100 * table.loc[(table["condition"] == name) & (table["round"] == 8), "test_score"]
        for name in ("reset", "go on")
    )
    expected = ttest_rel(first, second).confidence_interval(0.95)
    claim = judge("resetting", table)[0]
    assert f"95% interval {expected.low:+.2f} to {expected.high:+.2f}, 10 trials" in claim.evidence


def test_one_trial_proves_nothing():
    table = trials(iterative=TICKETS, reinit=LOWER, rearrange=LOWER)
    found = judge("iterative-controls", table[table["trial"] == 0])
    assert not any(claim.holds for claim in found)
    assert all("no interval" in claim.evidence for claim in found)


def test_repeats_of_a_trial_do_not_count_as_trials():
    table = trials(iterative=TICKETS, reinit=LOWER, rearrange=LOWER)
    repeated = pd.concat([table, table[table["condition"] == "reinit"].assign(repeat=1)])
    texts = [[c.evidence for c in judge("iterative-controls", t)] for t in (table, repeated)]
    assert texts[0] == texts[1] and "10 trials" in texts[0][0]


@pytest.mark.parametrize(
    ("worst", "scale"), [(0.95, "linear"), (0.9, "logit")], ids=["near", "far apart"]
)
@pytest.mark.parametrize("ending", ["", "-weights"])
def test_differences_among_the_best_are_seen_beside_the_worst(ending, worst, scale):
    table = trials(best={0: (0.98, 100), 8: (0.975, 90)}, worst={8: (worst, 100)})
    # A column a condition; accuracies are in the lower row.
    row = EXPERIMENTS["network-size"].pictures[ending](table).axes[2:]
    ax = row[0]
    assert {ax.get_yscale() for ax in row} == {scale}
    assert len({ax.get_ylim() for ax in row}) == 1
    assert ("logit" in ax.get_ylabel()) == (scale == "logit")
    drawn = [ax.containers[0].lines[0].get_ydata(orig=False) for ax in row]
    np.testing.assert_allclose(np.concatenate(drawn), [0.98, 0.975, worst], atol=1e-3)
    low, high = ax.get_ylim()
    errors = 1 - np.sort([tick for tick in ax.get_yticks() if low < tick < high])
    assert len(errors) >= 3
    # On that scale, ticks at even distances would crowd among the worst.
    assert scale == "linear" or (errors[:-1] / errors[1:]).max() < 1.8


def test_perfect_accuracy_can_be_drawn():
    table = trials(best={0: (1, 100)}, worst={8: (0.5, 100)}).round(2)
    ax = EXPERIMENTS["iterative"].pictures[""](table).axes[1]
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
    assert [claim.holds for claim in judge("initializations", histogram(0.2))] == [True, True]
    assert [claim.holds for claim in judge("initializations", histogram(1.0))] == [False, False]


@pytest.mark.parametrize(
    ("formats", "shown"),
    [
        (("pdf", "svg"), "![network-size](network-size.svg)"),
        (("pdf",), "[network-size](network-size.pdf)"),
    ],
)
def test_report_shows_what_a_browser_can(tmp_path, formats, shown):
    result = Result(EXPERIMENTS["network-size"], trials(one=TICKETS))
    written = write_result(result, tmp_path, formats)
    assert {f"network-size-weights.{ending}" for ending in formats} < set(written)
    write_report([result], {}, tmp_path, formats)
    text = (tmp_path / "report.md").read_text("utf-8")
    assert f"\n{shown}\n" in text and " 10 trials. " in text
    page = (tmp_path / "report.html").read_text("utf-8")
    n_embedded = 2 if "svg" in formats else 0
    assert page.count("data:image/svg+xml;base64,") == page.count("<img") == n_embedded


def test_report_tabulates_few_sizes_whole_and_a_third_of_many(tmp_path):
    table = trials(
        few={number: (0.98, 100) for number in range(8)},
        many={number: (0.98, 100) for number in range(16)},
    )
    result = Result(EXPERIMENTS["network-size"], table)
    write_result(result, tmp_path)
    write_report([result], {}, tmp_path)
    rows = [line.split(" | ") for line in (tmp_path / "report.md").read_text("utf-8").splitlines()]
    shown = {name: [row[1] for row in rows if row[0] == f"| {name}"] for name in ("few", "many")}
    percent = [f"{100 * 0.8**number:.3g}" for number in range(16)]
    assert shown == {"few": percent[:8], "many": [percent[i] for i in (0, 2, 5, 8, 11, 14)]}


def test_what_reaches_to_both_sides_is_undecided():
    table = trials(reset=TICKETS, go_on=LOWER).replace("go-on", "go on")
    swing = np.where(table["trial"] % 2, 0.15, -0.14)
    noisy = table.assign(test_score=table["test_score"] + swing * (table["condition"] == "reset"))
    assert judge("resetting", noisy)[0].verdict == "undecided"
    assert judge("resetting", table[table["trial"] == 0])[0].verdict == "undecided"
    assert judge("resetting", table)[0].verdict == "holds"
    contrary = table.replace({"condition": {"reset": "go on", "go on": "reset"}})
    assert judge("resetting", contrary)[0].verdict == "does not hold"
