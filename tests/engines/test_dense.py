"""The dense layout's own step does what autograd and any number of threads do."""

import numpy as np
import pytest
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, Freezer
from torch import nn

from skticket import WinningTicketClassifier, WinningTicketRegressor
from skticket.initialization import Glorot
from skticket.network import MLP, Data, TicketNet, draw_initial
from skticket.ticket import Ticket
from skticket.training import train

rng = np.random.RandomState(0)
X = rng.normal(size=(150, 6)).astype(np.float32)
LABELS = (X[:, :3].argmax(axis=1)).astype(np.int64)
TARGETS = {
    nn.CrossEntropyLoss: (3, LABELS),
    nn.BCEWithLogitsLoss: (1, (X[:, 0] > X[:, 1]).astype(np.float32)),
    nn.MSELoss: (2, X[:, :2] * X[:, 1:3]),
}
N_THREADS = torch.get_num_threads()


def make_ticket(sizes=(6, 20, 10, 3), density=0.5):
    arrays = draw_initial(sizes[1:-1], sizes[0], sizes[-1], Glorot(), np.random.RandomState(1))
    mask = {
        name: rng.random_sample(array.shape) < density
        for name, array in arrays.items()
        if name.endswith("weight")
    }
    return Ticket(arrays, mask, {name: a * mask.get(name, 1) for name, a in arrays.items()})


def make_net(sizes=(6, 20, 10, 3), kind=TicketNet, criterion=nn.CrossEntropyLoss, **options):
    sizes = {"n_inputs": sizes[0], "hidden_layer_sizes": sizes[1:-1], "n_outputs": sizes[-1]}
    options = {f"module__{name}": size for name, size in sizes.items()} | options
    options = {"optimizer": torch.optim.SGD, "lr": 0.1, "batch_size": 40} | options
    return kind(MLP, criterion=criterion, verbose=0, **options)


def make_data(y=LABELS, weight=None):
    return Data(X, y, X[:50], y[:50], y.ndim == 1, weight, None if weight is None else weight[:50])


def trained(net, ticket, data=None, **options):
    data = make_data() if data is None else data
    options = {"n_steps": 12, "evaluate_every": 4, "layout": "dense"} | options
    return train(net, ticket, data, **options)


