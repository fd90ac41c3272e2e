"""How the networks of an experiment are trained, and on which images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split
from torch import nn

from ...datasets import fetch_mnist, load_digits, load_idx
from ...initialization import Normal
from ...network import Data, default_net
from ...search import Search
from ...utils import Stream, derive_seed

__all__ = ["PRESETS", "Images", "Protocol", "Recipe", "load_images"]

# Of the training images; 5,000 of MNIST's 60,000.
_VALIDATION_FRACTION = 1 / 12


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
    """

    hidden_layer_sizes: tuple
    init: str | float
    prune_rate: float = 0.2
    schedule: str = "iterative"
    rewind_to: str | int = "init"


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
            layout="auto",
            seed=seed,
            memory=memory,
            n_steps=self.iterations,
        )


# "v1" is the paper's protocol; "fast" takes a tenth of its iterations; "smoke" is for tests.
PRESETS = {
    "v1": Protocol(Recipe((300, 100), 0.1), "sgd", 0.05, 100, 50_000, 100, rewind_step=1000),
    "fast": Protocol(Recipe((300, 100), "glorot_normal"), "adam", 1.2e-3, 60, 5000, 100),
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


@dataclass(frozen=True)
class Images:
    """Images to train, validate and test on.

    Parameters
    ----------
    data : Data
        Training, validation and test rows.
    n_classes : int
        Number of labels.
    name : str
        What they are.
    """

    data: Data
    n_classes: int
    name: str

    @property
    def n_pixels(self):
        """Number of inputs."""
        return self.data.X.shape[1]


def load_images(dataset="mnist", seed=0):
    """Load images and hold some of the training images out for validation.

    Parameters
    ----------
    dataset : str, default="mnist"
        "mnist", "digits", or a folder of four IDX files.
    seed : int, default=0
        Determines which images are for validation (and for digits, which have no
        test images of their own, for testing).

    Returns
    -------
    Images

    Raises
    ------
    ValueError
        If the images are of one class, are too few, or if test images have labels
        that training images have not.
    OSError
        If they cannot be read.

    Examples
    --------
    >>> from skticket.experiments import load_images
    >>> images = load_images("digits")
    >>> images.data.X.shape, images.data.X_valid.shape, images.data.X_test.shape
    ((1318, 64), (120, 64), (359, 64))
    """
    X, y, X_test, y_test, name = _load(dataset, seed)
    labels, targets = np.unique(y, return_inverse=True)
    if len(labels) < 2:
        raise ValueError(
            f"the training images of {name} have only one class, {labels[0]}; at least two classes "
            "are needed"
        )
    strange = np.setdiff1d(y_test, labels)
    if len(strange):
        raise ValueError(
            f"test images of {name} have the labels {strange.tolist()}, which no training image has"
        )
    rows, valid_rows = _split(targets, _VALIDATION_FRACTION, seed, name)
    data = Data(
        X[rows],
        targets[rows],
        X[valid_rows],
        targets[valid_rows],
        classification=True,
        X_test=X_test,
        y_test=np.searchsorted(labels, y_test),
    )
    return Images(data, len(labels), name)


def _load(dataset, seed):
    """Return training and test images, and what to call them."""
    if dataset == "digits":
        X, y = load_digits(return_X_y=True)
        rows, test_rows = _split(y, 0.2, seed, "digits")
        return X[rows], y[rows], X[test_rows], y[test_rows], "digits"
    if dataset == "mnist":
        (X, y), n, name = fetch_mnist(return_X_y=True), 60_000, "MNIST"
    else:
        if not Path(dataset).is_dir():
            raise ValueError(
                'dataset must be "mnist", "digits" or a folder of four IDX files; there is no '
                f"folder {str(dataset)!r}"
            )
        images = load_idx(dataset)
        X, y, n, name = images.data, images.target, images.n_train, Path(dataset).name
    if len(X) == n or n == 0:
        raise ValueError(f"{name} has {n} training and {len(X) - n} test images; both are needed")
    return X[:n], y[:n], X[n:], y[n:], name


def _split(y, fraction, seed, name):
    """Return the positions of most rows, and of a fraction of each class."""
    n_held_out = round(fraction * len(y))
    counts = np.unique(y, return_counts=True)[1]
    if n_held_out < len(counts) or counts.min() < 2:
        raise ValueError(
            f"{name} has {len(y)} training images of {len(counts)} classes, the least of them with "
            f"{counts.min()}; too few to hold some of each class out for validation"
        )
    return train_test_split(
        np.arange(len(y)),
        test_size=n_held_out,
        stratify=y,
        random_state=derive_seed(seed, Stream.SPLIT),
    )
