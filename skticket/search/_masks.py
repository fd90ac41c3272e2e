"""Which masks would be drawn in the course of a training."""

from dataclasses import replace

import numpy as np
from joblib import Memory

from ..network import read_arrays
from ..ticket import Ticket


def masks_in_training(search, data, *, rate=None, n_times=None):
    """Train the full network, and draw at several times the mask that a pruning would leave then.

    Parameters
    ----------
    search : Search
        Whose first round is trained.
    data : Data
        What it is trained on.
    rate : float or int or None, default=None
        At which rate it is pruned; None to prune at once as far as all of the search's rounds do.
    n_times : int or None, default=None
        At how many evaluations, spread evenly, the last among them; None for each.

    Returns
    -------
    iterations : ndarray of int, shape (n_masks,)
        Optimizer steps done, 0 first.
    tickets : list of Ticket
        The pruned tickets; their weights are those of that time.
    """
    search = replace(search, schedule="one-shot" if rate is None else search.schedule)
    first = search.first_ticket()
    n_evaluations = search.n_evaluations(data.n_rows)
    n_times = n_evaluations if n_times is None else min(n_times, n_evaluations)
    wanted = set(np.round(np.linspace(0, n_evaluations, n_times + 1)[1:]).astype(int))
    iterations, tickets, seen = [], [], 0

    def draw(iteration, arrays):
        current = Ticket(first.initial, first.mask, arrays)
        iterations.append(iteration)
        tickets.append(search.prune(current, 1, rate, data))

    def on_evaluation(net, _):
        nonlocal seen
        seen += 1
        if seen in wanted:
            draw(net.history[-1, "iteration"], read_arrays(net.module_))

    draw(0, first.initial)
    # What is remembered would tell of nothing on the way.
    search_anew = replace(search, memory=Memory(None, verbose=0))
    search_anew.train(first, data, 0, on_evaluation=on_evaluation)
    return np.array(iterations), tickets
