"""Which weights go, and which come back: strategies, `Prune`, which applies them, and `Grow`."""

from ._at_initialization import GraSP, Snip, SynFlow
from ._evolving import Evolving
from ._grow import Grow
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
    "Evolving",
    "GraSP",
    "Grow",
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
