"""A network that changes its masks as it trains."""

from skorch.callbacks import Callback

from ..network import read_arrays
from ..ticket import Ticket
from ..utils import Stream, derive_seed
from ._gradients import Gradients


class Evolution(Callback):
    """Exchange weights between steps, as a schedule says.

    Parameters
    ----------
    evolving : Evolving
        When, and how.
    strategy : str, strategy or callable
        What the weights are scored by that go.
    net : skorch.NeuralNet
        The prototype, for gradients.
    data : Data
        Training rows, likewise.
    seed : int
        Of the training.
    n_steps : int
        Of the training.
    evaluate_every : int
        Steps between evaluations: where one follows, weights are exchanged after it, so that it
        sees what has been trained.
    """

    def __init__(self, evolving, strategy, net, data, *, seed, n_steps, evaluate_every):
        self.evolving = evolving
        self.strategy = strategy
        self.gradients = Gradients(net, data.X.shape[1:], data)
        self.seed = seed
        self.n_steps = n_steps
        self.evaluate_every = evaluate_every
        self.steps = evolving.steps(n_steps)

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.step = 0
        self.is_due = False

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self._exchange_if_due(net)

    def on_batch_end(self, net, batch=None, training=None, n_steps=1, **kwargs):
        if training:
            self.step += n_steps
            self.is_due = self.step in self.steps
            if self.step % self.evaluate_every:
                self._exchange_if_due(net)

    def _exchange_if_due(self, net):
        if not self.is_due:
            return
        self.is_due = False
        before = self.computation.ticket
        current = Ticket(before.initial, before.mask, read_arrays(net.module_), before.checkpoints)
        # Other rows each time.
        self.gradients.seed = derive_seed(self.seed, Stream.SCORE, self.step)
        self.computation.change(
            self.evolving.exchanged(
                current,
                self.step,
                self.n_steps,
                strategy=self.strategy,
                seed=self.seed,
                gradients=self.gradients,
            )
        )

    def add_to(self, net, computation):
        """Let a computation's masks change, when everybody else has seen a batch's end."""
        self.computation = computation
        net.callbacks_.append(("evolution", self))
