import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone

from skticket.initialization import INIT_NAMES, Glorot, He, Normal, resolve_init

LINEAR = (200, 300)  # fan in 300, fan out 200
CONVOLUTION = (40, 30, 5, 5)  # fan in 750, fan out 1000

DISTRIBUTIONS = {
    ("glorot_normal", LINEAR): stats.norm(0, (2 / 500) ** 0.5),
    ("glorot_uniform", LINEAR): stats.uniform(-((6 / 500) ** 0.5), 2 * (6 / 500) ** 0.5),
    ("he_normal", LINEAR): stats.norm(0, (2 / 300) ** 0.5),
    ("he_uniform", LINEAR): stats.uniform(-((6 / 300) ** 0.5), 2 * (6 / 300) ** 0.5),
    ("normal", LINEAR): stats.norm(0, 0.1),
    ("truncated_normal", LINEAR): stats.truncnorm(-2, 2, 0, 0.1),
    ("glorot_normal", CONVOLUTION): stats.norm(0, (2 / 1750) ** 0.5),
    ("glorot_uniform", CONVOLUTION): stats.uniform(-((6 / 1750) ** 0.5), 2 * (6 / 1750) ** 0.5),
    ("he_normal", CONVOLUTION): stats.norm(0, (2 / 750) ** 0.5),
    ("he_uniform", CONVOLUTION): stats.uniform(-((6 / 750) ** 0.5), 2 * (6 / 750) ** 0.5),
}


def test_every_name_is_tested():
    assert {name for name, _ in DISTRIBUTIONS} == INIT_NAMES


@pytest.mark.parametrize("name, shape", DISTRIBUTIONS)
def test_distribution(name, shape):
    weights = resolve_init(name)(shape, np.random.RandomState(0))
    expected = DISTRIBUTIONS[name, shape]
    assert weights.shape == shape
    assert stats.kstest(weights.ravel(), expected.cdf).pvalue > 0.01
    # The limits of a bounded distribution hold without exception.
    low, high = expected.support()
    assert low <= weights.min() and weights.max() <= high


def test_limit_of_the_truncation():
    weights = Normal(std=3.0, truncation=0.5)((100, 100), np.random.RandomState(0))
    assert 1.4 < np.abs(weights).max() <= 1.5
    assert stats.kstest(weights.ravel(), stats.truncnorm(-0.5, 0.5, 0, 3).cdf).pvalue > 0.01


@pytest.mark.parametrize("name", sorted(INIT_NAMES))
def test_random_state_decides(name, global_state):
    draw = resolve_init(name)
    first, again, other = (draw((7, 5), np.random.RandomState(seed)) for seed in (3, 3, 4))
    assert first.tobytes() == again.tobytes()
    assert not np.any(first == other)


def test_callable_is_itself():
    for init in (Normal(std=0.3), lambda shape, random_state: np.ones(shape)):
        assert resolve_init(init) is init


def test_unknown_name():
    with pytest.raises(ValueError, match="init must be .*'glorot_normal'.*got 'xavier'"):
        resolve_init("xavier")


@pytest.mark.parametrize(
    "init, parameter",
    [
        (Normal(std=0), "std"),
        (Normal(std="a"), "std"),
        (Normal(truncation=-1), "truncation"),
        (Glorot(distribution="cauchy"), "distribution"),
        (He(distribution=None), "distribution"),
    ],
)
def test_wrong_parameter_is_named(init, parameter):
    with pytest.raises(ValueError, match=f"'{parameter}' parameter"):
        init((2, 2), np.random.RandomState(0))


def test_parameters_are_scikit_learns():
    init = Normal(std=0.2, truncation=2)
    assert clone(init).get_params() == {"std": 0.2, "truncation": 2}
    assert init.set_params(std=0.3).std == 0.3
