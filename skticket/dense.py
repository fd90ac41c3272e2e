"""The dense layout's training step of the default network: backpropagation written out.

skorch goes on running the training. Without autograd's bookkeeping a step of a small
network takes half as long, and a large layer's products can be shared by two threads.
"""

from concurrent.futures import ThreadPoolExecutor

import torch
from skorch.utils import TeeGenerator, to_tensor
from torch import nn

from .network import MLP

__all__ = ["DenseStep", "Halves"]

# Products of smaller layers are done before a second thread has started.
_LARGE_LAYER = 100_000
# Given a gradient of exactly 0 from the start, these leave a weight of 0 as it is.
_KEEP_ZEROS = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)


class Halves:
    """Two halves of a task, side by side if there is a thread for the second.

    Tasks are cut alike for one thread and for two, so that results do not depend on it.

    Parameters
    ----------
    n_threads : int
        Including the caller's.

    Examples
    --------
    >>> from skticket.dense import Halves
    >>> with Halves(n_threads=2) as halves:
    ...     halves(lambda number: None)
    """

    def __init__(self, n_threads):
        self._n_threads = n_threads
        self._executor = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self._executor is not None:
            self._executor.shutdown()

    def __call__(self, task):
        """Call `task(0)` and `task(1)`."""
        if self._n_threads < 2:
            task(0)
            task(1)
            return
        if self._executor is None:
            # Each thread has torch's number of threads for itself.
            self._executor = ThreadPoolExecutor(
                1, "skticket-dense", initializer=torch.set_num_threads, initargs=(1,)
            )
        other = self._executor.submit(task, 1)
        try:
            task(0)
        finally:
            other.result()  # it writes into the caller's tensors


def is_covered(net):
    """Tell whether `DenseStep` can train an initialized net.

    It must have an `MLP`, and nothing that would see or change what happens within a
    step: callbacks of the user's, frozen parameters, or a loss with its own.
    """
    return (
        type(net.module_) is MLP
        and not net.callbacks
        and not net.compile
        and all(parameter.requires_grad for parameter in net.module_.parameters())
        and isinstance(net.criterion_, nn.Module)
        and not list(net.criterion_.parameters())
    )


def keeps_zeros(optimizer):
    """Tell whether an optimizer never changes a weight of 0 whose gradient is 0."""
    return type(optimizer) in _KEEP_ZEROS and all(
        group.get("eps", 1) > 0 for group in optimizer.param_groups
    )


class DenseStep:
    """skorch's `train_step` and `infer` for an `MLP`.

    Parameters
    ----------
    net : skorch.NeuralNet
        Initialized.
    survive : dict of str to tensor
        1 where a weight survives, 0 where it was pruned, by the weight's name;
        without the weights of which nothing was pruned.
    halves : Halves
        What computes large layers.
    """

    def __init__(self, net, survive, halves):
        self.net = net
        self.layers = list(net.module_.layers)
        self.survive = [survive.get(f"layers.{k}.weight") for k in range(len(self.layers))]
        self.halves = halves
        for parameter in net.module_.parameters():
            parameter.grad = torch.zeros_like(parameter)

    def train_step(self, batch, **fit_params):
        """Compute loss and gradients of a batch and update the weights."""
        net = self.net
        steps = net.get_train_step_accumulator()

        def compute():
            X, y = batch
            step = self._gradients(to_tensor(X, device=net.device), y)
            steps.store_step(step)
            net.notify(
                "on_grad_computed",
                named_parameters=TeeGenerator(net.get_all_learnable_params()),
                batch=batch,
                training=True,
            )
            return step["loss"]

        if not net.module_.training:
            net._set_training(True)
        net._step_optimizer(compute)
        return steps.get_step()

    @torch.no_grad()
    def infer(self, X, **fit_params):
        """Return the outputs, for evaluation: without a graph."""
        module = self.net.module_
        X = to_tensor(X, device=self.net.device)
        if not _is_shared(self.layers[0].weight, X):
            return module(X)
        rows, parts = _halve(X), [None, None]

        def forward(k):
            with torch.no_grad():
                parts[k] = module(rows[k])

        self.halves(forward)
        return torch.cat(parts)

    @torch.no_grad()
    def _gradients(self, X, y):
        units = self._forward(X)
        output = units.pop().requires_grad_()
        with torch.enable_grad():
            y_pred = self.net.module_.shape_output(output)
            loss = self.net.get_loss(y_pred, y, X=X, training=True)
            (errors,) = torch.autograd.grad(loss, output)
        for number in reversed(range(len(self.layers))):
            layer = self.layers[number]
            self._weight_gradient(layer.weight, errors, units[number])
            if self.survive[number] is not None:
                layer.weight.grad.mul_(self.survive[number])
            torch.sum(errors, 0, out=layer.bias.grad)
            if number > 0:
                errors = self._input_gradient(layer.weight, errors)
                # 0 where the rectified unit is.
                errors = torch.ops.aten.threshold_backward(errors, units[number], 0)
        return {"loss": loss.detach(), "y_pred": y_pred.detach()}

    def _forward(self, X):
        """The inputs of all layers, and the outputs."""
        units = [X]
        for layer in self.layers[:-1]:
            units.append(self._linear(units[-1], layer).relu_())
        return [*units, self._linear(units[-1], self.layers[-1])]

    def _linear(self, X, layer):
        weight, bias = layer.weight.T, layer.bias
        if not _is_shared(layer.weight, X):
            return torch.addmm(bias, X, weight)
        out = X.new_empty(len(X), len(bias))
        parts = _halve(X), _halve(out)
        self.halves(lambda k: _quietly(torch.addmm, bias, parts[0][k], weight, out=parts[1][k]))
        return out

    def _weight_gradient(self, weight, errors, X):
        if not _is_shared(weight, X):
            torch.mm(errors.T, X, out=weight.grad)
            return
        parts = _halve(errors.T), _halve(weight.grad)
        self.halves(lambda k: _quietly(torch.mm, parts[0][k], X, out=parts[1][k]))

    def _input_gradient(self, weight, errors):
        if not _is_shared(weight, errors):
            return errors @ weight
        out = errors.new_empty(len(errors), weight.shape[1])
        parts = _halve(errors), _halve(out)
        self.halves(lambda k: _quietly(torch.mm, parts[0][k], weight, out=parts[1][k]))
        return out


def _is_shared(weight, X):
    return weight.numel() >= _LARGE_LAYER and len(X) > 1 and weight.device.type == "cpu"


def _halve(tensor):
    return tensor.tensor_split(2)


def _quietly(function, *arguments, **options):
    # Whether gradients are recorded is each thread's own matter.
    with torch.no_grad():
        function(*arguments, **options)
