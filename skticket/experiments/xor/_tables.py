"""The paper's first experiment: exclusive or, learned by a thousand networks a condition.

Both of its tables: networks of few units, found directly, against networks pruned to as few
units, whose survivors were set back to their initial weights.
"""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.special import ndtri

from ...datasets import make_xor
from ...engines import stack_outputs, train_stack
from ...initialization import Normal
from ...network import draw_initial
from ...pruning import Prune
from ...rewinding import Rewind
from ...ticket import Ticket
from ...utils import derive_seed

__all__ = [
    "PUBLISHED",
    "STRATEGIES",
    "UNITS",
    "Condition",
    "Outcome",
    "check_settings",
    "direct_conditions",
    "found_directly",
    "measure",
    "pruned",
    "pruned_conditions",
    "tabulate",
]

UNITS = (10, 8, 6, 4, 2)
DIRECTLY = "found directly"
# The strategy of each condition, and whether all units go at once.
STRATEGIES = {
    "one-shot product": ("unit_product", True),
    "input": ("unit_input", False),
    "output": ("unit_output", False),
    "product": ("unit_product", False),
}
# Percent of networks with the right decision boundary, and with zero loss, by condition and units.
# Source: J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training Pruned Neural
# Networks", arXiv:1803.03635v1, 2018, section 2; 1,000 networks each.
PUBLISHED = {
    (DIRECTLY, 10): (98.5, 92.9),
    (DIRECTLY, 8): (96.8, 87.5),
    (DIRECTLY, 6): (92.5, 76.8),
    (DIRECTLY, 4): (78.3, 55.3),
    (DIRECTLY, 2): (49.1, 17.6),
    ("one-shot product", 10): (99.2, 93.3),
    ("one-shot product", 4): (98.0, 90.3),
    ("one-shot product", 2): (82.4, 65.3),
    ("input", 10): (98.9, 93.5),
    ("input", 4): (97.9, 92.2),
    ("input", 2): (83.8, 76.5),
    ("output", 10): (99.0, 93.3),
    ("output", 4): (96.9, 85.9),
    ("output", 2): (78.6, 56.1),
    ("product", 10): (98.5, 92.9),
    ("product", 4): (97.6, 90.3),
    ("product", 2): (91.5, 79.4),
}

_INIT = Normal(std=0.1)
_LEARNING_RATE = 2e-3
# A network stuck between two examples gives both 0.5; a tie counts as right.
_TIE = 1e-4
_ZERO_LOSS = 0.01
# Networks a process trains at a time; each such block has a stream of random numbers of its own.
_BLOCK = 1000


@dataclass(frozen=True)
class Condition:
    """What a thousand networks go through.

    Parameters
    ----------
    name : str
        "found directly", or one of `STRATEGIES`.
    units : tuple of int
        Number of hidden units before the first pruning, and after each.

    Examples
    --------
    >>> from skticket.experiments.xor import Condition
    >>> Condition("product", (10, 8, 6, 4, 2)).key
    (4, 10)
    """

    name: str
    units: tuple

    @property
    def key(self):
        """Names the condition's stream of random numbers, whatever else is run."""
        return [DIRECTLY, *STRATEGIES].index(self.name), self.units[0]


