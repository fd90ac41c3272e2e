"""Loss and score of parts of the validation rows: how sure differences between networks are."""

import numpy as np
import torch
from skorch import NeuralNet, NeuralNetClassifier

from ..network import TicketNet
from ..utils import has_hooks, is_as_its_class

# Enough to tell a standard error to a fourteenth of it.
_MOST_PARTS = 100
# Those of skorch's nets and ours, which call the criterion and add nothing.
_PLAIN = {
    "get_loss": (NeuralNet.get_loss, NeuralNetClassifier.get_loss, TicketNet.get_loss),
    "validation_step": (NeuralNet.validation_step,),
}


class Parts:
    """Parts of successive rows, of which there are at most a hundred.

    Parameters
    ----------
    weight : ndarray, shape (n_rows,)
        The rows' weights.

    Attributes
    ----------
    shares : ndarray, shape (n_parts,)
        Of each part, the share of all weights.
    """

    def __init__(self, weight):
        n_parts = min(len(weight), _MOST_PARTS)
        self._starts = np.arange(n_parts) * len(weight) // n_parts
        self._weight = weight.astype(float)
        self._sums = np.add.reduceat(self._weight, self._starts)
        self.shares = self._sums / self._sums.sum()

    def means(self, rows):
        """Return the mean in each part of what rows have; 0 where none has any weight.

        NaN where that is not told (None), or there are more rows, or fewer, than weights: an
        iterator of the user's need not give the same ones each time.
        """
        if rows is None or len(rows) != len(self._weight):
            return np.full(len(self.shares), np.nan)
        sums = np.add.reduceat(rows * self._weight, self._starts)
        return np.divide(sums, self._sums, out=np.zeros_like(sums), where=self._sums > 0)


def row_losses(net, outputs, true):
    """Return each row's loss, up to a factor; None where it cannot be told row by row.

    Parameters
    ----------
    net : skorch.NeuralNet
        Initialized.
    outputs, true : tensor
        The module's outputs for the rows, and their targets.
    """
    criterion = net.criterion_
    is_torchs = type(criterion).__module__ == "torch.nn.modules.loss"
    if not is_torchs or has_hooks(criterion) or not is_as_its_class(criterion):
        return None
    if any(getattr(type(net), name) not in plain for name, plain in _PLAIN.items()):
        return None
    reduction, criterion.reduction = criterion.reduction, "none"
    try:
        losses = net.get_loss(outputs, true)
    finally:
        criterion.reduction = reduction
    if losses.ndim == 0 or len(losses) != len(true):
        return None
    losses = losses.detach().cpu().numpy()
    return losses if losses.ndim == 1 else losses.reshape(len(true), -1).mean(axis=1)


def row_errors(predicted, true, weight):
    """Return what the mean of rows takes from an R² of 1, the mean of the outputs'."""
    true, predicted, weight = (
        tensor.reshape(len(true), -1).double() for tensor in (true, predicted, weight)
    )
    weight = weight / weight.sum()
    center = (weight * true).sum(dim=0)
    variance = (weight * (true - center) ** 2).sum(dim=0)
    # Of a number that never differs, rounding leaves this much at most.
    varies = variance > (1e-12 * center) ** 2
    relative = (true - predicted) ** 2 / torch.where(varies, variance, torch.inf)
    return relative.mean(dim=1).numpy()
