"""Distributions from which initial weights are drawn."""

from numbers import Real

import numpy as np
from scipy.special import ndtr, ndtri
from sklearn.base import BaseEstimator

from .utils import HasPage, Interval, StrOptions

__all__ = ["INIT_NAMES", "Glorot", "He", "Normal", "resolve_init"]


def _fans(shape):
    """Incoming and outgoing connections a unit, of a linear or convolutional weight."""
    receptive_field = int(np.prod(shape[2:]))
    return shape[1] * receptive_field, shape[0] * receptive_field


class _Scaled(HasPage, BaseEstimator):
    """Zero-mean weights whose variance depends on the shape of their layer."""

    _parameter_constraints = {"distribution": [StrOptions({"normal", "uniform"})]}

    def __init__(self, distribution="normal"):
        self.distribution = distribution

    def __call__(self, shape, random_state):
        """Return an array of `shape` drawn with the RandomState `random_state`."""
        self._validate_params()
        std = np.sqrt(self._variance(*_fans(shape)))
        if self.distribution == "normal":
            return random_state.normal(0.0, std, shape)
        limit = np.sqrt(3.0) * std
        return random_state.uniform(-limit, limit, shape)


class Glorot(_Scaled):
    """Variance 2 / (fan in + fan out).

    Parameters
    ----------
    distribution : {"normal", "uniform"}, default="normal"
        The shape of the distribution.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010, section 4.2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket.initialization import Glorot
    >>> Glorot()((300, 784), np.random.RandomState(0)).std().round(3)
    np.float64(0.043)
    """

    def _variance(self, fan_in, fan_out):
        return 2.0 / (fan_in + fan_out)


class He(_Scaled):
    """Variance 2 / fan in.

    Parameters
    ----------
    distribution : {"normal", "uniform"}, default="normal"
        The shape of the distribution.

    References
    ----------
    .. [1] K. He et al., "Delving Deep into Rectifiers", ICCV 2015, section 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket.initialization import He
    >>> He()((300, 784), np.random.RandomState(0)).std().round(3)
    np.float64(0.05)
    """

    def _variance(self, fan_in, fan_out):
        return 2.0 / fan_in


class Normal(HasPage, BaseEstimator):
    """Gaussian of mean 0, whatever the shape of the layer.

    Parameters
    ----------
    std : float, default=0.1
        Standard deviation (before truncation).
    truncation : float or None, default=None
        Largest absolute value, in standard deviations; None for no limit.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, sections 2 and 3.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket.initialization import Normal
    >>> weights = Normal(std=0.1, truncation=2)((300, 784), np.random.RandomState(0))
    >>> bool(abs(weights).max() <= 0.2)
    True
    """

    _parameter_constraints = {
        "std": [Interval(Real, 0, None, closed="neither")],
        "truncation": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(self, std=0.1, truncation=None):
        self.std = std
        self.truncation = truncation

    def __call__(self, shape, random_state):
        """Return an array of `shape` drawn with the RandomState `random_state`."""
        self._validate_params()
        if self.truncation is None:
            return random_state.normal(0.0, self.std, shape)
        tail = ndtr(-self.truncation)
        return self.std * ndtri(random_state.uniform(tail, 1.0 - tail, shape))


_NAMED = {
    "glorot_normal": Glorot("normal"),
    "glorot_uniform": Glorot("uniform"),
    "he_normal": He("normal"),
    "he_uniform": He("uniform"),
    "normal": Normal(),
    "truncated_normal": Normal(truncation=2.0),
}
INIT_NAMES = frozenset(_NAMED)


def resolve_init(init):
    """Return the distribution that `init` names, or `init` itself.

    Parameters
    ----------
    init : str or callable
        A name, or a callable `init(shape, random_state)` that returns an array.

    Returns
    -------
    callable

    Raises
    ------
    ValueError
        If the name is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket.initialization import resolve_init
    >>> draw = resolve_init("normal")
    >>> draw((3, 2), np.random.RandomState(0)).shape
    (3, 2)
    """
    if callable(init):
        return init
    if init not in _NAMED:
        raise ValueError(f"init must be a callable or one of {sorted(_NAMED)}, got {init!r}")
    return _NAMED[init]
