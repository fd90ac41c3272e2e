"""Colours, axes and legends that the displays share."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import colormaps
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter

# From the palette of Okabe and Ito, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
AMBER, SKY, BLACK = "#E69F00", "#56B4E9", "#000000"

# Colour and marker of each condition: either alone is enough to tell them apart.
CONDITION_STYLES = (
    (BLUE, "o"),
    (ORANGE, "s"),
    (GREEN, "^"),
    (PURPLE, "D"),
    (AMBER, "v"),
    (SKY, "P"),
    (BLACK, "X"),
)

# The ends of this map are left out: one is nearly black, the other too pale on white.
_SIZES, _SIZES_FROM, _SIZES_TO = "plasma", 0.03, 0.86


def percent_axis(ax):
    """Make the x axis that of percent remaining: logarithmic, 100 on the left."""
    ax.set_xscale("log")
    low = min(ax.dataLim.x0, 90.0)
    ax.set_xlim(112, low / 1.12)
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("percent of weights remaining")
    ax.spines[["top", "right"]].set_visible(False)


def weights_axis(ax):
    """Make the x axis that of the number of weights: logarithmic, the most on the left."""
    ax.set_xscale("log")
    ax.set_xlim(ax.dataLim.x1 * 1.12, ax.dataLim.x0 / 1.12)
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("number of weights remaining")
    ax.spines[["top", "right"]].set_visible(False)


def percent_label(percent):
    """Return a size as text, such as "51.3%"."""
    return f"{percent:.3g}%"


def size_colors(percents):
    """Return a colour for each size: black for the full network, then dark to light.

    Parameters
    ----------
    percents : sequence of float
        Percent remaining, from the largest to the smallest.

    Returns
    -------
    list of colours
    """
    is_full = [percent >= 100 for percent in percents]
    n_pruned = is_full.count(False)
    # One alone is drawn from the middle, where it differs most from black.
    places = np.linspace(_SIZES_FROM, _SIZES_TO, n_pruned) if n_pruned > 1 else [0.5]
    pruned = iter(colormaps[_SIZES](places))
    return ["black" if full else next(pruned) for full in is_full]


def make_axes(ax, n_axes, what, *, n_columns=None, size=(4.4, 3.2), **subplots_kw):
    """Return the Axes to draw in, and whether they are of a new figure.

    Parameters
    ----------
    ax : Axes, array-like of Axes, or None
        What the caller was given.
    n_axes : int
        How many are needed.
    what : str
        What each of them is for, as errors say it.
    n_columns : int, default=None
        Columns of a new figure; all in one row when None.
    size : tuple of float
        Width and height of each in a new figure, in inches.
    **subplots_kw : dict
        Passed to matplotlib's `subplots` for a new figure.

    Returns
    -------
    axes : ndarray of shape (n_axes,)
    is_new : bool
    """
    if ax is not None:
        axes = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
        if len(axes) != n_axes:
            raise ValueError(f"ax must hold {n_axes} Axes, one for each {what}, got {len(axes)}")
        return axes, False
    n_columns = min(n_axes, n_columns or n_axes)
    n_rows = -(-n_axes // n_columns)
    figure, grid = plt.subplots(
        n_rows,
        n_columns,
        figsize=(size[0] * n_columns, size[1] * n_rows),
        layout="constrained",
        squeeze=False,
        **subplots_kw,
    )
    for unused in grid.ravel()[n_axes:]:
        figure.delaxes(unused)
    return grid.ravel()[:n_axes], True


def draw_legend(axes, is_new, *, side, title=None, most_columns=1):
    """Draw one legend for all axes outside of them, where no curve can run through it.

    Parameters
    ----------
    axes : ndarray of Axes
        The handles are those of the first.
    is_new : bool
        Whether the figure is the display's own, so that its legend may be the figure's.
    side : {"right", "above"}
        Beside the last of the axes, or above the first.
    title : str, default=None
        Over the entries.
    most_columns : int, default=1
        Most columns of entries, above.

    Returns
    -------
    matplotlib Legend
    """
    handles, labels = axes[0].get_legend_handles_labels()
    options = {"handles": handles, "labels": labels, "frameon": False, "title": title}
    if side == "above":
        n_rows = -(-len(labels) // most_columns)
        options["ncols"] = -(-len(labels) // n_rows)
    if is_new:
        where = {"right": "outside right upper", "above": "outside upper center"}[side]
        return axes[0].figure.legend(loc=where, **options)
    if side == "above":
        return axes[0].legend(loc="lower left", bbox_to_anchor=(0, 1), **options)
    return axes[-1].legend(loc="upper left", bbox_to_anchor=(1, 1), **options)
