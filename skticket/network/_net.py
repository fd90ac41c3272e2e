"""skorch nets: the default one, and what is asked of any."""

from numbers import Integral

import numpy as np
import torch
from sklearn.base import clone
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer, PassthroughScoring
from torch.nn.parameter import is_lazy
from torch.utils.data import DataLoader

from ..ticket import Ticket
from ..utils import isolated
from ._arrays import load_arrays, new_ticket
from ._batches import Batches, n_batch_rows
from ._mlp import MLP
from ._rows import as_rows

OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
EVALUATION_ROWS = 1024


class TicketNet(NeuralNet):
    """The skorch net that trains the default network: quiet, with batches cut from one tensor.

    Parameters are those of `skorch.NeuralNet`.
    """

    # Of an engine that takes many steps a call: given the batches and the positions of a run's
    # rows, it returns the loss of each step.
    take_steps = None
    # Of an engine to which a row's outputs are the same whatever rows are beside it: it returns
    # those of a tensor of rows.
    infer_together = None

    @property
    def _default_callbacks(self):
        return [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring("train_loss", on_train=True)),
        ]

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Take a step a batch, and record them.

        Telling every callback of every batch takes longer than a step of a small network.
        Where the user has no callbacks, only those are told that do something at a batch's
        end, and the history gets one row for all batches.
        """
        if has_listeners(self):
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            return
        told = [
            cb for _, cb in self.callbacks_ if type(cb).on_batch_end is not Callback.on_batch_end
        ]
        if training and self.take_steps is not None:
            losses, sizes = self._run_together(iterator, told)
        elif not training and self.infer_together is not None and torch.is_tensor(iterator.X):
            losses, sizes = self._evaluate_together(iterator, told)
        else:
            losses, sizes = self._run_one_by_one(iterator, training, step_fn, told, fit_params)
        if sizes:
            self.history.new_batch()
            self.history.record_batch(f"{prefix}_loss", float(np.average(losses, weights=sizes)))
            self.history.record_batch(f"{prefix}_batch_size", sum(sizes))
        self.history.record(f"{prefix}_batch_count", len(sizes))

    def _run_one_by_one(self, iterator, training, step_fn, told, fit_params):
        losses, sizes = [], []
        for batch in iterator:
            step = step_fn(batch, **fit_params)
            for callback in told:
                callback.on_batch_end(self, batch=batch, training=training, **step)
            losses.append(step["loss"].item())
            sizes.append(batch[0].shape[0])  # len() of a tensor takes longer
        return losses, sizes

    def _run_together(self, iterator, told):
        losses, sizes = [], []
        size = iterator.batch_size
        for rows in iterator.runs():
            steps = self.take_steps(iterator, rows)
            for callback in told:
                callback.on_batch_end(self, training=True, n_steps=len(steps))
            losses += list(steps)
            sizes += [min(size, len(rows) - start) for start in range(0, len(rows), size)]
        return losses, sizes

    def _evaluate_together(self, iterator, told):
        """As one by one, but that all outputs are computed in one call."""
        losses, sizes = [], []
        outputs = self.infer_together(iterator.X)
        for X, y in iterator:
            y_pred, outputs = outputs[: len(X)], outputs[len(X) :]
            loss = self.get_loss(y_pred, y, X=X)
            for callback in told:
                callback.on_batch_end(self, batch=(X, y), training=False, loss=loss, y_pred=y_pred)
            losses.append(loss.item())
            sizes.append(len(X))
        return losses, sizes

    def on_train_end(self, net, X=None, y=None, **kwargs):
        """Forget the batches: a row for each would outweigh the network."""
        for row in self.history:
            row.pop("batches")

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Return the mean loss of a batch, weighted where targets come with weights."""
        if not isinstance(y_true, tuple):
            return super().get_loss(y_pred, y_true, X, training)
        y_true, weight = y_true
        losses = self.criterion(reduction="none")(y_pred, y_true)
        losses = losses.reshape(len(losses), -1).mean(dim=1)
        return (losses * weight).sum() / weight.sum()


