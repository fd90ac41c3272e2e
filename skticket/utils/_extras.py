"""What is needed for some things only."""

from contextlib import contextmanager


@contextmanager
def extra(name):
    """Import what an extra of this package installs; if it is missing, say how to get it.

    Parameters
    ----------
    name : str
        Of the extra, as in pyproject.toml.

    Examples
    --------
    >>> from skticket.utils import extra
    >>> with extra("models"):
    ...     import no_such_module
    Traceback (most recent call last):
    ImportError: no_such_module is missing; install it with: pip install 'skticket[models]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{error.name} is missing; install it with: pip install 'skticket[{name}]'",
            name=error.name,
        ) from error
