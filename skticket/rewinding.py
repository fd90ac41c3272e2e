"""What the survivors are set to before the next training: the transformer `Rewind`."""

from collections.abc import Mapping
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import UNUSED

from .initialization import INIT_NAMES, resolve_init
from .ticket import Ticket, check_ticket
from .utils import HasPage, Interval, StrOptions

__all__ = ["CONTROLS", "REWIND_CONSTRAINTS", "Rewind"]


def _to_init(ticket):
    return Ticket(ticket.initial, ticket.mask, ticket.initial, ticket.checkpoints)


def _to_step(ticket, step):
    if step not in ticket.checkpoints:
        raise ValueError(
            f"cannot rewind to step {step}: the ticket holds the weights after steps "
            f"{sorted(ticket.checkpoints)} of the first training; set rewind_to={step} before it"
        )
    return Ticket(ticket.initial, ticket.mask, ticket.checkpoints[step], ticket.checkpoints)


def _reinitialized(ticket, init, random_state):
    """The same masks over fresh values; what no distribution gives goes back to θ0."""
    initial = dict(ticket.initial)
    if isinstance(init, Mapping):
        _check_fresh(ticket, init)
        initial |= init
    else:
        draw = resolve_init(init)
        for name, mask in ticket.mask.items():
            initial[name] = draw(mask.shape, random_state).astype(initial[name].dtype)
    return Ticket(initial, ticket.mask)


def _check_fresh(ticket, init):
    for name, mask in ticket.mask.items():
        found = np.shape(init[name]) if name in init else None
        if found != mask.shape:
            raise ValueError(
                f"init must hold fresh values of shape {mask.shape} for {name!r}, got "
                f"{'none' if found is None else f'shape {found}'}"
            )


def _rearranged(ticket, init, random_state):
    """Each layer's surviving connections, with their θ0, at random places in it."""
    initial, masks = dict(ticket.initial), {}
    for name, mask in ticket.mask.items():
        places = random_state.permutation(mask.size)[: np.count_nonzero(mask)]
        masks[name] = np.zeros(mask.shape, bool)
        masks[name].flat[places] = True
        moved = np.zeros_like(initial[name])
        moved.flat[places] = initial[name][mask]
        initial[name] = moved
    return Ticket(initial, masks)


def _magnitude(survivors):
    """The root mean square: weights of that size alone have the norm of the survivors."""
    return np.sqrt(np.square(survivors, dtype=np.float64).sum() / max(survivors.size, 1))


def _constant(ticket, signs_of):
    """The initial values, but in each layer signs at one magnitude."""
    arrays = dict(ticket.initial)
    for name, mask in ticket.mask.items():
        initial = arrays[name]
        signs = signs_of(initial[mask])
        arrays[name] = np.zeros_like(initial)
        arrays[name][mask] = signs * _magnitude(initial[mask])
    return arrays


def _to_signs(ticket):
    return Ticket(ticket.initial, ticket.mask, _constant(ticket, np.sign), ticket.checkpoints)


def _with_random_signs(ticket, init, random_state):
    """The same masks over one magnitude a layer, with signs drawn anew."""

    def draw(survivors):
        return random_state.choice([-1, 1], size=survivors.shape)

    return Ticket(_constant(ticket, draw), ticket.mask)


_CONTROLS = {
    "reinit": _reinitialized,
    "rearrange": _rearranged,
    "random_signs": _with_random_signs,
}
CONTROLS = tuple(_CONTROLS)
_WITHOUT_CHANCE = {"init": _to_init, "signs": _to_signs, "none": lambda ticket: ticket}
REWIND_CONSTRAINTS = [
    StrOptions({*_WITHOUT_CHANCE, *CONTROLS}),
    Interval(Integral, 1, None, closed="left"),
]


class Rewind(HasPage, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Set the surviving weights of a ticket for its next training.

    A stateless transformer from `Ticket` to `Ticket`.

    Parameters
    ----------
    to : {"init", "none", "signs", "reinit", "rearrange", "random_signs"} or int, default="init"
        "init": the initial weights θ0, biases included. An integer k: the
        weights as they were after k optimizer steps of the first training.
        "none": the ticket as it is. "signs": the signs of θ0 at one magnitude a
        layer, the root mean square of its surviving initial weights [3]_. The
        controls: "reinit" keeps the masks and draws fresh initial weights;
        "rearrange" moves each layer's surviving connections, with their initial
        weights, to random places in the layer; "random_signs" keeps the masks and
        that one magnitude, and draws the signs.
        A control's new weights are the new ticket's `initial`, too.
    init : str, callable or mapping, default="glorot_normal"
        Where "reinit" draws from: a distribution as in `WinningTicketClassifier`,
        for the prunable weights (all else returns to θ0); or a mapping that holds
        the fresh arrays themselves, by parameter name.
    random_state : int, RandomState instance or None, default=None
        For the controls.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, sections 1 and 3.
    .. [2] J. Frankle et al., "Linear Mode Connectivity and the Lottery Ticket
       Hypothesis", ICML 2020 (rewinding to step k).
    .. [3] H. Zhou et al., "Deconstructing Lottery Tickets", NeurIPS 2019, section 4
       (there, the magnitude is the standard deviation of all initial weights).

    Examples
    --------
    >>> import numpy as np
    >>> from skticket import Rewind, Ticket
    >>> theta = np.array([[0.1, -0.2]])
    >>> trained = Ticket({"w": theta}, {"w": theta > 0}, {"w": 2 * theta})
    >>> Rewind(to="init").transform(trained).weights["w"]
    array([[0.1, 0. ]])
    """

    # A ticket is what others call X, and no metadata.
    __metadata_request__fit = {"ticket": UNUSED}
    __metadata_request__transform = {"ticket": UNUSED}

    _parameter_constraints = {
        "to": REWIND_CONSTRAINTS,
        "init": [StrOptions(INIT_NAMES), callable, Mapping],
        "random_state": ["random_state"],
    }

    def __init__(self, to="init", *, init="glorot_normal", random_state=None):
        self.to = to
        self.init = init
        self.random_state = random_state

    def fit(self, ticket, y=None):
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        ticket : Ticket
            Not used.
        y : None
            Not used.

        Returns
        -------
        Rewind
            Itself.
        """
        self._validate_params()
        return self

    def transform(self, ticket):
        """Return the rewound ticket.

        Parameters
        ----------
        ticket : Ticket
            The ticket to rewind.

        Returns
        -------
        Ticket
            A new ticket with as many surviving weights in each layer.

        Raises
        ------
        ValueError
            If `to` is a step whose weights the ticket does not hold.
        """
        self._validate_params()
        check_ticket(ticket)
        if self.to in _WITHOUT_CHANCE:
            return _WITHOUT_CHANCE[self.to](ticket)
        if self.to in CONTROLS:
            return _CONTROLS[self.to](ticket, self.init, check_random_state(self.random_state))
        return _to_step(ticket, self.to)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        return tags
