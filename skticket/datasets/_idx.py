"""Data sets of images that come in the same four files as MNIST."""

import gzip
import hashlib
import math
import os
import struct
import zlib
from contextlib import nullcontext
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

# A column of X, and its name, is a pixel: of more, no network's layer is made.
_MOST_PIXELS = 2**20
# MNIST is compressed to a fifth, bytes that are all alike to a thousandth. Of a gzip-ed file that
# promises more than so many bytes, and so many times its own, none is read.
_ALWAYS_PLAUSIBLE = 2**26
_MOST_COMPRESSED = 100
_PIECE = 2**20


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
        If a file is truncated, is no IDX file of the kind its name says, does not fit the
        others, has images of no pixels or of over a million, or promises over a hundred times
        its own size.

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
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            with gzip.GzipFile(fileobj=file) if packed else nullcontext(file) as stream:
                header, values = _read_stream(stream, path, n_dimensions, size, packed)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(
                f"{str(path)!r} is truncated or damaged: its {size} bytes are not a whole gzip "
                f"file ({error})."
            ) from error
    if md5 is not None:
        digest = hashlib.md5(header, usedforsecurity=False)
        digest.update(values)
        if digest.hexdigest() != md5:
            raise ValueError(
                f"{str(path)!r} is not MNIST's: the MD5 of its uncompressed bytes is "
                f"{digest.hexdigest()}, and MNIST's is {md5}. load_idx reads other data sets of "
                "this form."
            )
    return values.reshape(_shape(header))


def _read_stream(stream, path, n_dimensions, size, packed):
    """Header and values of an IDX file of `size` bytes; `packed` if it is gzip-ed."""
    header = stream.read(4 + 4 * n_dimensions)
    _check_header(header, path, n_dimensions)
    shape = _shape(header)
    n_values = math.prod(shape)
    if packed:
        _check_plausible(path, n_values, size)
        values = _read_at_most(stream, n_values)
        more = stream.read(1)  # at the end, where gzip's own checksum is verified
        n_found = f"more than {n_values}" if more else len(values)
    else:
        # The file's size is known: what the header does not promise is not read.
        n_found = size - len(header)
        values = _read_at_most(stream, n_values) if n_found == n_values else bytearray()
    if n_found != n_values:
        short = isinstance(n_found, int) and n_found < n_values
        raise ValueError(
            f"{str(path)!r} is {'truncated' if short else 'too long'}: {n_found} bytes follow its "
            f"header, whose dimensions {_times(shape)} need {n_values}."
        )
    return header, np.frombuffer(values, np.uint8)


def _shape(header):
    return struct.unpack(f">{len(header) // 4}I", header)[1:]


def _check_header(header, path, n_dimensions):
    """Refuse another kind of file, and images of no pixels or of immensely many."""
    header_size = 4 + 4 * n_dimensions
    if len(header) < header_size:
        raise ValueError(
            f"{str(path)!r} is truncated: it has {len(header)} bytes uncompressed, and the header "
            f"of an IDX file of {n_dimensions} dimension(s) alone takes {header_size}."
        )
    magic, *shape = struct.unpack(f">{1 + n_dimensions}I", header)
    expected = 0x0800 + n_dimensions
    if magic != expected:
        raise ValueError(
            f"{str(path)!r} is not the IDX file that its name says: it starts with the magic "
            f"number {magic:#010x}, which must be {expected:#010x} (unsigned bytes, {n_dimensions} "
            "dimension(s))."
        )
    if not 1 <= math.prod(shape[1:]) <= _MOST_PIXELS:
        raise ValueError(
            f"{str(path)!r} has images of {_times(shape[1:])} pixels; they must have at least one "
            f"and at most {_MOST_PIXELS}."
        )


def _check_plausible(path, n_values, size):
    """Refuse values that so small a gzip-ed file cannot hold, unless it is made to deceive."""
    most = max(_ALWAYS_PLAUSIBLE, _MOST_COMPRESSED * size)
    if n_values > most:
        raise ValueError(
            f"{str(path)!r} has {size} bytes, gzip-ed, and its header promises {n_values}; images "
            f"cannot be compressed so far, at most {most} are read."
        )


def _read_at_most(stream, n_bytes):
    """Bytes of a stream, piece by piece: no memory for what is promised and not there."""
    content = bytearray()
    while piece := stream.read(min(_PIECE, n_bytes - len(content))):
        content += piece
    return content


def _times(shape):
    return " x ".join(map(str, shape))
