"""Training of one ticket through skorch: a pure function of ticket, data, settings and seed."""

import dis
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from functools import cached_property

import joblib
import numpy as np
import torch
from sklearn.base import clone
from sklearn.metrics import r2_score
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer, PassthroughScoring
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from skorch.history import History
from torch.utils.data import DataLoader

from . import dense
from .batches import Batches, n_batch_rows
from .isolation import isolated
from .kernels import as_writeable, n_threads_allowed
from .network import (
    MLP,
    load_arrays,
    masked_gradients,
    masked_weights,
    new_ticket,
    read_arrays,
    survival_factors,
)
from .sparse import is_covered, sparse_is_faster, train_sparsely
from .ticket import Ticket

__all__ = ["Data", "TicketNet", "Trained", "train"]

OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
_EVALUATION_ROWS = 1024


class TicketNet(NeuralNet):
    """The skorch net that trains the default network: quiet, with batches cut from one tensor.

    Parameters are those of `skorch.NeuralNet`.
    """

    @property
    def _default_callbacks(self):
        return [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring("train_loss", on_train=True)),
        ]

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Take a step a batch, and record them.

        Telling every callback of every batch takes longer than a step of a small network.
        Where the user has no callbacks, only the evaluation is told, and the history
        gets one row for all batches.
        """
        evaluation = dict(self.callbacks_).get("evaluation")
        if evaluation is None or not _is_quiet(self):
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            return
        losses, sizes = [], []
        for batch in iterator:
            step = step_fn(batch, **fit_params)
            evaluation.on_batch_end(self, batch=batch, training=training, **step)
            losses.append(step["loss"].item())
            sizes.append(batch[0].shape[0])  # len() of a tensor takes longer
        if sizes:
            self.history.new_batch()
            self.history.record_batch(f"{prefix}_loss", float(np.average(losses, weights=sizes)))
            self.history.record_batch(f"{prefix}_batch_size", sum(sizes))
        self.history.record(f"{prefix}_batch_count", len(sizes))

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Return the mean loss of a batch, weighted where targets come with weights."""
        if not isinstance(y_true, tuple):
            return super().get_loss(y_pred, y_true, X, training)
        y_true, weight = y_true
        losses = self.criterion(reduction="none")(y_pred, y_true)
        losses = losses.reshape(len(losses), -1).mean(dim=1)
        return (losses * weight).sum() / weight.sum()


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
        As for `skticket.network.MLP`.
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

    Raises
    ------
    ValueError
        If the device does not exist.
    """
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device must name a torch device of this machine, got {device!r}: {error}"
        ) from error
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


@dataclass(frozen=True)
class Data:
    """Rows to train on, and rows to tell when training has converged.

    Parameters
    ----------
    X, X_valid : ndarray of float32, shape (n_samples, n_features, ...)
        Inputs.
    y, y_valid : ndarray, shape (n_samples,) or (n_samples, n_outputs)
        Targets, of the type that the net's criterion takes.
    classification : bool
        Whether the score is the accuracy; otherwise it is R².
    weight, weight_valid : ndarray of float32, shape (n_samples,), default=None
        What the rows' losses and scores are weighted with.
    X_test, y_test : ndarray, default=None
        Rows that choose nothing, but whose score is recorded at each evaluation.
    rows : ndarray of int, default=None
        Positions of the training rows in `X`, `y` and `weight`, which saves a copy of most of
        the data; all of them when None.
    """

    X: np.ndarray
    y: np.ndarray
    X_valid: np.ndarray
    y_valid: np.ndarray
    classification: bool
    weight: np.ndarray = None
    weight_valid: np.ndarray = None
    X_test: np.ndarray = None
    y_test: np.ndarray = None
    rows: np.ndarray = None

    @property
    def n_rows(self):
        """Number of training rows."""
        return len(self.X if self.rows is None else self.rows)

    @cached_property
    def gathered(self):
        """Data of which all rows of `X` are training rows; for those who cannot name them."""
        if self.rows is None:
            return self
        weight = None if self.weight is None else self.weight[self.rows]
        return replace(self, X=self.X[self.rows], y=self.y[self.rows], weight=weight, rows=None)

    @cached_property
    def digest(self):
        """A hash of all rows, computed once: what remembers trainings tells data apart by it."""
        data = self.gathered
        return joblib.hash([getattr(data, f.name) for f in fields(data) if f.name != "rows"])


@dataclass(frozen=True)
class Trained:
    """What a training gives.

    Attributes
    ----------
    ticket : Ticket
        With the weights as they were at the end.
    history : skorch.history.History
        A row an evaluation.
    iterations : ndarray of int, shape (n_evaluations,)
        Optimizer steps done at each evaluation.
    valid_loss, valid_score : ndarray of float, shape (n_evaluations,)
        Loss and score on the validation rows at each evaluation.
    fit_time : float
        Seconds.
    test_score : ndarray of float, shape (n_evaluations,), or None
        Score on the test rows at each evaluation, where the data have such rows.
    """

    ticket: Ticket
    history: History
    iterations: np.ndarray
    valid_loss: np.ndarray
    valid_score: np.ndarray
    fit_time: float
    test_score: np.ndarray = None

    @property
    def convergence(self):
        """Position of the evaluation with the lowest validation loss."""
        return int(np.nanargmin(self.valid_loss))


class _Evaluation(Callback):
    """Record loss and score at each evaluation, and the weights at a checkpoint."""

    def __init__(self, classification, checkpoint, on_evaluation, test):
        self.classification = classification
        self.checkpoint = checkpoint
        self.on_evaluation = on_evaluation
        self.test = test

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.step = 0
        self.iterations, self.losses, self.scores, self.test_scores = [], [], [], []
        self.checkpoint_arrays = None

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self._losses, self._predicted, self._true, self._weight = [], [], [], []

    def on_batch_end(self, net, batch=None, training=None, loss=None, y_pred=None, **kwargs):
        if training:
            self.step += 1
            if self.step == self.checkpoint:
                self.checkpoint_arrays = read_arrays(net.module_)
        else:
            y, weight = batch[1] if isinstance(batch[1], tuple) else (batch[1], None)
            weight = torch.ones(len(y)) if weight is None else weight.cpu()
            self._losses.append(loss.item() * float(weight.sum()))
            self._predicted.append(y_pred)
            self._true.append(y.cpu())
            self._weight.append(weight)

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        weight = torch.cat(self._weight)
        loss = sum(self._losses) / float(weight.sum())
        self.iterations.append(self.step)
        self.losses.append(loss)
        self.scores.append(self._score(net, self._predicted, torch.cat(self._true), weight))
        if self.test is not None:
            batches = net.get_iterator(self.test, training=False)
            outputs = [net.evaluation_step(batch, training=False) for batch in batches]
            self.test_scores.append(self._score(net, outputs, self.test.y.cpu()))
        net.history.record("iteration", self.step)
        net.history.record("valid_loss", loss)
        net.history.record("valid_score", self.scores[-1])
        if self.on_evaluation is not None and self.on_evaluation(net):
            raise KeyboardInterrupt  # skorch's way for a callback to end a training

    def catch_up(self, net):
        """Evaluate the weights at which a callback ended the training, if not yet done."""
        if self.iterations and self.iterations[-1] == self.step:
            return
        self.on_evaluation = None
        self.on_epoch_begin(net)
        valid, _ = net.train_split(None)
        for batch in net.get_iterator(valid, training=False):
            self.on_batch_end(net, batch, training=False, **net.validation_step(batch))
        self.on_epoch_end(net)

    def _score(self, net, outputs, true, weight=None):
        outputs = [y[0] if isinstance(y, tuple) else y for y in outputs]
        predicted = net._get_predict_nonlinearity()(torch.cat(outputs)).cpu()
        if self.classification:
            return float(np.average(predicted.argmax(-1) == true, weights=weight))
        # A diverged network must end in a NaN, not in r2_score's error.
        if not torch.isfinite(predicted).all():
            return np.nan
        return r2_score(true, predicted, sample_weight=weight)


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
    with isolated(seed, net.device):
        net = clone(net).initialize()
        if fresh and isinstance(net.module, torch.nn.Module):
            for part in net.module_.modules():
                if hasattr(part, "reset_parameters"):
                    part.reset_parameters()
        return new_ticket(net.module_, arrays)


def check_outputs(net, X, output_shape):
    """Raise an error unless the net's module takes rows of `X` and gives such outputs.

    Parameters
    ----------
    net : skorch.NeuralNet
        The prototype.
    X : ndarray of float32
        Inputs; two rows are tried.
    output_shape : tuple of int
        Shape that the output for a single row must have.
    """
    rows = np.concatenate([X[:1], X[:1]])
    with isolated(0, net.device), torch.no_grad():
        net = clone(net).initialize()
        net.module_.eval()
        try:
            output = net.infer(torch.as_tensor(rows))
        except (RuntimeError, TypeError, ValueError) as error:
            raise ValueError(f"net's module cannot take X of shape {X.shape}: {error}") from error
    output = output[0] if isinstance(output, tuple) else output
    if tuple(output.shape) != (2, *output_shape):
        raise ValueError(
            f"net's module must return shape {(2, *output_shape)} for two rows of this data, "
            f"got {tuple(output.shape)}"
        )


def prediction_net(net, ticket):
    """Return an initialized net that predicts with the ticket's weights."""
    net = _with_batches(clone(net), "iterator_valid", batch_size=_EVALUATION_ROWS)
    with isolated(0, net.device):
        net.initialize()
    load_arrays(net.module_, ticket.weights)
    return net


