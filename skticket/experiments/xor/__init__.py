"""The paper's first experiment: exclusive or, learned by a thousand networks of each kind."""

from ._networks import (
    DIRECTLY,
    STRATEGIES,
    UNITS,
    Outcome,
    Population,
    check_settings,
    direct_populations,
    measure,
    pruned_populations,
)
from ._plots import plot_boundaries, plot_success
from ._tables import PUBLISHED, found_directly, pruned, tabulate, wilson

__all__ = [
    "DIRECTLY",
    "PUBLISHED",
    "STRATEGIES",
    "UNITS",
    "Outcome",
    "Population",
    "check_settings",
    "direct_populations",
    "found_directly",
    "measure",
    "plot_boundaries",
    "plot_success",
    "pruned",
    "pruned_populations",
    "tabulate",
    "wilson",
]
