"""What masks know: tickets by criterion and by signs, and masks without any training."""

from dataclasses import replace

import numpy as np
import pandas as pd

from ...engines import Predictor
from ...inspection import ConditionCurvesDisplay
from .._claims import Claim, Interval, higher, nearest_round, no_lower, percent_at
from ._study import Study, tickets_at


def _same_sign(ticket):
    """Score what ended large, on the side of zero where it started."""
    return {name: np.sign(ticket.initial[name]) * ticket.weights[name] for name in ticket.mask}


_CRITERIA = {
    "magnitude": "large final",
    "magnitude_increase": "magnitude increase",
    "large_init_large_final": "large initial and final",
    "same_sign": "large final, same sign",
    "random": "random masks",
}
# What tickets of the first criterion are trained from, besides their initial weights.
_VALUES = {
    "signs": "their signs alone",
    "random_signs": "random signs",
    "reinit": "new weights",
}
# Percents of weights remaining at which tickets are trained; the paper looks at few weights.
_SIZES = (51.2, 16.8, 5.5)
# What the paper's best masks of this kind reach, in percent: 86.3 on MNIST.
_SUPER = 80.0


def _masks(laboratory, trial):
    """Return a row for each mask and what it is laid over, untrained and trained."""
    protocol, data = laboratory.protocol, laboratory.images.data
    sizes = {0, *(protocol.round_at(percent) for percent in _SIZES)}
    rows = []
    for criterion in _CRITERIA:
        strategy = _same_sign if criterion == "same_sign" else criterion
        search = laboratory.search_of(trial, strategy=strategy)
        for number, ticket in _tickets(search, data, range(protocol.rounds + 1)):
            about = {"condition": criterion, "round": number, "percent": 100 * ticket.density}
            starts = {"init": ticket, "signs": search.rewind_ticket(ticket, number, "signs")}
            rows += [about | _row(values, start, data) for values, start in starts.items()]
            if number in sizes:
                trained = {"init": ticket}
                if criterion == "magnitude" and number > 0:
                    trained |= {to: search.rewind_ticket(ticket, number, to) for to in _VALUES}
                rows += [
                    about | _row(values, start, data, search.train(start, data, number))
                    for values, start in trained.items()
                ]
    return pd.DataFrame(rows)


def _tickets(search, data, rounds):
    if search.strategy != "random":
        return tickets_at(search, data, rounds)
    # Chance needs no training.
    full = search.first_ticket()
    at_once = [replace(search, schedule="one-shot", rounds=number) for number in rounds]
    return [(one.rounds, one.prune(full, one.rounds) if one.rounds else full) for one in at_once]


def _row(values, start, data, trained=None):
    if trained is None:
        score = np.mean(Predictor(start)(data.X_test).argmax(axis=1) == data.y_test)
    else:
        score = trained.test_score[-1]
    return {"values": values, "is_trained": trained is not None, "test_score": score}


def _judge(table):
    """Judge what the paper says of masks, first without training and then with it."""
    size = nearest_round(table[table["is_trained"]], "magnitude", 16.8)
    at = percent_at(table, size, "magnitude")

    def untrained(criterion, values):
        return _scores(table, criterion, values, size, is_trained=False)

    def trained(criterion, values="init"):
        return _scores(table, criterion, values, size, is_trained=True)

    best = _best(table)
    return [
        higher(
            f"Without training, initial weights under the mask of large final weights at {at} are "
            "more accurate than under random masks",
            untrained("magnitude", "init"),
            untrained("random", "init"),
        ),
        higher(
            f"Without training, signs alone are more accurate than initial weights, under the mask "
            f"of large final weights of the same sign at {at}",
            untrained("same_sign", "signs"),
            untrained("same_sign", "init"),
        ),
        Claim(
            f"Without training, a mask of large final weights of the same sign over signs alone "
            f"reaches {_SUPER:g}% at its best size",
            best.above(_SUPER),
            f"it reaches {best.text('{:.1f}', '%')}",
        ),
        no_lower(
            f"Trained, tickets at {at} whose initial weights keep their signs alone end as "
            "accurate as tickets",
            trained("magnitude", "signs"),
            trained("magnitude"),
        ),
        higher(
            f"Trained, tickets at {at} with random signs end lower than with their own, at one "
            "magnitude",
            trained("magnitude", "signs"),
            trained("magnitude", "random_signs"),
        ),
        higher(
            f"Trained, tickets at {at} with new initial weights end lower than with the signs of "
            "their own alone",
            trained("magnitude", "signs"),
            trained("magnitude", "reinit"),
        ),
        *(
            no_lower(
                f"Trained, tickets at {at} by the criterion {_CRITERIA[other]!r} end as accurate "
                "as those by 'large final'",
                trained(other),
                trained("magnitude"),
            )
            for other in ("magnitude_increase", "large_init_large_final")
        ),
    ]


def _scores(table, criterion, values, number, *, is_trained):
    rows = table[
        (table["condition"] == criterion)
        & (table["values"] == values)
        & (table["round"] == number)
        & (table["is_trained"] == is_trained)
    ]
    return rows.set_index("trial")[["test_score"]]


def _best(table):
    rows = table[
        (table["condition"] == "same_sign") & (table["values"] == "signs") & ~table["is_trained"]
    ]
    means = rows.groupby("round")["test_score"].mean()
    return Interval.of(100 * rows.loc[rows["round"] == means.idxmax(), "test_score"])


def _plot_untrained(table):
    rows = table[~table["is_trained"]]
    keys = ["condition", "trial", "round", "percent"]
    wide = rows.pivot(index=keys, columns="values", values="test_score").reset_index()
    names = {"init": "initial weights, untrained", "signs": "signs alone, untrained"}
    return ConditionCurvesDisplay.from_results(
        wide,
        columns=list(names),
        labels=_CRITERIA | {key: f"test accuracy of\n{text}" for key, text in names.items()},
        conditions=list(_CRITERIA),
        spread="ci95",
    ).figure_


def _plot_criteria(table):
    rows = table[table["is_trained"] & (table["values"] == "init")]
    return _plot_trained(rows, _CRITERIA)


def _plot_values(table):
    rows = table[table["is_trained"] & (table["condition"] == "magnitude")]
    condition = rows["values"].replace("init", "magnitude")
    return _plot_trained(
        rows.assign(condition=condition), {"magnitude": "initial weights"} | _VALUES
    )


def _plot_trained(rows, labels):
    return ConditionCurvesDisplay.from_results(
        rows,
        columns=["test_score"],
        labels=labels | {"test_score": "test accuracy, trained"},
        conditions=list(labels),
        spread="ci95",
    ).figure_


SUPERMASKS = Study(
    "supermasks",
    "What does a mask know: without training, and of its weights' signs alone?",
    paper="Zhou, Lan, Liu and Yosinski, Deconstructing Lottery Tickets: Zeros, Signs, and the "
    "Supermask, NeurIPS 2019",
    measure=_masks,
    claims=_judge,
    pictures={
        "-untrained": _plot_untrained,
        "-criteria": _plot_criteria,
        "-values": _plot_values,
    },
    caption="Accuracy against percent of weights remaining: of initial weights, and of their signs "
    "at one magnitude a layer, under masks of several criteria, without training; of tickets by "
    "these criteria, trained; and of those of large final weights, trained from what takes the "
    "place of their initial weights. Means of the trials, with 95% intervals.",
)
