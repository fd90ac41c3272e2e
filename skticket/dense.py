"""The dense layout's training step of the default network: backpropagation written out.

skorch goes on running the training. Without autograd's bookkeeping a step of a small
network takes half as long, and what two threads may share without changing a bit is known.
"""

from contextlib import contextmanager, nullcontext

import torch
from skorch.utils import TeeGenerator, to_tensor
from torch import nn

from .network import MLP
from .sparse import Rows

__all__ = ["DenseStep"]

# Products of smaller layers are not worth a second thread.
_LARGE_LAYER = 100_000
# Given a gradient of exactly 0 from the start, these leave a weight of 0 as it is.
_KEEP_ZEROS = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)


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

    torch's own threads share only what they cannot change: elementwise updates, copies,
    and the products of large layers, each as a batch of two products of half the rows,
    whatever the number of threads.

    Parameters
    ----------
    net : skorch.NeuralNet
        Initialized. Its batches may be `Rows` yet to be gathered.
    survive : dict of str to tensor
        1 where a weight survives, 0 where it was pruned, by the weight's name;
        without the weights of which nothing was pruned.
    n_threads : int
        How many threads torch may use, at most two; it is on one outside of the step.
    """

    def __init__(self, net, survive, n_threads):
        self.net = net
        self.layers = list(net.module_.layers)
        self.survive = [survive.get(f"layers.{k}.weight") for k in range(len(self.layers))]
        self.n_threads = min(n_threads, 2)
        self.updates_in_threads = all(group.get("fused") for group in net.optimizer_.param_groups)
        for parameter in net.module_.parameters():
            parameter.grad = torch.zeros_like(parameter)

    def train_step(self, batch, **fit_params):
        """Compute loss and gradients of a batch and update the weights."""
        net = self.net
        steps = net.get_train_step_accumulator()
        X, y = batch
        if isinstance(X, Rows):
            with self._threads():
                X = X.gather()
        X = to_tensor(X, device=net.device)

        def compute():
            with threads(1):
                step = self._gradients(X, y)
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
        with self._threads() if self.updates_in_threads else nullcontext():
            net._step_optimizer(compute)
        return steps.get_step()

    @torch.no_grad()
    def infer(self, X, **fit_params):
        """Return the outputs, for evaluation: without a graph."""
        X = to_tensor(X, device=self.net.device)
        shared = _is_large(self.layers[0].weight) and len(X) > 1
        return self.net.module_.shape_output(self._forward(X, shared)[-1])

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
            self._multiply(errors.T, units[number], layer.weight, out=layer.weight.grad)
            if self.survive[number] is not None:
                layer.weight.grad.mul_(self.survive[number])
            torch.sum(errors, 0, out=layer.bias.grad)
            if number > 0:
                errors = self._multiply(errors, layer.weight, layer.weight)
                # 0 where the rectified unit is.
                errors = torch.ops.aten.threshold_backward(errors, units[number], 0)
        return {"loss": loss.detach(), "y_pred": y_pred.detach()}

    def _forward(self, X, shared=None):
        """The inputs of all layers, and the outputs."""
        units = [X]
        for layer in self.layers:
            outputs = self._multiply(units[-1], layer.weight.T, layer.weight, shared, layer.bias)
            units.append(outputs if layer is self.layers[-1] else outputs.relu_())
        return units

    def _multiply(self, left, right, weight, shared=None, bias=None, out=None):
        """`left @ right + bias`, a product of a layer of such a weight."""
        shared = _is_large(weight) and len(left) > 1 if shared is None else shared
        if not shared:
            return _product(left, right, bias, out)
        out = left.new_empty(len(left), right.shape[1]) if out is None else out
        if len(left) % 2:
            for rows, part in zip(left.tensor_split(2), out.tensor_split(2), strict=True):
                _product(rows, right, bias, part)
            return out
        left, parts = left.unflatten(0, (2, -1)), out.unflatten(0, (2, -1))
        right = right.expand(2, -1, -1)
        with self._threads():
            if bias is None:
                torch.bmm(left, right, out=parts)
            else:
                torch.baddbmm(bias.expand(2, 1, -1), left, right, out=parts)
        return out

    def _threads(self):
        return threads(self.n_threads)


def _product(left, right, bias, out):
    if bias is None:
        return torch.mm(left, right, out=out)
    return torch.addmm(bias, left, right, out=out)


def _is_large(weight):
    return weight.numel() >= _LARGE_LAYER and weight.device.type == "cpu"


@contextmanager
def threads(n_threads):
    """Let torch use so many threads for a while."""
    before = torch.get_num_threads()
    if before == n_threads:
        yield
        return
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
