"""Pictures of tickets, in scikit-learn's manner."""

from ._condition_curves import ConditionCurvesDisplay
from ._style import BLUE, GREEN, ORANGE, percent_axis
from ._ticket_curve import TicketCurveDisplay
from ._ticket_test import TicketTestDisplay
from ._training_curves import TrainingCurvesDisplay

__all__ = [
    "BLUE",
    "GREEN",
    "ORANGE",
    "ConditionCurvesDisplay",
    "TicketCurveDisplay",
    "TicketTestDisplay",
    "TrainingCurvesDisplay",
    "percent_axis",
]
