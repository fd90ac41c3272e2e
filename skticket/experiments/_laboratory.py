"""Where the networks of the experiments are trained, once each, side by side, and remembered."""

import os
import tempfile
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Memory, Parallel, delayed
from joblib.memory import CacheWarning

from ..network import check_device
from ..search import open_memory
from ..ticket import Ticket
from ..training import Trained
from ..utils import Stream, derive_seed, document
from ._conditions import CONTROLS, Network
from ._images import Images, load_images
from ._protocols import PRESETS, Protocol
from ._settings import check_jobs, check_whole


@dataclass(frozen=True)
class Measured:
    """What is known of a trained network: arrays have a value an evaluation.

    `convergence` is the position of the evaluation with the lowest validation loss.
    """

    density: float
    n_weights: int
    iterations: np.ndarray
    valid_loss: np.ndarray
    valid_score: np.ndarray
    test_score: np.ndarray
    convergence: int

    @classmethod
    def of(cls, trained: Trained):
        """Return the measurements of a training."""
        return cls(
            trained.ticket.density,
            trained.ticket.n_weights,
            trained.iterations,
            trained.valid_loss,
            trained.valid_score,
            trained.test_score,
            trained.convergence,
        )


_PARAMETERS = """
protocol : Protocol
    How networks are trained.
images : Images
    What they learn.
preset : {"v1", "fast", "quick", "smoke"} or Protocol, default="fast"
    The protocol: the paper's, one of a tenth of its iterations, that at a budget with fewer sizes,
    a tiny one for tests; or any other.
dataset : str, default="mnist"
    "mnist", "mnist1d", "digits", or a folder of four IDX files.
trials, rounds, iterations : int, default=None
    Instead of the preset's.
jobs : int, default=1
    Networks trained at a time; -1 for one a processor.
seed : int, default=0
    Determines everything random.
device : str, default="cpu"
    A torch device.
memory : joblib.Memory
    Where each is remembered as soon as it is trained.
progress : callable, default=None
    Called with each `Network` once it is trained, or was remembered; by `each_trial` with
    what measures and the number of each trial once it is measured.
conditions : sequence of Condition
    Which networks.
"""

_FOLDER = """
memory : str or path-like, default=None
    Folder in which trained networks are remembered.
load : callable, default=load_images
    What loads the images, by the data set's name and the seed.
"""


@document(_PARAMETERS)
@dataclass(frozen=True)
class Laboratory:
    """Trains networks by a protocol, several at a time, and remembers them.

    Use `Laboratory.open` to make one.

    %(parameters)s
    """

    protocol: Protocol
    images: Images
    memory: Memory
    jobs: int = 1
    seed: int = 0
    device: str = "cpu"
    progress: Callable | None = None

    @classmethod
    @document(_PARAMETERS, _FOLDER)
    def open(
        cls,
        preset="fast",
        dataset="mnist",
        *,
        trials=None,
        rounds=None,
        iterations=None,
        jobs=1,
        seed=0,
        device="cpu",
        memory=None,
        progress=None,
        load=load_images,
    ):
        """Return a laboratory for a preset and a data set.

        %(parameters)s

        Returns
        -------
        Laboratory

        Raises
        ------
        ValueError
            If a parameter is outside its range, or the images will not do.
        OSError
            If the images cannot be read, or `memory` not be written to.

        Examples
        --------
        >>> from skticket.experiments import Laboratory, mnist
        >>> laboratory = Laboratory.open("smoke", "digits", trials=1, rounds=2)
        >>> table = mnist.EXPERIMENTS["iterative"].run(laboratory).table
        >>> table["percent"].unique().round(1)
        array([100. ,  80.4,  64.7])
        """
        if isinstance(preset, Protocol):
            protocol = preset
        elif preset in PRESETS:
            protocol = PRESETS[preset]
        else:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}; got {preset!r}")
        changes = {"trials": trials, "rounds": rounds, "iterations": iterations}
        changes = {name: value for name, value in changes.items() if value is not None}
        for name, value in (changes | {"seed": seed}).items():
            check_whole(name, value, 0 if name == "seed" else 1)
        check_jobs(jobs)
        protocol = replace(protocol, **changes)
        if protocol.rewind_step > protocol.iterations:
            raise ValueError(
                f"iterations must be at least {protocol.rewind_step}, the step that some networks "
                f"are rewound to; got {protocol.iterations}"
            )
        check_device(device)
        if memory is not None:
            _check_writable(memory)
        images = load(dataset, seed)
        return cls(protocol, images, open_memory(memory), jobs, seed, device, progress)

    @document(_PARAMETERS)
    def measure(self, conditions):
        """Train the networks of some conditions.

        %(parameters)s

        Returns
        -------
        dict of Network to Measured
        """
        measured, _ = self._train(conditions, with_tickets=False)
        return measured

    @document(_PARAMETERS)
    def tickets(self, conditions):
        """Train the networks of some conditions, and return their tickets.

        %(parameters)s

        Returns
        -------
        dict of Network to Ticket
        """
        _, tickets = self._train(conditions, with_tickets=True)
        return tickets

    @document(_PARAMETERS)
    def table(self, conditions):
        """Train the networks of some conditions, and tabulate them.

        %(parameters)s

        Returns
        -------
        DataFrame
            A row a network of a condition, with columns `condition`, `trial`, `repeat`,
            `round`, `percent` (of weights remaining), `n_weights`,
            `iterations_to_converge`, `n_steps` (of the whole training), `test_score`
            (accuracy at convergence), and `final_test_score`.
        """
        measured = self.measure(conditions)
        return pd.DataFrame(
            {
                "condition": condition.name,
                "trial": network.trial,
                "repeat": network.repeat,
                "round": network.round,
                "percent": 100 * found.density,
                "n_weights": found.n_weights,
                "iterations_to_converge": found.iterations[found.convergence],
                "n_steps": found.iterations[-1],
                "test_score": found.test_score[found.convergence],
                "final_test_score": found.test_score[-1],
            }
            for condition in conditions
            for network in condition.networks(self.protocol.trials)
            for found in [measured[network]]
        )

    def each_trial(self, measure):
        """Measure each trial, several at a time.

        Trainings by `search_of` are remembered as soon as they are done.

        Parameters
        ----------
        measure : callable
            Takes the laboratory and the number of a trial, returns a DataFrame.

        Returns
        -------
        DataFrame
            The trials' tables one below the other, with a column `trial` in front.
        """
        # Once here, not in each process.
        if self.memory.location is not None:
            _ = self.images.data.digest
        # The data alone, for joblib to know them and send them once.
        data, trials = self.images.data, range(self.protocol.trials)
        sent = replace(self, progress=None, images=replace(self.images, data=None))
        tables = {}
        with Parallel(self.jobs, return_as="generator_unordered", mmap_mode="c") as parallel:
            tasks = (delayed(_measure_one)(measure, sent, data, n) for n in trials)
            for trial, table in parallel(tasks):
                tables[trial] = table.assign(trial=trial)
                if self.progress is not None:
                    self.progress((measure, trial))
        table = pd.concat([tables[trial] for trial in trials], ignore_index=True)
        return table[["trial", *table.columns.drop("trial")]]

    def search_of(self, trial, **changes):
        """Return the search of a trial: the protocol's, with other parameters where given.

        Parameters
        ----------
        trial : int
            Number of the trial: it has initial weights and batches of its own.
        **changes
            Parameters of `Search`, such as `strategy` or `rewind_to`.

        Returns
        -------
        Search
            Trainings that it has in common with other searches are done once.
        """
        network = Network(trial, self.protocol.rounds, self.protocol.recipe)
        return replace(self.search(network), **changes)

    def networks(self, conditions):
        """Return all networks that some conditions need, each before those pruned from it."""
        found = set()
        waiting = [n for c in conditions for n in c.networks(self.protocol.trials)]
        while waiting:
            network = waiting.pop()
            if network is not None and network not in found:
                found.add(network)
                waiting.append(network.parent)
        # Large ones first, so that none is left alone at the end.
        return sorted(found, key=lambda n: (n.depth, -n.relative_cost, repr(n)))

    def _train(self, conditions, with_tickets):
        wanted = {n for c in conditions for n in c.networks(self.protocol.trials)}
        networks = self.networks(conditions)
        parents = {network.parent for network in networks}
        measured, tickets = {}, {}
        # Once here, not in each process.
        if self.memory.location is not None:
            _ = self.images.data.digest
        with Parallel(self.jobs, return_as="generator_unordered", mmap_mode="c") as parallel:
            for depth in range(max((n.depth for n in networks), default=-1) + 1):
                wave = [n for n in networks if n.depth == depth]
                trainings = parallel(
                    delayed(_train_one)(
                        n,
                        tickets.get(n.parent),
                        self.search(n),
                        self.images.data,
                        n in parents or (with_tickets and n in wanted),
                    )
                    for n in wave
                )
                for network, found, ticket in trainings:
                    measured[network], tickets[network] = found, ticket
                    if self.progress is not None:
                        self.progress(network)
                keep = {n.parent for n in networks if n.depth > depth}
                keep |= wanted if with_tickets else set()
                tickets = {n: t for n, t in tickets.items() if n in keep}
        measured = {n: measured[n] for n in networks if n in wanted}
        return measured, {n: tickets[n] for n in networks if n in tickets}

    def search(self, network):
        """Return the search that trains a network."""
        trial_seed = derive_seed(self.seed, Stream.TRIAL, network.trial)
        return self.protocol.search(
            network.recipe, network.round, self.images, trial_seed, self.device, self.memory
        )


def _train_one(network, parent: Ticket | None, search, data, with_ticket):
    """Train one network, or remember it; the ticket is left out where nobody needs it."""
    with _nothing_lost(search.memory):
        trained = _trained(network, parent, search, data)
    return network, Measured.of(trained), trained.ticket if with_ticket else None


def _measure_one(measure, laboratory, data, trial):
    laboratory = replace(laboratory, images=replace(laboratory.images, data=data))
    with _nothing_lost(laboratory.memory):
        return trial, measure(laboratory, trial)


@contextmanager
def _nothing_lost(memory):
    """Make an error of a network that cannot be written, instead of a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", CacheWarning)
        try:
            yield
        except CacheWarning as warning:
            folder = memory.location
            _remove_halves(folder)
            cause = warning.__context__ or warning
            raise OSError(
                f"a trained network could not be written to {str(folder)!r}: {cause}"
            ) from warning


def _remove_halves(folder):
    """Remove what this process has begun to write into a memory's folder."""
    for path in Path(folder).rglob(f"output.pkl.*-{os.getpid()}-*"):
        path.unlink(missing_ok=True)


def _trained(network, parent, search, data):
    if parent is None:
        return search.train(search.first_ticket(), data, 0)
    ticket = search.next_ticket(parent, data, network.round)
    if network.control is not None:
        key = CONTROLS.index(network.control), network.repeat
        search = replace(search, seed=derive_seed(search.seed, Stream.CONTROL, *key))
        ticket = search.rewind_ticket(ticket, network.round, network.control)
    share = 1.0 if network.is_whole else search.share(ticket)
    return search.train(ticket, data, network.round, share=share)


def _check_writable(folder):
    """Raise an error at the beginning rather than after the first training."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass
