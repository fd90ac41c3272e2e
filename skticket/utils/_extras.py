"""What is needed for some things only."""

from contextlib import contextmanager


@contextmanager
def extra(name, what):
    """Say which extra to install where a package is missing that not every user needs.

    Parameters
    ----------
    name : str
        The extra's, as in pyproject.toml.
    what : str
        What needs it; plural.

    Examples
    --------
    >>> from skticket.utils import extra
    >>> with extra("models", "saved models"):
    ...     import no_such_module
    Traceback (most recent call last):
    ImportError: saved models need the package 'no_such_module', which is not installed: pip ...
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{what} need the package {error.name!r}, which is not installed: "
            f"pip install 'skticket[{name}]'",
            name=error.name,
        ) from error