def _with_batches(net, iterator, **options):
    """Replace a default iterator; one that the user chose stays."""
    if getattr(net, iterator) in (DataLoader, Batches):
        options = {f"{iterator}__{name}": value for name, value in options.items()}
        net.set_params(**{iterator: Batches}, **options)
    return net


def _is_quiet(net):
    """Whether it is the default net, and no callback of the user's sees what it does."""
    return type(net) is TicketNet and not net.callbacks


def _takes_rows(net):
    """Whether nobody but `Batches`, on the processor, reads the training data set."""
    return _is_quiet(net) and has_own_batches(net) and torch.device(net.device).type == "cpu"


def has_own_batches(net):
    """Tell whether a net's training batches are cut here, not by an iterator of the user's."""
    return net.iterator_train in (DataLoader, Batches)


def _intervals(n_steps, evaluate_every):
    """Numbers of steps between evaluations; the last may be smaller."""
    whole, rest = divmod(n_steps, evaluate_every)
    return [evaluate_every] * whole + ([rest] if rest else [])


def steps_per_epoch(net, n_rows):
    """Return how many batches a pass over `n_rows` rows has.

    Parameters
    ----------
    net : skorch.NeuralNet
        The prototype.
    n_rows : int
        Rows to train on.
    """
    options = net.get_params_for("iterator_train")
    batch_size = n_batch_rows(options.get("batch_size", net.batch_size), n_rows)
    return n_rows // batch_size if options.get("drop_last") else -(-n_rows // batch_size)


