"""What all rooms may use: files, the machine, seeds, threads, torch's state, statistics."""

from ._code import code_key
from ._docstrings import document, substitute
from ._files import remove_left_over, replacing
from ._machine import processor_name
from ._private import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    check_sample_weight,
    fit_context,
    has_hooks,
    is_as_its_class,
    params_of_rows,
    predict_nonlinearity,
    rows_of,
    set_cache,
    validate_params,
)
from ._seeds import Stream, derive_seed
from ._statistics import student_half_width
from ._text import printable
from ._threads import n_threads_allowed, n_training_threads, noting_interrupts
from ._ticket_file import read_ticket_file, ticket_to_bytes
from ._torch_state import isolated, on_threads, shared_tensor

__all__ = [
    "HasMethods",
    "Interval",
    "RealNotInt",
    "StrOptions",
    "Stream",
    "check_sample_weight",
    "code_key",
    "derive_seed",
    "document",
    "fit_context",
    "has_hooks",
    "is_as_its_class",
    "isolated",
    "n_threads_allowed",
    "n_training_threads",
    "noting_interrupts",
    "on_threads",
    "params_of_rows",
    "predict_nonlinearity",
    "printable",
    "processor_name",
    "read_ticket_file",
    "remove_left_over",
    "replacing",
    "rows_of",
    "set_cache",
    "shared_tensor",
    "student_half_width",
    "substitute",
    "ticket_to_bytes",
    "validate_params",
]
