"""Outputs of a default network, from whichever form of its ticket is faster."""

import numpy as np

from .kernels import SparseNetwork
from .sparse import is_large

__all__ = ["Predictor"]

# Small enough for the activations of a block to stay in the cache.
_BLOCK_ROWS = 1024
# Where the two forms cross, by benchmarks/prediction.py.
_CROSSOVER_DENSITY = 0.35


class Predictor:
    """Compute the outputs of an `MLP` with a ticket's weights.

    Both forms compute in the precision of the inputs.

    Parameters
    ----------
    ticket : Ticket
        Of a default network.
    layout : {"auto", "dense", "sparse"}, default="auto"
        Which form computes; "auto" is the sparse one at small densities.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket import Ticket
    >>> from skticket.prediction import Predictor
    >>> weights = {"layers.0.weight": np.array([[2.0, 3.0]]), "layers.0.bias": np.ones(1)}
    >>> ticket = Ticket(weights, {"layers.0.weight": np.array([[True, False]])})
    >>> Predictor(ticket)(np.array([[1.0, 1.0]]))
    array([[3.]])
    """

    def __init__(self, ticket, layout="auto"):
        self.ticket = ticket
        self.layout = layout
        # Looked up once: counting the survivors would take longer than predicting a row.
        self._is_sparse = layout == "sparse" or layout == "auto" and _sparse_is_faster(ticket)
        self._forms = {}

    def __getstate__(self):
        return {"ticket": self.ticket, "layout": self.layout}

    def __setstate__(self, state):
        self.__init__(**state)

    def __call__(self, X):
        """Return the outputs before any softmax or logistic function.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_inputs)
            Inputs.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
        """
        if X.dtype not in self._forms:
            form = _sparse_form if self._is_sparse else _dense_form
            self._forms[X.dtype] = form(self.ticket, X.dtype)
        return self._forms[X.dtype](X)


def _sparse_is_faster(ticket):
    return is_large(ticket) and ticket.density <= _CROSSOVER_DENSITY


def _arrays(ticket, dtype):
    """Weights and biases of each layer."""
    for name in ticket.mask:
        bias = ticket.weights[name.removesuffix("weight") + "bias"]
        yield ticket.weights[name].astype(dtype), bias.astype(dtype)


def _sparse_form(ticket, dtype):
    weights, biases = zip(*_arrays(ticket, dtype), strict=True)
    return SparseNetwork(weights, list(ticket.mask.values()), biases).predict


def _dense_form(ticket, dtype):
    *hidden, (last_weights, last_biases) = _arrays(ticket, dtype)

    def forward_block(X):
        for weights, biases in hidden:
            X = X @ weights.T
            X += biases
            np.maximum(X, 0, out=X)
        return X @ last_weights.T + last_biases

    def forward(X):
        if len(X) <= _BLOCK_ROWS:
            return forward_block(X)
        blocks = np.array_split(X, -(-len(X) // _BLOCK_ROWS))
        return np.concatenate([forward_block(block) for block in blocks])

    return forward
