"""Draws the pictures of experiments from their tables, those of examples by running these.

python docs/pictures.py
"""

import doctest
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import pandas as pd  # noqa: E402

from skticket.experiments.mnist import EXPERIMENTS, Result, write_pictures  # noqa: E402
from skticket.experiments.study import STUDIES  # noqa: E402
from skticket.inspection import save_figure  # noqa: E402
from skticket.utils import replacing  # noqa: E402

DOCS = Path(__file__).parent
# Tables of before there was such a column: how long each of their trainings was.
STEPS = {"mnist": 5_000, "mnist_v1": 50_000}


# Pictures that a page's examples draw: what holds the figure there.
EXAMPLES = {
    "model_selection.md": {"grid": "figure", "ticket_test": "display.figure_"},
}


def main():
    """Draw each picture of which there is a table, and those of the pages' examples."""
    for folder, n_steps in STEPS.items():
        for name, experiment in EXPERIMENTS.items():
            path = DOCS / folder / f"{name}.csv"
            if path.exists():
                table = pd.read_csv(path)
                table = table.assign(**{"n_steps": n_steps} | dict(table.items()))
                write_pictures(Result(experiment, table), path.parent)
    for name, study in STUDIES.items():
        path = DOCS / "study" / f"{name}.csv"
        if path.exists():
            write_pictures(Result(study, pd.read_csv(path)), path.parent)
    for page, figures in EXAMPLES.items():
        names = run_examples(DOCS / page)
        for picture, expression in figures.items():
            figure = eval(expression, names)
            with replacing(DOCS / "images" / f"{picture}.png") as temporary:
                save_figure(figure, temporary)


def run_examples(path):
    """Return the names that a page's examples have given to things."""
    test = doctest.DocTestParser().get_doctest(path.read_text("utf-8"), {}, path.name, str(path), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    if runner.run(test, clear_globs=False).failed:
        raise SystemExit(f"examples of {path.name} fail")
    return test.globs


if __name__ == "__main__":
    main()
