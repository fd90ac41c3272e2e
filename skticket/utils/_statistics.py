"""Intervals of means."""

import numpy as np
from scipy.special import stdtrit


def student_half_width(deviation, n, confidence=0.95):
    """Return half the width of Student's interval of a mean.

    Parameters
    ----------
    deviation : float or array-like
        Standard deviation of the values, with n - 1 in the denominator.
    n : int or array-like
        Their number; one value gives NaN.
    confidence : float, default=0.95
        How often such an interval holds the mean.

    Returns
    -------
    float or array-like

    Examples
    --------
    >>> import numpy as np
    >>> from skticket.utils import student_half_width
    >>> values = [1.0, 2.0, 3.0]
    >>> float(student_half_width(np.std(values, ddof=1), len(values)))
    2.484...
    """
    return stdtrit(n - 1, (1 + confidence) / 2) * deviation / np.sqrt(n)
