"""The search for winning tickets: train, then again and again prune, rewind, train."""

from ._controls import CONTROLS, control_ticket
from ._masks import masks_in_training
from ._memory import key_of, open_memory
from ._results import CONFIDENCE, TOLERANCE, iterations_to_match, may_win, select_round, tabulate
from ._search import Search

__all__ = [
    "CONFIDENCE",
    "CONTROLS",
    "TOLERANCE",
    "Search",
    "control_ticket",
    "iterations_to_match",
    "key_of",
    "masks_in_training",
    "may_win",
    "open_memory",
    "select_round",
    "tabulate",
]
