"""MNIST-1D."""

from numbers import Integral

import numpy as np
from scipy.ndimage import gaussian_filter1d
from sklearn.utils import check_random_state

from ..utils import Interval, validate_params

# The authors' ten templates, a digit a row.
_TEMPLATES = np.array(
    [
        [5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5],
        [5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5],
        [5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5],
        [5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5],
        [5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5],
        [5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5],
        [5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5],
        [5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5],
    ]
)
_TEMPLATE_SCALE = 1 / 6
_LEAST_PADDING, _MOST_PADDING = 36, 60
_SCALE_RANGE = 0.4
_MOST_TRANSLATION = 48
_CORRELATED_NOISE, _CORRELATION_LENGTH = 0.25, 2
_INDEPENDENT_NOISE = 0.02
_SHEAR_RANGE = 0.75
_N_POINTS = 40


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_mnist1d(n_samples=5000, *, random_state=None):
    """Make MNIST-1D: ten digits as one-dimensional curves, hard to tell apart.

    Each example is one of ten templates of 12 points, padded to a random length, stretched to 72
    points, scaled, shifted, put into correlated noise, covered with a little independent noise,
    sheared, and resampled to 40 points. All values are then standardized together.

    A linear model gets about a third of the test examples right, so that networks, and tickets,
    differ more than on MNIST.

    Parameters
    ----------
    n_samples : int, default=5000
        Number of examples, at least 1; the authors train on 4,000 and test on 1,000. Each digit
        has the same number of them, or one more.
    random_state : int, RandomState instance or None, default=None
        Seed of everything random. None draws a fresh seed; NumPy's global generator is not used.

    Returns
    -------
    X : ndarray of shape (n_samples, 40), float32
        The curves, with mean 0 and standard deviation 1 over all values.
    y : ndarray of shape (n_samples,), int64
        The digits, in random order.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    References
    ----------
    .. [1] S. Greydanus and D. Kobak, "Scaling down deep learning with MNIST-1D",
       arXiv:2011.14439, 2020.

    Examples
    --------
    >>> from skticket.datasets import make_mnist1d
    >>> X, y = make_mnist1d(random_state=0)
    >>> X.shape, X.dtype, float(X.std())
    ((5000, 40), dtype('float32'), 1.0)
    """
    rng = np.random.RandomState() if random_state is None else check_random_state(random_state)
    y = rng.permutation(np.arange(n_samples) % len(_TEMPLATES))
    signal, is_signal = _stretched(_templates()[y], rng)
    signal *= 1 + _SCALE_RANGE * _centred(n_samples, rng)
    shift = rng.randint(_MOST_TRANSLATION, size=n_samples)
    signal, is_signal = _rolled(signal, shift), _rolled(is_signal, shift)
    noise = rng.normal(scale=_CORRELATED_NOISE, size=signal.shape)
    signal = np.where(is_signal, signal, gaussian_filter1d(noise, _CORRELATION_LENGTH))
    signal += rng.normal(scale=_INDEPENDENT_NOISE, size=signal.shape)
    signal -= _SHEAR_RANGE * _centred(n_samples, rng) * np.linspace(-0.5, 0.5, signal.shape[1])
    X = _at(signal, np.linspace(0, signal.shape[1] - 1, _N_POINTS))
    X = (X - X.mean()) / X.std()
    return X.astype(np.float32), y.astype(np.int64)


def _templates():
    """Return the templates, standardized one by one and then moved to start at 0."""
    whitened = _TEMPLATES - _TEMPLATES.mean(axis=1, keepdims=True)
    whitened /= whitened.std(axis=1, keepdims=True)
    return _TEMPLATE_SCALE * (whitened - whitened[:, :1])


def _stretched(templates, rng):
    """Pad each template with zeros to a random length, and all to one; and tell which are padding.

    The more zeros there are, the narrower the template becomes.
    """
    n, length = templates.shape
    padded = np.pad(templates, ((0, 0), (0, _MOST_PADDING)))
    last = length - 1 + rng.randint(_LEAST_PADDING, _MOST_PADDING + 1, size=n)
    positions = last[:, None] * np.linspace(0, 1, length + _MOST_PADDING)
    return _at(padded, positions), positions < length


def _at(curves, positions):
    """Return the values of curves, one a row, between their points."""
    positions = np.broadcast_to(positions, (len(curves), np.shape(positions)[-1]))
    left = np.minimum(positions.astype(int), curves.shape[1] - 2)
    before = np.take_along_axis(curves, left, axis=1)
    after = np.take_along_axis(curves, left + 1, axis=1)
    return before + (positions - left) * (after - before)


def _rolled(curves, shift):
    """Shift each row to the right; what falls off comes in on the left."""
    columns = (np.arange(curves.shape[1]) - shift[:, None]) % curves.shape[1]
    return np.take_along_axis(curves, columns, axis=1)


def _centred(n, rng):
    return rng.uniform(-0.5, 0.5, size=(n, 1))
