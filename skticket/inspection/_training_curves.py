"""Curves of training, one for each size of the network."""

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from ._docs import display, draws
from ._rounds import choose_rounds
from ._style import draw_legend, make_axes, show_noise, size_looks
from ._tables import (
    check_spread,
    check_trials,
    describe_trials,
    number_sizes,
    read_table,
    standard_errors,
    summarize,
)

_NAMES = {"valid_loss": "validation loss", "valid_score": "validation score"}
_SCORED_ON = {"valid_score": "validation", "test_score": "test"}

_PARAMETERS = """
curves : list of DataFrame
    For each size a table, a row an evaluation: `iteration`, the column that `score`
    names with the mean's standard error `<score>_error`, where there is a spread
    `<score>_low` and `<score>_high`, and `n_trials`.
rounds : sequence of int, default=None
    Rounds to draw; by default at most five, evenly spread from the first to the last. Of
    a round trained several times, the last training is drawn.
results : DataFrame, or what makes one
    A row an evaluation, with columns `percent`, `iteration` and the one that `score`
    names. Rows belong to one curve if their column `round` is the same, or where there is
    none if their percents differ by less than one percent of their value. With a column
    `trial`, it is checked that each trial has only one row a point.
score : str, default="valid_score"
    What to draw: of an estimator "valid_score", "valid_loss", or another number that each
    row of `histories_` has; of a table the name of a column.
score_name : str, default=None
    How it is written on the axis; by default as `score` is called.
spread : {"range", "std", "ci95", None}, default="range"
    What the bands span: the smallest to the largest trial, one standard deviation either
    way, the 95% confidence interval of the mean (by Student's t); None for no bands.
"""


@display(_PARAMETERS)
class TrainingCurvesDisplay:
    """Score or loss against the iteration of training, a curve for each size.

    The full network is drawn in black, its tickets from dark to light as they shrink. Of
    several trials the mean is drawn, in a band for their spread. The vertical axis shows
    what comes after the first tenth of the iterations, because the steep start of
    training would leave little room for it, and two standard errors beyond that at least.

    %(stored)s
    ax_ : matplotlib Axes
        The curves.
    lines_ : list of matplotlib Line2D
        A line a size.
    bands_ : list of matplotlib artists or None
        The spread of each size; None where there is one trial.
    legend_ : matplotlib Legend
        Names the sizes, beside the Axes.

    See Also
    --------
    TicketCurveDisplay : What the trainings came to.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.inspection import TrainingCurvesDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((30, 10), rounds=3, random_state=0).fit(X, y)
    >>> display = TrainingCurvesDisplay.from_estimator(clf, rounds=[0, 3])
    >>> [text.get_text() for text in display.legend_.get_texts()]
    ['100%', '52.9%']
    """

    def __init__(
        self, *, percent_remaining, curves, score="valid_score", score_name=None, spread="range"
    ):
        self.percent_remaining = percent_remaining
        self.curves = curves
        self.score = score
        self.score_name = score_name
        self.spread = spread

    @classmethod
    @draws(_PARAMETERS)
    def from_estimator(
        cls, estimator, *, rounds=None, score="valid_score", score_name=None, ax=None, **line_kw
    ):
        """Make and draw the display of a fitted estimator."""
        positions = choose_rounds(estimator, rounds)
        tables = []
        for position in positions:
            history = estimator.histories_[position]
            table = pd.DataFrame([_numbers(row) for row in history])
            if score not in table:
                raise ValueError(f"score must be one of {list(table.columns)}, got {score!r}")
            density = estimator.tickets_[position].density
            table = table[["iteration", score]].assign(percent=100 * density, round=position)
            tables.append(table)
        if score_name is None and score in _SCORED_ON:
            measure = "accuracy" if hasattr(estimator, "classes_") else "R²"
            score_name = f"{_SCORED_ON[score]} {measure}"
        results = pd.concat(tables)
        return cls.from_results(results, score=score, score_name=score_name, ax=ax, **line_kw)

    @classmethod
    @draws(_PARAMETERS)
    def from_results(
        cls,
        results,
        *,
        score="valid_score",
        score_name=None,
        spread="range",
        ax=None,
        **line_kw,
    ):
        """Make and draw the display of a table of evaluations."""
        check_spread(spread)
        frame = number_sizes(read_table(results, ["percent", "iteration", score]), "percent")
        check_trials(frame, ["iteration"], "percent")
        sizes = sorted(frame.groupby("_size"), key=lambda size: -size[1]["percent"].mean())
        display = cls(
            percent_remaining=np.array([rows["percent"].mean() for _, rows in sizes]),
            curves=[
                summarize(rows.groupby("iteration"), [score], spread).reset_index()
                for _, rows in sizes
            ],
            score=score,
            score_name=score_name,
            spread=spread,
        )
        return display.plot(ax=ax, **line_kw)

    @draws(_PARAMETERS)
    def plot(self, ax=None, **line_kw):
        """Draw the display."""
        axes, is_new = make_axes(ax, 1, "display", size=(5.6, 3.5))
        self.ax_ = ax = axes[0]
        self.figure_ = ax.figure
        self.lines_, self.bands_ = [], []
        for curve, look in zip(self.curves, size_looks(self.percent_remaining), strict=True):
            options = {"linewidth": 1.5} | look | line_kw
            (line,) = ax.plot(curve["iteration"], curve[self.score], **options)
            self.lines_.append(line)
            self.bands_.append(self._draw_band(curve, line.get_color()))
        self._finish()
        trials = describe_trials(self.curves, self.spread, "band")
        title = "weights\nremaining" + (f"\n({fill(trials, 18)})" if trials else "")
        self.legend_ = draw_legend(axes, is_new, side="right", title=title)
        return self

    def _draw_band(self, curve, color):
        low, high = (curve.get(f"{self.score}_{end}") for end in ("low", "high"))
        if low is None or np.array_equal(low, high, equal_nan=True):
            return None
        return self.ax_.fill_between(
            curve["iteration"], low, high, color=color, alpha=0.18, linewidth=0
        )

    def _finish(self):
        ax = self.ax_
        ax.set_xlabel("training iteration")
        ax.set_ylabel(self.score_name or _NAMES.get(self.score, self.score.replace("_", " ")))
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        ax.set_xlim(left=0)
        low, high = self._range_after_the_start()
        if low < high:
            margin = 0.04 * (high - low)
            ax.set_ylim(low - margin, high + margin)
            for curve in self._after_the_start():
                show_noise(ax, curve[self.score], standard_errors(curve, self.score))
        ax.grid(axis="y", color="0.92", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)

    def _after_the_start(self):
        start = 0.1 * max(curve["iteration"].max() for curve in self.curves)
        return [curve[curve["iteration"] > start] for curve in self.curves]

    def _range_after_the_start(self):
        """Smallest and largest value that is drawn after a tenth of the iterations."""
        values = np.concatenate(
            [
                curve[name].to_numpy(float)
                for curve in self._after_the_start()
                for name in (self.score, f"{self.score}_low", f"{self.score}_high")
                if name in curve
            ]
        )
        values = values[np.isfinite(values)]
        return (values.min(), values.max()) if len(values) else (0.0, 0.0)


def _numbers(row):
    """What of a history's row can be drawn."""
    return {
        name: value for name, value in row.items() if isinstance(value, (int, float, np.number))
    }
