"""Text from files and users, on its way to a terminal."""


def printable(text):
    r"""Return text on one line, in which what is no character shows as an escape sequence.

    Parameters
    ----------
    text : str
        Of any origin.

    Returns
    -------
    str
        Without control characters, which a terminal obeys, and marks that turn text around.

    Examples
    --------
    >>> from skticket.utils import printable
    >>> print(printable("Größe\x1b[31m\n"))
    Größe\x1b[31m\n
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )
