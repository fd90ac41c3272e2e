"""The paper's experiments."""

from . import mnist, xor
from ._laboratory import Laboratory
from ._protocols import load_images

__all__ = ["Laboratory", "load_images", "mnist", "xor"]
