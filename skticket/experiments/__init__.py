"""The paper's experiments and later studies, and what they are made of."""

from . import mnist, study, xor
from ._claims import Claim
from ._conditions import Condition, Network
from ._experiment import Experiment, Result
from ._images import Images, load_images
from ._laboratory import Laboratory
from ._protocols import PRESETS, Protocol, Recipe

__all__ = [
    "PRESETS",
    "Claim",
    "Condition",
    "Experiment",
    "Images",
    "Laboratory",
    "Network",
    "Protocol",
    "Recipe",
    "Result",
    "load_images",
    "mnist",
    "study",
    "xor",
]
