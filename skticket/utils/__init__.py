"""What all rooms may use: files, the machine, seeds, threads, torch's state, statistics.

Nothing is imported before it is asked for: the command line answers before torch is there.
"""

from ._lazy import lazily

_HOMES = {
    "HasMethods": "_private",
    "HasPage": "_pages",
    "Interval": "_private",
    "RealNotInt": "_private",
    "StrOptions": "_private",
    "Stream": "_seeds",
    "check_sample_weight": "_private",
    "code_key": "_code",
    "derive_seed": "_seeds",
    "document": "_docstrings",
    "extra": "_extras",
    "fit_context": "_private",
    "has_hooks": "_private",
    "is_as_its_class": "_private",
    "isolated": "_torch_state",
    "n_threads_allowed": "_threads",
    "n_training_threads": "_threads",
    "noting_interrupts": "_threads",
    "on_threads": "_torch_state",
    "params_of_rows": "_private",
    "predict_nonlinearity": "_private",
    "printable": "_text",
    "processor_name": "_machine",
    "read_ticket_file": "_ticket_file",
    "remove_left_over": "_files",
    "replacing": "_files",
    "rows_of": "_private",
    "set_cache": "_private",
    "shared_tensor": "_torch_state",
    "student_half_width": "_statistics",
    "substitute": "_docstrings",
    "ticket_to_bytes": "_ticket_file",
    "validate_params": "_private",
}
__all__ = ["lazily", *_HOMES]
__getattr__, __dir__ = lazily(__name__, _HOMES)
