"""Warnings of fits that went wrong, or not far enough."""

import warnings

import numpy as np
from scipy.special import entr
from sklearn.exceptions import ConvergenceWarning

from ..training import still_falls

# A loss so many times that of a constant: an untrained network's is no more than a few times it.
_USELESS = 10


def warn_if_useless(trained, data):
    """Warn of a default network that never predicted nearly as well as a constant would.

    Parameters
    ----------
    trained : Trained
        The full network's training.
    data : Data
        What it was trained on.
    """
    constant = _loss_of_a_constant(data)
    reached = trained.valid_loss[trained.convergence]
    if reached > _USELESS * constant > 0:
        warnings.warn(
            f"The full network has learned nothing: its lowest validation loss is {reached:.3g}, "
            f"that of a constant prediction {constant:.3g}; a smaller learning_rate, or scaled "
            "inputs, may help",
            ConvergenceWarning,
            stacklevel=2,
        )


def warn_if_unfinished(all_trained, n_evaluations):
    """Warn if every training was best at its end and still improved a good deal.

    A loss that falls to the end by next to nothing is normal, and so is a round among others that
    needs more steps.

    Parameters
    ----------
    all_trained : sequence of Trained
        Of the rounds that were trained in full.
    n_evaluations : int
        How many each was to have; one that ended before, ended on purpose.
    """
    if all(_is_unfinished(trained, n_evaluations) for trained in all_trained):
        n_steps = max(trained.iterations[-1] for trained in all_trained)
        warnings.warn(
            f"Every round ended while its validation loss still fell, after {n_steps} optimizer "
            "steps or fewer; raise max_epochs",
            ConvergenceWarning,
            stacklevel=2,
        )


def _is_unfinished(trained, n_evaluations):
    return len(trained.valid_loss) == n_evaluations > 1 and still_falls(trained.valid_loss)


def _loss_of_a_constant(data):
    if not data.classification:
        return float(np.var(data.y_valid, axis=0).mean())
    if data.y_valid.ndim == 2:
        shares = data.y_valid.mean(axis=0, dtype=np.float64)
        return float(np.mean(entr(shares) + entr(1 - shares)))
    shares = np.unique(data.y_valid, return_counts=True)[1] / len(data.y_valid)
    return float(entr(shares).sum())
