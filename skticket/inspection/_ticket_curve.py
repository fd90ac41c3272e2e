"""Score and iterations to match of each round of a search, beside its controls."""

from itertools import chain

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, r2_score

from ._docs import display, draws
from ._palette import LINE_OF_ROWS, PALETTE, looks_of
from ._rounds import check_estimator
from ._style import draw_legend, percent_axis, show_noise
from ._tables import check_trials, read_table, standard_errors

_PARAMETERS = """
rounds : DataFrame
    A row a round of each search, with the columns of `results`.
X, y : array-like, default=None
    Test rows, whose score is drawn beside the validation score.
results : dict of str to ndarray, or DataFrame
    As `round_results_`, with a column `test_score` if that is to be drawn, and with a column
    `trial` if there are several searches: their mean and range are drawn.
controls : DataFrame or None
    A row a control, with the columns of `results` that are drawn, and `control` for its kind.
fitted_controls : dict of str to list of estimators, default=None
    For each kind of control what `fit_controls` has returned.
score_name : str, default="score"
    What the scores are.
ax : sequence of two matplotlib Axes, default=None
    Where to draw scores and iterations; a new figure when None.
"""
_COLUMNS = ["round", "density", "iterations_to_match", "is_winning", "n_steps"]
_CONTROL_NAMES = {
    "reinit": "same structure, fresh weights",
    "rearrange": "rearranged connections",
    "random_signs": "same structure, random signs",
}


