"""What other rooms may ask of a fitted estimator, beyond what users see."""

from copy import copy
from dataclasses import replace

import numpy as np


def check_inputs(estimator, X):
    """Return checked inputs of a fitted estimator, in a precision that it predicts in."""
    return estimator._check_inputs(X)


def zero_row(estimator):
    """Return a row of zeros, such as a fitted estimator takes."""
    return np.zeros((1, *estimator._row_shape), np.float32)


def without_rounds(estimator):
    """Return a copy that holds one ticket, and what predicts and trains it again."""
    other = copy(estimator)
    for name in ("tickets_", "histories_", "net_", "_predictor", "_unfinished"):
        vars(other).pop(name, None)
    other._run = other._run.first(0)
    return other


def fit_control(estimator, X, y, sample_weight=None, *, control, seed):
    """Return a copy that predicts with a control, trained as the selected round was."""
    X, y = estimator._validate(X, y, reset=False)
    search = replace(estimator._build_search(estimator.ticket_), seed=seed)
    ticket = search.rewind_ticket(estimator.ticket_, estimator.selected_round_, control)
    data = estimator._hold_out(X, y, sample_weight)
    trained = search.train(ticket, data, estimator.selected_round_)
    return estimator._with(search, trained.ticket)
