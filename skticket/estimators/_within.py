"""What other rooms may ask of a fitted estimator, beyond what users see."""

from copy import copy
from dataclasses import replace

import numpy as np

from ..network import check_device, layer_sizes_of
from ..search import control_ticket, masks_in_training


def check_inputs(estimator, X):
    """Return checked inputs of a fitted estimator, in a precision that it predicts in."""
    return estimator._check_inputs(X)


def check_parameters(estimator):
    """Raise an error if a parameter is none that `fit` takes, whatever the data."""
    estimator._validate_params()
    if estimator.net is None:
        layer_sizes_of(estimator.hidden_layer_sizes)
        check_device(estimator.device)


def each_round(estimator):
    """Yield a copy of a fitted estimator that predicts with each round's network."""
    return estimator._each_round()


def has_labels(classifier):
    """Tell whether a row may have several labels, an output each."""
    return classifier._has_labels


def held_out(estimator, X, y):
    """Return the rows of X and y that a fit on them holds out, or None if it holds none out."""
    checked = estimator._validate(X, y, reset=False)
    data = estimator._hold_out(*checked, None)
    n_all = data.X.shape[0]
    if data.rows is None or len(data.rows) == n_all:
        return None
    is_held_out = np.ones(n_all, bool)
    is_held_out[data.rows] = False
    return checked[0][is_held_out], checked[1][is_held_out]


def masks_of_training(estimator, X, y, sample_weight=None, *, rate=None, n_times=None):
    """Train a fitted estimator's first round again; return when masks were drawn, and tickets."""
    X, y = estimator._validate(X, y, reset=False)
    search = estimator._build_search(estimator.ticket_)
    data = estimator._hold_out(X, y, sample_weight)
    return masks_in_training(search, data, rate=rate, n_times=n_times)


def zero_row(estimator):
    """Return a row of zeros, such as a fitted estimator takes."""
    return np.zeros((1, *estimator._row_shape), np.float32)


def without_rounds(estimator, n_kept=0):
    """Return a copy that holds one ticket, and what predicts and trains it again.

    Of the rounds, only the first `n_kept` are kept, by which others can be judged.
    """
    other = copy(estimator)
    for name in ("tickets_", "histories_", "net_", "_predictor", "_unfinished"):
        vars(other).pop(name, None)
    other._run = replace(other._run.without_rounds(n_kept), known={})
    return other


def fit_control(estimator, X, y, sample_weight=None, *, control, seed):
    """Return a copy that predicts with a control, trained as the selected round was.

    Its rounds are those kept in `estimator`, and the control's.
    """
    X, y = estimator._validate(X, y, reset=False)
    search = estimator._build_search(estimator.ticket_)
    number = estimator.selected_round_
    data = estimator._hold_out(X, y, sample_weight)
    full = estimator._run.trained[0].ticket
    ticket = control_ticket(search, control, estimator.ticket_, number, seed, full=full, data=data)
    search = replace(search, seed=seed)
    other = copy(estimator)
    other._set_run(
        replace(estimator._run.after(number, search.train(ticket, data, number)), key=None)
    )
    other._choose(search, len(other.tickets_) - 1)
    return other


def with_ticket(estimator, ticket):
    """Return a copy of a fitted estimator that predicts with another ticket of its network."""
    other = copy(estimator)
    other._set_ticket(estimator._build_search(estimator.ticket_), ticket)
    return other