@display(_PARAMETERS)
class TicketCurveDisplay:
    """Score and iterations to match of each round, against percent of weights remaining.

    Iterations to match are those until the validation score first reached the full
    network's; an arrow stands where it never did. Filled points are winning tickets (of
    several searches: in at least half of them).

    %(stored)s
    ax_ : ndarray of two matplotlib Axes
        Scores, and iterations.
    legend_ : matplotlib Legend
        The legend.

    See Also
    --------
    skticket.model_selection.fit_controls : What the ticket is compared with.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.inspection import TicketCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((30, 10), rounds=3, random_state=0).fit(X, y)
    >>> display = TicketCurveDisplay.from_estimator(clf)
    >>> display.ax_[0].get_ylabel()
    'validation accuracy'
    """

    def __init__(self, *, rounds, controls=None, score_name="score"):
        self.rounds = rounds
        self.controls = controls
        self.score_name = score_name

    @classmethod
    @draws(_PARAMETERS)
    def from_estimator(cls, estimator, X=None, y=None, *, fitted_controls=None, ax=None, **line_kw):
        """Make and draw the display of a fitted estimator."""
        check_estimator(estimator)
        name, score = ("accuracy", accuracy_score) if is_classifier(estimator) else ("R²", r2_score)
        results = pd.DataFrame(estimator.round_results_)
        controls = _tabulate_controls(fitted_controls) if fitted_controls else None
        if X is not None:
            results["test_score"] = [score(y, p) for p in estimator.staged_predict(X)]
        if X is not None and fitted_controls:
            others = chain.from_iterable(fitted_controls.values())
            controls["test_score"] = [score(y, other.predict(X)) for other in others]
        return cls.from_results(results, controls=controls, score_name=name, ax=ax, **line_kw)

    @classmethod
    @draws(_PARAMETERS)
    def from_results(cls, results, *, controls=None, score_name="score", ax=None, **line_kw):
        """Make and draw the display of results."""
        rounds = read_table(results, [*_COLUMNS, "valid_score"])
        check_trials(rounds.assign(_size=rounds["round"]), [], "round")
        if controls is not None:
            controls = read_table(controls, ["control", *_COLUMNS[1:]])
        return cls(rounds=rounds, controls=controls, score_name=score_name).plot(ax=ax, **line_kw)

    @draws(_PARAMETERS)
    def plot(self, ax=None, **line_kw):
        """Draw the display."""
        if ax is None:
            _, ax = plt.subplots(1, 2, figsize=(9, 4.1), layout="constrained")
        self.ax_ = np.asarray(ax)
        if self.ax_.shape != (2,):
            raise ValueError(
                "ax must be two axes, for scores and for iterations; got "
                f"{'one' if self.ax_.shape == () else f'an array of shape {self.ax_.shape}'}"
            )
        self.figure_ = self.ax_[0].figure
        self._draw_scores(self.ax_[0], line_kw)
        self._draw_iterations(self.ax_[1], line_kw)
        for axes in self.ax_:
            percent_axis(axes)
        is_alone = set(self.figure_.axes) == set(self.ax_)
        self.legend_ = draw_legend(self.ax_, is_alone, side="above", most_columns=3)
        return self

    @property
    def _n_trials(self):
        return self.rounds["trial"].nunique() if "trial" in self.rounds else 1

    def _draw_scores(self, ax, line_kw):
        names = [name for name in ("test", "valid") if f"{name}_score" in self.rounds]
        if self._n_trials > 1:
            names = names[:1]
        for name in names:
            column, rows = f"{name}_score", {"valid": "validation"}.get(name, name)
            values = self._by_round(column)
            self._draw_rounds(ax, values.mean(), rows, line_kw)
        self._draw_band(ax, self._by_round(f"{names[0]}_score"))
        self._explain_markers(ax)
        self._draw_controls(ax, f"{names[0]}_score")
        # Only now: limits that are set no longer follow what is drawn.
        for column in (f"{name}_score" for name in names):
            errors = standard_errors(self._means(column), column)
            show_noise(ax, self._by_round(column).mean(), errors)
        ax.set_ylabel(self.score_name if len(names) > 1 else f"{rows} {self.score_name}")

    def _draw_iterations(self, ax, line_kw):
        # What never matched counts as later than all that did, and is drawn at the end.
        reached = self._by_round("iterations_to_match", missing=np.inf).median()
        end = self._by_round("n_steps").max()
        is_drawn = np.isfinite(reached)
        self._draw_rounds(ax, reached.where(is_drawn), "test", line_kw)
        self._draw_never(ax, self._percents[~is_drawn], end[~is_drawn], "ticket")
        band = self.rounds.assign(
            iterations_to_match=self.rounds["iterations_to_match"].fillna(self.rounds["n_steps"])
        )
        self._draw_band(ax, band.groupby("round")["iterations_to_match"])
        self._draw_controls(ax, "iterations_to_match")
        ax.set_ylabel("iterations to match the full network")
        ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        ax.set_ylim(0, 1.08 * self.rounds["n_steps"].max())

    def _by_round(self, column, missing=None):
        rounds = self.rounds if missing is None else self.rounds.fillna({column: missing})
        return rounds.groupby("round")[column]

    def _means(self, column):
        values = self._by_round(column)
        return pd.DataFrame({column: values.mean(), f"{column}_error": values.sem()})

    @property
    def _tables(self):
        return [self.rounds] if self.controls is None else [self.rounds, self.controls]

    @property
    def _percents(self):
        return 100 * self._by_round("density").mean()

    def _draw_rounds(self, ax, values, rows, line_kw):
        """Draw values against percent remaining; filled points are winning tickets."""
        color = PALETTE["ticket"].color
        label = rows if self._n_trials == 1 else f"{self._n_trials} searches: mean and range"
        line_kw = {"linewidth": 1.5, "color": color, "linestyle": LINE_OF_ROWS[rows]} | line_kw
        ax.plot(self._percents, values, label=label, **line_kw)
        ax.axhline(values.iloc[0], color=PALETTE["full network"].color, linewidth=0.8, ls=":")
        is_winning = self._by_round("is_winning").mean() >= 0.5
        for chosen, face in ((is_winning, color), (~is_winning, "white")):
            chosen = chosen & (self._percents < 100)
            points = {"color": color, "markerfacecolor": face, "markersize": 5}
            ax.plot(self._percents[chosen], values[chosen], "o", **points)
        full = PALETTE["full network"]
        ax.plot(100, values.iloc[0], full.marker, color=full.color, markersize=9, zorder=3)

    def _draw_band(self, ax, values):
        if self._n_trials > 1:
            look = {"color": PALETTE["ticket"].color, "alpha": 0.15, "linewidth": 0}
            ax.fill_between(self._percents, values.min(), values.max(), **look)

    def _explain_markers(self, ax):
        full, color = PALETTE["full network"], PALETTE["ticket"].color
        ax.plot([], [], full.marker, color=full.color, markersize=9, label="full network")
        ax.plot([], [], "o", color=color, markersize=5, label="a winning ticket")
        ax.plot([], [], "o", color=color, markersize=5, markerfacecolor="white", label="not one")
        if any(table["iterations_to_match"].isna().any() for table in self._tables):
            ax.plot([], [], "^", color=color, markerfacecolor="white", label="never matched")

    def _draw_controls(self, ax, column):
        if self.controls is None or column not in self.controls:
            return
        looks = looks_of(self.controls["control"].unique())
        for place, (name, rows) in enumerate(self.controls.groupby("control", sort=False)):
            look = looks[name]
            # A little to the side, so that no kind hides another or the ticket.
            percents = 100 * rows["density"] / 1.05 ** (place + 1)
            label = f"{_CONTROL_NAMES.get(name, name)} ({len(rows)})"
            points = {"color": look.color, "markersize": 5, "alpha": 0.7}
            ax.plot(percents, rows[column], look.marker, label=label, **points)
            never = rows[column].isna()
            self._draw_never(ax, percents[never], rows["n_steps"][never], name)

    def _draw_never(self, ax, percents, ends, name):
        look = looks_of([name])[name]
        ax.plot(percents, ends, "^", color=look.color, markerfacecolor="white", markersize=7)


def _tabulate_controls(fitted_controls):
    rows = [
        {"control": kind} | {name: column[-1] for name, column in other.round_results_.items()}
        for kind, others in fitted_controls.items()
        for other in others
    ]
    return pd.DataFrame(rows)
