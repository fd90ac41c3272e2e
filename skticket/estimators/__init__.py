"""The estimators: a search for a winning ticket, as scikit-learn has it."""

from ._base import WinningTicketBase
from ._classifier import WinningTicketClassifier
from ._regressor import WinningTicketRegressor
from ._within import (
    check_inputs,
    check_parameters,
    each_round,
    fit_control,
    has_labels,
    held_out,
    masks_of_training,
    with_ticket,
    without_rounds,
    zero_row,
)

__all__ = [
    "WinningTicketBase",
    "WinningTicketClassifier",
    "WinningTicketRegressor",
    "check_inputs",
    "check_parameters",
    "each_round",
    "fit_control",
    "has_labels",
    "held_out",
    "masks_of_training",
    "with_ticket",
    "without_rounds",
    "zero_row",
]
