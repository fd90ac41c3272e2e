"""Networks that learn exclusive or, a thousand at a time, and what becomes of them."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from joblib import Parallel, delayed

from ...datasets import make_xor
from ...engines import stack_outputs, train_stack
from ...initialization import Normal
from ...network import draw_initial
from ...pruning import Prune
from ...rewinding import Rewind
from ...ticket import Ticket
from ...utils import derive_seed, document
from .._settings import check_jobs, check_whole

UNITS = (10, 8, 6, 4, 2)
DIRECTLY = "found directly"
# Each population's strategy, and whether all units go at once.
STRATEGIES = {
    "one-shot product": ("unit_product", True),
    "input": ("unit_input", False),
    "output": ("unit_output", False),
    "product": ("unit_product", False),
}
_INIT = Normal(std=0.1)
_LEARNING_RATE = 2e-3
# A network stuck between two examples gives both 0.5; a tie counts as right.
_TIE = 1e-4
_ZERO_LOSS = 0.01
# Networks a process trains at a time; each such block has a stream of random numbers of its own.
_BLOCK = 1000

SETTINGS = """
populations : sequence of Population
    Which networks.
units : sequence of int, default=(10, 8, 6, 4, 2)
    Numbers of hidden units, descending.
networks : int, default=1000
    Networks a population.
steps : int, default=10_000
    Steps of Adam, with all four examples each.
seed : int, default=0
    Determines the initial weights. Each population has a stream of its own, so that no
    result depends on what else is run.
jobs : int, default=1
    Processes; -1 for as many as there are processors. Results are the same to the bit.
progress : callable, default=None
    Called with the number of finished pieces of work, and of all.
