"""Targets of a regressor in units of their own spread."""

import numpy as np


def mean_and_scale(y, weight=None):
    """Return mean and standard deviation of each output; a constant one's scale is 1.

    Parameters
    ----------
    y : ndarray of float64, shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    weight : ndarray of shape (n_samples,) or None
        Positive weights of the rows.

    Returns
    -------
    mean, scale : float64 or ndarray of shape (n_outputs,)
    """
    largest = np.abs(y).max(axis=0)
    # In units of the largest value no square overflows, and what is constant is exactly so.
    unit = np.where(largest > 0, largest, 1.0)
    parts = y / unit
    mean = np.average(parts, axis=0, weights=weight)
    scale = unit * np.sqrt(np.average((parts - mean) ** 2, axis=0, weights=weight))
    return unit * mean, np.where(scale > 0, scale, 1.0)[()]
