"""Data sets: XOR, MNIST-1D, scikit-learn's digits, MNIST and whatever comes in its four files."""

from ._digits import load_digits
from ._idx import load_idx, split_images
from ._mnist import fetch_mnist
from ._mnist1d import make_mnist1d
from ._xor import make_xor

__all__ = ["fetch_mnist", "load_digits", "load_idx", "make_mnist1d", "make_xor", "split_images"]
