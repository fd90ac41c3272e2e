"""A ticket's network without what has no part in its outputs."""

import numpy as np

from ..ticket import reaching_units


def compact(ticket):
    """Return which inputs a ticket of the default network uses, and the layers that are left.

    Left out are units and inputs from which no path of surviving weights leads to an output.
    Units to which none leads from an input are constant: they become part of the next layer's
    biases.

    Parameters
    ----------
    ticket : Ticket
        Of a default network, or its first layers.

    Returns
    -------
    inputs : ndarray of int
        Positions of the inputs that are used; one at least.
    layers : list of (ndarray of shape (n_out, n_in), ndarray of shape (n_out,))
        Weights and biases of each layer, in double precision.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket import Ticket
    >>> from skticket.export import compact
    >>> arrays = {
    ...     "layers.0.weight": np.array([[2.0, 0.0], [0.0, 0.0], [0.0, 3.0]]),
    ...     "layers.0.bias": np.array([0.0, 1.0, 0.0]),
    ...     "layers.1.weight": np.array([[4.0, 5.0, 0.0]]),
    ...     "layers.1.bias": np.array([6.0]),
    ... }
    >>> mask = {name: arrays[name] != 0 for name in ("layers.0.weight", "layers.1.weight")}
    >>> compact(Ticket(arrays, mask))
    (array([0]), [(array([[2.]]), array([0.])), (array([[4.]]), array([11.]))])
    """
    masks = list(ticket.mask.values())
    *reaching, all_outputs = reaching_units(masks)
    # Of the units before a layer: which are there, which do not depend on the inputs, and what
    # these give.
    inputs = units = _kept(reaching[0])
    is_constant, constants = np.zeros(len(reaching[0]), bool), np.zeros(len(reaching[0]))
    layers = []
    for layer, mask, used in zip(ticket.layers, masks, [*reaching[1:], all_outputs]):
        weights = ticket.weights[layer.weight].astype(np.float64)
        biases = ticket.weights[layer.bias] + weights[:, is_constant] @ constants[is_constant]
        weights[:, is_constant] = 0
        if used is all_outputs:
            outputs = np.arange(len(used))
        else:
            is_constant = ~mask[:, ~is_constant].any(axis=1)
            constants = np.maximum(biases, 0)
            outputs = _kept(used & ~is_constant)
        layers.append((weights[np.ix_(outputs, units)], biases[outputs]))
        units = outputs
    return inputs, layers


def _kept(used):
    """Positions of what is used; the first where nothing is, since no layer can be empty."""
    positions = np.flatnonzero(used)
    return positions if len(positions) else np.zeros(1, int)
