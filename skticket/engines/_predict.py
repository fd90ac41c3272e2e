"""Outputs of a default network, by whichever engine is faster."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import gen_batches, gen_even_slices

from ._coverage import prediction_engine
from ._sparse_network import SparseNetwork

# Small enough for the activations of a block to stay in the cache.
_BLOCK_ROWS = 1024
_PRECISIONS = np.float32, np.float64


class Predictor:
    """Compute the outputs of an `MLP` with a ticket's weights.

    Both engines compute in the precision of the inputs; in double precision, if those are of
    another type, block by block.

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
        self.engine = engine
        self._forms = {}

    def __getstate__(self):
        return {"ticket": self.ticket, "engine": self.engine}

    def __setstate__(self, state):
        self.__init__(**state)

    def __call__(self, X):
        """Return the outputs before any softmax or logistic function.

        Parameters
        ----------
        X : ndarray, csr_array or csr_matrix of shape (n_rows, n_inputs)
            Inputs.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
        """
        if X.dtype not in _PRECISIONS:
            blocks = gen_batches(X.shape[0], _BLOCK_ROWS)
            return np.concatenate([self(X[block].astype(np.float64)) for block in blocks])
        kind = X.dtype, issparse(X)
        # Made once: counting the survivors would take longer than predicting a row.
        if kind not in self._forms:
            self._forms[kind] = self._form(*kind)
        return self._forms[kind](X)

    def _form(self, dtype, of_sparse_rows):
        engine = self.engine or prediction_engine(self.ticket, of_sparse_rows)
        if engine == "sparse":
            return SparseNetwork(self.ticket, dtype=dtype).predict
        return _dense_form(self.ticket, dtype, of_sparse_rows)


def _dense_form(ticket, dtype, of_sparse_rows):
    layers = [
        (ticket.weights[weight].astype(dtype).T, ticket.weights[bias].astype(dtype))
        for weight, bias in ticket.layers
    ]
    if of_sparse_rows:
        # scipy would make such a copy of the weights in each product.
        layers[0] = np.ascontiguousarray(layers[0][0]), layers[0][1]
    *hidden, (last_weights, last_biases) = layers

    def forward_block(X):
        for weights, biases in hidden:
            X = X @ weights
            X += biases
            np.maximum(X, 0, out=X)
        return X @ last_weights + last_biases

    def forward(X):
        n_rows = X.shape[0]
        if n_rows <= _BLOCK_ROWS:
            return forward_block(X)
        blocks = gen_even_slices(n_rows, -(-n_rows // _BLOCK_ROWS))
        return np.concatenate([forward_block(X[block]) for block in blocks])

    return forward
