"""What is known of the rounds of a search, and which of them predicts."""

from dataclasses import dataclass

import numpy as np

from ..training import Trained
from ..utils import student_half_width

# A score this much below the full network's still counts as reaching it.
TOLERANCE = 1e-3
# Of the interval that a difference must lie outside of to be more than chance: on either side of
# it lies one of twenty that are no more.
CONFIDENCE = 0.9


def iterations_to_match(trained: Trained, full: Trained):
    """Return the first iteration at which a ticket scores like the full network; NaN if none."""
    wanted = full.valid_score[full.convergence] - TOLERANCE
    matching = np.flatnonzero(trained.valid_score >= wanted)
    return float(trained.iterations[matching[0]]) if len(matching) else np.nan


@dataclass(frozen=True)
class Comparison:
    """How a training did beside the full network's.

    Attributes
    ----------
    early_loss, full_early_loss : float
        Means of the validation loss over the evaluations up to the full network's convergence
        that both have; NaN if there are none.
    early_loss_error : float
        Standard error of their difference, by the validation rows; NaN where it is not known.
    score_gain : float
        What its score has beyond the full network's, each at its own convergence.
    score_error : float
        Standard error of that.
    n_parts : float
        Of how many parts of the validation rows the standard errors are, if all had one share.
    is_smaller : bool
        Whether it has fewer weights: what is no smaller is no ticket of it.
    """

    early_loss: float
    full_early_loss: float
    early_loss_error: float
    score_gain: float
    score_error: float
    n_parts: float
    is_smaller: bool

    @property
    def wins(self):
        """Whether it is a winning ticket. NaN compares as False."""
        return bool(self.is_smaller and self.learns_faster and self.ends_as_accurate)

    @property
    def learns_faster(self):
        """Whether it does by more than chance explains, of which rows are held out."""
        gain = self.full_early_loss - self.early_loss
        if np.isnan(self.early_loss_error):
            return gain >= 0
        return gain > self._margin(self.early_loss_error)

    @property
    def ends_as_accurate(self):
        """Whether it scores no lower by more than chance explains, or by next to nothing."""
        return self.score_gain >= -max(TOLERANCE, self._margin(self.score_error))

    def _margin(self, error):
        n = self.n_parts
        return student_half_width(error * np.sqrt(n), n, CONFIDENCE)


def compare(trained: Trained, full: Trained):
    """Return the `Comparison` of a training with the full network's."""
    until = full.iterations[: full.convergence + 1]
    _, first, second = np.intersect1d(trained.iterations, until, return_indices=True)
    shares = trained.part_shares, full.part_shares
    early, early_of_full, error = np.nan, np.nan, np.nan
    if len(first):
        early = float(np.mean(trained.valid_loss[first]))
        early_of_full = float(np.mean(full.valid_loss[second]))
        losses = trained.loss_parts[first].mean(axis=0), full.loss_parts[second].mean(axis=0)
        error = _error_of_difference(*losses, *shares)
    return Comparison(
        early,
        early_of_full,
        error,
        trained.valid_score[trained.convergence] - full.valid_score[full.convergence],
        _error_of_difference(trained.score_parts, full.score_parts, *shares),
        min(map(_n_equal, shares)),
        trained.ticket.n_weights < full.ticket.n_weights,
    )


def _error_of_difference(parts, others, shares, other_shares):
    """Standard error of the difference of two means of parts, each with its share."""
    if len(parts) == len(others):
        return _error_of_mean(parts - others, other_shares)
    # Trained by hand on other data: the rows are not the same.
    return float(np.hypot(_error_of_mean(parts, shares), _error_of_mean(others, other_shares)))


def _n_equal(shares):
    """How many parts of equal shares tell as much; Kish's effective size of a sample."""
    return 1 / np.sum(shares**2)


def _error_of_mean(parts, shares):
    n = _n_equal(shares)
    # One that outweighs all others tells no more than if it were alone.
    if n < 2:
        return np.inf
    deviations = shares * (parts - np.sum(shares * parts))
    return float(np.sqrt(n / (n - 1) * np.sum(deviations**2)))


def may_win(short: Trained, full: Trained):
    """Say whether a training that was cut short leaves it open that the whole one wins."""
    is_decided = short.iterations[-1] >= full.iterations[full.convergence]
    return not is_decided or compare(short, full).learns_faster


def tabulate(rounds, trained):
    """Return a dict of arrays, a row a training, ready for `pandas.DataFrame`.

    Parameters
    ----------
    rounds : sequence of int
        The round of each training.
    trained : sequence of Trained
        The trainings; the first is the full network's.

    Returns
    -------
    dict of str to ndarray
        Columns `round`, `density`, `n_weights`, `iterations_to_converge`,
        `iterations_to_match` (NaN if never), `early_loss` (mean validation loss up to the
        full network's convergence), `valid_score` and `valid_loss` (of the trained
        network), `converged_score` and `converged_loss` (as they were at convergence),
        `early_loss_error` and `converged_score_error` (standard errors of the differences
        from the full network's), `is_winning`, `n_steps` (optimizer steps done), `fit_time`
        (seconds).
    """
    full = trained[0]
    comparisons = [compare(t, full) for t in trained]
    return {
        "round": np.array(rounds),
        "density": np.array([t.ticket.density for t in trained]),
        "n_weights": np.array([t.ticket.n_weights for t in trained]),
        "iterations_to_converge": np.array([t.iterations[t.convergence] for t in trained]),
        "iterations_to_match": np.array([iterations_to_match(t, full) for t in trained]),
        "early_loss": np.array([c.early_loss for c in comparisons]),
        "early_loss_error": np.array([c.early_loss_error for c in comparisons]),
        "valid_score": np.array([t.valid_score[t.kept] for t in trained]),
        "valid_loss": np.array([t.valid_loss[t.kept] for t in trained]),
        "converged_score": np.array([t.valid_score[t.convergence] for t in trained]),
        "converged_score_error": np.array([c.score_error for c in comparisons]),
        "converged_loss": np.array([t.valid_loss[t.convergence] for t in trained]),
        "is_winning": np.array([c.wins for c in comparisons]),
        "n_steps": np.array([t.iterations[-1] for t in trained]),
        "fit_time": np.array([t.fit_time for t in trained]),
    }


def select_round(results, select):
    """Return the position of the training whose network predicts.

    Parameters
    ----------
    results : dict of str to ndarray
        From `tabulate`.
    select : {"last", "best", "winning"}
        The last; the one with the best validation score (the sparsest of
        equals); or the sparsest that is a winning ticket, else the first.
    """
    if select == "last":
        return len(results["round"]) - 1
    eligible = (
        results["is_winning"]
        if select == "winning"
        else results["valid_score"] == np.nanmax(results["valid_score"])
    )
    if not eligible.any():
        return 0
    candidates = np.flatnonzero(eligible)
    return int(candidates[np.argmin(results["density"][candidates])])
