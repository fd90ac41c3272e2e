"""The command line: `python -m skticket find|xor|mnist|info ...`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ._errors import one_line_errors
from ._mnist import mnist
from ._xor import xor

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Find winning tickets: small subnetworks that learn as well as the whole.",
)


class Schedule(StrEnum):
    """How rounds follow one another."""

    iterative = "iterative"
    one_shot = "one-shot"


class Task(StrEnum):
    """What to predict."""

    auto = "auto"
    classification = "classification"
    regression = "regression"


def _number_or_name(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


@app.command()
def find(
    source: Annotated[
        str, typer.Argument(help='"digits", "mnist", or a CSV file of numbers with a header.')
    ],
    target: Annotated[str, typer.Option(help="The CSV file's column to predict.")] = None,
    task: Annotated[
        Task, typer.Option(help="For a CSV file; auto: numbers of over 20 values are regression.")
    ] = Task.auto,
    rounds: Annotated[int, typer.Option(help="How many times to prune.")] = 7,
    prune_rate: Annotated[
        str, typer.Option(help="Share of weights to prune a round, or their number a layer.")
    ] = "0.2",
    strategy: Annotated[str, typer.Option(help="How weights are scored.")] = "magnitude",
    schedule: Annotated[
        Schedule, typer.Option(help="Prune round by round, or all at once.")
    ] = Schedule.iterative,
    rewind_to: Annotated[
        str, typer.Option(help="init, none, reinit, rearrange, or a number of steps.")
    ] = "init",
    select: Annotated[
        str, typer.Option(help="Which round to keep: winning, best or last.")
    ] = "winning",
    hidden: Annotated[str, typer.Option(help="Hidden layer sizes.")] = "300,100",
    epochs: Annotated[
        int, typer.Option(help="Passes over the data a round; 30, but 4 for mnist.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Determines everything random.")] = 0,
    output: Annotated[Path, typer.Option(help="Folder for what is found.")] = Path("results/find"),
) -> None:
    """Find a winning ticket, show each round, and save ticket, table and picture."""
    from . import _find as _find

    with one_line_errors():
        parameters = {
            "hidden_layer_sizes": tuple(_number_or_name(size) for size in hidden.split(",")),
            "rounds": rounds,
            "prune_rate": _number_or_name(prune_rate),
            "strategy": strategy,
            "schedule": str(schedule),
            "rewind_to": _number_or_name(rewind_to),
            "select": select,
            "random_state": seed,
        }
        if epochs is not None:
            parameters["max_epochs"] = epochs
        _find.find(source, target, str(task), parameters, output)


app.command()(xor)
app.command()(mnist)


@app.command()
def info(file: Annotated[Path, typer.Argument(help="A ticket saved by find.")]) -> None:
    """Describe a saved ticket."""
    from . import _find as _find

    with one_line_errors():
        _find.describe(file)


def main() -> None:
    """Run the command line."""
    app(prog_name="skticket")
