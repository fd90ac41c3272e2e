"""Loss and error on the line between two tickets."""

from numbers import Integral

import numpy as np
import pandas as pd
from scipy.special import log_expit, log_softmax
from sklearn.base import is_classifier
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted

from ..engines import Predictor
from ..estimators import WinningTicketBase, has_labels, with_ticket
from ..network import hidden_of_ticket
from ..ticket import Ticket

_QUANTITIES = ("error", "loss")


def line_between(first, second, X, y, *, n_points=11):
    """Evaluate the networks on the line between two tickets.

    Every parameter is interpolated: weights, which are 0 where a ticket has pruned them, biases,
    whatever else the network holds, and what a regressor standardizes its targets by. A weight
    that only one of the tickets has moves between its value and 0.

    Parameters
    ----------
    first, second : Ticket, or fitted WinningTicketClassifier or WinningTicketRegressor
        The ends, of one architecture: two tickets of the default network, or two estimators,
        the network of whose `ticket_` is meant.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Inputs.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets. Of tickets, integers are the numbers of the classes, counted from 0, and floats
        what is to be predicted.
    n_points : int, default=11
        Evenly spaced points, both ends included.

    Returns
    -------
    DataFrame
        A row a point, with columns `alpha` (0 at the first ticket, 1 at the second), `loss` (mean
        cross-entropy, or mean squared error) and `error` (share of wrong predictions, or 1 - R²).

    Raises
    ------
    ValueError
        If the tickets are of different architectures, or do not fit the data.

    See Also
    --------
    error_barrier : How much the error rises on the way.
    InterpolationDisplay : A picture of this.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.inspection import line_between
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((20,), rounds=2, random_state=0).fit(X, y)
    >>> line = line_between(clf.tickets_[1], clf.tickets_[2], X, y, n_points=3)
    >>> line["alpha"].tolist()
    [0.0, 0.5, 1.0]
    """
    if not isinstance(n_points, Integral) or n_points < 3:
        raise ValueError(f"n_points must be a whole number of at least 3, got {n_points!r}")
    evaluate = _evaluation(first, second, X, y)
    ends = [one if isinstance(one, Ticket) else one.ticket_ for one in (first, second)]
    _check_alike(*ends)
    alphas = np.linspace(0, 1, n_points)
    rows = [(alpha, *evaluate(_between(*ends, alpha), alpha)) for alpha in alphas]
    return pd.DataFrame(rows, columns=["alpha", "loss", "error"])


def error_barrier(first, second, X, y, *, n_points=11, of="error"):
    """Return how much the error rises between two tickets.

    That is the greatest difference, on the line between them, from what it would be if it changed
    evenly from the one to the other; at the ends there is none. Of two trainings that end
    equally well it is Frankle et al.'s instability [1]_, which they call nothing below 0.02.

    Parameters
    ----------
    first, second : Ticket, or fitted WinningTicketClassifier or WinningTicketRegressor
        The ends, as for `line_between`.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Inputs.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets, as for `line_between`.
    n_points : int, default=11
        Points of the line that are evaluated, both ends included.
    of : {"error", "loss"}, default="error"
        What is measured.

    Returns
    -------
    float
        At least 0.

    See Also
    --------
    line_between : The values on the line.

    References
    ----------
    .. [1] J. Frankle et al., "Linear Mode Connectivity and the Lottery Ticket
       Hypothesis", ICML 2020, section 2.
    .. [2] M. Paul et al., "Unmasking the Lottery Ticket Hypothesis: What's Encoded in a
       Winning Ticket's Mask?", ICLR 2023, section 3 (between rounds).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.inspection import error_barrier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = WinningTicketClassifier((20,), rounds=1, random_state=0).fit(X, y)
    >>> error_barrier(clf.tickets_[1], clf.tickets_[1], X, y)
    0.0
    """
    if of not in _QUANTITIES:
        raise ValueError(f"of must be one of {_QUANTITIES}, got {of!r}")
    return barrier_of(line_between(first, second, X, y, n_points=n_points)[of])


def barrier_of(values):
    """Return the greatest rise of evenly spaced values over the straight line between their ends.

    >>> barrier_of([1.0, 5.0, 3.0])
    3.0
    """
    values = np.asarray(values, float)
    rises = values - np.linspace(values[0], values[-1], len(values))
    # Where the values are the line's own, rounding may tell otherwise.
    rises[[0, -1]] = 0
    return float(rises.max())


