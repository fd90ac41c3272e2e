"""Inputs and targets, checked by scikit-learn; large arrays stay what they are."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from ..network import Rows, is_large

_CHECKED_ROWS = 4096


def validate_inputs(estimator, X, y="no_validation", *, reset, dtype, **options):
    """Return checked inputs, and targets if there are any.

    Parameters
    ----------
    estimator : WinningTicketBase
        What they are for.
    X, y, reset, **options
        As for `sklearn.utils.validation.validate_data`.
    dtype : type or tuple of types
        Of the inputs; a large array keeps its own, and is converted a batch at a time.

    Returns
    -------
    X : ndarray, csr_array or csr_matrix
    y : ndarray
    """
    stays = _stays(X)
    options |= {"accept_sparse": "csr", "allow_nd": estimator.net is not None}
    options |= {"dtype": "numeric" if stays else dtype}
    checked = validate_data(estimator, X, y, reset=reset, **options)
    X, y = checked if isinstance(checked, tuple) else (checked, None)
    if stays and dtype == np.float32:
        _check_range(X)
    if y is None:
        return X
    return X, y.toarray() if issparse(y) else y


def _stays(X):
    """Whether an array is large, and of numbers that lie row by row."""
    is_array = isinstance(X, np.ndarray) and X.ndim > 1 and X.dtype.kind in "biuf"
    return is_array and is_large(X) and X.flags.c_contiguous


def _check_range(X):
    """Raise scikit-learn's error unless all numbers are finite in single precision."""
    if X.dtype.kind != "f" or X.dtype.itemsize <= 4:
        return
    with np.errstate(over="ignore"):
        for part in Rows(X).parts(_CHECKED_ROWS):
            if not np.isfinite(part.astype(np.float32)).all():
                raise ValueError(
                    "Input X contains infinity or a value too large for dtype('float32')."
                )
