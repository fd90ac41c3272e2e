"""The search for winning tickets: train, then again and again prune, rewind, train."""

from ._results import TOLERANCE, iterations_to_match, select_round, tabulate
from ._search import Search, open_memory

__all__ = [
    "TOLERANCE",
    "Search",
    "iterations_to_match",
    "open_memory",
    "select_round",
    "tabulate",
]
