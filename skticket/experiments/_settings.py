"""Checks of what a command's user sets."""

from numbers import Integral


def check_whole(name, value, least):
    """Raise an error unless a value is a whole number of at least so much."""
    if not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")


def check_jobs(jobs):
    """Raise an error for no processes at all."""
    if jobs == 0:
        raise ValueError("jobs must be a number of processes, or -1 for all processors; got 0")
