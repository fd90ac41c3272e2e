"""The estimators: a search for a winning ticket, as scikit-learn has it."""

from ._base import WinningTicketBase, check_inputs, fit_control, without_rounds, zero_row
from ._classifier import WinningTicketClassifier
from ._regressor import WinningTicketRegressor

__all__ = [
    "WinningTicketBase",
    "WinningTicketClassifier",
    "WinningTicketRegressor",
    "check_inputs",
    "fit_control",
    "without_rounds",
    "zero_row",
]
