"""What the commands do about wrong input."""

import sys
from contextlib import contextmanager
from typing import NoReturn

import typer

from ..utils import printable


def fail(message) -> NoReturn:
    """Print one line on standard error and exit with code 2."""
    print(f"skticket: error: {printable(' '.join(str(message).split()))}", file=sys.stderr)
    raise typer.Exit(2)


@contextmanager
def one_line_errors():
    """Turn errors in the data or the parameters into one line and exit code 2."""
    try:
        yield
    except (ValueError, OSError) as error:
        fail(error)
