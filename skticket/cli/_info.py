"""`skticket info`."""

from pathlib import Path
from typing import Annotated

import typer

from ..utils import printable
from ._errors import one_line_errors
from ._output import listed, make_console, make_table


def info(file: Annotated[Path, typer.Argument(help="A model or a ticket saved by find.")]) -> None:
    """Describe a saved model, or a saved ticket."""
    with one_line_errors():
        with open(file, "rb") as opened:
            is_model = opened.read(2) == b"PK"
        (_describe_model if is_model else _describe_ticket)(file)


def _describe_model(path):
    from ..persistence import about_model

    about, console = about_model(path), make_console()
    if about["columns"]:
        rows = [*about["columns"].items()]
        console.print(make_table(("column", "taken for"), rows, text=("column", "taken for")))
    columns = "no table" if about["n_columns"] is None else f"{about['n_columns']} columns"
    n_weights, n_all = about["n_weights"], round(about["n_weights"] / about["density"])
    lines = [
        f"{path}: a model of {columns}, {path.stat().st_size:,} bytes.",
        f"Task: {about['task']}" + (f" of {about['target']!r}." if about["target"] else "."),
        f"Classes: {listed(about['classes'])}." if about["classes"] else "",
        f"Ticket: {n_weights:,} of {n_all:,} weights ({100 * about['density']:.3g}%), "
        f"{'by its own training' if about['is_winning'] else 'not'} a winning one.",
        *(f"{name[:1].upper()}{name[1:]}: {score:.4g}." for name, score in about["scores"].items()),
        f"Made with {', '.join(f'{name} {number}' for name, number in about['versions'].items())}.",
    ]
    for line in filter(None, lines):
        console.print(printable(line), soft_wrap=True)


def _describe_ticket(path):
    from ..ticket import Ticket

    ticket = Ticket.load(path)
    console = make_console()
    columns = ("weights of", "shape", "surviving", "of", "percent remaining")
    rows = [
        (
            name,
            " × ".join(str(n) for n in mask.shape),
            f"{int(mask.sum()):,}",
            f"{mask.size:,}",
            f"{100 * ticket.layer_densities[name]:.3g}",
        )
        for name, mask in ticket.mask.items()
    ]
    console.print(make_table(columns, rows, text=columns[:1]))
    n_all = sum(mask.size for mask in ticket.mask.values())
    first = next(iter(ticket.mask.values()))
    console.print(
        f"{printable(str(path))}: a ticket of {ticket.n_weights:,} of {n_all:,} weights "
        f"({100 * ticket.density:.3g}%), {path.stat().st_size:,} bytes; "
        f"{int(first.reshape(len(first), -1).any(axis=0).sum())} of "
        f"{first[0].size} inputs are used.",
        soft_wrap=True,
    )
