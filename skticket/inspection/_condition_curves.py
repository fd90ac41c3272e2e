"""Curves of several conditions, each with several trials."""

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, MaxNLocator, StrMethodFormatter
from matplotlib.transforms import ScaledTranslation

from ._docs import display, draws
from ._palette import MOST_LOOKS, PALETTE, looks_of
from ._style import (
    draw_at_least,
    draw_legend,
    explain_at_least,
    make_axes,
    percent_axis,
    show_noise,
    weights_axis,
)
from ._tables import (
    check_spread,
    check_trials,
    describe_trials,
    number_sizes,
    read_table,
    standard_errors,
    summarize,
)

_AXES = {"percent": percent_axis, "n_weights": weights_axis}

_PARAMETERS = """
curves : dict of str to DataFrame
    For each condition a table, a row a size: the column that `x` names, each of
    `columns` with the mean's standard error `<column>_error`, where there is a spread
    `<column>_low` and `<column>_high`, `n_trials` and `is_capped`.
results : DataFrame, or what makes one
    A row for each condition, trial and size, with the columns that the other parameters
    name. Rows of a condition are one point if their column `round` is the same, or where
    there is none if their sizes differ by less than one percent; the point lies at the
    mean size. With a column `trial`, it is checked that each trial has only one row a
    point. Where a column `is_capped` is true, "iterations_to_converge" is only known to be
    at least so much, because the loss was lowest when training ended.
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
    What bars or bands span: the smallest to the largest trial, one standard deviation either
    way, the 95% confidence interval of the mean (by Student's t); None for none.
panels : {"together", "separate"}, default="together"
    Whether all conditions share a panel a column; or have one each, with the others in
    grey behind and a band for the spread, where bars of several would be a tangle.
ax : array-like of matplotlib Axes, default=None
    Where to draw, one for each column, or for each column and condition; a new figure
    when None.
**errorbar_kw : dict
    Passed to matplotlib's `errorbar`.
"""


