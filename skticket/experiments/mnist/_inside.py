"""What tickets look like inside: which initial weights survive, and which connections."""

import numpy as np
import pandas as pd

from .._claims import Claim, Interval, percent_at
from .._conditions import Condition
from .._experiment import Experiment
from ._plots import plot_connectivity, plot_initializations, plot_inputs

# Percent of weights remaining at which the paper looks into tickets.
_LOOKED_INTO = (80.0, 16.8, 5.5)
_BINS = 61


def _condition(protocol, *rounds):
    rounds += tuple(protocol.round_at(percent) for percent in _LOOKED_INTO)
    return Condition("iterative", protocol.recipe, tuple(dict.fromkeys(rounds)))


def _tickets(laboratory, conditions):
    tickets = laboratory.tickets(conditions)
    return dict(sorted(tickets.items(), key=lambda item: item[0].place))


def _table(network, ticket, columns):
    about = {"trial": network.trial, "round": network.round, "percent": 100 * ticket.density}
    return pd.DataFrame(about | columns)


def _histograms(laboratory, conditions):
    """Return a row a bin of a layer's histogram of surviving initial weights.

    With columns `trial`, `round`, `percent`, `layer` (0 for the first), `lower` and `upper` (the
    bin's ends) and `weights` (how many it holds).
    """
    tickets = _tickets(laboratory, conditions)
    full = [ticket for network, ticket in tickets.items() if network.round == 0]
    tables = []
    for position, name in enumerate(full[0].mask):
        largest = max(np.abs(ticket.initial[name]).max() for ticket in full)
        edges = np.linspace(-largest, largest, _BINS + 1)
        for network, ticket in tickets.items():
            survivors = ticket.initial[name][ticket.mask[name]]
            columns = {"layer": position, "lower": edges[:-1], "upper": edges[1:]}
            columns["weights"] = np.histogram(survivors, edges)[0]
            tables.append(_table(network, ticket, columns))
    return pd.concat(tables).reset_index(drop=True)


def _away_from_zero(table):
    """Judge that surviving initial weights of hidden layers lie away from zero."""
    number = table["round"].max()
    centre = _distance_from_zero(table)
    claims = []
    for layer in sorted(table["layer"].unique())[:-1]:
        rows = table[table["layer"] == layer]
        near = centre[rows.index] <= _quartile(rows[rows["round"] == 0])
        share = rows["weights"].where(near, 0).groupby([rows["round"], rows["trial"]]).sum()
        share = (share / rows.groupby(["round", "trial"])["weights"].sum()).unstack()
        interval = Interval.of(100 * (share.loc[number] - share.loc[0]))
        claims.append(
            Claim(
                f"Initial weights of hidden layer {layer + 1} that survive at "
                f"{percent_at(table, number)} lie away from zero: fewer of them than of all are "
                "among the values nearest to it",
                interval.below(0),
                f"{100 * share.loc[number].mean():.1f}% against {100 * share.loc[0].mean():.1f}%; "
                f"difference {interval.text('{:+.1f}', ' points')}",
            )
        )
    return claims


def _distance_from_zero(rows):
    # Rounded, because bins on either side of zero may differ in the last bits.
    return ((rows["lower"] + rows["upper"]) / 2).abs().round(9)


def _quartile(rows):
    """Return the distance from zero within which a quarter of a histogram's weights lie."""
    counts = rows["weights"].groupby(_distance_from_zero(rows)).sum()
    share = counts.cumsum() / counts.sum()
    return share.index[np.searchsorted(share.to_numpy(), 0.25)]


INITIALIZATIONS = Experiment(
    "initializations",
    "Which initial weights survive?",
    conditions=lambda protocol: [_condition(protocol, 0)],
    table=_histograms,
    claims=_away_from_zero,
    pictures={"": plot_initializations},
    caption="Distributions of the initial weights that survive, of all trials together, each of "
    "area one; grey: all initial weights.",
)


def _connections(laboratory, conditions):
    """Return a row a unit, with its surviving connections.

    With columns `trial`, `round`, `percent`, `layer` (0 for the inputs), `unit`, `incoming`
    (missing for inputs) and `outgoing` (missing for outputs).
    """
    tables = []
    for network, ticket in _tickets(laboratory, conditions).items():
        masks = list(ticket.mask.values())
        incoming = [None, *(mask.sum(axis=1) for mask in masks)]
        outgoing = [*(mask.sum(axis=0) for mask in masks), None]
        for layer, (into, out) in enumerate(zip(incoming, outgoing, strict=True)):
            n_units = len(out if into is None else into)
            missing = np.full(n_units, np.nan)
            columns = {"layer": layer, "unit": np.arange(n_units)}
            columns["incoming"] = missing if into is None else into.astype(float)
            columns["outgoing"] = missing if out is None else out.astype(float)
            tables.append(_table(network, ticket, columns))
    return pd.concat(tables).reset_index(drop=True)


def _concentrated(table):
    """Judge that a few inputs and units keep most connections."""
    number = table["round"].max()
    rows = table[table["round"] == number]
    first, second = "units of hidden layer 1", "units of hidden layer 2"
    sides = [(0, "outgoing", "inputs"), (1, "incoming", first)]
    sides += [(1, "outgoing", first), (2, "incoming", second)]
    claims = []
    for layer, direction, what in sides:
        counts = rows[rows["layer"] == layer].groupby("trial")[direction]
        interval = Interval.of(100 * counts.apply(_share_of_top_fifth))
        claims.append(
            Claim(
                f"At {percent_at(table, number)} a fifth of the {what} keep most {direction} "
                "connections",
                interval.above(50),
                f"they keep {interval.text('{:.1f}', '%')}",
            )
        )
    return claims


def _share_of_top_fifth(counts):
    counts = np.sort(counts.to_numpy())[::-1]
    return counts[: max(1, round(len(counts) / 5))].sum() / counts.sum()


ARCHITECTURE = Experiment(
    "architecture",
    "What do tickets look like?",
    conditions=lambda protocol: [_condition(protocol)],
    table=_connections,
    claims=_concentrated,
    pictures={"": plot_connectivity, "-inputs": plot_inputs},
    caption="Surviving connections of each unit, the most connected first (means of the trials); "
    "and those of each input pixel.",
)