def _raised_by_callback(error):
    """Whether a skorch callback ended the training, by a `raise` of its own.

    Otherwise the user did, by Ctrl-C, which strikes at any other instruction.
    """
    last = error.__traceback__
    while last.tb_next is not None:
        last = last.tb_next
    frame = last.tb_frame
    instruction = dis.opname[frame.f_code.co_code[last.tb_lasti]]
    return instruction == "RAISE_VARARGS" and isinstance(frame.f_locals.get("self"), Callback)


def train(
    net,
    ticket,
    data,
    *,
    n_steps,
    evaluate_every,
    seed=0,
    layout="auto",
    checkpoint=None,
    on_evaluation=None,
):
    """Train a ticket's current weights under its masks.

    The result depends on nothing but the arguments, to the bit: neither on
    torch's global generators nor on the number of threads.

    Parameters
    ----------
    net : skorch.NeuralNet
        The prototype that says how to train; it is not changed.
    ticket : Ticket
        What to train. The optimizer's state starts afresh.
    data : Data
        Training and validation rows.
    n_steps : int
        Number of optimizer steps.
    evaluate_every : int
        Number of steps between evaluations; there is one at the end, too.
    seed : int, default=0
        Determines the order of the batches, and whatever is random in the net.
    layout : {"auto", "dense", "sparse"}, default="auto"
        Dense, with masks, through torch; or sparse, compiled, where that covers
        the net (see `skticket.sparse.is_covered`) and otherwise dense; "auto" takes
        the faster.
    checkpoint : int, default=None
        Keep the weights after so many steps in the ticket's `checkpoints`.
    on_evaluation : callable, default=None
        Called with the net after each evaluation; training ends early when it
        returns True.

    Returns
    -------
    Trained
        The trained ticket, with its history.

    Raises
    ------
    ValueError
        If the last validation loss is not finite, or if `checkpoint` was not reached.
    """
    start = time.perf_counter()
    n_threads = _n_threads()
    if not _takes_rows(net):
        data = data.gathered
    with isolated(seed, net.device):
        has_test = data.X_test is not None
        test = _on_device(data.X_test, data.y_test, None, net.device) if has_test else None
        evaluation = _Evaluation(data.classification, checkpoint, on_evaluation, test)
        net = _ready_net(net, ticket, data, _intervals(n_steps, evaluate_every), seed)
        _add_after_defaults(net, "evaluation", evaluation)
        dataset = _on_device(data.X, data.y, data.weight, net.device)
        with ExitStack() as during:
            if _is_sparse(net, ticket, layout):
                has_listeners = not _is_quiet(net)
                train_sparsely(net, ticket, data, has_listeners=has_listeners)
                net.iterator_train__gather = has_listeners
            else:
                _train_densely(net, ticket, during, min(n_threads, 2))
            net.notify("on_train_begin", X=dataset, y=None)
            try:
                net.fit_loop(dataset)
            except KeyboardInterrupt as error:
                if not _raised_by_callback(error):
                    raise
                evaluation.catch_up(net)
            net.notify("on_train_end", X=dataset, y=None)
        if isinstance(net, TicketNet):
            # A row a batch would outweigh the network.
            for row in net.history:
                row.pop("batches")
    _check_outcome(evaluation)
    checkpoints = dict(ticket.checkpoints)
    if checkpoint is not None:
        checkpoints[checkpoint] = evaluation.checkpoint_arrays
    return Trained(
        Ticket(ticket.initial, ticket.mask, read_arrays(net.module_), checkpoints),
        net.history,
        np.array(evaluation.iterations),
        np.array(evaluation.losses),
        np.array(evaluation.scores),
        time.perf_counter() - start,
        np.array(evaluation.test_scores) if has_test else None,
    )


