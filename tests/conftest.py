import os

import numpy as np
import pytest
from hypothesis import settings
from watched import Recorder

from skticket import Ticket
from skticket.search import _search

# Scripts for POSIX alone, which the search for doctests would import.
collect_ignore = [] if os.name == "posix" else ["soak"]

# In the processes that tests start, too, what is deprecated is an error, as pyproject.toml has it.
os.environ.setdefault(
    "PYTHONWARNINGS",
    ",".join(f"error::{name}Warning" for name in ("Deprecation", "PendingDeprecation", "Future")),
)
# Examples are always the same ones, and no test fails for being slow.
settings.register_profile("skticket", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("skticket")


def _random_ticket(
    sizes=(4, 5, 3, 2), *, density=0.7, seed=0, dtype="float32", checkpoints=(), levels=None
):
    rng = np.random.default_rng(seed)

    def draw(shape):
        if levels is None:
            return rng.normal(size=shape).astype(dtype)
        return rng.choice(levels, size=shape).astype(dtype)

    shapes, mask = {}, {}
    for number, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False)):
        name = f"layers.{number}.weight"
        shapes |= {name: (n_out, n_in), f"layers.{number}.bias": (n_out,)}
        mask[name] = rng.uniform(size=(n_out, n_in)) < density
        mask[name].flat[rng.integers(mask[name].size)] = True
    initial, weights = ({name: draw(shapes[name]) for name in shapes} for _ in range(2))
    steps = {step: {name: draw(shapes[name]) for name in shapes} for step in checkpoints}
    return Ticket(initial, mask, weights, steps)


@pytest.fixture(scope="session")
def random_ticket():
    """Give the function that makes tickets of fully connected layers of `sizes`.

    With `levels`, values are drawn from these few, so that there are ties.
    """
    return _random_ticket


def _identical(first, second):
    return list(first) == list(second) and all(
        np.shape(first[name]) == np.shape(second[name])
        and first[name].dtype == second[name].dtype
        and first[name].tobytes() == second[name].tobytes()
        for name in first
    )


@pytest.fixture(scope="session")
def identical():
    """Give the function that compares two dicts of arrays by order, shape, dtype and bits."""
    return _identical


@pytest.fixture
def trainings():
    """Give what `watched.Recorder` keeps: a dict a training."""
    Recorder.trainings.clear()
    yield Recorder.trainings
    Recorder.trainings.clear()


@pytest.fixture
def n_trained(monkeypatch):
    """Give a list that grows with each training of a search in this process, by its settings."""
    calls = []
    train = _search.train

    def counted(*args, **kwargs):
        calls.append(kwargs)
        return train(*args, **kwargs)

    monkeypatch.setattr(_search, "train", counted)
    return calls


@pytest.fixture
def global_state():
    """Fail if torch's or NumPy's global generators or thread counts change."""
    import random

    import torch

    def state():
        name, keys, position, has_gauss, gauss = np.random.get_state()  # noqa: NPY002
        return (
            (name, keys.tobytes(), position, has_gauss, gauss),
            torch.get_rng_state().numpy().tobytes(),
            random.getstate(),
            torch.get_num_threads(),
            torch.get_num_interop_threads(),
            torch.get_default_dtype(),
            torch.are_deterministic_algorithms_enabled(),
        )

    n_threads = torch.get_num_threads()
    torch.set_num_threads(n_threads + 1)  # another number than any that would be set
    before = state()
    yield
    after = state()
    torch.set_num_threads(n_threads)
    assert after == before
