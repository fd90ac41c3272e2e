"""The data of several benchmarks."""

import numpy as np
from sklearn.utils import Bunch

from skticket.datasets import fetch_mnist, split_images


def mnist(settings):
    """Return MNIST's X_train, X_test, y_train and y_test; random numbers where sizes are tiny."""
    if settings.tiny:
        rng = np.random.default_rng(0)
        X, y = rng.random((500, 784), np.float32), rng.integers(10, size=500)
        return split_images(Bunch(data=X, target=y, n_train=400))
    return split_images(fetch_mnist())
