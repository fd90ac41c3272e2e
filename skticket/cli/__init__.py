"""The command line: `python -m skticket find|xor|mnist|info ...`."""

from ._app import main

__all__ = ["main"]
