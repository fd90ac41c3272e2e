"""Pictures of tickets, in scikit-learn's manner."""

from ._condition_curves import ConditionCurvesDisplay
from ._connectivity import ConnectivityDisplay
from ._initial_weights import InitialWeightsDisplay
from ._input_mask import InputMaskDisplay
from ._style import (
    AMBER,
    BLACK,
    BLUE,
    CONDITION_STYLES,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    percent_axis,
)
from ._ticket_curve import TicketCurveDisplay
from ._ticket_test import TicketTestDisplay
from ._training_curves import TrainingCurvesDisplay

__all__ = [
    "AMBER",
    "BLACK",
    "BLUE",
    "CONDITION_STYLES",
    "GREEN",
    "ORANGE",
    "PURPLE",
    "SKY",
    "ConditionCurvesDisplay",
    "ConnectivityDisplay",
    "InitialWeightsDisplay",
    "InputMaskDisplay",
    "TicketCurveDisplay",
    "TicketTestDisplay",
    "TrainingCurvesDisplay",
    "percent_axis",
]
