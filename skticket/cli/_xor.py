"""`skticket xor`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ._errors import one_line_errors
from ._output import (
    FORMAT_HELP,
    make_console,
    make_table,
    output_folder,
    picture_writers,
    write_files,
)
from ._parsing import FORMATS, XOR_STRATEGIES, several_of, whole_numbers
from ._progress import counting

# What the paper's figures are of.
_NETWORKS, _STEPS = 1000, 10_000


def xor(
    networks: Annotated[int, typer.Option(help="Networks a condition.")] = _NETWORKS,
    steps: Annotated[int, typer.Option(help="Steps of each training.")] = _STEPS,
    seed: Annotated[int, typer.Option(help="Determines the initial weights.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes; -1 for one a processor.")] = -1,
    units: Annotated[str, typer.Option(help="Numbers of hidden units, descending.")] = "10,8,6,4,2",
    strategies: Annotated[
        str, typer.Option(help=f"Of: {', '.join(XOR_STRATEGIES)}; with commas between.")
    ] = ",".join(XOR_STRATEGIES),
    format: Annotated[str, typer.Option(help=FORMAT_HELP)] = "png",
    output: Annotated[Path, typer.Option(help="Folder for tables and pictures.")] = Path(
        "results/xor"
    ),
) -> None:
    """Repeat the paper's first experiment: thousands of networks that learn exclusive or."""
    with one_line_errors():
        units = whole_numbers(units, "--units")
        strategies = several_of("--strategies", strategies, XOR_STRATEGIES)
        settings = {"networks": networks, "steps": steps, "seed": seed, "jobs": jobs}
        formats = several_of("--format", format, FORMATS)
        with output_folder(output):
            _run(units, strategies, settings, formats, output)


def _run(units, strategies, settings, formats, output):
    from ..experiments import xor as experiment

    console = make_console()
    populations = experiment.direct_populations(units)
    populations += experiment.pruned_populations(units, strategies)
    experiment.check_settings(**settings)
    outcomes = _measure(experiment, populations, settings, console)
    direct, pruned = outcomes[: len(units)], outcomes[len(units) :]
    tables = experiment.tabulate(direct), experiment.tabulate(pruned)
    console.print(_rich_table("Found directly", tables[0]))
    console.print(_rich_table("Pruned to that size, rewound, and trained again", tables[1]))
    console.print(
        "DB: percent of networks with the right decision boundary; ZL: with zero loss. Each with "
        "its 95% interval, the paper's figure, and the difference from that."
    )
    if (settings["networks"], settings["steps"]) != (_NETWORKS, _STEPS):
        console.print(
            f"The paper's figures are of {_NETWORKS:,} networks that took {_STEPS:,} steps each; "
            f"these are of {settings['networks']:,} that took {settings['steps']:,}: another "
            "protocol, whose figures may differ for that reason alone."
        )
    units_table, strategies_table = (table.round(4) for table in tables)
    success = experiment.plot_success(*tables)
    boundaries = experiment.plot_boundaries(_shown(direct, pruned))
    writers = {
        "units.csv": partial(units_table.to_csv, index=False),
        "strategies.csv": partial(strategies_table.to_csv, index=False),
        **picture_writers("success", success, formats),
        **picture_writers("boundaries", boundaries, formats),
    }
    write_files(writers, output, console)


def _measure(experiment, populations, settings, console):
    with counting(console, "training", "blocks") as tell:
        return experiment.measure(populations, **settings, progress=tell)


def _rich_table(title, frame):
    from rich import box

    columns = ["strategy"] if "strategy" in frame else []
    columns.append("units")
    for name in ("DB", "ZL"):
        columns += [f"{name} %", "interval", "paper", "diff."]
    rows = []
    for row in frame.to_dict("records"):
        cells = [row["strategy"]] if "strategy" in row else []
        cells.append(str(row["units"]))
        for name in ("db", "zl"):
            cells += [f"{row[name]:.1f}", f"{row[f'{name}_low']:.1f}-{row[f'{name}_high']:.1f}"]
            published = row[f"{name}_published"]
            known = published == published  # not NaN
            cells += [f"{published:.1f}", f"{row[name] - published:+.1f}"] if known else ["", ""]
        rows.append(cells)
    options = {"title_justify": "left", "box": box.SIMPLE_HEAD, "padding": 0}
    return make_table(columns, rows, text=("strategy",), wrap=False, title=title, **options)


def _shown(direct, pruned):
    """The first two networks of the last strategy, and for each size one found directly."""
    shown = [outcome for outcome in pruned if outcome.name == pruned[-1].name]
    rows = [
        (f"pruned, network {i + 1}", [(o.units, o.tickets[i]) for o in shown])
        for i in range(min(2, len(shown[0].tickets)))
    ]
    return [*rows, ("found directly", [(o.units, o.tickets[0]) for o in direct])]
