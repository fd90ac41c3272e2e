"""Tickets of tables beside other models of scikit-learn's kind.

    python benchmarks/tabular.py [--output DIR] [--tables NAME ...] [--models NAME ...]
        [--folds 5] [--anew] [--report]

Default estimators behind a StandardScaler: the ticket of seven rounds, the full network alone,
scikit-learn's network, and its gradient boosting. Time is the processor's, on one thread, for
`fit`. Each model's folds of a table are kept in DIR/raw, so that a run that was stopped goes on;
`--anew` computes again what `--tables` and `--models` name.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from harness import about, limit_threads
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tables import CLASSIFICATION, N_FOLDS, REGRESSION, load_folds

from skticket import WinningTicketClassifier, WinningTicketRegressor
from skticket.utils import replacing, student_half_width

TICKET, FULL, NETWORK, TREES = "ticket", "full network", "scikit-learn's network", "boosted trees"
MODELS = {
    "classification": {
        TICKET: WinningTicketClassifier(rounds=7),
        FULL: WinningTicketClassifier(rounds=0),
        NETWORK: MLPClassifier(),
        TREES: HistGradientBoostingClassifier(),
    },
    "regression": {
        TICKET: WinningTicketRegressor(rounds=7),
        FULL: WinningTicketRegressor(rounds=0),
        # It does not standardize its targets itself, as ours do.
        NETWORK: TransformedTargetRegressor(MLPRegressor(), transformer=StandardScaler()),
        TREES: HistGradientBoostingRegressor(),
    },
}
TABLES = {"classification": CLASSIFICATION, "regression": REGRESSION}
# Each score, and whether more of it is better.
SCORES = {
    "classification": {"accuracy": True, "log_loss": False},
    "regression": {"r2": True},
}


def measure(task, table, name, n_folds):
    """Fit a model to the folds of a table.

    Parameters
    ----------
    task : {"classification", "regression"}
        What it is.
    table : str
        Its name.
    name : str
        The model's.
    n_folds : int
        To how many folds.

    Returns
    -------
    list of dict
        A row a fold: `task`, `table`, `model`, `fold`, `seconds`, and the scores.
    """
    rows = []
    for fold, (X, y, X_test, y_test) in enumerate(load_folds(table)[:n_folds]):
        model = make_pipeline(StandardScaler(), seeded(MODELS[task][name], fold))
        with limit_threads(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            start = time.process_time()
            model.fit(X, y)
            seconds = time.process_time() - start
            scores = score(task, model, X_test, y_test)
        row = {"task": task, "table": table, "model": name, "fold": fold, "seconds": seconds}
        rows.append(row | scores)
    return rows


def seeded(model, seed):
    """Return a clone in which everything random has the same seed."""
    names = [name for name in model.get_params() if name.endswith("random_state")]
    return clone(model).set_params(**dict.fromkeys(names, seed))


def score(task, model, X, y):
    """Return the scores of a fitted model."""
    if task == "regression":
        return {"r2": model.score(X, y)}
    probabilities = model.predict_proba(X)
    loss = log_loss(y, probabilities, labels=model.classes_)
    return {"accuracy": model.score(X, y), "log_loss": loss}


def warm_up(models):
    """Fit each model once: what is loaded at first use is nobody's time to fit."""
    X, y, *_ = load_folds("wine")[0]
    with limit_threads(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for name in models:
            clone(MODELS["classification"][name]).fit(X, y)


def kept(folder, task, table, name, options):
    """Return what is known of a model and a table; measure what is not."""
    path = folder / "raw" / f"{task}-{table}-{name.replace(' ', '-')}.json"
    # What it was measured with, so that another default is not taken for this one.
    parameters = repr(sorted(MODELS[task][name].get_params().items(), key=lambda item: item[0]))
    if path.exists() and not options.anew:
        result = json.loads(path.read_text("utf-8"))
        if result["parameters"] == parameters and len(result["rows"]) >= options.folds:
            return result
    facts = about()
    rows = measure(task, table, name, options.folds)
    result = {"about": facts, "parameters": parameters, "rows": rows}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(result, indent=1), "utf-8")
    means = pd.DataFrame(rows).mean(numeric_only=True).drop("fold")
    told = ", ".join(f"{column} {value:.4g}" for column, value in means.items())
    print(f"{table}: {name}: {told}", flush=True)
    return result


