"""What a budget of the rounds saves, and what it costs in accuracy.

    SKTICKET_DATA=FOLDER python benchmarks/budgets.py [--data mnist mnist1d ring penbased]
        [--seeds 5] [--jobs 2] [--output benchmarks/results]

For each budget, and each number of rounds: the test accuracy of the last ticket, which is trained
in full, and what its search computed, in trainings of the full network: optimizer steps times
density, the reference and the last round included. What was measured is kept in OUTPUT/budgets, so
that a run that was stopped goes on.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from harness import about
from joblib import Parallel, delayed
from matplotlib.figure import Figure
from sklearn.preprocessing import StandardScaler
from tables import load_folds

from skticket import WinningTicketClassifier
from skticket.datasets import fetch_mnist, make_mnist1d, split_images
from skticket.inspection import looks_of
from skticket.utils import replacing, student_half_width

BUDGETS = {"1": 1.0, "1/3": 1 / 3, "1/6": 1 / 6, "1/12": 1 / 12}
# As `skticket find` trains the networks of images; tables with the defaults.
IMAGES = {"learning_rate": 1.2e-3, "alpha": 0, "n_iter_no_change": None}
PARAMETERS = {
    "mnist": IMAGES | {"max_epochs": 6, "batch_size": 60, "evaluate_every": 50},
    "mnist1d": IMAGES | {"hidden_layer_sizes": (500,), "max_epochs": 40, "batch_size": 100},
    "ring": {},
    "penbased": {},
}
# Down to 17, 7 and about 1% of the weights.
ROUNDS = {"mnist": (8, 12, 20), "mnist1d": (8, 12), "ring": (8, 12), "penbased": (8, 12)}


def load(name, seed):
    """Return rows to train on and rows to test on."""
    if name == "mnist":
        X, X_test, y, y_test = split_images(fetch_mnist())
        return X, y, X_test, y_test
    if name == "mnist1d":
        X, y = make_mnist1d(5000, random_state=seed)
        return X[:4000], y[:4000], X[4000:], y[4000:]
    X, y, X_test, y_test = load_folds(name)[seed % 5]
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), y, scaler.transform(X_test), y_test


def measure(name, seed):
    """Return a row for each budget and number of rounds."""
    X, y, X_test, y_test = load(name, seed)
    rows = []
    with TemporaryDirectory() as memory:
        for budget, rounds in ((b, r) for b in BUDGETS for r in ROUNDS[name]):
            clf = WinningTicketClassifier(
                rounds=rounds,
                round_budget=BUDGETS[budget],
                random_state=seed,
                memory=memory,
                **PARAMETERS[name],
            ).fit(X, y)
            results = clf.round_results_
            steps = results["n_steps"] * results["density"]
            rows.append(
                {
                    "data": name,
                    "seed": seed,
                    "budget": budget,
                    "rounds": rounds,
                    "density": clf.density_,
                    "test_accuracy": clf.score(X_test, y_test),
                    "cost": steps.sum() / steps[0],
                    "is_winning": bool(clf.is_winning_),
                }
            )
    return rows


def kept(name, seed, folder):
    """Return what is known of a search; measure what is not."""
    path = folder / f"{name}-{seed}.json"
    if path.exists():
        return json.loads(path.read_text("utf-8"))
    result = {"about": about(), "rows": measure(name, seed)}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(result, indent=1), "utf-8")
    return result


def summarize(rows):
    """Return means over the seeds, and paired differences from full rounds."""
    index = ["data", "rounds", "budget"]
    table = rows.groupby(index, sort=False)[["density", "cost", "test_accuracy"]].mean()
    wide = rows.pivot_table("test_accuracy", ["data", "rounds", "seed"], "budget", sort=False)
    differences = wide.sub(wide["1"], axis=0).groupby(level=[0, 1], sort=False)
    table["difference"] = differences.mean().stack().reindex(table.index)
    half_widths = differences.agg(lambda column: student_half_width(column.std(), len(column)))
    table["half_width"] = half_widths.stack().reindex(table.index)
    table["n_winning"] = rows.groupby(index, sort=False)["is_winning"].sum()
    table["n_seeds"] = rows.groupby(index, sort=False)["seed"].count()
    return table.reset_index()


def markdown(summary, machines):
    """Return the table of budgets."""
    lines = [
        "# What a budget saves",
        "",
        "| data | % remaining | budget | cost | test accuracy | less full rounds | winning |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in summary.itertuples():
        difference = f"{100 * row.difference:+.2f} ± {100 * row.half_width:.2f}"
        lines.append(
            f"| {row.data} | {100 * row.density:.3g} | {row.budget} | {row.cost:.1f} | "
            f"{100 * row.test_accuracy:.2f} | {'' if row.budget == '1' else difference} | "
            f"{row.n_winning} of {row.n_seeds} |"
        )
    return "\n".join([*lines, "", *machines, ""])


def draw(summary):
    """Return a picture of accuracy against cost, a panel a data set."""
    figure = Figure(figsize=(9, 7), layout="constrained")
    panels = zip(figure.subplots(2, 2).flat, summary.groupby("data", sort=False))
    for ax, (name, rows) in panels:
        looks = looks_of([f"{100 * d:.2g}%" for d in rows.groupby("rounds")["density"].mean()])
        curves = zip(looks.items(), rows.groupby("rounds"), strict=True)
        for number, ((label, look), (_, part)) in enumerate(curves):
            _draw_curve(ax, part, f"{label} remaining", look, below=number % 2)
        ax.set(title=name, xlabel="cost of the search, in full trainings")
        ax.set_ylabel("test accuracy of the last ticket, %")
        ax.margins(0.12)
        ax.legend(frameon=False)
    return figure


def _draw_curve(ax, part, label, look, below):
    scores = 100 * part["test_accuracy"]
    errors = 100 * part["half_width"].replace(0, np.nan)
    style = {"color": look.color, "marker": look.marker, "capsize": 3}
    ax.errorbar(part["cost"], scores, errors, label=label, **style)
    # Of budgets that cost the same, the larger says it.
    for cost, score, budget in zip(part["cost"], scores, part["budget"], strict=True):
        if cost < part["cost"].max() or budget == "1":
            place = (5, -13) if below else (5, 6)
            ax.annotate(budget, (cost, score), place, textcoords="offset points", color=look.color)


def main():
    """Measure what is not known, and write table and picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", choices=PARAMETERS, default=list(PARAMETERS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    results = Parallel(n_jobs=options.jobs, verbose=5)(
        delayed(kept)(name, seed, options.output / "budgets")
        for name in options.data
        for seed in range(options.seeds)
    )
    machines = {
        f"{facts['processor']}, {facts['cores']} cores, commit {facts['commit']}."
        for facts in (result["about"] for result in results)
    }
    summary = summarize(pd.DataFrame([row for result in results for row in result["rows"]]))
    text = markdown(summary, sorted(machines))
    print(text)
    with replacing(options.output / "budgets.md") as temporary:
        temporary.write_text(text, "utf-8")
    with replacing(options.output / "budgets.csv") as temporary:
        summary.to_csv(temporary, index=False, float_format="%.6g")
    draw(summary).savefig(options.output / "budgets.png", dpi=200)


if __name__ == "__main__":
    main()
