"""The search for winning tickets: train, then again and again prune, rewind, train."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from numbers import Integral

import numpy as np
from joblib import Memory
from skorch import NeuralNet

from .gradients import Gradients
from .initialization import resolve_init
from .network import draw_initial
from .pruning import Prune, needs_gradients
from .rewinding import Rewind
from .ticket import Ticket
from .training import Data, Trained, first_ticket, has_own_batches, steps_per_epoch, train

__all__ = ["Search", "derive_seed", "open_memory", "tabulate"]

# A score this much below the full network's still counts as reaching it.
TOLERANCE = 1e-3


class Stream(IntEnum):
    """What a seed is for: each has its own stream of random numbers."""

    SPLIT = 0
    INITIAL = 1
    TRAIN = 2
    PRUNE = 3
    REWIND = 4
    SCORE = 5
    TRIAL = 6
    CONTROL = 7


def derive_seed(seed, *key):
    """Return the seed of one use of randomness, independent of all others.

    Parameters
    ----------
    seed : int
        The seed of the whole search.
    *key : int
        Names the use, for example a stream and a round.

    Returns
    -------
    int
        In [0, 2**32).

    Examples
    --------
    >>> from skticket.search import Stream, derive_seed
    >>> derive_seed(0, Stream.TRAIN, 1) == derive_seed(0, Stream.TRAIN, 1)
    True
    """
    return int(np.random.SeedSequence(seed, spawn_key=key).generate_state(1)[0])


def open_memory(folder):
    """Return the memory that a folder holds.

    Parameters
    ----------
    folder : str or path-like
        Made when first written to.

    Returns
    -------
    joblib.Memory
        Compressed, because that carries a checksum: a damaged entry is trained anew.
    """
    return Memory(folder, verbose=0, compress=("zlib", 1))


class _EndedEarly(Exception):
    """Carries a training past the memory, which would take it for a whole one."""

    def __init__(self, trained):
        super().__init__("a callback ended the training")
        self.trained = trained


def _train_to_the_end(net, ticket, data, digest, *, on_evaluation=None, **settings):
    """Train; raise `_EndedEarly` if `on_evaluation`, by which nothing is remembered, ends it.

    Trainings are told apart by the `digest` of the data, which is computed once, not by the data.
    """
    ended = []

    def report(net):
        ended[:] = [True] if on_evaluation(net) else []
        return bool(ended)

    report = None if on_evaluation is None else report
    trained = train(net, ticket, data, on_evaluation=report, **settings)
    if ended:
        raise _EndedEarly(trained)
    return trained


@dataclass(frozen=True)
class Search:
    """How tickets are searched for.

    The seed of every step depends only on the search's seed and the number of the
    round, so that searches with different strategies or lengths share what
    they have in common.

    Parameters
    ----------
    net : skorch.NeuralNet
        Prototype of the net that trains.
    layer_sizes : tuple or None
        Hidden layer sizes, number of inputs and of outputs of the default network;
        None where the net's module initializes itself.
    row_shape : tuple of int
        Shape of one row of inputs.
    init : str or callable
        Distribution of the default network's initial weights.
    max_epochs : int
        Passes over the training rows a round.
    evaluate_every : int or None
        Steps between evaluations; None for one evaluation an epoch.
    rounds : int
        Number of prunings.
    prune_rate, strategy, schedule, rewind
        As in `WinningTicketClassifier`.
    layout : {"auto", "dense", "sparse"}
        How weights are stored in training.
    seed : int
        Determines everything random.
    memory : joblib.Memory
        Where trainings are remembered, by all that determines them.
    n_steps : int, default=None
        Optimizer steps a round, instead of `max_epochs`.
    """

    net: NeuralNet
    layer_sizes: tuple | None
    row_shape: tuple
    init: str | Callable
    max_epochs: int
    evaluate_every: int | None
    rounds: int
    prune_rate: float | int
    strategy: object
    schedule: str
    rewind: str | int
    layout: str
    seed: int
    memory: Memory
    n_steps: int | None = None

    @property
    def n_rounds(self):
        """How many times the network is pruned."""
        return min(self.rounds, 1) if self.schedule == "one-shot" else self.rounds

    def first_ticket(self):
        """Return the full network, checked to bear every pruning to come."""
        seed = derive_seed(self.seed, Stream.INITIAL)
        ticket = first_ticket(self.net, self._fresh_arrays(seed), seed=seed)
        if self.rounds:
            Prune(self.prune_rate, self.strategy, repeat=self.rounds).fit(ticket)
        return ticket

    def _fresh_arrays(self, seed):
        if self.layer_sizes is None:
            return None
        init = resolve_init(self.init)
        return draw_initial(*self.layer_sizes, init, np.random.RandomState(seed))

    def n_evaluations(self, n_rows):
        """How many evaluations the training on `n_rows` rows has."""
        if not has_own_batches(self.net):
            # An iterator of the user's has no grid but its epochs.
            return self.max_epochs
        return -(-self._n_steps(n_rows) // self._evaluate_every(n_rows))

    def _n_steps(self, n_rows):
        return self.n_steps or self.max_epochs * steps_per_epoch(self.net, n_rows)

    def _evaluate_every(self, n_rows):
        return self.evaluate_every or steps_per_epoch(self.net, n_rows)

    def train(self, ticket: Ticket, data: Data, round, call=0, on_evaluation=None) -> Trained:
        """Train a ticket as in this round; `call` counts trainings of one round."""
        n_rows = data.n_rows
        first = round == 0 and call == 0
        remembered = self.memory.cache(_train_to_the_end, ignore=["data", "on_evaluation"])
        try:
            return remembered(
                self.net,
                ticket,
                data,
                None if self.memory.location is None else data.digest,
                n_steps=self._n_steps(n_rows),
                evaluate_every=self._evaluate_every(n_rows),
                seed=derive_seed(self.seed, Stream.TRAIN, round, call),
                layout=self.layout,
                checkpoint=self.rewind if first and isinstance(self.rewind, Integral) else None,
                on_evaluation=on_evaluation,
            )
        except _EndedEarly as ended:
            return ended.trained

    def next_ticket(self, ticket: Ticket, data: Data, round) -> Ticket:
        """Prune and rewind the trained ticket of the round before this one."""
        return self.rewind_ticket(self.prune(ticket, round, data=data), round)

    def prune(self, ticket: Ticket, round, rate=None, data: Data | None = None) -> Ticket:
        """Prune a ticket for this round, at a rate other than the search's if given.

        A strategy that scores weights by the loss needs the data.
        """
        if rate is None:
            rate, repeat = self.prune_rate, self.rounds if self.schedule == "one-shot" else 1
        else:
            repeat = 1
        gradients = None
        if needs_gradients(self.strategy):
            seed = derive_seed(self.seed, Stream.SCORE, round)
            gradients = Gradients(self.net, self.row_shape, data, seed=seed)
        return Prune(
            rate,
            self.strategy,
            repeat=max(repeat, 1),
            random_state=derive_seed(self.seed, Stream.PRUNE, round),
            gradients=gradients,
        ).transform(ticket)

    def rewind_ticket(self, ticket: Ticket, round, to=None) -> Ticket:
        """Rewind a ticket for this round, to a point other than the search's if given."""
        to = self.rewind if to is None else to
        seed = derive_seed(self.seed, Stream.REWIND, round)
        init = self.init
        if to == "reinit" and self.layer_sizes is None:
            init = first_ticket(self.net, seed=seed, fresh=True).initial
        return Rewind(to, init=init, random_state=seed).transform(ticket)


