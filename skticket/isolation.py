"""torch's global state, borrowed and given back as it was."""

from contextlib import contextmanager

import torch

__all__ = ["isolated", "on_threads"]


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


@contextmanager
def isolated(seed, device):
    """Train from `seed`, torch being on one thread, and leave its global state as it was.

    One thread, because torch's number of threads changes sums in their last bits. What
    is shared by threads is cut into parts that do not depend on their number.

    Parameters
    ----------
    seed : int
        For torch's generators.
    device : str or torch.device
        Where the training runs.
    """
    devices = [torch.device(device)] if str(device).startswith("cuda") else []
    with torch.random.fork_rng(devices):
        torch.default_generator.manual_seed(seed)
        for cuda in devices:
            with torch.cuda.device(cuda):
                torch.cuda.manual_seed(seed)
        with on_threads(1):
            yield
