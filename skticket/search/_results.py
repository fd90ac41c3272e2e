"""What is known of the rounds of a search, and which of them predicts."""

import numpy as np

from ..training import Trained

# A score this much below the full network's still counts as reaching it.
TOLERANCE = 1e-3


def iterations_to_match(trained: Trained, full: Trained):
    """Return the first iteration at which a ticket scores like the full network; NaN if none."""
    wanted = full.valid_score[full.convergence] - TOLERANCE
    matching = np.flatnonzero(trained.valid_score >= wanted)
    return float(trained.iterations[matching[0]]) if len(matching) else np.nan


def early_losses(trained: Trained, full: Trained):
    """Return the early losses of a ticket and of the full network, as means that compare.

    Both are means over the evaluations up to the full network's convergence that both have;
    NaN if there are none.
    """
    until = full.iterations[: full.convergence + 1]
    _, first, second = np.intersect1d(trained.iterations, until, return_indices=True)
    if not len(first):
        return np.nan, np.nan
    return float(np.mean(trained.valid_loss[first])), float(np.mean(full.valid_loss[second]))


def is_winning(trained: Trained, full: Trained):
    """Say whether a ticket learns at least as fast as the full network, and ends as accurate."""
    early, early_of_full = early_losses(trained, full)
    wanted = full.valid_score[full.convergence] - TOLERANCE
    # What is no smaller is no ticket of it. NaN compares as False.
    return bool(
        trained.ticket.n_weights < full.ticket.n_weights
        and early <= early_of_full
        and trained.valid_score[trained.convergence] >= wanted
    )


def may_win(short: Trained, full: Trained):
    """Say whether a training that was cut short leaves it open that the whole one wins."""
    early, early_of_full = early_losses(short, full)
    is_decided = short.iterations[-1] >= full.iterations[full.convergence]
    return not (is_decided and early > early_of_full)


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
        `is_winning`, `n_steps` (optimizer steps done), `fit_time` (seconds).
    """
    full = trained[0]
    return {
        "round": np.array(rounds),
        "density": np.array([t.ticket.density for t in trained]),
        "n_weights": np.array([t.ticket.n_weights for t in trained]),
        "iterations_to_converge": np.array([t.iterations[t.convergence] for t in trained]),
        "iterations_to_match": np.array([iterations_to_match(t, full) for t in trained]),
        "early_loss": np.array([early_losses(t, full)[0] for t in trained]),
        "valid_score": np.array([t.valid_score[t.kept] for t in trained]),
        "valid_loss": np.array([t.valid_loss[t.kept] for t in trained]),
        "converged_score": np.array([t.valid_score[t.convergence] for t in trained]),
        "converged_loss": np.array([t.valid_loss[t.convergence] for t in trained]),
        "is_winning": np.array([is_winning(t, full) for t in trained]),
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
