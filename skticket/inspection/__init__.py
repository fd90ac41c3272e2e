"""Pictures of tickets, in scikit-learn's manner."""

from ._style import BLUE, GREEN, ORANGE, percent_axis
from ._ticket_curve import TicketCurveDisplay
from ._ticket_test import TicketTestDisplay

__all__ = [
    "BLUE",
    "GREEN",
    "ORANGE",
    "TicketCurveDisplay",
    "TicketTestDisplay",
    "percent_axis",
]
