"""What strategies ask of a network: derivatives at its initial weights, as arrays."""

from functools import cached_property

import numpy as np
import torch
from sklearn.base import clone

from ..network import as_rows, isolation, load_arrays


class Gradients:
    """Derivatives of a network at a ticket's initial weights, under its masks.

    A pure function of its parameters and of the ticket.

    Parameters
    ----------
    net : skorch.NeuralNet
        The prototype: its module and its loss; it is not changed.
    row_shape : tuple of int
        Shape of one row of inputs.
    data : Data, default=None
        The training rows; only the loss needs them.
    seed : int, default=0
        Determines which rows the loss is taken on, and whatever is random in the net.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from skorch import NeuralNetRegressor
    >>> from skticket import Prune, Ticket
    >>> from skticket.training import Gradients
    >>> net = NeuralNetRegressor(torch.nn.Linear(3, 1), verbose=0)
    >>> weights = {"weight": np.array([[0.3, -0.1, 0.2]]), "bias": np.array([1.0])}
    >>> ticket = Ticket(weights, {"weight": np.ones((1, 3), bool)})
    >>> Prune(1, "synflow", gradients=Gradients(net, (3,))).transform(ticket).mask["weight"]
    array([[ True, False,  True]])
    """

    def __init__(self, net, row_shape, data=None, *, seed=0):
        self.net = net
        self.row_shape = row_shape
        self.data = data
        self.seed = seed

    def of_loss(self, ticket, n_rows=None):
        """Return the gradient of the training loss by the prunable weights.

        Parameters
        ----------
        ticket : Ticket
            Says where: at its initial weights.
        n_rows : int, default=None
            How many training rows, drawn at random, to take the loss on; None, or as
            many as there are, for all.

        Returns
        -------
        dict of str to ndarray
            By the names of the ticket's masks.

        Raises
        ------
        ValueError
            If there are no data.
        """
        with isolation(self.net, self.seed):
            loss, weights = self._loss(ticket, n_rows)
            return _to_arrays(ticket, _gradient(loss, weights))

    def hessian_times_gradient(self, ticket, n_rows=None, temperature=1):
        """Return Hg: the Hessian of the training loss, times its gradient.

        Both are taken by the surviving prunable weights alone.

        Parameters
        ----------
        ticket : Ticket
            Says where: at its initial weights.
        n_rows : int, default=None
            As for `of_loss`.
        temperature : float, default=1
            What the network's outputs are divided by before the loss is taken.

        Returns
        -------
        dict of str to ndarray
            By the names of the ticket's masks.

        Raises
        ------
        ValueError
            If there are no data.
        """
        with isolation(self.net, self.seed):
            loss, weights = self._loss(ticket, n_rows, temperature)
            gradient = _gradient(loss, weights, create_graph=True)
            # The derivative of g·v, with v = g held fixed, is Hv.
            product = sum(
                (g * g.detach() * torch.tensor(mask).to(g)).sum()
                for g, mask in zip(gradient, ticket.mask.values(), strict=True)
            )
            return _to_arrays(ticket, _gradient(product, weights))

    def of_flow(self, ticket):
        """Return the gradient of the synaptic flow by the prunable absolute weights.

        Parameters
        ----------
        ticket : Ticket
            Says where: at the absolute values of its initial parameters.

        Returns
        -------
        dict of str to ndarray of float64
            By the names of the ticket's masks. The flow is the sum of the outputs for
            a row of ones, without the biases of the layers that can be pruned.
        """
        biases = {layer.bias for layer in ticket.layers}
        with isolation(self.net, self.seed):
            module = self._double_module
            load_arrays(module, ticket.initial)
            with torch.no_grad():
                for name, parameter in module.named_parameters():
                    parameter.abs_().mul_(name not in biases)
            output = module(torch.ones(1, *self.row_shape, dtype=torch.float64))
            output = output[0] if isinstance(output, tuple) else output
            return _to_arrays(ticket, _gradient(output.sum(), _weights(module, ticket)))

    @cached_property
    def _initialized(self):
        return clone(self.net).initialize()

    @cached_property
    def _double_module(self):
        # The flow through many layers leaves the range of single precision.
        return clone(self.net).initialize().module_.to("cpu", torch.float64).eval()

    def _loss(self, ticket, n_rows, temperature=1):
        """The loss of a training step on one batch, and the prunable weights in its graph."""
        X, y = self._batch(n_rows)
        net = self._initialized
        load_arrays(net.module_, ticket.initial)
        net.module_.train()
        output = net.infer(X)
        if temperature != 1:
            output = _divide(output, temperature)
        return net.get_loss(output, y, X=X, training=True), _weights(net.module_, ticket)

    def _batch(self, n_rows):
        data = self.data
        if data is None:
            raise ValueError(
                "the strategy scores weights by the loss on training rows, and there are none: "
                "call prune(X=..., y=...) with them"
            )
        everything = data.X.shape[0] if data.rows is None else data.rows
        rows = np.random.RandomState(self.seed).permutation(everything)[:n_rows]
        X = as_rows(data.X, self.net.device).index_select(0, torch.from_numpy(rows))
        y, weight = (
            None if array is None else torch.as_tensor(array[rows], device=self.net.device)
            for array in (data.y, data.weight)
        )
        return X, y if weight is None else (y, weight)


def _divide(output, temperature):
    """Divide a module's output; of several, the first is the one that predicts."""
    if isinstance(output, tuple):
        return output[0] / temperature, *output[1:]
    return output / temperature


def _weights(module, ticket):
    named = dict(module.named_parameters())
    return [named[name] for name in ticket.mask]


def _gradient(value, weights, **options):
    # A weight that the value does not depend on has the derivative 0.
    return torch.autograd.grad(value, weights, allow_unused=True, materialize_grads=True, **options)


def _to_arrays(ticket, tensors):
    arrays = (tensor.detach().cpu().numpy() for tensor in tensors)
    return dict(zip(ticket.mask, arrays, strict=True))
