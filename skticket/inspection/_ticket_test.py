"""A ticket's score among those of its controls."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator
from sklearn.base import is_classifier

from ..model_selection import ticket_test_score
from ._docs import display, draws
from ._palette import PALETTE

_PARAMETERS = """
score : float
    The ticket's score.
control_scores : ndarray of shape (n_controls,)
    The controls' scores.
pvalue : float
    Of the hypothesis that the ticket is one more control.
control : str, default="control"
    What the controls are.
estimator : estimator
    As for `ticket_test_score`; it is cloned and fitted.
X : {array-like, sparse matrix} of shape (n_samples, n_features)
    Inputs.
y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    Targets.
results : Bunch or dict
    With `score`, `control_scores`, `pvalue` and `control`.
score_name : str or None
    What the scores are, by default "score"; of an estimator, by default (None) the name
    of `scoring`, or of the estimator's own score.
**test_kw : dict
    Passed to `ticket_test_score`.
**hist_kw : dict
    Passed to matplotlib's `hist`.
"""


@display(_PARAMETERS)
class TicketTestDisplay:
    """Scores of a ticket's controls, and the ticket's own among them.

    %(stored)s
    ax_ : matplotlib Axes
        The histogram.
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
    @draws(_PARAMETERS)
    def from_estimator(cls, estimator, X, y, *, score_name=None, ax=None, **test_kw):
        """Test an estimator's ticket, and make and draw the display."""
        if score_name is None:
            scoring = test_kw.get("scoring")
            own = "accuracy" if is_classifier(estimator) else "R²"
            score_name = scoring if isinstance(scoring, str) else "score" if scoring else own
        result = ticket_test_score(estimator, X, y, **test_kw)
        return cls.from_results(result, score_name=score_name, ax=ax)

    @classmethod
    @draws(_PARAMETERS)
    def from_results(cls, results, *, score_name="score", ax=None, **hist_kw):
        """Make and draw the display of what `ticket_test_score` has returned."""
        names = ("score", "control_scores", "pvalue", "control")
        display = cls(**{name: results[name] for name in names}, score_name=score_name)
        return display.plot(ax=ax, **hist_kw)

    @draws(_PARAMETERS)
    def plot(self, ax=None, **hist_kw):
        """Draw the display."""
        if ax is None:
            _, ax = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        scores = np.asarray(self.control_scores)
        kind = "controls" if self.control == "control" else f"controls ({self.control})"
        hist_kw = {
            "bins": min(20, max(5, len(scores) // 3)),
            "color": PALETTE[self.control if self.control in PALETTE else "control"].color,
            "alpha": 0.75,
            "edgecolor": "white",
            "label": f"{len(scores)} {kind}",
        } | hist_kw
        _, _, self.bars_ = ax.hist(scores, **hist_kw)
        label = f"ticket: {self.score:.3g} (p = {self.pvalue:.2g})"
        self.line_ = ax.axvline(self.score, color=PALETTE["ticket"].color, linewidth=2, label=label)
        ax.set_xlabel(self.score_name)
        ax.set_ylabel("number of controls")
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        # Above the bars, where it hides neither them nor the line.
        ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
        ax.spines[["top", "right"]].set_visible(False)
        return self
