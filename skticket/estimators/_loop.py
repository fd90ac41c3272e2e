"""The loop of a fit: train, then again and again prune, rewind and train."""

from dataclasses import replace
from functools import partial

from ..network import read_arrays
from ..search import may_win, select_round
from ..ticket import Ticket
from ._warnings import warn_if_unfinished, warn_if_useless


class Loop:
    """A fit's trainings, of which an estimator and its callbacks are told.

    Parameters
    ----------
    estimator : WinningTicketBase
        What is fitted; it has a run that tells of no rounds yet.
    search : Search
        How.
    data : Data
        Rows to train and to evaluate on.
    X, y : ndarray
        What callbacks are shown.
    """

    def __init__(self, estimator, search, data, X, y):
        self.estimator = estimator
        self.search = search
        self.data = data
        self.shown = {"estimator": estimator, "X": X, "y": y}

        # Each round's ticket before its training, and the positions of those trained in full.
        self.starts, self.in_full = [], set()
        self.ends = False

    def run(self):
        """Train all rounds, and choose the one that predicts."""
        search, estimator = self.search, self.estimator
        # Nobody knows how many rounds have to be trained again until one serves.
        is_known = search.round_budget == 1 or estimator.select == "last"
        self.root = estimator._init_callback_context(
            max_subtasks=search.n_rounds + 1 if is_known else None
        )
        self.root.call_on_fit_task_begin(**self.shown)
        self._train_rounds()
        if estimator.select == "winning":
            self._complete_until_one_wins()
        elif estimator.select == "best":
            self._complete_until_the_best_is()
        self._warn_if_unfinished()
        estimator._choose(search, select_round(estimator.round_results_, estimator.select))
        self.root.call_on_fit_task_end(**self.shown, reconstruction_attributes=dict)

    def _train_rounds(self):
        ticket = self.search.first_ticket()
        for number in range(self.search.n_rounds + 1):
            if number > 0:
                ticket = self.search.next_ticket(ticket, self.data, number)
            share = 1.0 if self._predicts(number) else self.search.share(ticket)
            self.starts.append(ticket)
            if share == 1:
                self.in_full.add(number)
            ticket = self._train(ticket, number, share, self.estimator._record)
            if self.ends:
                break

    def _predicts(self, number):
        """Tell whether it is known beforehand that this round predicts, or is the reference."""
        is_last = number == self.search.n_rounds
        return number == 0 or (is_last and self.estimator.select == "last")

    def _complete_until_one_wins(self):
        """Train rounds in full, from the sparsest upwards; the first that wins is chosen."""
        for number in reversed(range(1, len(self.starts))):
            full, *rounds = self.estimator._run.trained
            if may_win(rounds[number - 1], full):
                self._complete(number)
            if self.ends or self.estimator.round_results_["is_winning"][number]:
                return

    def _complete_until_the_best_is(self):
        """Train the best round in full, until the best is one that was."""
        while not self.ends:
            number = select_round(self.estimator.round_results_, "best")
            if number in self.in_full:
                return
            self._complete(number)

    def _complete(self, number):
        if number in self.in_full:
            return
        self.in_full.add(number)
        self._train(self.starts[number], number, 1.0, self.estimator._replace)

    def _train(self, ticket, number, share, record):
        """Record a training that is known, or done now, and return the trained ticket."""
        start = number, share, ticket
        known = self.estimator._run.known_training(start)
        if known is not None:
            record(number, known, start)
            return known.ticket
        n_evaluations = self.search.n_evaluations(self.data.n_rows, share)
        context = self.root.subcontext("round", max_subtasks=n_evaluations)
        context.call_on_fit_task_begin(**self.shown)
        report = partial(self._report, context)
        trained = self.search.train(
            ticket, self.data, number, share=share, evolves=number > 0, on_evaluation=report
        )
        record(number, trained, start)
        if number == 0 and self.estimator.net is None:
            warn_if_useless(trained, self.data)
        self.ends = context.call_on_fit_task_end(
            **self.shown,
            reconstruction_attributes=partial(self.estimator._as_of, self.search, trained.ticket),
        )
        return trained.ticket

    def _warn_if_unfinished(self):
        trained = self.estimator._run.trained
        in_full = [trained[number] for number in sorted(self.in_full) if number < len(trained)]
        warn_if_unfinished(in_full, self.search.n_evaluations(self.data.n_rows))

    def _report(self, context, net, ticket):
        """Tell scikit-learn's callbacks of an evaluation; return whether to stop."""
        epoch = context.subcontext("epoch").call_on_fit_task_begin(**self.shown)
        current = lambda: self.estimator._as_of(  # noqa: E731 (only when a callback asks)
            self.search, Ticket(ticket.initial, ticket.mask, read_arrays(net.module_))
        )
        ends = epoch.call_on_fit_task_end(**self.shown, reconstruction_attributes=current)
        if ends:
            # A round cut short is nothing that a later fit may go on from.
            self.estimator._run = replace(self.estimator._run, key=None)
        return ends
