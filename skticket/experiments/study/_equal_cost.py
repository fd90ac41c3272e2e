"""Why not just train a sparse network: searches, and networks sparse from birth, by their cost."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ...inspection import looks_of
from ...pruning import Evolving, GraSP, Snip, SynFlow
from .._claims import Interval, higher, no_lower, percent_at, trials_of
from ._study import Study

# Percents of weights remaining that are compared.
_SIZES = (10, 3.6)
_TICKET, _CHEAP = "ticket", "ticket, budget 1/6"
_BUDGETS = {_TICKET: 1.0, _CHEAP: 1 / 6}
_FROM_BIRTH = {
    # Born as what evolves is, and never changed: its control.
    "random": {"schedule": Evolving(rate=0)},
    "SET": {"schedule": Evolving()},
    "RigL": {"schedule": Evolving(how="gradient")},
    "SNIP": {"schedule": "one-shot", "strategy": Snip()},
    "GraSP": {"schedule": "one-shot", "strategy": GraSP()},
    "SynFlow": {"schedule": "one-shot", "strategy": SynFlow()},
}
_LONG = "RigL, as long as budget 1/6"
_NAMES = {"random": "random sparse networks", _LONG: "RigL's networks"}


def _compare(laboratory, trial):
    """Return a row for each network: its accuracy, and what all trainings it needs computed."""
    protocol, data = laboratory.protocol, laboratory.images.data
    sizes = list(dict.fromkeys(protocol.round_at(percent) for percent in _SIZES))

    def row(condition, number, trainings):
        trained, n_all = trainings[-1], protocol.iterations
        return {
            "condition": condition,
            "round": number,
            "percent": 100 * trained.ticket.density,
            "n_weights": trained.ticket.n_weights,
            "cost": sum(t.iterations[-1] * t.ticket.density for t in trainings) / n_all,
            "seconds": sum(t.fit_time for t in trainings),
            "iterations_to_converge": trained.iterations[trained.convergence],
            "test_score": trained.test_score[trained.convergence],
            "final_test_score": trained.test_score[-1],
        }

    search = laboratory.search_of(trial)
    rows = [row("full network", 0, [search.train(search.first_ticket(), data, 0)])]
    for name, budget in _BUDGETS.items():
        search = laboratory.search_of(trial, rounds=max(sizes), round_budget=budget)
        rows += [row(name, *found) for found in _rounds(search, data, sizes)]
    for number in sizes:
        for name, changes in _FROM_BIRTH.items():
            search = laboratory.search_of(trial, rounds=number, **changes)
            rows.append(row(name, number, [_from_birth(search, data)]))
        # The same schedule, stretched.
        costs = {r["condition"]: r["cost"] for r in rows if r["round"] == number}
        factor = costs[_CHEAP] / costs["RigL"]
        grid = {"n_steps": protocol.iterations, "evaluate_every": protocol.evaluate_every}
        longer = Evolving(how="gradient", every=round(factor * Evolving().every))
        search = laboratory.search_of(
            trial,
            rounds=number,
            schedule=longer,
            **{name: round(factor * value) for name, value in grid.items()},
        )
        rows.append(row(_LONG, number, [_from_birth(search, data)]))
    return pd.DataFrame(rows)


def _rounds(search, data, sizes):
    """Yield the rounds of some sizes, in full, with all trainings up to each."""
    ticket, before = search.first_ticket(), []
    for number in range(max(sizes) + 1):
        if number in sizes:
            yield number, [*before, search.train(ticket, data, number)]
        if number < max(sizes):
            share = search.share(ticket) if number > 0 else 1.0
            before.append(search.train(ticket, data, number, share=share))
            ticket = search.next_ticket(before[-1].ticket, data, number + 1)


def _from_birth(search, data):
    """Train a sparse network of which no full one was trained before."""
    ticket = search.next_ticket(search.first_ticket(), data, 1)
    return search.train(ticket, data, 1, evolves=True)


def _judge(table):
    """Judge what a search is worth, and what an evolving network is."""
    claims = []
    full = trials_of(table, "full network", 0)
    for number in sorted(set(table["round"]) - {0}):
        at = f"At {percent_at(table, number, _TICKET)}"
        of = {name: trials_of(table, name, number) for name in table["condition"].unique()}
        claims.append(
            no_lower(f"{at}, tickets are as accurate as the full network", of[_TICKET], full)
        )
        claims += [
            higher(
                f"{at}, tickets are more accurate than {_NAMES.get(name, name)}",
                of[_TICKET],
                of[name],
            )
            for name in _FROM_BIRTH
        ]
        claims += [
            higher(
                f"{at}, SET is more accurate than what stays as it was born",
                of["SET"],
                of["random"],
            ),
            higher(f"{at}, RigL is more accurate than SET", of["RigL"], of["SET"]),
            higher(f"{at}, RigL is more accurate than SNIP", of["RigL"], of["SNIP"]),
            no_lower(
                f"{at}, RigL trained for what a search at a budget of 1/6 costs is as accurate as "
                "that search's ticket",
                of[_LONG],
                of[_CHEAP],
            ),
        ]
    return claims


def _plot(table):
    """Draw accuracy against cost, a panel a size."""
    sizes = sorted(set(table["round"]) - {0})
    figure = Figure(figsize=(5.4 * len(sizes), 4.4), layout="constrained")
    axes = figure.subplots(1, len(sizes), sharey=True, squeeze=False)[0]
    looks = looks_of(list(table["condition"].unique()))
    for ax, number in zip(axes, sizes, strict=True):
        for name, rows in table[table["round"].isin([0, number])].groupby("condition", sort=False):
            scores = 100 * rows["test_score"]
            interval = Interval.of(scores)
            error = interval.high - interval.mean if np.isfinite(interval.high) else np.nan
            style = {"color": looks[name].color, "marker": looks[name].marker, "linestyle": "none"}
            cost = rows["cost"].mean() * _beside(name)
            ax.errorbar(cost, interval.mean, error, label=name, capsize=3, **style)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_title(f"{percent_at(table, number, _TICKET)} of weights remaining")
        ax.set_xlabel("computed for it, in trainings of the full network")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("test accuracy, %")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    return figure


def _beside(name):
    """A factor by which those of one cost lie side by side."""
    if name not in _FROM_BIRTH:
        return 1
    place = list(_FROM_BIRTH).index(name) - (len(_FROM_BIRTH) - 1) / 2
    return 1.1**place


EQUAL_COST = Study(
    "equal-cost",
    "Why not just train a sparse network: what does a search give for what it costs?",
    paper="Evci, Gale, Menick, Castro and Elsen, Rigging the Lottery: Making All Tickets Winners, "
    "ICML 2020; Mocanu et al., Scalable training of artificial neural networks with adaptive "
    "sparse connectivity inspired by network science, Nature Communications 2018",
    measure=_compare,
    claims=_judge,
    pictures={"": _plot},
    caption="Test accuracy against the cost of all trainings that a network needs: optimizer steps "
    "times density. Means of the trials, with 95% intervals; what is trained once, at one cost, is "
    "drawn side by side.",
)
