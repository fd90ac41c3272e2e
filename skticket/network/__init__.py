"""The torch module, arrays in and out, the skorch net, data and batches."""

from ._arrays import load_arrays, new_ticket, prunable_names, read_arrays
from ._batches import Batches, n_batch_rows
from ._data import Data, on_device
from ._mlp import MLP, check_same_network, draw_initial, hidden_of_ticket
from ._net import (
    EVALUATION_ROWS,
    OPTIMIZERS,
    TicketNet,
    check_device,
    check_outputs,
    default_net,
    first_ticket,
    has_listeners,
    has_own_batches,
    isolation,
    layer_sizes_of,
    prediction_net,
    presence,
    restarted,
    rows_per_batch,
    steps_per_epoch,
    takes_rows,
    with_batches,
)
from ._rows import Rows, as_rows, content_of, share_filled

__all__ = [
    "EVALUATION_ROWS",
    "MLP",
    "OPTIMIZERS",
    "Batches",
    "Data",
    "Rows",
    "TicketNet",
    "as_rows",
    "check_device",
    "check_outputs",
    "check_same_network",
    "content_of",
    "default_net",
    "draw_initial",
    "first_ticket",
    "has_listeners",
    "has_own_batches",
    "hidden_of_ticket",
    "isolation",
    "layer_sizes_of",
    "load_arrays",
    "n_batch_rows",
    "new_ticket",
    "on_device",
    "prediction_net",
    "presence",
    "prunable_names",
    "read_arrays",
    "restarted",
    "rows_per_batch",
    "share_filled",
    "steps_per_epoch",
    "takes_rows",
    "with_batches",
]
