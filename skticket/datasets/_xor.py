"""Exclusive or."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from ..utils import Interval, validate_params


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_xor(n_samples=4, *, noise=0.0, shuffle=False, random_state=None):
    """Make the exclusive-or problem, whether exactly one of two inputs is on.

    The four points (0, 0), (0, 1), (1, 0) and (1, 1), of classes 0, 1, 1 and 0, are repeated in
    this order until there are `n_samples`.

    Parameters
    ----------
    n_samples : int, default=4
        Number of points, at least 1.
    noise : float, default=0.0
        Standard deviation of the Gaussian noise added to both inputs, in their own unit (the
        points are 1 apart).
    shuffle : bool, default=False
        Whether to put the points in random order.
    random_state : int, RandomState instance or None, default=None
        Seed of noise and order. None draws a fresh seed; NumPy's global generator is not used.

    Returns
    -------
    X : ndarray of shape (n_samples, 2), float32
        The inputs.
    y : ndarray of shape (n_samples,), int64
        The class, 0 or 1, of each point before noise.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Examples
    --------
    >>> from skticket.datasets import make_xor
    >>> X, y = make_xor()
    >>> X
    array([[0., 0.],
           [0., 1.],
           [1., 0.],
           [1., 1.]], dtype=float32)
    >>> y
    array([0, 1, 1, 0])
    >>> X, y = make_xor(200, noise=0.1, shuffle=True, random_state=0)
    >>> X.shape
    (200, 2)
    """
    rng = np.random.RandomState() if random_state is None else check_random_state(random_state)
    corner = np.arange(n_samples) % 4
    if shuffle:
        rng.shuffle(corner)
    bits = np.column_stack([corner // 2, corner % 2])
    X = bits.astype(np.float64)
    if noise > 0:
        X += rng.normal(scale=noise, size=X.shape)
    return X.astype(np.float32), (bits[:, 0] ^ bits[:, 1]).astype(np.int64)
