"""`skticket info`."""

from pathlib import Path
from typing import Annotated

import typer

from ..utils import printable
from ._errors import one_line_errors
from ._output import make_console, make_table


def info(file: Annotated[Path, typer.Argument(help="A ticket saved by find.")]) -> None:
    """Describe a saved ticket."""
    with one_line_errors():
        _describe(file)


def _describe(path):
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
