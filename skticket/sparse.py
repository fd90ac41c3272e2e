"""A torch module over the compiled sparse network, and the skorch net that trains it.

skorch goes on running the training: epochs, evaluations, history and callbacks are
those of the dense layout. Only the step is another one.
"""

import numpy as np
import torch
from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
from torch import nn

from .kernels import SGD, Adam, SparseNetwork
from .network import MLP

__all__ = ["SparseModule", "train_sparsely"]

_ACTIVATIONS = {
    nn.ReLU: "relu",
    nn.Tanh: "tanh",
    nn.Sigmoid: "logistic",
    nn.Identity: "identity",
}
# Losses of which the compiled step knows the plain form, and what makes them plain.
_LOSSES = {
    nn.CrossEntropyLoss: (
        "cross_entropy",
        {"weight": None, "ignore_index": -100, "label_smoothing": 0.0, "reduction": "mean"},
    ),
    nn.BCEWithLogitsLoss: (
        "binary_cross_entropy",
        {"weight": None, "pos_weight": None, "reduction": "mean"},
    ),
    nn.MSELoss: ("squared_error", {"reduction": "mean"}),
}
_OPTIMIZERS = {
    torch.optim.SGD: (
        SGD,
        ("lr", "momentum", "nesterov", "weight_decay"),
        {"dampening": 0, "maximize": False},
    ),
    torch.optim.Adam: (
        Adam,
        ("lr", "betas", "eps", "weight_decay"),
        {"amsgrad": False, "maximize": False, "decoupled_weight_decay": False},
    ),
}
_NETS = (NeuralNet, NeuralNetClassifier, NeuralNetBinaryClassifier, NeuralNetRegressor)


class SparseModule(nn.Module):
    """The surviving weights and the biases of a fully connected network, as one parameter.

    Its `state_dict` is that of the dense module, with zeros where it was pruned, so
    that whoever saves or reads the module sees the same in both layouts.

    Parameters
    ----------
    network : SparseNetwork
        What computes; the parameter and its gradient share its memory.
    names : list of str
        Names of the dense module's weights.
    squeeze : bool
        Whether the output of a single unit is a vector.
    """

    def __init__(self, network, names, squeeze):
        super().__init__()
        self.network = network
        self.names = names
        self.squeeze = squeeze
        self.values = nn.Parameter(torch.from_numpy(network.parameters))
        self.values.grad = torch.from_numpy(network.gradients)

    def forward(self, X):
        """Return the outputs; without a graph, because gradients are computed elsewhere."""
        output = torch.from_numpy(self.network.predict(X.numpy(), n_threads=1))
        return output.squeeze(1) if self.squeeze else output

    def state_dict(self, *args, **kwargs):
        """Return the dense module's state."""
        weights, biases = self.network.to_dense()
        state = {}
        for name, weight, bias in zip(self.names, weights, biases, strict=True):
            state[name] = torch.from_numpy(weight)
            state[_bias_name(name)] = torch.from_numpy(bias)
        return state

    def load_state_dict(self, state_dict, *args, **kwargs):
        """Take the values from the dense module's state."""
        self.network.set_dense(
            [state_dict[name].numpy() for name in self.names],
            [state_dict[_bias_name(name)].numpy() for name in self.names],
        )


def _bias_name(name):
    return name.removesuffix("weight") + "bias"


def _activation(module):
    """Return the activation of a fully connected module, or None if it is another module."""
    if type(module) is MLP:
        return "relu"
    if type(module).forward is not nn.Sequential.forward:
        return None
    parts = list(module)
    linears, activations = parts[::2], {type(part) for part in parts[1::2]}
    if not all(type(part) is nn.Linear and part.bias is not None for part in linears):
        return None
    if len(parts) % 2 == 0 or len(activations) > 1:
        return None
    return _ACTIVATIONS.get(activations.pop()) if activations else "identity"


def _plain(value, expected):
    """Whether the attributes (or options) of `value` are the expected ones."""
    get = value.get if isinstance(value, dict) else lambda name, _: getattr(value, name)
    return all(get(name, default) == default for name, default in expected.items())


