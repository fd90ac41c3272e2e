"""The rounds that a fit, or calls by hand, have trained so far."""

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from numbers import Integral

import joblib

from ..network import content_of
from ..search import key_of, tabulate
from ..training import Trained
from ..utils import code_key

# What a fit learns, beside what users see.
_FITTED = ("_n_rewinds", "_predictor", "_round", "_row_shape", "_run", "_target_shape")


@dataclass(frozen=True)
class Run:
    """Trainings from one seed.

    Parameters
    ----------
    seed : int
        Of everything random.
    key : str or None
        Hash of all that determines them, by which `warm_start` knows them again.
    rounds : tuple of int
        The round of each training that is told of.
    trained : tuple of Trained
        These trainings.
    known : dict of str to Trained
        All trainings that a later fit may go on from.
    """

    seed: int
    key: str | None = None
    rounds: tuple = ()
    trained: tuple = ()
    known: dict = field(default_factory=dict)

    def without_rounds(self, n_kept=0):
        """Return a run that tells of none but the first trainings."""
        return replace(self, rounds=self.rounds[:n_kept], trained=self.trained[:n_kept])

    def after(self, number, trained, start=None):
        """Return the run with one more training, of the round of this number.

        `start` is what it is known by: round, share of the steps, and ticket before it.
        """
        run = replace(self, rounds=(*self.rounds, number), trained=(*self.trained, trained))
        return run._knowing(start, trained)

    def instead(self, position, trained, start):
        """Return the run with a training in full in place of a shorter one."""
        trainings = (*self.trained[:position], trained, *self.trained[position + 1 :])
        return replace(self, trained=trainings)._knowing(start, trained)

    def known_training(self, start):
        """Return a training by what it is known by, or None."""
        return self.known.get(joblib.hash(start)) if self.known else None

    def _knowing(self, start, trained):
        if self.key is None or start is None:
            return replace(self, known={})
        return replace(self, known=self.known | {joblib.hash(start): trained})

    def attributes(self):
        """Return what the fitted estimator tells of the rounds."""
        return {
            "tickets_": [trained.ticket for trained in self.trained],
            "histories_": [trained.history for trained in self.trained],
            "round_results_": tabulate(self.rounds, self.trained) if self.trained else {},
        }

    def state(self):
        """Return a dict of arrays, numbers, texts and tickets, of which `from_state` makes it."""
        return vars(self) | {
            "trained": [trained.state() for trained in self.trained],
            "known": {key: trained.state() for key, trained in self.known.items()},
        }

    @classmethod
    def from_state(cls, state):
        """Return the run of which `state` gave this."""
        trained = tuple(map(Trained.from_state, state["trained"]))
        known = {key: Trained.from_state(of_one) for key, of_one in state["known"].items()}
        return cls(**state | {"trained": trained, "known": known})


def run_key(estimator, X, y, sample_weight):
    """Hash of all that determines a fit's rounds, but for their number; None if there is none."""
    irrelevant = {"select", "round_budget", "verbose", "memory", "warm_start"}
    if estimator.schedule == "iterative":
        irrelevant.add("rounds")
    if not isinstance(estimator.random_state, Integral):
        # The seed once drawn stays; the generator it came from has moved on.
        irrelevant.add("random_state")
    params = estimator.get_params(deep=False)
    params = {name: value for name, value in params.items() if name not in irrelevant}
    # Among its parts None is a value like others; of the code it says that nobody can tell.
    return key_of(code_key(params), (params, content_of(X), y, sample_weight))


@contextmanager
def all_or_nothing(estimator):
    """If what is done within fails, let the estimator be as before, but for rounds to go on from.

    scikit-learn's own attributes of a fit that runs are left to it.
    """
    before = _fitted_state(estimator)
    try:
        yield
    except BaseException:
        after = _fitted_state(estimator)
        for name in after:
            delattr(estimator, name)
        vars(estimator).update(before)
        if estimator.warm_start:
            estimator._unfinished = after.get("_run")
        raise


def _fitted_state(estimator):
    return {k: v for k, v in vars(estimator).items() if k.endswith("_") or k in _FITTED}
