"""What a training gives."""

import json
from dataclasses import dataclass

import numpy as np
from skorch.history import History

from ..ticket import Ticket

# A training still improves if its last quarter brought so large a share of all that it gained.
_LAST_PART, _STILL_IMPROVING = 4, 0.05


@dataclass(frozen=True)
class Trained:
    """What a training gives.

    Attributes
    ----------
    ticket : Ticket
        With the weights as they were at the evaluation `kept`.
    history : skorch.history.History
        A row an evaluation.
    iterations : ndarray of int, shape (n_evaluations,)
        Optimizer steps done at each evaluation.
    valid_loss, valid_score : ndarray of float, shape (n_evaluations,)
        Loss and score on the validation rows at each evaluation.
    fit_time : float
        Seconds.
    engine : {"dense", "autograd", "sparse"}
        What computed the steps.
    test_score : ndarray of float, shape (n_evaluations,), or None
        Score on the test rows at each evaluation, where the data have such rows.
    kept : int
        Position of the evaluation whose weights the ticket has: the last, or the best.
    loss_parts : ndarray of float32, shape (n_evaluations, n_parts)
        The validation loss of parts of the validation rows, of at most 100; NaN where it
        cannot be told row by row.
    score_parts : ndarray of float, shape (n_parts,)
        Their scores at `convergence`, up to a constant; NaN where these are other rows.
    part_shares : ndarray of float, shape (n_parts,)
        The share of each part in loss and score.
    """

    ticket: Ticket
    history: History
    iterations: np.ndarray
    valid_loss: np.ndarray
    valid_score: np.ndarray
    fit_time: float
    engine: str
    test_score: np.ndarray = None
    kept: int = -1
    loss_parts: np.ndarray = None
    score_parts: np.ndarray = None
    part_shares: np.ndarray = None

    @property
    def convergence(self):
        """Position of the evaluation with the lowest validation loss."""
        return int(np.nanargmin(self.valid_loss))

    def state(self):
        """Return a dict of arrays, numbers, texts and the ticket, of which `from_state` makes it.

        The history becomes JSON, as in skorch's own files.
        """
        return vars(self) | {"history": json.dumps(self.history)}

    @classmethod
    def from_state(cls, state):
        """Return the training of which `state` gave this."""
        return cls(**state | {"history": History(json.loads(state["history"]))})


def still_falls(losses):
    """Tell whether a training ended too early to tell where its loss would end.

    Parameters
    ----------
    losses : ndarray of float, shape (n_evaluations,)
        The validation loss at each evaluation.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket.training import still_falls
    >>> still_falls(np.array([3.0, 2.0, 1.0])), still_falls(np.array([3.0, 1.0, 0.99]))
    (True, False)
    """
    last = len(losses) - 1
    if np.nanargmin(losses) < last:
        return False
    before = last - max(1, last // _LAST_PART)
    gained = losses[0] - losses[last]
    return last == 0 or bool(losses[before] - losses[last] > _STILL_IMPROVING * gained)
