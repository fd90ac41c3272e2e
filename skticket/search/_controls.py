"""What a ticket is compared with: networks as sparse as it, without what is said to make it win."""

from dataclasses import replace

import numpy as np

from ..pruning import opposite_masks
from ..rewinding import CONTROLS as OF_THE_TICKET
from ..ticket import Ticket
from ..utils import Stream, derive_seed

CONTROLS = (*OF_THE_TICKET, "shuffle", "inverted")


def control_ticket(search, control, ticket, number, seed, *, full, data=None):
    """Return a control of a ticket, ready to be trained as in the ticket's round.

    It has as many weights in each layer as the ticket.

    Parameters
    ----------
    search : Search
        Which found the ticket.
    control : str
        One of `CONTROLS`, as in `fit_controls`.
    ticket : Ticket
        Whose control.
    number : int
        The ticket's round.
    seed : int
        Determines what is random of the control.
    full : Ticket
        The first round's, trained; "shuffle" and "inverted" choose from its weights.
    data : Data or None, default=None
        The training rows, where the strategy scores weights by them.

    Returns
    -------
    Ticket

    Raises
    ------
    ValueError
        If the control cannot be made of what is known.
    """
    seeded = replace(search, seed=seed)
    if control in OF_THE_TICKET:
        return seeded.rewind_ticket(ticket, number, control)
    _check_contains(full, ticket, control)
    if control == "shuffle":
        masks = _shuffled(full, ticket, derive_seed(seed, Stream.CONTROL, number))
    else:
        gradients = search.gradients(number, data)
        masks = opposite_masks(full, ticket, search.strategy, gradients)
    chosen = Ticket(full.initial, masks, full.weights, full.checkpoints)
    return seeded.rewind_ticket(chosen, number)


def _shuffled(full, ticket, seed):
    """Masks of as many weights of each layer as the ticket's, at random places among `full`'s."""
    random_state = np.random.RandomState(seed)
    masks = {}
    for name, mask in full.mask.items():
        places = random_state.permutation(np.flatnonzero(mask))
        masks[name] = np.zeros(mask.shape, bool)
        masks[name].flat[places[: np.count_nonzero(ticket.mask[name])]] = True
    return masks


def _check_contains(full, ticket, control):
    if any((mask & ~full.mask[name]).any() for name, mask in ticket.mask.items()):
        raise ValueError(
            f"control={control!r} chooses among the weights of the first round, but the ticket "
            "has others"
        )
