"""The commands, assembled."""

import typer

from ._find import find
from ._info import info
from ._mnist import mnist
from ._xor import xor

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Find winning tickets: small subnetworks that learn as well as the whole.",
)
for command in (find, xor, mnist, info):
    app.command()(command)


def main() -> None:
    """Run the command line."""
    app(prog_name="skticket")