def _n_threads():
    """Threads of a dense training: those that this process may use, unless it trains in threads.

    What runs in a thread of its own runs beside others.
    """
    if threading.current_thread() is not threading.main_thread():
        return 1
    return min(n_threads_allowed(), torch.get_num_threads())


def _train_densely(net, ticket, during, n_threads):
    """Keep pruned weights at 0, and take the step written out for the default network."""
    module, optimizer = net.module_, net.optimizer_
    factors = survival_factors(module, ticket.mask)
    if type(net) is TicketNet and dense.is_covered(net):
        step = dense.DenseStep(net, factors, n_threads)
        net.train_step, net.infer = step.train_step, step.infer
        if net.iterator_train is Batches:
            net.iterator_train__n_threads = n_threads
        if dense.keeps_zeros(optimizer):
            return
    else:
        during.enter_context(masked_gradients(module, factors))
    during.enter_context(masked_weights(module, optimizer, factors))


def _is_sparse(net, ticket, layout):
    if layout == "dense" or net.iterator_train is not Batches or not is_covered(net, (TicketNet,)):
        return False
    return layout == "sparse" or sparse_is_faster(ticket)


def _add_after_defaults(net, name, callback):
    """Let a callback come before the user's, which may end the training."""
    defaults = {name for name, _ in net.get_default_callbacks()}
    position = sum(name in defaults and name != "print_log" for name, _ in net.callbacks_)
    net.callbacks_.insert(position, (name, callback))


def _ready_net(net, ticket, data, intervals, seed):
    net = clone(net)
    _with_batches(net, "iterator_train", intervals=intervals, seed=seed, rows=data.rows)
    _with_batches(net, "iterator_valid", batch_size=_EVALUATION_ROWS)
    if net.iterator_train is Batches:
        net.set_params(max_epochs=len(intervals))
    valid = _on_device(data.X_valid, data.y_valid, data.weight_valid, net.device)
    net.set_params(train_split=predefined_split(valid))
    net.initialize()
    load_arrays(net.module_, ticket.weights)
    return net


def _on_device(X, y, weight, device):
    # torch warns of read-only arrays.
    X, y, weight = (
        None
        if array is None
        else torch.as_tensor(as_writeable(np.ascontiguousarray(array)), device=device)
        for array in (X, y, weight)
    )
    return Dataset(X, y if weight is None else (y, weight))


def _check_outcome(evaluation):
    if not np.isfinite(evaluation.losses[-1:]).any():
        raise ValueError(
            f"training diverged: the validation losses were {evaluation.losses} after "
            f"{evaluation.iterations} steps; a smaller learning_rate, or scaled inputs, may help"
        )
    if evaluation.checkpoint is not None and evaluation.checkpoint_arrays is None:
        raise ValueError(
            f"rewind={evaluation.checkpoint}: training ended after {evaluation.step} steps, "
            "before the step to rewind to"
        )
