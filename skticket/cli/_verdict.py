"""What `skticket find` says of a search: whether its ticket wins, and how sure that is."""

from dataclasses import dataclass

import numpy as np

from ..search import CONFIDENCE
from ..training import still_falls
from ..utils import student_half_width

# A standard error of a score on the held-out rows above which differences are taken for noise.
_MOST_ERROR = 0.03
_KINDS = {"reinit": "the same structure and fresh weights", "rearrange": "rearranged connections"}
_WHY = {"last": "the last", "best": "the best by validation score", "winning": "the sparsest"}


@dataclass(frozen=True)
class Evidence:
    """What a verdict rests on.

    Parameters
    ----------
    rounds : DataFrame
        As `round_results_`, with a column `test_score`.
    kept : int
        The round that is kept.
    select : {"last", "best", "winning"}
        Why.
    controls : DataFrame or None
        A row a control of that round, with a column `control` for its kind.
    score_name : str
        What the test scores are.
    losses : ndarray of float
        The full network's validation loss at each evaluation.
    valid_errors : ndarray of float or None
        What each held-out row takes from the full network's score; None if none were held out.
    test_gains : ndarray of float
        What each test row, or group of them, adds to the kept network's score, beyond the full
        network's.
    constant_score : float
        Test score of the best constant prediction.
    valid_name : str, default="accuracy"
        What the validation scores are that decide whether a round wins.
    is_error : bool, default=False
        Whether the test score is an error of any size, with a minus before it.
    """

    rounds: object
    kept: int
    select: str
    controls: object
    score_name: str
    losses: np.ndarray
    valid_errors: np.ndarray
    test_gains: np.ndarray
    constant_score: float
    valid_name: str = "accuracy"
    is_error: bool = False


def errors_of(y, predicted, regression):
    """Return what each row takes from a score of 1: the mean over rows is 1 minus the score."""
    if not regression:
        return (np.asarray(predicted) != np.asarray(y)).astype(float)
    y = np.asarray(y, float)
    return (y - predicted) ** 2 / (np.var(y) or 1.0)


def verdict(evidence):
    """Return what to say of a search."""
    rows = evidence.rounds.set_index("round")
    full, kept = rows.loc[0], rows.loc[evidence.kept]
    doubts = [doubt for doubt in (test(evidence, full) for test in _DOUBTS) if doubt]
    if evidence.kept == 0:
        what = "The full network is kept"
    else:
        why = _WHY[evidence.select]
        if evidence.select == "winning":
            why += f" that {'would pass for' if doubts else 'is'} a winning ticket"
        what = f"Round {evidence.kept}, {why}, keeps {100 * kept.density:.3g}% of the weights"
    if doubts:
        return " ".join(["No winning ticket is announced.", *doubts, _scores(evidence, what)])
    if not rows["is_winning"].any():
        head = "No round is a winning ticket."
    elif not kept.is_winning:
        sparsest = rows[rows["is_winning"]].iloc[-1]
        head = (
            f"Not a winning ticket; the sparsest that is one is round {sparsest.name}, with "
            f"{100 * sparsest.density:.3g}%."
        )
    elif _is_worse(evidence):
        head = (
            "A winning ticket by the held-out rows that chose it, but on the test rows it scores "
            "lower than the full network, by more than chance explains."
        )
    elif _n_passing(evidence):
        head = (
            "A winning ticket by its own training, but some of its controls win, too, or are as "
            "good on the test rows: it may owe that to chance, or to its structure alone."
        )
    else:
        head = "A winning ticket."
    return " ".join([head, _scores(evidence, what), *_speed(full, kept), *_controls(evidence)])


def _is_constant(evidence, full):
    least = 1e-3 * (abs(evidence.constant_score) if evidence.is_error else 1)
    if full.test_score > evidence.constant_score + least:
        return None
    return (
        f"The full network's test {evidence.score_name} is {full.test_score:.3f}; predicting "
        f"always the same gives {evidence.constant_score:.3f}: nothing was learned that a ticket "
        "could keep."
    )


def _is_unconverged(evidence, full):
    if not still_falls(evidence.losses):
        return None
    return (
        f"The full network had not converged after {full.n_steps:,.0f} iterations, when its "
        "validation loss was still falling: train longer, by --epochs."
    )


def _is_noisy(evidence, full):
    errors = evidence.valid_errors
    if errors is None:
        return "There are too few rows to hold any out: nothing tells tickets from chance."
    if evidence.valid_name == "accuracy":
        # As if two rows more were right and two wrong: none wrong of a few is no certainty.
        errors = np.concatenate([errors, [0, 0, 1, 1]])
    error = np.std(errors) / np.sqrt(len(errors))
    if error <= _MOST_ERROR:
        return None
    return (
        f"{len(evidence.valid_errors)} held-out rows are too few: their {evidence.valid_name} has "
        f"a standard error of {error:.3f}, so that differences between rounds are noise."
    )


_DOUBTS = (_is_constant, _is_unconverged, _is_noisy)


def _scores(evidence, what):
    rows = evidence.rounds.set_index("round")["test_score"]
    if evidence.kept == 0:
        return f"{what}: test {evidence.score_name} {rows[0]:.4f}."
    n = len(evidence.test_gains)
    return (
        f"{what}: test {evidence.score_name} {rows[evidence.kept]:.4f} against the full network's "
        f"{rows[0]:.4f} (difference {rows[evidence.kept] - rows[0]:+.4f}, standard error "
        f"{_deviation(evidence.test_gains) / np.sqrt(n):.4f})."
    )


def _is_worse(evidence):
    rows, gains = evidence.rounds.set_index("round")["test_score"], evidence.test_gains
    margin = student_half_width(_deviation(gains), len(gains), CONFIDENCE)
    return rows[evidence.kept] - rows[0] < -margin


def _deviation(values):
    return np.std(values, ddof=1) if len(values) > 1 else np.nan


def _speed(full, kept):
    """Yield like beside like: what both needed for the same score."""
    if kept.density < 1 and np.isfinite(kept.iterations_to_match):
        yield (
            f"To the full network's validation score it needed {kept.iterations_to_match:,.0f} "
            f"iterations, the full network itself {full.iterations_to_match:,.0f}."
        )


def passing(evidence, rows):
    """Say of each control whether it does as well as the kept round."""
    kept = evidence.rounds.set_index("round").loc[evidence.kept]
    return rows["is_winning"] | (rows["test_score"] >= kept.test_score)


def _n_passing(evidence):
    return 0 if evidence.controls is None else int(passing(evidence, evidence.controls).sum())


def pvalue(evidence, rows):
    """Return the p-value of the kept network's test score among those of controls."""
    kept = evidence.rounds.set_index("round").loc[evidence.kept]
    return (np.sum(rows["test_score"] >= kept.test_score) + 1) / (len(rows) + 1)


def _controls(evidence):
    if evidence.controls is None:
        return
    for kind, rows in evidence.controls.groupby("control", sort=False):
        scores = rows["test_score"]
        n_matched, n_winning = rows["iterations_to_match"].notna().sum(), rows["is_winning"].sum()
        yield (
            f"Of {len(rows)} controls with {_KINDS[kind]}, {_number(n_matched)} reached that "
            f"score and {_number(n_winning)} would pass for a winning ticket; test "
            f"{evidence.score_name} {scores.min():.4f} to {scores.max():.4f} "
            f"(p = {pvalue(evidence, rows):.2g})."
        )


def _number(count):
    return str(count) if count else "none"
