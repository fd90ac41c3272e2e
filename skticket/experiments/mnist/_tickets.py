"""Tickets pruned once and round by round, and their controls: sections 3 and 4 of the paper."""

import numpy as np
import pandas as pd

from .._claims import MARGIN, fewer, higher, nearest_round, no_lower, percent_at, smaller, trials_of
from .._conditions import Condition
from .._experiment import Experiment
from .._plots import TWO_QUANTITIES, plot_training


def _curves(laboratory, conditions):
    """Return a row an evaluation: `trial`, `round`, `percent`, `iteration` and `test_score`."""
    measured = laboratory.measure(conditions)
    return pd.concat(
        pd.DataFrame(
            {
                "trial": network.trial,
                "round": network.round,
                "percent": 100 * found.density,
                "iteration": found.iterations,
                "test_score": found.test_score,
            }
        )
        for network, found in sorted(measured.items(), key=lambda item: item[0].place)
    ).reset_index(drop=True)


def _learning(table):
    """Judge that tickets learn faster than the full network."""
    fifth = max(table["iteration"].max() / 5, table["iteration"].min())
    start = table[table["iteration"] <= fifth]
    means = start.groupby(["round", "trial"])[["test_score"]].mean()
    return [
        higher(
            f"Tickets pruned once to {percent_at(table, number)} learn faster: they are more "
            "accurate than the full network over the first fifth of the training",
            means.loc[number],
            means.loc[0],
        )
        for number in means.index.levels[0]
        if number > 0
    ]


ONE_SHOT = Experiment(
    "one-shot",
    "How do winning tickets learn that were pruned once to each size?",
    conditions=lambda protocol: [Condition.one_shot(protocol)],
    table=_curves,
    claims=_learning,
    pictures={"": plot_training},
    caption="Test accuracy in the course of training. Means of the trials; bands from the least to "
    "the greatest.",
)


def _with_controls(protocol, found, *others):
    return [found, *others, *found.controls(protocol)]


def _controls(table, condition):
    """Judge that a condition's tickets beat both controls."""
    number = nearest_round(table, "reinit", 16.8)
    size = percent_at(table, number)
    found = trials_of(table, condition, number)
    claims = []
    for control, name in (("reinit", "Reinitialized"), ("rearrange", "Rearranged")):
        others = trials_of(table, control, number)
        tickets = f"{name} {condition} tickets at {size}"
        slower = f"{tickets} learn slower: the tickets converge in fewer iterations"
        lower = f"{tickets} end lower: the tickets are more accurate"
        claims += [fewer(slower, found, others), higher(lower, found, others)]
    return claims


ONE_SHOT_CONTROLS = Experiment(
    "one-shot-controls",
    "Is it the structure, or the initial weights? Tickets pruned once, and their controls.",
    conditions=lambda protocol: _with_controls(protocol, Condition.one_shot(protocol)),
    claims=lambda table: _controls(table, "one-shot"),
    caption=TWO_QUANTITIES + " Faint: each trial's controls.",
)


def _smaller_tickets(table):
    """Judge iterative tickets against the full network, and against one-shot tickets."""
    number = nearest_round(table, "iterative", 16.8)
    size = percent_at(table, number)
    found = trials_of(table, "iterative", number)
    full = trials_of(table, "iterative", 0)
    once = _smallest_winning(table, "one-shot")
    repeatedly = _smallest_winning(table, "iterative", _rounds(table, "one-shot"))
    smallest = max(_rounds(table, "one-shot"))
    return [
        no_lower(
            f"Iterative tickets at {size} end at least as accurate as the full network",
            found,
            full,
        ),
        fewer(
            f"Iterative tickets at {size} converge in fewer iterations than the full network",
            found,
            full,
        ),
        smaller(
            "Iterative pruning finds smaller tickets than one-shot pruning that match the full "
            "network (accuracy and iterations)",
            repeatedly,
            once,
        ),
        higher(
            f"At {percent_at(table, smallest)} iterative tickets are more accurate than one-shot "
            "tickets",
            trials_of(table, "iterative", smallest),
            trials_of(table, "one-shot", smallest),
        ),
    ]


def _smallest_winning(table, condition, rounds=None):
    """Return each trial's smallest percent that matches the full network; 100 if none does."""
    full = trials_of(table, condition, 0)
    smallest = pd.Series(100.0, index=full.index)
    for number in rounds or _rounds(table, condition):
        found = trials_of(table, condition, number)
        matches = (found["test_score"] >= full["test_score"] - MARGIN / 100) & (
            found["iterations_to_converge"] <= full["iterations_to_converge"]
        )
        smallest = smallest.where(~matches, np.minimum(smallest, found["percent"]))
    return smallest


def _rounds(table, condition):
    return sorted(table.loc[table["condition"] == condition, "round"].unique())


ITERATIVE = Experiment(
    "iterative",
    "Does pruning round by round find smaller tickets than pruning once?",
    conditions=lambda protocol: [Condition.iterative(protocol), Condition.one_shot(protocol)],
    claims=_smaller_tickets,
)
ITERATIVE_CONTROLS = Experiment(
    "iterative-controls",
    "How do tickets pruned round by round compare with their controls?",
    conditions=lambda protocol: _with_controls(
        protocol, Condition.iterative(protocol), Condition.one_shot(protocol)
    ),
    claims=lambda table: _controls(table, "iterative"),
    caption=TWO_QUANTITIES + " Faint: each trial's controls.",
)
