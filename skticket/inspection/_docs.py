"""What the docstrings of all displays share."""

from ..utils import document, substitute

_SHARED = """
estimator : WinningTicketClassifier or WinningTicketRegressor
    Fitted estimator.
rounds : sequence of int, default=None
    Rounds to draw; by default at most five, evenly spread from the first to the last.
tickets : sequence of Ticket, or of sequences of Ticket
    Of one architecture. The tickets of an inner sequence are trials of one size; in a
    plain sequence, those whose densities differ by less than one percent of their value
    are.
ax : matplotlib Axes, default=None
    Where to draw; a new figure when None.
**line_kw : dict
    Passed to matplotlib's `plot`.
percent_remaining : ndarray of shape (n_sizes,)
    Surviving weights, in percent of the full network's, in decreasing order.
"""
_STORED = """
It is recommended to use %(makers)s to make one. All
parameters are stored as attributes.

%(parameters)s

Attributes
----------
figure_ : matplotlib Figure
    The figure that is drawn in.
"""


def display(parameters):
    """Return a decorator that describes what a display stores in place of %(stored)s."""

    def decorate(cls):
        makers = " or ".join(f"`{name}`" for name in vars(cls) if name.startswith("from_"))
        stored = _STORED.replace("%(makers)s", makers)
        return document(_SHARED, parameters)(substitute(stored=stored)(cls))

    return decorate


def draws(parameters):
    """Return a decorator that adds to a summary what the method takes, and the display drawn."""

    def decorate(method):
        display = method.__qualname__.partition(".")[0]
        returns = f"Returns\n-------\n{display}\n    The display, drawn.\n"
        method.__doc__ = f"{method.__doc__}\n\n%(parameters)s\n\n{returns}"
        return document(_SHARED, parameters)(method)

    return decorate
