"""Pictures of the exclusive-or experiment."""

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ...datasets import make_xor
from ...engines import stack_outputs
from ...inspection import ONE, PALETTE, ZERO
from ._networks import DIRECTLY


def plot_success(direct, pruned):
    """Draw the success rate against the number of units.

    Parameters
    ----------
    direct, pruned : DataFrame
        The two tables.

    Returns
    -------
    matplotlib Figure
    """
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    curves = [(DIRECTLY, direct), *pruned.groupby("strategy", sort=False)]
    for ax, measure, title in (
        (axes[0], "db", "Right decision boundary"),
        (axes[1], "zl", "Zero loss"),
    ):
        for position, (name, table) in enumerate(curves):
            _draw_curve(ax, measure, name, table, 0.1 * (position - (len(curves) - 1) / 2))
        ax.set_title(title)
        ax.set_xlabel("hidden units")
        # Pruning goes from left to right.
        ax.set_xticks(sorted(set(direct["units"]) | set(pruned["units"])))
        ax.invert_xaxis()
        ax.grid(axis="y", color="0.9")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("networks (%)")
    axes[0].set_ylim(0, 102)
    handles, labels = axes[0].get_legend_handles_labels()
    handles.append(Line2D([], [], color="0.3", marker="x", linestyle="none"))
    labels.append("published")
    title = f"{direct['networks'].max():,} networks each, 95% intervals"
    axes[0].legend(handles, labels, title=title, loc="lower left", frameon=False)
    return figure


def _draw_curve(ax, measure, name, table, shift):
    look = PALETTE[name]
    percent = table[measure]
    ax.errorbar(
        table["units"] - shift,
        percent,
        yerr=[percent - table[f"{measure}_low"], table[f"{measure}_high"] - percent],
        color=look.color,
        marker=look.marker,
        markersize=5,
        linewidth=2.2 if name == DIRECTLY else 1.4,
        linestyle="--" if name == DIRECTLY else "-",
        capsize=2.5,
        label=name if name == DIRECTLY else f"pruned, {name}",
    )
    ax.plot(
        table["units"] - shift, table[f"{measure}_published"], "x", color=look.color, markersize=8
    )


def plot_boundaries(rows):
    """Draw what networks have learned, with the lines at which their hidden units switch.

    Parameters
    ----------
    rows : list of tuple
        For each row of pictures its title, and for each picture the number of units
        and the trained ticket.

    Returns
    -------
    matplotlib Figure
    """
    n_columns = max(len(pictures) for _, pictures in rows)
    figure = Figure(figsize=(2.1 * n_columns + 0.4, 2.35 * len(rows) + 0.7), layout="constrained")
    grid = figure.subplots(len(rows), n_columns, squeeze=False, sharex=True, sharey=True)
    for axes, (title, pictures) in zip(grid, rows, strict=True):
        for ax, (n_units, ticket) in zip(axes, pictures, strict=False):
            _draw_boundary(ax, ticket)
            ax.set_title(f"{n_units} unit{'s' if n_units > 1 else ''}", fontsize=10)
        for ax in axes[len(pictures) :]:
            ax.set_axis_off()
        axes[0].set_ylabel(f"{title}\n\ninput 2")
    for ax in grid[-1]:
        ax.set_xlabel("input 1")
    figure.legend(
        handles=[
            Patch(color=ONE, alpha=0.45, label="says 1"),
            Patch(color=ZERO, alpha=0.45, label="says 0"),
            Line2D([], [], color="0.25", linestyle="--", label="a hidden unit switches"),
            _point(ONE, "s", "example, 1"),
            _point(ZERO, "o", "example, 0"),
        ],
        loc="outside lower center",
        ncols=5,
        frameon=False,
    )
    return figure


def _point(color, marker, label):
    return Line2D(
        [], [], color=color, marker=marker, markeredgecolor="black", linestyle="none", label=label
    )


def _draw_boundary(ax, ticket, low=-0.5, high=1.5):
    ticks = np.linspace(low, high, 201)
    points = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    logits = stack_outputs([ticket], points)[0, :, 0].reshape(len(ticks), len(ticks))
    ax.pcolormesh(
        ticks, ticks, logits > 0, cmap=ListedColormap([ZERO, ONE]), alpha=0.45, rasterized=True
    )
    layer = ticket.layers[0]
    # A unit that was pruned has no line.
    alive = ticket.living_units[layer.weight]
    weights, biases = (ticket.weights[name][alive] for name in layer)
    for weight, bias in zip(weights, biases, strict=True):
        ends = _line_ends(weight.astype(float), float(bias), 10 * (high - low))
        ax.plot(*ends, color="0.25", linestyle="--", linewidth=1)
    X, y = make_xor()
    for label, color, marker in ((0, ZERO, "o"), (1, ONE, "s")):
        ax.scatter(*X[y == label].T, c=color, marker=marker, s=45, edgecolors="black", zorder=3)
    ax.set(xlim=(low, high), ylim=(low, high), xticks=[0, 1], yticks=[0, 1], aspect="equal")


def _line_ends(weight, bias, length):
    """Return x and y of two far points of the line weight · x + bias = 0."""
    nearest = -bias * weight / (weight @ weight)
    along = np.array([-weight[1], weight[0]]) / np.linalg.norm(weight)
    return np.transpose([nearest - length * along, nearest + length * along])
