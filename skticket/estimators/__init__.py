"""scikit-learn estimators that find winning tickets, and predict with them."""

from ._classifier import WinningTicketClassifier
from ._regressor import WinningTicketRegressor

__all__ = ["WinningTicketClassifier", "WinningTicketRegressor"]
