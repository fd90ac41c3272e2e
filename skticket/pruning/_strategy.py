"""What all strategies share: how many elements go, and which are the lowest."""

from abc import ABCMeta, abstractmethod
from collections.abc import Mapping
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from ..utils import HasPage


def count_pruned(rate, surviving, repeat=1):
    """Return how many of `surviving` elements `repeat` prunings at `rate` remove.

    Parameters
    ----------
    rate : float or int
        Share of the surviving elements, in [0, 1), or their number.
    surviving : int
        Number of elements that survive so far.
    repeat : int, default=1
        How many prunings follow on one another.

    Returns
    -------
    int
        At most `surviving - 1`: a share never takes the last element.

    Raises
    ------
    ValueError
        If `rate` is an integer and would take the last element.

    Examples
    --------
    >>> from skticket.pruning import count_pruned
    >>> count_pruned(0.2, 10), count_pruned(0.2, 10, repeat=2), count_pruned(0.9, 1)
    (2, 4, 0)
    """
    remaining = surviving
    for _ in range(repeat):
        if not isinstance(rate, Integral):
            removed = min(round(rate * remaining), max(remaining - 1, 0))
            if removed == 0:
                break  # and so with every pruning from here on
            remaining -= removed
        elif rate == 0 or remaining == 0:
            break
        elif remaining <= rate:
            raise ValueError(
                f"prune rate {rate} would remove all {remaining} surviving weights or units "
                "of a layer; an integer rate must be smaller than what survives there"
            )
        else:
            remaining -= rate
    return surviving - remaining


def lowest(values, n):
    """Boolean array of the `n` lowest values (of all, if there are fewer), ties by position."""
    n = min(n, len(values))
    if n == 0:
        return np.zeros(len(values), bool)
    # Cheaper than a stable sort, which would give the same.
    last = np.partition(values, n - 1)[n - 1]
    lowest = values < last
    ties = np.flatnonzero(values == last)
    lowest[ties[: n - np.count_nonzero(lowest)]] = True
    return lowest


def _lowest_together(scores, alive, n):
    """Rank the layers of `scores` together, but leave each its best element."""
    places, values = [], []
    for name, array in scores.items():
        candidates = np.flatnonzero(alive[name])
        found = array.ravel()[candidates]
        if len(found):
            best = len(found) - 1 - found[::-1].argmax()  # of equals, the last
            candidates, found = np.delete(candidates, best), np.delete(found, best)
        places.append(candidates)
        values.append(found)
    chosen = np.split(lowest(np.concatenate(values), n), np.cumsum([*map(len, values)])[:-1])
    removed = {name: np.zeros(array.shape, bool) for name, array in scores.items()}
    for array, candidates, gone in zip(removed.values(), places, chosen, strict=True):
        array.flat[candidates[gone]] = True
    return removed


def count_alive(alive, names):
    return sum(int(np.count_nonzero(alive[name])) for name in names)


def _count_together(alive, names, rate, repeat):
    """How many elements go of layers that are ranked together."""
    n_alive = count_alive(alive, names)
    if len(names) == 1 or not isinstance(rate, Integral):
        return count_pruned(rate, n_alive, repeat)
    n, n_layers = rate * len(names) * repeat, sum(bool(alive[name].any()) for name in names)
    if n > n_alive - n_layers:
        raise ValueError(
            f"prune rate {rate} would remove {n} weights or units of {len(names)} layers, ranked "
            f"together; {n_alive} survive there, of which each layer keeps at least one"
        )
    return n


class Strategy(HasPage, BaseEstimator, metaclass=ABCMeta):
    """How the surviving elements of a ticket are scored and compared."""

    # Whether `masks` and `_scores` take `gradients`, which know the network's function.
    needs_gradients = False

    @abstractmethod
    def _alive(self, ticket):
        """Return boolean arrays of the elements that survive, by layer."""

    @abstractmethod
    def _scores(self, ticket, random_state):
        """Return arrays of the same shapes; the lowest are pruned first."""

    @abstractmethod
    def _groups(self, names, rate):
        """Return pairs of layers that are pruned at one rate, and that rate."""

    @abstractmethod
    def _masks_without(self, ticket, removed):
        """Return the masks without the elements that are True in `removed`."""

    def masks(self, ticket, rate, *, repeat=1, random_state=None, **needed):
        """Return the masks of `ticket` after pruning, by parameter name."""
        self._validate_params()
        counts = self._counts(self._alive(ticket), rate, repeat)
        return self._masks_after(ticket, counts, check_random_state(random_state), **needed)

    def opposite_masks(self, ticket, kept, **needed):
        """Return masks of as many elements of each layer as `kept` has: those scored lowest."""
        self._validate_params()
        alive, remaining = self._alive(ticket), self._alive(kept)
        counts = [
            ([name], int(np.count_nonzero(alive[name])) - int(np.count_nonzero(remaining[name])))
            for name in alive
        ]
        return self._masks_after(ticket, counts, None, opposite=True, **needed)

    def check(self, ticket, rate, *, repeat=1):
        """Raise what `masks` would raise whatever the scores, before any training."""
        self._validate_params()
        self._counts(self._alive(ticket), rate, repeat)

    def _counts(self, alive, rate, repeat):
        """Pairs of the layers ranked together, and how many of their elements go."""
        counts = []
        for names, group_rate in self._groups(list(alive), rate):
            for together in [names] if self.scope == "global" else [[name] for name in names]:
                try:
                    n = _count_together(alive, together, group_rate, repeat)
                except ValueError as error:
                    by = "" if group_rate == rate else f", with output_rate of the rate {rate}"
                    raise ValueError(f"{error}: {', '.join(together)}{by}") from None
                counts.append((together, n))
        return counts

    def _masks_after(self, ticket, counts, random_state, *, opposite=False, **needed):
        alive = self._alive(ticket)
        scores = self._scores(ticket, random_state, **needed)
        _check_scores(scores, alive)
        removed = {}
        for names, n in counts:
            group = {name: np.asarray(scores[name]) for name in names}
            if opposite:
                group = {name: -score.astype(float) for name, score in group.items()}
            removed |= _lowest_together(group, alive, n)
        return self._masks_without(ticket, removed)


def _check_scores(scores, alive):
    if not isinstance(scores, Mapping):
        raise ValueError(
            "the strategy must return a dict of an array of scores for each of "
            f"{list(alive)}, got {type(scores).__name__}"
        )
    for name, array in alive.items():
        if name not in scores:
            raise ValueError(f"the strategy gave no scores for {name!r}, only for {list(scores)}")
        score = np.asarray(scores[name])
        if score.shape != array.shape:
            raise ValueError(
                f"the strategy's scores for {name!r} must have shape {array.shape}, "
                f"got {score.shape}"
            )
        if (np.isnan(score) & array).any():
            raise ValueError(
                f"the strategy's scores for {name!r} contain NaN; if training diverged, "
                "a smaller learning rate helps"
            )
