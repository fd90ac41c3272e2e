"""The commands, assembled."""

import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from .. import __version__
from ._export import export
from ._find import find
from ._info import info
from ._mnist import mnist
from ._predict import predict
from ._study import study
from ._xor import xor

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)
for command in (find, predict, info, export, xor, mnist, study):
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"skticket {__version__}")
        raise typer.Exit


@app.callback()
def commands(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Find winning tickets: small subnetworks that learn as well as the whole."""


def main() -> None:
    """Run the command line."""
    if isinstance(sys.stdout, TextIOWrapper):
        # What is not UTF-8, as a file of Windows' that output goes to, lacks some characters.
        sys.stdout.reconfigure(errors="backslashreplace")
    app(prog_name="skticket")
