"""A test of a ticket against controls."""

from copy import copy

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch, check_random_state, get_tags, indexable
from sklearn.utils.multiclass import type_of_target

from ..estimators import WinningTicketBase, fit_control, without_rounds
from ..utils import (
    HasMethods,
    derive_seed,
    params_of_rows,
    rows_of,
    substitute,
    validate_params,
)
from ._controls import CONTROL_CONSTRAINTS, CONTROL_DOC, check_n_controls
from ._fitted import ticket_estimator


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
        self.estimator = fit_control(
            self.estimator, X, y, sample_weight, control=self.control, seed=self.seed
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
    fitted, score = _fit_and_score(estimator, X, y, split, params, scorer)
    # Some controls choose among the full network's weights.
    stand_in = _StandIn(without_rounds(ticket_estimator(fitted), n_kept=1), control)
    chosen = _chosen(fitted)
    unfitted = None if isinstance(chosen, WinningTicketBase) else clone(chosen)
    return score, unfitted, stand_in


def _score_control(estimator, X, y, split, params, scorer):
    return _fit_and_score(estimator, X, y, split, params, scorer)[1]


def _fit_and_score(estimator, X, y, split, params, scorer):
    train, test = split
    params = params_of_rows(X, params, train)
    fitted = estimator.fit(rows_of(X, train), rows_of(y, train), **params)
    return fitted, scorer(fitted, rows_of(X, test), rows_of(y, test))


def _splits(cv, estimator, X, y, random_state):
    if cv is None:
        has_classes = is_classifier(estimator) and type_of_target(y) in ("binary", "multiclass")
        splitter = StratifiedShuffleSplit if has_classes else ShuffleSplit
        seed = random_state.randint(np.iinfo(np.int32).max)
        cv = splitter(1, test_size=0.25, random_state=seed)
    if np.iterable(cv):
        cv = list(cv)
        if not cv or any(not np.iterable(split) or len(split) != 2 for split in cv):
            raise ValueError(
                "cv must give at least one pair of the positions of training and of test rows, "
                f"got {cv!r}"
            )
    return list(check_cv(cv, y, classifier=is_classifier(estimator)).split(X, y))


@substitute(control=CONTROL_DOC)
@validate_params(
    {
        "estimator": [HasMethods("fit")],
        "X": ["array-like", "sparse matrix"],
        "y": ["array-like", "sparse matrix"],
        "cv": ["cv_object"],
        "scoring": [str, callable, None],
        "params": [dict, None],
    }
    | CONTROL_CONSTRAINTS,
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
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Inputs.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    %(control)s
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
    fit_controls : Controls of an estimator that is fitted already.
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
    .. [3] J. Frankle, G. K. Dziugaite, D. M. Roy and M. Carbin, "Pruning Neural Networks at
       Initialization: Why Are We Missing the Mark?", ICLR 2021 ("shuffle", "inverted").

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
    check_n_controls(n_controls)
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
