"""Scorers: how small a ticket is, and how soon it learned."""

import numpy as np
from sklearn.metrics import get_scorer

from ..utils import document
from ._fitted import ticket_estimator

_PARAMETERS = """
estimator : estimator
    A fitted ticket estimator, or one that contains one.
X, y, sample_weight : object, default=None
    Not used.
"""


@document(_PARAMETERS)
def neg_density(estimator, X=None, y=None, sample_weight=None):
    """Return minus the density of a fitted estimator's ticket.

    A scorer of scikit-learn's kind: greater is better, hence the sign. It sees
    through Pipelines, searches and other meta-estimators.

    %(parameters)s

    Returns
    -------
    float
        In [-1, 0).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.model_selection import neg_density
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((10,), rounds=1, max_epochs=1, random_state=0)
    >>> neg_density(clf.fit(X, y))
    -0.842...
    """
    return -float(ticket_estimator(estimator).density_)


@document(_PARAMETERS)
def neg_n_weights(estimator, X=None, y=None, sample_weight=None):
    """Return minus the number of surviving weights of a fitted estimator's ticket.

    A scorer of scikit-learn's kind, as `neg_density` is.

    %(parameters)s

    Returns
    -------
    float
        At most -1.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.model_selection import neg_n_weights
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((10,), rounds=1, max_epochs=1, random_state=0)
    >>> neg_n_weights(clf.fit(X, y))
    -59.0
    """
    return -float(ticket_estimator(estimator).ticket_.n_weights)


@document(_PARAMETERS)
def neg_iterations_to_match(estimator, X=None, y=None, sample_weight=None):
    """Return minus the iterations a ticket needed to score like its full network.

    A scorer of scikit-learn's kind, as `neg_density` is. Iterations to match are
    those of `round_results_`, in the selected round: measured on the rows that the
    estimator itself held out. A ticket that never matched counts as if it had matched one
    iteration after its training ended: a search can rank a number, but not a NaN.

    %(parameters)s

    Returns
    -------
    float
        At most -1.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 3.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.model_selection import neg_iterations_to_match
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((10,), rounds=0, random_state=0).fit(X, y)
    >>> -clf.n_iter_ <= neg_iterations_to_match(clf) <= -1
    True
    """
    fitted = ticket_estimator(estimator)
    results = fitted.round_results_
    position = np.flatnonzero(results["round"] == fitted.selected_round_)[-1]
    iterations = results["iterations_to_match"][position]
    return -float(fitted.n_iter_ + 1 if np.isnan(iterations) else iterations)


def _accepts_sample_weight():
    """Say to scikit-learn's searches that weights of rows make no difference here."""
    return True


SIZES = {
    "density": neg_density,
    "n_weights": neg_n_weights,
    "iterations_to_match": neg_iterations_to_match,
}
for _scorer in SIZES.values():
    _scorer._accept_sample_weight = _accepts_sample_weight


def ticket_scoring(scoring=None):
    """Return scorers for a multi-metric search: `scoring`, and what it costs.

    Parameters
    ----------
    scoring : str, callable, list of str, dict or None, default=None
        What the tickets are to be good at, as for `GridSearchCV`; a callable, or
        None (the estimator's own `score`), is called "score".

    Returns
    -------
    dict of str to callable
        Scorers by name: those of `scoring`, and `neg_density`, `neg_n_weights` and
        `neg_iterations_to_match` as "density", "n_weights" and
        "iterations_to_match", whose signs make greater better.

    See Also
    --------
    smallest_within_one_standard_error : Choose by two of them.

    Examples
    --------
    >>> from skticket.model_selection import ticket_scoring
    >>> list(ticket_scoring(["accuracy", "roc_auc"]))
    ['accuracy', 'roc_auc', 'density', 'n_weights', 'iterations_to_match']
    """
    if isinstance(scoring, str):
        scoring = [scoring]
    if scoring is None:
        scorers = {"score": _own_score}
    elif callable(scoring):
        scorers = {"score": scoring}
    elif isinstance(scoring, dict):
        scorers = {name: get_scorer(scorer) for name, scorer in scoring.items()}
    else:
        scorers = {name: get_scorer(name) for name in scoring}
    taken = sorted(set(scorers) & set(SIZES))
    if taken:
        raise ValueError(f"scoring must not name {taken}: these are the names of what is added")
    return scorers | SIZES


def _own_score(estimator, X, y, sample_weight=None):
    weight = {} if sample_weight is None else {"sample_weight": sample_weight}
    return estimator.score(X, y, **weight)


_own_score._accept_sample_weight = _accepts_sample_weight
