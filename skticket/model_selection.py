"""Choose among tickets: scorers, a rule for `refit`, and a test of a ticket against controls."""

from copy import copy
from numbers import Integral

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.metrics import check_scoring, get_scorer
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch, _safe_indexing, check_random_state, get_tags, indexable
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_params
from sklearn.utils.validation import _check_method_params

from .estimators._base import WinningTicketBase
from .search import derive_seed

__all__ = [
    "neg_density",
    "neg_iterations_to_match",
    "neg_n_weights",
    "smallest_within_one_standard_error",
    "ticket_scoring",
    "ticket_test_score",
]


def _parts(values):
    """Estimators among values, and in their lists, tuples and dicts."""
    for value in values:
        if isinstance(value, BaseEstimator):
            yield value
        elif isinstance(value, dict):
            yield from _parts(value.values())
        elif isinstance(value, list | tuple):
            yield from _parts(value)


def _fitted_tickets(estimator):
    """Fitted ticket estimators in `estimator`, each once."""
    if isinstance(estimator, WinningTicketBase):
        return {id(estimator): estimator} if hasattr(estimator, "ticket_") else {}
    if isinstance(estimator, Pipeline):
        # The final step's ticket predicts; one before it has selected features.
        groups = [[step] for _, step in reversed(estimator.steps)]
    else:
        # What a fit made comes before the parameters, which it left as they were.
        fitted = {name for name in vars(estimator) if name.endswith("_")}
        groups = [
            [value for name, value in vars(estimator).items() if (name in fitted) == wanted]
            for wanted in (True, False)
        ]
    for group in groups:
        found = {}
        for part in _parts(group):
            found |= _fitted_tickets(part)
        if found:
            return found
    return {}


def _ticket_estimator(estimator):
    """Return the one fitted ticket estimator in `estimator`."""
    found = list(_fitted_tickets(estimator).values())
    if len(found) != 1:
        raise ValueError(
            "estimator must be, or contain, one fitted WinningTicketClassifier or "
            f"WinningTicketRegressor; found {len(found)} in {estimator!r}"
        )
    return found[0]


def neg_density(estimator, X=None, y=None, sample_weight=None):
    """Return minus the density of a fitted estimator's ticket.

    A scorer of scikit-learn's kind: greater is better, hence the sign. It sees
    through Pipelines, searches and other meta-estimators.

    Parameters
    ----------
    estimator : estimator
        A fitted ticket estimator, or one that contains one.
    X, y, sample_weight : object, default=None
        Not used.

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
    return -float(_ticket_estimator(estimator).density_)


def neg_n_weights(estimator, X=None, y=None, sample_weight=None):
    """Return minus the number of surviving weights of a fitted estimator's ticket.

    A scorer of scikit-learn's kind, as `neg_density` is.

    Parameters
    ----------
    estimator : estimator
        A fitted ticket estimator, or one that contains one.
    X, y, sample_weight : object, default=None
        Not used.

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
    return -float(_ticket_estimator(estimator).ticket_.n_weights)


def neg_iterations_to_match(estimator, X=None, y=None, sample_weight=None):
    """Return minus the iterations a ticket needed to score like its full network.

    A scorer of scikit-learn's kind, as `neg_density` is. Iterations to match are
    those of `round_results_`, in the selected round: measured on the rows that the
    estimator itself held out. A ticket that never matched counts as if it had matched one
    iteration after its training ended: a search can rank a number, but not a NaN.

    Parameters
    ----------
    estimator : estimator
        A fitted ticket estimator, or one that contains one.
    X, y, sample_weight : object, default=None
        Not used.

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
    fitted = _ticket_estimator(estimator)
    results = fitted.round_results_
    position = np.flatnonzero(results["round"] == fitted.selected_round_)[-1]
    iterations = results["iterations_to_match"][position]
    return -float(fitted.n_iter_ + 1 if np.isnan(iterations) else iterations)


def _accepts_sample_weight():
    """Say to scikit-learn's searches that weights of rows make no difference here."""
    return True


_SIZES = {
    "density": neg_density,
    "n_weights": neg_n_weights,
    "iterations_to_match": neg_iterations_to_match,
}
for _scorer in _SIZES.values():
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
    taken = sorted(set(scorers) & set(_SIZES))
    if taken:
        raise ValueError(f"scoring must not name {taken}: these are the names of what is added")
    return scorers | _SIZES


def _own_score(estimator, X, y, sample_weight=None):
    weight = {} if sample_weight is None else {"sample_weight": sample_weight}
    return estimator.score(X, y, **weight)


_own_score._accept_sample_weight = _accepts_sample_weight


def smallest_within_one_standard_error(cv_results, *, score=None, size="n_weights"):
    """Choose the smallest ticket that scores within one standard error of the best.

    For `refit` of a multi-metric `GridSearchCV` or `RandomizedSearchCV` with
    scorers from `ticket_scoring`. The standard error is that of the best candidate's
    mean score over the folds; among equally small tickets, the better one is
    chosen. To name metrics, give `functools.partial` of this function.

    Parameters
    ----------
    cv_results : dict of str to ndarray
        As the search's `cv_results_`.
    score : str, default=None
        The metric that tickets are to be good at; None where the search has only one
        besides those of size.
    size : str, default="n_weights"
        The metric to be large among the good candidates: "n_weights", "density" or
        "iterations_to_match" (whose values are negative, so that large is small).

    Returns
    -------
    int
        Position of the chosen candidate.

    Raises
    ------
    ValueError
        If a metric is missing or ambiguous, or if no candidate has a finite score.

    References
    ----------
    .. [1] L. Breiman, J. Friedman, R. Olshen and C. Stone, "Classification and
       Regression Trees", 1984, section 3.4.3 (the "1 SE rule").

    Examples
    --------
    >>> import numpy as np
    >>> from skticket.model_selection import smallest_within_one_standard_error
    >>> smallest_within_one_standard_error({
    ...     "mean_test_accuracy": np.array([0.91, 0.92, 0.80]),
    ...     "split0_test_accuracy": np.array([0.91, 0.90, 0.80]),
    ...     "split1_test_accuracy": np.array([0.91, 0.94, 0.80]),
    ...     "mean_test_n_weights": np.array([-100.0, -400.0, -50.0]),
    ... })
    0
    """
    score = _only_score(cv_results) if score is None else score
    means, sizes = _means(cv_results, score, "score"), _means(cv_results, size, "size")
    # A candidate whose fit failed has no size either.
    means = np.where(np.isnan(sizes), np.nan, means)
    if not np.isfinite(means).any():
        raise ValueError(f"no candidate has a finite mean_test_{score} and mean_test_{size}")
    best = np.nanargmax(means)
    good = np.flatnonzero(means >= means[best] - _standard_error(cv_results, score, best))
    # The last key counts first: by size, then by score, then the earlier one.
    return int(good[np.lexsort((good, -means[good], -sizes[good]))[0]])


def _only_score(cv_results):
    names = [name.removeprefix("mean_test_") for name in cv_results if "mean_test_" in name]
    names = [name for name in names if name not in _SIZES]
    if len(names) != 1:
        raise ValueError(
            f"score must name one of the search's metrics; besides those of size it has {names}"
        )
    return names[0]


def _means(cv_results, name, parameter):
    if f"mean_test_{name}" not in cv_results:
        raise ValueError(
            f"{parameter}={name!r} is no metric of the search; it needs "
            "scoring=ticket_scoring(...), or another metric named here"
        )
    return np.asarray(cv_results[f"mean_test_{name}"], dtype=float)


def _standard_error(cv_results, name, candidate):
    """Standard error of one candidate's mean over the folds; 0 for a single fold."""
    folds = [
        values[candidate]
        for key, values in cv_results.items()
        if key.startswith("split") and key.partition("_")[2] == f"test_{name}"
    ]
    return np.std(folds, ddof=1) / np.sqrt(len(folds)) if len(folds) > 1 else 0.0


class _StandIn:
    """A fitted ticket estimator whose `fit` trains a control of its ticket.

    It takes the estimator's place in a Pipeline or another meta-estimator, so that
    the control gets the very rows, transformed and weighted, that the ticket got.
    """

    def __init__(self, estimator, control, seed=None):
        self.estimator = estimator
        self.control = control
        self.seed = seed

    def fit(self, X, y, sample_weight=None):
        self.estimator = self.estimator._fit_control(
            X, y, sample_weight, control=self.control, seed=self.seed
        )
        return self

    def __getattr__(self, name):
        # Special names are looked up before there is an estimator, in unpickling.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.estimator, name)

    def __sklearn_tags__(self):
        return get_tags(self.estimator)

    def __sklearn_clone__(self):
        return copy(self)

    def __sklearn_is_fitted__(self):
        return True


