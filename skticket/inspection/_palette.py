"""Colours and markers by what they stand for: the same in every picture."""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Look:
    """How one thing is drawn; colour and marker each tell it from all others.

    Attributes
    ----------
    color : str
        Of lines and markers.
    marker : str
        One of matplotlib's.

    Examples
    --------
    >>> from skticket.inspection import PALETTE
    >>> PALETTE["ticket"]
    Look(color='#0072B2', marker='o')
    """

    color: str
    marker: str


# From the palette of Okabe and Ito, which colour-blind readers can tell apart, and Tol's wine.
_TICKET = Look("#0072B2", "o")
_FULL = Look("#000000", "*")
_CONTROL = Look("#888888", "P")
_RANDOM = Look("#CC79A7", "^")
PALETTE = MappingProxyType(
    {
        "ticket": _TICKET,
        "iterative": _TICKET,
        "reset": _TICKET,
        "product": _TICKET,
        "magnitude": _TICKET,
        "full network": _FULL,
        "found directly": _FULL,
        "control": _CONTROL,
        "reinit": Look("#D55E00", "s"),
        "rearrange": Look("#E69F00", "D"),
        "random_signs": Look("#7CAE00", "p"),
        "shuffle": Look("#A6761D", "X"),
        "inverted": Look("#7A3FF2", "d"),
        "transferred": Look("#4D9221", "h"),
        "random masks": _RANDOM,
        "random": _RANDOM,
        "one-shot": Look("#56B4E9", "v"),
        "one-shot product": Look("#56B4E9", "v"),
        "input": Look("#009E73", "<"),
        "output": Look("#882255", ">"),
    }
)
# For what has no name there; from Tol's palette, none like one above.
_OTHERS = (
    Look("#332288", "o"),
    Look("#999933", "s"),
    Look("#CC6677", "^"),
    Look("#117733", "D"),
    Look("#661100", "v"),
    Look("#AA4499", "P"),
    Look("#44AA99", "X"),
)
MOST_LOOKS = len(_OTHERS)
# Which rows a score was taken on.
LINE_OF_ROWS = MappingProxyType({"test": "-", "validation": "--"})
# What a classifier says of an example: neither is the colour of a network.
ZERO, ONE = "#BBBBBB", "#F0E442"


def looks_of(names):
    """Return the look of each name: its own in the palette, or else the next of the others.

    Parameters
    ----------
    names : sequence of str
        Of which at most seven are not in the palette.

    Returns
    -------
    dict of str to Look

    Examples
    --------
    >>> from skticket.inspection import PALETTE, looks_of
    >>> looks = looks_of(["mine", "reinit", "yours"])
    >>> looks["reinit"] == PALETTE["reinit"], looks["mine"] == looks["yours"]
    (True, False)
    """
    others = iter(_OTHERS)
    return {name: PALETTE[name] if name in PALETTE else next(others) for name in names}
