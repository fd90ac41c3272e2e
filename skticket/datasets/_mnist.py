"""MNIST, from a folder or from OpenML."""

import os

import numpy as np
from sklearn import datasets as _sklearn_datasets

from ._idx import image_bunch, read_idx_folder

# MD5 of MNIST's original files, uncompressed.
_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
_N_IMAGES = 70_000
_N_TRAIN = 60_000

_DESCR = """\
MNIST handwritten digits

70,000 images of 28 x 28 pixels, scaled to [0, 1], with the digit each shows. The first 60,000 are
the training images and the last 10,000 the test images, both in their original order.

Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86(11), 2278-2324, 1998.
"""


def fetch_mnist(data_home=None, *, return_X_y=False):
    """Fetch MNIST: 70,000 images of handwritten digits.

    Where a folder is named, by `data_home` or by the environment variable ``SKTICKET_DATA``, the
    four original IDX files are read from it, and the checksum of each is verified. Where none is,
    :func:`sklearn.datasets.fetch_openml` downloads "mnist_784", version 1, and keeps it in its own
    cache. Both ways give the same arrays.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder that holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
        ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, each as it is or gzip-ed with
        ``.gz`` behind its name. None means the folder that ``SKTICKET_DATA`` names, or OpenML if
        that is unset or empty. A folder that is named is never written to, and nothing is
        downloaded in its stead.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    mnist : :class:`~sklearn.utils.Bunch`
        With these attributes:

        data : ndarray of shape (70000, 784), float32
            Pixels, from 0 (background) to 1, each image row by row. The 60,000 training images
            come first; all are in the original order.
        target : ndarray of shape (70000,), int64
            The digit shown.
        n_train : int
            60,000, the number of training images.
        feature_names : list of str
            ``"pixel_<row>_<column>"``.
        target_names : ndarray of shape (10,)
            The digits, in order.
        DESCR : str
            A description.
    (data, target) : tuple of ndarray
        If `return_X_y` is True.

    Raises
    ------
    FileNotFoundError
        If the folder that was named, or one of the four files in it, does not exist.
    ValueError
        If a file is truncated, is no IDX file of the kind its name says, or is not MNIST's.
    OSError
        If OpenML cannot be reached.

    See Also
    --------
    load_idx : Read another data set in the same four files.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to
       document recognition", Proceedings of the IEEE 86(11), 2278-2324, 1998.

    Examples
    --------
    >>> from skticket.datasets import fetch_mnist
    >>> mnist = fetch_mnist()  # doctest: +SKIP
    >>> X_train, X_test = mnist.data[: mnist.n_train], mnist.data[mnist.n_train :]  # doctest: +SKIP

    A folder that is named must hold the files:

    >>> fetch_mnist("nowhere")
    Traceback (most recent call last):
        ...
    FileNotFoundError: MNIST: no folder 'nowhere', which data_home names.
    """
    named_by = "data_home"
    if data_home is None:
        data_home = os.environ.get("SKTICKET_DATA") or None
        named_by = "the environment variable SKTICKET_DATA"
    if data_home is None:
        images, labels = _fetch_openml()
        n_train = _N_TRAIN
    else:
        images, labels, n_train = read_idx_folder(data_home, "MNIST", named_by, _MD5)
    mnist = image_bunch(images, labels, n_train, _DESCR)
    return (mnist.data, mnist.target) if return_X_y else mnist


def _fetch_openml():
    """MNIST's images and labels from OpenML, as bytes."""
    try:
        openml = _sklearn_datasets.fetch_openml("mnist_784", version=1, as_frame=False)
    except OSError as error:
        raise OSError(
            f"MNIST could not be fetched from OpenML ({error}). To read it from a folder of its "
            "four IDX files, name the folder with data_home or the environment variable "
            "SKTICKET_DATA."
        ) from error
    if openml.data.shape != (_N_IMAGES, 28 * 28):
        raise ValueError(
            f"MNIST: OpenML gave an array of shape {openml.data.shape}, not "
            f"({_N_IMAGES}, {28 * 28})."
        )
    return openml.data.astype(np.uint8).reshape(-1, 28, 28), openml.target.astype(np.uint8)
