"""A picture of loss and error on the line between tickets."""

from itertools import pairwise
from textwrap import fill

import pandas as pd
from matplotlib.ticker import MaxNLocator

from ..estimators import with_ticket
from ._docs import display, draws
from ._line import line_between
from ._palette import MOST_LOOKS, looks_of
from ._rounds import choose_rounds
from ._style import draw_legend, make_axes, percent_label
from ._tables import check_spread, describe_trials, read_table, summarize

_QUANTITIES = ["loss", "error"]

_PARAMETERS = """
curves : dict of str to DataFrame
    For each line a table, a row a point: `alpha`, `loss` and `error`, where there is a spread
    each with `<column>_low` and `<column>_high`, and `n_trials`.
rounds : sequence of int, default=None
    Rounds to draw the lines between, each and the next; by default at most five, evenly
    spread from the first to the last.
first, second : WinningTicketClassifier or WinningTicketRegressor
    Fitted estimators, of one architecture.
X : {array-like, sparse matrix} of shape (n_samples, n_features)
    Inputs to evaluate on.
y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    Their targets.
n_points : int, default=11
    Evenly spaced points of each line.
results : DataFrame, or what makes one
    A row a point, with the columns that `line_between` gives: `alpha`, `loss` and `error`;
    if there are several lines, `condition` names them (at most seven), and `trial` tells
    trials of one apart.
spread : {"range", "std", "ci95", None}, default="range"
    What the bands span: the smallest to the largest trial, one standard deviation either
    way, the 95% confidence interval of the mean (by Student's t); None for no bands.
ax : array-like of two matplotlib Axes, default=None
    Where to draw loss and error; a new figure when None.
"""


@display(_PARAMETERS)
class InterpolationDisplay:
    """Loss and error on the line between two tickets, one or several lines.

    Where a curve is level, the two networks lie in one basin of the loss; a hump is a barrier.

    %(stored)s
    ax_ : ndarray of two matplotlib Axes
        Loss, and error.
    lines_ : dict of str to list of two matplotlib Line2D
        Of each line the curves of loss and error.
    bands_ : dict of str to list of matplotlib artists
        The spread of each; an empty list where there is one trial.
    legend_ : matplotlib Legend or None
        Names the lines, beside the Axes; None if there is only one.

    See Also
    --------
    error_barrier : How high the hump is.

    References
    ----------
    .. [1] J. Frankle et al., "Linear Mode Connectivity and the Lottery Ticket
       Hypothesis", ICML 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.inspection import InterpolationDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((20,), rounds=2, random_state=0).fit(X, y)
    >>> display = InterpolationDisplay.from_estimator(clf, X, y, n_points=3)
    >>> list(display.curves)
    ['100% to 84.3%', '84.3% to 71.4%']
    """

    def __init__(self, *, curves, spread="range"):
        self.curves = curves
        self.spread = spread

    @classmethod
    @draws(_PARAMETERS)
    def from_estimator(cls, estimator, X, y, *, rounds=None, n_points=11, ax=None, **line_kw):
        """Make and draw the display of the lines between rounds of a fitted estimator."""
        positions = choose_rounds(estimator, rounds)
        if len(positions) < 2:
            raise ValueError(f"rounds must name at least two rounds, got {len(positions)}")
        tables = []
        networks = [with_ticket(estimator, estimator.tickets_[i]) for i in positions]
        for one, other in pairwise(networks):
            ends = " to ".join(percent_label(100 * end.density_) for end in (one, other))
            tables.append(line_between(one, other, X, y, n_points=n_points).assign(condition=ends))
        return cls.from_results(pd.concat(tables), ax=ax, **line_kw)

    @classmethod
    @draws(_PARAMETERS)
    def from_estimators(cls, first, second, X, y, *, n_points=11, ax=None, **line_kw):
        """Make and draw the display of the line between two fitted estimators."""
        return cls.from_results(
            line_between(first, second, X, y, n_points=n_points), ax=ax, **line_kw
        )

    @classmethod
    @draws(_PARAMETERS)
    def from_results(cls, results, *, spread="range", ax=None, **line_kw):
        """Make and draw the display of a table of points."""
        check_spread(spread)
        frame = read_table(results, ["alpha", *_QUANTITIES])
        if "condition" not in frame:
            frame = frame.assign(condition="line")
        lines = frame.groupby("condition", sort=False)
        if len(lines) > MOST_LOOKS:
            raise ValueError(f"at most {MOST_LOOKS} lines can be drawn, got {len(lines)}")
        curves = {
            name: summarize(rows.groupby("alpha"), _QUANTITIES, spread).reset_index()
            for name, rows in lines
        }
        return cls(curves=curves, spread=spread).plot(ax=ax, **line_kw)

    @draws(_PARAMETERS)
    def plot(self, ax=None, **line_kw):
        """Draw the display."""
        self.ax_, is_new = make_axes(ax, 2, "quantity", size=(3.9, 3.1))
        self.figure_ = self.ax_[0].figure
        self.lines_ = {name: [] for name in self.curves}
        self.bands_ = {name: [] for name in self.curves}
        looks = looks_of(self.curves)
        for ax, quantity in zip(self.ax_, _QUANTITIES, strict=True):
            for name, curve in self.curves.items():
                look = {"color": looks[name].color, "marker": looks[name].marker}
                options = {"linewidth": 1.5, "markersize": 4, "label": name} | look | line_kw
                (line,) = ax.plot(curve["alpha"], curve[quantity], **options)
                self.lines_[name].append(line)
                self.bands_[name] += _draw_band(ax, curve, quantity, line.get_color())
            ax.set_xlabel("from the first (0) to the second (1)")
            ax.set_ylabel(quantity)
            ax.xaxis.set_major_locator(MaxNLocator(5))
            ax.spines[["top", "right"]].set_visible(False)
            ax.grid(axis="y", color="0.92", linewidth=0.8)
            ax.set_axisbelow(True)
        self.legend_ = None
        if len(self.curves) > 1:
            trials = describe_trials(self.curves.values(), self.spread, "band")
            title = fill(trials, 22) if trials else None
            self.legend_ = draw_legend(self.ax_, is_new, side="right", title=title)
        return self


def _draw_band(ax, curve, quantity, color):
    low, high = (curve.get(f"{quantity}_{end}") for end in ("low", "high"))
    if low is None or low.equals(high):
        return []
    return [ax.fill_between(curve["alpha"], low, high, color=color, alpha=0.18, linewidth=0)]
