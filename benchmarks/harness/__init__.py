"""What the benchmarks share: timing in turns, the machine, tables and pictures.

A benchmark is a module with `cases(settings)`, which yields one `Case` after another. A case has
contenders, which are measured in turns in one process, and claims about their ratios.
"""

from .cases import OURS, Case, Claim, Contender, times
from .clock import all_threads, limit_threads
from .command import add_options, main, run
from .data import mnist
from .machine import about, missing
from .memory import missing_memory, peak_memory
from .report import write_report

__all__ = [
    "OURS",
    "Case",
    "Claim",
    "Contender",
    "about",
    "add_options",
    "all_threads",
    "limit_threads",
    "main",
    "missing",
    "missing_memory",
    "mnist",
    "peak_memory",
    "run",
    "times",
    "write_report",
]
