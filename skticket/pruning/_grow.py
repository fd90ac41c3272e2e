"""The transformer that brings weights back: the counterpart of `Prune`."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.random import sample_without_replacement

from ..ticket import Ticket, check_ticket
from ..utils import HasMethods, HasPage, Interval, StrOptions
from ._prune import RATE_CONSTRAINTS
from ._strategy import count_pruned, lowest
from ._weights import rates_by_layer

GROWTHS = ("random", "gradient")


class Grow(HasPage, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Bring weights back that a ticket lacks, at zero.

    A stateless transformer from `Ticket` to `Ticket`, the counterpart of `Prune`: masks grow,
    each within its layer, and what survived stays as it is. A grown weight is 0, in
    `initial` as in `weights` and `checkpoints`, whatever it was before it was pruned.

    Parameters
    ----------
    rate : float, int or None, default=0.2
        How many weights each layer gets: a share in [0, 1) of those that it has, rounded, but
        at most all that it lacks; or, as an integer, their number. None: as many as
        it has lost since the ticket `since`.
    how : {"random", "gradient"}, default="random"
        Which: any; or those that the loss on training rows has the largest absolute gradients
        by, ties by position: at the ticket's current weights, or at those of `since`.
    output_rate : float in [0, 1], default=0.5
        The output layer's rate, as a share of the rate, as in `Magnitude`.
    since : Ticket or None, default=None
        The ticket before it was pruned. What was pruned since is not grown; but with `rate=None`,
        where a layer lacks too few others, the largest of it stay as they were in
        `since`, for each layer to have just as many weights as there.
    n_rows : int or None, default=128
        How many of the training rows, drawn at random, "gradient" takes the loss on (all,
        where there are fewer); None for all.
    random_state : int, RandomState instance or None, default=None
        For "random".
    gradients : Gradients or None, default=None
        For "gradient": a `skticket.training.Gradients`. The estimators provide it.

    See Also
    --------
    skticket.pruning.Evolving : Prunes and grows a network as it trains.

    References
    ----------
    .. [1] D. C. Mocanu et al., "Scalable training of artificial neural networks with adaptive
       sparse connectivity inspired by network science", Nature Communications 9, 2018 ("random").
    .. [2] U. Evci et al., "Rigging the Lottery: Making All Tickets Winners", ICML 2020,
       arXiv:1911.11134 ("gradient").

    Examples
    --------
    `Prune`, and `Grow(None)` after it, exchange weights: the density stays the same.

    >>> import numpy as np
    >>> from skticket import Grow, Prune, Ticket
    >>> theta = np.array([[0.1, -0.2, 0.3, -0.4, 0.5]])
    >>> ticket = Ticket({"w": theta}, {"w": abs(theta) > 0.25})
    >>> pruned = Prune(1).transform(ticket)
    >>> Grow(None, since=ticket, random_state=0).transform(pruned).mask["w"]
    array([[False,  True, False,  True,  True]])
    """

    # A ticket is what others call X, and no metadata.
    __metadata_request__fit = {"ticket": UNUSED}
    __metadata_request__transform = {"ticket": UNUSED}

    _parameter_constraints = {
        "rate": [*RATE_CONSTRAINTS, None],
        "how": [StrOptions(set(GROWTHS))],
        "output_rate": [Interval(Real, 0, 1, closed="both")],
        "since": [Ticket, None],
        "n_rows": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
        "gradients": [HasMethods(["of_loss"]), None],
    }

    def __init__(
        self,
        rate=0.2,
        how="random",
        *,
        output_rate=0.5,
        since=None,
        n_rows=128,
        random_state=None,
        gradients=None,
    ):
        self.rate = rate
        self.how = how
        self.output_rate = output_rate
        self.since = since
        self.n_rows = n_rows
        self.random_state = random_state
        self.gradients = gradients

    def fit(self, ticket, y=None):
        """Check that the ticket can be grown so; there is nothing to learn.

        Parameters
        ----------
        ticket : Ticket
            A ticket to be grown, or one of the same architecture and density.
        y : None
            Not used.

        Returns
        -------
        Grow
            Itself.

        Raises
        ------
        ValueError
            As `transform` does, whatever the gradients.
        """
        self._validate_params()
        self._plan(ticket)
        return self

    def transform(self, ticket):
        """Return the grown ticket.

        Parameters
        ----------
        ticket : Ticket
            The ticket to grow.

        Returns
        -------
        Ticket
            A new ticket with more surviving weights.

        Raises
        ------
        ValueError
            If an integer rate is more than what a layer lacks, if there is neither a rate nor
            `since`, if that is a ticket of another network, if "gradient" has no
            `gradients`, or if these are NaN.
        """
        self._validate_params()
        plan, choose = self._plan(ticket), self._chooser(ticket)
        masks = {name: mask.copy() for name, mask in ticket.mask.items()}
        for name, (candidates, n) in plan.items():
            masks[name].flat[choose(name, candidates, n)] = True
        grown = Ticket(ticket.initial, masks, ticket.weights, ticket.checkpoints)
        return grown if self.rate is not None else _filled_up(grown, self.since)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        return tags

    def _plan(self, ticket):
        """Of each layer, the positions that may be grown, and how many of them are."""
        check_ticket(ticket)
        before = self.since or ticket
        _check_same_shapes(ticket, before)
        candidates = {
            name: np.flatnonzero(~(mask | before.mask[name])) for name, mask in ticket.mask.items()
        }
        if self.rate is not None:
            rates = rates_by_layer([*ticket.mask], self.rate, self.output_rate)
            wanted = {
                name: _count_grown(rate, ticket.mask[name], len(candidates[name]), name)
                for names, rate in rates
                for name in names
            }
        elif self.since is not None:
            wanted = {
                name: np.count_nonzero(before.mask[name] & ~mask)
                for name, mask in ticket.mask.items()
            }
        else:
            raise ValueError(
                "rate=None grows as many weights as were pruned, and needs since=, the ticket "
                "before that"
            )
        return {name: (found, min(wanted[name], len(found))) for name, found in candidates.items()}

    def _chooser(self, ticket):
        """A function of a layer, the positions to choose from, and how many: some of these."""
        if self.how == "random":
            random_state = check_random_state(self.random_state)
            return lambda name, candidates, n: candidates[
                sample_without_replacement(len(candidates), n, random_state=random_state)
            ]
        gradients = self._gradients(ticket)
        return lambda name, candidates, n: candidates[
            lowest(-np.abs(gradients[name].ravel()[candidates]), n)
        ]

    def _gradients(self, ticket):
        if self.gradients is None:
            raise ValueError(
                "how='gradient' needs gradients of the network, which a ticket alone cannot give: "
                "gradients=skticket.training.Gradients(...); an estimator provides them by itself"
            )
        # Gradients are taken at a ticket's initial weights.
        at = self.since or ticket
        current = Ticket(at.weights, at.mask)
        gradients = self.gradients.of_loss(current, self.n_rows)
        for name, array in gradients.items():
            if np.isnan(array).any():
                raise ValueError(
                    f"the gradients by {name!r} contain NaN; if training diverged, a smaller "
                    "learning rate helps"
                )
        return gradients


