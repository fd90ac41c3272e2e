"""Training of one ticket through skorch: a pure function of ticket, data, settings and seed."""

import time

import numpy as np
from sklearn.base import clone
from skorch.helper import predefined_split

from ..engines import computing
from ..network import (
    EVALUATION_ROWS,
    Batches,
    isolation,
    load_arrays,
    on_device,
    read_arrays,
    rows_per_batch,
    takes_rows,
    with_batches,
)
from ..ticket import Ticket
from ..utils import n_training_threads, noting_interrupts
from ._evaluation import Evaluation
from ._evolution import Evolution
from ._trained import Trained


def train(
    net,
    ticket,
    data,
    *,
    n_steps,
    evaluate_every,
    seed=0,
    layout="auto",
    n_threads=None,
    checkpoint=None,
    n_iter_no_change=None,
    share=1.0,
    evolving=None,
    strategy="magnitude",
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
        How weights are stored: whole, with masks; or the surviving ones alone, where
        an engine covers that, and otherwise whole. "auto" takes the faster.
    n_threads : int, default=None
        How many threads may share a step; those that this process may use when None,
        but one where it trains in threads.
    checkpoint : int, default=None
        Keep the weights after so many steps in the ticket's `checkpoints`.
    n_iter_no_change : int, default=None
        End the training, but not before the checkpoint, when so many evaluations in
        succession brought no lower validation loss than those before; the ticket then gets
        the weights of the evaluation where the loss was lowest, wherever training ended.
        None: all steps, and the last weights.
    share : float, default=1.0
        What share of a whole training `n_steps` are: the engine that is worth it for the whole
        one computes the part, too.
    evolving : Evolving, default=None
        By what schedule weights are exchanged in the course of the training; None: the masks stay
        as they are.
    strategy : str, strategy or callable, default="magnitude"
        What the weights are scored by that then go.
    on_evaluation : callable, default=None
        Called after each evaluation with the net, and with a ticket of its initial weights and
        masks; training ends early when it returns True.

    Returns
    -------
    Trained
        The trained ticket, with its history.

    Raises
    ------
    ValueError
        If the validation loss of the weights to keep is not finite, or if `checkpoint` was
        not reached.
    """
    start = time.perf_counter()
    n_threads = n_training_threads() if n_threads is None else n_threads
    if not takes_rows(net):
        data = data.gathered
    with isolation(net, seed):
        has_test = data.X_test is not None
        test = on_device(data.X_test, data.y_test, None, net.device) if has_test else None
        evaluation = Evaluation(
            data.classification, checkpoint, on_evaluation, test, n_iter_no_change
        )
        pauses, listeners = [] if checkpoint is None else [checkpoint], [evaluation]
        if evolving is not None:
            grid = {"n_steps": n_steps, "evaluate_every": evaluate_every}
            evolution = Evolution(evolving, strategy, net, data, seed=seed, **grid)
            pauses, listeners = [*pauses, *evolution.steps], [evaluation, evolution]
        net = _ready_net(net, ticket, data, seed, pauses, _intervals(n_steps, evaluate_every))
        n_rows = round(n_steps / share) * rows_per_batch(net, data.n_rows)
        options = {"n_rows": n_rows, "layout": layout, "n_threads": n_threads}
        with computing(net, ticket, data, **options) as computation:
            # Only now: engines ask who listens.
            for listener in listeners:
                listener.add_to(net, computation)
            _run(net, on_device(data.X, data.y, data.weight, net.device), evaluation)
    _check_outcome(evaluation)
    trained = computation.ticket
    checkpoints = dict(trained.checkpoints)
    if checkpoint is not None:
        checkpoints[checkpoint] = evaluation.checkpoint_arrays
    return Trained(
        Ticket(trained.initial, trained.mask, read_arrays(net.module_), checkpoints),
        net.history,
        np.array(evaluation.iterations),
        np.array(evaluation.losses),
        np.array(evaluation.scores),
        time.perf_counter() - start,
        computation.engine,
        np.array(evaluation.test_scores) if has_test else None,
        _kept(evaluation),
        np.array(evaluation.loss_parts),
        evaluation.score_parts,
        evaluation.parts.shares,
    )


def _intervals(n_steps, evaluate_every):
    """Numbers of steps between evaluations; the last may be smaller."""
    whole, rest = divmod(n_steps, evaluate_every)
    return [evaluate_every] * whole + ([rest] if rest else [])


def _ready_net(net, ticket, data, seed, pauses, intervals):
    net = clone(net)
    order = {"seed": seed, "rows": data.rows, "intervals": intervals, "pauses": sorted(pauses)}
    with_batches(net, "iterator_train", **order)
    with_batches(net, "iterator_valid", batch_size=EVALUATION_ROWS)
    if net.iterator_train is Batches:
        net.set_params(max_epochs=len(intervals))
    valid = on_device(data.X_valid, data.y_valid, data.weight_valid, net.device)
    net.set_params(train_split=predefined_split(valid))
    net.initialize()
    load_arrays(net.module_, ticket.weights)
    return net


def _run(net, dataset, evaluation):
    """Run the training, which a callback may end, and so may the user."""
    net.notify("on_train_begin", X=dataset, y=None)
    with noting_interrupts() as interrupts:
        try:
            net.fit_loop(dataset)
        except KeyboardInterrupt:
            if interrupts or evaluation.is_reporting:
                raise
            evaluation.catch_up(net)
    evaluation.restore_best(net)
    net.notify("on_train_end", X=dataset, y=None)


def _kept(evaluation):
    """Position of the evaluation whose weights the ticket gets."""
    return -1 if evaluation.best is None else evaluation.best


def _check_outcome(evaluation):
    if not evaluation.losses or not np.isfinite(evaluation.losses[_kept(evaluation)]):
        raise ValueError(
            f"training diverged: the validation losses were {evaluation.losses} after "
            f"{evaluation.iterations} steps; a smaller learning_rate, or scaled inputs, may help"
        )
    if evaluation.checkpoint is not None and evaluation.checkpoint_arrays is None:
        raise ValueError(
            f"rewind_to={evaluation.checkpoint}: training ended after {evaluation.step} steps, "
            "before the step to rewind to"
        )