@dataclass(frozen=True)
class Outcome:
    """What became of a condition's networks at one size.

    Attributes
    ----------
    name : str
        The condition.
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


def found_directly(units=UNITS, *, networks=1000, steps=10_000, seed=0, jobs=1, progress=None):
    """Train networks that have so few units from the start: the paper's first table.

    Parameters
    ----------
    units : sequence of int, default=(10, 8, 6, 4, 2)
        Numbers of hidden units, descending.
    networks : int, default=1000
        Networks a condition.
    steps : int, default=10_000
        Steps of Adam, with all four examples each.
    seed : int, default=0
        Determines the initial weights. Each condition has a stream of its own, so
        that no result depends on what else is run.
    jobs : int, default=1
        Processes; -1 for as many as there are processors. Results are the same to
        the bit.
    progress : callable, default=None
        Called with the number of finished pieces of work, and of all.

    Returns
    -------
    DataFrame
        A row a number of units, as :func:`tabulate` gives it.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 2.

    Examples
    --------
    >>> from skticket.experiments.xor import found_directly
    >>> table = found_directly((4, 2), networks=50, steps=1000)
    >>> table[["units", "networks", "db"]]
       units  networks    db
    0      4        50  58.0
    1      2        50  44.0
    """
    conditions = direct_conditions(units)
    return tabulate(measure(conditions, networks, steps, seed, jobs, progress))


def pruned(
    units=UNITS,
    strategies=tuple(STRATEGIES),
    *,
    networks=1000,
    steps=10_000,
    seed=0,
    jobs=1,
    progress=None,
):
    """Prune networks to so few units, rewind them and train again: the paper's second table.

    Parameters
    ----------
    units : sequence of int, default=(10, 8, 6, 4, 2)
        Number of hidden units before the first pruning, and after each.
    strategies : sequence of str, default=all
        Of "one-shot product" (each size is pruned at once from the first), "input",
        "output" and "product" (each from the one before).
    networks, steps, seed, jobs, progress
        As for :func:`found_directly`.

    Returns
    -------
    DataFrame
        A row a strategy and number of units, as :func:`tabulate` gives it.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 2.

    Examples
    --------
    >>> from skticket.experiments.xor import pruned
    >>> table = pruned((10, 2), ["product"], networks=50, steps=1000)
    >>> table[["strategy", "units", "networks", "db"]]
      strategy  units  networks    db
    0  product     10        50  92.0
    1  product      2        50  74.0
    """
    conditions = pruned_conditions(units, strategies)
    return tabulate(measure(conditions, networks, steps, seed, jobs, progress))


def direct_conditions(units):
    """Return the conditions of the first table, one for each number of units."""
    return [Condition(DIRECTLY, (n,)) for n in _check_units(units)]


def pruned_conditions(units, strategies):
    """Return the conditions of the second table, one for each strategy."""
    units = _check_units(units)
    for name in strategies:
        if name not in STRATEGIES:
            raise ValueError(f"unknown strategy {name!r}; strategies are {', '.join(STRATEGIES)}")
    return [Condition(name, units) for name in strategies]


def _check_units(units):
    units = tuple(units)
    whole = all(isinstance(n, Integral) and n >= 1 for n in units)
    if not (units and whole and all(a > b for a, b in zip(units, units[1:], strict=False))):
        raise ValueError(
            "units must be whole numbers of at least 1 in descending order, such as "
            f"{','.join(map(str, UNITS))}; got {','.join(map(str, units))}"
        )
    return units


def measure(conditions, networks=1000, steps=10_000, seed=0, jobs=1, progress=None):
    """Take networks through each condition, and return what became of them.

    Parameters
    ----------
    conditions : sequence of Condition
        What to do.
    networks, steps, seed, jobs, progress
        As for :func:`found_directly`.

    Returns
    -------
    list of Outcome
        One for each number of units of each condition, in order.
    """
    check_settings(networks, steps, seed, jobs)
    pieces = [
        (position, block, min(_BLOCK, networks - start))
        for position in range(len(conditions))
        for block, start in enumerate(range(0, networks, _BLOCK))
    ]
    # The longest first, so that no process is left with one at the end.
    pieces.sort(key=lambda piece: -sum(conditions[piece[0]].units))
    finished = Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(_measure_block)(*piece, conditions[piece[0]], steps, seed) for piece in pieces
    )
    found = {}
    for done, (position, block, outcomes) in enumerate(finished, start=1):
        found[position, block] = outcomes
        if progress is not None:
            progress(done, len(pieces))
    blocks = [
        [found[key] for key in sorted(found) if key[0] == position]
        for position in range(len(conditions))
    ]
    return [_join(parts) for parts_of_condition in blocks for parts in zip(*parts_of_condition)]


def check_settings(networks, steps, seed, jobs):
    """Raise an error unless :func:`measure` would take these settings."""
    for name, value, least in (("networks", networks, 1), ("steps", steps, 1), ("seed", seed, 0)):
        if not isinstance(value, Integral) or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    if jobs == 0:
        raise ValueError("jobs must be a number of processes, or -1 for all processors; got 0")


def _join(parts):
    return Outcome(
        parts[0].name,
        parts[0].units,
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.zero_loss for part in parts]),
        parts[0].tickets,
    )


def _measure_block(position, block, n_networks, condition, steps, seed):
    random_state = np.random.RandomState(derive_seed(seed, *condition.key, block))
    outcomes = [
        _outcome(condition.name, n_units, tickets)
        for n_units, tickets in _train(condition, n_networks, steps, random_state)
    ]
    return position, block, outcomes


def _train(condition, n_networks, steps, random_state):
    """Yield the trained networks of each size."""
    X, y = make_xor()
    first, *others = condition.units
    tickets = [_new_ticket(first, random_state) for _ in range(n_networks)]
    full = tickets = train_stack(tickets, X, y, n_steps=steps, learning_rate=_LEARNING_RATE)
    yield first, tickets
    for before, n_units in zip(condition.units, others, strict=False):
        strategy, at_once = STRATEGIES[condition.name]
        prune = Prune(first - n_units if at_once else before - n_units, strategy)
        tickets = [
            Rewind().transform(prune.transform(ticket)) for ticket in (full if at_once else tickets)
        ]
        tickets = train_stack(tickets, X, y, n_steps=steps, learning_rate=_LEARNING_RATE)
        yield n_units, tickets


def _new_ticket(n_units, random_state):
    initial = draw_initial((n_units,), 2, 1, _INIT, random_state)
    masks = {name: np.ones(initial[name].shape, bool) for name in initial if "weight" in name}
    return Ticket(initial, masks)


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


def tabulate(outcomes):
    """Return a tidy table of outcomes, in percent.

    Parameters
    ----------
    outcomes : sequence of Outcome
        From :func:`measure`.

    Returns
    -------
    DataFrame
        A row an outcome, with columns `strategy` (if there is any), `units`, `db` and
        `zl` (percent of networks with the right decision boundary, and with zero
        loss), `networks`, the ends of their 95% intervals (Wilson's) `db_low`,
        `db_high`, `zl_low`, `zl_high`, and the paper's figures `db_published` and
        `zl_published` (NaN where it has none).
    """
    rows = []
    for outcome in outcomes:
        row = {"strategy": outcome.name, "units": outcome.units}
        successes = {"db": outcome.right, "zl": outcome.zero_loss}
        row |= {name: 100 * float(success.mean()) for name, success in successes.items()}
        row["networks"] = len(outcome.right)
        for name, success in successes.items():
            row[f"{name}_low"], row[f"{name}_high"] = wilson(int(success.sum()), len(success))
        published = PUBLISHED.get((outcome.name, outcome.units), (np.nan, np.nan))
        row["db_published"], row["zl_published"] = published
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.drop(columns="strategy") if (table["strategy"] == DIRECTLY).all() else table


def wilson(successes, n, confidence=0.95):
    """Return Wilson's score interval of a share, in percent.

    Parameters
    ----------
    successes, n : int
        How many of how many.
    confidence : float, default=0.95
        Its coverage.

    Returns
    -------
    tuple of float
        Its ends.

    References
    ----------
    .. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical
       inference", Journal of the American Statistical Association 22, 1927.

    Examples
    --------
    >>> from skticket.experiments.xor import wilson
    >>> low, high = wilson(9, 10)
    >>> round(low, 2), round(high, 2)
    (59.58, 98.21)
    """
    z2 = ndtri((1 + confidence) / 2) ** 2
    share = successes / n
    centre = share + z2 / (2 * n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2)))
    # At the very ends rounding could leave 0 or 100 just outside.
    low, high = (100 * end / (1 + z2 / n) for end in (centre - half, centre + half))
    return max(float(low), 0.0), min(float(high), 100.0)
