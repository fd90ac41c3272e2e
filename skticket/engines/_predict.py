"""Outputs of a default network, by whichever engine is faster."""

import numpy as np

from ._coverage import prediction_engine
from ._sparse_network import SparseNetwork

# Small enough for the activations of a block to stay in the cache.
_BLOCK_ROWS = 1024


class Predictor:
    """Compute the outputs of an `MLP` with a ticket's weights.

    Both engines compute in the precision of the inputs.

    Parameters
    ----------
    ticket : Ticket
        Of a default network.
    engine : {"dense", "sparse"}, default=None
        Which computes; the faster one when None.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket import Ticket
    >>> from skticket.engines import Predictor
    >>> weights = {"layers.0.weight": np.array([[2.0, 3.0]]), "layers.0.bias": np.ones(1)}
    >>> ticket = Ticket(weights, {"layers.0.weight": np.array([[True, False]])})
    >>> Predictor(ticket)(np.array([[1.0, 1.0]]))
    array([[3.]])
    """

    def __init__(self, ticket, engine=None):
        self.ticket = ticket
        # Looked up once: counting the survivors would take longer than predicting a row.
        self.engine = engine or prediction_engine(ticket)
        self._forms = {}

    def __getstate__(self):
        return {"ticket": self.ticket, "engine": self.engine}

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
            form = _sparse_form if self.engine == "sparse" else _dense_form
            self._forms[X.dtype] = form(self.ticket, X.dtype)
        return self._forms[X.dtype](X)


def _sparse_form(ticket, dtype):
    return SparseNetwork(ticket, dtype=dtype).predict


def _dense_form(ticket, dtype):
    *hidden, (last_weights, last_biases) = [
        (ticket.weights[weight].astype(dtype), ticket.weights[bias].astype(dtype))
        for weight, bias in ticket.layers
    ]

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