def _with_stand_in(unfitted, stand_in, seed):
    """Return what trains one control: the stand-in, or a meta-estimator with it inside."""
    stand_in = copy(stand_in)
    stand_in.seed = seed
    if unfitted is None:
        return stand_in
    return clone(unfitted).set_params(**{_ticket_parameter(unfitted): stand_in})


def _ticket_parameter(estimator):
    """Name of the parameter that holds the ticket estimator."""
    names = [
        name
        for name, value in estimator.get_params().items()
        if isinstance(value, WinningTicketBase)
    ]
    if isinstance(estimator, Pipeline):
        last = estimator.steps[-1][0]
        names = [name for name in names if f"{name}__".startswith(f"{last}__")] or names
    if len(names) != 1:
        raise ValueError(
            "estimator must be, or contain, one WinningTicketClassifier or "
            f"WinningTicketRegressor; found {len(names)} in {estimator!r}"
        )
    return names[0]


def _chosen(fitted):
    """Replace fitted searches by what they have chosen."""
    while hasattr(fitted, "best_estimator_"):
        fitted = fitted.best_estimator_
    if isinstance(fitted, WinningTicketBase):
        return fitted
    searches = {
        name: value.best_estimator_
        for name, value in fitted.get_params().items()
        if hasattr(value, "best_estimator_")
    }
    return copy(fitted).set_params(**searches) if searches else fitted


def _score_ticket(estimator, X, y, split, params, scorer, control):
    """Fit on a split's first rows, score on its others; return what controls need."""
    train, test = split
    fitted = _fit(estimator, X, y, train, params)
    score = scorer(fitted, _safe_indexing(X, test), _safe_indexing(y, test))
    ticket_estimator = _ticket_estimator(fitted)
    stand_in = _StandIn(ticket_estimator._without_rounds(), control)
    chosen = _chosen(fitted)
    unfitted = None if isinstance(chosen, WinningTicketBase) else clone(chosen)
    return score, unfitted, stand_in


def _score_control(estimator, X, y, split, params, scorer):
    train, test = split
    fitted = _fit(estimator, X, y, train, params)
    return scorer(fitted, _safe_indexing(X, test), _safe_indexing(y, test))


def _fit(estimator, X, y, rows, params):
    params = _check_method_params(X, params, rows)
    return estimator.fit(_safe_indexing(X, rows), _safe_indexing(y, rows), **params)


def _splits(cv, estimator, X, y, random_state):
    if cv is None:
        splitter = StratifiedShuffleSplit if is_classifier(estimator) else ShuffleSplit
        seed = random_state.randint(np.iinfo(np.int32).max)
        cv = splitter(1, test_size=0.25, random_state=seed)
    return list(check_cv(cv, y, classifier=is_classifier(estimator)).split(X, y))


