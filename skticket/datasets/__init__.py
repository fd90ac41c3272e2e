"""Data sets: XOR, scikit-learn's digits, MNIST and whatever comes in MNIST's four files."""

from ._images import fetch_mnist, load_digits, load_idx, make_xor

__all__ = ["fetch_mnist", "load_digits", "load_idx", "make_xor"]
