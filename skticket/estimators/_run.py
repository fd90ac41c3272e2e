"""The rounds that a fit, or calls by hand, have trained so far."""

from contextlib import contextmanager
from dataclasses import dataclass, replace
from numbers import Integral

from ..search import key_of, tabulate
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
        The round of each training.
    trained : tuple of Trained
        The trainings.
    """

    seed: int
    key: str | None = None
    rounds: tuple = ()
    trained: tuple = ()

    def first(self, n):
        """Return the run as it was after so many trainings."""
        return replace(self, rounds=self.rounds[:n], trained=self.trained[:n])

    def after(self, number, trained):
        """Return the run with one more training, of the round of this number."""
        return replace(self, rounds=(*self.rounds, number), trained=(*self.trained, trained))

    def attributes(self):
        """Return what the fitted estimator tells of the rounds."""
        return {
            "tickets_": [trained.ticket for trained in self.trained],
            "histories_": [trained.history for trained in self.trained],
            "round_results_": tabulate(self.rounds, self.trained) if self.trained else {},
        }


def run_key(estimator, X, y, sample_weight):
    """Hash of all that determines a fit's rounds, but for their number; None if there is none."""
    irrelevant = {"select", "verbose", "memory", "warm_start"}
    if estimator.schedule == "iterative":
        irrelevant.add("rounds")
    if not isinstance(estimator.random_state, Integral):
        # The seed once drawn stays; the generator it came from has moved on.
        irrelevant.add("random_state")
    params = estimator.get_params(deep=False)
    params = {name: value for name, value in params.items() if name not in irrelevant}
    # Among its parts None is a value like others; of the code it says that nobody can tell.
    return key_of(code_key(params), (params, X, y, sample_weight))


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
