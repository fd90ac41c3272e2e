"""Strategies that score each weight by its values before and after training."""

from numbers import Integral, Real

import numpy as np

from ..utils import Interval, StrOptions, substitute
from ._strategy import Strategy


class WeightStrategy(Strategy):
    """Single weights, by default scored by `_score` of their values before and after training."""

    _parameter_constraints = {
        "scope": [StrOptions({"layer", "global"})],
        "output_rate": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, scope="layer", output_rate=0.5):
        self.scope = scope
        self.output_rate = output_rate

    def _alive(self, ticket):
        return ticket.mask

    def _scores(self, ticket, random_state):
        return {
            name: self._score(ticket.initial[name], ticket.weights[name]) for name in ticket.mask
        }

    def _groups(self, names, rate):
        return rates_by_layer(names, rate, self.output_rate)

    def _masks_without(self, ticket, removed):
        return {name: mask & ~removed[name] for name, mask in ticket.mask.items()}


def rates_by_layer(names, rate, output_rate):
    """Return pairs of layers that have one rate, and that rate; the last layer is the output's."""
    if output_rate == 1 or len(names) == 1:
        return [(names, rate)]
    of_outputs = rate * output_rate
    if isinstance(rate, Integral):
        of_outputs = round(of_outputs)
    return [(names[:-1], rate), (names[-1:], of_outputs)]


_PARAMETERS = """
    Parameters
    ----------
    scope : {"layer", "global"}, default="layer"
        "layer" prunes each layer by the rate; "global" ranks the weights of all
        layers together, leaving each layer at least its best one. Layers are
        ranked together only where their rate is the same: the output layer joins
        in with `output_rate=1`, and is otherwise pruned by its own rate.
    output_rate : float in [0, 1], default=0.5
        The output layer's rate, as a share of the rate: 0 leaves the output layer
        alone, 1 treats it like the others. A network with a single layer has
        no other to treat differently, and is pruned at the full rate.
"""
_ZHOU = """
    References
    ----------
    .. [1] H. Zhou et al., "Deconstructing Lottery Tickets", NeurIPS 2019, section 2.
"""


@substitute(parameters=_PARAMETERS)
class Magnitude(WeightStrategy):
    """Keep the weights of largest magnitude: score abs(w).

    %(parameters)s

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 3.

    Examples
    --------
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.pruning import Magnitude
    >>> clf = WinningTicketClassifier(strategy=Magnitude(scope="global"))
    >>> clf.get_params()["strategy__scope"]
    'global'
    """

    def _score(self, initial, trained):
        return np.abs(trained)


@substitute(parameters=_PARAMETERS + _ZHOU)
class InitialMagnitude(WeightStrategy):
    """Keep the weights that started largest: score abs(w0).

    %(parameters)s

    Examples
    --------
    >>> from skticket.pruning import InitialMagnitude
    >>> InitialMagnitude(output_rate=1)
    InitialMagnitude(output_rate=1)
    """

    def _score(self, initial, trained):
        return np.abs(initial)


@substitute(parameters=_PARAMETERS + _ZHOU)
class MagnitudeIncrease(WeightStrategy):
    """Keep the weights that grew most: score abs(w) - abs(w0).

    %(parameters)s

    Examples
    --------
    >>> from skticket.pruning import MagnitudeIncrease
    >>> MagnitudeIncrease(scope="global")
    MagnitudeIncrease(scope='global')
    """

    def _score(self, initial, trained):
        return np.abs(trained) - np.abs(initial)


@substitute(parameters=_PARAMETERS + _ZHOU)
class LargeInitLargeFinal(WeightStrategy):
    """Keep the weights that started large and ended large: score min(a abs(w), abs(w0)).

    The factor a scales the layer's largest surviving trained weight to its largest initial one.

    %(parameters)s

    Examples
    --------
    >>> import numpy as np
    >>> from skticket import Prune, Ticket
    >>> ticket = Ticket({"w": np.array([[1.0, 4.0, 3.0]])}, {"w": np.ones((1, 3), bool)},
    ...                 {"w": np.array([[8.0, 2.0, -6.0]])})
    >>> Prune(2, "large_init_large_final").transform(ticket).mask["w"]
    array([[False, False,  True]])
    """

    def _score(self, initial, trained):
        initial, trained = np.abs(initial), np.abs(trained)
        largest = trained.max(initial=0)
        return np.minimum(initial.max() / largest * trained if largest else trained, initial)


@substitute(parameters=_PARAMETERS + _ZHOU)
class Movement(WeightStrategy):
    """Keep the weights that moved furthest: score abs(w - w0).

    %(parameters)s

    Examples
    --------
    >>> from skticket.pruning import Movement
    >>> Movement(scope="global")
    Movement(scope='global')
    """

    def _score(self, initial, trained):
        return np.abs(trained - initial)


@substitute(parameters=_PARAMETERS)
class Random(WeightStrategy):
    """Keep weights by chance: the control of every other strategy.

    %(parameters)s

    Examples
    --------
    >>> from skticket.pruning import Random
    >>> Random(output_rate=0)
    Random(output_rate=0)
    """

    def _scores(self, ticket, random_state):
        return {name: random_state.uniform(size=mask.shape) for name, mask in ticket.mask.items()}


@substitute(parameters=_PARAMETERS)
class ScoreFunction(WeightStrategy):
    """Keep the weights that a function scores highest.

    %(parameters)s
    function : callable
        `function(ticket)` returns an array of scores for each name in
        `ticket.mask`, of that mask's shape; the lowest are pruned first.

    Examples
    --------
    >>> from skticket.pruning import ScoreFunction
    >>> squared = ScoreFunction(function=lambda ticket: {
    ...     name: ticket.weights[name] ** 2 for name in ticket.mask
    ... })
    >>> squared.scope
    'layer'
    """

    _parameter_constraints = {**WeightStrategy._parameter_constraints, "function": [callable]}

    def __init__(self, function, scope="layer", output_rate=0.5):
        super().__init__(scope, output_rate)
        self.function = function

    def _scores(self, ticket, random_state):
        return self.function(ticket)
