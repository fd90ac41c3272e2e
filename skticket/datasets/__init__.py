"""Data sets: XOR, scikit-learn's digits, MNIST and whatever comes in MNIST's four files."""

from ._digits import load_digits
from ._idx import load_idx, split_images
from ._mnist import fetch_mnist
from ._xor import make_xor

__all__ = ["fetch_mnist", "load_digits", "load_idx", "make_xor", "split_images"]