@pytest.mark.parametrize(
    "optimizer, options",
    [
        (torch.optim.SGD, {"lr": 0.1}),
        (torch.optim.Adam, {"lr": 1e-3}),
        (torch.optim.LBFGS, {"lr": 1e-2, "optimizer__max_iter": 2}),  # calls the step twice
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("criterion", TARGETS)
def test_trains_as_autograd_does(criterion, weighted, optimizer, options):
    n_outputs, y = TARGETS[criterion]
    sizes = (6, 20, 10, n_outputs)
    ticket = make_ticket(sizes)
    data = make_data(y, rng.random_sample(len(X)).astype(np.float32) if weighted else None)
    nets = [
        make_net(sizes, criterion=criterion, optimizer=optimizer, callbacks=callbacks, **options)
        for callbacks in (None, [Callback()])
    ]
    ours, theirs = (trained(net, ticket, data) for net in nets)
    assert (ours.engine, theirs.engine) == ("dense", "autograd")
    for name, array in theirs.ticket.weights.items():
        np.testing.assert_allclose(ours.ticket.weights[name], array, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ours.valid_loss, theirs.valid_loss, rtol=1e-4)
    np.testing.assert_allclose(
        ours.history[:, "train_loss"], theirs.history[:, "train_loss"], rtol=1e-4
    )


@pytest.mark.parametrize(
    "criterion, options",
    [
        (nn.CrossEntropyLoss, {"weight": torch.tensor([1.0, 2.0, 0.5])}),
        (nn.CrossEntropyLoss, {"ignore_index": 1}),
        (nn.CrossEntropyLoss, {"label_smoothing": 0.3}),
        (nn.CrossEntropyLoss, {"reduction": "sum"}),
        (nn.BCEWithLogitsLoss, {"weight": torch.tensor([0.3])}),
        (nn.BCEWithLogitsLoss, {"pos_weight": torch.tensor([3.0])}),
        (nn.BCEWithLogitsLoss, {"reduction": "sum"}),
        (nn.MSELoss, {"reduction": "sum"}),
    ],
)
def test_losses_with_options_are_those_of_torch(criterion, options):
    n_outputs, y = TARGETS[criterion]
    sizes = (6, 20, 10, n_outputs)
    options = {f"criterion__{name}": value for name, value in options.items()}
    nets = [
        make_net(sizes, criterion=criterion, lr=1e-3, callbacks=callbacks, **options)
        for callbacks in (None, [Callback()])
    ]
    ticket = make_ticket(sizes)
    ours, theirs = (trained(net, ticket, make_data(y)) for net in nets)
    assert (ours.engine, theirs.engine) == ("dense", "autograd")
    np.testing.assert_allclose(
        ours.history[:, "train_loss"], theirs.history[:, "train_loss"], rtol=1e-4
    )


class Restless(torch.optim.SGD):
    """Move every weight, whatever its gradient."""

    @torch.no_grad()
    def step(self, closure=None):
        loss = super().step(closure)
        for parameter in self.param_groups[0]["params"]:
            parameter.add_(1e-3)
        return loss


@pytest.mark.parametrize(
    "optimizer, options",
    [
        (torch.optim.SGD, {"momentum": 0.9, "weight_decay": 0.1, "nesterov": True}),
        (torch.optim.SGD, {"momentum": 0.9, "weight_decay": 0.1, "maximize": True}),
        (torch.optim.Adam, {"weight_decay": 0.1, "amsgrad": True}),
        (torch.optim.Adam, {"fused": True}),
        (torch.optim.Adam, {"eps": 1e-30}),
        (torch.optim.AdamW, {"weight_decay": 0.5}),
        (torch.optim.RMSprop, {"momentum": 0.9}),
        (torch.optim.Rprop, {}),
        (torch.optim.LBFGS, {}),
        (Restless, {}),
    ],
)
def test_pruned_weights_are_0_after_every_step(optimizer, options):
    ticket = make_ticket()
    options = {f"optimizer__{name}": value for name, value in options.items()}
    n_checked = []

    def check(net, ticket):
        for name, mask in ticket.mask.items():
            assert (net.module_.state_dict()[name].numpy()[~mask] == 0).all()
        n_checked.append(1)

    net = make_net(optimizer=optimizer, **{"lr": 1e-3} | options)
    assert trained(net, ticket, evaluate_every=1, on_evaluation=check).engine == "dense"
    assert len(n_checked) == 12


def test_adam_without_epsilon_does_not_spoil_pruned_weights():
    ticket = make_ticket()
    net = make_net(optimizer=torch.optim.Adam, lr=1e-3, optimizer__eps=0.0)
    with pytest.raises(ValueError, match="diverged"):
        trained(net, ticket)  # 0 / 0, which no mask cures


@pytest.mark.parametrize(
    "optimizer, options",
    [
        (torch.optim.SGD, {}),
        (torch.optim.SGD, {"fused": True, "momentum": 0.9, "weight_decay": 0.01}),
        (torch.optim.Adam, {"fused": True}),
    ],
)
@pytest.mark.parametrize("layout", ["dense", "sparse"])
@pytest.mark.parametrize("sizes", [(6, 400, 300, 3), (6, 3, 60000, 3)])
def test_threads_do_not_change_a_bit(sizes, layout, optimizer, options):
    ticket = make_ticket(sizes, 0.9)
    options = {f"optimizer__{name}": value for name, value in options.items()}
    results = []
    for n_threads in (1, 2, 5):
        net = make_net(sizes, optimizer=optimizer, lr=0.01, **options)
        results.append(trained(net, ticket, layout=layout, n_threads=n_threads))
        assert results[-1].engine == layout
        assert torch.get_num_threads() == N_THREADS
    for other in results[1:]:
        assert other.ticket == results[0].ticket
        np.testing.assert_array_equal(other.valid_loss, results[0].valid_loss)
        np.testing.assert_array_equal(other.valid_score, results[0].valid_score)


@pytest.mark.parametrize("n_rows", [1, 2, 3])
def test_shared_layers_take_batches_of_any_size(n_rows):
    sizes = (6, 400, 300, 3)
    ticket = make_ticket(sizes)
    data = Data(X[:n_rows], LABELS[:n_rows], X[:n_rows], LABELS[:n_rows], True)
    ours = trained(make_net(sizes), ticket, data, n_threads=2)
    theirs = trained(make_net(sizes, callbacks=[Callback()]), ticket, data)
    assert (ours.engine, theirs.engine) == ("dense", "autograd")
    np.testing.assert_allclose(ours.valid_loss, theirs.valid_loss, rtol=1e-4)


def test_callbacks_and_frozen_parameters_take_autograd():
    class Count(Callback):
        def on_grad_computed(self, net, named_parameters, **kwargs):
            assert all(p.grad is not None for _, p in named_parameters if p.requires_grad)
            counts["grad"] += 1

        def on_batch_end(self, net, training, **kwargs):
            counts["batch"] += training

    counts = {"grad": 0, "batch": 0}
    ticket = make_ticket()
    assert trained(make_net(callbacks=[Count()]), ticket).engine == "autograd"
    assert counts == {"grad": 12, "batch": 12}
    frozen = trained(make_net(callbacks=[Freezer("layers.0.*")]), ticket)
    assert frozen.engine == "autograd"
    for name in ("layers.0.weight", "layers.0.bias"):
        np.testing.assert_array_equal(frozen.ticket.weights[name], ticket.weights[name])
    assert trained(make_net(kind=NeuralNet), ticket).engine == "autograd"


@pytest.mark.parametrize(
    "estimator, y",
    [(WinningTicketClassifier, LABELS), (WinningTicketRegressor, X[:, 0])],
)
def test_estimators_take_the_step(estimator, y):
    fitted = estimator((20, 10), rounds=1, max_epochs=2, layout="dense").fit(X, y)
    assert [trained.engine for trained in fitted._run.trained] == ["dense", "dense"]
