"""The way between torch modules and arrays."""

import torch
from torch import nn

from ..ticket import Ticket
from ..utils import shared_tensor

_PRUNABLE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def read_arrays(module):
    """Copy all parameters and buffers of a module into arrays, by name."""
    return {name: t.detach().cpu().numpy().copy() for name, t in module.state_dict().items()}


def load_arrays(module, arrays):
    """Copy arrays into the parameters and buffers of a module, in place."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            tensor.copy_(shared_tensor(arrays[name]))


def prunable_names(module):
    """Names of the weights of linear and convolutional layers, in the module's order.

    Raises
    ------
    ValueError
        If the module has no such layer.
    """
    names = [
        f"{path}.weight" if path else "weight"
        for path, part in module.named_modules()
        if isinstance(part, _PRUNABLE)
    ]
    if not names:
        raise ValueError(
            "net's module has no Linear or Conv layer, so nothing in it can be pruned: "
            f"{type(module).__name__}"
        )
    return names


def new_ticket(module, arrays=None):
    """Return the ticket of a full network: nothing pruned, nothing trained."""
    arrays = read_arrays(module) if arrays is None else arrays
    return Ticket.full(arrays, prunable_names(module))
