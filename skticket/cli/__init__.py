"""The command line: `python -m skticket find|xor|mnist|info ...`."""

from ._app import app, main

__all__ = ["app", "main"]
