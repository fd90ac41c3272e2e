"""Which weights go: strategies, and the transformer `Prune` that applies them."""

from ._at_initialization import GraSP, Snip, SynFlow
from ._prune import (
    RATE_CONSTRAINTS,
    STRATEGY_CONSTRAINTS,
    Prune,
    needs_gradients,
    opposite_masks,
)
from ._strategy import count_pruned
from ._units import UnitInput, UnitOutput, UnitProduct
from ._weights import (
    InitialMagnitude,
    LargeInitLargeFinal,
    Magnitude,
    MagnitudeIncrease,
    Movement,
    Random,
    ScoreFunction,
)

__all__ = [
    "RATE_CONSTRAINTS",
    "STRATEGY_CONSTRAINTS",
    "GraSP",
    "InitialMagnitude",
    "LargeInitLargeFinal",
    "Magnitude",
    "MagnitudeIncrease",
    "Movement",
    "Prune",
    "Random",
    "ScoreFunction",
    "Snip",
    "SynFlow",
    "UnitInput",
    "UnitOutput",
    "UnitProduct",
    "count_pruned",
    "needs_gradients",
    "opposite_masks",
]
