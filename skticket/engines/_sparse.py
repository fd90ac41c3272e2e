"""The surviving weights alone, by compiled code; skorch goes on running the training."""

from contextlib import contextmanager

import numpy as np
import torch
from scipy.sparse import issparse
from torch import nn

from ..network import MLP, has_listeners
from ._coverage import activation_of, compiled_optimizer, loss_of, n_threads_worth_it
from ._sparse_network import SparseNetwork
from ._team import Pace

# Weights times rows of a call of the compiled code: tenths of a second, in which nobody can
# interrupt it. And inputs of another type than it takes, of which a copy is made for a call.
_MOST_WORK, _MOST_CONVERTED = 2_000_000_000, 2**20


@contextmanager
def sparse_engine(net, ticket, data, n_threads):
    """Let the compiled code take the steps of a fully connected net.

    Its module becomes a `SparseModule`, and its optimizer starts afresh. Where somebody listens to
    each step, one thread takes it: to start another takes longer than most steps.
    """
    options = {"activation": activation_of(net.module_), "loss": loss_of(net)}
    network = SparseNetwork(ticket, **options)
    squeeze = type(net.module_) is MLP and network.shapes[-1][0] == 1
    rule = {k: v for k, v in net.optimizer_.param_groups[0].items() if k != "params"}
    compiled = compiled_optimizer(net.optimizer_)
    net.module_ = SparseModule(network, squeeze, n_threads)
    net.optimizer_ = compiled([net.module_.values], **rule)
    if has_listeners(net):
        net.train_step = _ToldStep(net)
    else:
        net.take_steps = _QuietSteps(net, data, n_threads)
        net.infer_together = net.module_.forward
        if issparse(data.X):
            # skorch knows of no sparse batches.
            net.iterator_valid__sparse, net.infer = True, net.module_.forward

    def change(ticket):
        _go_on(net, SparseNetwork(ticket, **options))

    yield change


def _go_on(net, network):
    """Let another network take the next steps, with what the optimizer knows of its weights."""
    before = net.module_.network
    net.module_.compute_by(network)
    carry = lambda state: network.to_vector(before.to_arrays(state))  # noqa: E731
    net.optimizer_.go_on_with(net.module_.values, carry)


class SparseModule(nn.Module):
    """The surviving weights and the biases of a fully connected network, as one parameter.

    Its `state_dict` is that of the dense module, with zeros where it was pruned, so
    that whoever saves or reads the module sees the same in both layouts.

    Parameters
    ----------
    network : SparseNetwork
        What computes; the parameter and its gradient share its memory.
    squeeze : bool
        Whether the output of a single unit is a vector.
    n_threads : int, default=1
        How many threads may share the rows of a prediction.
    """

    def __init__(self, network, squeeze, n_threads=1):
        super().__init__()
        self.squeeze = squeeze
        self.n_threads = n_threads
        self.compute_by(network)

    def compute_by(self, network):
        """Let a network, of the same shape, compute from now on."""
        self.network = network
        self.values = nn.Parameter(torch.from_numpy(network.parameters))
        self.values.grad = torch.from_numpy(network.gradients)

    def forward(self, X):
        """Return the outputs; without a graph, because gradients are computed elsewhere."""
        X = X.numpy() if torch.is_tensor(X) else X
        output = torch.from_numpy(self.network.predict(X, n_threads=self.n_threads))
        return output.squeeze(1) if self.squeeze else output

    def state_dict(self, *args, **kwargs):
        """Return the dense module's state."""
        return {name: torch.from_numpy(a) for name, a in self.network.to_arrays().items()}

    def load_state_dict(self, state_dict, *args, **kwargs):
        """Take the values from the dense module's state."""
        self.network.set_arrays({name: tensor.numpy() for name, tensor in state_dict.items()})


class _QuietSteps:
    """A `TicketNet`'s `take_steps`."""

    def __init__(self, net, data, n_threads):
        self.module = net.module_
        self.data = data
        self.optimizer = net.optimizer_
        self.n_threads = n_threads
        self.pace = Pace()

    def __call__(self, batches, rows):
        data, network, batch_size = self.data, self.module.network, batches.batch_size
        n_threads = min(self.n_threads, n_threads_worth_it(network.n_active, batch_size))
        most_rows = _MOST_WORK // len(network.parameters)
        if data.X.dtype != network.dtype:
            most_rows = min(most_rows, _MOST_CONVERTED // data.X.shape[1])
        losses = np.empty(-(-len(rows) // batch_size))
        done = 0
        while done < len(losses):
            left = min(len(losses) - done, max(1, most_rows // batch_size))
            threads, n_steps = self.pace.choose(n_threads, left)
            with self.pace.measured(threads, n_steps):
                losses[done : done + n_steps] = network.take_steps(
                    data.X,
                    data.y,
                    self.optimizer,
                    rows=rows[done * batch_size : (done + n_steps) * batch_size],
                    batch_size=batch_size,
                    sample_weight=data.weight,
                    n_threads=threads,
                )
            done += n_steps
        return losses


class _ToldStep:
    """skorch's `train_step`, for callbacks that may look at everything."""

    def __init__(self, net):
        self.net = net

    def __call__(self, batch, **fit_params):
        net, network = self.net, self.net.module_.network
        X, y = batch
        y_pred = net.module_(X)
        y, weight = y if isinstance(y, tuple) else (y, None)
        loss = network.compute_gradients(X.numpy(), y.numpy(), sample_weight=weight)
        net.notify(
            "on_grad_computed",
            named_parameters=net.module_.named_parameters(),
            batch=batch,
            training=True,
        )
        net.optimizer_.step()
        return {"loss": np.float64(loss), "y_pred": y_pred}
