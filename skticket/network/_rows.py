"""Rows of inputs, in whatever form they are held: what becomes a batch is dense and float32."""

import numpy as np
import torch
from scipy.sparse import issparse

from ..utils import shared_tensor


class Rows:
    """The rows of a sparse matrix, cut like a tensor: what is cut is dense.

    Parameters
    ----------
    X : csr_array or csr_matrix of shape (n_rows, n_features)
        The rows.
    device : str or torch.device, default="cpu"
        Where dense rows are to be.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from skticket.network import Rows
    >>> rows = Rows(csr_array([[0, 1], [2, 0]]))
    >>> len(rows), rows[1:]
    (2, tensor([[2., 0.]]))
    """

    def __init__(self, X, device="cpu"):
        self.X = X
        self.device = torch.device(device)

    def __len__(self):
        return self.X.shape[0]

    @property
    def shape(self):
        """As of a tensor."""
        return self.X.shape

    def __getitem__(self, key):
        """Return a row, of an integer, or several, of a slice or an array of positions."""
        if np.ndim(key) == 0 and not isinstance(key, slice):
            return self[[key]][0]
        rows = self.X[key].toarray()
        return torch.from_numpy(rows.astype(np.float32, copy=False)).to(self.device)

    def index_select(self, dim, positions):
        """Return the rows at positions, a tensor's."""
        return self[positions.cpu().numpy()]

    def split(self, size):
        """Yield so many rows at a time, in order."""
        return (self[start : start + size] for start in range(0, len(self), size))

    def parts(self, size):
        """Yield so many rows at a time, as they are."""
        return (self.X[start : start + size] for start in range(0, len(self), size))


def as_rows(X, device="cpu"):
    """Return rows that are cut like a tensor: one over an array's own memory, where that serves.

    Parameters
    ----------
    X : tensor, ndarray, csr_array, csr_matrix or Rows
        The rows.
    device : str or torch.device, default="cpu"
        Where batches of them are to be.

    Returns
    -------
    tensor or Rows
    """
    if isinstance(X, Rows):
        return X
    if issparse(X):
        return Rows(X, device)
    return (X if torch.is_tensor(X) else shared_tensor(X)).to(device)


def share_filled(X):
    """Return which share of the inputs a sparse matrix holds; 1 of an array."""
    return X.nnz / max(X.shape[0] * X.shape[1], 1) if issparse(X) else 1.0


def content_of(X):
    """Return what tells rows from others, to be hashed: a sparse matrix remembers more than that.

    Parameters
    ----------
    X : ndarray, csr_array or csr_matrix
        The rows.
    """
    return (X.shape, X.data, X.indices, X.indptr) if issparse(X) else X
