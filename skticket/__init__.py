"""Winning tickets of the lottery ticket hypothesis, as scikit-learn estimators."""

from .estimators import WinningTicketClassifier, WinningTicketRegressor
from .pruning import Prune
from .rewinding import Rewind
from .ticket import Ticket
from .transformers import TicketSelector, TicketTransformer

__version__ = "0.1.0"

__all__ = [
    "Prune",
    "Rewind",
    "Ticket",
    "TicketSelector",
    "TicketTransformer",
    "WinningTicketClassifier",
    "WinningTicketRegressor",
]
