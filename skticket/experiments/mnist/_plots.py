"""Pictures of the MNIST experiments, drawn from their tables alone."""

from math import isqrt

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from ...inspection import (
    ConditionCurvesDisplay,
    ConnectivityDisplay,
    InitialWeightsDisplay,
    InputMaskDisplay,
    TrainingCurvesDisplay,
)

_CONTROLS = ("reinit", "rearrange")
_LABELS = {
    "test_score": "test accuracy at convergence",
    "reinit": "control 1: reinit",
    "rearrange": "control 2: rearrange",
}
# Accuracies whose errors differ by such a factor are too far apart for a linear scale.
_WIDE = 4


def plot_training(table):
    """Draw test accuracy against iteration, a curve a size.

    Parameters
    ----------
    table : DataFrame
        From `mnist.one_shot`.

    Returns
    -------
    matplotlib Figure
    """
    return TrainingCurvesDisplay.from_results(
        table, score="test_score", score_name="test accuracy"
    ).figure_


def plot_conditions(table, x="percent"):
    """Draw iterations to converge, and accuracy there, a curve a condition.

    Accuracies that are far apart are drawn on a logit scale.

    Parameters
    ----------
    table : DataFrame
        As `Laboratory.table` gives it.
    x : {"percent", "n_weights"}, default="percent"
        What they are drawn against.

    Returns
    -------
    matplotlib Figure
    """
    means = _mean_of_repeats(table)
    display = ConditionCurvesDisplay.from_results(means, x=x, labels=_LABELS)
    for column, ax in zip(display.columns, display.ax_, strict=True):
        for control, container in display.errorbars_[column].items():
            if control in _CONTROLS:
                _draw_trials(ax, means[means["condition"] == control], x, column, container)
    errors = 1 - means["test_score"]
    if errors.max() > _WIDE * errors.min() > 0:
        _set_logit_scale(display.ax_[display.columns.index("test_score")])
    return display.figure_


def plot_by_weights(table):
    """Draw the same against the number of weights.

    Parameters
    ----------
    table : DataFrame
        As `Laboratory.table` gives it.

    Returns
    -------
    matplotlib Figure
    """
    return plot_conditions(table, x="n_weights")


def plot_initializations(table):
    """Draw distributions of initial weights, a panel a layer.

    Parameters
    ----------
    table : DataFrame
        From `mnist.initializations`.

    Returns
    -------
    matplotlib Figure
    """
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
    """Draw how many connections units have, sorted, a curve a size.

    Parameters
    ----------
    table : DataFrame
        From `mnist.architecture`.

    Returns
    -------
    matplotlib Figure
    """
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
    """Draw how many connections each input pixel has left, as images.

    Parameters
    ----------
    table : DataFrame
        From `mnist.architecture`.

    Returns
    -------
    matplotlib Figure
    """
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


def _mean_of_repeats(table):
    columns = ["percent", "n_weights", "iterations_to_converge", "test_score"]
    groups = table.groupby(["condition", "trial", "round"], sort=False)
    return groups[columns].mean().reset_index()


def _draw_trials(ax, means, x, column, container):
    """Draw each trial as a faint line behind the mean of all."""
    for _, rows in means.groupby("trial"):
        color = container.lines[0].get_color()
        ax.plot(rows[x], rows[column], color=color, alpha=0.3, linewidth=0.7, zorder=1)


def _set_logit_scale(ax):
    """Show differences among the best as well as among the worst."""
    ax.set_yscale("logit")
    errors = np.outer((0.1, 0.01, 0.001), (7, 5, 3, 2, 1.5, 1))
    ax.yaxis.set_major_locator(FixedLocator(1 - errors.ravel()))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylabel(f"{ax.get_ylabel()}\n(logit scale)")


def _mean_sorted(rows, direction):
    """Return the mean over trials of the sorted counts, a row a size."""
    means = []
    for _, of_size in rows.groupby("round"):
        counts = of_size.pivot(index="trial", columns="unit", values=direction).to_numpy()
        means.append(np.sort(counts, axis=1)[:, ::-1].mean(axis=0))
    return np.array(means)
