"""The search for winning tickets: train, then again and again prune, rewind, train."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from numbers import Integral

import numpy as np
from joblib import Memory
from sklearn.base import clone
from skorch import NeuralNet

from ..initialization import resolve_init
from ..network import (
    Data,
    draw_initial,
    first_ticket,
    has_own_batches,
    restarted,
    steps_per_epoch,
)
from ..pruning import Evolving, Prune, needs_gradients
from ..rewinding import Rewind
from ..ticket import Ticket
from ..training import Gradients, Trained, train
from ..utils import Stream, code_key, derive_seed
from ._memory import key_of, remember, remembers

# Steps between evaluations of epochs that are longer; the paper's grid. But no more evaluations
# an epoch: `n_iter_no_change` of them would be over before most rows have been seen again.
_LONGEST_INTERVAL, _MOST_EVALUATIONS = 100, 2


class _EndedEarly(Exception):
    """Carries a training past the memory, which would take it for a whole one."""

    def __init__(self, trained):
        super().__init__("a callback ended the training")
        self.trained = trained


def _train_to_the_end(net, ticket, data, on_evaluation=None, **settings):
    """Train; raise `_EndedEarly` if `on_evaluation`, by which nothing is remembered, ends it."""
    ended = []

    def report(net, ticket):
        ended[:] = [True] if on_evaluation(net, ticket) else []
        return bool(ended)

    report = None if on_evaluation is None else report
    trained = train(net, ticket, data, on_evaluation=report, **settings)
    if ended:
        raise _EndedEarly(trained)
    return trained


def _part(share, n):
    """A share of a number, at least 1."""
    return max(1, round(share * n))


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
        Steps between evaluations; None for one evaluation an epoch, but every 100 steps
        of longer epochs (twice an epoch at most) where the network is the default one.
    rounds : int
        Number of prunings.
    prune_rate, strategy, schedule, rewind_to
        As in `WinningTicketClassifier`.
    layout : {"auto", "dense", "sparse"}
        How weights are stored in training.
    seed : int
        Determines everything random.
    memory : joblib.Memory
        Where trainings are remembered, by all that determines them.
    n_steps : int, default=None
        Optimizer steps a round, instead of `max_epochs`.
    n_iter_no_change : int, default=None
        As for `train`.
    round_budget : float, default=1.0
        As in `WinningTicketClassifier`.
    alpha : float, default=0
        Strength of the L2 penalty of the default network's named optimizers; divided by the
        number of training rows, it is their weight decay.
    ticket : Ticket, default=None
        What to start from, instead of the full network.
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
    schedule: str | Evolving
    rewind_to: str | int
    layout: str
    seed: int
    memory: Memory
    n_steps: int | None = None
    n_iter_no_change: int | None = None
    round_budget: float = 1.0
    alpha: float = 0
    ticket: Ticket | None = None

    @cached_property
    def code(self):
        """What tells the net's code from other code; None if nothing does."""
        return code_key(self.net)

    @property
    def n_rounds(self):
        """How many times the network is pruned."""
        return self.rounds if self.schedule == "iterative" else min(self.rounds, 1)

    @property
    def evolving(self):
        """The schedule by which weights are exchanged as the network trains; None without one."""
        if self.schedule == "evolving":
            return Evolving()
        return self.schedule if isinstance(self.schedule, Evolving) else None

    def first_ticket(self):
        """Return the full network, or what stands for it, checked to bear every pruning to come."""
        seed = derive_seed(self.seed, Stream.INITIAL)
        if self.ticket is None:
            ticket = first_ticket(self.net, self._fresh_arrays(seed), seed=seed)
        else:
            ticket = restarted(self.net, self.ticket)
        if self.rounds:
            if self.evolving is not None:
                self.evolving.check(self.strategy)
            Prune(self.prune_rate, self.strategy, repeat=self.rounds).fit(ticket)
        return ticket

    def _fresh_arrays(self, seed):
        if self.layer_sizes is None:
            return None
        init = resolve_init(self.init)
        return draw_initial(*self.layer_sizes, init, np.random.RandomState(seed))

    def grid(self, n_rows):
        """How many steps a training on `n_rows` rows has, and how many between evaluations."""
        n_steps, evaluate_every = self.n_steps, self.evaluate_every
        if n_steps is None or evaluate_every is None:
            per_epoch = steps_per_epoch(self.net, n_rows)
            n_steps = n_steps or self.max_epochs * per_epoch
            evaluate_every = evaluate_every or self._default_interval(per_epoch)
        return n_steps, evaluate_every

    def share(self, ticket: Ticket):
        """What share of the steps a ticket's training may have that only finds the next one."""
        return min(1.0, self.round_budget / ticket.density)

    def _default_interval(self, per_epoch):
        # A prototype's callbacks count evaluations as epochs.
        if self.layer_sizes is None:
            return per_epoch
        return min(per_epoch, max(_LONGEST_INTERVAL, -(-per_epoch // _MOST_EVALUATIONS)))

    def n_evaluations(self, n_rows, share=1.0):
        """How many evaluations a training on `n_rows` rows has at most."""
        if not has_own_batches(self.net):
            # An iterator of the user's has no grid but its epochs.
            return _part(share, self.max_epochs)
        n_steps, evaluate_every = self._shortened_grid(n_rows, share)
        return -(-n_steps // evaluate_every)

    def _shortened_grid(self, n_rows, share):
        n_steps, evaluate_every = self.grid(n_rows)
        return max(_part(share, n_steps), min(evaluate_every, n_steps)), evaluate_every

    def train(
        self,
        ticket: Ticket,
        data: Data,
        round,
        call=0,
        share=1.0,
        evolves=False,
        on_evaluation=None,
    ) -> Trained:
        """Train a ticket as in this round, for a share of its steps.

        `call` counts trainings of one round. Only where it `evolves` does an evolving schedule
        exchange weights; otherwise the masks stay.
        """
        n_steps, evaluate_every = self._shortened_grid(data.n_rows, share)
        net = self._penalized_net(data.n_rows)
        if share < 1 and not has_own_batches(net):
            net = clone(net).set_params(max_epochs=_part(share, self.max_epochs))
        keep = round == 0 and call == 0 and isinstance(self.rewind_to, Integral)
        settings = {
            "n_steps": n_steps,
            "evaluate_every": evaluate_every,
            "seed": derive_seed(self.seed, Stream.TRAIN, round, call),
            "layout": self.layout,
            "checkpoint": self.rewind_to if keep else None,
            "n_iter_no_change": self.n_iter_no_change,
            "share": share,
        }
        code = [self.code]
        if evolves and self.evolving is not None:
            settings |= {"evolving": self.evolving, "strategy": self.strategy}
            code.append(code_key(self.strategy))
        compute = partial(_train_to_the_end, net, ticket, data, on_evaluation, **settings)
        key = None
        if remembers(self.memory):
            key = key_of(*code, net, ticket, data.digest, settings)
        try:
            return remember(self.memory, key, compute)
        except _EndedEarly as ended:
            return ended.trained

    def _penalized_net(self, n_rows):
        if self.alpha == 0:
            return self.net
        return clone(self.net).set_params(optimizer__weight_decay=self.alpha / n_rows)

    def next_ticket(self, ticket: Ticket, data: Data, round) -> Ticket:
        """Prune and rewind the trained ticket of the round before this one.

        By an evolving schedule, a sparse network is born instead.
        """
        return self.rewind_ticket(self.prune(ticket, round, data=data), round)

    def prune(self, ticket: Ticket, round, rate=None, data: Data | None = None) -> Ticket:
        """Prune a ticket for this round, at a rate other than the search's if given.

        A strategy that scores weights by the loss needs the data. By an evolving schedule, without
        a rate, the weights that survive are at random places.
        """
        repeat = 1 if rate is not None or self.schedule == "iterative" else self.rounds
        is_born = rate is None and self.evolving is not None
        pruned = Prune(
            self.prune_rate if rate is None else rate,
            self.strategy,
            repeat=max(repeat, 1),
            random_state=derive_seed(self.seed, Stream.PRUNE, round),
            gradients=self.gradients(round, data),
        ).transform(ticket)
        if not is_born:
            return pruned
        random_state = np.random.RandomState(derive_seed(self.seed, Stream.GROW, round))
        return self.evolving.born(ticket, pruned.n_weights, random_state)

    def gradients(self, round, data: Data | None):
        """Return what the strategy needs to score weights for this round, beyond the ticket."""
        if not needs_gradients(self.strategy):
            return None
        seed = derive_seed(self.seed, Stream.SCORE, round)
        return Gradients(self.net, self.row_shape, data, seed=seed)

    def rewind_ticket(self, ticket: Ticket, round, to=None, call=0) -> Ticket:
        """Rewind a ticket for this round, to a point other than the search's if given.

        `call` counts how often that was done, so that each control is another one.
        """
        to = self.rewind_to if to is None else to
        key = (round, call) if call else (round,)
        seed = derive_seed(self.seed, Stream.REWIND, *key)
        init = self.init
        if to == "reinit" and self.layer_sizes is None:
            init = first_ticket(self.net, seed=seed, fresh=True).initial
        return Rewind(to, init=init, random_state=seed).transform(ticket)
