"""What the compiled code knows by numbers: named here, once, without Numba."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np


class Activation(IntEnum):
    """Of hidden units."""

    identity = 0
    relu = 1
    tanh = 2
    logistic = 3


class Loss(IntEnum):
    """Of an example."""

    cross_entropy = 0
    binary_cross_entropy = 1
    squared_error = 2


class Rule(IntEnum):
    """Of an optimizer."""

    none = 0  # gradients alone
    sgd = 1
    adam = 2


class Settings(NamedTuple):
    """Of an optimizer, by torch's names. The types are the compiled code's as well."""

    rule: int = int(Rule.none)
    lr: float = 0.0
    weight_decay: float = 0.0
    momentum: float = 0.0
    nesterov: bool = False
    beta1: float = 0.0
    beta2: float = 0.0
    eps: float = 0.0


# A row a layer. All are counts, or offsets into the flat arrays named.
LAYER_TABLE = np.dtype(
    [
        (name, np.int64)
        for name in (
            "n_in",
            "n_out",
            "n_values",
            "n_pruned",  # of the values: those that stay 0
            "input",  # first row of the layer's input in `units` and `deltas`
            "output",
            "values",  # in `parameters`
            "biases",
            "pointers",  # in `pointers`
            "indices",  # in `indices`
            "pointers_t",  # the transposed pattern: in `pointers`
            "indices_t",  # in `indices`
            "places_t",  # in `indices`: where among the transposed values the layer's are
        )
    ]
)
