"""The machine that computes."""

import platform
from pathlib import Path


def processor_name():
    """Return what the machine's processor is called, for results that differ between kinds of it.

    Returns
    -------
    str
        The model's name where the system tells it, else that of the architecture.

    Examples
    --------
    >>> from skticket.utils import processor_name
    >>> processor_name() != ""
    True
    """
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text("utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
