"""The sparse layout gives what the dense one gives, through the same skorch."""

import functools
import itertools
import os

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping, LRScheduler
from torch import nn

from skticket import Prune, WinningTicketClassifier, WinningTicketRegressor
from skticket.datasets import fetch_mnist
from skticket.engines import Predictor, SparseNetwork
from skticket.engines._coverage import training_engine
from skticket.engines._sparse import SparseModule
from skticket.initialization import Glorot
from skticket.network import default_net, draw_initial, with_batches
from skticket.ticket import Ticket

rng = np.random.RandomState(0)
X = rng.normal(size=(200, 12)).astype(np.float32)
y = (X[:, :3].argmax(axis=1) + (X[:, 3] > 1)) % 3
SIZES = (12, 20, 10, 3)


def fitted(layout, estimator=WinningTicketClassifier, target=y, **options):
    settings = {"rounds": 2, "prune_rate": 0.5, "max_epochs": 5, "random_state": 0} | options
    return estimator(SIZES[1:-1], layout=layout, **settings).fit(X, target)


def assert_agree(dense, sparse, atol=2e-5):
    for one, other in zip(dense.tickets_, sparse.tickets_, strict=True):
        for name in one.mask:
            np.testing.assert_array_equal(one.mask[name], other.mask[name])
        for name in one.weights:
            np.testing.assert_allclose(other.weights[name], one.weights[name], atol=atol)
    for name in ("valid_loss", "iterations_to_converge", "n_weights"):
        np.testing.assert_allclose(
            sparse.round_results_[name], dense.round_results_[name], rtol=1e-4
        )
    for one, other in zip(dense.histories_, sparse.histories_, strict=True):
        np.testing.assert_allclose(other[:, "train_loss"], one[:, "train_loss"], rtol=1e-4)


def engines(estimator):
    """What computed each round."""
    return [trained.engine for trained in estimator._run.trained]


@pytest.mark.parametrize(
    "optimizer",
    [
        "adam",
        "sgd",
        functools.partial(torch.optim.SGD, momentum=0.9, nesterov=True, weight_decay=1e-2),
        functools.partial(torch.optim.Adam, weight_decay=1e-2, betas=(0.8, 0.99)),
    ],
)
@pytest.mark.parametrize("target", [y, (y > 0).astype(int)])
def test_layouts_agree(optimizer, target):
    options = {"optimizer": optimizer, "target": target, "learning_rate": 0.01}
    dense, sparse = fitted("dense", **options), fitted("sparse", **options)
    assert engines(dense) == ["dense"] * 3
    assert engines(sparse) == ["sparse"] * 3
    assert_agree(dense, sparse)
    np.testing.assert_allclose(sparse.predict_proba(X), dense.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("target", [X[:, 0] * X[:, 1], X[:, :2] ** 2])
def test_layouts_agree_on_regression(target):
    options = {"estimator": WinningTicketRegressor, "target": target}
    dense, sparse = fitted("dense", **options), fitted("sparse", **options)
    assert engines(sparse) == ["sparse"] * 3
    assert_agree(dense, sparse)


def test_layouts_agree_with_weights():
    weight = rng.uniform(0.1, 3, size=len(X))
    dense, sparse = (
        WinningTicketClassifier(
            (20,), rounds=1, max_epochs=5, random_state=0, layout=layout, class_weight="balanced"
        ).fit(X, y, sample_weight=weight)
        for layout in ("dense", "sparse")
    )
    assert_agree(dense, sparse)


@pytest.mark.parametrize("weighted", [False, True])
def test_layouts_agree_on_evaluations_of_several_batches(weighted):
    """2,500 rows are evaluated: two batches, and a part of one."""
    many, target = np.tile(X, (25, 1)), np.tile(y, 25)
    many = many + np.random.default_rng(0).normal(scale=0.3, size=many.shape).astype(np.float32)
    weight = np.linspace(0.1, 3, len(many)) if weighted else None
    dense, sparse = (
        WinningTicketClassifier(
            (20,), rounds=1, max_epochs=2, validation_fraction=0.5, random_state=0, layout=layout
        ).fit(many, target, sample_weight=weight)
        for layout in ("dense", "sparse")
    )
    assert_agree(dense, sparse)
    scores = (clf.round_results_["valid_score"] for clf in (dense, sparse))
    # Rounding may bring a row to the other side of a boundary.
    np.testing.assert_allclose(*scores, atol=2 / 2500)


def test_units_pruned_away_and_a_last_batch_of_one():
    options = {"strategy": "unit_product", "prune_rate": 3, "batch_size": 179}
    assert_agree(fitted("dense", **options), fitted("sparse", **options))


def sequential(activation=nn.Tanh):
    return nn.Sequential(nn.Linear(12, 16), activation(), nn.Linear(16, 3))


def prototype(module=sequential, cls=NeuralNetClassifier, **options):
    settings = {"criterion": nn.CrossEntropyLoss, "lr": 0.1, "max_epochs": 6, "verbose": 0}
    return cls(module, **settings | options)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Sigmoid, nn.Identity])
