"""What becomes of the MNIST experiments: tables, pictures, judged claims, and a report."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import matplotlib.pyplot as plt
import pandas as pd
from markdown_it import MarkdownIt

from ...utils import replacing
from . import _claims as claims
from . import _plots as plots
from . import _questions as mnist

__all__ = ["EXPERIMENTS", "Experiment", "Result", "write_report", "write_result"]


@dataclass(frozen=True)
class Experiment:
    """One of the paper's questions.

    Parameters
    ----------
    question : str
        What is asked.
    caption : str
        What the picture shows.
    measure : callable
        Takes a `Laboratory`, returns the table.
    conditions : callable
        Takes a `Protocol`, returns what is trained.
    pictures : dict of str to callable
        For what each file's name ends in, what draws the table.
    judge : callable
        Takes the table, returns a list of `Claim`.
    """

    question: str
    caption: str
    measure: Callable
    conditions: Callable
    pictures: dict
    judge: Callable


_TWO_QUANTITIES = (
    "Iterations to the lowest validation loss, and test accuracy there, against percent of weights "
    "remaining. Means of the trials; bars from the least to the greatest."
)
# A condition with no more sizes is tabulated whole.
_FEW_SIZES = 8
_CURVES = {"": plots.plot_conditions}

EXPERIMENTS = {
    "one-shot": Experiment(
        "How do winning tickets learn that were pruned once to each size?",
        "Test accuracy in the course of training. Means of the trials; bands from the least to "
        "the greatest.",
        mnist.one_shot,
        mnist.one_shot_conditions,
        {"": plots.plot_training},
        claims.of_one_shot,
    ),
    "one-shot-controls": Experiment(
        "Is it the structure, or the initial weights? Tickets pruned once, and their controls.",
        _TWO_QUANTITIES + " Faint: each trial's controls.",
        mnist.one_shot_controls,
        mnist.one_shot_controls_conditions,
        _CURVES,
        claims.of_one_shot_controls,
    ),
    "iterative": Experiment(
        "Does pruning round by round find smaller tickets than pruning once?",
        _TWO_QUANTITIES,
        mnist.iterative,
        mnist.iterative_conditions,
        _CURVES,
        claims.of_iterative,
    ),
    "iterative-controls": Experiment(
        "How do tickets pruned round by round compare with their controls?",
        _TWO_QUANTITIES + " Faint: each trial's controls.",
        mnist.iterative_controls,
        mnist.iterative_controls_conditions,
        _CURVES,
        claims.of_iterative_controls,
    ),
    "initializations": Experiment(
        "Which initial weights survive?",
        "Distributions of the initial weights that survive, of all trials together, each of area "
        "one; grey: all initial weights.",
        mnist.initializations,
        mnist.initializations_conditions,
        {"": plots.plot_initializations},
        claims.of_initializations,
    ),
    "architecture": Experiment(
        "What do tickets look like?",
        "Surviving connections of each unit, the most connected first (means of the trials); and "
        "those of each input pixel.",
        mnist.architecture,
        mnist.architecture_conditions,
        {"": plots.plot_connectivity, "-inputs": plots.plot_inputs},
        claims.of_architecture,
    ),
    "initialization-scale": Experiment(
        "How does the standard deviation of the initial weights matter?",
        _TWO_QUANTITIES,
        mnist.initialization_scale,
        mnist.initialization_scale_conditions,
        _CURVES,
        claims.of_initialization_scale,
    ),
    "network-size": Experiment(
        "How does the size of the network matter?",
        _TWO_QUANTITIES + " Then the same against the number of weights.",
        mnist.network_size,
        mnist.network_size_conditions,
        {"": plots.plot_conditions, "-weights": plots.plot_by_weights},
        claims.of_network_size,
    ),
    "pruning-rate": Experiment(
        "How much may be pruned in a round?",
        _TWO_QUANTITIES,
        mnist.pruning_rate,
        mnist.pruning_rate_conditions,
        _CURVES,
        claims.of_pruning_rate,
    ),
    "resetting": Experiment(
        "Is resetting the weights better than training on?",
        _TWO_QUANTITIES,
        mnist.resetting,
        mnist.resetting_conditions,
        _CURVES,
        claims.of_resetting,
    ),
}


@dataclass(frozen=True)
class Result:
    """An experiment that was run.

    Parameters
    ----------
    name : str
        One of `EXPERIMENTS`.
    table : DataFrame
        What it measured.
    """

    name: str
    table: pd.DataFrame

    @property
    def experiment(self):
        """The question."""
        return EXPERIMENTS[self.name]

    @property
    def claims(self):
        """The claims, judged."""
        return self.experiment.judge(self.table)

    @property
    def pictures(self):
        """Names of the pictures' files."""
        return [f"{self.name}{suffix}.png" for suffix in self.experiment.pictures]


