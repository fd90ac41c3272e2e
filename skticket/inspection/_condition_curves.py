"""Curves of several conditions, each with several trials."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from matplotlib.transforms import ScaledTranslation

from ._docs import display, draws
from ._palette import MOST_LOOKS, looks_of
from ._style import draw_legend, make_axes, percent_axis, weights_axis
from ._tables import check_spread, check_trials, number_sizes, read_table, summarize

_AXES = {"percent": percent_axis, "n_weights": weights_axis}

_PARAMETERS = """
curves : dict of str to DataFrame
    For each condition a table, a row a size: the column that `x` names, each of
    `columns`, and where there is a spread `<column>_low` and `<column>_high`.
results : DataFrame, or what makes one
    A row for each condition, trial and size, with the columns that the other parameters
    name. Rows of a condition are one point if their column `round` is the same, or where
    there is none if their sizes differ by less than one percent; the point lies at the
    mean size. With a column `trial`, it is checked that each trial has only one row a
    point.
condition : str, default="condition"
    Column that tells the conditions apart; at most seven can be drawn.
x : {"percent", "n_weights"}, default="percent"
    Column of sizes: surviving weights in percent, or their number.
columns : sequence of str
    Columns to draw, a panel each; of a table, by default "iterations_to_converge" and
    "test_score". Missing values are left out of the means.
labels : dict of str to str, default=None
    How conditions and columns are to be written, where not as they are.
conditions : sequence of str, default=None
    All conditions in the order of their colours and markers, which stay the same where a
    table lacks some; by default in the order of the table.
