"""One seed, and a stream of its own for each use of randomness."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a seed is for: each has its own stream of random numbers."""

    SPLIT = 0
    INITIAL = 1
    TRAIN = 2
    PRUNE = 3
    REWIND = 4
    SCORE = 5
    TRIAL = 6
    CONTROL = 7
    GROW = 8


def derive_seed(seed, *key):
    """Return the seed of one use of randomness, independent of all others.

    Parameters
    ----------
    seed : int
        The seed of the whole search.
    *key : int
        Names the use, for example a stream and a round.

    Returns
    -------
    int
        In [0, 2**32).

    Examples
    --------
    >>> from skticket.utils import Stream, derive_seed
    >>> derive_seed(0, Stream.TRAIN, 1) == derive_seed(0, Stream.TRAIN, 1)
    True
    """
    return int(np.random.SeedSequence(seed, spawn_key=key).generate_state(1)[0])
