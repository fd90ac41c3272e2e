"""Pictures of what tickets look like inside, drawn from tables alone."""

from math import isqrt

import numpy as np

from ...inspection import ConnectivityDisplay, InitialWeightsDisplay, InputMaskDisplay


def plot_initializations(table):
    """Draw distributions of initial weights, a panel a layer; the table is `initializations`'."""
    edges, counts, n_initial = {}, {}, {}
    for layer, rows in table.groupby("layer"):
        name = f"layers.{layer}.weight"
        edges[name] = np.append(np.unique(rows["lower"]), rows["upper"].max())
        by_size = rows.groupby(["round", "lower"])["weights"].sum().unstack()
        counts[name] = by_size.to_numpy()
        n_initial[name] = np.full(len(by_size), by_size.loc[0].sum())
    display = InitialWeightsDisplay(
        percent_remaining=_percents(table), edges=edges, counts=counts, n_initial=n_initial
    )
    return display.plot().figure_


def plot_connectivity(table):
    """Draw the units' sorted connections, a curve a size; the table is `architecture`'s."""
    last = table["layer"].max()
    incoming, outgoing = {}, {}
    for layer in range(last):
        name = f"layers.{layer}.weight"
        outgoing[name] = _mean_sorted(table[table["layer"] == layer], "outgoing")
        incoming[name] = _mean_sorted(table[table["layer"] == layer + 1], "incoming")
    display = ConnectivityDisplay(
        percent_remaining=_percents(table), incoming=incoming, outgoing=outgoing
    )
    return display.plot().figure_


def plot_inputs(table):
    """Draw the connections that each input has left, as images; the table is the same."""
    rows = table[table["layer"] == 0]
    counts = rows.groupby(["round", "unit"])["outgoing"].mean().unstack().to_numpy()
    n_inputs = counts.shape[1]
    square = isqrt(n_inputs) ** 2 == n_inputs
    display = InputMaskDisplay(
        percent_remaining=_percents(table),
        counts=counts,
        shape=None if square else (1, n_inputs),
    )
    return display.plot().figure_


def _percents(table):
    return table.groupby("round")["percent"].mean().to_numpy()


def _mean_sorted(rows, direction):
    """Return the mean over trials of the sorted counts, a row a size."""
    means = []
    for _, of_size in rows.groupby("round"):
        counts = of_size.pivot(index="trial", columns="unit", values=direction).to_numpy()
        means.append(np.sort(counts, axis=1)[:, ::-1].mean(axis=0))
    return np.array(means)
