"""What is compared, and which claims hold."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

OURS = "skticket"


@dataclass(frozen=True)
class Settings:
    """How a benchmark is run.

    Parameters
    ----------
    repeats : int, default=5
        How often each contender is measured.
    tiny : bool, default=False
        Whether to run sizes that say nothing, to see that everything works.
    patience : float, default=0
        Seconds that a case may spend on waiting for other processes to be quiet, and on measuring
        again what they disturbed.
    """

    repeats: int = 5
    tiny: bool = False
    patience: float = 0

    def choose(self, full, tiny):
        """Return one of two sizes."""
        return tiny if self.tiny else full


@dataclass(frozen=True)
class Contender:
    """One way to do the work of a case.

    Parameters
    ----------
    name : str
        Who does it. Contenders of one name are variants, of which the fastest counts.
    run : callable or None
        Does the work; None where it cannot.
    variant : str, default=""
        What this variant is.
    work : float, default=1
        How many of what is timed a call does.
    threads : int or None, default=None
        Threads of torch, OpenMP and BLAS meanwhile; None leaves them alone.
    prepare : callable or None, default=None
        Called before each run, while no clock runs; its result is `run`'s argument.
    missing : str, default=""
        Why it cannot run.
    """

    name: str
    run: Callable | None
    variant: str = ""
    work: float = 1
    threads: int | None = None
    prepare: Callable | None = None
    missing: str = ""


@dataclass(frozen=True)
class Claim:
    """That one contender is so many times faster (or smaller) than the fastest of others.

    Parameters
    ----------
    baselines : tuple of str
        Names of the others.
    wanted : float or None, default=None
        At least how many times; None where nothing is promised.
    subject : str, default="skticket"
        Name of the contender.
    """

    baselines: tuple
    wanted: float | None = None
    subject: str = OURS


@dataclass
class Case:
    """What is compared.

    Parameters
    ----------
    name : str
        Describes it in a table.
    contenders : list of Contender
        Measured in turns, in this order.
    claims : list of Claim, default=()
        About their ratios.
    unit : {"s", "ms", "µs", "kB"}, default="ms"
        Of the figures; in kB they are what `run` returns, and no time.
    warm_up : int, default=1
        Rounds of turns that are not counted.
    """

    name: str
    contenders: list
    claims: list = field(default_factory=list)
    unit: str = "ms"
    warm_up: int = 1


def times(n, function):
    """Return a function that calls another so many times."""

    def run():
        for _ in range(n):
            function()

    return run


def summarize(rows):
    """Return median, least and greatest figure of each variant of each contender.

    Parameters
    ----------
    rows : list of dict
        From `measure`.

    Returns
    -------
    pandas.DataFrame
    """
    keys = ["benchmark", "case", "contender", "variant", "unit"]
    grouped = pd.DataFrame(rows).groupby(keys, sort=False)["value"]
    return grouped.agg(["median", "min", "max", "count"]).reset_index()


def judge(benchmark, case, rows):
    """Compare the contenders of a case, and say which claims hold.

    A ratio is that of medians; its range is that of the ratios of each repeat. Of several
    variants, and of several baselines, the one with the smallest median counts.

    Parameters
    ----------
    benchmark : str
        Its name.
    case : Case
        What was compared.
    rows : list of dict
        Its figures, from `measure`.

    Returns
    -------
    list of dict
        A row a claim.
    """
    values = {}
    for row in sorted(rows, key=lambda row: row["repeat"]):
        values.setdefault((row["contender"], row["variant"]), []).append(row["value"])
    reasons = {c.name: c.missing for c in case.contenders if c.missing}
    judged = []
    for claim in case.claims:
        row = {"benchmark": benchmark, "case": case.name, "subject": claim.subject}
        row |= {"against": " or ".join(claim.baselines), "wanted": claim.wanted}
        subject = _fastest(values, (claim.subject,))
        baseline = _fastest(values, claim.baselines)
        if subject is None or baseline is None:
            absent = [name for name in (claim.subject, *claim.baselines) if name in reasons]
            row["missing"] = "; ".join(f"{name}: {reasons[name]}" for name in absent)
        else:
            ratios = [b / s for b, s in zip(values[baseline], values[subject])]
            ratio = statistics.median(values[baseline]) / statistics.median(values[subject])
            row |= {"baseline": label(*baseline), "ratio": ratio}
            row |= {"least": min(ratios), "most": max(ratios)}
            row["met"] = None if claim.wanted is None else ratio >= claim.wanted
        judged.append(row)
    return judged


def _fastest(values, names):
    candidates = [key for key in values if key[0] in names]
    return min(candidates, key=lambda key: statistics.median(values[key]), default=None)


def label(name, variant):
    """Return the name of a contender's variant."""
    return f"{name} ({variant})" if variant else name


def describe(claim):
    """Return the outcome of a claim as a line of text."""
    if "missing" in claim:
        return f"{claim['against']}: MISSING ({claim['missing']})"
    text = (
        f"{claim['subject']} {claim['ratio']:.2f} [{claim['least']:.2f} to {claim['most']:.2f}] "
        f"times faster (kB: smaller) than {claim['baseline']}"
    )
    if claim["wanted"]:
        text += f", wanted {claim['wanted']:.2f}: " + ("met" if claim["met"] else "MISSED")
    return text
