"""What is measured in the course of a training."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from skorch.callbacks import Callback

from ..network import presence, read_arrays
from ..utils import predict_nonlinearity
from ._parts import Parts, row_errors, row_losses


class Evaluation(Callback):
    """Record loss and score at each evaluation, the weights at a checkpoint and at the best one.

    Parameters
    ----------
    classification : bool
        Whether the score is the accuracy; of several labels a row, all must be right.
    checkpoint : int or None
        The step to keep the weights of.
    on_evaluation : callable or None
        Called with the net and a ticket of its masks after each evaluation; tells whether to
        stop.
    test : skorch.dataset.Dataset or None
        Rows whose score is recorded, too.
    n_iter_no_change : int or None
        After how many evaluations without a lower validation loss to stop; then the best
        evaluation's weights are restored. None neither stops nor restores.
    """

    # What computes, from when it is known: its masks may change.
    computation = None

    def __init__(self, classification, checkpoint, on_evaluation, test, n_iter_no_change=None):
        self.classification = classification
        self.checkpoint = checkpoint
        self.on_evaluation = on_evaluation
        self.test = test
        self.n_iter_no_change = n_iter_no_change

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.step = 0
        # Whether an exception is one of who is told of evaluations, and meant for the user.
        self.is_reporting = False
        self.iterations, self.losses, self.scores, self.test_scores = [], [], [], []
        self.parts, self.loss_parts = None, []
        self._lowest_loss, self._at_lowest = np.inf, None
        self.checkpoint_arrays = None
        self.best = None
        self._best_ticket = self._best_tensors = None

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self._losses, self._predicted, self._true, self._weight = [], [], [], []

    def on_batch_end(
        self, net, batch=None, training=None, loss=None, y_pred=None, n_steps=1, **kwargs
    ):
        if training:
            self.step += n_steps
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
        weight, true = torch.cat(self._weight), torch.cat(self._true)
        loss = sum(self._losses) / float(weight.sum())
        outputs, predicted = _predictions(net, self._predicted)
        self.iterations.append(self.step)
        self.losses.append(loss)
        self.scores.append(self._score(predicted, true, weight))
        self._record_parts(net, outputs, predicted, true, weight)
        if self.test is not None:
            batches = net.get_iterator(self.test, training=False)
            outputs = [net.evaluation_step(batch, training=False) for batch in batches]
            _, predicted = _predictions(net, outputs)
            self.test_scores.append(self._score(predicted, self.test.y.cpu()))
        net.history.record("iteration", self.step)
        net.history.record("valid_loss", loss)
        net.history.record("valid_score", self.scores[-1])
        self._keep_if_best(net)
        if self.on_evaluation is not None:
            self.is_reporting = True
            ends = self.on_evaluation(net, self.computation.ticket)
            self.is_reporting = False
            if ends:
                raise KeyboardInterrupt  # skorch's way for a callback to end a training

    def _record_parts(self, net, outputs, predicted, true, weight):
        """Note the loss of each part of the rows, and what tells its score at the lowest loss."""
        self.parts = self.parts or Parts(weight.numpy())
        is_finite = np.isfinite(self.losses[-1])
        losses = self.parts.means(row_losses(net, outputs, true) if is_finite else None)
        # A loss may weight classes, too, or be a sum: its parts are those of the mean.
        total = np.sum(self.parts.shares * losses)
        losses *= self.losses[-1] / total if total else 0
        self.loss_parts.append(losses.astype(np.float32))
        if self.losses[-1] < self._lowest_loss:
            self._lowest_loss, self._at_lowest = self.losses[-1], (predicted, true, weight)

    @property
    def score_parts(self):
        """Of each part of the rows, its score at the lowest loss, up to a constant."""
        predicted, true, weight = self._at_lowest
        if self.classification:
            return self.parts.means(_is_right(predicted, true).numpy())
        return self.parts.means(-row_errors(predicted, true, weight))

    def _keep_if_best(self, net):
        if self.n_iter_no_change is None:
            return
        # A loss of NaN is not lower than any.
        if self.losses[-1] < (np.inf if self.best is None else self.losses[self.best]):
            self.best = len(self.losses) - 1
            self._best_ticket = self.computation.ticket
            self._best_tensors = [tensor.detach().clone() for tensor in _tensors(net)]

    @property
    def is_over(self):
        """Whether too many evaluations brought nothing, and the checkpoint has been passed."""
        if self.n_iter_no_change is None or self.step < (self.checkpoint or 0):
            return False
        n_better = 0 if self.best is None else self.best + 1
        return len(self.losses) - n_better >= self.n_iter_no_change

    def restore_best(self, net):
        """Give the module the best evaluation's weights, where they are to be those that count."""
        if self.best is not None:
            if self._best_ticket is not self.computation.ticket:
                self.computation.change(self._best_ticket)
            with torch.no_grad():
                for tensor, best in zip(_tensors(net), self._best_tensors, strict=True):
                    tensor.copy_(best)

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

    def _score(self, predicted, true, weight=None):
        if self.classification:
            return float(np.average(_is_right(predicted, true), weights=weight))
        # A diverged network must end in a NaN, not in r2_score's error.
        if not torch.isfinite(predicted).all():
            return np.nan
        return r2_score(true, predicted, sample_weight=weight)

    def add_to(self, net, computation):
        """Come before the user's callbacks, which may end the training."""
        self.computation = computation
        defaults = {name for name, _ in net.get_default_callbacks()}
        position = sum(name in defaults and name != "print_log" for name, _ in net.callbacks_)
        net.callbacks_.insert(position, ("evaluation", self))
        net.callbacks_.append(("ending", _Ending(self)))


class _Ending(Callback):
    """End a training that is over, when all others have seen its last evaluation."""

    def __init__(self, evaluation):
        self.evaluation = evaluation

    def on_epoch_end(self, net, **kwargs):
        if self.evaluation.is_over:
            raise KeyboardInterrupt  # skorch's way for a callback to end a training


def _is_right(probabilities, true):
    """Tell of each row whether its class, or all of its labels, are predicted."""
    if true.ndim == 1:
        return probabilities.argmax(-1) == true
    return ((presence(probabilities) > 0.5) == (true > 0.5)).all(dim=1)


def _predictions(net, outputs):
    """Return the outputs of batches as one tensor, and what is predicted by them."""
    outputs = torch.cat([y[0] if isinstance(y, tuple) else y for y in outputs])
    return outputs, predict_nonlinearity(net)(outputs).cpu()


def _tensors(net):
    return [*net.module_.parameters(), *net.module_.buffers()]
