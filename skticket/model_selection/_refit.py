"""A rule for `refit`: small, and as good as can be told."""

import numpy as np

from ._scorers import SIZES


def smallest_within_one_standard_error(cv_results, *, score=None, size="n_weights"):
    """Choose the smallest ticket that scores within one standard error of the best.

    For `refit` of a multi-metric `GridSearchCV` or `RandomizedSearchCV` with
    scorers from `ticket_scoring`. The standard error is that of the best candidate's
    mean score over the folds; among equally small tickets, the better one is
    chosen. To name metrics, give `functools.partial` of this function.

    Parameters
    ----------
    cv_results : dict of str to ndarray
        As the search's `cv_results_`.
    score : str, default=None
        The metric that tickets are to be good at; None where the search has only one
        besides those of size.
    size : str, default="n_weights"
        The metric to be large among the good candidates: "n_weights", "density" or
        "iterations_to_match" (whose values are negative, so that large is small).

    Returns
    -------
    int
        Position of the chosen candidate.

    Raises
    ------
    ValueError
        If a metric is missing or ambiguous, or if no candidate has a finite score.

    References
    ----------
    .. [1] L. Breiman, J. Friedman, R. Olshen and C. Stone, "Classification and
       Regression Trees", 1984, section 3.4.3 (the "1 SE rule").

    Examples
    --------
    >>> import numpy as np
    >>> from skticket.model_selection import smallest_within_one_standard_error
    >>> smallest_within_one_standard_error({
    ...     "mean_test_accuracy": np.array([0.91, 0.92, 0.80]),
    ...     "split0_test_accuracy": np.array([0.91, 0.90, 0.80]),
    ...     "split1_test_accuracy": np.array([0.91, 0.94, 0.80]),
    ...     "mean_test_n_weights": np.array([-100.0, -400.0, -50.0]),
    ... })
    0
    """
    score = _only_score(cv_results) if score is None else score
    means, sizes = _means(cv_results, score, "score"), _means(cv_results, size, "size")
    # A candidate whose fit failed has no size either.
    means = np.where(np.isnan(sizes), np.nan, means)
    if not np.isfinite(means).any():
        raise ValueError(f"no candidate has a finite mean_test_{score} and mean_test_{size}")
    best = np.nanargmax(means)
    good = np.flatnonzero(means >= means[best] - _standard_error(cv_results, score, best))
    # The last key counts first: by size, then by score, then the earlier one.
    return int(good[np.lexsort((good, -means[good], -sizes[good]))[0]])


def _only_score(cv_results):
    names = [name.removeprefix("mean_test_") for name in cv_results if "mean_test_" in name]
    names = [name for name in names if name not in SIZES]
    if len(names) != 1:
        raise ValueError(
            f"score must name one of the search's metrics; besides those of size it has {names}"
        )
    return names[0]


def _means(cv_results, name, parameter):
    if f"mean_test_{name}" not in cv_results:
        raise ValueError(
            f"{parameter}={name!r} is no metric of the search; it needs "
            "scoring=ticket_scoring(...), or another metric named here"
        )
    return np.asarray(cv_results[f"mean_test_{name}"], dtype=float)


def _standard_error(cv_results, name, candidate):
    """Standard error of one candidate's mean over the folds; 0 for a single fold."""
    folds = [
        values[candidate]
        for key, values in cv_results.items()
        if key.startswith("split") and key.partition("_")[2] == f"test_{name}"
    ]
    return np.std(folds, ddof=1) / np.sqrt(len(folds)) if len(folds) > 1 else 0.0
