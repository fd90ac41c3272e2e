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
