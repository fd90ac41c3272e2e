"""What later papers asked about tickets, asked again in one place."""

from functools import partial

from .. import _report
from .._experiment import registry
from .._report import write_result
from ._connectivity import ROUNDS_CONNECTIVITY, STABILITY
from ._early_mask import EARLY_MASK
from ._equal_cost import EQUAL_COST
from ._features import FEATURES, compare_features
from ._masks import SUPERMASKS
from ._sanity_checks import SANITY_CHECKS
from ._study import PRESETS, Study, each_round, tickets_at
from ._transfer import TRANSFER

__all__ = [
    "PRESETS",
    "STUDIES",
    "Study",
    "compare_features",
    "each_round",
    "tickets_at",
    "write_report",
    "write_result",
]

# In the order of the page docs/studies.md.
STUDIES = registry(
    EQUAL_COST,
    STABILITY,
    ROUNDS_CONNECTIVITY,
    SUPERMASKS,
    SANITY_CHECKS,
    EARLY_MASK,
    TRANSFER,
    FEATURES,
)
write_report = partial(
    _report.write_report,
    opening="What later papers asked of winning tickets, asked again of fully connected networks "
    "that two processors can train.",
)
