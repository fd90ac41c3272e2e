"""One seed gives the same bits, whatever else is going on."""

import copy
import pickle

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.base import clone
from small import (
    X,
    classifier,
    regressor,
    with_net,
    y,
)

RANDOM = {
    "default": (classifier, {}),
    "random strategy": (classifier, {"strategy": "random"}),
    "reinit": (classifier, {"rewind_to": "reinit"}),
    "rearrange": (classifier, {"rewind_to": "rearrange"}),
    "net": (with_net, {}),
    "net reinit": (with_net, {"rewind_to": "reinit"}),
    "regressor": (regressor, {}),
}


@pytest.fixture(params=RANDOM)
def random_estimator(request):
    make, parameters = RANDOM[request.param]
    return make(**parameters)


def fit_tickets(estimator):
    # float32, as every estimator takes it.
    return estimator.fit(X.astype("float32"), y).tickets_


def test_same_seed_gives_the_same_tickets(random_estimator):
    tickets = fit_tickets(random_estimator)
    assert fit_tickets(clone(random_estimator)) == tickets
    assert fit_tickets(random_estimator) == tickets
    assert fit_tickets(pickle.loads(pickle.dumps(clone(random_estimator)))) == tickets
    assert fit_tickets(copy.deepcopy(random_estimator)) == tickets


@pytest.mark.slow
def test_workers_give_the_same_tickets():
    estimators = [make(**parameters) for make, parameters in RANDOM.values()]
    in_workers = Parallel(n_jobs=2, backend="loky")(
        delayed(fit_tickets)(estimator) for estimator in estimators
    )
    for estimator, tickets in zip(estimators, in_workers, strict=True):
        assert fit_tickets(estimator) == tickets


def test_trainings_in_threads_side_by_side():
    expected = [fit_tickets(classifier(random_state=seed)) for seed in range(4)]
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        in_threads = Parallel(n_jobs=4, backend="threading")(
            delayed(fit_tickets)(classifier(random_state=seed)) for seed in range(4)
        )
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert in_threads == expected


def test_other_seed_gives_other_tickets(random_estimator):
    tickets = fit_tickets(random_estimator)
    others = fit_tickets(clone(random_estimator).set_params(random_state=1))
    for ticket, other in zip(tickets, others, strict=True):
        for name in ticket.mask:
            assert np.any(ticket.initial[name] != other.initial[name])
        assert ticket != other


def test_random_state_may_be_an_instance():
    state = np.random.RandomState(0)
    first = fit_tickets(classifier(random_state=state))
    assert fit_tickets(classifier(random_state=np.random.RandomState(0))) == first
    # An instance goes on: a second fit is another one.
    assert fit_tickets(classifier(random_state=state)) != first


def test_no_random_state_gives_other_tickets_each_time():
    assert fit_tickets(classifier(random_state=None)) != fit_tickets(classifier(random_state=None))


@pytest.mark.parametrize("make", [classifier, with_net, regressor])
@pytest.mark.parametrize("rewind", ["init", "reinit", "rearrange"])
def test_global_state_stays(make, rewind, global_state):
    estimator = make(rewind_to=rewind, strategy="random")
    fit_tickets(estimator)
    estimator.predict(X)
    estimator.prune().rewind().partial_fit(X, y)


def test_global_state_stays_without_a_seed(global_state):
    classifier(random_state=None).fit(X, y)


def test_global_generators_have_no_influence(random_estimator):
    tickets = []
    states = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        tickets.append(fit_tickets(clone(random_estimator)))
    torch.set_rng_state(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    assert tickets[0] == tickets[1]


def test_number_of_threads_has_no_influence():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 64)).astype("float32")
    y = X[:, 0] + X[:, 1] > 0
    before = torch.get_num_threads()
    tickets = []
    try:
        for n_threads in (1, 2, 4):
            torch.set_num_threads(n_threads)
            clf = classifier(hidden_layer_sizes=(200, 100), batch_size=300, max_epochs=2, rounds=1)
            tickets.append(clf.fit(X, y).tickets_)
            assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)
    assert tickets[0] == tickets[1] == tickets[2]