spread : {"range", "std", "ci95", None}, default="range"
    What the bars span: the smallest to the largest trial, one standard deviation either
    way, the 95% confidence interval of the mean (by Student's t); None for no bars.
ax : array-like of matplotlib Axes, default=None
    Where to draw, one for each column; a new figure when None.
**errorbar_kw : dict
    Passed to matplotlib's `errorbar`.
"""


@display(_PARAMETERS)
class ConditionCurvesDisplay:
    """Results of several conditions against the size of the network, over trials.

    Each condition has a curve in each panel: the mean over its trials, with bars for
    their spread. The points of different conditions are drawn a little side by side, so
    that their bars do not hide each other.

    %(stored)s
    ax_ : ndarray of matplotlib Axes, shape (n_columns,)
        A panel a column.
    errorbars_ : dict of str to dict of str to matplotlib ErrorbarContainer
        For each column, the curve of each condition.
    legend_ : matplotlib Legend
        Names the conditions, above the Axes.

    See Also
    --------
    TicketCurveDisplay : Of one search.

    Examples
    --------
    >>> import pandas as pd
    >>> from skticket.inspection import ConditionCurvesDisplay
    >>> results = pd.DataFrame(
    ...     [
    ...         ("winning ticket", 0, 100.0, 90, 0.97), ("winning ticket", 1, 100.0, 110, 0.96),
    ...         ("winning ticket", 0, 51.2, 40, 0.98), ("winning ticket", 1, 51.2, 60, 0.99),
    ...         ("reinitialized", 0, 51.2, 120, 0.95), ("reinitialized", 1, 51.2, 140, 0.96),
    ...     ],
    ...     columns=["condition", "trial", "percent", "iterations_to_converge", "test_score"],
    ... )
    >>> display = ConditionCurvesDisplay.from_results(
    ...     results, labels={"test_score": "test accuracy"}
    ... )
    >>> display.curves["winning ticket"]["iterations_to_converge"].tolist()
    [100.0, 50.0]
    >>> [ax.get_ylabel() for ax in display.ax_]
    ['iterations to converge', 'test accuracy']
    """

    def __init__(self, *, curves, columns, x="percent", labels=None, conditions=None):
        self.curves = curves
        self.columns = columns
        self.x = x
        self.labels = labels
        self.conditions = conditions

    @classmethod
    @draws(_PARAMETERS)
    def from_results(
        cls,
        results,
        *,
        condition="condition",
        x="percent",
        columns=("iterations_to_converge", "test_score"),
        labels=None,
        conditions=None,
        spread="range",
        ax=None,
        **errorbar_kw,
    ):
        """Make and draw the display of a table of trials."""
        if x not in _AXES:
            raise ValueError(f"x must be one of {tuple(_AXES)}, got {x!r}")
        check_spread(spread)
        columns = [columns] if isinstance(columns, str) else list(columns)
        frame = read_table(results, [condition, x, *columns])
        conditions = _check_conditions(frame[condition], conditions)
        curves = {
            name: _curve(frame[frame[condition] == name], condition, x, columns, spread)
            for name in conditions
            if (frame[condition] == name).any()
        }
        display = cls(curves=curves, columns=columns, x=x, labels=labels, conditions=conditions)
        return display.plot(ax=ax, **errorbar_kw)

    @draws(_PARAMETERS)
    def plot(self, ax=None, **errorbar_kw):
        """Draw the display."""
        self.ax_, is_new = make_axes(ax, len(self.columns), "column", size=(4.6, 3.5))
        self.figure_ = self.ax_[0].figure
        self.errorbars_ = {
            column: self._draw(ax, column, errorbar_kw)
            for column, ax in zip(self.columns, self.ax_, strict=True)
        }
        most_columns = 2 * len(self.columns)
        self.legend_ = draw_legend(self.ax_, is_new, side="above", most_columns=most_columns)
        return self

    def _draw(self, ax, column, errorbar_kw):
        looks = looks_of(self.conditions or self.curves)
        errorbars = {}
        for name in self._drawn():
            options = {
                "color": looks[name].color,
                "marker": looks[name].marker,
                "markersize": 4.5,
                "linewidth": 1.3,
                "elinewidth": 0.9,
                "capsize": 1.8,
                "label": self._label(name),
            } | errorbar_kw
            table = self.curves[name]
            errorbars[name] = ax.errorbar(
                table[self.x], table[column], yerr=_bars(table, column), **options
            )
        self._finish(ax, column)
        _set_side_by_side(ax, errorbars.values())
        return errorbars

    def _drawn(self):
        return [name for name in self.conditions or self.curves if name in self.curves]

    def _finish(self, ax, column):
        _AXES[self.x](ax)
        ax.set_ylabel(self._label(column))
        ax.grid(axis="y", color="0.92", linewidth=0.8)
        ax.set_axisbelow(True)
        if column.startswith("iterations"):
            ax.set_ylim(bottom=0)
            ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
            ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))

    def _label(self, name):
        return (self.labels or {}).get(name, str(name).replace("_", " "))


def _set_side_by_side(ax, errorbars):
    """Move curves by so little, on paper, that none hides another's bars."""
    middle = (len(errorbars) - 1) / 2
    for place, container in enumerate(errorbars):
        points = 1.6 * (place - middle)
        shift = ScaledTranslation(points / 72, 0, ax.figure.dpi_scale_trans)
        for artist in container.get_children():
            # After the limits are set, which the data and not their shift determine.
            artist.set_transform(ax.transData + shift)


def _check_conditions(column, conditions):
    """Return the conditions in order; complain of unknown ones, and of too many."""
    if column.isna().any():
        raise ValueError(f"column {column.name!r} must name a condition in each row, got NaN")
    found = list(column.cat.categories) if column.dtype == "category" else list(column.unique())
    conditions = found if conditions is None else list(conditions)
    unknown = [name for name in column.unique() if name not in conditions]
    if unknown:
        raise ValueError(f"conditions must name all conditions of the table; {unknown} are missing")
    if len(conditions) > MOST_LOOKS:
        raise ValueError(
            f"column {column.name!r} must have at most {MOST_LOOKS} conditions, which "
            f"readers can tell apart, got {len(conditions)}: {conditions}"
        )
    return conditions


def _curve(rows, condition, x, columns, spread):
    rows = number_sizes(rows, x)
    check_trials(rows, [condition], x)
    groups = rows.groupby("_size")
    curve = pd.concat([groups[x].mean(), summarize(groups, columns, spread)], axis=1)
    return curve.sort_values(x, ascending=False).reset_index(drop=True)


def _bars(table, column):
    """Lengths of the bars below and above the means; None where there are none."""
    if f"{column}_low" not in table:
        return None
    mean = table[column]
    lengths = np.stack([mean - table[f"{column}_low"], table[f"{column}_high"] - mean])
    return lengths if np.nan_to_num(lengths).any() else None
