"""Pictures of tickets, in scikit-learn's manner."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from .model_selection import ticket_test_score

__all__ = ["TicketCurveDisplay", "TicketTestDisplay"]

# From the palette of Okabe and Ito, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"


class TicketCurveDisplay:
    """Score and iterations to converge of each round, against percent of weights remaining.

    It is recommended to use `from_estimator` or `from_results` to make one. All
    parameters are stored as attributes.

    Parameters
    ----------
    percent_remaining : ndarray of shape (n_rounds,)
        Surviving weights, in percent of the full network's.
    iterations_to_converge : ndarray of shape (n_rounds,)
        Optimizer steps until the validation loss was lowest.
    scores : dict of str to ndarray of shape (n_rounds,)
        Scores of the trained networks, by the name of the rows they were taken on.
    is_winning : ndarray of bool, shape (n_rounds,)
        Whether the round is a winning ticket.
    score_name : str, default="score"
        What the scores are.

    Attributes
    ----------
    ax_ : ndarray of two matplotlib Axes
        Scores, and iterations.
    figure_ : matplotlib Figure
        The figure that holds them.

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
    def from_estimator(cls, estimator, X=None, y=None, *, ax=None, **line_kw):
        """Make and draw the display of a fitted estimator.

        Parameters
        ----------
        estimator : WinningTicketClassifier or WinningTicketRegressor
            Fitted estimator.
        X, y : array-like, default=None
            Test rows, whose score is drawn beside the validation score.
        ax : sequence of two matplotlib Axes, default=None
            Where to draw; a new figure when None.
        **line_kw : dict
            Passed to matplotlib's `plot`.

        Returns
        -------
        TicketCurveDisplay
            The display, drawn.
        """
        check_is_fitted(estimator)
        results = dict(estimator.round_results_)
        if X is not None:
            results["test_score"] = np.array(
                [estimator._with(ticket).score(X, y) for ticket in estimator.tickets_]
            )
        name = "accuracy" if hasattr(estimator, "classes_") else "R²"
        return cls.from_results(results, score_name=name, ax=ax, **line_kw)

    @classmethod
    def from_results(cls, results, *, score_name="score", ax=None, **line_kw):
        """Make and draw the display of results.

        Parameters
        ----------
        results : dict of str to ndarray, or DataFrame
            As `round_results_`; a column `test_score` is drawn too.
        score_name : str, default="score"
            What the scores are.
        ax : sequence of two matplotlib Axes, default=None
            Where to draw; a new figure when None.
        **line_kw : dict
            Passed to matplotlib's `plot`.

        Returns
        -------
        TicketCurveDisplay
            The display, drawn.
        """
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

    def plot(self, ax=None, **line_kw):
        """Draw the display.

        Parameters
        ----------
        ax : sequence of two matplotlib Axes, default=None
            Where to draw scores and iterations; a new figure when None.
        **line_kw : dict
            Passed to matplotlib's `plot`.

        Returns
        -------
        TicketCurveDisplay
            Itself.
        """
        if ax is None:
            _, ax = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
        self.ax_ = np.asarray(ax)
        self.figure_ = self.ax_[0].figure
        score_ax, iterations_ax = self.ax_
        for (name, score), color in zip(self.scores.items(), (BLUE, ORANGE), strict=False):
            self._draw(score_ax, score, label=name, color=color, **line_kw)
        score_ax.set_ylabel(self.score_name)
        score_ax.plot([], [], "o", color="0.3", label="a winning ticket")
        score_ax.plot([], [], "o", color="0.3", markerfacecolor="white", label="not one")
        # Above the axes, where no curve can run through it.
        score_ax.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0.0, 1.0))
        self._draw(iterations_ax, self.iterations_to_converge, color=GREEN, **line_kw)
        iterations_ax.set_ylabel("iterations to converge")
        iterations_ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        iterations_ax.set_ylim(0, 1.08 * max(self.iterations_to_converge))
        return self

    def _draw(self, ax, values, label=None, **line_kw):
        """Draw values against percent remaining; filled points are winning tickets."""
        line_kw = {"linewidth": 1.5} | line_kw
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


