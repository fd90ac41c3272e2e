"""The way between torch modules and arrays."""

import torch
from torch import nn

from ..ticket import Ticket
from ..utils import shared_tensor

_PRUNABLE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def _named_tensors(module):
    """Parameters and buffers by name; one that is there twice has its first name alone."""
    named = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        if all(tensor is not other for other in named.values()):
            named[name] = tensor
    return named


def read_arrays(module):
    """Copy all parameters and buffers of a module into arrays, by name."""
    return {name: t.detach().cpu().numpy().copy() for name, t in _named_tensors(module).items()}


def load_arrays(module, arrays):
    """Copy arrays into the parameters and buffers of a module, in place."""
    with torch.no_grad():
        for name, tensor in _named_tensors(module).items():
            tensor.copy_(shared_tensor(arrays[name]))


def prunable_names(module):
    """Names of the weights of linear and convolutional layers, in the module's order.

    Weights that are frozen (`requires_grad=False`) are none; one that several layers share is one.

    Raises
    ------
    ValueError
        If the module has no such layer, or if a layer's weight is computed from other parameters.
    """
    layers = {path: part for path, part in module.named_modules() if isinstance(part, _PRUNABLE)}
    for path, part in layers.items():
        if "weight" not in dict(part.named_parameters(recurse=False)):
            raise ValueError(
                f"net's module has a {type(part).__name__} {path!r} whose weight is no parameter "
                "but computed from others, as weight_norm and spectral_norm do; such a layer "
                "cannot be pruned"
            )
    weights = {f"{path}.weight" if path else "weight": part.weight for path, part in layers.items()}
    tensors = _named_tensors(module)
    names = [name for name, weight in weights.items() if name in tensors and weight.requires_grad]
    if not names:
        raise ValueError(
            "net's module has no Linear or Conv layer with a weight that trains, so nothing in it "
            f"can be pruned: {type(module).__name__}"
        )
    return names


def new_ticket(module, arrays=None):
    """Return the ticket of a full network: nothing pruned, nothing trained."""
    arrays = read_arrays(module) if arrays is None else arrays
    return Ticket.full(arrays, prunable_names(module))
