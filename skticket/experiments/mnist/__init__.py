"""The paper's experiments on MNIST [1]_.

References
----------
.. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
   Pruned Neural Networks", arXiv:1803.03635v1, 2018.

Examples
--------
>>> from skticket.experiments import Laboratory, mnist
>>> laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=1)
>>> result = mnist.EXPERIMENTS["pruning-rate"].run(laboratory)
>>> result.table.groupby("condition", sort=False)["percent"].min().round(1).tolist()
[81.4, 80.4, 60.9, 41.3, 21.7]
"""

from functools import partial

from .. import _report
from .._experiment import Result, registry
from .._report import write_pictures, write_result
from ._inside import ARCHITECTURE, INITIALIZATIONS
from ._tickets import ITERATIVE, ITERATIVE_CONTROLS, ONE_SHOT, ONE_SHOT_CONTROLS
from ._variations import INITIALIZATION_SCALE, NETWORK_SIZE, PRUNING_RATE, RESETTING

__all__ = ["EXPERIMENTS", "Result", "write_pictures", "write_report", "write_result"]

# In the paper's order.
EXPERIMENTS = registry(
    ONE_SHOT,
    ONE_SHOT_CONTROLS,
    ITERATIVE,
    ITERATIVE_CONTROLS,
    INITIALIZATIONS,
    ARCHITECTURE,
    INITIALIZATION_SCALE,
    NETWORK_SIZE,
    PRUNING_RATE,
    RESETTING,
)
write_report = partial(
    _report.write_report,
    opening="What Frankle and Carbin, *The Lottery Ticket Hypothesis: Training Pruned Neural "
    "Networks* (arXiv:1803.03635v1, 2018), asked of networks that learn images, asked again.",
)
