"""How many connections of each unit survive."""

import numpy as np

from ._docs import display, draws
from ._rounds import choose_rounds, group_tickets, layer_titles
from ._style import draw_legend, make_axes, size_looks

_DIRECTIONS = ("incoming", "outgoing")

_PARAMETERS = """
incoming, outgoing : dict of str to ndarray of shape (n_sizes, n_units)
    For each layer's weights, surviving connections into each of its outputs and out
    of each of its inputs, in decreasing order. For a convolution these are the
    channels.
scale : {"log", "linear"}, default="log"
    Of the number of connections; the logarithmic one shows 0, too.
ax : array-like of matplotlib Axes, default=None
    Where to draw: two rows, one Axes for each layer; a new figure when None.
"""


@display(_PARAMETERS)
class ConnectivityDisplay:
    """Surviving connections of each unit, a panel for each layer and direction.

    The upper panels show how many connections lead into each unit of a layer, the lower
    ones how many of the same connections come out of each unit before it. Units are
    sorted by that number, the best connected on the left; of several trials, the mean of
    the sorted numbers is drawn.

    %(stored)s
    ax_ : ndarray of matplotlib Axes, shape (2, n_layers)
        A panel for each direction and layer.
    lines_ : dict of str to dict of str to list of matplotlib Line2D
        By direction ("incoming" and "outgoing") and layer, a line a size.
    legend_ : matplotlib Legend
        Names the sizes, beside the Axes.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.inspection import ConnectivityDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((30, 10), rounds=3, random_state=0).fit(X, y)
    >>> display = ConnectivityDisplay.from_estimator(clf, rounds=[0, 3])
    >>> display.outgoing["layers.0.weight"]
    array([[30., 30., 30., 30.],
           [...]])
    """

    def __init__(self, *, percent_remaining, incoming, outgoing):
        self.percent_remaining = percent_remaining
        self.incoming = incoming
        self.outgoing = outgoing

    @classmethod
    @draws(_PARAMETERS)
    def from_estimator(cls, estimator, *, rounds=None, scale="log", ax=None, **line_kw):
        """Make and draw the display of a fitted estimator."""
        tickets = [[estimator.tickets_[i]] for i in choose_rounds(estimator, rounds)]
        return cls.from_tickets(tickets, scale=scale, ax=ax, **line_kw)

    @classmethod
    @draws(_PARAMETERS)
    def from_tickets(cls, tickets, *, scale="log", ax=None, **line_kw):
        """Make and draw the display of tickets."""
        percents, groups = group_tickets(tickets)
        names = list(groups[0][0].mask)
        incoming, outgoing = (
            {
                name: np.array([_mean_sorted_counts(group, name, axis) for group in groups])
                for name in names
            }
            for axis in (0, 1)
        )
        display = cls(percent_remaining=percents, incoming=incoming, outgoing=outgoing)
        return display.plot(ax=ax, scale=scale, **line_kw)

    @draws(_PARAMETERS)
    def plot(self, ax=None, *, scale="log", **line_kw):
        """Draw the display."""
        if scale not in ("log", "linear"):
            raise ValueError(f"scale must be one of ('log', 'linear'), got {scale!r}")
        n_layers = len(self.incoming)
        what = "direction of each layer"
        axes, is_new = make_axes(ax, 2 * n_layers, what, n_columns=n_layers, size=(3.1, 2.5))
        self.ax_ = axes.reshape(2, n_layers)
        self.figure_ = axes[0].figure
        _, ends = layer_titles(self.incoming)
        self.lines_ = {direction: {} for direction in _DIRECTIONS}
        for layer, (name, (source, target)) in enumerate(zip(self.incoming, ends, strict=True)):
            for row, (direction, units) in enumerate((("incoming", target), ("outgoing", source))):
                ax = self.ax_[row, layer]
                counts = getattr(self, direction)[name]
                self.lines_[direction][name] = self._draw(ax, counts, line_kw)
                _finish(ax, counts, scale)
                ax.set_title(f"{'into' if row == 0 else 'out of'} {units}", fontsize="medium")
        for ax in self.ax_[:, 0]:
            ax.set_ylabel("connections")
        for ax in self.ax_[1]:
            ax.set_xlabel("unit, by rank")
        self.legend_ = draw_legend(self.ax_[0], is_new, side="right", title="weights\nremaining")
        return self

    def _draw(self, ax, counts, line_kw):
        rank = np.arange(1, counts.shape[1] + 1)
        options = {"linewidth": 1.4, "marker": "." if len(rank) < 20 else None}
        looks = size_looks(self.percent_remaining)
        return [
            ax.plot(rank, row, **options | look | line_kw)[0]
            for row, look in zip(counts, looks, strict=True)
        ]


def _mean_sorted_counts(tickets, name, axis):
    counts = [_counts(ticket.mask[name], axis) for ticket in tickets]
    return np.mean([np.sort(count)[::-1] for count in counts], axis=0)


def _counts(mask, axis):
    """Survivors of each output (axis 0) or input (axis 1), kernels summed over."""
    others = tuple(other for other in range(mask.ndim) if other != axis)
    return mask.sum(axis=others)


def _finish(ax, counts, scale):
    if scale == "log":
        # Linear from 0 to 1, so that units without connections are seen.
        ax.set_yscale("symlog", linthresh=1, linscale=0.4)
        ax.yaxis.set_major_formatter("{x:,.0f}")
    highest = max(counts.max(), 1)
    # A little below 0, so that lines at 0 do not lie on the axis.
    low, high = (-0.2, 1.5 * highest) if scale == "log" else (-0.02 * highest, 1.08 * highest)
    ax.set_ylim(low, high)
    ax.xaxis.get_major_locator().set_params(integer=True, nbins=5)
    ax.grid(axis="y", color="0.92", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
