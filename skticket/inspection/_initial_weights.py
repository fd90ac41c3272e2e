"""Distributions of the initial weights that survive."""

import numpy as np

from ._docs import display, draws
from ._rounds import choose_rounds, group_tickets, layer_titles
from ._style import draw_legend, make_axes, size_looks

_FEWEST_BINS, _MOST_BINS = 20, 80

_PARAMETERS = """
edges : dict of str to ndarray of shape (n_bins + 1,)
    For each layer the edges of the bins, the same for all sizes.
counts : dict of str to ndarray of shape (n_sizes, n_bins)
    How many surviving initial weights of each layer are in each bin, in all trials.
n_initial : dict of str to ndarray of shape (n_sizes,)
    How many weights each layer of the full network has, in all trials.
tickets : sequence of Ticket, or of sequences of Ticket
    Of one architecture. The tickets of an inner sequence are trials of one size, whose
    weights are pooled; in a plain sequence, those whose densities differ by less than one
    percent of their value are.
bins : int, default=None
    Bins a layer; by default the more, the more weights survive.
relative_to : {"survivors", "initial"}, default="survivors"
    Whether each distribution covers an area of one, or the share of the initial weights
    that survive.
ax : array-like of matplotlib Axes, default=None
    Where to draw, one for each layer; a new figure when None.
**stairs_kw : dict
    Passed to matplotlib's `stairs`.
"""


@display(_PARAMETERS)
class InitialWeightsDisplay:
    """Distribution of the initial weights (θ0) that survive, a panel a layer.

    The initial weights of the full network are drawn in black over grey, those that its
    tickets have kept as lines from dark to light as the tickets shrink. Where training
    keeps what is far from zero, the survivors have two humps with a gap between them.

    %(stored)s
    ax_ : ndarray of matplotlib Axes, shape (n_layers,)
        A panel a layer.
    stairs_ : dict of str to list of matplotlib StepPatch
        For each layer, the distribution at each size.
    legend_ : matplotlib Legend
        Names the sizes, beside the Axes.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.inspection import InitialWeightsDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((30, 10), rounds=3, random_state=0).fit(X, y)
    >>> display = InitialWeightsDisplay.from_estimator(clf)
    >>> [ax.get_title() for ax in display.ax_]
    ['hidden layer 1', 'hidden layer 2', 'output layer']
    >>> int(display.counts["layers.0.weight"][0].sum())  # the full network's
    120
    """

    def __init__(self, *, percent_remaining, edges, counts, n_initial):
        self.percent_remaining = percent_remaining
        self.edges = edges
        self.counts = counts
        self.n_initial = n_initial

    @classmethod
    @draws(_PARAMETERS)
    def from_estimator(
        cls, estimator, *, rounds=None, bins=None, relative_to="survivors", ax=None, **stairs_kw
    ):
        """Make and draw the display of a fitted estimator."""
        tickets = [[estimator.tickets_[i]] for i in choose_rounds(estimator, rounds)]
        return cls.from_tickets(tickets, bins=bins, relative_to=relative_to, ax=ax, **stairs_kw)

    @classmethod
    @draws(_PARAMETERS)
    def from_tickets(cls, tickets, *, bins=None, relative_to="survivors", ax=None, **stairs_kw):
        """Make and draw the display of tickets."""
        percents, groups = group_tickets(tickets)
        edges, counts, n_initial = {}, {}, {}
        for name in groups[0][0].mask:
            survivors = [_survivors(group, name) for group in groups]
            edges[name] = _edges(survivors, bins)
            counts[name] = np.array([np.histogram(v, edges[name])[0] for v in survivors])
            n_initial[name] = np.array([sum(t.mask[name].size for t in g) for g in groups])
        display = cls(percent_remaining=percents, edges=edges, counts=counts, n_initial=n_initial)
        return display.plot(ax=ax, relative_to=relative_to, **stairs_kw)

    @draws(_PARAMETERS)
    def plot(self, ax=None, *, relative_to="survivors", **stairs_kw):
        """Draw the display."""
        if relative_to not in ("survivors", "initial"):
            raise ValueError(
                f"relative_to must be one of ('survivors', 'initial'), got {relative_to!r}"
            )
        titles, _ = layer_titles(self.counts)
        self.ax_, is_new = make_axes(ax, len(titles), "layer", n_columns=4, size=(3.1, 2.9))
        self.figure_ = self.ax_[0].figure
        self.stairs_ = {}
        for ax, name, title in zip(self.ax_, self.counts, titles, strict=True):
            self.stairs_[name] = self._draw(ax, name, relative_to, stairs_kw)
            ax.set_title(title, fontsize="medium")
            ax.set_xlabel("initial weight")
            ax.spines[["top", "right"]].set_visible(False)
            ax.locator_params(nbins=5)
            ax.set_ylim(bottom=0)
        self.ax_[0].set_ylabel(
            "density" if relative_to == "survivors" else "density × surviving share"
        )
        self.legend_ = draw_legend(self.ax_, is_new, side="right", title="weights\nremaining")
        return self

    def _draw(self, ax, name, relative_to, stairs_kw):
        edges, counts = self.edges[name], self.counts[name]
        totals = counts.sum(axis=1) if relative_to == "survivors" else self.n_initial[name]
        stairs = []
        percents = self.percent_remaining
        for percent, look, row, total in zip(
            percents, size_looks(percents), counts, totals, strict=True
        ):
            density = row / (max(total, 1) * np.diff(edges))
            stairs.append(ax.stairs(density, edges, **{"linewidth": 1.4} | look | stairs_kw))
            if percent >= 100:
                ax.stairs(density, edges, color="0.9", fill=True, zorder=0)
        return stairs


def _survivors(tickets, name):
    """Initial weights that survive in any of the trials of one size."""
    return np.concatenate([ticket.initial[name][ticket.mask[name]] for ticket in tickets])


def _edges(survivors, bins):
    """Edges of bins that lie evenly on both sides of zero."""
    if bins is None:
        fewest = min(len(values) for values in survivors)
        # Rice's rule; an even number, so that no bin has weights of both signs.
        bins = 2 * int(np.clip(np.cbrt(fewest), _FEWEST_BINS / 2, _MOST_BINS / 2))
    largest = max(np.abs(values).max(initial=0.0) for values in survivors) or 1.0
    return np.linspace(-largest, largest, bins + 1)