def is_covered(net, own_nets=()):
    """Tell whether the compiled step can train an initialized net.

    Parameters
    ----------
    net : skorch.NeuralNet
        An initialized net.
    own_nets : tuple of type, default=()
        Classes of nets, beside skorch's own, whose steps are plain.

    Returns
    -------
    bool
    """
    optimizer = type(net.optimizer_)
    groups = net.optimizer_.param_groups
    return (
        type(net) in (*_NETS, *own_nets)
        and str(net.device) == "cpu"
        and not net.compile
        and _activation(net.module_) is not None
        and all(p.dtype == torch.float32 and p.requires_grad for p in net.module_.parameters())
        and has_plain_loss(net)
        and optimizer in _OPTIMIZERS
        and len(groups) == 1
        and _plain(groups[0], _OPTIMIZERS[optimizer][2])
    )


def has_plain_loss(net):
    """Tell whether a net's loss is one of `_LOSSES`, without options."""
    kind = type(net.criterion_)
    return kind in _LOSSES and _plain(net.criterion_, _LOSSES[kind][1])


def sparse_is_faster(ticket):
    """Tell whether the compiled step is the faster one for a ticket.

    The rule knows nothing of the machine, so that results do not depend on it. It lies
    between what benchmarks/crossover.py measured on two cores of a server's processor, where
    only the dense layout takes the second thread. At batches of 128, with SGD, the layouts
    cross at a density of 0.58 for a network of 270,000 weights, 0.43 for 650,000 and 0.32
    for 1,800,000: the fewer of its weights fit in the cache, the more a surviving one costs.
    Smaller batches, Adam, or a single thread move it upwards. Networks of fewer than
    100,000 weights train in seconds in either layout, less than it takes to compile the
    step for the first time.

    Parameters
    ----------
    ticket : Ticket
        Of a fully connected network.

    Returns
    -------
    bool
    """
    n_weights = sum(mask.size for mask in ticket.mask.values())
    return is_large(ticket) and ticket.density <= min(0.6, 38.6 / np.cbrt(n_weights))


def is_large(ticket):
    """Tell whether a full network is large enough to be worth compiling for."""
    return sum(mask.size for mask in ticket.mask.values()) >= 100_000


def train_sparsely(net, ticket, data, *, has_listeners):
    """Make an initialized net, which `is_covered`, train the sparse layout of a ticket.

    Parameters
    ----------
    net : skorch.NeuralNet
        Changed in place: its module becomes a `SparseModule`, its optimizer starts
        afresh, and its `train_step` is the compiled one.
    ticket : Ticket
        Masks and current weights.
    data : Data
        Training rows, of which batches name positions where nobody listens.
    has_listeners : bool
        Whether callbacks are to be told of gradients, and given batches and predictions.
    """
    names = list(ticket.mask)
    # On one thread: each of two would read all weights for half the columns of a batch.
    network = SparseNetwork(
        [ticket.weights[name] for name in names],
        [ticket.mask[name] for name in names],
        [ticket.weights[_bias_name(name)] for name in names],
        activation=_activation(net.module_),
        loss=_LOSSES[type(net.criterion_)][0],
    )
    squeeze = type(net.module_) is MLP and network.shapes[-1][0] == 1
    with net._current_init_context("module"):
        net.module_ = SparseModule(network, names, squeeze)
    net.initialize_optimizer()
    net.train_step = _SparseStep(net, network, data, has_listeners)


class _SparseStep:
    """skorch's `train_step`, compiled."""

    def __init__(self, net, network, data, has_listeners):
        self.net = net
        self.network = network
        self.data = data
        self.has_listeners = has_listeners
        kind, self.options, _ = _OPTIMIZERS[type(net.optimizer_)]
        self.optimizer = kind()

    def __call__(self, batch, **fit_params):
        net, network = self.net, self.network
        X, y = batch
        y_pred = None
        if self.has_listeners:
            y_pred = net.module_(X)
            y, weight = y if isinstance(y, tuple) else (y, None)
            loss = network.compute_gradients(X.numpy(), y.numpy(), sample_weight=weight)
            net.notify(
                "on_grad_computed",
                named_parameters=net.module_.named_parameters(),
                batch=batch,
                training=True,
            )
        else:
            rows, data = X.numpy(), self.data
            loss = network.compute_gradients(data.X, data.y, rows=rows, sample_weight=data.weight)
        # Read at each step, because callbacks change learning rates there.
        group = net.optimizer_.param_groups[0]
        for option in self.options:
            setattr(self.optimizer, option, group[option])
        self.optimizer.update(network.parameters, network.gradients)
        # torch's learning rate schedulers warn unless the optimizer has stepped.
        net.optimizer_._opt_called = True
        return {"loss": np.float64(loss), "y_pred": y_pred}
