"""Which engine is chosen: whatever a faster one would miss, or not know, takes the general one."""

import functools

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import (
    BatchScoring,
    Callback,
    EarlyStopping,
    EpochScoring,
    EpochTimer,
    GradientNormClipping,
    LRScheduler,
    PrintLog,
    ProgressBar,
)
from torch import nn
from torch.utils.data import DataLoader

from skticket import Ticket
from skticket.engines import _coverage, prediction_engine, training_engine
from skticket.network import MLP, default_net, with_batches


def make_ticket(n=10, n_alive=5):
    return Ticket({"w": np.zeros(n, np.float32)}, {"w": np.arange(n) < n_alive})


def engine_of(net, layout="sparse"):
    return training_engine(
        with_batches(clone(net), "iterator_train").initialize(),
        make_ticket(),
        layout=layout,
        n_rows=1,
    )


def layers(activation=nn.ReLU):
    return [nn.Linear(4, 6), activation(), nn.Linear(6, 5), activation(), nn.Linear(5, 3)]


class Own(nn.Sequential):
    """A class that only says of what parts, which is what users write."""

    def __init__(self):
        super().__init__(*layers())


def prototype(module=Own, cls=NeuralNetClassifier, **options):
    settings = {"criterion": nn.CrossEntropyLoss, "optimizer": torch.optim.SGD, "verbose": 0}
    return cls(module, **settings | options)


def default(criterion=nn.CrossEntropyLoss, **options):
    net = default_net((6, 5), 4, 3, criterion=criterion)
    return net.set_params(**options) if options else net


def touched(touch, make=Own):
    """A function that makes a module and does something to it."""

    def module():
        made = make()
        touch(made)
        return made

    return module


COVERED = {
    "default": default(),
    "a function": prototype(lambda: nn.Sequential(*layers())),
    "no activation": prototype(lambda: nn.Sequential(nn.Linear(4, 3))),
    **{
        activation.__name__: prototype(functools.partial(nn.Sequential, *layers(activation)))
        for activation in (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.Identity)
    },
    "class of a class": prototype(type("OwnAgain", (Own,), {"name": "own"})),
    **{
        cls.__name__: prototype(cls=cls, criterion=criterion)
        for cls, criterion in {
            NeuralNet: nn.CrossEntropyLoss,
            NeuralNetClassifier: nn.CrossEntropyLoss,
            NeuralNetBinaryClassifier: nn.BCEWithLogitsLoss,
            NeuralNetRegressor: nn.MSELoss,
        }.items()
    },
    "Adam": prototype(optimizer=torch.optim.Adam, optimizer__weight_decay=0.1),
    "momentum": prototype(optimizer__momentum=0.9, optimizer__nesterov=True),
    "device": prototype(device=torch.device("cpu")),
    **{
        type(callback).__name__: prototype(callbacks=[callback])
        for callback in (
            BatchScoring("accuracy"),
            EarlyStopping(),
            EpochScoring("accuracy"),
            EpochTimer(),
            GradientNormClipping(1),
            LRScheduler(),
            PrintLog(),
            ProgressBar(),
        )
    },
}


@pytest.mark.parametrize("net", COVERED.values(), ids=COVERED)
def test_what_the_sparse_engine_covers(net):
    assert engine_of(net) == "sparse"
    # A small network trains faster in the dense layout.
    dense = "dense" if net is COVERED["default"] else "autograd"
    assert engine_of(net, "auto") == engine_of(net, "dense") == dense


def _hook(module):
    module.register_forward_hook(lambda part, inputs, output: None)


def _instance_forward(module):
    module[1].forward = torch.tanh


def _shared_part(module):
    module.append(nn.ReLU()).append(nn.Linear(3, 3)).append(nn.ReLU()).append(module[6])


def _shared_weight(module):
    module.append(nn.ReLU()).append(nn.Linear(3, 3)).append(nn.ReLU()).append(nn.Linear(3, 3))
    module[8].weight = module[6].weight


