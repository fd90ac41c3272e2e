"""Axes, legends and colours of sizes that the displays share."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import colormaps
from matplotlib.container import Container
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

from ._palette import PALETTE

_ARROW = {"marker": r"$\uparrow$", "markersize": 8, "markeredgewidth": 0.3, "linestyle": "none"}
# The ends of this map are left out: one is nearly black, the other too pale on white.
_SIZES, _SIZES_FROM, _SIZES_TO = "plasma", 0.03, 0.86


def percent_axis(ax):
    """Make the x axis that of percent remaining: logarithmic, 100 on the left.

    Parameters
    ----------
    ax : matplotlib Axes
        With everything drawn that it is to show.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skticket.inspection import percent_axis
    >>> figure, ax = plt.subplots()
    >>> lines = ax.plot([100, 80, 64], [0.95, 0.96, 0.96])
    >>> percent_axis(ax)
    >>> ax.get_xlabel()
    'percent of weights remaining'
    >>> plt.close(figure)
    """
    form = FuncFormatter(lambda value, _: f"{value:g}")
    _size_axis(ax, "percent", form, most=100.0, least=min(ax.dataLim.x0, 90.0))


def weights_axis(ax):
    """Make the x axis that of the number of weights: logarithmic, the most on the left."""
    _size_axis(ax, "number", EngFormatter(sep=""), most=ax.dataLim.x1, least=ax.dataLim.x0)


def _size_axis(ax, unit, form, *, most, least):
    ax.set_xscale("log")
    margin = max(1.12, (most / least) ** 0.05)
    ax.set_xlim(most * margin, least / margin)
    # Of a narrow range, more than its ends are told.
    subs = (1.0, 2.0, 3.0, 5.0, 7.0) if most < 4 * least else (1.0, 2.0, 5.0)
    ax.xaxis.set_major_locator(LogLocator(subs=subs))
    ax.xaxis.set_major_formatter(form)
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(f"{unit} of weights remaining")
    ax.spines[["top", "right"]].set_visible(False)


def show_noise(ax, values, errors):
    """Let the y axis show two standard errors beyond all values, so that noise looks like noise."""
    values, errors = np.asarray(values, float), np.asarray(errors, float)
    is_known = np.isfinite(values) & np.isfinite(errors)
    if not is_known.any():
        return
    low = (values - 2 * errors)[is_known].min()
    high = (values + 2 * errors)[is_known].max()
    bottom, top = ax.get_ylim()
    ax.set_ylim(min(bottom, low), max(top, high))


def draw_at_least(ax, x, y, color, right=0.0):
    """Draw arrows over points that are lower bounds, so many typographic points to the right."""
    over = ScaledTranslation(right / 72, 7 / 72, ax.figure.dpi_scale_trans)
    ax.plot(x, y, **_ARROW | {"color": color}, transform=ax.transData + over)


def explain_at_least(ax):
    """Add what those arrows mean to what a legend will say."""
    label = "at least: lowest loss at the last evaluation"
    ax.plot([], [], **_ARROW | {"color": "0.3"}, label=label)


def percent_label(percent):
    """Return a size as text, such as "51.3%"."""
    return f"{percent:.3g}%"


def size_looks(percents):
    """Return colour and label of each size: black for the full network, then dark to light."""
    is_full = [percent >= 100 for percent in percents]
    n_pruned = is_full.count(False)
    # One alone is drawn from the middle, where it differs most from black.
    places = np.linspace(_SIZES_FROM, _SIZES_TO, n_pruned) if n_pruned > 1 else [0.5]
    pruned = iter(colormaps[_SIZES](places))
    colors = [PALETTE["full network"].color if full else next(pruned) for full in is_full]
    labels = map(percent_label, percents)
    return [{"color": c, "label": label} for c, label in zip(colors, labels, strict=True)]


def make_axes(ax, n_axes, what, *, n_columns=None, size):
    """Return the Axes to draw in, flat, and whether they are of a new figure.

    Without `ax`, that holds `n_axes` of the size in inches, by default all in one row. Errors call
    what each is for `what`.
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
    )
    for unused in grid.ravel()[n_axes:]:
        figure.delaxes(unused)
    return grid.ravel()[:n_axes], True


def draw_legend(axes, is_new, *, side, title=None, most_columns=1):
    """Draw the legend of the first of the axes outside of all, where no curve can run through it.

    It lies beside the last of the axes ("right") or over the first ("above"), there in at most so
    many columns; in a new figure, which is the display's own, it is the figure's.
    """
    handles, labels = axes[0].get_legend_handles_labels()
    # Curves with bars first, which matplotlib puts last.
    order = sorted(range(len(labels)), key=lambda i: not isinstance(handles[i], Container))
    handles, labels = [handles[i] for i in order], [labels[i] for i in order]
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
