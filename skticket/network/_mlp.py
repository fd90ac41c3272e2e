"""The torch module of the default network."""

import numpy as np
import torch
from torch import nn


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


def prunable_shapes(hidden_layer_sizes, n_inputs, n_outputs):
    """Yield name and shape of each weight of an `MLP`, from input to output."""
    sizes = [n_inputs, *hidden_layer_sizes, n_outputs]
    for i, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False)):
        yield f"layers.{i}.weight", (n_out, n_in)


def check_same_network(ticket, layer_sizes):
    """Raise an error unless a ticket is of the default network of these sizes."""
    expected = dict(prunable_shapes(*layer_sizes))
    found = {name: mask.shape for name, mask in ticket.mask.items()}
    if found != expected:
        raise ValueError(
            f"hidden_layer_sizes is {layer_sizes[0]} now, but the ticket's weights have the shapes "
            f"{list(found.values())}; fit anew to change the network"
        )


def hidden_of_ticket(ticket, n_inputs, n_outputs):
    """Return the sizes of a ticket's hidden layers, if it is of a default network with such ends.

    Raises
    ------
    ValueError
        If the ticket is of another kind of network, or takes or gives another number of values.
    """
    shapes = [mask.shape for mask in ticket.mask.values()]
    expected = {
        name for i in range(len(shapes)) for name in (f"layers.{i}.weight", f"layers.{i}.bias")
    }
    if not ticket.is_chain or ticket.initial.keys() != expected:
        raise ValueError(
            "ticket is not one of the default network, fully connected with the layers 0, 1, …; "
            f"give the net, too, that it is of: its parameters are {list(ticket.initial)}"
        )
    if shapes[0][1] != n_inputs:
        raise ValueError(f"ticket takes {shapes[0][1]} inputs, but X has {n_inputs} features")
    if shapes[-1][0] != n_outputs:
        raise ValueError(f"ticket has {shapes[-1][0]} outputs, but y needs {n_outputs}")
    return tuple(n_units for n_units, _ in shapes[:-1])


def draw_initial(hidden_layer_sizes, n_inputs, n_outputs, init, random_state):
    """Return initial arrays of an `MLP`: weights drawn from `init`, biases 0."""
    arrays = {}
    for name, shape in prunable_shapes(hidden_layer_sizes, n_inputs, n_outputs):
        weights = np.asarray(init(shape, random_state), np.float32)
        if weights.shape != shape:
            raise ValueError(
                f"init must return an array of the shape it is given, {shape}, got {weights.shape}"
            )
        arrays[name] = weights
        arrays[name.replace("weight", "bias")] = np.zeros(shape[0], np.float32)
    return arrays
