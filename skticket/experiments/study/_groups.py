"""Conditions side by side: what several studies tabulate and draw."""

import matplotlib.pyplot as plt
import numpy as np

from ...inspection import looks_of
from .._laboratory import Measured
from .._plots import set_logit_scale_if_wide


def row_of(trained, **about):
    """Return a row of a table: what it is about, and what a training came to."""
    found = Measured.of(trained)
    return about | {
        "percent": 100 * found.density,
        "n_weights": found.n_weights,
        "iterations_to_converge": found.iterations[found.convergence],
        "n_steps": found.iterations[-1],
        "test_score": found.test_score[found.convergence],
    }


def plot_groups(table, group, kind, *, panel=None, titles="{}"):
    """Draw accuracies, a marker for each kind of network, those of one group side by side.

    Parameters
    ----------
    table : DataFrame
        A row a network, with columns `trial` and `test_score`.
    group, kind : str
        Columns of names.
    panel : str, default=None
        A column whose values have a panel each.
    titles : str, default="{}"
        What is written over a panel, of the value.

    Returns
    -------
    matplotlib Figure
    """
    panels = [(None, table)] if panel is None else list(table.groupby(panel, sort=False))
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(7.2, 0.6 + 2.7 * len(panels)), layout="constrained", squeeze=False
    )
    names, kinds = list(table[group].unique()), list(table[kind].unique())
    looks = looks_of(kinds)
    places = np.linspace(-0.25, 0.25, len(kinds)) if len(kinds) > 1 else [0.0]
    for ax, (value, rows) in zip(axes[:, 0], panels, strict=True):
        for name, offset in zip(kinds, places, strict=True):
            scores = rows[rows[kind] == name].groupby(group)["test_score"]
            summary = scores.agg(["mean", "min", "max"]).reindex(names)
            mean = summary["mean"].to_numpy()
            spread = np.abs(summary[["min", "max"]].to_numpy().T - mean)
            options = {"color": looks[name].color, "marker": looks[name].marker, "label": name}
            ax.errorbar(
                np.arange(len(names)) + offset, mean, spread, linestyle="", capsize=3, **options
            )
        ax.set_xticks(range(len(names)), names)
        ax.set_ylabel("test accuracy")
        ax.grid(axis="y", color="0.92", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        set_logit_scale_if_wide([ax], 1 - rows["test_score"])
        if value is not None:
            ax.set_title(titles.format(value), fontsize="medium")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper center", ncols=min(6, len(labels)), frameon=False
    )
    return figure