def _frozen(module):
    module[0].bias.requires_grad_(False)


def _subclass_of_parameter(module):
    kind = type("OwnParameter", (nn.Parameter,), {})
    module[0].weight = kind(module[0].weight.detach())


def _buffer(module):
    module.register_buffer("scale", torch.ones(1))


TOUCHES = [
    _hook,
    _instance_forward,
    _shared_part,
    _shared_weight,
    _frozen,
    _subclass_of_parameter,
    _buffer,
    nn.Module.double,
]


class OwnForward(Own):
    def forward(self, X):
        return -super().forward(X)


class Wrapped(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = Own()

    def forward(self, X):
        return self.parts(X)


class OwnLinear(nn.Linear):
    def forward(self, X):
        return -super().forward(X)


MODULES = {
    "ends in an activation": [nn.Linear(4, 3), nn.ReLU()],
    "begins with an activation": [nn.ReLU(), *layers()],
    "two activations": [*layers(), nn.Tanh(), nn.Linear(3, 3)],
    "unknown activation": layers(nn.GELU),
    "no bias": [*layers(), nn.ReLU(), nn.Linear(3, 3, bias=False)],
    "subclass of Linear": [*layers(), nn.ReLU(), OwnLinear(3, 3)],
    "no Linear": [*layers(), nn.ReLU(), nn.Identity()],
}

NOT_COVERED = {
    **{touch.__name__: prototype(touched(touch)) for touch in TOUCHES},
    **{
        name: prototype(lambda parts=parts: nn.Sequential(*parts))
        for name, parts in MODULES.items()
    },
    "forward of its own": prototype(OwnForward),
    "no Sequential": prototype(Wrapped),
    "subclass of a net": prototype(cls=type("OwnNet", (NeuralNetClassifier,), {})),
    "iterator": prototype(iterator_train=type("OwnLoader", (DataLoader,), {})),
    "device": prototype(device="meta"),
    "compiled by torch": prototype(compile=True, compile__backend="eager"),
    "callback": prototype(callbacks=[Callback()]),
    "function that scores": prototype(callbacks=[EpochScoring(lambda net, X, y: 0.0)]),
    "unknown loss": prototype(criterion=nn.MultiMarginLoss),
    "weights of classes": prototype(criterion__weight=torch.ones(3)),
    "ignored class": prototype(criterion__ignore_index=0),
    "smoothing": prototype(criterion__label_smoothing=0.1),
    **{
        f"sum of losses, {cls.__name__}": prototype(
            cls=cls, criterion=criterion, criterion__reduction="sum"
        )
        for cls, criterion in {
            NeuralNetClassifier: nn.CrossEntropyLoss,
            NeuralNetBinaryClassifier: nn.BCEWithLogitsLoss,
            NeuralNetRegressor: nn.MSELoss,
        }.items()
    },
    "hook of the loss": prototype(criterion=touched(_hook, nn.CrossEntropyLoss)),
    "unknown optimizer": prototype(optimizer=torch.optim.RMSprop),
    "subclass of an optimizer": prototype(optimizer=type("OwnSGD", (torch.optim.SGD,), {})),
    "groups of parameters": prototype(optimizer__param_groups=[("0.*", {"lr": 0.1})]),
    "dampening": prototype(optimizer__momentum=0.9, optimizer__dampening=0.1),
    "SGD that maximizes": prototype(optimizer__maximize=True),
    **{
        option: prototype(optimizer=torch.optim.Adam, **{f"optimizer__{option}": True})
        for option in ("amsgrad", "maximize", "decoupled_weight_decay")
    },
}


@pytest.mark.parametrize("net", NOT_COVERED.values(), ids=NOT_COVERED)
@pytest.mark.parametrize("layout", ["sparse", "dense"])
def test_what_takes_autograd(net, layout):
    assert engine_of(net, layout) == "autograd"


class Learned(nn.CrossEntropyLoss):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))


def _frozen_layer(module):
    module.layers[0].weight.requires_grad_(False)