@validate_params(
    {
        "estimator": [HasMethods("fit")],
        "X": ["array-like"],
        "y": ["array-like"],
        "control": [StrOptions({"reinit", "rearrange"})],
        "n_controls": [Interval(Integral, 1, None, closed="left")],
        "cv": ["cv_object"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "scoring": [str, callable, None],
        "params": [dict, None],
    },
    prefer_skip_nested_validation=False,
)
def ticket_test_score(
    estimator,
    X,
    y,
    *,
    control="reinit",
    n_controls=19,
    cv=None,
    n_jobs=None,
    random_state=0,
    verbose=0,
    scoring=None,
    params=None,
):
    """Test a ticket against controls that lack what is said to make it win.

    The estimator is fitted and scored on held-out rows. Then the controls of its selected
    ticket are trained, as many optimizer steps as the ticket in its own round, on the
    same rows with the same settings, each with initial weights (or places) and an order
    of batches of its own, and scored on the same held-out rows. The p-value is that of
    the hypothesis that the ticket is one more control. It is what
    `permutation_test_score` is for labels.

    Parameters
    ----------
    estimator : estimator
        A `WinningTicketClassifier` or `WinningTicketRegressor`, or a Pipeline, search
        or other meta-estimator with one in it. It is cloned. Controls are those of
        what a search has chosen; nothing is searched again for them.
    X : array-like of shape (n_samples, n_features)
        Inputs.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    control : {"reinit", "rearrange"}, default="reinit"
        "reinit": the ticket's masks over fresh random weights. "rearrange": each layer's
        surviving connections, with their initial weights, at random places in it.
    n_controls : int, default=19
        Number of controls for each split. The smallest possible p-value is
        `1 / (n_controls + 1)`.
    cv : int, splitter, iterable or None, default=None
        What is held out. None holds out a quarter of the rows once, drawn by
        `random_state` (for a classifier, in proportion to its classes). With
        several splits, each has a ticket and controls of its own, and all scores are
        means over the splits.
    n_jobs : int, default=None
        Trainings to run side by side, by joblib; each uses one thread.
    random_state : int, RandomState instance or None, default=0
        Determines the held-out rows and the controls; tickets are the estimator's
        own `random_state`'s affair.
    verbose : int, default=0
        Verbosity of joblib.
    scoring : str, callable or None, default=None
        How to score; None for the estimator's own `score`.
    params : dict, default=None
        For the estimator's `fit`, such as `sample_weight`; what has a value a row is
        split with the rows.

    Returns
    -------
    Bunch
        `score` : float
            The ticket's.
        `control_scores` : ndarray of shape (n_controls,)
            The controls'.
        `pvalue` : float
            `(C + 1) / (n_controls + 1)`, C being the number of controls that score
            at least as well as the ticket.
        `density` : float
            The ticket's (the mean over the splits).
        `control` : str
            As given.

    See Also
    --------
    skticket.inspection.TicketTestDisplay : The picture.
    sklearn.model_selection.permutation_test_score : The same for labels.

    Notes
    -----
    With the estimator's `memory`, all trainings are remembered: a test cut off goes
    on where it was, and more controls add to those trained before.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 3.
    .. [2] M. Ojala and G. Garriga, "Permutation Tests for Studying Classifier
       Performance", Journal of Machine Learning Research 11, 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.model_selection import ticket_test_score
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((20,), rounds=2, max_epochs=5, random_state=0)
    >>> result = ticket_test_score(clf, X, y, n_controls=4, scoring="neg_log_loss")
    >>> result.control_scores.shape
    (4,)
    >>> 0.2 <= result.pvalue <= 1
    True
    """
    X, y = indexable(X, y)
    params = {} if params is None else params
    scorer = check_scoring(estimator, scoring=scoring)
    _check_contains_ticket(estimator)
    random_state = check_random_state(random_state)
    splits = _splits(cv, estimator, X, y, random_state)
    seed = random_state.randint(np.iinfo(np.int32).max)
    # X and y are arguments of their own, as they came, so that joblib's backends can know
    # them and send them once. A split is a tuple, which travels with its task: Dask would
    # place its arrays on one worker only, and lose them with that worker.
    parallel = Parallel(n_jobs=n_jobs, verbose=verbose)
    tickets = parallel(
        delayed(_score_ticket)(clone(estimator), X, y, split, params, scorer, control)
        for split in splits
    )
    control_scores = parallel(
        delayed(_score_control)(
            _with_stand_in(unfitted, stand_in, derive_seed(seed, number, position)),
            X,
            y,
            splits[position],
            params,
            scorer,
        )
        for number in range(n_controls)
        for position, (_, unfitted, stand_in) in enumerate(tickets)
    )
    score = np.mean([score for score, *_ in tickets])
    control_scores = np.reshape(control_scores, (n_controls, len(splits))).mean(axis=1)
    return Bunch(
        score=float(score),
        control_scores=control_scores,
        pvalue=float((np.sum(control_scores >= score) + 1) / (n_controls + 1)),
        density=float(np.mean([stand_in.density_ for *_, stand_in in tickets])),
        control=control,
    )


def _check_contains_ticket(estimator):
    """Raise an error before any training."""
    if not isinstance(estimator, WinningTicketBase):
        _ticket_parameter(estimator)
