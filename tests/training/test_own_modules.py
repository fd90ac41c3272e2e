"""Modules that are more than they look: hooks, ties, frozen and computed weights, listeners."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale
from skorch import NeuralNetClassifier
from skorch.callbacks import (
    Callback,
    EarlyStopping,
    EpochScoring,
    Freezer,
    GradientNormClipping,
    Initializer,
    LRScheduler,
    ParamMapper,
    Unfreezer,
)
from torch import nn

from skticket import WinningTicketClassifier

X, y = load_iris(return_X_y=True)
X = scale(X).astype(np.float32)


class Sequential(nn.Sequential):
    def __init__(self, touch=None):
        super().__init__(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 3))
        if touch is not None:
            touch(self)


def fit(touch=None, layout="sparse", rounds=2, callbacks=None, module=Sequential, **params):
    net = NeuralNetClassifier(
        module,
        module__touch=touch,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        lr=0.1,
        max_epochs=8,
        batch_size=30,
        callbacks=callbacks,
        verbose=0,
    )
    return WinningTicketClassifier(
        net=net, rounds=rounds, prune_rate=0.4, layout=layout, random_state=0, **params
    ).fit(X, y)


def engines(clf):
    return {trained.engine for trained in clf._run.trained}


def _double(module):
    module[1].register_forward_hook(lambda part, inputs, output: 2 * output)


def _shift(module):
    module[2].register_forward_pre_hook(lambda part, inputs: (inputs[0] - 0.3,))


def _flip(module):
    module[2].register_full_backward_hook(lambda part, ins, outs: (-ins[0],))


def _no_gradient(module):
    module[0].weight.register_hook(lambda gradient: 0 * gradient)


def _after_accumulation(module):
    def forget(parameter):
        parameter.grad.zero_()

    module[0].weight.register_post_accumulate_grad_hook(forget)


def _forward_of_the_instance(module):
    module.forward = lambda X: nn.Sequential.forward(module, X) * 2


def _forward_of_a_part(module):
    module[1].forward = torch.tanh


TOUCHES = [
    _double,
    _shift,
    _flip,
    _no_gradient,
    _after_accumulation,
    _forward_of_the_instance,
    _forward_of_a_part,
]


def test_the_plain_module_is_covered():
    assert engines(fit()) == {"sparse"}


@pytest.mark.parametrize("touch", TOUCHES, ids=lambda touch: touch.__name__)
@pytest.mark.parametrize("layout", ["sparse", "auto"])
def test_what_listens_or_replaces_is_heeded(touch, layout):
    clf, dense = fit(touch, layout), fit(touch, "dense")
    assert engines(clf) == {"autograd"}
    assert clf.tickets_ == dense.tickets_
    # It makes a difference, which the sparse engine would have missed.
    assert clf.tickets_ != fit(layout="dense").tickets_


def test_a_listener_to_all_modules_is_heeded():
    handle = nn.modules.module.register_module_forward_hook(
        lambda part, inputs, output: 2 * output if isinstance(part, nn.ReLU) else output
    )
    try:
        assert fit().tickets_ == fit(layout="dense").tickets_
    finally:
        handle.remove()


class _Named(Callback):
    """Scale the gradients of one layer, found by its name."""

    def on_grad_computed(self, net, named_parameters, **kwargs):
        for name, parameter in named_parameters:
            if name.startswith("0."):
                parameter.grad.mul_(0.1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Freezer("0.*"),
        lambda: Unfreezer("0.*", at=3),
        lambda: Initializer("4.*", fn=lambda p: nn.init.constant_(p, 0.1)),
        lambda: ParamMapper("2.*", at=2, fn=lambda p: p.data.mul_(0.5)),
        _Named,
        lambda: EpochScoring(lambda net, X, y: net.module_[0].weight.abs().sum().item()),
    ],
    ids=["Freezer", "Unfreezer", "Initializer", "ParamMapper", "by name", "scoring"],
)
def test_callbacks_that_address_parameters(make):
    clf = fit(callbacks=[make()])
    assert engines(clf) == {"autograd"}
    assert clf.tickets_ == fit(layout="dense", callbacks=[make()]).tickets_


def test_a_frozen_first_layer_stays():
    clf = fit(callbacks=[Freezer("0.*")], rounds=0)
    ticket = clf.ticket_
    np.testing.assert_array_equal(ticket.weights["0.weight"], ticket.initial["0.weight"])


@pytest.mark.parametrize(
    "callbacks",
    [
        [EarlyStopping(patience=3)],
        [LRScheduler("StepLR", step_size=2)],
        [GradientNormClipping(0.1)],
        [EpochScoring("accuracy", lower_is_better=False)],
    ],
    ids=lambda callbacks: type(callbacks[0]).__name__,
)
def test_callbacks_that_are_known_are_covered(callbacks):
    clf, dense = fit(callbacks=callbacks), fit(layout="dense", callbacks=callbacks)
    assert engines(clf) == {"sparse"}
    for name, weight in clf.ticket_.weights.items():
        # Sums of at most 30 terms of about 1, over 24 epochs' steps.
        np.testing.assert_allclose(weight, dense.ticket_.weights[name], rtol=1e-3, atol=1e-4)


class Tied(nn.Sequential):
    def __init__(self, touch=None):
        super().__init__(
            nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(),
            nn.Linear(6, 3),
        )  # fmt: skip
        if touch == "tied":
            self[4].weight = self[2].weight
        if touch == "reused":
            self[4] = self[2]


@pytest.mark.parametrize("how", ["tied", "reused"])
@pytest.mark.parametrize("layout", ["sparse", "dense"])
def test_one_parameter_is_one_array(how, layout):
    clf = fit(how, layout, module=Tied)
    ticket = clf.ticket_
    assert list(ticket.mask) == ["0.weight", "2.weight", "6.weight"]
    assert "4.weight" not in ticket.weights
    module = clf.net_.module_
    assert module[4].weight is module[2].weight
    weights = module[4].weight.detach().numpy()
    np.testing.assert_array_equal(weights, ticket.weights["2.weight"])
    assert (weights != 0).sum() <= ticket.mask["2.weight"].sum() < weights.size
    # What was reported is what the fitted estimator does.
    assert clf.score(X, y) > 0.6


@pytest.mark.parametrize("layout", ["sparse", "dense", "auto"])
def test_frozen_weights_stay_and_are_not_pruned(layout):
    def freeze(module):
        module[2].weight.requires_grad_(False)

    clf = fit(freeze, layout)
    ticket = clf.ticket_
    assert list(ticket.mask) == ["0.weight", "4.weight"]
    np.testing.assert_array_equal(ticket.weights["2.weight"], ticket.initial["2.weight"])
    assert (ticket.weights["2.weight"] != 0).all()


@pytest.mark.parametrize(
    "norm",
    [
        torch.nn.utils.parametrizations.weight_norm,
        torch.nn.utils.parametrizations.spectral_norm,
        pytest.param(
            torch.nn.utils.weight_norm,
            marks=pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning"),
        ),
        torch.nn.utils.spectral_norm,
    ],
)
def test_computed_weights_are_refused(norm):
    def touch(module):
        module[2] = norm(module[2])

    with pytest.raises(ValueError, match=r"'2' whose weight is no parameter"):
        fit(touch)
