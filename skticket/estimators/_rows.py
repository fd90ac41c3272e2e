"""From checked rows to what is trained and evaluated on."""

import numpy as np
from scipy.sparse import issparse
from sklearn.model_selection import train_test_split

from ..network import Data, some_rows
from ..utils import Stream, derive_seed


def hold_out(X, y, targets, weight, *, classification, fraction, limits, seed):
    """Split the validation rows off.

    Parameters
    ----------
    X : ndarray, csr_array or csr_matrix of shape (n_samples, n_features, ...)
        Inputs.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Targets as they came.
    targets : ndarray
        Targets as the loss takes them.
    weight : ndarray of shape (n_samples,) or None
        Positive weights of the rows.
    classification : bool
        Whether the score is the accuracy.
    fraction : float
        Share of the rows to hold out.
    limits : callable
        Takes `y` and the number of rows held out; returns how few rows either part may
        have, and what to stratify them by, or None.
    seed : int
        Of the run.

    Returns
    -------
    Data
        Where too few rows would be left, all rows serve for both.
    """
    rows = valid_rows = np.arange(len(y))
    n_valid = round(fraction * len(y))
    smallest, stratify = limits(y, n_valid)
    if min(n_valid, len(y) - n_valid) >= smallest:
        rows, valid_rows = train_test_split(
            rows,
            test_size=n_valid,
            stratify=stratify,
            random_state=derive_seed(seed, Stream.SPLIT),
        )
    if not issparse(X):
        X = np.ascontiguousarray(X)  # batches are gathered by rows
    return Data(
        X,
        targets,
        some_rows(X, valid_rows),
        targets[valid_rows],
        classification,
        weight,
        None if weight is None else weight[valid_rows],
        rows=rows,
    )
