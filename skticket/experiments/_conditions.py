"""Which networks an experiment compares."""

from dataclasses import dataclass, replace
from numbers import Integral

from ._protocols import Recipe

CONTROLS = ("reinit", "rearrange")


@dataclass(frozen=True)
class Network:
    """One network to train. Equal ones are trained once, whichever experiments need them.

    Parameters
    ----------
    trial : int
        Which repetition.
    round : int
        How many times it was pruned, or as many times at once.
    recipe : Recipe
        How it comes about.
    control : {"reinit", "rearrange"} or None
        What takes the place of its initial weights.
    repeat : int
        Which of several such controls.
    is_whole : bool
        Whether it is trained in full, or only for its recipe's budget.
    """

    trial: int
    round: int
    recipe: Recipe
    control: str | None = None
    repeat: int = 0
    is_whole: bool = True

    @classmethod
    def make(cls, trial, round, recipe, control=None, repeat=0):
        """Return a network; the full network is the same one whatever would have come later."""
        if round == 0:
            rewind = recipe.rewind_to if isinstance(recipe.rewind_to, Integral) else "init"
            recipe = Recipe(recipe.hidden_layer_sizes, recipe.init, rewind_to=rewind)
            return cls(trial, 0, recipe)
        return cls(trial, round, recipe, control, repeat)

    @property
    def parent(self):
        """The network whose training tells which weights this one keeps; None for a full one."""
        if self.round == 0:
            return None
        before = 0 if self.recipe.schedule == "one-shot" else self.round - 1
        parent = self.make(self.trial, before, self.recipe)
        return replace(parent, is_whole=before == 0 or self.recipe.round_budget == 1)

    @property
    def place(self):
        """What tables are sorted by."""
        return self.round, self.trial

    @property
    def depth(self):
        """How many networks have to be trained one after another before this one."""
        return 0 if self.round == 0 else 1 + self.parent.depth

    @property
    def relative_cost(self):
        """A guess of its training time, to start with the longest."""
        return sum(self.recipe.hidden_layer_sizes) * (1 - self.recipe.prune_rate) ** self.round


@dataclass(frozen=True)
class Condition:
    """The networks of one curve of an experiment.

    Parameters
    ----------
    name : str
        What the legend says.
    recipe : Recipe
        How they come about.
    rounds : tuple of int
        Which sizes are measured.
    control : {"reinit", "rearrange"} or None
        What takes the place of initial weights, from round 1 on.
    repeats : int
        Controls a ticket.

    Examples
    --------
    >>> from skticket.experiments import PRESETS, Condition
    >>> Condition.iterative(PRESETS["smoke"], "10% a round", prune_rate=0.1).rounds
    (0, 1, 2, 3, 4, 5, 6)
    """

    name: str
    recipe: Recipe
    rounds: tuple
    control: str | None = None
    repeats: int = 1

    @classmethod
    def iterative(cls, protocol, name="iterative", **changes):
        """Return that of the rounds of a search, by the protocol's recipe or a changed one.

        At a budget that is every third round, since those that are measured are trained in full.
        """
        recipe = replace(protocol.recipe, **changes)
        if recipe.round_budget == 1:
            return cls(name, recipe, tuple(range(protocol.rounds_at(recipe.prune_rate) + 1)))
        return cls(name, recipe, (0, *protocol.every_third_round(recipe.prune_rate)))

    @classmethod
    def one_shot(cls, protocol):
        """Return that of tickets pruned once to each size, and the full network."""
        recipe = replace(protocol.recipe, schedule="one-shot")
        return cls("one-shot", recipe, (0, *protocol.every_third_round()))

    def controls(self, protocol):
        """Return both controls of its tickets."""
        rounds = protocol.every_third_round()
        return [
            replace(self, name=control, rounds=rounds, control=control, repeats=repeats)
            for control, repeats in zip(CONTROLS, (protocol.controls, 1), strict=True)
        ]

    def networks(self, trials):
        """Return its networks in so many trials."""
        found = [
            Network.make(trial, round, self.recipe, self.control, repeat)
            for round in self.rounds
            for trial in range(trials)
            for repeat in range(self.repeats)
        ]
        return list(dict.fromkeys(found))
