"""The paper's first experiment: exclusive or."""

from ._plots import plot_boundaries, plot_success
from ._tables import (
    PUBLISHED,
    STRATEGIES,
    UNITS,
    Condition,
    Outcome,
    check_settings,
    direct_conditions,
    found_directly,
    measure,
    pruned,
    pruned_conditions,
    tabulate,
)

__all__ = [
    "Condition",
    "Outcome",
    "PUBLISHED",
    "STRATEGIES",
    "UNITS",
    "check_settings",
    "direct_conditions",
    "found_directly",
    "measure",
    "plot_boundaries",
    "plot_success",
    "pruned",
    "pruned_conditions",
    "tabulate",
]
