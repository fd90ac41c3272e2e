"""What displays read from fitted estimators and from tickets."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..ticket import Ticket
from ._tables import group_sizes

# So many curves can be told apart by their colours.
_MOST_ROUNDS = 5


def check_estimator(estimator):
    """Complain of an estimator that isn't fitted, or holds no tickets."""
    check_is_fitted(estimator)
    if not getattr(estimator, "tickets_", None):
        raise ValueError(
            "estimator must be a fitted WinningTicketClassifier or WinningTicketRegressor, got "
            f"{type(estimator).__name__}; of a Pipeline, pass the step that is one, such as "
            "pipeline[-1]"
        )


def choose_rounds(estimator, rounds, *, full=True):
    """Return the positions in `tickets_` of the rounds to draw.

    Parameters
    ----------
    estimator : WinningTicketClassifier or WinningTicketRegressor
        Fitted estimator.
    rounds : sequence of int, or None
        Rounds; by default at most five, evenly spread from the first to the last. Of a
        round that was trained several times, the last training is taken.
    full : bool, default=True
        Whether round 0 is among the default ones.

    Returns
    -------
    list of int
    """
    check_estimator(estimator)
    positions = {int(n): i for i, n in enumerate(estimator.round_results_["round"])}
    if rounds is None:
        candidates = [n for n in positions if full or n > 0] or list(positions)
        places = np.linspace(0, len(candidates) - 1, min(len(candidates), _MOST_ROUNDS))
        rounds = [candidates[place] for place in np.round(places).astype(int)]
    rounds = np.atleast_1d(rounds).tolist()
    if not rounds:
        raise ValueError("rounds must name at least one round, got none")
    unknown = [n for n in rounds if n not in positions]
    if unknown:
        raise ValueError(f"rounds must be among {sorted(positions)}, got {unknown}")
    return [positions[n] for n in rounds]


def group_tickets(tickets):
    """Return tickets by size, from the largest to the smallest, each with its trials.

    Parameters
    ----------
    tickets : sequence of Ticket, or of sequences of Ticket
        Of one architecture. The tickets of an inner sequence are trials of one size; in
        a plain sequence, those whose densities differ by less than one percent are.

    Returns
    -------
    percents : ndarray of shape (n_sizes,)
        Mean percent remaining.
    groups : list of list of Ticket
    """
    tickets = [tickets] if isinstance(tickets, Ticket) else list(tickets)
    if any(isinstance(ticket, Ticket) for ticket in tickets):
        _check_tickets(tickets)
        sizes = group_sizes([ticket.density for ticket in tickets])
        groups = [[tickets[i] for i in np.flatnonzero(sizes == n)] for n in np.unique(sizes)]
    else:
        groups = [list(group) for group in tickets]
        _check_tickets([ticket for group in groups for ticket in group])
    groups = [group for group in groups if group]
    percents = np.array([100 * np.mean([t.density for t in group]) for group in groups])
    order = np.argsort(-percents, kind="stable")
    return percents[order], [groups[i] for i in order]


def _check_tickets(tickets):
    if not tickets:
        raise ValueError("tickets must hold at least one Ticket, got none")
    for ticket in tickets:
        if not isinstance(ticket, Ticket):
            raise ValueError(f"tickets must be of class Ticket, got {type(ticket).__name__}")
    shapes = [{name: mask.shape for name, mask in ticket.mask.items()} for ticket in tickets]
    for other in shapes[1:]:
        if other != shapes[0]:
            raise ValueError(
                f"tickets must be of one architecture, got weights of {shapes[0]} and of {other}"
            )


def layer_titles(names):
    """Return what the layers are called, and the units on either side of them.

    Parameters
    ----------
    names : sequence of str
        Names of the prunable weights, from input to output.

    Returns
    -------
    titles : list of str
        For the default network "hidden layer 1" and so on, and "output layer"; for others
        the names of the weights.
    ends : list of tuple of str
        For each layer, what it leads from and what it leads to.
    """
    names = list(names)
    last = len(names) - 1
    if names != [f"layers.{number}.weight" for number in range(len(names))]:
        return names, [(f"inputs of {name}", f"outputs of {name}") for name in names]
    titles = [f"hidden layer {number + 1}" for number in range(last)] + ["output layer"]
    units = ["inputs", *titles[:-1], "outputs"]
    return titles, list(zip(units, units[1:], strict=False))