def has_listeners(net):
    """Tell whether anything of the user's sees, or changes, what happens within a step."""
    return type(net) is not TicketNet or bool(net.callbacks)


def layer_sizes_of(hidden_layer_sizes):
    """Return the sizes of hidden layers as a tuple; raise `ValueError` if they are none."""
    sizes = np.atleast_1d(np.asarray(hidden_layer_sizes, dtype=object)).tolist()
    if any(isinstance(n, bool) or not isinstance(n, Integral) or n < 1 for n in sizes):
        raise ValueError(
            f"hidden_layer_sizes must be integers of at least 1, got {hidden_layer_sizes!r}"
        )
    return tuple(sizes)


def check_device(device):
    """Raise `ValueError` if a device does not exist; None stands for whatever the module is on."""
    if device is None:
        return
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device must name a torch device of this machine, got {device!r}: {error}"
        ) from error


def default_net(
    hidden_layer_sizes,
    n_inputs,
    n_outputs,
    *,
    criterion,
    optimizer="adam",
    learning_rate=1.2e-3,
    batch_size="auto",
    max_epochs=1,
    device="cpu",
):
    """Return the prototype of the net that trains the default network.

    Parameters
    ----------
    hidden_layer_sizes, n_inputs, n_outputs
        As for `MLP`.
    criterion : type
        The loss, a torch module.
    optimizer : str or type, default="adam"
        "adam", "sgd" or a torch optimizer.
    learning_rate : float, default=1.2e-3
        Its step size.
    batch_size : int or "auto", default="auto"
        As for `Batches`.
    max_epochs : int, default=1
        Passes over the training rows.
    device : str, default="cpu"
        A torch device of this machine.

    Returns
    -------
    TicketNet
        Not yet initialized.
    """
    options = {}
    if isinstance(optimizer, str):
        # A fused step is up to five times faster than torch's default on a CPU.
        optimizer, options = OPTIMIZERS[optimizer], {"optimizer__fused": True}
    return TicketNet(
        MLP,
        module__n_inputs=n_inputs,
        module__hidden_layer_sizes=hidden_layer_sizes,
        module__n_outputs=n_outputs,
        criterion=criterion,
        optimizer=optimizer,
        lr=learning_rate,
        batch_size=batch_size,
        max_epochs=max_epochs,
        device=device,
        verbose=0,
        **options,
    )


def isolation(net, seed):
    """Compute with a net from a seed, as `isolated`; the default one draws no numbers.

    Parameters
    ----------
    net : skorch.NeuralNet
        The prototype.
    seed : int
        For whatever is random in it.
    """
    is_default = type(net) is TicketNet and net.module is MLP
    return isolated(None if is_default else seed, net.device)


def first_ticket(net, arrays=None, *, seed=0, fresh=False):
    """Return the ticket of a net's whole, untrained network.

    Parameters
    ----------
    net : skorch.NeuralNet
        The prototype; it is not changed.
    arrays : dict of str to ndarray, default=None
        Initial values; those the module gives itself when None.
    seed : int, default=0
        For the module's own random initialization.
    fresh : bool, default=False
        Whether a module that the prototype holds as an instance, with weights of
        its own, is to be initialized anew.
    """
    with isolation(net, seed):
        net = clone(net).initialize()
        if fresh and isinstance(net.module, torch.nn.Module):
            for part in net.module_.modules():
                if hasattr(part, "reset_parameters"):
                    part.reset_parameters()
        return new_ticket(net.module_, arrays)


def restarted(net, ticket):
    """Return a ticket as it is before its training: with its initial weights, and no checkpoints.

    Parameters
    ----------
    net : skorch.NeuralNet
        The prototype.
    ticket : Ticket
        Of the network that the prototype describes.

    Returns
    -------
    Ticket
        Its arrays have the types of the network's.

    Raises
    ------
    ValueError
        If the ticket is one of another network.
    """
    full = first_ticket(net)
    expected, found = _shapes(full), _shapes(ticket)
    if expected != found:
        raise ValueError(
            f"ticket is not one of this network: its parameters have the shapes {found[0]}, of "
            f"which {found[1]} are prunable; the network's are {expected[0]}, and {expected[1]}"
        )
    initial = {
        name: array.astype(full.initial[name].dtype) for name, array in ticket.initial.items()
    }
    return Ticket(initial, ticket.mask)


