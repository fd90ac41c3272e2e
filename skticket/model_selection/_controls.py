"""Controls of a fitted estimator's ticket."""

from numbers import Integral

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..estimators import WinningTicketBase, fit_control, without_rounds
from ..search import CONTROLS
from ..utils import Interval, StrOptions, derive_seed, substitute, validate_params

CONTROL_CONSTRAINTS = {
    "control": [StrOptions(set(CONTROLS))],
    "n_controls": [Interval(Integral, 1, None, closed="left")],
    # Far more than a cluster has processors; joblib itself tries to start as many as it is told.
    "n_jobs": [Interval(Integral, -(2**20), 2**20, closed="both"), None],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}


CONTROL_DOC = """
    control : {"reinit", "rearrange", "random_signs", "shuffle", "inverted"}, default="reinit"
        What takes the ticket's place. All have as many weights in each layer as it.

        - "reinit": its masks over fresh random weights.
        - "rearrange": its connections moved to random places in their layer, each with the
          initial weight that it had.
        - "random_signs": its masks over random signs at one magnitude a layer.
        - "shuffle": its masks moved to random places in their layer, over what the first round's
          weights were there: the connections, and their values, are others.
        - "inverted": those of the first round's weights that its strategy scores lowest,
          scored once. Such controls differ from one another by the order of batches alone.
"""


def check_n_controls(n_controls):
    """Raise an error for a boolean, which is an integer to Python."""
    if isinstance(n_controls, bool):
        raise ValueError(f"n_controls must be a number of controls, got {n_controls!r}")


@substitute(control=CONTROL_DOC)
@validate_params(
    {
        "estimator": [WinningTicketBase],
        "X": ["array-like", "sparse matrix"],
        "y": ["array-like", "sparse matrix"],
    }
    | {"sample_weight": ["array-like", None]}
    | CONTROL_CONSTRAINTS,
    prefer_skip_nested_validation=False,
)
def fit_controls(
    estimator,
    X,
    y,
    *,
    control="reinit",
    n_controls=5,
    sample_weight=None,
    n_jobs=None,
    random_state=0,
    verbose=0,
):
    """Train controls of a fitted estimator's ticket.

    A control lacks what is said to make a ticket win. It is trained on the rows that the
    ticket was trained on, as many optimizer steps as the ticket in its own round, and
    evaluated on the same held-out rows; each has weights (or places) and an order of
    batches of its own.

    Parameters
    ----------
    estimator : WinningTicketClassifier or WinningTicketRegressor
        Fitted estimator. It stays as it is.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Inputs that it was fitted on.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets that it was fitted on.
    %(control)s
    n_controls : int, default=5
        Number of controls.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights that it was fitted with.
    n_jobs : int, default=None
        Trainings to run side by side, by joblib; each uses one thread.
    random_state : int, RandomState instance or None, default=0
        Determines the controls.
    verbose : int, default=0
        Verbosity of joblib.

    Returns
    -------
    list of WinningTicketClassifier or WinningTicketRegressor
        Each predicts with a control. Its `round_results_` hold the full network and the
        control, whose `is_winning_` says whether it would pass for a winning ticket.

    See Also
    --------
    ticket_test_score : A test by controls, from the search on, for Pipelines, too.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 3.
    .. [2] J. Frankle, G. K. Dziugaite, D. M. Roy and M. Carbin, "Pruning Neural Networks at
       Initialization: Why Are We Missing the Mark?", ICLR 2021 ("shuffle", "inverted").

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.model_selection import fit_controls
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((20,), rounds=2, max_epochs=5, random_state=0).fit(X, y)
    >>> controls = fit_controls(clf, X, y, n_controls=2)
    >>> [control.ticket_.n_weights == clf.ticket_.n_weights for control in controls]
    [True, True]
    """
    check_n_controls(n_controls)
    check_is_fitted(estimator)
    if not estimator.tickets_:
        raise ValueError(
            "controls are judged by the first round, which the estimator no longer holds; fit it, "
            "rather than load it from a file"
        )
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    # Workers need the full network's results, by which a control is judged, and no other round's.
    sent = without_rounds(estimator, n_kept=1)
    return Parallel(n_jobs=n_jobs, verbose=verbose)(
        delayed(fit_control)(
            sent, X, y, sample_weight, control=control, seed=derive_seed(seed, number)
        )
        for number in range(n_controls)
    )
