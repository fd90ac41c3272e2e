"""A million rows of 100 columns: a search of seven rounds beside other models.

    python benchmarks/large.py [--rows 1000000] [--columns 100] [--models NAME ...] [--output DIR]

Default estimators, each fitted in a process of its own: the ticket of seven rounds, with full
rounds and with a sixth of a training for each; the full network alone; scikit-learn's network, with
early stopping as ours; and its gradient boosting. The classes are those of a random network's two
outputs of the first 20 columns, a tenth of them flipped; the accuracy is that on 50,000 rows more.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
from harness import about
from harness.memory import apart
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neural_network import MLPClassifier

from skticket import WinningTicketClassifier
from skticket.utils import replacing

MODELS = {
    "ticket": WinningTicketClassifier(rounds=7, random_state=0),
    "ticket, round_budget=1/6": WinningTicketClassifier(
        rounds=7, round_budget=1 / 6, random_state=0
    ),
    "full network": WinningTicketClassifier(rounds=0, random_state=0),
    "scikit-learn's network": MLPClassifier((300, 100), early_stopping=True, random_state=0),
    "boosted trees": HistGradientBoostingClassifier(random_state=0),
}
N_TEST, N_INFORMATIVE, N_HIDDEN = 50_000, 20, 40


def make_rows(n_rows, n_columns):
    """Return rows and classes."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows + N_TEST, n_columns), np.float32)
    into = rng.standard_normal((N_INFORMATIVE, N_HIDDEN), np.float32)
    out = rng.standard_normal((N_HIDDEN, 2), np.float32)
    outputs = np.maximum(X[:, :N_INFORMATIVE] @ into, 0) @ out
    flipped = rng.random(len(X)) < 0.1
    return X, np.where(flipped, 1, 0) ^ (outputs[:, 0] > outputs[:, 1])


def fit(model, data):
    """Fit a model to all rows but the last; return its accuracy on these."""
    X, y = data
    model.fit(X[:-N_TEST], y[:-N_TEST])
    return model.score(X[-N_TEST:], y[-N_TEST:])


def main(arguments=None):
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--output", type=Path, default=Path("results/large"))
    options = parser.parse_args(arguments)
    facts = about()
    lines = [
        f"{options.rows:,} rows of {options.columns} columns; {facts['processor']}, "
        f"{facts['cores']} cores, {facts['date']}, commit {facts['commit']}",
        "",
        "| model | minutes | of a processor | memory | accuracy |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    prepare = partial(make_rows, options.rows, options.columns)
    for name in options.models:
        measured = apart(prepare, partial(fit, MODELS[name]))
        lines.append(
            f"| {name} | {measured['seconds'] / 60:.1f} | {measured['processor'] / 60:.1f} "
            f"| {measured['kB'] / 1000:,.0f} MB | {measured['result']:.4f} |"
        )
        print(lines[-1], flush=True)
    options.output.mkdir(parents=True, exist_ok=True)
    with replacing(options.output / "large.md") as temporary:
        temporary.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
