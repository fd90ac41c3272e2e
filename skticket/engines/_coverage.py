"""Which engine computes: what each of them covers, and when it is the faster one.

No rule knows anything of the machine, so that results do not depend on it.
"""

import numpy as np
import torch
from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import (
    BatchScoring,
    EarlyStopping,
    EpochScoring,
    EpochTimer,
    GradientNormClipping,
    LRScheduler,
    PassthroughScoring,
    PrintLog,
    ProgressBar,
)
from torch import nn

from ..network import MLP, Batches, TicketNet, has_listeners
from ..utils import has_hooks, is_as_its_class
from ._optimizers import CompiledAdam, CompiledSGD

_ACTIVATIONS = {
    nn.ReLU: "relu",
    nn.Tanh: "tanh",
    nn.Sigmoid: "logistic",
    nn.Identity: "identity",
}
# Losses of which engines know the plain form, and what makes them plain.
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
# Optimizers whose steps are compiled, and what makes them plain.
_OPTIMIZERS = {
    torch.optim.SGD: (CompiledSGD, {"dampening": 0, "maximize": False}),
    torch.optim.Adam: (
        CompiledAdam,
        {"amsgrad": False, "maximize": False, "decoupled_weight_decay": False},
    ),
}
_NETS = (NeuralNet, NeuralNetClassifier, NeuralNetBinaryClassifier, NeuralNetRegressor, TicketNet)
# Callbacks that see no more of the module than its outputs, its state by name, or all of its
# gradients alike. Others may address a parameter, of which the sparse engine has but one.
_CALLBACKS = (
    EarlyStopping,
    EpochTimer,
    GradientNormClipping,
    LRScheduler,
    PassthroughScoring,
    PrintLog,
    ProgressBar,
)
_SCORINGS = (BatchScoring, EpochScoring)
# Given a gradient of exactly 0 from the start, these leave a weight of 0 as it is; or, with an
# `eps` of 0, make NaN of it, which no mask cures.
_KEEP_ZEROS = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)
# Weights times rows of all steps of a training: less is computed in a third of a second, and a
# search of such trainings ends before the sparse step is compiled for the first time.
_MUCH_WORK = 3_000_000_000
# A network of fewer weights predicts in no time, however that is computed.
_LARGE = 100_000
# Weights times rows of a batch at which a second thread saves more of a step than it waits.
_SHARED_WORK = 600_000
# Where dense and sparse predictions cross, by benchmarks/prediction.py; and those of sparse rows,
# by benchmarks/sparse_rows.py.
_PREDICTION_CROSSOVER, _SPARSE_ROWS_CROSSOVER = 0.35, 0.15


def training_engine(net, ticket, layout, *, n_rows, filled=1.0):
    """Return the name of the engine that trains.

    Parameters
    ----------
    net : skorch.NeuralNet
        Initialized.
    ticket : Ticket
        What it is to train.
    layout : {"auto", "dense", "sparse"}
        How weights are to be stored; "sparse" where that is covered.
    n_rows : int
        Rows of all steps of a whole training, those of each step counted.
    filled : float, default=1.0
        Which share of the inputs a sparse matrix holds; 1 of an array.

    Returns
    -------
    {"sparse", "dense", "autograd"}
    """
    if layout != "dense" and _sparse_covers(net):
        if layout == "sparse" or _sparse_step_is_faster(ticket, n_rows, filled):
            return "sparse"
    return "dense" if _dense_covers(net) else "autograd"


def prediction_engine(ticket, of_sparse_rows=False):
    """Return the name of the engine that predicts the faster with a default network.

    Parameters
    ----------
    ticket : Ticket
        Of a default network.
    of_sparse_rows : bool, default=False
        Whether the inputs are a sparse matrix.

    Returns
    -------
    {"sparse", "dense"}
    """
    crossover = _SPARSE_ROWS_CROSSOVER if of_sparse_rows else _PREDICTION_CROSSOVER
    is_faster = _is_large(ticket) and ticket.density <= crossover
    return "sparse" if is_faster else "dense"


def n_threads_worth_it(n_weights, batch_size):
    """Return how many threads, of those there are, make a sparse step the fastest.

    Parameters
    ----------
    n_weights : int
        Parameters that are computed.
    batch_size : int
        Rows of a batch.

    Returns
    -------
    {1, 2}
    """
    return 2 if n_weights * batch_size >= _SHARED_WORK and batch_size >= 32 else 1


