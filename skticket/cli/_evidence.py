"""What `skticket find` measures of a search, for its verdict."""

import warnings

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer, get_scorer_names

from ..estimators import each_round, held_out
from ..model_selection import fit_controls
from ._verdict import Evidence, errors_of

# Less work than this takes no longer here than other processes take to start.
_SECONDS_WORTH_A_PROCESS = 15
_LABELS = {"r2": "R²"}
# Of rows that are left out in turns.
_N_GROUPS = 20


class Scoring:
    """How rounds and controls are scored, on held-out rows and on test rows.

    Parameters
    ----------
    name : str
        Of scikit-learn's scorers.
    regression : bool
        Whether numbers are predicted.
    """

    def __init__(self, name, regression):
        if name not in get_scorer_names():
            names = ", ".join(get_scorer_names())
            raise ValueError(f"--scoring must be one of {names}; got {name!r}")
        self.scorer = get_scorer(name)
        self.regression = regression
        # The estimator's own score, of which each row has a share.
        self.is_own = name == ("r2" if regression else "accuracy")
        self.is_error = name.startswith("neg_")
        self.label = _LABELS.get(name, name.replace("_", " "))

    def __call__(self, model, X, y):
        """Return the score of a model; greater is better."""
        with warnings.catch_warnings():
            # Of a rare class, other rows than these may have all.
            warnings.filterwarnings("ignore", "y_pred contains classes not in y_true")
            return float(self.scorer(model, X, y))

    def of_a_constant(self, y_train, y_test):
        """Return the score of the best constant prediction, or say that there is no such score."""
        if self.regression and self.is_own:
            return 0.0
        dummy = DummyRegressor() if self.regression else DummyClassifier(strategy="prior")
        X_train, X_test = (np.zeros((len(y), 1)) for y in (y_train, y_test))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self(dummy.fit(X_train, y_train), X_test, y_test)
        except (ValueError, AttributeError) as error:
            raise ValueError(f"--scoring: {self.label} cannot score this: {error}") from error


def round_table(model, train, test, scoring):
    """Return `round_results_` with the score of each round on test rows."""
    table = pd.DataFrame(model.round_results_).assign(trial=0)
    valid = _valid_rows(model, train, scoring)
    for number, other in enumerate(each_round(model)):
        for name, value in _scores(other, valid, test, scoring).items():
            table.loc[number, name] = value
    return table


def control_table(model, train, test, scoring, n_controls):
    """Return a row for each control of the kept round."""
    results = pd.DataFrame(model.round_results_).set_index("round")
    n_jobs = _n_jobs(2 * n_controls * results["fit_time"][model.selected_round_])
    valid = _valid_rows(model, train, scoring)
    rows = []
    for kind in ("reinit", "rearrange"):
        for other in fit_controls(
            model, *train, control=kind, n_controls=n_controls, n_jobs=n_jobs
        ):
            row = {name: column[-1] for name, column in other.round_results_.items()}
            rows.append({"control": kind} | row | _scores(other, valid, test, scoring))
    return pd.DataFrame(rows)


def search_again(model, train, test, scoring, seeds):
    """Return a table like `round_table`'s for each of other seeds."""
    n_jobs = _n_jobs(len(seeds) * sum(model.round_results_["fit_time"]))
    tables = Parallel(n_jobs=n_jobs)(
        delayed(_search)(clone(model).set_callbacks(), train, test, scoring, seed) for seed in seeds
    )
    return [table.assign(trial=number + 1) for number, table in enumerate(tables)]


def _search(model, train, test, scoring, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # said of the first search
        fitted = model.set_params(random_state=seed).fit(*train)
        return round_table(fitted, train, test, scoring)


def _valid_rows(model, train, scoring):
    """Return held-out rows to score, if the estimator has not scored them so itself."""
    return None if scoring.is_own else held_out(model, *train) or train


def _scores(model, valid, test, scoring):
    scores = {"test_score": scoring(model, *test)}
    return scores if valid is None else scores | {"valid_score": scoring(model, *valid)}


def collect(model, train, test, rounds, controls, scoring):
    """Return the evidence for a verdict on a search."""
    valid = held_out(model, *train)
    full, kept = next(each_round(model)), model
    valid_errors = None
    if valid is not None:
        valid_errors = errors_of(valid[1], full.predict(valid[0]), scoring.regression)
    return Evidence(
        rounds=rounds,
        kept=model.selected_round_,
        select=model.select,
        controls=controls,
        score_name=scoring.label,
        losses=np.array(model.histories_[0][:, "valid_loss"]),
        valid_name="R²" if scoring.regression else "accuracy",
        valid_errors=valid_errors,
        test_gains=gains(full, kept, *test, scoring),
        constant_score=scoring.of_a_constant(train[1], test[1]),
        is_error=scoring.is_error,
    )


def gains(full, kept, X, y, scoring):
    """Return what each test row, or group of rows, adds to the kept network's score.

    Groups are those of the jackknife: the mean of what they add has the standard error of the
    difference of scores, whatever the score is.
    """
    if scoring.is_own:
        full, kept = (errors_of(y, model.predict(X), scoring.regression) for model in (full, kept))
        return full - kept
    group = np.arange(len(y)) % _N_GROUPS

    def gain(rows):
        return scoring(kept, X[rows], y[rows]) - scoring(full, X[rows], y[rows])

    try:
        without = np.array([gain(group != number) for number in range(_N_GROUPS)])
    except ValueError:
        # Of too few rows, some group has all of a class.
        return np.array([])
    return _N_GROUPS * gain(group >= 0) - (_N_GROUPS - 1) * without


def _n_jobs(seconds):
    return -1 if seconds > _SECONDS_WORTH_A_PROCESS else 1
