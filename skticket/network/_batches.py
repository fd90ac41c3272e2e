"""Mini-batches of rows that are held whole in memory."""

from bisect import bisect_right

import numpy as np
import torch
from scipy.sparse import issparse

from ..utils import on_threads
from ._rows import Rows, as_rows

# As many values, at most, has a batch of an evaluation: rows of many features come a few at a time.
_MOST_VALUES = 2**22


class _Targets(tuple):
    """Targets with their rows' weights, cut like a tensor."""

    __slots__ = ()

    def index_select(self, dim, rows):
        return _Targets(part.index_select(dim, rows) for part in self)

    def split(self, size):
        return [_Targets(parts) for parts in zip(*(part.split(size) for part in self), strict=True)]


class Batches:
    """Mini-batches cut from whole tensors: what skorch iterates over instead of a `DataLoader`.

    Of a sparse `X`, batches are made dense one by one; of a large one of another type, float32.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset
        Holds `X` and `y` whole; `y` may be a tuple of targets and row weights.
    batch_size : int or "auto"
        Rows of a batch; the last batch of a pass over the data may be smaller, and those of
        one pass in order are where rows have very many features.
        "auto": a tenth of the rows, but at least 16 and at most 200; of more than 25,600
        rows a 128th, at most 512.
    intervals : sequence of int, default=None
        For training: each iteration yields so many batches in turn, going on
        where the previous one ended. Each pass over the data has an order of its own.
        None yields one pass, in order.
    seed : int, default=None
        Determines the orders.
    drop_last : bool, default=False
        Leave out the smaller last batch of a pass.
    pauses : sequence of int, default=()
        Numbers of batches, in order, after which a run (see `runs`) ends, because somebody looks
        then.
    rows : ndarray of int, default=None
        Positions of the rows to train on; None for all.
    sparse : bool, default=False
        For one pass in order: leave sparse rows as they are.
    **loader_options
        Other options of a `DataLoader` (workers, pinned memory) have no meaning
        here; they are taken so that prototypes that set them keep working.

    Examples
    --------
    >>> import numpy as np
    >>> from skorch.dataset import Dataset
    >>> from skticket.network import Batches
    >>> batches = Batches(Dataset(np.arange(5), np.arange(5)), 2, intervals=[2, 3], seed=0)
    >>> [len(X) for X, y in batches], [len(X) for X, y in batches]
    ([2, 2], [1, 2, 2])
    """

    def __init__(
        self,
        dataset,
        batch_size,
        *,
        intervals=None,
        seed=None,
        drop_last=False,
        pauses=(),
        rows=None,
        sparse=False,
        **loader_options,
    ):
        self.X = as_rows(dataset.X)
        # Prediction has no targets, but skorch unpacks pairs.
        y = torch.zeros(len(self.X)) if dataset.y is None else dataset.y
        self.y = _Targets(y) if isinstance(y, tuple) else torch.as_tensor(y)
        self.rows = np.arange(len(self.X)) if rows is None else rows
        # Who takes batches may let threads share the copying.
        self.n_threads = 1
        self.batch_size = n_batch_rows(batch_size, len(self.rows))
        self.drop_last = drop_last
        self.pauses = pauses
        self.sparse = sparse
        self._intervals = None if intervals is None else iter(intervals)
        self._random_state = np.random.RandomState(seed)
        self._order = self.rows[:0]  # what is left of a pass over the data
        self._n_taken = 0

    def runs(self):
        """Yield the positions of the next interval's rows, those of several batches at a time.

        Yields
        ------
        ndarray of int
            In order. All batches but the last have `batch_size` rows.
        """
        n_left = next(self._intervals)
        while n_left:
            n_batches = n_left
            following = bisect_right(self.pauses, self._n_taken)
            if following < len(self.pauses):
                n_batches = min(n_left, self.pauses[following] - self._n_taken)
            rows = self._take(n_batches * self.batch_size)
            n_batches = -(-len(rows) // self.batch_size)
            n_left -= n_batches
            self._n_taken += n_batches
            yield rows

    def _take(self, n_rows):
        """The next positions, at most so many, of one pass."""
        if not len(self._order):
            n = len(self.rows)
            stop = max(n - n % self.batch_size, 1) if self.drop_last else n
            self._order = self._random_state.permutation(self.rows)[:stop]
        taken, self._order = self._order[:n_rows], self._order[n_rows:]
        return taken

    def of(self, rows):
        """Yield the batches of the positions of rows that `runs` gave."""
        order = torch.from_numpy(rows).to(self.X.device)
        yield from map(self._gathered, order.split(self.batch_size))

    def _gathered(self, positions):
        with on_threads(self.n_threads):
            X = self.X.index_select(0, positions)
        return X, self.y.index_select(0, positions)

    def __iter__(self):
        return self._in_order() if self._intervals is None else self._shuffled()

    def _in_order(self):
        n_values = max(int(np.prod(self.X.shape[1:])), 1)
        size = max(min(self.batch_size, _MOST_VALUES // n_values), 1)
        is_sparse = isinstance(self.X, Rows) and issparse(self.X.X)
        split = self.X.parts if self.sparse and is_sparse else self.X.split
        return zip(split(size), self.y.split(size), strict=True)

    def _shuffled(self):
        for run in self.runs():
            yield from self.of(run)


def n_batch_rows(batch_size, n_rows):
    """Return how many rows a batch of `n_rows` has.

    Parameters
    ----------
    batch_size : int or "auto"
        As for `Batches`; -1 for all rows.
    n_rows : int
        Rows of the data.

    Returns
    -------
    int

    Examples
    --------
    >>> from skticket.network import n_batch_rows
    >>> n_batch_rows("auto", 60_000), n_batch_rows("auto", 150), n_batch_rows(-1, 150)
    (468, 16, 150)
    """
    if batch_size == "auto":
        # A tenth of few rows, so that an epoch has steps enough; of many rows so many that an
        # epoch has a hundred or two. Beyond that a row costs no less, and teaches less.
        batch_size = max(min(max(16, n_rows // 10), 200), min(n_rows // 128, 512))
    return n_rows if batch_size == -1 else int(min(batch_size, n_rows))
