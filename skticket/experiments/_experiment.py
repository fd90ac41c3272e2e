"""What an experiment is: a question, how it is answered, and what came out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType

import pandas as pd

from ._laboratory import Laboratory
from ._plots import TWO_QUANTITIES, plot_conditions


@dataclass(frozen=True)
class Experiment:
    """One question, and all that belongs to it.

    Parameters
    ----------
    name : str
        What the command, and the files, call it.
    question : str
        What is asked.
    conditions : callable
        Takes a `Protocol`, returns a list of `Condition`: what is trained.
    claims : callable
        Takes the table, returns a list of `Claim`.
    table : callable, default=Laboratory.table
        Takes a `Laboratory` and the conditions, returns what is measured, as DataFrame.
    pictures : dict of str to callable, default={"": plot_conditions}
        For what each file's name ends in, what draws the table.
    caption : str
        What the pictures show; by default what `plot_conditions` draws.
    """

    name: str
    question: str
    conditions: Callable
    claims: Callable
    # A default that is a function would be a method, too.
    table: Callable = field(default_factory=lambda: Laboratory.table)
    pictures: dict = field(default_factory=lambda: {"": plot_conditions})
    caption: str = TWO_QUANTITIES
    # All ask what one paper asked, and are run alike.
    paper = ""
    settings = MappingProxyType({})

    def run(self, laboratory):
        """Train what has not been trained yet, and measure.

        Parameters
        ----------
        laboratory : Laboratory
            Where the networks are trained.

        Returns
        -------
        Result

        Examples
        --------
        >>> from skticket.experiments import Laboratory, mnist
        >>> laboratory = Laboratory.open("smoke", "digits", trials=2, rounds=1)
        >>> result = mnist.EXPERIMENTS["iterative-controls"].run(laboratory)
        >>> result.table["condition"].value_counts().to_dict()
        {'iterative': 4, 'one-shot': 4, 'reinit': 2, 'rearrange': 2}
        >>> [claim.verdict for claim in result.claims]
        ['undecided', 'undecided', 'undecided', 'undecided']
        """
        return Result(self, self.table(laboratory, self.conditions(laboratory.protocol)))


@dataclass(frozen=True)
class Result:
    """An experiment that was run.

    Parameters
    ----------
    experiment : Experiment or Study
        What was asked.
    table : DataFrame
        What it measured.
    """

    experiment: Experiment
    table: pd.DataFrame

    @property
    def name(self):
        """The experiment's."""
        return self.experiment.name

    @property
    def claims(self):
        """The claims, judged."""
        return self.experiment.claims(self.table)

    @property
    def pictures(self):
        """What draws each picture, by the file's name without its format."""
        return {f"{self.name}{end}": draw for end, draw in self.experiment.pictures.items()}


def registry(*experiments):
    """Return experiments by their names, in the order given."""
    return MappingProxyType({experiment.name: experiment for experiment in experiments})
