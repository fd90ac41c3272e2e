"""Whether pruning at initialization chooses weights, or only how many of each layer."""

from dataclasses import replace
from functools import partial

import pandas as pd

from ...search import control_ticket
from ...utils import Stream, derive_seed
from .._claims import higher, no_lower, percent_at, trials_of
from ._groups import plot_groups, row_of
from ._study import Study

# Scored at initialization, and after training.
_EARLY = {"SNIP": "snip", "GraSP": "grasp", "SynFlow": "synflow"}
_LATE = {"magnitude": "magnitude"}
_CONTROLS = {"shuffle": "shuffled", "reinit": "reinitialized", "inverted": "of inverted scores"}
_PERCENTS = (16.8, 3.5)


def _measure(laboratory, trial):
    """Return a row a network: tickets pruned once by each strategy, and their controls."""
    data = laboratory.images.data
    base = laboratory.search_of(trial, schedule="one-shot")
    full = base.train(base.first_ticket(), data, 0).ticket
    rows = []
    for rounds in dict.fromkeys(map(laboratory.protocol.round_at, _PERCENTS)):
        for name, strategy in (_EARLY | _LATE).items():
            search = replace(base, strategy=strategy, rounds=rounds)
            about = {"strategy": name, "round": rounds}
            ticket = search.next_ticket(full, data, 1)
            trained = search.train(ticket, data, 1)
            rows.append(row_of(trained, condition=name, network="ticket", **about))
            for number, control in enumerate(_CONTROLS):
                seed = derive_seed(search.seed, Stream.CONTROL, number)
                other = control_ticket(search, control, ticket, 1, seed, full=full, data=data)
                trained = replace(search, seed=seed).train(other, data, 1)
                condition = _condition(name, control)
                rows.append(row_of(trained, condition=condition, network=control, **about))
    return pd.DataFrame(rows)


def _condition(name, control):
    return f"{name}, {_CONTROLS[control]}"


def _claims(table):
    claims = []
    for number in sorted(table["round"].unique()):
        size = percent_at(table, number)
        of = partial(trials_of, table, number=number)
        for name in _EARLY:
            ticket = of(name)
            claims += [
                no_lower(
                    f"At {size}, tickets of {name} end as accurate when their masks are shuffled "
                    "within the layers",
                    of(_condition(name, "shuffle")),
                    ticket,
                ),
                no_lower(
                    f"At {size}, tickets of {name} end as accurate with fresh initial weights",
                    of(_condition(name, "reinit")),
                    ticket,
                ),
                higher(
                    f"At {size}, tickets of {name} end more accurate than those of inverted scores",
                    ticket,
                    of(_condition(name, "inverted")),
                ),
            ]
        for name in _LATE:
            claims += [
                higher(
                    f"At {size}, tickets of {name} after training end more accurate than {text}",
                    of(name),
                    of(_condition(name, control)),
                )
                for control, text in (("shuffle", "shuffled"), ("reinit", "reinitialized"))
            ]
    return claims


def _plot(table):
    sizes = table.groupby("round")["percent"].transform("mean").map("{:.3g}".format)
    return plot_groups(
        table.assign(size=sizes), "strategy", "network", panel="size", titles="{}% remaining"
    )


SANITY_CHECKS = Study(
    name="sanity-checks",
    question="Does pruning at initialization choose weights, or only how many of each layer?",
    paper="Frankle, Dziugaite, Roy and Carbin, Pruning Neural Networks at Initialization: Why Are "
    "We Missing the Mark?, ICLR 2021",
    measure=_measure,
    claims=_claims,
    pictures={"": _plot},
    caption="Test accuracy at the lowest validation loss of tickets pruned once, before training "
    "or (magnitude) after it, and of their controls. Means of the trials; bars from least to "
    "greatest.",
)