def test_prototypes_of_sequential_modules(activation):
    net = prototype(module__activation=activation)
    dense, sparse = fitted("dense", net=net), fitted("sparse", net=net)
    assert engines(dense) == ["autograd"] * 3
    assert engines(sparse) == ["sparse"] * 3
    assert_agree(dense, sparse)


def test_a_single_layer():
    net = prototype(lambda: nn.Sequential(nn.Linear(12, 3)))
    dense, sparse = fitted("dense", net=net), fitted("sparse", net=net)
    assert engines(sparse) == ["sparse"] * 3
    assert_agree(dense, sparse)


class Watch(Callback):
    """Keep what a callback sees after each step and at each evaluation."""

    def on_train_begin(self, net, **kwargs):
        self.seen = []

    def on_batch_end(self, net, batch=None, training=None, loss=None, y_pred=None, **kwargs):
        self.seen.append((training, len(batch[0]), loss.item(), y_pred.detach().numpy().copy()))

    def on_train_end(self, net, **kwargs):
        Watch.last = self.seen


def test_callbacks_see_the_same():
    seen = {}
    for layout in ("dense", "sparse"):
        callbacks = [
            Watch(),
            LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=2, gamma=0.5),
            GradientNormClipping(0.1),
            EarlyStopping("valid_loss", patience=2, threshold=0.05),
        ]
        net = prototype(max_epochs=30, lr=0.5, callbacks=callbacks)
        seen[layout] = fitted(layout, net=net), Watch.last
    assert_agree(seen["dense"][0], seen["sparse"][0], atol=1e-4)
    assert len(seen["sparse"][0].histories_[-1]) < 30
    for one, other in zip(seen["dense"][1], seen["sparse"][1], strict=True):
        assert one[:2] == other[:2]
        np.testing.assert_allclose(other[2], one[2], rtol=1e-3)
        np.testing.assert_allclose(other[3], one[3], atol=1e-3)


@pytest.mark.parametrize(
    "net",
    [
        prototype(optimizer=torch.optim.RMSprop, lr=0.01),
        prototype(optimizer__maximize=False, optimizer__dampening=0.1, optimizer__momentum=0.9),
        prototype(criterion__label_smoothing=0.1),
        prototype(lambda: nn.Sequential(nn.Linear(12, 8), nn.Dropout(0.1), nn.Linear(8, 3))),
        prototype(lambda: nn.Sequential(nn.Linear(12, 8, bias=False), nn.Tanh(), nn.Linear(8, 3))),
        prototype(lambda: nn.Sequential(nn.Linear(12, 8), nn.GELU(), nn.Linear(8, 3))),
        prototype(optimizer__param_groups=[("0.*", {"lr": 0.01})]),
    ],
)
def test_what_is_not_covered_trains_dense(net):
    dense, sparse = fitted("dense", net=net), fitted("sparse", net=net)
    assert engines(dense) == engines(sparse) == ["autograd"] * 3
    assert dense.tickets_ == sparse.tickets_


def test_subclass_with_a_step_of_its_own_trains_dense():
    class Own(NeuralNetRegressor):
        def get_loss(self, y_pred, y_true, *args, **kwargs):
            return super().get_loss(y_pred, y_true, *args, **kwargs) * 2

    net = prototype(lambda: nn.Linear(12, 1), Own, criterion=nn.MSELoss, lr=0.01)
    reg = WinningTicketRegressor(net=net, rounds=1, layout="sparse").fit(X, X[:, 0])
    assert engines(reg) == ["autograd"] * 2


def test_automatic_layout():
    # Long enough, if nothing ended it, to be worth compiled code.
    options = {"rounds": 2, "prune_rate": 0.4, "max_epochs": 60, "n_iter_no_change": 2}
    clf = WinningTicketClassifier((900, 420), **options).fit(X, y)
    assert [ticket.density <= 0.96 for ticket in clf.tickets_] == [False, True, True]
    assert engines(clf) == ["dense", "sparse", "sparse"]
    assert engines(clone(clf).set_params(max_epochs=30).fit(X, y)) == ["dense"] * 3
    assert engines(WinningTicketClassifier((20,), **options).fit(X, y)) == ["dense"] * 3


def test_a_part_of_a_training_is_computed_as_the_whole():
    options = {"prune_rate": 0.4, "max_epochs": 60, "n_iter_no_change": 2}
    clf = WinningTicketClassifier((900, 420), rounds=3, **options, round_budget=0.01).fit(X, y)
    assert engines(clf) == ["dense", "sparse", "sparse", "sparse"]