def write_result(result, folder):
    """Write an experiment's table and pictures.

    Parameters
    ----------
    result : Result
        What was measured.
    folder : pathlib.Path
        Where to.

    Returns
    -------
    list of str
        Names of the files.
    """
    with replacing(folder / f"{result.name}.csv") as temporary:
        result.table.to_csv(temporary, index=False, float_format="%.7g")
    for name, draw in zip(result.pictures, result.experiment.pictures.values(), strict=True):
        figure = draw(result.table)
        try:
            with replacing(folder / name) as temporary:
                figure.savefig(temporary, dpi=110)
        finally:
            plt.close(figure)
    return [f"{result.name}.csv", *result.pictures]


def write_report(results, settings, folder):
    """Write the claims as a table, and a report in Markdown and in HTML.

    The HTML file holds its pictures, so that it can be sent by itself.

    Parameters
    ----------
    results : sequence of Result
        The experiments, whose pictures are in the folder.
    settings : dict of str to str
        What the reader has to know of how they were run.
    folder : pathlib.Path
        Where to.

    Returns
    -------
    list of str
        Names of the files.
    """
    rows = [
        (result.name, claim.text, claim.verdict, claim.evidence)
        for result in results
        for claim in result.claims
    ]
    frame = pd.DataFrame(rows, columns=["experiment", "claim", "verdict", "evidence"])
    with replacing(folder / "claims.csv") as temporary:
        frame.to_csv(temporary, index=False)
    text = _markdown(results, settings, frame)
    with replacing(folder / "report.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    pictures = {name: folder / name for result in results for name in result.pictures}
    with replacing(folder / "report.html") as temporary:
        temporary.write_text(_html(text, pictures), encoding="utf-8")
    return ["claims.csv", "report.md", "report.html"]


def _markdown(results, settings, frame):
    n_hold = int((frame["verdict"] == "holds").sum())
    parts = [
        "# Winning tickets: the experiments",
        "What Frankle and Carbin, *The Lottery Ticket Hypothesis: Training Pruned Neural Networks* "
        "(arXiv:1803.03635v1, 2018), asked of networks that learn images, asked again.",
        _table(["setting", "value"], settings.items()),
        "## Claims",
        f"{n_hold} of {len(frame)} hold. A claim holds where the whole 95% interval of the "
        "paired difference between the trials (Student's t) is on its side; where it does not "
        "hold, the trials may also have been too few to tell.",
        _table(
            ["experiment", "claim", "verdict"], frame[["experiment", "claim", "verdict"]].values
        ),
    ]
    for result in results:
        parts += _section(result)
    return "\n\n".join(parts) + "\n"


def _section(result):
    experiment = result.experiment
    return [
        f"## {result.name}",
        experiment.question,
        *(f"![{name}]({name})" for name in result.pictures),
        f"{experiment.caption} Table: [{result.name}.csv]({result.name}.csv).",
        "\n".join(
            f"- {claim.text}: **{claim.verdict}** ({claim.evidence})." for claim in result.claims
        ),
        *_summary(result.table),
    ]


def _summary(table):
    """Return a table of means, of experiments that compare conditions; of many sizes, a third."""
    if "condition" not in table:
        return []
    rows = []
    n_sizes = table.groupby("condition")["round"].nunique()
    for (condition, number), group in table.groupby(["condition", "round"], sort=False):
        # The sizes that controls have, and the full network.
        if n_sizes[condition] > _FEW_SIZES and number and number % 3 != 2:
            continue
        iterations, score = group["iterations_to_converge"], 100 * group["test_score"]
        rows.append(
            (
                condition,
                f"{group['percent'].mean():.3g}",
                f"{group['n_weights'].mean():,.0f}",
                f"{iterations.mean():,.0f} ({iterations.min():,} to {iterations.max():,})",
                f"{score.mean():.2f} ({score.min():.2f} to {score.max():.2f})",
            )
        )
    header = ["condition", "% remaining", "weights", "iterations to converge", "test accuracy, %"]
    return [
        _table(header, rows),
        "Means of all networks of a kind, least and greatest in brackets.",
    ]


def _table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


_STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
img { max-width: 100%; }
table { border-collapse: collapse; font-size: 0.85em; }
th, td { padding: 0.2em 0.8em; text-align: left; border-bottom: 1px solid #ddd; }
"""


def _html(text, pictures):
    body = MarkdownIt("commonmark").enable("table").render(text)
    for name, path in pictures.items():
        data = base64.b64encode(path.read_bytes()).decode()
        body = body.replace(f'src="{escape(name)}"', f'src="data:image/png;base64,{data}"')
    head = f'<meta charset="utf-8"><title>Winning tickets</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}</body></html>\n'
