"""What becomes of experiments: tables, pictures, judged claims, and a report."""

import base64
import re
from html import escape

import matplotlib.pyplot as plt
import pandas as pd
from markdown_it import MarkdownIt

from ..inspection import save_figure
from ..utils import printable, replacing

__all__ = ["write_pictures", "write_report", "write_result"]


# A condition with no more sizes is tabulated whole.
_FEW_SIZES = 8
_SUMMARIZED = {"condition", "round", "percent", "iterations_to_converge", "test_score"}
_COUNTED = {"holds": "hold", "does not hold": "do not hold", "undecided": "are undecided"}


def write_result(result, folder, formats=("png",)):
    """Write an experiment's table and pictures.

    Parameters
    ----------
    result : Result
        What was measured.
    folder : pathlib.Path
        Where to.
    formats : sequence of {"png", "svg", "pdf"}, default=("png",)
        Of each picture.

    Returns
    -------
    list of str
        Names of the files.
    """
    with replacing(folder / f"{result.name}.csv") as temporary:
        result.table.to_csv(temporary, index=False, float_format="%.7g")
    return [f"{result.name}.csv", *write_pictures(result, folder, formats)]


def write_pictures(result, folder, formats=("png",)):
    """Write an experiment's pictures alone.

    Parameters
    ----------
    result : Result
        What was measured.
    folder : pathlib.Path
        Where to.
    formats : sequence of {"png", "svg", "pdf"}, default=("png",)
        Of each picture.

    Returns
    -------
    list of str
        Names of the files.
    """
    written = []
    for name, draw in result.pictures.items():
        figure = draw(result.table)
        try:
            for ending in formats:
                with replacing(folder / f"{name}.{ending}") as temporary:
                    save_figure(figure, temporary)
                written.append(f"{name}.{ending}")
        finally:
            plt.close(figure)
    return written


def write_report(results, settings, folder, formats=("png",), *, opening, prefix=""):
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
    formats : sequence of {"png", "svg", "pdf"}, default=("png",)
        Which the pictures have; the first that a browser shows is.
    opening : str
        What the experiments are, in Markdown.
    prefix : str, default=""
        What the files' names begin with.

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
    names = [f"{prefix}{name}" for name in ("claims.csv", "report.md", "report.html")]
    claims, markdown, page = (folder / name for name in names)
    with replacing(claims) as temporary:
        frame.to_csv(temporary, index=False)
    shown = next((ending for ending in formats if ending in _SHOWN), None)
    text = _markdown(results, settings, frame, opening, shown)
    with replacing(markdown) as temporary:
        temporary.write_text(text, encoding="utf-8")
    shown = [f"{name}.{shown}" for result in results for name in result.pictures if shown]
    pictures = {name: folder / name for name in shown}
    with replacing(page) as temporary:
        temporary.write_text(_html(text, pictures), encoding="utf-8")
    return names


def _markdown(results, settings, frame, opening, shown):
    counts = frame["verdict"].value_counts()
    told = ", ".join(f"{counts.get(verdict, 0)} {text}" for verdict, text in _COUNTED.items())
    parts = [
        "# Winning tickets: the experiments",
        opening,
        _table(["setting", "value"], settings.items()),
        "## Claims",
        f"Of {len(frame)} claims, {told}. A claim holds where the whole 95% interval of the "
        "paired difference between the trials (Student's t) is on its side, and does not where all "
        "of it is on the other; where it reaches to both, the trials do not decide.",
        _table(
            ["experiment", "claim", "verdict"], frame[["experiment", "claim", "verdict"]].values
        ),
    ]
    for result in results:
        parts += _section(result, shown)
    return "\n\n".join(parts) + "\n"


def _section(result, shown):
    experiment = result.experiment
    table, n_trials = f"{result.name}.csv", result.table["trial"].nunique()
    return [
        f"## {result.name}",
        experiment.question,
        *([experiment.paper] if experiment.paper else []),
        *(_link(name, shown) for name in result.pictures),
        f"{experiment.caption} {n_trials} trials. Table: [{table}]({table}).",
        "\n".join(
            f"- {claim.text}: **{claim.verdict}** ({claim.evidence})." for claim in result.claims
        ),
        *_summary(result.table),
    ]


def _link(name, shown):
    # A browser can only follow a link to other formats.
    return f"![{name}]({name}.{shown})" if shown else f"[{name}]({name}.pdf)"


def _summary(table):
    """Return a table of means, of experiments that compare conditions; of many sizes, a third."""
    if not _SUMMARIZED <= set(table.columns):
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
    lines = [header, ["---"] * len(header), *([_cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value):
    """Text of a cell: what is markup elsewhere is none here."""
    return re.sub(r"[\\`*_\[\]<>|&]", r"\\\g<0>", printable(str(value)))


_SHOWN = {"png": "image/png", "svg": "image/svg+xml"}
_STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
img { max-width: 100%; }
table { border-collapse: collapse; font-size: 0.85em; }
th, td { padding: 0.2em 0.8em; text-align: left; border-bottom: 1px solid #ddd; }
"""


def _html(text, pictures):
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    for name, path in pictures.items():
        data = base64.b64encode(path.read_bytes()).decode()
        kind = _SHOWN[path.suffix.removeprefix(".")]
        body = body.replace(f'src="{escape(name)}"', f'src="data:{kind};base64,{data}"')
    head = f'<meta charset="utf-8"><title>Winning tickets</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}</body></html>\n'
