"""How often a round is called a winning ticket, and how often a control of it would be.

    SKTICKET_DATA=FOLDER python benchmarks/winning.py [--data mnist1d digits mnist ...]
        [--seeds 10] [--controls 5] [--jobs 2] [--memory FOLDER] [--output benchmarks/results]

A search of seven rounds ends with about 20% of the weights. Its last round is judged as
`round_results_["is_winning"]` judges every round, and so are controls of it (fresh weights in its
structure; its connections rearranged), and the same share of random masks over the first weights.
Nothing but chance makes those win: the word means something only if they hardly ever do.
"""

import argparse
from pathlib import Path

import pandas as pd
from harness import about
from joblib import Parallel, delayed
from sklearn.preprocessing import StandardScaler
from tables import load_folds

from skticket import WinningTicketClassifier
from skticket.datasets import fetch_mnist, load_digits, make_mnist1d, split_images
from skticket.model_selection import fit_controls
from skticket.utils import replacing

ROUNDS = 7
CONTROLS = ("reinit", "rearrange")
# As `skticket find` trains the networks of images.
IMAGES = {"learning_rate": 1.2e-3, "alpha": 0, "n_iter_no_change": None}
PARAMETERS = {
    "mnist1d": IMAGES | {"hidden_layer_sizes": (500,), "max_epochs": 40, "batch_size": 100},
    "digits": {},
    "mnist": IMAGES | {"max_epochs": 8, "batch_size": 60, "evaluate_every": 50},
    "wdbc": {},
    "ring": {},
    "chess": {},
    "marketing": {},
    "penbased": {},
    "twonorm": {},
}


def load(name):
    """Return rows to train on."""
    if name == "mnist1d":
        return make_mnist1d(4000, random_state=0)
    if name == "mnist":
        X, _, y, _ = split_images(fetch_mnist())
        return X[:10_000], y[:10_000]
    X, y = load_digits(return_X_y=True) if name == "digits" else load_folds(name)[0][:2]
    return StandardScaler().fit_transform(X), y


def judge(name, seed, n_controls, memory):
    """Return a row for each network that is judged."""
    X, y = load(name)
    parameters = {"rounds": ROUNDS, "random_state": seed, "memory": memory} | PARAMETERS[name]
    ticket = WinningTicketClassifier(**parameters).fit(X, y)
    random = WinningTicketClassifier(strategy="random", schedule="one-shot", **parameters).fit(X, y)
    networks = [("ticket", ticket), ("random masks", random)]
    for control in CONTROLS:
        others = fit_controls(ticket, X, y, control=control, n_controls=n_controls)
        networks += [(control, other) for other in others]
    return [{"data": name, "seed": seed, "network": kind} | _last(n) for kind, n in networks]


def _last(fitted):
    names = ("density", "early_loss", "converged_score", "iterations_to_match", "is_winning")
    names += ("early_loss_error", "converged_score_error")
    results = fitted.round_results_
    full = {f"full_{name}": results[name][0] for name in names[1:4]}
    return {name: results[name][-1] for name in names} | full


def markdown(rows, machine):
    """Return the table of counts."""
    groups = rows.groupby(["data", "network"], sort=False)["is_winning"]
    counts = groups.agg(lambda wins: f"{wins.sum()} of {len(wins)}").unstack(sort=False)
    lines = [
        "# How often a round is called winning",
        "",
        f"At {100 * rows['density'].mean():.0f}% of the weights, {ROUNDS} rounds.",
        "",
        "| data | " + " | ".join(counts.columns) + " |",
        "| --- |" + " ---: |" * len(counts.columns),
        *(f"| {name} | " + " | ".join(row) + " |" for name, row in counts.iterrows()),
        "",
        f"{machine['processor']}, {machine['cores']} cores, {machine['date']}, "
        f"commit {machine['commit']}.",
        "",
    ]
    return "\n".join(lines)


def main():
    """Judge all, and write table and counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", choices=PARAMETERS, default=list(PARAMETERS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--controls", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--memory")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    machine = about()
    judged = Parallel(n_jobs=options.jobs, verbose=5)(
        delayed(judge)(name, seed, options.controls, options.memory)
        for name in options.data
        for seed in range(options.seeds)
    )
    rows = pd.DataFrame([row for part in judged for row in part])
    text = markdown(rows, machine)
    print(text)
    options.output.mkdir(parents=True, exist_ok=True)
    with replacing(options.output / "winning.csv") as temporary:
        rows.to_csv(temporary, index=False, float_format="%.6g")
    with replacing(options.output / "winning.md") as temporary:
        temporary.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
