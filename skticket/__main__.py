"""`python -m skticket`."""

from .cli import main

main()