def means_of(rows, column):
    """Return the mean over the folds, a row a table and a column a model."""
    frame = pd.DataFrame(rows)
    means = frame.pivot_table(column, "table", "model", sort=False)
    return means[[name for name in MODELS[frame["task"][0]] if name in means]]


def markdown(results):
    """Return the report of all that is kept.

    Parameters
    ----------
    results : list of dict
        From `kept`.
    """
    lines = ["# Tables", "", *_about_lines(results), ""]
    for task, scores in SCORES.items():
        rows = [row for result in results for row in result["rows"] if row["task"] == task]
        if not rows:
            continue
        for column, more_is_better in scores.items():
            means = means_of(rows, column)
            lines += [f"## {task}: {column}", "", *_table(means, "{:.4f}"), ""]
            lines += [*_comparison(means, more_is_better), ""]
        seconds = means_of(rows, "seconds")
        lines += [f"## {task}: seconds of the processor", "", *_table(seconds, "{:.2f}"), ""]
        lines += [*_time_ratios(seconds), ""]
    return "\n".join(lines)


def _about_lines(results):
    about = {}
    for result in results:
        facts = result["about"]
        versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
        key = f"commit {facts['commit']}; {facts['processor']}, {facts['cores']} cores; {versions}"
        about.setdefault(key, []).append(facts["date"])
    return [
        f"{len(dates)} models and tables, from {min(dates)}, {key}." for key, dates in about.items()
    ]


def _table(means, form):
    lines = ["| table | " + " | ".join(means) + " |", "| --- |" + " ---: |" * means.shape[1]]
    rows = [*means.iterrows(), ("**mean**", means.mean())]
    lines += [f"| {name} | " + " | ".join(map(form.format, row)) + " |" for name, row in rows]
    return lines


def _comparison(means, more_is_better):
    """Mean ranks, and the ticket less the others, paired by tables, with 95% intervals."""
    ranks = means.rank(axis=1, ascending=not more_is_better).mean()
    lines = ["Mean rank: " + ", ".join(f"{name} {rank:.2f}" for name, rank in ranks.items()) + "."]
    for name in means.columns.drop(TICKET, errors="ignore"):
        if TICKET not in means:
            break
        difference = (means[TICKET] - means[name]).dropna()
        half = student_half_width(difference.std(), len(difference))
        lines.append(f"Ticket less {name}: {difference.mean():+.4f} ± {half:.4f}.")
    return lines


def _time_ratios(seconds):
    if NETWORK not in seconds:
        return []
    lines = []
    for name in seconds.columns.drop(NETWORK):
        ratio = (seconds[name] / seconds[NETWORK]).dropna()
        total = seconds.loc[ratio.index, name].sum() / seconds.loc[ratio.index, NETWORK].sum()
        lines.append(
            f"{name}: {total:.2f} times {NETWORK}'s in all; {np.exp(np.log(ratio).mean()):.2f} in "
            f"the geometric mean ({ratio.min():.2f} to {ratio.max():.2f})."
        )
    return lines


def main(arguments=None):
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("results/tabular"))
    parser.add_argument("--tables", nargs="+", default=[*CLASSIFICATION, *REGRESSION])
    parser.add_argument("--models", nargs="+", default=[TICKET, FULL, NETWORK, TREES])
    parser.add_argument("--folds", type=int, default=N_FOLDS)
    parser.add_argument("--anew", action="store_true", help="compute what is there, too")
    parser.add_argument("--report", action="store_true", help="compute nothing")
    options = parser.parse_args(arguments)
    if not options.report:
        warm_up(options.models)
        for table in options.tables:
            task = "regression" if table in REGRESSION else "classification"
            for name in options.models:
                kept(options.output, task, table, name, options)
    paths = sorted((options.output / "raw").glob("*.json"))
    text = markdown([json.loads(path.read_text("utf-8")) for path in paths])
    with replacing(options.output / "tabular.md") as temporary:
        temporary.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