def _between(first, second, alpha):
    """The ticket at one point; what is no floating-point number stays the first's."""
    arrays = {}
    for name, start in first.weights.items():
        end = second.weights[name]
        is_real = np.issubdtype(start.dtype, np.floating)
        arrays[name] = ((1 - alpha) * start + alpha * end).astype(start.dtype) if is_real else start
    return Ticket(arrays, {name: mask | second.mask[name] for name, mask in first.mask.items()})


def _check_alike(first, second):
    shapes = [{name: array.shape for name, array in t.weights.items()} for t in (first, second)]
    if shapes[0] != shapes[1] or list(first.mask) != list(second.mask):
        raise ValueError(
            "first and second must be of one architecture, got parameters of the shapes "
            f"{shapes[0]} and {shapes[1]}"
        )


def _evaluation(first, second, X, y):
    """Return what tells loss and error of a ticket, some way along the line."""
    check_consistent_length(X, y)
    both = first, second
    if all(isinstance(one, Ticket) for one in both):
        return _of_tickets(first, X, np.asarray(y))
    if not all(isinstance(one, WinningTicketBase) for one in both):
        raise ValueError(
            "first and second must be two Tickets, or two fitted estimators, each a "
            "WinningTicketClassifier or WinningTicketRegressor, got "
            f"{' and '.join(type(one).__name__ for one in both)}; of a Pipeline, pass the step "
            "that is one, with what it is given"
        )
    for one in both:
        check_is_fitted(one)
    if is_classifier(first) != is_classifier(second):
        raise ValueError("first and second must both predict classes, or both numbers")
    return (_of_classifiers if is_classifier(first) else _of_regressors)(*both, X, np.asarray(y))


def _of_regressors(first, second, X, y):
    def evaluate(ticket, alpha):
        network = with_ticket(first, ticket)
        for name in ("y_mean_", "y_scale_"):
            ends = getattr(first, name), getattr(second, name)
            setattr(network, name, (1 - alpha) * ends[0] + alpha * ends[1])
        return _squared(network.predict(X), y)

    return evaluate


def _of_classifiers(first, second, X, y):
    if has_labels(first) or has_labels(second):
        raise ValueError("first and second must predict one label a row, not several")
    classes = first.classes_
    if not np.array_equal(classes, second.classes_):
        raise ValueError(
            f"first and second must tell the same classes apart, got {classes} and "
            f"{second.classes_}"
        )
    codes = np.searchsorted(classes, y)
    codes[codes == len(classes)] = 0
    unknown = np.unique(y[classes[codes] != y])
    if len(unknown):
        raise ValueError(f"y has labels {unknown} that are not among {classes}")
    return lambda ticket, alpha: _classes(with_ticket(first, ticket).predict_log_proba(X), codes)


def _of_tickets(ticket, X, y):
    X = check_array(X, accept_sparse="csr", dtype=(np.float64, np.float32), input_name="X")
    n_outputs = len([*ticket.mask.values()][-1])
    is_real = y.dtype.kind == "f"
    hidden_of_ticket(ticket, X.shape[1], y.size // len(y) if is_real else n_outputs)
    if is_real:
        return lambda ticket, alpha: _squared(Predictor(ticket)(X).reshape(y.shape), y)
    if y.dtype.kind not in "iub":
        raise ValueError(
            f"y must be numbers where first and second are tickets, got dtype {y.dtype}; give "
            "estimators, which know their labels"
        )
    y = y.astype(np.intp)
    n_classes = max(2, n_outputs)
    if y.min() < 0 or y.max() >= n_classes:
        raise ValueError(
            f"y must hold numbers of classes from 0 to {n_classes - 1}, got {y.min()} to {y.max()}"
        )
    return lambda ticket, alpha: _classes(_log_probabilities(Predictor(ticket)(X)), y)


def _log_probabilities(outputs):
    if outputs.shape[1] > 1:
        return log_softmax(outputs, axis=1)
    return np.hstack([log_expit(-outputs), log_expit(outputs)])


def _classes(logs, codes):
    loss = -np.mean(logs[np.arange(len(codes)), codes], dtype=np.float64)
    return float(loss), float(np.mean(logs.argmax(axis=1) != codes))


def _squared(predicted, y):
    return float(mean_squared_error(y, predicted)), float(1 - r2_score(y, predicted))
