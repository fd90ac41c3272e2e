"""The command line: `python -m skticket find|predict|info|export|xor|mnist|study ...`."""

from ._app import app, main

__all__ = ["app", "main"]
