"""What the docstrings of all displays share."""

from ..utils import document

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
"""


def draws(parameters):
    """Return a decorator that adds to a summary what the method takes, and the display drawn."""

    def decorate(method):
        display = method.__qualname__.partition(".")[0]
        returns = f"Returns\n-------\n{display}\n    The display, drawn.\n"
        method.__doc__ = f"{method.__doc__}\n\n%(parameters)s\n\n{returns}"
        return document(_SHARED, parameters)(method)

    return decorate
