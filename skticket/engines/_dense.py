"""The dense layout's training step of the default network: backpropagation written out.

skorch goes on running the training. Without autograd's bookkeeping a step of a small
network takes half as long, and what two threads may share without changing a bit is known.
"""

from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice

import torch
from skorch.utils import to_tensor

from ..network import rows_per_batch
from ..utils import on_threads
from ._autograd import change_masks, masked_weights, survival_factors
from ._coverage import keeps_zeros, loss_of
from ._team import Pace

# Weights of a layer times rows of a batch: one such layer makes a network worth a second thread,
# for its layers of the other size.
_LARGEST_WORK, _SHARED_WORK = 10_000_000, 1_200_000
_MOST_THREADS = 2
# So many steps are taken before it is asked again how many threads are the faster.
_STEPS = 32


@contextmanager
def dense_engine(net, ticket, data, n_threads):
    """Let `_DenseSteps` take the steps of a default net."""
    n_threads = min(n_threads, _MOST_THREADS)
    factors = survival_factors(net.module_, ticket.mask)
    steps = _DenseSteps(net, factors, rows_per_batch(net, data.n_rows), n_threads)
    net.take_steps, net.infer = steps.take, steps.infer
    with ExitStack() as stack:
        if not keeps_zeros(net.optimizer_):
            stack.enter_context(masked_weights(net, factors))
        yield partial(change_masks, net, factors)


