"""The torch module of the default network, and the way between modules and arrays."""

from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import nn

from .ticket import Ticket

__all__ = ["MLP"]

_PRUNABLE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


class MLP(nn.Module):
    """Fully connected ReLU network, as `MLPClassifier` would build it.

    Its parameters are named `layers.0.weight`, `layers.0.bias`, `layers.1.weight`
    and so on, and hold arbitrary values until arrays are loaded.

    Parameters
    ----------
    n_inputs : int
        Number of input features.
    hidden_layer_sizes : sequence of int
        Number of units of each hidden layer.
    n_outputs : int
        Number of output units. The output of a single unit is a vector.

    Examples
    --------
    >>> import torch
    >>> from skticket.network import MLP
    >>> MLP(4, (3,), 2)(torch.zeros(5, 4)).shape
    torch.Size([5, 2])
    """

    def __init__(self, n_inputs, hidden_layer_sizes, n_outputs):
        super().__init__()
        sizes = [n_inputs, *hidden_layer_sizes, n_outputs]
        self.layers = nn.ModuleList(map(_Linear, sizes, sizes[1:]))

    def forward(self, X):
        """Return the outputs before any softmax or logistic function."""
        *hidden, last = self.layers
        for layer in hidden:
            X = torch.relu(layer(X))
        return self.shape_output(last(X))

    def shape_output(self, output):
        """Return the last layer's outputs as the losses take them."""
        return output.squeeze(1) if self.layers[-1].out_features == 1 else output


class _Linear(nn.Linear):
    def reset_parameters(self):
        """Draw no values, which others would replace, and leave torch's global generator alone."""


def draw_initial(hidden_layer_sizes, n_inputs, n_outputs, init, random_state):
    """Return initial arrays of an `MLP`: weights drawn from `init`, biases 0."""
    sizes = [n_inputs, *hidden_layer_sizes, n_outputs]
    arrays = {}
    for i, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False)):
        weights = np.asarray(init((n_out, n_in), random_state), np.float32)
        if weights.shape != (n_out, n_in):
            raise ValueError(
                f"init must return an array of the shape it is given, {(n_out, n_in)}, "
                f"got {weights.shape}"
            )
        arrays[f"layers.{i}.weight"] = weights
        arrays[f"layers.{i}.bias"] = np.zeros(n_out, np.float32)
    return arrays


def read_arrays(module):
    """Copy all parameters and buffers of a module into arrays, by name."""
    return {name: t.detach().cpu().numpy().copy() for name, t in module.state_dict().items()}


def load_arrays(module, arrays):
    """Copy arrays into the parameters and buffers of a module, in place."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            # torch.from_numpy would warn of the ticket's read-only memory.
            tensor.copy_(torch.tensor(arrays[name]))


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
    masks = {name: np.ones(arrays[name].shape, bool) for name in prunable_names(module)}
    return Ticket(arrays, masks)


def survival_factors(module, mask):
    """Return 1 where a weight survives and 0 elsewhere, for each weight of which some are pruned.

    Multiplying by 0 and 1 is several times faster than filling by a boolean mask.
    """
    named = dict(module.named_parameters())
    return {
        name: torch.tensor(array).to(named[name]) for name, array in mask.items() if not array.all()
    }


@contextmanager
def masked_gradients(module, factors):
    """Mask the gradients that autograd computes.

    Optimizers that couple weights (by clipping, or by a line search) must not see
    pruned gradients. It is not enough: see `masked_weights`.
    """

    def mask_gradient(factor, parameter):
        parameter.grad.mul_(factor)

    named = dict(module.named_parameters())
    hooks = [
        named[name].register_post_accumulate_grad_hook(partial(mask_gradient, factor))
        for name, factor in factors.items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def masked_weights(module, optimizer, factors):
    """Keep the pruned weights of a module exactly 0 while `optimizer` trains it.

    Weight decay and momentum would revive a weight whose gradient alone is masked.
    """
    named = dict(module.named_parameters())
    parameters, factors = [named[name] for name in factors], list(factors.values())

    def mask_weights(*_):
        with torch.no_grad():
            torch._foreach_mul_(parameters, factors)

    hook = optimizer.register_step_post_hook(mask_weights) if parameters else None
    try:
        yield
    finally:
        if hook is not None:
            hook.remove()
