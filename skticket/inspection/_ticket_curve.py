"""Score and iterations of each round of one search."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, r2_score

from ._docs import display, draws
from ._palette import LINE_OF_ROWS, PALETTE
from ._rounds import check_estimator
from ._style import percent_axis

_PARAMETERS = """
percent_remaining : ndarray of shape (n_rounds,)
    Surviving weights, in percent of the full network's.
iterations_to_converge : ndarray of shape (n_rounds,)
    Optimizer steps until the validation loss was lowest.
scores : dict of str to ndarray of shape (n_rounds,)
    Scores of the trained networks, by the name of the rows they were taken on.
is_winning : ndarray of bool, shape (n_rounds,)
    Whether the round is a winning ticket.
X, y : array-like, default=None
    Test rows, whose score is drawn beside the validation score.
results : dict of str to ndarray, or DataFrame
    As `round_results_`; a column `test_score` is drawn too.
score_name : str, default="score"
    What the scores are.
ax : sequence of two matplotlib Axes, default=None
    Where to draw scores and iterations; a new figure when None.
"""


@display(_PARAMETERS)
class TicketCurveDisplay:
    """Score and iterations to converge of each round, against percent of weights remaining.

    %(stored)s
    ax_ : ndarray of two matplotlib Axes
        Scores, and iterations.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.inspection import TicketCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((30, 10), rounds=3, random_state=0).fit(X, y)
    >>> display = TicketCurveDisplay.from_estimator(clf)
    >>> display.ax_[0].get_ylabel()
    'accuracy'
    """

    def __init__(
        self, *, percent_remaining, iterations_to_converge, scores, is_winning, score_name="score"
    ):
        self.percent_remaining = percent_remaining
        self.iterations_to_converge = iterations_to_converge
        self.scores = scores
        self.is_winning = is_winning
        self.score_name = score_name

    @classmethod
    @draws(_PARAMETERS)
    def from_estimator(cls, estimator, X=None, y=None, *, ax=None, **line_kw):
        """Make and draw the display of a fitted estimator."""
        check_estimator(estimator)
        results = dict(estimator.round_results_)
        name, score = ("accuracy", accuracy_score) if is_classifier(estimator) else ("R²", r2_score)
        if X is not None:
            results["test_score"] = np.array([score(y, p) for p in estimator.staged_predict(X)])
        return cls.from_results(results, score_name=name, ax=ax, **line_kw)

    @classmethod
    @draws(_PARAMETERS)
    def from_results(cls, results, *, score_name="score", ax=None, **line_kw):
        """Make and draw the display of results."""
        scores = {
            name: np.asarray(results[f"{column}_score"])
            for name, column in (("validation", "valid"), ("test", "test"))
            if f"{column}_score" in results
        }
        display = cls(
            percent_remaining=100 * np.asarray(results["density"]),
            iterations_to_converge=np.asarray(results["iterations_to_converge"]),
            scores=scores,
            is_winning=np.asarray(results["is_winning"]),
            score_name=score_name,
        )
        return display.plot(ax=ax, **line_kw)

    @draws(_PARAMETERS)
    def plot(self, ax=None, **line_kw):
        """Draw the display."""
        if ax is None:
            _, ax = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
        self.ax_ = np.asarray(ax)
        if self.ax_.shape != (2,):
            raise ValueError(
                "ax must be two axes, for scores and for iterations; got "
                f"{'one' if self.ax_.shape == () else f'an array of shape {self.ax_.shape}'}"
            )
        self.figure_ = self.ax_[0].figure
        score_ax, iterations_ax = self.ax_
        for name, score in self.scores.items():
            style = LINE_OF_ROWS.get(name, "-")
            self._draw(score_ax, score, label=name, **{"linestyle": style} | line_kw)
        score_ax.set_ylabel(self.score_name)
        score_ax.plot([], [], "o", color="0.3", label="a winning ticket")
        score_ax.plot([], [], "o", color="0.3", markerfacecolor="white", label="not one")
        # Above the axes, where no curve can run through it.
        score_ax.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0.0, 1.0))
        self._draw(iterations_ax, self.iterations_to_converge, **line_kw)
        iterations_ax.set_ylabel("iterations to converge")
        iterations_ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        iterations_ax.set_ylim(0, 1.08 * max(self.iterations_to_converge))
        return self

    def _draw(self, ax, values, label=None, **line_kw):
        """Draw values against percent remaining; filled points are winning tickets."""
        line_kw = {"linewidth": 1.5, "color": PALETTE["ticket"].color} | line_kw
        (line,) = ax.plot(self.percent_remaining, values, label=label, **line_kw)
        ax.axhline(values[0], color=line.get_color(), linewidth=0.8, linestyle=":")
        for winning, face in ((True, line.get_color()), (False, "white")):
            chosen = self.is_winning == winning
            ax.plot(
                self.percent_remaining[chosen],
                np.asarray(values)[chosen],
                "o",
                color=line.get_color(),
                markerfacecolor=face,
                markersize=5,
            )
        percent_axis(ax)