def _shapes(ticket):
    """Return the shapes of a ticket's parameters by name, and the names of those to be pruned."""
    return {name: array.shape for name, array in ticket.initial.items()}, list(ticket.mask)


def check_outputs(net, X, output_shape):
    """Raise an error unless the net's module takes rows of `X` and gives such outputs.

    Parameters
    ----------
    net : skorch.NeuralNet
        The prototype.
    X : ndarray, csr_array or csr_matrix of float32
        Inputs; two rows are tried.
    output_shape : tuple of int
        Shape that the output for a single row must have.
    """
    rows = as_rows(X).index_select(0, torch.tensor([0, 0]))
    with isolation(net, 0), torch.no_grad():
        net = _initialized(net)
        net.module_.eval()
        try:
            output = net.infer(rows)
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            raise ValueError(f"net's module cannot take X of shape {X.shape}: {error}") from error
    output = output[0] if isinstance(output, tuple) else output
    if tuple(output.shape) != (2, *output_shape):
        raise ValueError(
            f"net's module must return shape {(2, *output_shape)} for two rows of this data, "
            f"got {tuple(output.shape)}"
        )


def _initialized(net):
    """Return an initialized clone; say so if the module is too large, or its size not known."""
    try:
        net = clone(net).initialize()
    except (RuntimeError, MemoryError) as error:
        if "alloc" not in str(error):
            raise
        raise ValueError(f"the network does not fit in memory: {error}") from error
    lazy = [name for name, p in net.module_.named_parameters() if is_lazy(p)]
    if lazy:
        raise ValueError(
            f"net's module must know the shapes of its parameters before it sees data; {lazy} "
            "belong to lazy layers"
        )
    return net


def presence(probabilities):
    """Return the probability that each label is there.

    Parameters
    ----------
    probabilities : ndarray or tensor, shape (n_rows, n_labels) or (n_rows, 2, n_labels)
        Of logistic outputs, skorch gives those of absence, too: they come first.
    """
    return probabilities[:, 1] if probabilities.ndim == 3 else probabilities


def prediction_net(net, ticket):
    """Return an initialized net that predicts with the ticket's weights."""
    net = with_batches(clone(net), "iterator_valid", batch_size=EVALUATION_ROWS)
    with isolation(net, 0):
        net.initialize()
    load_arrays(net.module_, ticket.weights)
    return net


def with_batches(net, iterator, **options):
    """Replace a default iterator; one that the user chose stays."""
    if getattr(net, iterator) in (DataLoader, Batches):
        options = {f"{iterator}__{name}": value for name, value in options.items()}
        net.set_params(**{iterator: Batches}, **options)
    return net


def has_own_batches(net):
    """Tell whether a net's training batches are cut here, not by an iterator of the user's."""
    return net.iterator_train in (DataLoader, Batches)


def takes_rows(net):
    """Tell whether nobody but `Batches`, on the processor, reads the training data set."""
    on_processor = torch.device(net.device).type == "cpu"
    return not has_listeners(net) and has_own_batches(net) and on_processor


def rows_per_batch(net, n_rows):
    """Return how many rows a batch of training has; the last of a pass may have fewer.

    Parameters
    ----------
    net : skorch.NeuralNet
        The prototype.
    n_rows : int
        Rows to train on.
    """
    options = net.get_params_for("iterator_train")
    return n_batch_rows(options.get("batch_size", net.batch_size), n_rows)


def steps_per_epoch(net, n_rows):
    """Return how many batches a pass over `n_rows` rows has.

    Parameters
    ----------
    net : skorch.NeuralNet
        The prototype.
    n_rows : int
        Rows to train on.
    """
    batch_size = rows_per_batch(net, n_rows)
    drops_last = net.get_params_for("iterator_train").get("drop_last")
    return n_rows // batch_size if drops_last else -(-n_rows // batch_size)
