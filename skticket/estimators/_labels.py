"""Targets of a classifier: class labels, or an indicator matrix of several labels."""

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d


def check_labels(y):
    """Return class labels of shape (n_samples,), or an indicator matrix of 0 and 1.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_labels)
        Targets; a single column is that of class labels.
    """
    if y.ndim == 1 or y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        return y
    values = np.unique(y) if y.dtype.kind in "biuf" else np.unique(y.astype(str))
    if not np.isin(values, [0, 1]).all():
        raise ValueError(
            "y of several columns must be an indicator matrix of zeros and ones, a column a label; "
            f"got values {values[:10]}"
        )
    return y.astype(int)


def classes_of(y, classes=None):
    """Return what is told apart.

    Parameters
    ----------
    y : ndarray
        From `check_labels`.
    classes : array-like or None
        As the user gave them.

    Returns
    -------
    ndarray of shape (n_classes,)
        Labels of two classes at least; of an indicator matrix, the numbers of its columns.
    """
    if y.ndim == 2:
        numbers = np.arange(y.shape[1])
        if classes is not None and not np.array_equal(np.unique(classes), numbers):
            raise ValueError(
                "classes must be the numbers of the columns of an indicator matrix, 0 to "
                f"{numbers[-1]}, or None; got {classes!r}"
            )
        return numbers
    found = np.unique(y if classes is None else classes)
    if len(found) < 2:
        raise ValueError(
            "WinningTicketClassifier needs at least two classes; the data have only "
            f"one class: {found[0]!r}"
        )
    return found
