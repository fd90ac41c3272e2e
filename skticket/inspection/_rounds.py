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
    if getattr(estimator, "tickets_", None) == []:
        raise ValueError(
            "estimator no longer holds the rounds of its search, as a model that was loaded from "
            "a file; fit it, or draw before it is saved"
        )
    if not hasattr(estimator, "tickets_"):
        raise ValueError(
            "estimator must be a fitted WinningTicketClassifier or WinningTicketRegressor, got "
            f"{type(estimator).__name__}; of a Pipeline, pass the step that is one, such as "
            "pipeline[-1]"
        )


def choose_rounds(estimator, rounds, *, full=True):
    """Return the positions in `tickets_` of the rounds to draw.

    By default those of at most five, evenly spread, round 0 among them unless not `full`. Of a
    round that was trained several times, the last training is taken.
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
    """Return mean percents remaining, the largest first, and the tickets of each: its trials.

    Tickets are given as `draws` says: trials in sequences of their own, or to be told by density.
    """
    tickets = [tickets] if isinstance(tickets, Ticket) else list(tickets)
    if any(isinstance(ticket, Ticket) for ticket in tickets):
        check_tickets(tickets)
        sizes = group_sizes([ticket.density for ticket in tickets])
        groups = [[tickets[i] for i in np.flatnonzero(sizes == n)] for n in np.unique(sizes)]
    else:
        groups = [list(group) for group in tickets]
        check_tickets([ticket for group in groups for ticket in group])
    groups = [group for group in groups if group]
    percents = np.array([100 * np.mean([t.density for t in group]) for group in groups])
    order = np.argsort(-percents, kind="stable")
    return percents[order], [groups[i] for i in order]


def check_tickets(tickets):
    """Complain of what is no ticket, of none, and of tickets of several architectures."""
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
    """Return the layers' titles, and for each what it leads from and what it leads to.

    Layers of the default network are called "hidden layer 1" and so on, and "output layer"; others
    by the names of their weights.
    """
    names = list(names)
    last = len(names) - 1
    if names != [f"layers.{number}.weight" for number in range(len(names))]:
        return names, [(f"inputs of {name}", f"outputs of {name}") for name in names]
    titles = [f"hidden layer {number + 1}" for number in range(last)] + ["output layer"]
    units = ["inputs", *titles[:-1], "outputs"]
    return titles, list(zip(units, units[1:], strict=False))
