"""Are networks connected: trainings in different orders of batches, and rounds of a search."""

from itertools import pairwise

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from ...inspection import ConditionCurvesDisplay, error_barrier
from .._claims import MARGIN, Claim, Interval, percent_at
from ._study import Study, each_round, tickets_at

# Percents of weights remaining at which two orders of batches are compared.
_SIZES = (51.2, 16.8, 5.5)
# Below this many points of error, Frankle et al. call a network stable.
_STABLE = 2.0
_CONTROLS = ("reinit", "rearrange")


def _two_orders(laboratory, trial):
    """Return a row for each ticket that was trained twice, in two orders of batches."""
    protocol, data = laboratory.protocol, laboratory.images.data
    rounds = (0, *dict.fromkeys(protocol.round_at(percent) for percent in _SIZES))
    step = protocol.rewind_step
    rows = []
    for condition, to in (("iterative", "init"), (f"rewound to step {step}", step)):
        search = laboratory.search_of(trial, rewind_to=to)
        for number, ticket in tickets_at(search, data, rounds):
            if number == 0 and to == step:
                # The full network, too, goes on in two ways from that step.
                trained = search.train(ticket, data, 0).ticket
                ticket = search.rewind_ticket(trained, 0)
            starts = {condition: ticket}
            if number > 0 and to == "init":
                starts |= {to: search.rewind_ticket(ticket, number, to) for to in _CONTROLS}
            rows += [
                {"condition": name, "round": number} | _twice(search, start, data, number)
                for name, start in starts.items()
            ]
    return pd.DataFrame(rows)


def _twice(search, ticket, data, number):
    # Calls are other orders of batches; of the first, other studies have the training, too.
    trained = [search.train(ticket, data, number, call=call) for call in (0, 1)]
    rows = (data.X_test, data.y_test)
    return {
        "percent": 100 * ticket.density,
        "barrier": 100 * error_barrier(*(one.ticket for one in trained), *rows),
        "test_score": np.mean([one.test_score[-1] for one in trained]),
    }


def _stable(table):
    """Judge which networks are stable, and that controls are less so."""
    largest, *_, smallest = sorted(table["round"].unique())
    rewound = next(name for name in table["condition"] if name.startswith("rewound"))
    claims = [
        _no_barrier("The full network is stable from its initial weights on", table, largest),
        *(
            _no_barrier(f"Tickets at {percent_at(table, number)} are stable", table, number)
            for number in sorted(table["round"].unique())[1:]
        ),
    ]
    size = percent_at(table, smallest)
    tickets = _barriers(table, "iterative", smallest)
    for name in _CONTROLS:
        claims.append(
            _larger(
                f"At {size}, {name} controls are less stable than tickets",
                _barriers(table, name, smallest),
                tickets,
            )
        )
    claims.append(
        _larger(
            f"At {size}, tickets are more stable when they are {rewound} than at initialization",
            tickets,
            _barriers(table, rewound, smallest),
        )
    )
    return claims


def _barriers(table, condition, number):
    rows = table[(table["condition"] == condition) & (table["round"] == number)]
    return rows.set_index("trial")["barrier"]


def _no_barrier(text, table, number):
    interval = Interval.of(_barriers(table, "iterative", number))
    return Claim(
        f"{text}: two orders of batches end less than {_STABLE:g} points of error apart",
        interval.below(_STABLE),
        f"barrier {interval.text('{:.2f}', ' points')}",
    )


def _larger(text, first, second):
    interval = Interval.of(first - second)
    return Claim(
        text,
        interval.above(0),
        f"barriers of {first.mean():.2f} against {second.mean():.2f} points; difference "
        f"{interval.text('{:+.2f}', ' points')}",
    )


def _plot_stability(table):
    display = ConditionCurvesDisplay.from_results(
        table,
        columns=["barrier", "test_score"],
        labels={
            "barrier": "barrier between two orders\nof batches, points of test error",
            "test_score": "test accuracy of either",
        },
        spread="ci95",
    )
    return display.figure_


