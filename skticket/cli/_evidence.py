"""What `skticket find` measures of a search, for its verdict."""

import warnings

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score

from ..estimators import held_out
from ..model_selection import fit_controls
from ._verdict import Evidence, errors_of

# Less work than this takes no longer here than other processes take to start.
_SECONDS_WORTH_A_PROCESS = 15


def round_table(model, X, y):
    """Return `round_results_` with the score of each round on test rows."""
    table = pd.DataFrame(model.round_results_).assign(trial=0)
    table["test_score"] = [_score(model)(y, predicted) for predicted in model.staged_predict(X)]
    return table


def control_table(model, train, test, n_controls):
    """Return a row for each control of the kept round."""
    results = pd.DataFrame(model.round_results_).set_index("round")
    n_jobs = _n_jobs(2 * n_controls * results["fit_time"][model.selected_round_])
    rows = []
    for kind in ("reinit", "rearrange"):
        for other in fit_controls(
            model, *train, control=kind, n_controls=n_controls, n_jobs=n_jobs
        ):
            row = {name: column[-1] for name, column in other.round_results_.items()}
            row["test_score"] = _score(model)(test[1], other.predict(test[0]))
            rows.append({"control": kind} | row)
    return pd.DataFrame(rows)


def search_again(model, train, test, seeds):
    """Return a table like `round_table`'s for each of other seeds."""
    n_jobs = _n_jobs(len(seeds) * sum(model.round_results_["fit_time"]))
    tables = Parallel(n_jobs=n_jobs)(
        delayed(_search)(clone(model).set_callbacks(), train, test, seed) for seed in seeds
    )
    return [table.assign(trial=number + 1) for number, table in enumerate(tables)]


def _search(model, train, test, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # said of the first search
        return round_table(model.set_params(random_state=seed).fit(*train), *test)


def collect(model, train, test, controls):
    """Return the evidence for a verdict on a search."""
    X, y = test
    regression = not is_classifier(model)
    full, kept = (errors_of(y, p, regression) for p in _predict_full_and_kept(model, X))
    valid = held_out(model, *train)
    valid_errors = None
    if valid is not None:
        predicted = next(iter(model.staged_predict(valid[0])))
        valid_errors = errors_of(valid[1], predicted, regression)
    return Evidence(
        rounds=round_table(model, *test),
        kept=model.selected_round_,
        select=model.select,
        controls=controls,
        score_name="R²" if regression else "accuracy",
        losses=np.array(model.histories_[0][:, "valid_loss"]),
        valid_errors=valid_errors,
        test_gains=full - kept,
        constant_score=0.0 if regression else _majority_score(train[1], y),
    )


def _predict_full_and_kept(model, X):
    return next(iter(model.staged_predict(X))), model.predict(X)


def _majority_score(y_train, y_test):
    values, counts = np.unique(y_train, return_counts=True)
    return float(np.mean(y_test == values[np.argmax(counts)]))


def _score(model):
    return accuracy_score if is_classifier(model) else r2_score


def _n_jobs(seconds):
    return -1 if seconds > _SECONDS_WORTH_A_PROCESS else 1