"""


@dataclass(frozen=True)
class Population:
    """Networks that go through the same, a thousand of them in the paper.

    Parameters
    ----------
    name : str
        "found directly", or one of `STRATEGIES`.
    units : tuple of int
        Number of hidden units before the first pruning, and after each.

    Examples
    --------
    >>> from skticket.experiments.xor import Population
    >>> Population("product", (10, 8, 6, 4, 2)).key
    (4, 10)
    """

    name: str
    units: tuple

    @property
    def key(self):
        """Names their stream of random numbers, whatever else is run."""
        return [DIRECTLY, *STRATEGIES].index(self.name), self.units[0]


@dataclass(frozen=True)
class Outcome:
    """What became of a population at one size.

    Attributes
    ----------
    name : str
        The population's.
    units : int
        Hidden units of each network.
    right : ndarray of bool, shape (n_networks,)
        Whether the decision boundary is right (DB): no example on the wrong side by
        more than 1e-4 in logit, so that a tie counts as right.
    zero_loss : ndarray of bool, shape (n_networks,)
        Whether the mean cross-entropy is below 0.01 (ZL).
    tickets : list of Ticket
        The first few trained networks.
    """

    name: str
    units: int
    right: np.ndarray
    zero_loss: np.ndarray
    tickets: list


def direct_populations(units):
    """Return the populations of the first table, one for each number of units.

    Parameters
    ----------
    units : sequence of int
        Numbers of hidden units, from the largest.

    Returns
    -------
    list of Population

    Examples
    --------
    >>> from skticket.experiments.xor import direct_populations
    >>> direct_populations([10, 2])
    [Population(name='found directly', units=(10,)), Population(name='found directly', units=(2,))]
    """
    return [Population(DIRECTLY, (n,)) for n in _check_units(units)]


def pruned_populations(units, strategies):
    """Return the populations of the second table, one for each strategy.

    Parameters
    ----------
    units : sequence of int
        Numbers of hidden units before the first pruning, and after each.
    strategies : sequence of str
        Of `STRATEGIES`.

    Returns
    -------
    list of Population

    Examples
    --------
    >>> from skticket.experiments.xor import pruned_populations
    >>> pruned_populations([10, 2], ["product"])
    [Population(name='product', units=(10, 2))]
    """
    units = _check_units(units)
    for name in strategies:
        if name not in STRATEGIES:
            raise ValueError(f"unknown strategy {name!r}; strategies are {', '.join(STRATEGIES)}")
    return [Population(name, units) for name in strategies]


def _check_units(units):
    units = tuple(units)
    whole = all(isinstance(n, Integral) and n >= 1 for n in units)
    if not (units and whole and all(a > b for a, b in zip(units, units[1:], strict=False))):
        raise ValueError(
            "units must be whole numbers of at least 1 in descending order, such as "
            f"{','.join(map(str, UNITS))}; got {','.join(map(str, units))}"
        )
    return units


@document(SETTINGS)
def measure(populations, networks=1000, steps=10_000, seed=0, jobs=1, progress=None):
    """Take the networks through each size, and return what became of them.

    %(parameters)s

    Returns
    -------
    list of Outcome
        One for each number of units of each population, in order.

    Examples
    --------
    >>> from skticket.experiments.xor import direct_populations, measure
    >>> [outcome] = measure(direct_populations([10]), networks=20, steps=1000)
    >>> outcome.units, outcome.right.shape
    (10, (20,))
    """
    check_settings(networks, steps, seed, jobs)
    pieces = [
        (position, block, min(_BLOCK, networks - start))
        for position in range(len(populations))
        for block, start in enumerate(range(0, networks, _BLOCK))
    ]
    # The longest first, so that no process is left with one at the end.
    pieces.sort(key=lambda piece: -sum(populations[piece[0]].units))
    finished = Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(_measure_block)(*piece, populations[piece[0]], steps, seed) for piece in pieces
    )
    found = {}
    for done, (position, block, outcomes) in enumerate(finished, start=1):
        found[position, block] = outcomes
        if progress is not None:
            progress(done, len(pieces))
    blocks = [
        [found[key] for key in sorted(found) if key[0] == position]
        for position in range(len(populations))
    ]
    return [_join(parts) for parts_of_one in blocks for parts in zip(*parts_of_one)]


def check_settings(networks, steps, seed, jobs):
    """Raise an error unless `measure` would take these settings.

    Parameters
    ----------
    networks, steps, seed, jobs : object
        As for `measure`.

    Raises
    ------
    ValueError
        If one of them is outside its range.

    Examples
    --------
    >>> from skticket.experiments.xor import check_settings
    >>> check_settings(networks=1000, steps=10_000, seed=0, jobs=1)
    """
    for name, value, least in (("networks", networks, 1), ("steps", steps, 1), ("seed", seed, 0)):
        check_whole(name, value, least)
    check_jobs(jobs)


def _join(parts):
    return Outcome(
        parts[0].name,
        parts[0].units,
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.zero_loss for part in parts]),
        parts[0].tickets,
    )


def _measure_block(position, block, n_networks, population, steps, seed):
    random_state = np.random.RandomState(derive_seed(seed, *population.key, block))
    outcomes = [
        _outcome(population.name, n_units, tickets)
        for n_units, tickets in _train(population, n_networks, steps, random_state)
    ]
    return position, block, outcomes


def _train(population, n_networks, steps, random_state):
    """Yield the trained networks of each size."""
    X, y = make_xor()
    first, *others = population.units
    tickets = [_new_ticket(first, random_state) for _ in range(n_networks)]
    full = tickets = train_stack(tickets, X, y, n_steps=steps, learning_rate=_LEARNING_RATE)
    yield first, tickets
    for before, n_units in zip(population.units, others, strict=False):
        strategy, at_once = STRATEGIES[population.name]
        prune = Prune(first - n_units if at_once else before - n_units, strategy)
        tickets = [
            Rewind().transform(prune.transform(ticket)) for ticket in (full if at_once else tickets)
        ]
        tickets = train_stack(tickets, X, y, n_steps=steps, learning_rate=_LEARNING_RATE)
        yield n_units, tickets


def _new_ticket(n_units, random_state):
    initial = draw_initial((n_units,), 2, 1, _INIT, random_state)
    return Ticket.full(initial, [name for name in initial if name.endswith("weight")])


def _outcome(name, n_units, tickets, keep=3):
    X, y = make_xor()
    logits = stack_outputs(tickets, X)[:, :, 0].astype(np.float64)
    margins = np.where(y == 1, logits, -logits)
    return Outcome(
        name,
        n_units,
        (margins >= -_TIE).all(axis=1),
        np.logaddexp(0, -margins).mean(axis=1) < _ZERO_LOSS,
        tickets[:keep],
    )
