"""Both tables of the paper's first experiment.

Networks of few units, found directly, against networks pruned to as few units, whose survivors
were set back to their initial weights.
"""

import numpy as np
import pandas as pd
from scipy.special import ndtri

from ...utils import document, substitute
from ._networks import (
    DIRECTLY,
    SETTINGS,
    STRATEGIES,
    UNITS,
    direct_populations,
    measure,
    pruned_populations,
)

# Percent of networks with the right decision boundary, and with zero loss, by condition and units.
# Source: J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training Pruned Neural
# Networks", arXiv:1803.03635v1, 2018, section 2; 1,000 networks each.
_PUBLISHED = {
    DIRECTLY: {
        10: (98.5, 92.9),
        8: (96.8, 87.5),
        6: (92.5, 76.8),
        4: (78.3, 55.3),
        2: (49.1, 17.6),
    },
    "one-shot product": {10: (99.2, 93.3), 4: (98.0, 90.3), 2: (82.4, 65.3)},
    "input": {10: (98.9, 93.5), 4: (97.9, 92.2), 2: (83.8, 76.5)},
    "output": {10: (99.0, 93.3), 4: (96.9, 85.9), 2: (78.6, 56.1)},
    "product": {10: (98.5, 92.9), 4: (97.6, 90.3), 2: (91.5, 79.4)},
}
PUBLISHED = {(name, n): found for name, row in _PUBLISHED.items() for n, found in row.items()}

_REFERENCES = """
    Raises
    ------
    ValueError
        If a parameter is outside its range.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 2.
"""
_PRUNED = """
units : sequence of int, default=(10, 8, 6, 4, 2)
    Number of hidden units before the first pruning, and after each.
strategies : sequence of str, default=all
    Of "one-shot product" (each size is pruned at once from the first), "input", "output"
    and "product" (each from the one before).
"""


@substitute(references=_REFERENCES)
@document(SETTINGS)
def found_directly(units=UNITS, *, networks=1000, steps=10_000, seed=0, jobs=1, progress=None):
    """Train networks that have so few units from the start: the paper's first table.

    %(parameters)s

    Returns
    -------
    DataFrame
        A row a number of units, as :func:`tabulate` gives it.

    %(references)s

    Examples
    --------
    >>> from skticket.experiments.xor import found_directly
    >>> table = found_directly((4, 2), networks=50, steps=1000)
    >>> table[["units", "networks", "db"]]
       units  networks    db
    0      4        50  58.0
    1      2        50  44.0
    """
    populations = direct_populations(units)
    return tabulate(measure(populations, networks, steps, seed, jobs, progress))


@substitute(references=_REFERENCES)
@document(SETTINGS, _PRUNED)
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

    %(parameters)s

    Returns
    -------
    DataFrame
        A row a strategy and number of units, as :func:`tabulate` gives it.

    %(references)s

    Examples
    --------
    >>> from skticket.experiments.xor import pruned
    >>> table = pruned((10, 2), ["product"], networks=50, steps=1000)
    >>> table[["strategy", "units", "networks", "db"]]
      strategy  units  networks    db
    0  product     10        50  92.0
    1  product      2        50  74.0
    """
    populations = pruned_populations(units, strategies)
    return tabulate(measure(populations, networks, steps, seed, jobs, progress))


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
