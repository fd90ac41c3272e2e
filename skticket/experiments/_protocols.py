"""How the networks of an experiment are trained."""

from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from ..initialization import Normal
from ..network import default_net
from ..search import Search


@dataclass(frozen=True)
class Recipe:
    """What networks of an experiment may differ in, besides their size and their control.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int
        Units of each hidden layer.
    init : str or float
        Distribution of the initial weights; a number is the standard deviation of a
        Gaussian that is truncated at twice it.
    prune_rate : float
        Share of each hidden layer's weights that goes in a round.
    schedule : {"iterative", "one-shot"}
        Whether a round's ticket is pruned from the round before, or from the full network.
    rewind_to : str or int
        As in `WinningTicketClassifier`.
    round_budget : float
        What share of a full training a network may cost that is not measured, but only tells
        which weights the next one keeps.
    """

    hidden_layer_sizes: tuple
    init: str | float
    prune_rate: float = 0.2
    schedule: str = "iterative"
    rewind_to: str | int = "init"
    round_budget: float = 1.0


@dataclass(frozen=True)
class Protocol:
    """How an experiment's networks are trained, and what it varies.

    Parameters
    ----------
    recipe : Recipe
        Of the networks that most experiments share.
    optimizer : {"adam", "sgd"}
        What takes the steps.
    learning_rate : float
        Their size.
    batch_size : int
        Images a step.
    iterations : int
        Steps of each training.
    evaluate_every : int
        Steps between evaluations on validation and test images.
    rounds : int
        How many times a network is pruned at 20% a round.
    trials : int
        Repetitions, each with initial weights and batches of its own.
    controls : int
        How many times each ticket is reinitialized.
    scales : tuple of float
        Standard deviations of initial weights, for `initialization-scale`.
    sizes : tuple of tuple of int
        Hidden layer sizes, for `network-size`.
    rates : tuple of float
        Shares that go in a round, for `pruning-rate`.
    rewind_step : int
        The step that `resetting` rewinds to.
    """

    recipe: Recipe
    optimizer: str
    learning_rate: float
    batch_size: int
    iterations: int
    evaluate_every: int
    rounds: int = 15
    trials: int = 5
    controls: int = 3
    scales: tuple = (0.025, 0.05, 0.1, 0.2)
    sizes: tuple = ((50, 17), (100, 33), (200, 67), (300, 100), (500, 167))
    rates: tuple = (0.1, 0.2, 0.4, 0.6, 0.8)
    rewind_step: int = 100

    def round_at(self, percent):
        """Return the round, from the first on, after which about so many weights remain."""
        rounds = round(np.log(percent / 100) / np.log(1 - self.recipe.prune_rate))
        return int(np.clip(rounds, 1, self.rounds))

    def rounds_at(self, prune_rate):
        """Return how many rounds at another rate prune as far as `rounds` do."""
        rounds = self.rounds * np.log(1 - self.recipe.prune_rate) / np.log(1 - prune_rate)
        return max(1, round(rounds))

    def every_third_round(self, prune_rate=None):
        """Sizes that are enough for a curve, at 20% a round with the paper's 16.8% among them."""
        last = self.rounds if prune_rate is None else self.rounds_at(prune_rate)
        return tuple(range(min(2, last), last + 1, 3))

    def search(self, recipe, round, images, seed, device, memory):
        """Return the search that trains the networks of a recipe.

        Parameters
        ----------
        recipe : Recipe
            Which networks.
        round : int
            What a single pruning is to reach, with the schedule "one-shot".
        images : Images
            What they learn.
        seed : int
            Of the trial.
        device : str
            Where they are trained.
        memory : joblib.Memory
            Where they are remembered.

        Returns
        -------
        Search
        """
        layer_sizes = (recipe.hidden_layer_sizes, images.n_pixels, images.n_classes)
        net = default_net(
            *layer_sizes,
            criterion=nn.CrossEntropyLoss,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            device=device,
        )
        return Search(
            net=net,
            layer_sizes=layer_sizes,
            row_shape=(images.n_pixels,),
            init=recipe.init if isinstance(recipe.init, str) else Normal(recipe.init, 2.0),
            max_epochs=1,
            evaluate_every=self.evaluate_every,
            rounds=round,
            prune_rate=recipe.prune_rate,
            strategy="magnitude",
            schedule=recipe.schedule,
            rewind_to=recipe.rewind_to,
            round_budget=recipe.round_budget,
            layout="auto",
            seed=seed,
            memory=memory,
            n_steps=self.iterations,
        )


_FAST = Protocol(Recipe((300, 100), "glorot_normal"), "adam", 1.2e-3, 60, 5000, 100)
# "v1" is the paper's protocol; "fast" takes a tenth of its iterations; "quick" measures fewer sizes
# of its, and finds them at a budget; "smoke" is for tests.
PRESETS = {
    "v1": Protocol(Recipe((300, 100), 0.1), "sgd", 0.05, 100, 50_000, 100, rewind_step=1000),
    "fast": _FAST,
    "quick": replace(_FAST, recipe=replace(_FAST.recipe, round_budget=1 / 6)),
    "smoke": Protocol(
        Recipe((30, 10), "glorot_normal"),
        "adam",
        5e-3,
        60,
        60,
        20,
        rounds=3,
        trials=2,
        controls=1,
        scales=(0.05, 0.1, 0.2, 0.4),
        sizes=((10, 5), (15, 5), (20, 10), (30, 10), (40, 20)),
        rewind_step=10,
    ),
}
