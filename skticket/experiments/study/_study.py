"""What a study is: a question of a later paper, how it is answered, and what came out."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .._experiment import Result
from .._images import load_images
from .._protocols import PRESETS as PROTOCOLS

_FULL = replace(PROTOCOLS["fast"], rounds=20)
# "quick" is to take less than ten minutes of two processors: rounds that only lead on are cut to a
# budget. "smoke" is for tests.
PRESETS = {
    "full": _FULL,
    "quick": replace(
        _FULL,
        recipe=replace(_FULL.recipe, round_budget=1 / 6),
        iterations=2000,
        rounds=15,
        trials=4,
    ),
    "smoke": PROTOCOLS["smoke"],
}


@dataclass(frozen=True)
class Study:
    """One question about tickets that a later paper asked, and all that belongs to it.

    Parameters
    ----------
    name : str
        What the command, and the files, call it.
    question : str
        What is asked.
    paper : str
        Who asked first: authors, title, place and year.
    measure : callable
        Takes a `Laboratory` and the number of a trial, returns what is measured in it, as
        DataFrame. What it trains by `Laboratory.search_of` is remembered, and trained once for
        all studies that need it.
    claims : callable
        Takes the table of all trials, those with a column `trial`; returns a list of `Claim`.
    pictures : dict of str to callable
        For what each file's name ends in, what draws the table: it returns a figure.
    caption : str
        What the pictures show.
    load : callable, default=load_images
        Takes the name of a data set and a seed, returns the laboratory's `images`.
    dataset : str, default="mnist"
        The data set where the user names none.
    settings : dict of str to str, default={}
        What the report tells of how it was run, where that is not as in other studies.

    Examples
    --------
    >>> from skticket.experiments import Laboratory, study
    >>> sorted(study.STUDIES) == sorted(found.name for found in study.STUDIES.values())
    True
    """

    name: str
    question: str
    paper: str
    measure: Callable
    claims: Callable
    pictures: dict
    caption: str
    # A default that is a function would be a method, too.
    load: Callable = field(default_factory=lambda: load_images)
    dataset: str = "mnist"
    settings: dict = field(default_factory=dict)

    def run(self, laboratory):
        """Train what has not been trained yet, and measure.

        Parameters
        ----------
        laboratory : Laboratory
            Where.

        Returns
        -------
        Result
        """
        return Result(self, laboratory.each_trial(self.measure))


def each_round(search, data):
    """Yield what each round's training gives, the full network's first.

    Parameters
    ----------
    search : Search
        Of which the rounds are.
    data : Data
        What is learned.

    Yields
    ------
    Trained
    """
    trained = search.train(search.first_ticket(), data, 0)
    yield trained
    for number in range(1, search.n_rounds + 1):
        ticket = search.next_ticket(trained.ticket, data, number)
        trained = search.train(ticket, data, number)
        yield trained


def tickets_at(search, data, rounds):
    """Yield the tickets of some rounds, not yet trained; rounds between are cut to the budget.

    Parameters
    ----------
    search : Search
        Of which the rounds are.
    data : Data
        What is learned.
    rounds : sequence of int
        Which.

    Yields
    ------
    number : int
        Of the round.
    ticket : Ticket
        As the round's training takes it.
    """
    ticket = search.first_ticket()
    for number in range(max(rounds) + 1):
        if number in rounds:
            yield number, ticket
        if number < max(rounds):
            share = search.share(ticket) if number > 0 else 1.0
            trained = search.train(ticket, data, number, share=share)
            ticket = search.next_ticket(trained.ticket, data, number + 1)
