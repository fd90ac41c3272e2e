"""Data sets of images that come in the same four files as MNIST."""

import gzip
import hashlib
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

# The four files of a data set in IDX form, each also with ".gz" behind its name, and the number of
# dimensions each has.
_IDX_DIMENSIONS = {
    "train-images-idx3-ubyte": 3,
    "train-labels-idx1-ubyte": 1,
    "t10k-images-idx3-ubyte": 3,
    "t10k-labels-idx1-ubyte": 1,
}


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
    images, labels, n_train = read_idx_folder(folder, "load_idx", "folder")
    descr = (
        f"{len(images)} images of {images.shape[1]} x {images.shape[2]} pixels, scaled to [0, 1], "
        f"the first {n_train} of them for training; read from IDX files in {str(folder)!r}.\n"
    )
    return image_bunch(images, labels, n_train, descr)


def split_images(images):
    """Split images where their makers did, into those to train and those to test with.

    Parameters
    ----------
    images : :class:`~sklearn.utils.Bunch`
        From :func:`fetch_mnist` or :func:`load_idx`.

    Returns
    -------
    X_train, X_test, y_train, y_test : ndarray
        Views, in the order of :func:`sklearn.model_selection.train_test_split`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.utils import Bunch
    >>> from skticket.datasets import split_images
    >>> split_images(Bunch(data=np.eye(3), target=np.array([5, 0, 4]), n_train=2))[2:]
    (array([5, 0]), array([4]))
    """
    n = images.n_train
    return images.data[:n], images.data[n:], images.target[:n], images.target[n:]


def image_bunch(images, labels, n_train, descr):
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


def read_idx_folder(folder, what, named_by, md5=None):
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
