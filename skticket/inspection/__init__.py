"""Pictures of tickets, in scikit-learn's manner."""

from ._condition_curves import ConditionCurvesDisplay
from ._connectivity import ConnectivityDisplay
from ._initial_weights import InitialWeightsDisplay
from ._input_mask import InputMaskDisplay
from ._interpolation import InterpolationDisplay
from ._line import error_barrier, line_between
from ._mask_distance import MaskDistanceDisplay, mask_distance
from ._palette import LINE_OF_ROWS, ONE, PALETTE, ZERO, Look, looks_of
from ._saving import FORMATS, save_figure
from ._style import percent_axis
from ._ticket_curve import TicketCurveDisplay
from ._ticket_test import TicketTestDisplay
from ._training_curves import TrainingCurvesDisplay

__all__ = [
    "FORMATS",
    "LINE_OF_ROWS",
    "ONE",
    "PALETTE",
    "ZERO",
    "ConditionCurvesDisplay",
    "ConnectivityDisplay",
    "InitialWeightsDisplay",
    "InputMaskDisplay",
    "InterpolationDisplay",
    "Look",
    "MaskDistanceDisplay",
    "TicketCurveDisplay",
    "TicketTestDisplay",
    "TrainingCurvesDisplay",
    "error_barrier",
    "line_between",
    "looks_of",
    "mask_distance",
    "percent_axis",
    "save_figure",
]