@pytest.mark.parametrize(
    "sizes, density, faster",
    [
        ((784, 100, 10), 1, True),
        ((784, 300, 100, 10), 1, True),
        ((784, 500, 200, 10), 0.9, False),
        ((784, 500, 200, 10), 0.8, True),
        ((784, 1000, 1000, 10), 0.51, False),
        ((784, 1000, 1000, 10), 0.41, True),
    ],
)
def test_layouts_cross_at_a_density_that_falls_with_size(sizes, density, faster):
    masks = {
        f"layers.{k}.weight": np.arange(n_in * n_out).reshape(n_out, n_in) < density * n_in * n_out
        for k, (n_in, n_out) in enumerate(itertools.pairwise(sizes))
    }
    arrays = {name: np.zeros(mask.shape, np.float32) for name, mask in masks.items()}
    net = default_net(sizes[1:-1], sizes[0], sizes[-1], criterion=nn.CrossEntropyLoss)
    ready = with_batches(net, "iterator_train").initialize()
    engine = training_engine(ready, Ticket(arrays, masks), "auto", n_rows=10**6)
    assert engine == ("sparse" if faster else "dense")


def random_ticket(density):
    arrays = draw_initial(SIZES[1:-1], SIZES[0], SIZES[-1], Glorot(), np.random.RandomState(1))
    masks = {name: np.ones(a.shape, bool) for name, a in arrays.items() if "weight" in name}
    full = Ticket(arrays, masks)
    return Prune(1 - density, "random", random_state=0).transform(full)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_rows", [1, 7, 3000])
def test_forms_predict_alike(dtype, n_rows):
    inputs = rng.normal(size=(n_rows, SIZES[0])).astype(dtype)
    ticket = random_ticket(0.3)
    dense, sparse = (Predictor(ticket, engine)(inputs) for engine in ("dense", "sparse"))
    assert dense.dtype == sparse.dtype == dtype
    assert dense.shape == (n_rows, 3)
    # In each of three layers, two sums of up to 20 products and a bias, of the order of 1.
    tolerance = 3 * 2 * 21 * np.finfo(dtype).eps / 2
    np.testing.assert_allclose(sparse, dense, rtol=tolerance, atol=tolerance)


def test_sparsify_and_densify():
    clf = fitted("dense")
    expected = clf.predict_proba(X)
    for method in (clf.sparsify, clf.densify):
        assert method() is clf
        np.testing.assert_allclose(clf.predict_proba(X), expected, atol=1e-5)


@pytest.mark.parametrize("density", [0.3, 0.9])
def test_state_of_the_module_is_the_dense_one(density):
    ticket = random_ticket(density)
    names = list(ticket.mask)
    module = SparseModule(SparseNetwork(ticket), squeeze=False)
    assert len(list(module.parameters())) == 1
    # Layers of which less than 40% was pruned are kept whole.
    n_weights = sum(m.size if m.mean() >= 0.6 else m.sum() for m in ticket.mask.values())
    assert n_weights < sum(m.size for m in ticket.mask.values()) or density == 0.9
    assert module.values.numel() == n_weights + sum(SIZES[1:])
    state = module.state_dict()
    assert list(state) == list(ticket.weights)
    for name, array in ticket.weights.items():
        np.testing.assert_array_equal(state[name].numpy(), array)
    module.load_state_dict({name: 2 * tensor for name, tensor in state.items()})
    np.testing.assert_array_equal(module.state_dict()[names[0]], 2 * ticket.weights[names[0]])


@pytest.mark.slow
@pytest.mark.skipif(
    not os.environ.get("SKTICKET_DATA"), reason="SKTICKET_DATA does not name a folder with MNIST"
)
def test_layouts_find_the_same_masks_on_mnist():
    images, digits = fetch_mnist(return_X_y=True)
    options = {"rounds": 3, "max_epochs": 1, "batch_size": 60, "random_state": 0}
    options |= {"optimizer": "sgd", "learning_rate": 0.05}
    dense, sparse = (
        WinningTicketClassifier((300, 100), layout=layout, **options).fit(
            images[:6000], digits[:6000]
        )
        for layout in ("dense", "sparse")
    )
    for before, one, other in zip(dense.tickets_, dense.tickets_[1:], sparse.tickets_[1:]):
        assert one.n_weights == other.n_weights
        for name, mask in one.mask.items():
            differ = mask != other.mask[name]
            # Rounding may decide only between weights at the verge of being pruned.
            sizes = np.abs(before.weights[name])
            verge = sizes[mask].min()
            assert differ.mean() <= 1e-4, (name, differ.sum())
            np.testing.assert_allclose(sizes[differ & before.mask[name]], verge, rtol=1e-3)
    np.testing.assert_allclose(
        sparse.round_results_["valid_loss"], dense.round_results_["valid_loss"], rtol=1e-3
    )
