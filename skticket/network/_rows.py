"""Rows of inputs, in whatever form they are held: what becomes a batch is dense and float32."""

import joblib
import numpy as np
import torch
from scipy.sparse import issparse

from ..utils import shared_tensor

# Bytes, in single precision, of what is copied, or converted, as a whole without asking.
_LARGE = 2**28
# Rows of which a digest is made at a time.
_DIGEST_ROWS = 4096


class Rows:
    """Rows that are no float32 array, cut like a tensor: what is cut is one.

    They may be a sparse matrix; or a large array of another type, or only some rows of one, of
    which a copy would be too large.

    Parameters
    ----------
    X : ndarray, csr_array or csr_matrix of shape (n_all, n_features, ...)
        Holds them.
    device : str or torch.device, default="cpu"
        Where what is cut is to be.
    rows : ndarray of int, default=None
        Positions in `X`; all of them when None.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from skticket.network import Rows
    >>> rows = Rows(csr_array([[0, 1], [2, 0]]))
    >>> len(rows), rows[1:]
    (2, tensor([[2., 0.]]))
    """

    def __init__(self, X, device="cpu", rows=None):
        self.X = X
        self.device = torch.device(device)
        self.rows = rows

    def __len__(self):
        return self.X.shape[0] if self.rows is None else len(self.rows)

    @property
    def shape(self):
        """As of a tensor."""
        return (len(self), *self.X.shape[1:])

    def __getitem__(self, key):
        """Return a row, of an integer, or several, of a slice or an array of positions."""
        if np.ndim(key) == 0 and not isinstance(key, slice):
            return self[[key]][0]
        rows = self._held(key)
        rows = rows.toarray() if issparse(rows) else rows
        # A copy of what is read-only, as a file may be.
        rows = rows.astype(np.float32, copy=not rows.flags.writeable)
        return torch.from_numpy(rows).to(self.device)

    def _held(self, key):
        return self.X[key if self.rows is None else self.rows[key]]

    def index_select(self, dim, positions):
        """Return the rows at positions, a tensor's."""
        return self[positions.cpu().numpy()]

    def split(self, size):
        """Yield so many rows at a time, in order."""
        return (self[start : start + size] for start in range(0, len(self), size))

    def parts(self, size):
        """Yield so many rows at a time, as they are held."""
        return (self._held(slice(start, start + size)) for start in range(0, len(self), size))


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
        return Rows(X.X, device, X.rows)
    if torch.is_tensor(X):
        return X.to(device)
    is_plain = not issparse(X) and X.dtype == np.float32
    return shared_tensor(X).to(device) if is_plain else Rows(X, device)


def some_rows(X, rows):
    """Return rows by position: a copy, or `Rows` where that would be large.

    Parameters
    ----------
    X : ndarray, csr_array or csr_matrix
        Holds them.
    rows : ndarray of int
        Positions.
    """
    return Rows(X, rows=rows) if is_large(X, len(rows)) else X[rows]


def is_large(X, n_rows=None):
    """Tell whether an array, or so many rows of it, is too large to be copied without asking."""
    if issparse(X):
        return False
    n_rows = X.shape[0] if n_rows is None else n_rows
    return n_rows * int(np.prod(X.shape[1:])) * 4 > _LARGE


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


def digest_of(X, rows=None):
    """Return what tells rows from others, in hashes of a few at a time.

    Parameters
    ----------
    X : ndarray, csr_array, csr_matrix, Rows or None
        Holds the rows.
    rows : ndarray of int, default=None
        Their positions; all when None.
    """
    if X is None:
        return None
    held = X if isinstance(X, Rows) else Rows(X, rows=rows)
    return [joblib.hash(content_of(part)) for part in held.parts(_DIGEST_ROWS)]
