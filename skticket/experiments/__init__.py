"""The paper's experiments."""

from . import mnist, xor
from .mnist import Laboratory, load_images

__all__ = ["Laboratory", "load_images", "mnist", "xor"]
