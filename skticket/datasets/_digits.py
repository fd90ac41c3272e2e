"""scikit-learn's digits."""

import numpy as np
from sklearn import datasets as _sklearn_datasets
from sklearn.utils import Bunch


def load_digits(*, return_X_y=False):
    """Load scikit-learn's digits, scaled to [0, 1].

    1,797 images of 8 x 8 pixels, bundled with scikit-learn; see
    :func:`sklearn.datasets.load_digits`.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    digits : :class:`~sklearn.utils.Bunch`
        With these attributes:

        data : ndarray of shape (1797, 64), float32
            Pixels, from 0 (background) to 1, each image row by row.
        target : ndarray of shape (1797,), int64
            The digit shown.
        feature_names : list of str
            ``"pixel_<row>_<column>"``.
        target_names : ndarray of shape (10,)
            The digits, in order.
        DESCR : str
            A description.
    (data, target) : tuple of ndarray
        If `return_X_y` is True.

    Examples
    --------
    >>> from skticket.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> X.shape, X.dtype, float(X.max())
    ((1797, 64), dtype('float32'), 1.0)
    """
    digits = _sklearn_datasets.load_digits()
    data = (digits.data / 16).astype(np.float32)
    target = digits.target.astype(np.int64)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        feature_names=list(digits.feature_names),
        target_names=digits.target_names,
        DESCR=digits.DESCR,
    )
