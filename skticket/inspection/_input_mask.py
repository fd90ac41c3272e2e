"""Which inputs tickets still use."""

from math import isqrt

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LogNorm, Normalize
from matplotlib.ticker import LogFormatter, StrMethodFormatter

from ._docs import display, draws
from ._rounds import choose_rounds, group_tickets
from ._style import make_axes, percent_label

_PARAMETERS = """
counts : ndarray of shape (n_sizes, n_inputs)
    Surviving connections of each input.
estimator : WinningTicketClassifier or WinningTicketRegressor
    Fitted estimator, whose first layer takes the inputs themselves.
rounds : sequence of int, default=None
    Rounds to draw; by default at most five that were pruned, evenly spread from the first
    to the last.
tickets : sequence of Ticket, or of sequences of Ticket
    Of one architecture, whose first layer takes the inputs themselves. The tickets of an
    inner sequence are trials of one size; in a plain sequence, those whose densities
    differ by less than one percent of their value are.
shape : tuple of int, default=None
    Rows and columns of the image; by default a square's.
scale : {"log", "linear"}, default="log"
    Of the colours.
ax : array-like of matplotlib Axes, default=None
    Where to draw, one for each size; a new figure when None.
**imshow_kw : dict
    Passed to matplotlib's `imshow`.
"""


@display(_PARAMETERS)
class InputMaskDisplay:
    """Surviving connections of each input, as an image, a panel for each size.

    Inputs without any are left white; of several trials, the mean number is drawn.

    %(stored)s
    ax_ : ndarray of matplotlib Axes, shape (n_sizes,)
        A panel a size.
    images_ : list of matplotlib AxesImage
        An image a size, all with the same colours.
    colorbar_ : matplotlib Colorbar
        What the colours are.

    See Also
    --------
    skticket.TicketSelector : Keeps the inputs that a ticket uses.

    Examples
    --------
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.datasets import load_digits
    >>> from skticket.inspection import InputMaskDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = WinningTicketClassifier((20,), rounds=2, max_epochs=2, random_state=0).fit(X, y)
    >>> display = InputMaskDisplay.from_estimator(clf)
    >>> display.images_[0].get_array().shape
    (8, 8)
    """

    def __init__(self, *, percent_remaining, counts, shape=None):
        self.percent_remaining = percent_remaining
        self.counts = counts
        self.shape = shape

    @classmethod
    @draws(_PARAMETERS)
    def from_estimator(
        cls, estimator, *, rounds=None, shape=None, scale="log", ax=None, **imshow_kw
    ):
        """Make and draw the display of a fitted estimator."""
        positions = choose_rounds(estimator, rounds, full=False)
        tickets = [[estimator.tickets_[i]] for i in positions]
        mask = next(iter(tickets[0][0].mask.values()))
        if mask.ndim == 2 and mask.shape[1] != estimator.n_features_in_:
            raise ValueError(
                "estimator must have a first layer that takes the inputs themselves; it takes "
                f"{mask.shape[1]} values, and there are {estimator.n_features_in_} inputs"
            )
        return cls.from_tickets(tickets, shape=shape, scale=scale, ax=ax, **imshow_kw)

    @classmethod
    @draws(_PARAMETERS)
    def from_tickets(cls, tickets, *, shape=None, scale="log", ax=None, **imshow_kw):
        """Make and draw the display of tickets."""
        percents, groups = group_tickets(tickets)
        name, mask = next(iter(groups[0][0].mask.items()))
        if mask.ndim != 2:
            raise ValueError(
                "tickets must have a fully connected first layer, whose weights have a column "
                f"for each input; those of {name!r} have shape {mask.shape}"
            )
        counts = np.array(
            [np.mean([t.mask[name].sum(axis=0) for t in group], axis=0) for group in groups]
        )
        display = cls(percent_remaining=percents, counts=counts, shape=shape)
        return display.plot(ax=ax, scale=scale, **imshow_kw)

    @draws(_PARAMETERS)
    def plot(self, ax=None, *, scale="log", **imshow_kw):
        """Draw the display."""
        shape = _check_shape(self.shape, self.counts.shape[1])
        options = {"cmap": colormaps["viridis"].with_extremes(bad="white")}
        options |= {"norm": _norm(self.counts, scale), "interpolation": "nearest"}
        # A single row or column would be a hair's breadth.
        options["aspect"] = "auto" if 1 in shape else "equal"
        self.ax_, _ = make_axes(ax, len(self.counts), "size", n_columns=5, size=(2.1, 2.4))
        self.figure_ = self.ax_[0].figure
        self.images_ = []
        for ax, percent, row in zip(self.ax_, self.percent_remaining, self.counts, strict=True):
            image = np.ma.masked_equal(row, 0).reshape(shape)
            self.images_.append(ax.imshow(image, **options | imshow_kw))
            ax.set_title(f"{percent_label(percent)} remaining", fontsize="medium")
            ax.set_xticks([])
            ax.set_yticks([])
        self.colorbar_ = self.figure_.colorbar(
            self.images_[0],
            ax=list(self.ax_),
            label="connections (white: none)",
            format=StrMethodFormatter("{x:g}"),
            pad=0.02,
        )
        if scale == "log":
            # Of a narrow range it labels some; the default's are powers of ten.
            self.colorbar_.ax.yaxis.set_minor_formatter(LogFormatter())
        return self


def _norm(counts, scale):
    """Colours for all positive counts, the same in all panels."""
    norms = {"log": LogNorm, "linear": Normalize}
    if scale not in norms:
        raise ValueError(f"scale must be one of {tuple(norms)}, got {scale!r}")
    positive = counts[counts > 0]
    low, high = (positive.min(), positive.max()) if len(positive) else (1, 1)
    return norms[scale](low, high if high > low else low + 1)


def _check_shape(shape, n_inputs):
    """Return rows and columns of the image; a square's when None."""
    if shape is None:
        side = isqrt(n_inputs)
        if side**2 != n_inputs:
            raise ValueError(
                f"shape must be given, because the number of inputs, {n_inputs}, is no square: "
                f"the rows and columns of the image, or (1, {n_inputs}) where there is none"
            )
        return side, side
    shape = tuple(shape)
    if len(shape) != 2 or shape[0] * shape[1] != n_inputs:
        raise ValueError(
            f"shape must be the rows and columns of an image of {n_inputs} inputs, got {shape}"
        )
    return shape
