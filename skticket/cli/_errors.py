"""What the commands do about wrong input."""

import sys
from contextlib import contextmanager
from typing import NoReturn

import typer

from ..utils import printable

_MOST_LINES = 30


def fail(*messages) -> NoReturn:
    """Print a line for each fault on standard error and exit with code 2."""
    for message in messages[:_MOST_LINES]:
        print(f"skticket: error: {printable(' '.join(str(message).split()))}", file=sys.stderr)
    if len(messages) > _MOST_LINES:
        print(f"skticket: {len(messages) - _MOST_LINES} more errors", file=sys.stderr)
    raise typer.Exit(2)


@contextmanager
def one_line_errors():
    """Turn errors in the data or the parameters into a line each and exit code 2."""
    try:
        yield
    except BrokenPipeError:
        raise  # who reads along, such as head, has seen enough: no error to tell of
    except ExceptionGroup as group:
        fail(*group.exceptions)
    except (ValueError, OSError, ImportError) as error:
        fail(error)