def iterations_to_match(trained: Trained, full: Trained):
    """Return the first iteration at which a ticket scores like the full network; NaN if none."""
    wanted = full.valid_score[full.convergence] - TOLERANCE
    matching = np.flatnonzero(trained.valid_score >= wanted)
    return float(trained.iterations[matching[0]]) if len(matching) else np.nan


def tabulate(rounds, trained):
    """Return a dict of arrays, a row a training, ready for `pandas.DataFrame`.

    Parameters
    ----------
    rounds : sequence of int
        The round of each training.
    trained : sequence of Trained
        The trainings; the first is the full network's.

    Returns
    -------
    dict of str to ndarray
        Columns `round`, `density`, `n_weights`, `iterations_to_converge`,
        `iterations_to_match` (NaN if never), `valid_score` and `valid_loss` (of the
        trained network), `converged_score` and `converged_loss` (as they were at
        convergence), `is_winning`, `fit_time` (seconds).
    """
    full = trained[0]
    converged = np.array([t.iterations[t.convergence] for t in trained])
    matched = np.array([iterations_to_match(t, full) for t in trained])
    density = np.array([t.ticket.density for t in trained])
    return {
        "round": np.array(rounds),
        "density": density,
        "n_weights": np.array([t.ticket.n_weights for t in trained]),
        "iterations_to_converge": converged,
        "iterations_to_match": matched,
        "valid_score": np.array([t.valid_score[-1] for t in trained]),
        "valid_loss": np.array([t.valid_loss[-1] for t in trained]),
        "converged_score": np.array([t.valid_score[t.convergence] for t in trained]),
        "converged_loss": np.array([t.valid_loss[t.convergence] for t in trained]),
        # The full network matches itself, but it is no ticket. NaN compares as False.
        "is_winning": (density < 1) & (matched <= converged[0]),
        "fit_time": np.array([t.fit_time for t in trained]),
    }


def select_round(results, select):
    """Return the position of the training whose network predicts.

    Parameters
    ----------
    results : dict of str to ndarray
        From `tabulate`.
    select : {"last", "best", "winning"}
        The last; the one with the best validation score (the sparsest of
        equals); or the sparsest that is a winning ticket, else the first.
    """
    if select == "last":
        return len(results["round"]) - 1
    eligible = (
        results["is_winning"]
        if select == "winning"
        else results["valid_score"] == np.nanmax(results["valid_score"])
    )
    if not eligible.any():
        return 0
    candidates = np.flatnonzero(eligible)
    return int(candidates[np.argmin(results["density"][candidates])])