def _check_same_shapes(ticket, before):
    shapes = [{name: mask.shape for name, mask in t.mask.items()} for t in (ticket, before)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            "since must be a ticket of the same network: its weights have the shapes "
            f"{shapes[1]}, those of the ticket to grow {shapes[0]}"
        )


def _count_grown(rate, mask, n_missing, name):
    if not isinstance(rate, Integral):
        return count_pruned(rate, np.count_nonzero(mask))
    if rate > n_missing:
        raise ValueError(
            f"grow rate {rate} is more than the {n_missing} weights that {name!r} lacks"
        )
    return rate


def _filled_up(grown, before):
    """Take back of what was pruned since `before`, the largest first, what a layer is short of."""
    back = {}
    for name, mask in grown.mask.items():
        n = np.count_nonzero(before.mask[name]) - np.count_nonzero(mask)
        if n > 0:
            lost = np.flatnonzero(before.mask[name] & ~mask)
            lower = lowest(np.abs(before.weights[name].ravel()[lost]), len(lost) - n)
            back[name] = np.zeros(mask.shape, bool)
            back[name].flat[lost[~lower]] = True
    if not back:
        return grown

    def filled(arrays, others):
        return arrays | {name: np.where(b, others[name], arrays[name]) for name, b in back.items()}

    checkpoints = {
        step: filled(dict(arrays), before.checkpoints.get(step, arrays))
        for step, arrays in grown.checkpoints.items()
    }
    return Ticket(
        filled(dict(grown.initial), before.initial),
        {name: mask | back.get(name, False) for name, mask in grown.mask.items()},
        filled(dict(grown.weights), before.weights),
        checkpoints,
    )
