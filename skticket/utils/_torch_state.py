"""torch's global state, borrowed and given back as it was; memory shared with torch."""

import threading
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def on_threads(n_threads):
    """Let torch use so many threads for a while; for what they cannot change.

    Parameters
    ----------
    n_threads : int
        How many.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


# torch has one generator a process, so its borrowers have to take turns.
_BORROWING = threading.RLock()


@contextmanager
def isolated(seed, device):
    """Compute from `seed`, torch being on one thread, and leave its global state as it was.

    One thread, because torch's number of threads changes sums in their last bits. What
    is shared by threads is cut into parts that do not depend on their number. The number is
    a thread's own; but one that first uses torch in the meantime begins with that of here.

    Parameters
    ----------
    seed : int or None
        For torch's generators, which are borrowed: other threads that do so wait, and
        numbers that others draw from them meanwhile are not their own. None where nothing
        is drawn: then the generators are not touched.
    device : str or torch.device
        Where the training runs.
    """
    if seed is None:
        with on_threads(1):
            yield
    else:
        # No `ExitStack`: interrupted where it has just entered the lock, it would keep it.
        with _BORROWING, _seeded(seed, device), on_threads(1):
            yield


@contextmanager
def _seeded(seed, device):
    devices = [torch.device(device)] if str(device).startswith("cuda") else []
    with torch.random.fork_rng(devices):
        torch.default_generator.manual_seed(seed)
        for cuda in devices:
            with torch.cuda.device(cuda):
                torch.cuda.manual_seed(seed)
        yield


def shared_tensor(array):
    """Return a tensor over an array's memory, for readers alone: the array may be read-only.

    torch's other ways warn of read-only memory, whatever is done with it.

    Parameters
    ----------
    array : ndarray
        Of any layout.

    Returns
    -------
    torch.Tensor
        Of the same values; contiguous.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket.utils import shared_tensor
    >>> array = np.arange(3)
    >>> array.flags.writeable = False
    >>> shared_tensor(array)
    tensor([0, 1, 2])
    """
    return torch.from_dlpack(np.asarray(array, order="C"))