def activation_of(module):
    """Return the name of a fully connected module's activation; None of another module."""
    if type(module) is MLP:
        return "relu"
    if not _is_sequential(module):
        return None
    parts = list(module)
    linears, activations = parts[::2], {type(part) for part in parts[1::2]}
    if not all(type(part) is nn.Linear and part.bias is not None for part in linears):
        return None
    if len(parts) % 2 == 0 or len(activations) > 1:
        return None
    return _ACTIVATIONS.get(activations.pop()) if activations else "identity"


def _is_sequential(module):
    """Whether a module is a `Sequential`, or of a class that only says of what parts."""
    kinds = type(module).__mro__
    if nn.Sequential not in kinds:
        return False
    own = kinds[: kinds.index(nn.Sequential)]
    methods = {name for kind in own for name, value in vars(kind).items() if callable(value)}
    return methods <= {"__init__"}


def loss_of(net):
    """Return the name of a net's loss; None of one that is not known, or has options."""
    name, plain = _LOSSES.get(type(net.criterion_), (None, {}))
    return name if all(getattr(net.criterion_, k) == v for k, v in plain.items()) else None


def compiled_optimizer(optimizer):
    """Return the class whose steps stand for an optimizer's; None where there is none."""
    compiled, plain = _OPTIMIZERS.get(type(optimizer), (None, {}))
    groups = optimizer.param_groups
    is_plain = len(groups) == 1 and all(groups[0][k] == v for k, v in plain.items())
    return compiled if is_plain else None


def keeps_zeros(optimizer):
    """Tell whether an optimizer never changes a weight of 0 whose gradient is 0."""
    return type(optimizer) in _KEEP_ZEROS


def _sparse_covers(net):
    return (
        type(net) in _NETS
        and net.iterator_train is Batches
        and str(net.device) == "cpu"
        and activation_of(net.module_) is not None
        and _is_untouched(net.module_)
        and all(map(_is_known, net.callbacks_))
        and loss_of(net) is not None
        and _is_untouched(net.criterion_)
        and compiled_optimizer(net.optimizer_) is not None
    )


def _is_untouched(module):
    """Whether a module does what its class says: no hooks, no ties, nothing frozen or replaced."""
    # A tie, and a part that is there twice, shows as a parameter that has two names.
    parameters = [p for _, p in module.named_parameters(remove_duplicate=False)]
    return (
        not has_hooks(module)
        and all(map(is_as_its_class, module.modules()))
        and len(set(map(id, parameters))) == len(parameters)
        and all(
            type(p) is nn.Parameter and p.dtype == torch.float32 and p.requires_grad
            for p in parameters
        )
        and not list(module.buffers())
    )


def _is_known(named_callback):
    _, callback = named_callback
    if type(callback) in _SCORINGS:
        return isinstance(callback.scoring, str)
    return type(callback) in _CALLBACKS


def _dense_covers(net):
    """Whether nothing would see or change what happens within a step of an `MLP`."""
    return (
        not has_listeners(net)
        and net.iterator_train is Batches
        and type(net.module_) is MLP
        and all(parameter.requires_grad for parameter in net.module_.parameters())
        and isinstance(net.criterion_, nn.Module)
        and not list(net.criterion_.parameters())
    )


def _sparse_step_is_faster(ticket, n_rows, filled):
    """Whether the compiled step is the faster one, and there are enough of them.

    The rule lies between what benchmarks/crossover.py measured on two cores of servers'
    processors. At batches of 60 and 128, on one (AMD EPYC, two cores of their own), networks of
    270,000 weights take less time in this layout at every density, those of 1,800,000 from 0.5
    downwards; on another (Intel Xeon, two threads of a core) the former did from 0.55 downwards,
    before nearly full layers were computed whole. Networks of 60,000 weights and fewer take less
    time than the dense layout's overhead. The fewer of its weights fit in the cache, the more a
    surviving one costs. A sparse matrix, of which the compiled step computes no more than there
    is, and the dense one all, moves it upwards.
    """
    n_all = _n_all(ticket)
    density = ticket.density * _share_computed(ticket, filled)
    return n_all * n_rows >= _MUCH_WORK and density <= 600 / np.sqrt(n_all)


def _share_computed(ticket, filled):
    """About which share of a step's time is left where inputs are rarely not 0."""
    first = next(iter(ticket.mask.values())).size / _n_all(ticket)
    return 1 - first * max(0.0, 0.75 - 20 * filled)


def _is_large(ticket):
    return _n_all(ticket) >= _LARGE


def _n_all(ticket):
    return sum(mask.size for mask in ticket.mask.values())
