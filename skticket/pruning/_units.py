"""Strategies that prune whole hidden units."""

from itertools import pairwise

import numpy as np

from ..utils import StrOptions, substitute
from ._strategy import Strategy


class _UnitStrategy(Strategy):
    """Whole hidden units: all weights into and out of them; never the outputs."""

    _parameter_constraints = {"scope": [StrOptions({"layer", "global"})]}

    def __init__(self, scope="layer"):
        self.scope = scope

    def _alive(self, ticket):
        _hidden_layers(ticket)
        return ticket.living_units

    def _scores(self, ticket, random_state):
        return {
            name: self._unit_scores(
                np.abs(ticket.weights[name]).sum(axis=1),
                np.abs(ticket.weights[following]).sum(axis=0),
            )
            for name, following in _hidden_layers(ticket)
        }

    def _groups(self, names, rate):
        return [(names, rate)]

    def _masks_without(self, ticket, removed):
        masks = {name: mask.copy() for name, mask in ticket.mask.items()}
        for name, following in _hidden_layers(ticket):
            masks[name][removed[name], :] = False
            masks[following][:, removed[name]] = False
        return masks


def _hidden_layers(ticket):
    """Pairs of names: the weights into each hidden layer, and those out of it."""
    names = list(ticket.mask)
    if not ticket.is_chain or len(names) < 2:
        shapes = {name: mask.shape for name, mask in ticket.mask.items()}
        raise ValueError(
            "a unit strategy needs fully connected layers, each feeding the next, with at "
            f"least one hidden layer; got weights of shapes {shapes}"
        )
    return list(pairwise(names))


_PARAMETERS = """
    Parameters
    ----------
    scope : {"layer", "global"}, default="layer"
        "layer" prunes that share of each hidden layer's units; "global" ranks the
        units of all hidden layers together, leaving each layer at least its best.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 2.
"""


@substitute(parameters=_PARAMETERS)
class UnitInput(_UnitStrategy):
    """Keep the hidden units with the largest sum of absolute incoming weights.

    %(parameters)s

    Examples
    --------
    >>> from skticket.pruning import UnitInput
    >>> UnitInput(scope="global")
    UnitInput(scope='global')
    """

    def _unit_scores(self, incoming, outgoing):
        return incoming


@substitute(parameters=_PARAMETERS)
class UnitOutput(_UnitStrategy):
    """Keep the hidden units with the largest sum of absolute outgoing weights.

    %(parameters)s

    Examples
    --------
    >>> from skticket.pruning import UnitOutput
    >>> UnitOutput(scope="global")
    UnitOutput(scope='global')
    """

    def _unit_scores(self, incoming, outgoing):
        return outgoing


@substitute(parameters=_PARAMETERS)
class UnitProduct(_UnitStrategy):
    """Keep the hidden units with the largest product of the two sums.

    %(parameters)s

    Examples
    --------
    >>> from skticket.pruning import UnitProduct
    >>> UnitProduct(scope="global")
    UnitProduct(scope='global')
    """

    def _unit_scores(self, incoming, outgoing):
        return incoming * outgoing
