"""Data sets: XOR, scikit-learn's digits, MNIST and whatever comes in MNIST's four files."""

import gzip
import hashlib
import math
import os
import struct
import zlib
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from sklearn import datasets as _sklearn_datasets
from sklearn.utils import Bunch, check_random_state

from ..utils import Interval, validate_params

__all__ = ["fetch_mnist", "load_digits", "load_idx", "make_xor"]

# The four files of a data set in IDX form, each also with ".gz" behind its name, and the number of
# dimensions each has.
_IDX_DIMENSIONS = {
    "train-images-idx3-ubyte": 3,
    "train-labels-idx1-ubyte": 1,
    "t10k-images-idx3-ubyte": 3,
    "t10k-labels-idx1-ubyte": 1,
}

# MD5 of MNIST's original files, uncompressed.
_MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
_MNIST_N_IMAGES = 70_000
_MNIST_N_TRAIN = 60_000

_MNIST_DESCR = """\
MNIST handwritten digits

70,000 images of 28 x 28 pixels, scaled to [0, 1], with the digit each shows. The first 60,000 are
the training images and the last 10,000 the test images, both in their original order.

Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86(11), 2278-2324, 1998.
"""


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_xor(n_samples=4, *, noise=0.0, shuffle=False, random_state=None):
    """Make the exclusive-or problem, whether exactly one of two inputs is on.

    The four points (0, 0), (0, 1), (1, 0) and (1, 1), of classes 0, 1, 1 and 0, are repeated in
    this order until there are `n_samples`.

    Parameters
    ----------
    n_samples : int, default=4
        Number of points, at least 1.
    noise : float, default=0.0
        Standard deviation of the Gaussian noise added to both inputs, in their own unit (the
        points are 1 apart).
    shuffle : bool, default=False
        Whether to put the points in random order.
    random_state : int, RandomState instance or None, default=None
        Seed of noise and order. None draws a fresh seed; NumPy's global generator is not used.

    Returns
    -------
    X : ndarray of shape (n_samples, 2), float32
        The inputs.
    y : ndarray of shape (n_samples,), int64
        The class, 0 or 1, of each point before noise.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Examples
    --------
    >>> from skticket.datasets import make_xor
    >>> X, y = make_xor()
    >>> X
    array([[0., 0.],
           [0., 1.],
           [1., 0.],
           [1., 1.]], dtype=float32)
    >>> y
    array([0, 1, 1, 0])
    >>> X, y = make_xor(200, noise=0.1, shuffle=True, random_state=0)
    >>> X.shape
    (200, 2)
    """
    rng = np.random.RandomState() if random_state is None else check_random_state(random_state)
    corner = np.arange(n_samples) % 4
    if shuffle:
        rng.shuffle(corner)
    bits = np.column_stack([corner // 2, corner % 2])
    X = bits.astype(np.float64)
    if noise > 0:
        X += rng.normal(scale=noise, size=X.shape)
    return X.astype(np.float32), (bits[:, 0] ^ bits[:, 1]).astype(np.int64)


def load_digits(*, return_X_y=False):
    """Load scikit-learn's digits, scaled to [0, 1].

    1,797 images of 8 x 8 pixels, bundled with scikit-learn; see
    :func:`sklearn.datasets.load_digits`.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    digits : :class:`~sklearn.utils.Bunch`
        With these attributes:

        data : ndarray of shape (1797, 64), float32
            Pixels, from 0 (background) to 1, each image row by row.
        target : ndarray of shape (1797,), int64
            The digit shown.
        feature_names : list of str
            ``"pixel_<row>_<column>"``.
        target_names : ndarray of shape (10,)
            The digits, in order.
        DESCR : str
            A description.
    (data, target) : tuple of ndarray
        If `return_X_y` is True.

    Examples
    --------
    >>> from skticket.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> X.shape, X.dtype, float(X.max())
    ((1797, 64), dtype('float32'), 1.0)
    """
    digits = _sklearn_datasets.load_digits()
    data = (digits.data / 16).astype(np.float32)
    target = digits.target.astype(np.int64)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        feature_names=list(digits.feature_names),
        target_names=digits.target_names,
        DESCR=digits.DESCR,
    )


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

    >>> fetch_mnist("no/such/folder")
    Traceback (most recent call last):
        ...
    FileNotFoundError: MNIST: no folder 'no/such/folder', which data_home names.
    """
    named_by = "data_home"
    if data_home is None:
        data_home = os.environ.get("SKTICKET_DATA") or None
        named_by = "the environment variable SKTICKET_DATA"
    if data_home is None:
        images, labels = _fetch_mnist_openml()
        n_train = _MNIST_N_TRAIN
    else:
        images, labels, n_train = _read_idx_folder(data_home, "MNIST", named_by, _MNIST_MD5)
    mnist = _image_bunch(images, labels, n_train, _MNIST_DESCR)
    return (mnist.data, mnist.target) if return_X_y else mnist


def load_idx(folder):
    """Load a data set of images that comes in the same four files as MNIST.

    Fashion-MNIST, Kuzushiji-MNIST and others come so. No checksums are verified; `fetch_mnist`
    does that for MNIST.

    Parameters
    ----------
    folder : str or path-like
        Folder that holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
        ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, each as it is or gzip-ed with
        ``.gz`` behind its name.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With these attributes:

        data : ndarray of shape (n_images, height * width), float32
            Pixels, from 0 to 1, each image row by row; the training images come first.
        target : ndarray of shape (n_images,), int64
            The label of each image.
        n_train : int
            Number of training images.
        feature_names : list of str
            ``"pixel_<row>_<column>"``.
        target_names : ndarray of shape (n_classes,)
            The labels that occur, in order.
        DESCR : str
            A description.

    Raises
    ------
    FileNotFoundError
        If the folder, or one of the four files in it, does not exist.
    ValueError
        If a file is truncated, is no IDX file of the kind its name says, or does not fit the
        others.

    References
    ----------
    .. [1] Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits",
       which describes the IDX format.

    Examples
    --------
    Three images of one black and one white pixel, two of them for training:

    >>> import gzip, struct, tempfile
    >>> from pathlib import Path
    >>> from skticket.datasets import load_idx
    >>> def write(folder, name, *shape, values):
    ...     header = struct.pack(f">{1 + len(shape)}I", 0x800 + len(shape), *shape)
    ...     (Path(folder) / name).write_bytes(gzip.compress(header + bytes(values)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(folder, "train-images-idx3-ubyte.gz", 2, 1, 2, values=[0, 255, 255, 0])
    ...     write(folder, "train-labels-idx1-ubyte.gz", 2, values=[0, 1])
    ...     write(folder, "t10k-images-idx3-ubyte.gz", 1, 1, 2, values=[0, 255])
    ...     write(folder, "t10k-labels-idx1-ubyte.gz", 1, values=[0])
    ...     images = load_idx(folder)
    >>> images.data
    array([[0., 1.],
           [1., 0.],
           [0., 1.]], dtype=float32)
    >>> images.target, images.n_train
    (array([0, 1, 0]), 2)
    """
    images, labels, n_train = _read_idx_folder(folder, "load_idx", "folder")
    descr = (
        f"{len(images)} images of {images.shape[1]} x {images.shape[2]} pixels, scaled to [0, 1], "
        f"the first {n_train} of them for training; read from IDX files in {str(folder)!r}.\n"
    )
    return _image_bunch(images, labels, n_train, descr)


def _image_bunch(images, labels, n_train, descr):
    """Bunch of images (n, height, width) of bytes and their labels."""
    n_images, height, width = images.shape
    pixels = images.reshape(n_images, height * width)
    return Bunch(
        data=np.divide(pixels, np.float32(255), dtype=np.float32),
        target=labels.astype(np.int64),
        n_train=n_train,
        feature_names=[f"pixel_{i}_{j}" for i in range(height) for j in range(width)],
        target_names=np.unique(labels).astype(np.int64),
        DESCR=descr,
    )


def _fetch_mnist_openml():
    """MNIST's images and labels from OpenML, as bytes."""
    try:
        openml = _sklearn_datasets.fetch_openml("mnist_784", version=1, as_frame=False)
    except OSError as error:
        raise OSError(
            f"MNIST could not be fetched from OpenML ({error}). To read it from a folder of its "
            "four IDX files, name the folder with data_home or the environment variable "
            "SKTICKET_DATA."
        ) from error
    if openml.data.shape != (_MNIST_N_IMAGES, 28 * 28):
        raise ValueError(
            f"MNIST: OpenML gave an array of shape {openml.data.shape}, not "
            f"({_MNIST_N_IMAGES}, {28 * 28})."
        )
    return openml.data.astype(np.uint8).reshape(-1, 28, 28), openml.target.astype(np.uint8)


def _read_idx_folder(folder, what, named_by, md5=None):
    """All images, all labels, and the number of training images, of an IDX folder.

    `what` and `named_by` say in errors what was being read and who named the folder; `md5` has the
    checksum that each file must have.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        found = "a file, not a folder:" if folder.exists() else "no folder"
        raise FileNotFoundError(f"{what}: {found} {str(folder)!r}, which {named_by} names.")
    paths = {name: _find_idx(folder, name) for name in _IDX_DIMENSIONS}
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        raise FileNotFoundError(
            f"{what}: the folder {str(folder)!r}, which {named_by} names, has no "
            f"{', no '.join(missing)} (nor the same with .gz behind its name)."
        )
    arrays = {
        name: _read_idx(path, _IDX_DIMENSIONS[name], md5 and md5[name])
        for name, path in paths.items()
    }
    train_images, train_labels, test_images, test_labels = arrays.values()
    train_path, train_labels_path, test_path, test_labels_path = paths.values()
    for images, images_path, labels, labels_path in (
        (train_images, train_path, train_labels, train_labels_path),
        (test_images, test_path, test_labels, test_labels_path),
    ):
        if len(images) != len(labels):
            raise ValueError(
                f"{str(labels_path)!r} has {len(labels)} labels for the {len(images)} images of "
                f"{str(images_path)!r}; there must be one for each."
            )
    if train_images.shape[1:] != test_images.shape[1:]:
        raise ValueError(
            f"{str(test_path)!r} has images of {_times(test_images.shape[1:])} pixels; they must "
            f"be of {_times(train_images.shape[1:])}, like those of {str(train_path)!r}."
        )
    images = np.concatenate([train_images, test_images])
    labels = np.concatenate([train_labels, test_labels])
    return images, labels, len(train_images)


def _find_idx(folder, name):
    """Path of an IDX file, as it is or gzip-ed, or None."""
    candidates = (folder / name, folder / f"{name}.gz")
    return next((path for path in candidates if path.is_file()), None)


def _read_idx(path, n_dimensions, md5=None):
    """Array of bytes in an IDX file; whether it is gzip-ed is told by its content.

    The format: two zero bytes, a byte for the type (8: unsigned bytes), a byte for the number of
    dimensions, each dimension as a big-endian 32-bit integer, then the values.
    """
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(
                f"{str(path)!r} is truncated or damaged: its {len(content)} bytes are not a whole "
                f"gzip file ({error})."
            ) from error
    header_size = 4 + 4 * n_dimensions
    if len(content) < header_size:
        raise ValueError(
            f"{str(path)!r} is truncated: it has {len(content)} bytes uncompressed, and the header "
            f"of an IDX file of {n_dimensions} dimension(s) alone takes {header_size}."
        )
    magic, *shape = struct.unpack(f">{1 + n_dimensions}I", content[:header_size])
    expected = 0x0800 + n_dimensions
    if magic != expected:
        raise ValueError(
            f"{str(path)!r} is not the IDX file that its name says: it starts with the magic "
            f"number {magic:#010x}, which must be {expected:#010x} (unsigned bytes, {n_dimensions} "
            "dimension(s))."
        )
    n_values = len(content) - header_size
    if n_values != math.prod(shape):
        raise ValueError(
            f"{str(path)!r} is {'truncated' if n_values < math.prod(shape) else 'too long'}: "
            f"{n_values} bytes follow its header, whose dimensions {_times(shape)} need "
            f"{math.prod(shape)}."
        )
    if md5 is not None:
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if found != md5:
            raise ValueError(
                f"{str(path)!r} is not MNIST's: the MD5 of its uncompressed bytes is {found}, and "
                f"MNIST's is {md5}. load_idx reads other data sets of this form."
            )
    return np.frombuffer(content, np.uint8, offset=header_size).reshape(shape)


def _times(shape):
    return " x ".join(map(str, shape))