DEFAULT_NOT_COVERED = {
    "iterator": default(iterator_train=type("OwnLoader", (DataLoader,), {})),
    "compiled by torch": default(compile=True, compile__backend="eager"),
    "callback": default(callbacks=[Callback()]),
    "subclass of MLP": default(module=type("OwnMLP", (MLP,), {})),
    "frozen": default(module=lambda **sizes: touched(_frozen_layer, lambda: MLP(**sizes))()),
    "loss that learns": default(Learned),
    "loss that is no module": default(lambda: nn.functional.cross_entropy),
}


@pytest.mark.parametrize("net", DEFAULT_NOT_COVERED.values(), ids=DEFAULT_NOT_COVERED)
@pytest.mark.parametrize("layout", ["sparse", "dense"])
def test_default_networks_that_take_autograd(net, layout):
    assert engine_of(net, layout) == "autograd"


@pytest.mark.parametrize(
    "n, n_alive, n_rows, engine",
    [
        (100_000, 1, 29_999, "dense"),  # trained before the step is compiled
        (100_000, 1, 30_000, "sparse"),
        (10_000, 1, 300_000, "sparse"),
        (360_000, 360_000, 10**6, "sparse"),  # small ones at every density
        (361_000, 361_000, 10**6, "dense"),
        (1_000_000, 600_000, 10**6, "sparse"),  # 600 over the square root
        (1_000_000, 601_000, 10**6, "dense"),
    ],
)
def test_sparse_steps_begin_where_they_are_faster(n, n_alive, n_rows, engine):
    net = with_batches(default(), "iterator_train").initialize()
    ticket = make_ticket(n, n_alive)
    assert training_engine(net, ticket, "auto", n_rows=n_rows) == engine
    assert training_engine(net, ticket, "dense", n_rows=n_rows) == "dense"


@pytest.mark.parametrize(
    "filled, n_alive, engine",
    [
        # Of the first layer, nine tenths of all, a quarter of the time is left and 20 times as
        # much as is filled.
        (0.0, 1_000_000, "sparse"),
        (0.02, 875_000, "sparse"),
        (0.02, 877_000, "dense"),
        (0.1, 600_000, "sparse"),
        (0.1, 601_000, "dense"),
        (1.0, 601_000, "dense"),
    ],
)
def test_sparse_rows_make_sparse_steps_faster(filled, n_alive, engine):
    net = with_batches(default(), "iterator_train").initialize()
    masks = {"first": np.arange(900_000) < n_alive, "last": np.arange(900_000, 10**6) < n_alive}
    ticket = Ticket({name: mask.astype(np.float32) for name, mask in masks.items()}, masks)
    assert training_engine(net, ticket, "auto", n_rows=10**6, filled=filled) == engine


@pytest.mark.parametrize(
    "n, n_alive, engine",
    [
        (99_999, 1, "dense"),
        (100_000, 35_000, "sparse"),
        (100_000, 35_001, "dense"),
    ],
)
def test_sparse_predictions_begin_where_they_are_faster(n, n_alive, engine):
    assert prediction_engine(make_ticket(n, n_alive)) == engine


@pytest.mark.parametrize(
    "n, n_alive, engine",
    [(99_999, 1, "dense"), (100_000, 15_000, "sparse"), (100_000, 15_001, "dense")],
)
def test_sparse_predictions_of_sparse_rows_begin_later(n, n_alive, engine):
    assert prediction_engine(make_ticket(n, n_alive), of_sparse_rows=True) == engine


@pytest.mark.parametrize(
    "n_weights, batch_size, n_threads",
    [
        (10_000, 60, 2),
        (9_999, 60, 1),
        (18_750, 32, 2),
        (10**6, 31, 1),
        (10**5, 5, 1),
        (1, 10**5, 1),
    ],
)
def test_second_thread_begins_where_it_is_worth_it(n_weights, batch_size, n_threads):
    assert _coverage.n_threads_worth_it(n_weights, batch_size) == n_threads
