"""Winning tickets of the lottery ticket hypothesis, as scikit-learn estimators."""

from typing import TYPE_CHECKING

from .utils import lazily

if TYPE_CHECKING:
    from .estimators import WinningTicketClassifier, WinningTicketRegressor
    from .pruning import Grow, Prune
    from .rewinding import Rewind
    from .ticket import Ticket
    from .transformers import TicketSelector, TicketTransformer

__version__ = "0.1.0"

__all__ = [
    "Grow",
    "Prune",
    "Rewind",
    "Ticket",
    "TicketSelector",
    "TicketTransformer",
    "WinningTicketClassifier",
    "WinningTicketRegressor",
]

# The command line answers before torch is there.
__getattr__, __dir__ = lazily(
    __name__,
    {
        "Grow": "pruning",
        "Prune": "pruning",
        "Rewind": "rewinding",
        "Ticket": "ticket",
        "TicketSelector": "transformers",
        "TicketTransformer": "transformers",
        "WinningTicketClassifier": "estimators",
        "WinningTicketRegressor": "estimators",
    },
)
