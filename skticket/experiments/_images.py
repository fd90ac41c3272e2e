"""The images that the networks of an experiment learn."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from ..datasets import fetch_mnist, load_digits, load_idx, make_mnist1d, split_images
from ..network import Data
from ..utils import Stream, derive_seed

# Of the training images; 5,000 of MNIST's 60,000.
_VALIDATION_FRACTION = 1 / 12
# Of MNIST-1D's 5,000 examples its authors test on the last 1,000.
_N_MNIST1D = 4000


@dataclass(frozen=True)
class Images:
    """Images to train, validate and test on.

    Parameters
    ----------
    data : Data
        Training, validation and test rows.
    n_classes : int
        Number of labels.
    name : str
        What they are.
    """

    data: Data
    n_classes: int
    name: str

    @property
    def n_pixels(self):
        """Number of inputs."""
        return self.data.X.shape[1]


def load_images(dataset="mnist", seed=0):
    """Load images and hold some of the training images out for validation.

    Parameters
    ----------
    dataset : str, default="mnist"
        "mnist", "mnist1d", "digits", or a folder of four IDX files.
    seed : int, default=0
        Determines which images are for validation (and for digits, which have no
        test images of their own, for testing).

    Returns
    -------
    Images

    Raises
    ------
    ValueError
        If the images are of one class, are too few, or if test images have labels
        that training images have not.
    OSError
        If they cannot be read.

    Examples
    --------
    >>> from skticket.experiments import load_images
    >>> images = load_images("digits")
    >>> images.data.X.shape, images.data.X_valid.shape, images.data.X_test.shape
    ((1318, 64), (120, 64), (359, 64))
    """
    X, y, X_test, y_test, name = _load(dataset, seed)
    labels, targets = np.unique(y, return_inverse=True)
    if len(labels) < 2:
        raise ValueError(
            f"the training images of {name} have only one class, {labels[0]}; at least two classes "
            "are needed"
        )
    strange = np.setdiff1d(y_test, labels)
    if len(strange):
        raise ValueError(
            f"test images of {name} have the labels {strange.tolist()}, which no training image has"
        )
    rows, valid_rows = _split(targets, _VALIDATION_FRACTION, seed, name)
    data = Data(
        X[rows],
        targets[rows],
        X[valid_rows],
        targets[valid_rows],
        classification=True,
        X_test=X_test,
        y_test=np.searchsorted(labels, y_test),
    )
    return Images(data, len(labels), name)


def _load(dataset, seed):
    """Return training and test images, and what to call them."""
    if dataset == "digits":
        X, y = load_digits(return_X_y=True)
        rows, test_rows = _split(y, 0.2, seed, "digits")
        return X[rows], y[rows], X[test_rows], y[test_rows], "digits"
    if dataset == "mnist1d":
        X, y = make_mnist1d(random_state=0)
        train, test = slice(_N_MNIST1D), slice(_N_MNIST1D, None)
        return X[train], y[train], X[test], y[test], "MNIST-1D"
    if dataset == "mnist":
        images, name = fetch_mnist(), "MNIST"
    else:
        if not Path(dataset).is_dir():
            raise ValueError(
                'dataset must be "mnist", "mnist1d", "digits" or a folder of four IDX files; there '
                f"is no folder {str(dataset)!r}"
            )
        images, name = load_idx(dataset), Path(dataset).name
    X, X_test, y, y_test = split_images(images)
    if not (len(X) and len(X_test)):
        raise ValueError(
            f"{name} has {len(X)} training and {len(X_test)} test images; both are needed"
        )
    return X, y, X_test, y_test, name


def _split(y, fraction, seed, name):
    """Return the positions of most rows, and of a fraction of each class."""
    n_held_out = round(fraction * len(y))
    counts = np.unique(y, return_counts=True)[1]
    if n_held_out < len(counts) or counts.min() < 2:
        raise ValueError(
            f"{name} has {len(y)} training images of {len(counts)} classes, the least of them with "
            f"{counts.min()}; too few to hold some of each class out for validation"
        )
    return train_test_split(
        np.arange(len(y)),
        test_size=n_held_out,
        stratify=y,
        random_state=derive_seed(seed, Stream.SPLIT),
    )
