"""The transformer that applies a strategy."""

from numbers import Integral

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.metadata_routing import UNUSED

from ..ticket import Ticket, check_ticket
from ..utils import HasMethods, HasPage, Interval, RealNotInt, StrOptions
from ._at_initialization import GraSP, Snip, SynFlow
from ._strategy import Strategy
from ._units import UnitInput, UnitOutput, UnitProduct
from ._weights import (
    InitialMagnitude,
    LargeInitLargeFinal,
    Magnitude,
    MagnitudeIncrease,
    Movement,
    Random,
    ScoreFunction,
)

_NAMED = {
    "magnitude": Magnitude(),
    "random": Random(),
    "initial_magnitude": InitialMagnitude(),
    "magnitude_increase": MagnitudeIncrease(),
    "large_init_large_final": LargeInitLargeFinal(),
    "movement": Movement(),
    "snip": Snip(),
    "grasp": GraSP(),
    "synflow": SynFlow(),
    "unit_input": UnitInput(),
    "unit_output": UnitOutput(),
    "unit_product": UnitProduct(),
}
STRATEGY_CONSTRAINTS = [StrOptions(set(_NAMED)), HasMethods("masks"), callable]
RATE_CONSTRAINTS = [
    Interval(Integral, 0, None, closed="left"),
    Interval(RealNotInt, 0, 1, closed="left"),
]


def _resolve_strategy(strategy):
    if isinstance(strategy, str):
        return _NAMED[strategy]
    return strategy if hasattr(strategy, "masks") else ScoreFunction(strategy)


def needs_gradients(strategy):
    """Tell whether a strategy scores weights by gradients of the network.

    Parameters
    ----------
    strategy : str, strategy or callable
        As `Prune` takes it.

    Returns
    -------
    bool

    Examples
    --------
    >>> from skticket.pruning import needs_gradients
    >>> needs_gradients("snip"), needs_gradients("magnitude")
    (True, False)
    """
    strategy = _NAMED.get(strategy) if isinstance(strategy, str) else strategy
    return getattr(strategy, "needs_gradients", False)


def opposite_masks(ticket, kept, strategy, gradients=None):
    """Return the masks of the weights that a strategy would prune first.

    Parameters
    ----------
    ticket : Ticket
        Whose surviving weights are scored.
    kept : Ticket
        Of the same architecture; each layer keeps as many weights (or units) as it has there.
    strategy : str, strategy or callable
        As `Prune` takes it; one that scores weights.
    gradients : Gradients or None, default=None
        As `Prune` takes it.

    Returns
    -------
    dict of str to ndarray of bool
        By parameter name.

    Raises
    ------
    ValueError
        If the strategy gives no scores, as "random" doesn't.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket import Prune, Ticket
    >>> from skticket.pruning import opposite_masks
    >>> full = Ticket.full({"w": np.array([[0.1, -0.2, 0.3, -0.4]])}, ["w"])
    >>> kept = Prune(rate=0.75).transform(full)
    >>> kept.mask["w"], opposite_masks(full, kept, "magnitude")["w"]
    (array([[False, False, False,  True]]), array([[ True, False, False, False]]))
    """
    resolved = _resolve_strategy(strategy)
    if not isinstance(resolved, Strategy) or isinstance(resolved, Random):
        raise ValueError(
            f"the strategy {strategy!r} gives no scores that could be inverted; "
            "control='inverted' needs one that does, such as 'magnitude' or 'snip'"
        )
    needed = {"gradients": gradients} if needs_gradients(strategy) else {}
    return resolved.opposite_masks(ticket, kept, **needed)


class Prune(HasPage, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Remove the least important surviving weights of a ticket.

    A stateless transformer from `Ticket` to `Ticket`: masks shrink, surviving
    values stay. It removes an exact count, `round(rate × surviving)`, with ties
    broken by position, and never the last weight (or unit) of a layer.

    Parameters
    ----------
    rate : float or int, default=0.2
        Share of the surviving weights (or units) to remove, in [0, 1); or, as an
        integer, their number in each layer.
    strategy : str, strategy or callable, default="magnitude"
        How weights are scored: one of "magnitude", "random",
        "initial_magnitude", "magnitude_increase", "large_init_large_final",
        "movement", "snip", "grasp", "synflow", "unit_input", "unit_output",
        "unit_product"; an instance such as `Magnitude(scope="global")`; or a callable
        that takes the ticket and returns scores (see `ScoreFunction`).
    repeat : int, default=1
        Remove at once as many as so many prunings in a row would.
    random_state : int, RandomState instance or None, default=None
        For the "random" strategy.
    gradients : Gradients or None, default=None
        For "snip", "grasp" and "synflow", which score weights by what the network
        does with them: a `skticket.training.Gradients`. The estimators provide it.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from skticket import Prune, Rewind, Ticket
    >>> theta = np.array([[0.1, -0.2, 0.3, -0.4, 0.5]])
    >>> trained = Ticket({"w": theta}, {"w": theta != 0}, {"w": 2 * theta})
    >>> ticket = make_pipeline(Prune(rate=0.4), Rewind(to="init")).transform(trained)
    >>> ticket.weights["w"]
    array([[ 0. ,  0. ,  0.3, -0.4,  0.5]])
    """

    # A ticket is what others call X, and no metadata.
    __metadata_request__fit = {"ticket": UNUSED}
    __metadata_request__transform = {"ticket": UNUSED}

    _parameter_constraints = {
        "rate": RATE_CONSTRAINTS,
        "strategy": STRATEGY_CONSTRAINTS,
        "repeat": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "gradients": [HasMethods(["of_loss", "hessian_times_gradient", "of_flow"]), None],
    }

    def __init__(
        self, rate=0.2, strategy="magnitude", *, repeat=1, random_state=None, gradients=None
    ):
        self.rate = rate
        self.strategy = strategy
        self.repeat = repeat
        self.random_state = random_state
        self.gradients = gradients

    def fit(self, ticket, y=None):
        """Check that the ticket can be pruned so; there is nothing to learn.

        Parameters
        ----------
        ticket : Ticket
            A ticket to be pruned, or one of the same architecture.
        y : None
            Not used.

        Returns
        -------
        Prune
            Itself.

        Raises
        ------
        ValueError
            If an integer rate leaves nothing of a layer, or if a unit strategy
            meets a network that is not fully connected.
        """
        self._validate_params()
        check_ticket(ticket)
        _resolve_strategy(self.strategy).check(ticket, self.rate, repeat=self.repeat)
        return self

    def transform(self, ticket):
        """Return the pruned ticket.

        Parameters
        ----------
        ticket : Ticket
            The ticket to prune.

        Returns
        -------
        Ticket
            A new ticket with fewer surviving weights.

        Raises
        ------
        ValueError
            If an integer rate leaves nothing of a layer, if a unit strategy meets
            a network that is not fully connected, if scores are NaN, or if the
            strategy needs `gradients` and there are none.
        """
        self._validate_params()
        check_ticket(ticket)
        needed = {"gradients": self.gradients} if needs_gradients(self.strategy) else {}
        masks = _resolve_strategy(self.strategy).masks(
            ticket, self.rate, repeat=self.repeat, random_state=self.random_state, **needed
        )
        return Ticket(ticket.initial, masks, ticket.weights, ticket.checkpoints)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        return tags
