"""The schedule that never has a full network: sparse from birth, pruned and grown as it trains."""

from math import cos, pi
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator

from ..ticket import Ticket
from ..utils import HasPage, Interval, Stream, StrOptions, derive_seed
from ._grow import GROWTHS, Grow
from ._prune import Prune, needs_gradients

# Seeds of one update, of which each use of chance has its own.
_PRUNED, _GROWN = Stream.PRUNE, Stream.GROW


class Evolving(HasPage, BaseEstimator):
    """A schedule: train a sparse network from birth, and move its weights to where they serve.

    After every so many steps each layer loses the share `rate` of its weights, those that the
    strategy scores lowest, and gets as many others, which begin at zero. Nothing
    is rewound. The network is born with the density that `rounds` of `prune_rate` would reach,
    its weights at random places, and keeps it; a layer's share of them is in proportion to the
    number of its inputs and outputs (Erdős–Rényi), as far as it has place for them. The
    output layer's rate is the strategy's.

    With "random" that is sparse evolutionary training (SET), with "gradient" RigL.

    Parameters
    ----------
    rate : float, default=0.3
        Share of the surviving weights of a layer that is exchanged at first, in [0, 1). With 0
        the network stays as it was born.
    every : int, default=100
        Optimizer steps between exchanges.
    how : {"random", "gradient"}, default="random"
        Which weights are grown, as in `Grow`: any, or those with the largest gradients.
    decay : {"cosine", "constant"}, default="cosine"
        Whether the rate falls, along half a wave of the cosine, to 0 at the last exchange.
    until : float, default=0.75
        Share of a training's steps, in (0, 1], after which nothing is exchanged any more.
    n_rows : int or None, default=128
        How many training rows "gradient" takes the loss on, as in `Grow`.

    See Also
    --------
    Grow : The transformer that brings weights back.

    References
    ----------
    .. [1] D. C. Mocanu et al., "Scalable training of artificial neural networks with adaptive
       sparse connectivity inspired by network science", Nature Communications 9, 2018.
    .. [2] U. Evci et al., "Rigging the Lottery: Making All Tickets Winners", ICML 2020,
       arXiv:1911.11134.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skticket import WinningTicketClassifier
    >>> from skticket.pruning import Evolving
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = WinningTicketClassifier(
    ...     (60, 30), schedule=Evolving(how="gradient", every=50), max_epochs=10, random_state=0
    ... ).fit(X / 16, y)
    >>> clf.ticket_
    Ticket(density=0.2232, n_weights=1326)
    """

    _parameter_constraints = {
        "rate": [Interval(Real, 0, 1, closed="left")],
        "every": [Interval(Integral, 1, None, closed="left")],
        "how": [StrOptions(set(GROWTHS))],
        "decay": [StrOptions({"cosine", "constant"})],
        "until": [Interval(Real, 0, 1, closed="right")],
        "n_rows": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self, rate=0.3, every=100, how="random", *, decay="cosine", until=0.75, n_rows=128
    ):
        self.rate = rate
        self.every = every
        self.how = how
        self.decay = decay
        self.until = until
        self.n_rows = n_rows

    def check(self, strategy):
        """Raise `ValueError` if a parameter is wrong, or if no network evolves by a strategy.

        Parameters
        ----------
        strategy : str, strategy or callable
            As `Prune` takes it.
        """
        self._validate_params()
        if needs_gradients(strategy):
            raise ValueError(
                "schedule='evolving' prunes by what has become of the weights, and "
                f"strategy={strategy!r} scores them at initialization; use another strategy, such "
                "as 'magnitude'"
            )

    def born(self, ticket, n_weights, random_state):
        """Return a sparse ticket of some of a ticket's weights.

        Parameters
        ----------
        ticket : Ticket
            The full network, or whatever stands for it.
        n_weights : int
            How many weights survive in all.
        random_state : RandomState
            Draws which.

        Returns
        -------
        Ticket
            Of each layer at least one weight survives.
        """
        places = {name: np.flatnonzero(mask) for name, mask in ticket.mask.items()}
        shares = [sum(mask.shape) for mask in ticket.mask.values()]
        counts = _spread(n_weights, shares, [len(found) for found in places.values()])
        masks = {name: np.zeros(mask.shape, bool) for name, mask in ticket.mask.items()}
        for (name, found), n in zip(places.items(), counts, strict=True):
            masks[name].flat[random_state.permutation(found)[:n]] = True
        return Ticket(ticket.initial, masks, ticket.weights, ticket.checkpoints)

    def steps(self, n_steps):
        """Return after which steps of a training weights are exchanged.

        Parameters
        ----------
        n_steps : int
            Of the training.

        Returns
        -------
        range
        """
        last = min(int(self.until * n_steps), n_steps - 1) if self.rate else 0
        return range(self.every, last + 1, self.every)

    def exchanged(self, ticket, step, n_steps, *, strategy="magnitude", seed=0, gradients=None):
        """Return a ticket of which some weights were pruned, and as many others grown.

        Parameters
        ----------
        ticket : Ticket
            As it is after `step` steps.
        step : int
            Steps done.
        n_steps : int
            Steps of the training.
        strategy : str, strategy or callable, default="magnitude"
            What the weights are scored by that go.
        seed : int, default=0
            Determines, with the step, everything random.
        gradients : Gradients or None, default=None
            For growing by the gradient.

        Returns
        -------
        Ticket
            With as many weights in each layer.
        """
        pruned_by, grown_by = (derive_seed(seed, use, step) for use in (_PRUNED, _GROWN))
        pruned = Prune(self._rate_at(step, n_steps), strategy, random_state=pruned_by)
        grown = Grow(
            None,
            self.how,
            since=ticket,
            n_rows=self.n_rows,
            random_state=grown_by,
            gradients=gradients,
        )
        return grown.transform(pruned.transform(ticket))

    def _rate_at(self, step, n_steps):
        if self.decay == "constant":
            return self.rate
        return self.rate / 2 * (1 + cos(pi * step / (self.until * n_steps)))


def _spread(n, shares, capacities):
    """Spread `n` as whole numbers in proportion to shares, from 1 up to each one's capacity."""
    shares, capacities = np.array(shares), np.array(capacities)
    least = np.minimum(1, capacities)

    def filled(level):
        return np.clip(level * shares, least, capacities)

    # What is filled grows with the level, in straight lines between these.
    levels = np.unique(np.concatenate([least / shares, capacities / shares]))
    totals = [filled(level).sum() for level in levels]
    exact = filled(np.interp(n, totals, levels))
    counts = np.floor(exact).astype(int)
    rest = np.where(counts < capacities, exact - counts, -1.0)
    counts[np.argsort(-rest, kind="stable")[: n - counts.sum()]] += 1
    return counts
