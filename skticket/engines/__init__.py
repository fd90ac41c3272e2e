"""How a training step, or a prediction, is computed.

An engine computes with one network's ticket; which one does is decided in `_coverage` alone, and
told in the result (`Trained.engine`). All keep one contract.

**It takes** a ticket, of which the current weights are those to begin with; rows, of which each
batch is some: an array, or a sparse matrix, which never becomes one as a whole, and with which a
training gives the same bits; a loss; and an optimizer's settings. A
training engine (`dense`, `autograd`, `sparse`) takes them as an initialized skorch net, for the
length of a `with` block in which skorch runs the training (`computing`). Where nobody listens, an
engine may take all steps up to the next evaluation in one call (`TicketNet.take_steps`): the same
steps, to the bit. `stacked` (`train_stack`) takes many tickets of one architecture, arrays alone,
and the settings by name. A predicting engine (`Predictor`, `stack_outputs`) takes the ticket and
the rows.

**It gives**, a step, the mean loss of the batch before the step, weighted where rows have weights;
and afterwards the weights that the optimizer's rule makes of that loss's gradient, as torch would,
to rounding. A weight that was pruned is exactly 0, its gradient is 0, and no rule that couples
weights sees it. At any time the net's `module_.state_dict()` is that of the whole network. A
prediction is the outputs before any softmax or logistic function. A training that diverges
shows as NaN, not as an error. The bits do not depend on the number of threads.

**Between two steps the masks may change** (`Computation.change`), each layer keeping as many
weights. What survives goes on with its optimizer's state; the state of what is new begins at 0, as
it does at the first step.

**It leaves alone** the ticket and the data, which may be read-only; torch's number of threads as
others see it; and all global generators, but for what a module of the user's draws by itself.
"""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

from ..network import share_filled
from ..ticket import Ticket
from ._autograd import autograd_engine
from ._coverage import prediction_engine, training_engine
from ._dense import dense_engine
from ._predict import Predictor
from ._sparse import sparse_engine
from ._sparse_network import SparseNetwork
from ._stacked import stack_outputs, train_stack

__all__ = [
    "Predictor",
    "SparseNetwork",
    "computing",
    "prediction_engine",
    "stack_outputs",
    "train_stack",
    "training_engine",
]

_TRAINING_ENGINES = {
    "autograd": autograd_engine,
    "dense": dense_engine,
    "sparse": sparse_engine,
}


@dataclass
class Computation:
    """How the steps of a training are computed.

    Parameters
    ----------
    engine : str
        The engine's name.
    ticket : Ticket
        Its masks are those of the next step.
    change_masks : callable
        The engine's own way to go on with a ticket.
    """

    engine: str
    ticket: Ticket
    change_masks: Callable

    def change(self, ticket):
        """Go on with the masks and the current weights of another ticket, between two steps.

        Parameters
        ----------
        ticket : Ticket
            With as many weights in each layer.
        """
        self.change_masks(ticket)
        self.ticket = ticket


@contextmanager
def computing(net, ticket, data, *, n_rows, layout="auto", n_threads=1):
    """Let the engine for a net compute its steps.

    Parameters
    ----------
    net : skorch.NeuralNet
        Initialized, with the ticket's current weights in its module. Changed in place.
    ticket : Ticket
        Its masks.
    data : Data
        The training rows, of which the net's batches are.
    n_rows : int
        Rows of all steps of a whole training, as for `training_engine`.
    layout : {"auto", "dense", "sparse"}, default="auto"
        How weights are stored, as in `training_engine`.
    n_threads : int, default=1
        How many threads may share a step.

    Yields
    ------
    Computation
    """
    name = training_engine(net, ticket, layout, n_rows=n_rows, filled=share_filled(data.X))
    with _TRAINING_ENGINES[name](net, ticket, data, n_threads) as change:
        computation = Computation(name, ticket, change)
        try:
            yield computation
        finally:
            # It knows the net, whose callbacks know the computation: in a circle, memory would
            # wait for the collector.
            computation.change_masks = None