class _DenseSteps:
    """A `TicketNet`'s `take_steps`, and its `infer`, for an `MLP`.

    torch's own threads share only what they cannot change: the products of large layers,
    each as a batch of two products of half the rows, whatever the number of threads; and a
    fused optimizer's update, number by number.

    Parameters
    ----------
    net : skorch.NeuralNet
        Initialized, and `is_covered`.
    survive : dict of str to tensor
        1 where a weight survives, 0 where it was pruned, by the weight's name;
        without the weights of which nothing was pruned.
    batch_size : int
        Rows of a batch.
    n_threads : int
        How many threads torch may use, where that is the faster; it is on one outside of the step.
    """

    def __init__(self, net, survive, batch_size, n_threads):
        self.net = net
        self.layers = list(net.module_.layers)
        self.survive = [survive.get(f"layers.{k}.weight") for k in range(len(self.layers))]
        self.is_shared = _shared_layers(self.layers, batch_size)
        self.most_threads = n_threads if any(self.is_shared) else 1
        self.n_threads = self.most_threads
        self.pace = Pace()
        self.is_fused = all(group.get("fused") for group in net.optimizer_.param_groups)
        self.known_loss = loss_of(net)
        for parameter in net.module_.parameters():
            parameter.grad = torch.zeros_like(parameter)

    def take(self, batches, rows):
        """Take a step a batch of the rows; return the loss of each."""
        if not self.net.module_.training:
            self.net.module_.train()
        losses, n_left = [], -(-len(rows) // batches.batch_size)
        with on_threads(1):
            examples = batches.of(rows)
            while n_left:
                self.n_threads, n_steps = self.pace.choose(self.most_threads, min(n_left, _STEPS))
                batches.n_threads = self.n_threads
                with self.pace.measured(self.n_threads, n_steps):
                    losses += [self._take_one(X, y) for X, y in islice(examples, n_steps)]
                n_left -= n_steps
        return [loss.item() for loss in losses]

    def _take_one(self, X, y):
        losses = []

        def compute():
            losses.append(self._gradients(X, y))
            self._let_threads(self.n_threads)
            return losses[-1]

        self.net.optimizer_.step(compute)
        self._let_threads(1)
        return losses[0]  # an optimizer may ask again

    def _let_threads(self, n_threads):
        if self.is_fused and self.n_threads > 1:
            torch.set_num_threads(n_threads)

    @torch.no_grad()
    def infer(self, X, **fit_params):
        """Return the outputs, for evaluation: without a graph."""
        X = to_tensor(X, device=self.net.device)
        # There are rows enough for all layers.
        is_shared = [any(self.is_shared)] * len(self.layers)
        return self.net.module_.shape_output(self._forward(X, is_shared)[-1])

    @torch.no_grad()
    def _gradients(self, X, y):
        """Set the gradients of a batch; return its loss."""
        units = self._forward(X, self.is_shared)
        output = units.pop()
        loss, errors = self._loss(output, y, X)
        for number in reversed(range(len(self.layers))):
            weight, bias = self.layers[number].weight, self.layers[number].bias
            shared = self.is_shared[number]
            self._multiply(errors.T, units[number], shared, out=weight.grad)
            if self.survive[number] is not None:
                weight.grad.mul_(self.survive[number])
            torch.sum(errors, 0, out=bias.grad)
            if number > 0:
                errors = self._multiply(errors, weight, shared)
                # 0 where the rectified unit is.
                errors = torch.ops.aten.threshold_backward(errors, units[number], 0)
        return loss

    def _loss(self, output, y, X):
        """The loss and its gradient with respect to the outputs."""
        if torch.is_tensor(y):
            y = y.to(output.device)
            if self.known_loss == "cross_entropy" and y.ndim == 1:
                return _cross_entropy(output, y)
            shaped = self.net.module_.shape_output(output)
            if self.known_loss in _ELEMENTWISE and (y.shape, y.dtype) == (
                shaped.shape,
                shaped.dtype,
            ):
                loss, errors = _ELEMENTWISE[self.known_loss](shaped, y)
                return loss, errors.view_as(output)
        output = output.detach().requires_grad_()
        with torch.enable_grad():
            y_pred = self.net.module_.shape_output(output)
            loss = self.net.get_loss(y_pred, y, X=X, training=True)
            (errors,) = torch.autograd.grad(loss, output)
        return loss.detach(), errors

    def _forward(self, X, is_shared):
        """The inputs of all layers, and the outputs."""
        units = [X]
        for layer, shared in zip(self.layers, is_shared, strict=True):
            if len(units) > 1:
                units[-1].relu_()
            units.append(self._multiply(units[-1], layer.weight.T, shared, layer.bias))
        return units

    def _multiply(self, left, right, shared, bias=None, out=None):
        """`left @ right + bias`, `shared` by threads or not."""
        n_rows = left.shape[0]
        if not shared or n_rows < 2:
            return _product(left, right, bias, out)
        if n_rows % 2:
            out = left.new_empty(n_rows, right.shape[1]) if out is None else out
            for rows, part in zip(left.tensor_split(2), out.tensor_split(2), strict=True):
                _product(rows, right, bias, part)
            return out
        halves = (2, n_rows // 2, -1)
        out = None if out is None else out.view(halves)
        with on_threads(self.n_threads):
            product = _products(left.view(halves), right.expand(2, -1, -1), bias, out)
        return product.view(n_rows, -1)


def _product(left, right, bias, out):
    if bias is None:
        return torch.mm(left, right, out=out)
    return torch.addmm(bias, left, right, out=out)


def _products(left, right, bias, out):
    if bias is None:
        return torch.bmm(left, right, out=out)
    return torch.baddbmm(bias.expand(2, 1, -1), left, right, out=out)


def _shared_layers(layers, n_rows):
    """Which layers' products threads share; whether they do must not depend on their number."""
    if layers[0].weight.device.type != "cpu":
        return [False] * len(layers)
    work = [layer.weight.numel() * n_rows for layer in layers]
    return [max(work) >= _LARGEST_WORK and part >= _SHARED_WORK for part in work]


def _binary_cross_entropy(output, y):
    loss = torch.nn.functional.binary_cross_entropy_with_logits(output, y)
    return loss, torch.sigmoid(output).sub_(y).div_(y.numel())


def _squared_error(output, y):
    errors = output - y
    return errors.square().mean(), errors.mul_(2 / y.numel())


# Means over all outputs alike.
_ELEMENTWISE = {
    "binary_cross_entropy": _binary_cross_entropy,
    "squared_error": _squared_error,
}


def _cross_entropy(output, y):
    """What autograd computes, by the same functions, in a third of the time."""
    aten = torch.ops.aten
    mean, ignored = 1, -100
    log_p = torch.log_softmax(output, 1)
    loss, weight = aten.nll_loss_forward(log_p, y, None, mean, ignored)
    errors = aten.nll_loss_backward(torch.ones_like(loss), log_p, y, None, mean, ignored, weight)
    return loss, aten._log_softmax_backward_data(errors, log_p, 1, log_p.dtype)