STABILITY = Study(
    "stability",
    "Do two trainings that differ in the order of batches alone end in one basin?",
    paper="Frankle, Dziugaite, Roy and Carbin, Linear Mode Connectivity and the Lottery Ticket "
    "Hypothesis, ICML 2020",
    measure=_two_orders,
    claims=_stable,
    pictures={"": _plot_stability},
    caption="The rise of the test error on the line between two trainings of one ticket, and their "
    "accuracy, against percent of weights remaining. Means of the trials, with 95% intervals.",
)


def _successive(laboratory, trial):
    """Return a row for each round, with the barrier between it and the round before."""
    data = laboratory.images.data
    # On, until tickets no longer match.
    rounds = round(4 / 3 * laboratory.protocol.rounds)
    search = laboratory.search_of(trial, rounds=rounds, round_budget=1.0)
    trainings = list(each_round(search, data))
    rows = []
    for number, (before, after) in enumerate(pairwise(trainings), start=1):
        ends = before.ticket, after.ticket
        rows.append(
            {
                "round": number,
                "percent": 100 * after.ticket.density,
                "barrier": 100 * error_barrier(*ends, data.X_test, data.y_test),
                "valid_barrier": 100 * error_barrier(*ends, data.X_valid, data.y_valid),
                "valid_gap": 100 * (trainings[0].valid_score[-1] - after.valid_score[-1]),
                "test_gap": 100 * (trainings[0].test_score[-1] - after.test_score[-1]),
            }
        )
    return pd.DataFrame(rows)


def _connected(table):
    """Judge that matching rounds are connected, and what tells better when they end."""
    trials = [rows for _, rows in table.groupby("trial")]
    matching = [rows[rows["test_gap"] <= MARGIN] for rows in trials]
    others = [rows[rows["test_gap"] > MARGIN] for rows in trials]
    highest, of_others = (
        Interval.of([rows["barrier"].max() for rows in group]) for group in (matching, others)
    )
    told = {
        name: pd.Series([_tells(rows, name) for rows in trials])
        for name in ("valid_barrier", "valid_gap")
    }
    better = Interval.of(told["valid_barrier"] - told["valid_gap"])
    return [
        Claim(
            f"While tickets match the full network (within {MARGIN} points), there is no barrier "
            f"of {_STABLE:g} points or more between successive rounds",
            highest.below(_STABLE),
            f"highest barrier {highest.text('{:.2f}', ' points')}",
        ),
        Claim(
            "Where they no longer match, there is such a barrier",
            of_others.above(_STABLE),
            f"highest barrier {of_others.text('{:.2f}', ' points')}",
        ),
        Claim(
            "On validation images, the barrier tells better than the score which rounds no longer "
            "match on test images",
            better.above(0),
            f"area under the ROC curve {told['valid_barrier'].mean():.2f} against "
            f"{told['valid_gap'].mean():.2f}; difference {better.text('{:+.2f}')}",
        ),
    ]


def _tells(rows, column):
    """How well a column tells rounds that no longer match; missing where all or none do."""
    is_lost = rows["test_gap"] > MARGIN
    return roc_auc_score(is_lost, rows[column]) if 0 < is_lost.sum() < len(rows) else np.nan


def _plot_rounds(table):
    display = ConditionCurvesDisplay.from_results(
        table.assign(condition="iterative"),
        columns=["barrier", "test_gap"],
        labels={
            "iterative": "round by round",
            "barrier": "barrier to the round before,\npoints of test error",
            "test_gap": "points of test accuracy\nbelow the full network",
        },
        spread="ci95",
    )
    return display.figure_


ROUNDS_CONNECTIVITY = Study(
    "rounds-connectivity",
    "Do successive rounds of a search end in one basin while their tickets match?",
    paper="Paul, Chen, Larsen, Frankle, Ganguli and Dziugaite, Unmasking the Lottery Ticket "
    "Hypothesis: What's Encoded in a Winning Ticket's Mask?, ICLR 2023",
    measure=_successive,
    claims=_connected,
    pictures={"": _plot_rounds},
    caption="The rise of the test error on the line between the networks of successive rounds, and "
    "what the later one lacks of the full network's accuracy, against percent of weights "
    "remaining. Means of the trials, with 95% intervals.",
)
