"""Small data, and small searches on them."""

import numpy as np
import reference
from sklearn.datasets import make_classification, make_regression
from skorch import NeuralNetClassifier
from torch import nn

from skticket import WinningTicketClassifier, WinningTicketRegressor
from skticket.pruning import (
    InitialMagnitude,
    LargeInitLargeFinal,
    Magnitude,
    MagnitudeIncrease,
    Movement,
    Random,
    UnitInput,
    UnitOutput,
    UnitProduct,
)

X, y = make_classification(
    150, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, class_sep=1.5, random_state=0
)
X_regression, y_regression = make_regression(150, 6, n_informative=3, random_state=0)
y_regression = y_regression / y_regression.std()

WEIGHT_STRATEGIES = [
    Magnitude,
    Random,
    InitialMagnitude,
    MagnitudeIncrease,
    LargeInitLargeFinal,
    Movement,
]
UNIT_STRATEGIES = [UnitInput, UnitOutput, UnitProduct]
NAMES = [
    "magnitude",
    "random",
    "initial_magnitude",
    "magnitude_increase",
    "large_init_large_final",
    "movement",
]
UNIT_NAMES = ["unit_input", "unit_output", "unit_product"]
REWINDS = ["init", 3, "none", "signs", "reinit", "rearrange", "random_signs"]


def squares(ticket):
    return {name: ticket.weights[name] ** 2 for name in ticket.mask}


SMALL = {
    "hidden_layer_sizes": (10, 8),
    "prune_rate": 0.3,
    "rounds": 2,
    "max_epochs": 3,
    "batch_size": 30,
    "learning_rate": 0.02,
    "alpha": 0,
    "n_iter_no_change": None,
    "random_state": 0,
}


def classifier(**parameters):
    return WinningTicketClassifier(**(SMALL | parameters))


def regressor(**parameters):
    return WinningTicketRegressor(**(SMALL | parameters))


class Dropping(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))

    def forward(self, X):
        return self.layers(X)


def with_net(**parameters):
    net = NeuralNetClassifier(
        Dropping, criterion=nn.CrossEntropyLoss, lr=0.1, max_epochs=2, batch_size=30, verbose=0
    )
    return classifier(net=net, **parameters)


def same_results(first, second):
    columns = first.keys() - {"fit_time"}
    return columns == second.keys() - {"fit_time"} and all(
        np.array_equal(first[name], second[name], equal_nan=True) for name in columns
    )


def layer_counts(ticket):
    return [int(mask.sum()) for mask in ticket.mask.values()]


def remaining_after(rate, count, rounds):
    for _ in range(rounds):
        count = count - rate if isinstance(rate, int) else max(count - round(rate * count), 1)
    return count


def forward(ticket, X):
    """Outputs of a default network, by the reference."""
    return reference.forward(ticket.weights, X, ticket.mask)


def assert_labels(predicted, outputs):
    """A row's label is that of its greatest output, wherever more than rounding decides.

    Three layers of at most 20 terms, none above 10 in these networks, are rounded by
    60 * 10 * 2**-24 = 4e-5 at most.
    """
    ranked = np.sort(outputs, axis=1)
    is_clear = ranked[:, -1] - ranked[:, -2] > 1e-4
    assert is_clear.mean() > 0.9
    np.testing.assert_array_equal(predicted[is_clear], outputs.argmax(axis=1)[is_clear])


def share_of(rows):
    """A share of rows, in which one of them may be on either side by rounding."""
    return {"rel": 0, "abs": 1.01 / len(rows)}