@display(_PARAMETERS)
class ConditionCurvesDisplay:
    """Results of several conditions against the size of the network, over trials.

    Each condition has a curve in each panel: the mean over its trials, with bars for
    their spread. The points of different conditions are drawn a little side by side, so
    that their bars do not hide each other. Arrows stand over iterations that are only
    known to be at least so many, of one trial or more. The vertical axes show two
    standard errors beyond all means at least.

    %(stored)s
    ax_ : ndarray of matplotlib Axes, shape (n_columns,) or (n_columns, n_conditions)
        A panel a column, or a column and condition.
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

    def __init__(
        self,
        *,
        curves,
        columns,
        x="percent",
        labels=None,
        conditions=None,
        spread="range",
        panels="together",
    ):
        self.curves = curves
        self.columns = columns
        self.x = x
        self.labels = labels
        self.conditions = conditions
        self.spread = spread
        self.panels = panels

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
        panels="together",
        ax=None,
        **errorbar_kw,
    ):
        """Make and draw the display of a table of trials."""
        if x not in _AXES:
            raise ValueError(f"x must be one of {tuple(_AXES)}, got {x!r}")
        check_spread(spread)
        if panels not in ("together", "separate"):
            raise ValueError(f"panels must be one of ('together', 'separate'), got {panels!r}")
        columns = [columns] if isinstance(columns, str) else list(columns)
        frame = read_table(results, [condition, x, *columns])
        conditions = _check_conditions(frame[condition], conditions)
        curves = {
            name: _curve(frame[frame[condition] == name], condition, x, columns, spread)
            for name in conditions
            if (frame[condition] == name).any()
        }
        display = cls(
            curves=curves,
            columns=columns,
            x=x,
            labels=labels,
            conditions=conditions,
            spread=spread,
            panels=panels,
        )
        return display.plot(ax=ax, **errorbar_kw)

    @draws(_PARAMETERS)
    def plot(self, ax=None, **errorbar_kw):
        """Draw the display."""
        draw = self._plot_separate if self.panels == "separate" else self._plot_together
        is_new = draw(ax, errorbar_kw)
        self.figure_ = self.ax_.flat[0].figure
        self._finish_rows()
        most_columns = 4 if self.panels == "separate" else 2 * len(self.columns)
        drawn = "band" if self.panels == "separate" else "bars"
        title = describe_trials(self.curves.values(), self.spread, drawn)
        self.legend_ = draw_legend(
            self.ax_.ravel(), is_new, side="above", title=title, most_columns=most_columns
        )
        return self

    def _plot_together(self, ax, errorbar_kw):
        self.ax_, is_new = make_axes(ax, len(self.columns), "column", size=(4.6, 3.6))
        looks = looks_of(self.conditions or self.curves)
        self.errorbars_ = {
            column: {
                name: self._draw(ax, column, name, looks[name], errorbar_kw)
                for name in self._drawn()
            }
            for column, ax in zip(self.columns, self.ax_, strict=True)
        }
        return is_new

    def _plot_separate(self, ax, errorbar_kw):
        names = self._drawn()
        shape = len(self.columns), len(names)
        what = "column and condition"
        axes, is_new = make_axes(ax, shape[0] * shape[1], what, n_columns=shape[1], size=(2.3, 2.4))
        self.ax_ = axes.reshape(shape)
        self.errorbars_ = {
            column: {
                name: self._draw_alone(ax, column, name, errorbar_kw)
                for name, ax in zip(names, row, strict=True)
            }
            for column, row in zip(self.columns, self.ax_, strict=True)
        }
        for name, ax in zip(names, self.ax_[0], strict=True):
            ax.set_title(self._label(name), fontsize="medium")
        return is_new

    def _draw(self, ax, column, name, look, errorbar_kw, **options):
        options = {
            "color": look.color,
            "marker": look.marker,
            "markersize": 4.5,
            "linewidth": 1.3,
            "elinewidth": 0.9,
            "capsize": 1.8,
            "label": self._label(name),
            "yerr": _bars(self.curves[name], column),
        } | options
        table = self.curves[name]
        return ax.errorbar(table[self.x], table[column], **options | errorbar_kw)

    def _draw_alone(self, ax, column, name, errorbar_kw):
        """Draw one condition, with a band, over all others in grey."""
        for other in self._drawn():
            if other != name:
                table = self.curves[other]
                ax.plot(table[self.x], table[column], color="0.82", linewidth=0.9, zorder=1)
        table = self.curves[name]
        look = PALETTE.get(name, PALETTE["ticket"])
        if _bars(table, column) is not None:
            ends = (table[f"{column}_{end}"] for end in ("low", "high"))
            ax.fill_between(table[self.x], *ends, color=look.color, alpha=0.2, linewidth=0)
        # The title tells which it is.
        errorbar = self._draw(
            ax, column, name, look, errorbar_kw, yerr=None, markersize=3.5, label="this condition"
        )
        ax.plot([], [], color="0.82", linewidth=0.9, label="the others")
        return errorbar

    def _drawn(self):
        return [name for name in self.conditions or self.curves if name in self.curves]

    def _finish_rows(self):
        """Give axes their scales, the same ones in each row, and mark what is capped."""
        is_separate = self.panels == "separate"
        rows = self.ax_ if is_separate else self.ax_[:, None]
        for column, row in zip(self.columns, rows, strict=True):
            for ax in row:
                self._finish(ax, column)
            self._set_limits(column, row)
            for place, (name, container) in enumerate(self.errorbars_[column].items()):
                # Curves that share a panel are moved apart.
                right = 0 if is_separate else 1.6 * (place - (len(self._drawn()) - 1) / 2)
                ax = row[place] if is_separate else row[0]
                _move(container, ax, right)
                self._mark_capped(ax, column, name, container, right)
        if is_separate:
            _label_once(rows)
            if self.x == "n_weights":
                # Longer numbers, in less room.
                for ax in self.ax_.flat:
                    ax.xaxis.set_major_locator(LogLocator())
        if any(self._is_capped(name).any() for name in self._drawn()):
            explain_at_least(self.ax_.flat[0])

    def _set_limits(self, column, row):
        tables = [self.curves[name] for name in self._drawn()]
        values = np.concatenate([table[column] for table in tables])
        errors = np.concatenate([standard_errors(table, column) for table in tables])
        for ax in row:
            show_noise(ax, values, errors)
        lows, highs = zip(*(ax.get_ylim() for ax in row), strict=True)
        low, high = min(lows), max(highs)
        if column.startswith("iterations"):
            # From none at all, with room for arrows.
            low, high = 0, 1.08 * high
        for ax in row:
            ax.set_ylim(low, high)

    def _mark_capped(self, ax, column, name, container, right):
        if column == "iterations_to_converge":
            capped = self.curves[name][self._is_capped(name)]
            color = container.lines[0].get_color()
            draw_at_least(ax, capped[self.x], capped[column], color, right)

    def _is_capped(self, name):
        table = self.curves[name]
        return table.get("is_capped", pd.Series(False, table.index)).astype(bool)

    def _finish(self, ax, column):
        _AXES[self.x](ax)
        ax.set_ylabel(self._label(column))
        ax.grid(axis="y", color="0.92", linewidth=0.8)
        ax.set_axisbelow(True)
        if column.startswith("iterations"):
            ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
            ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))

    def _label(self, name):
        return (self.labels or {}).get(name, str(name).replace("_", " "))


def _label_once(rows):
    """Label a grid of small axes on its left and in the middle below."""
    for ax in rows[:, 1:].ravel():
        ax.set_ylabel("")
        ax.tick_params(labelleft=False)
    for ax in rows[:, 0]:
        ax.set_ylabel(fill(ax.get_ylabel(), 16))
    middle = rows[-1, (len(rows.T) - 1) // 2]
    for ax in rows.ravel():
        if ax is not middle:
            ax.set_xlabel("")


def _move(container, ax, points):
    """Move a curve to the right by so little, on paper, that none hides another's bars."""
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
    if "is_capped" in rows:
        curve["is_capped"] = groups["is_capped"].any()
    return curve.sort_values(x, ascending=False).reset_index(drop=True)


def _bars(table, column):
    """Lengths of the bars below and above the means; None where there are none."""
    if f"{column}_low" not in table:
        return None
    mean = table[column]
    lengths = np.stack([mean - table[f"{column}_low"], table[f"{column}_high"] - mean])
    return lengths if np.nan_to_num(lengths).any() else None
