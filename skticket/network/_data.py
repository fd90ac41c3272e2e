"""Rows to train and to evaluate on."""

from dataclasses import dataclass, replace
from functools import cached_property

import joblib
import numpy as np
from skorch.dataset import Dataset

from ..utils import shared_tensor
from ._rows import as_rows, digest_of, some_rows


@dataclass(frozen=True)
class Data:
    """Rows to train on, and rows to tell when training has converged.

    Parameters
    ----------
    X, X_valid : ndarray, csr_array or csr_matrix of shape (n_samples, n_features, ...)
        Inputs, of float32 unless they are large; `X_valid` may be `Rows`.
    y, y_valid : ndarray, shape (n_samples,) or (n_samples, n_outputs)
        Targets, of the type that the net's criterion takes; an indicator matrix of several
        labels has two dimensions.
    classification : bool
        Whether the score is the accuracy; otherwise it is R².
    weight, weight_valid : ndarray of float32, shape (n_samples,), default=None
        What the rows' losses and scores are weighted with.
    X_test, y_test : ndarray, default=None
        Rows that choose nothing, but whose score is recorded at each evaluation.
    rows : ndarray of int, default=None
        Positions of the training rows in `X`, `y` and `weight`, which saves a copy of most of
        the data; all of them when None.
    """

    X: np.ndarray
    y: np.ndarray
    X_valid: np.ndarray
    y_valid: np.ndarray
    classification: bool
    weight: np.ndarray = None
    weight_valid: np.ndarray = None
    X_test: np.ndarray = None
    y_test: np.ndarray = None
    rows: np.ndarray = None

    @property
    def n_rows(self):
        """Number of training rows."""
        return self.X.shape[0] if self.rows is None else len(self.rows)

    @cached_property
    def gathered(self):
        """Data of which all rows of `X` are training rows; for those who cannot name them."""
        if self.rows is None:
            return self
        weight = None if self.weight is None else self.weight[self.rows]
        X = some_rows(self.X, self.rows)
        return replace(self, X=X, y=self.y[self.rows], weight=weight, rows=None)

    @cached_property
    def digest(self):
        """A hash of all rows, computed once: what remembers trainings tells data apart by it."""
        of_training = [digest_of(part, self.rows) for part in (self.X, self.y, self.weight)]
        names = "X_valid", "y_valid", "weight_valid", "X_test", "y_test"
        others = [digest_of(getattr(self, name)) for name in names]
        return joblib.hash([self.classification, *of_training, *others])


def on_device(X, y, weight, device):
    """Return a skorch data set of tensors, over the arrays' own memory where that is possible.

    Of rows that have to be made dense, a batch at a time, there are `Rows` instead.
    """
    y, weight = (
        None if array is None else shared_tensor(array).to(device) for array in (y, weight)
    )
    return Dataset(as_rows(X, device), y if weight is None else (y, weight))