class TicketTestDisplay:
    """Scores of a ticket's controls, and the ticket's own among them.

    It is recommended to use `from_estimator` or `from_results` to make one. All
    parameters are stored as attributes.

    Parameters
    ----------
    score : float
        The ticket's score.
    control_scores : ndarray of shape (n_controls,)
        The controls' scores.
    pvalue : float
        Of the hypothesis that the ticket is one more control.
    control : str, default="control"
        What the controls are.
    score_name : str, default="score"
        What the scores are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The histogram.
    figure_ : matplotlib Figure
        The figure that holds it.
    bars_ : matplotlib BarContainer
        The controls.
    line_ : matplotlib Line2D
        The ticket.

    See Also
    --------
    skticket.model_selection.ticket_test_score : What makes the results.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket.inspection import TicketTestDisplay
    >>> display = TicketTestDisplay(
    ...     score=0.95, control_scores=np.array([0.9, 0.91, 0.92]), pvalue=0.25
    ... ).plot()
    >>> [text.get_text() for text in display.ax_.get_legend().get_texts()]
    ['3 controls', 'ticket: 0.95 (p = 0.25)']
    """

    def __init__(self, *, score, control_scores, pvalue, control="control", score_name="score"):
        self.score = score
        self.control_scores = control_scores
        self.pvalue = pvalue
        self.control = control
        self.score_name = score_name

    @classmethod
    def from_estimator(cls, estimator, X, y, *, score_name=None, ax=None, **test_kw):
        """Test an estimator's ticket, and make and draw the display.

        Parameters
        ----------
        estimator : estimator
            As for `ticket_test_score`; it is cloned and fitted.
        X : array-like of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        score_name : str, default=None
            What the scores are; by default the name of `scoring`, or of the
            estimator's own score.
        ax : matplotlib Axes, default=None
            Where to draw; a new figure when None.
        **test_kw : dict
            Passed to `ticket_test_score`.

        Returns
        -------
        TicketTestDisplay
            The display, drawn.
        """
        if score_name is None:
            scoring = test_kw.get("scoring")
            own = "accuracy" if is_classifier(estimator) else "R²"
            score_name = scoring if isinstance(scoring, str) else "score" if scoring else own
        result = ticket_test_score(estimator, X, y, **test_kw)
        return cls.from_results(result, score_name=score_name, ax=ax)

    @classmethod
    def from_results(cls, results, *, score_name="score", ax=None, **hist_kw):
        """Make and draw the display of what `ticket_test_score` has returned.

        Parameters
        ----------
        results : Bunch or dict
            With `score`, `control_scores`, `pvalue` and `control`.
        score_name : str, default="score"
            What the scores are.
        ax : matplotlib Axes, default=None
            Where to draw; a new figure when None.
        **hist_kw : dict
            Passed to matplotlib's `hist`.

        Returns
        -------
        TicketTestDisplay
            The display, drawn.
        """
        names = ("score", "control_scores", "pvalue", "control")
        display = cls(**{name: results[name] for name in names}, score_name=score_name)
        return display.plot(ax=ax, **hist_kw)

    def plot(self, ax=None, **hist_kw):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; a new figure when None.
        **hist_kw : dict
            Passed to matplotlib's `hist`.

        Returns
        -------
        TicketTestDisplay
            Itself.
        """
        if ax is None:
            _, ax = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        scores = np.asarray(self.control_scores)
        kind = "controls" if self.control == "control" else f"controls ({self.control})"
        hist_kw = {
            "bins": min(20, max(5, len(scores) // 3)),
            "color": BLUE,
            "alpha": 0.75,
            "edgecolor": "white",
            "label": f"{len(scores)} {kind}",
        } | hist_kw
        _, _, self.bars_ = ax.hist(scores, **hist_kw)
        label = f"ticket: {self.score:.3g} (p = {self.pvalue:.2g})"
        self.line_ = ax.axvline(self.score, color=ORANGE, linewidth=2, label=label)
        ax.set_xlabel(self.score_name)
        ax.set_ylabel("number of controls")
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        # Above the bars, where it hides neither them nor the line.
        ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
        ax.spines[["top", "right"]].set_visible(False)
        return self


def percent_axis(ax):
    """Make the x axis that of percent remaining: logarithmic, 100 on the left."""
    ax.set_xscale("log")
    low = min(ax.dataLim.x0, 90.0)
    ax.set_xlim(112, low / 1.12)
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("percent of weights remaining")
    ax.spines[["top", "right"]].set_visible(False)
