"""The paper's experiments on MNIST."""

from ._claims import Claim
from ._laboratory import Condition, Laboratory, Network
from ._protocols import PRESETS, Images, Protocol, Recipe, load_images
from ._questions import (
    architecture,
    initialization_scale,
    initializations,
    iterative,
    iterative_controls,
    network_size,
    one_shot,
    one_shot_controls,
    pruning_rate,
    resetting,
)
from ._report import EXPERIMENTS, Experiment, Result, write_report, write_result

__all__ = [
    "Claim",
    "Condition",
    "EXPERIMENTS",
    "Experiment",
    "Images",
    "Laboratory",
    "Network",
    "PRESETS",
    "Protocol",
    "Recipe",
    "Result",
    "architecture",
    "initialization_scale",
    "initializations",
    "iterative",
    "iterative_controls",
    "load_images",
    "network_size",
    "one_shot",
    "one_shot_controls",
    "pruning_rate",
    "resetting",
    "write_report",
    "write_result",
]
