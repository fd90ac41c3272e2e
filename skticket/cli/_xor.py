"""What `skticket xor` does."""

from pathlib import Path
from typing import Annotated

import typer

from ._errors import one_line_errors


def xor(
    networks: Annotated[int, typer.Option(help="Networks a condition.")] = 1000,
    steps: Annotated[int, typer.Option(help="Steps of each training.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Determines the initial weights.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes; -1 for one a processor.")] = -1,
    units: Annotated[str, typer.Option(help="Numbers of hidden units, descending.")] = "10,8,6,4,2",
    strategies: Annotated[
        str, typer.Option(help="Of: one-shot product, input, output, product.")
    ] = "one-shot product,input,output,product",
    output: Annotated[Path, typer.Option(help="Folder for tables and pictures.")] = Path(
        "results/xor"
    ),
) -> None:
    """Repeat the paper's first experiment: thousands of networks that learn exclusive or."""
    with one_line_errors():
        _run(
            _whole_numbers(units),
            [name.strip() for name in strategies.split(",")],
            {"networks": networks, "steps": steps, "seed": seed, "jobs": jobs},
            output,
        )


def _whole_numbers(text):
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"--units must be whole numbers with commas between, such as 10,8,6,4,2; got {text!r}"
        ) from None


def _run(units, strategies, settings, output):
    from rich.console import Console

    from ..experiments import xor as experiment

    console = Console()
    direct_conditions = experiment.direct_conditions(units)
    pruned_conditions = experiment.pruned_conditions(units, strategies)
    experiment.check_settings(**settings)
    outcomes = _measure(direct_conditions + pruned_conditions, settings, console)
    direct = [outcome for outcome in outcomes if outcome.name == experiment.DIRECTLY]
    pruned = [outcome for outcome in outcomes if outcome.name != experiment.DIRECTLY]
    tables = experiment.tabulate(direct), experiment.tabulate(pruned)
    console.print(_rich_table("Found directly", tables[0]))
    console.print(_rich_table("Pruned to that size, rewound, and trained again", tables[1]))
    console.print(
        "DB: percent of networks with the right decision boundary; ZL: with zero loss. Each with "
        "its 95% interval, the paper's figure, and the difference from that."
    )
    _write(tables, direct, pruned, output)
    console.print(f"Written to {output}: {', '.join(_FILES)}", soft_wrap=True)


def _measure(conditions, settings, console):
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from ..experiments.xor import measure

    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("training", total=None)
        return measure(
            conditions,
            **settings,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _rich_table(title, frame):
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    if "strategy" in frame:
        table.add_column("strategy", no_wrap=True)
    table.add_column("units", justify="right")
    for name in ("DB", "ZL"):
        for column in (f"{name} %", "interval", "paper", "diff."):
            table.add_column(column, justify="right", no_wrap=True)
    for row in frame.to_dict("records"):
        cells = [row["strategy"]] if "strategy" in row else []
        cells.append(str(row["units"]))
        for name in ("db", "zl"):
            cells += [f"{row[name]:.1f}", f"{row[f'{name}_low']:.1f}-{row[f'{name}_high']:.1f}"]
            published = row[f"{name}_published"]
            known = published == published  # not NaN
            cells += [f"{published:.1f}", f"{row[name] - published:+.1f}"] if known else ["", ""]
        table.add_row(*cells)
    return table


_FILES = ("units.csv", "strategies.csv", "success.png", "boundaries.png")


def _write(tables, direct, pruned, output):
    from ..experiments.xor import plot_boundaries, plot_success
    from ..utils import replacing

    for name, table in zip(_FILES, tables, strict=False):
        with replacing(output / name) as temporary:
            table.round(4).to_csv(temporary, index=False)
    # The first two networks of the last strategy, and for each size one that was found directly.
    shown = [outcome for outcome in pruned if outcome.name == pruned[-1].name]
    rows = [
        (f"pruned, network {i + 1}", [(o.units, o.tickets[i]) for o in shown])
        for i in range(min(2, len(shown[0].tickets)))
    ]
    rows.append(("found directly", [(o.units, o.tickets[0]) for o in direct]))
    for name, figure in zip(
        _FILES[2:], (plot_success(*tables), plot_boundaries(rows)), strict=True
    ):
        with replacing(output / name) as temporary:
            figure.savefig(temporary, dpi=110)
