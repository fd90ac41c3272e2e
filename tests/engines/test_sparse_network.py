import copy
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from torch.nn import functional as F

from skticket.engines import SGD, Adam, SparseNetwork

ACTIVATIONS = {
    "identity": lambda x: x,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "logistic": torch.sigmoid,
}


def make_network(sizes, density, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    shapes = list(zip(sizes[1:], sizes))
    weights = [rng.normal(0, n_in**-0.5, (n_out, n_in)).astype(dtype) for n_out, n_in in shapes]
    masks = [rng.random(shape) < density for shape in shapes]
    biases = [rng.normal(0, 0.5, n_out).astype(dtype) for n_out in sizes[1:]]
    return weights, masks, biases


def make_data(loss, n_samples, n_features, n_outputs, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features)).astype(dtype)
    if loss == "cross_entropy":
        return X, rng.integers(n_outputs, size=n_samples)
    if loss == "binary_cross_entropy":
        return X, rng.integers(2, size=(n_samples, n_outputs))
    return X, rng.normal(size=(n_samples, n_outputs))


def torch_losses(loss, outputs, y):
    if loss == "cross_entropy":
        return F.cross_entropy(outputs, y, reduction="none")
    y = y.to(outputs.dtype).reshape(outputs.shape)
    if loss == "binary_cross_entropy":
        return F.binary_cross_entropy_with_logits(outputs, y, reduction="none").mean(1)
    return F.mse_loss(outputs, y, reduction="none").mean(1)


class Masked:
    """The dense network with its masks multiplied in, by torch."""

    def __init__(self, weights, masks, biases, activation="relu", loss="cross_entropy"):
        self.masks = [torch.tensor(mask) for mask in masks]
        self.weights = [
            torch.tensor(w * mask, requires_grad=True) for w, mask in zip(weights, masks)
        ]
        self.biases = [torch.tensor(b, requires_grad=True) for b in biases]
        self.activation = ACTIVATIONS[activation]
        self.name = loss

    @property
    def parameters(self):
        return [*self.weights, *self.biases]

    def forward(self, X):
        X = torch.as_tensor(X)
        for k, (weight, mask, bias) in enumerate(zip(self.weights, self.masks, self.biases)):
            X = F.linear(self.activation(X) if k else X, weight * mask, bias)
        return X

    def loss(self, X, y, sample_weight=None):
        losses = torch_losses(self.name, self.forward(X), torch.as_tensor(y))
        if sample_weight is None:
            return losses.mean()
        sample_weight = torch.as_tensor(sample_weight)
        return (losses * sample_weight).sum() / sample_weight.sum()


def assert_same_gradients(weights, masks, biases, X, y, sample_weight=None, **options):
    """Loss, gradients and outputs in float64 against autograd."""
    network = SparseNetwork(weights, masks, biases, **options)
    options.pop("n_threads", None)
    masked = Masked(weights, masks, biases, **options)
    expected = masked.loss(X, y, sample_weight)
    expected.backward()
    loss = network.compute_gradients(X, y, sample_weight=sample_weight)
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    weight_gradients, bias_gradients = network.to_dense(network.gradients)
    for ours, mask, theirs in zip(weight_gradients, masks, masked.weights):
        np.testing.assert_allclose(ours, theirs.grad.numpy(), rtol=1e-9, atol=1e-12)
        assert (ours[~mask] == 0).all()
    for ours, theirs in zip(bias_gradients, masked.biases):
        np.testing.assert_allclose(ours, theirs.grad.numpy(), rtol=1e-9, atol=1e-12)
    evaluated, outputs = network.evaluate(X, y, sample_weight=sample_weight)
    assert evaluated == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(outputs, masked.forward(X).detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(network.predict(X), outputs)
    return network


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "squared_error"])
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_agree_with_autograd(activation, loss, weighted):
    arrays = make_network((30, 20, 11, 4), 0.3)
    X, y = make_data(loss, 37, 30, 4)
    sample_weight = np.random.default_rng(1).random(37) * (np.arange(37) > 3) if weighted else None
    assert_same_gradients(*arrays, X, y, sample_weight, activation=activation, loss=loss)


@pytest.mark.parametrize("n_samples", [1, 15, 16, 17, 64, 100, 128, 129, 300])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_any_batch_size(n_samples, n_threads):
    arrays = make_network((20, 12, 3), 0.4)
    X, y = make_data("cross_entropy", n_samples, 20, 3)
    assert_same_gradients(*arrays, X, y, n_threads=n_threads)


@pytest.mark.parametrize("sizes", [(2, 4, 1), (5, 1), (40, 3), (17, 1, 1, 2), (16, 8, 8, 8, 3)])
@pytest.mark.parametrize("density", [0.2, 0.7, 1.0])
def test_any_shape(sizes, density):
    arrays = make_network(sizes, density, seed=3)
    X, y = make_data("squared_error", 20, sizes[0], sizes[-1])
    assert_same_gradients(*arrays, X, y, loss="squared_error", activation="tanh")


def test_empty_rows_and_columns():
    weights, masks, biases = make_network((30, 20, 11, 4), 0.5)
    masks[0][[0, 5]] = False  # constants
    masks[0][:, 7:19] = False
    masks[1][:, [2, 5, 9]] = False  # cut off from the outputs
    masks[1][3] = False
    masks[2][:, 4] = False
    masks[2][1] = False  # an output without connections
    X, y = make_data("cross_entropy", 33, 30, 4)
    network = assert_same_gradients(weights, masks, biases, X, y)
    assert not set(network.inputs) & set(range(7, 19))
    reaches = [masks[2].T @ np.ones(4), masks[1].T @ masks[2].T @ np.ones(4)]
    cut_off = masks[0][reaches[1] == 0].sum() + masks[1][reaches[0] == 0].sum()
    cut_off += sum((reach == 0).sum() for reach in reaches)
    assert cut_off > 20
    assert len(network.parameters) - network.n_active == cut_off


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_one_surviving_weight(layer):
    weights, masks, biases = make_network((30, 20, 11, 4), 1.0)
    for number, mask in enumerate(masks):
        if number == layer:
            mask[:] = False
            mask[1, 2] = True
    X, y = make_data("cross_entropy", 33, 30, 4)
    assert_same_gradients(weights, masks, biases, X, y)


def test_nothing_survives():
    weights, masks, biases = make_network((30, 20, 4), 0.0)
    X, y = make_data("cross_entropy", 33, 30, 4)
    network = assert_same_gradients(weights, masks, biases, X, y)
    assert network.n_active == 4
    assert len(network.inputs) == 0


def test_rows_select_the_batch():
    arrays = make_network((30, 20, 4), 0.3)
    X, y = make_data("cross_entropy", 100, 30, 4)
    weight = np.random.default_rng(0).random(100)
    rows = np.array([5, 99, 0, 5, 17])
    network = SparseNetwork(*arrays)
    loss = network.compute_gradients(X[rows], y[rows], sample_weight=weight[rows])
    expected = network.gradients.copy()
    assert network.compute_gradients(X, y, rows=rows, sample_weight=weight) == loss
    np.testing.assert_array_equal(network.gradients, expected)


def torch_optimizer(name, parameters, options):
    if name == "adam":
        return torch.optim.Adam(parameters, **options)
    return torch.optim.SGD(parameters, **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sgd", {"lr": 0.1}),
        ("sgd", {"lr": 0.05, "weight_decay": 1e-2}),
        ("sgd", {"lr": 0.02, "momentum": 0.9}),
        ("sgd", {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}),
        ("adam", {"lr": 2e-3}),
        ("adam", {"lr": 2e-3, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 1e-2}),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hundreds_of_steps_agree_with_torch(name, options, dtype):
    weights, masks, biases = make_network((40, 30, 20, 5), 0.15, dtype=dtype)
    masks[1][:, :6] = False  # weights that only weight decay reaches
    X, y = make_data("cross_entropy", 200, 40, 5, dtype=dtype)
    rng = np.random.default_rng(0)
    masked = Masked(weights, masks, biases)
    theirs = torch_optimizer(name, masked.parameters, options)
    network = SparseNetwork(weights, masks, biases)
    assert network.dtype == dtype
    ours = (Adam if name == "adam" else SGD)(**options)
    for _ in range(300):
        rows = rng.integers(200, size=50)
        theirs.zero_grad()
        expected = masked.loss(X[rows], y[rows])
        expected.backward()
        theirs.step()
        loss = network.step(X, y, ours, rows=rows)
        assert loss == pytest.approx(expected.item(), rel=1e-3 if dtype == np.float32 else 1e-9)
    tolerance = {"rtol": 2e-3, "atol": 2e-4} if dtype == np.float32 else {"rtol": 1e-7}
    weights, biases = network.to_dense()
    for ours, theirs, mask in zip(weights, masked.weights, masks):
        # weight decay acts on the dense loop's pruned weights, which are 0
        np.testing.assert_allclose(ours, theirs.detach().numpy() * mask, **tolerance)
        assert (ours[~mask] == 0).all()
    for ours, theirs in zip(biases, masked.biases):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), **tolerance)


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_activations_are_exact_to_float32(activation):
    x = np.concatenate([np.linspace(-30, 30, 4001), [0, 1e-8, -1e-8, 1e-4, 700, -700]])
    eye = [np.ones((1, 1), np.float32)] * 2
    network = SparseNetwork(
        eye,
        [np.ones((1, 1), bool)] * 2,
        [np.zeros(1, np.float32)] * 2,
        activation=activation,
        loss="squared_error",
    )
    expected = ACTIVATIONS[activation](torch.tensor(x)).numpy()
    outputs = network.predict(x[:, None].astype(np.float32))[:, 0]
    np.testing.assert_allclose(outputs, expected, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "squared_error"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_divergence_shows(activation, loss, value):
    weights, masks, biases = make_network((8, 6, 2), 1.0, dtype=np.float32)
    X, y = make_data(loss, 20, 8, 2, dtype=np.float32)
    network = SparseNetwork(weights, masks, biases, activation=activation, loss=loss)
    network.parameters[: network.n_active] = value
    assert not np.isfinite(network.step(X, y, Adam()))
    assert not np.isfinite(network.parameters).all()


@pytest.mark.parametrize("n_threads", [2, 3, 7])
def test_threads_do_not_change_a_bit(n_threads):
    arrays = make_network((50, 40, 30, 5), 0.2, dtype=np.float32)
    X, y = make_data("cross_entropy", 500, 50, 5, dtype=np.float32)
    networks = [SparseNetwork(*arrays, n_threads=n) for n in (1, n_threads)]
    optimizers = Adam(), Adam()
    for start in range(0, 500, 150):
        rows = np.arange(start, min(start + 150, 500))
        losses = [n.step(X, y, o, rows=rows) for n, o in zip(networks, optimizers)]
        assert losses[0] == losses[1]
    np.testing.assert_array_equal(networks[0].parameters, networks[1].parameters)
    np.testing.assert_array_equal(
        networks[0].predict(np.tile(X, (3, 1)), n_threads=1),
        networks[0].predict(np.tile(X, (3, 1)), n_threads=n_threads),
    )


def test_prediction_does_not_depend_on_the_block():
    network = SparseNetwork(*make_network((50, 40, 5), 0.2, dtype=np.float32))
    X, _ = make_data("cross_entropy", 200, 50, 5, dtype=np.float32)
    together = network.predict(X)
    for k in (0, 63, 64, 199):
        np.testing.assert_array_equal(network.predict(X[k : k + 1])[0], together[k])
    assert network.predict(X[:0]).shape == (0, 5)


def train(seed, n_threads=1):
    """A short training; its parameters."""
    network = SparseNetwork(
        *make_network((50, 40, 30, 5), 0.2, seed, np.float32), n_threads=n_threads
    )
    X, y = make_data("cross_entropy", 300, 50, 5, seed, np.float32)
    optimizer = SGD(lr=0.1, momentum=0.9)
    rng = np.random.default_rng(seed)
    for _ in range(50):
        network.step(X, y, optimizer, rows=rng.integers(300, size=128))
    network.predict(X)
    return network.parameters


def test_concurrent_threads():
    expected = [train(seed) for seed in range(6)]
    with ThreadPoolExecutor(6) as executor:
        for ours, theirs in zip(executor.map(train, range(6), [1, 2] * 3), expected):
            np.testing.assert_array_equal(ours, theirs)


def test_processes():
    results = Parallel(n_jobs=2)(delayed(train)(seed) for seed in range(2))
    for seed, result in enumerate(results):
        np.testing.assert_array_equal(result, train(seed))


@pytest.mark.slow
def test_compiles_in_threads_and_reports_it(tmp_path):
    """Without a cache, first used in two threads at once."""
    code = """if True:
        import logging, sys
        logging.basicConfig(level="INFO", stream=sys.stdout)
        from concurrent.futures import ThreadPoolExecutor
        from tests.test_kernels import train
        assert "numba" not in sys.modules
        with ThreadPoolExecutor(2) as executor:
            list(executor.map(train, range(2)))
    """
    for how in "compiled", "loaded from the cache":
        process = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"INFO:skticket:compute_gradients was {how}" in process.stdout


def test_dense_round_trip_and_copies():
    weights, masks, biases = make_network((50, 40, 30, 5), 0.1, dtype=np.float32)
    network = SparseNetwork(weights, masks, biases, activation="tanh")
    assert len(network.parameters) == sum(m.sum() for m in masks) + 75
    for array, mask, bias, (ours, our_bias) in zip(
        weights, masks, biases, zip(*network.to_dense())
    ):
        np.testing.assert_array_equal(ours, array * mask)
        np.testing.assert_array_equal(our_bias, bias)
    X, y = make_data("cross_entropy", 30, 50, 5, dtype=np.float32)
    network.step(X, y, SGD(lr=0.1))
    for other in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network)):
        np.testing.assert_array_equal(other.predict(X), network.predict(X))
        before = network.parameters.copy()
        other.step(X, y, SGD(lr=0.1))
        np.testing.assert_array_equal(network.parameters, before)
    assert len(pickle.dumps(network)) < 30 * len(network.parameters)


def test_data_of_other_types(tmp_path):
    network = SparseNetwork(*make_network((50, 40, 5), 0.2, dtype=np.float32))
    X, y = make_data("cross_entropy", 100, 50, 5, dtype=np.float32)
    rows = np.arange(10, 40)
    expected = network.compute_gradients(X, y, rows=rows)
    np.save(tmp_path / "X.npy", X)
    for data in (
        X.astype(np.float64),
        np.asfortranarray(X),
        np.load(tmp_path / "X.npy", mmap_mode="r"),
        np.broadcast_to(X[None], (1, 100, 50))[0],
        torch.from_numpy(X).numpy(),
    ):
        assert network.compute_gradients(data, y, rows=rows) == expected
        np.testing.assert_array_equal(network.predict(data), network.predict(X))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.zeros((10, 7))}, "8 columns"),
        ({"y": np.zeros(9, int)}, "same length"),
        ({"y": np.full(10, 2)}, "class numbers"),
        ({"y": np.full(10, -1)}, "class numbers"),
        ({"y": np.full(10, np.nan)}, "class numbers"),
        ({"y": np.zeros((10, 2))}, "1 columns"),
        ({"rows": []}, "empty"),
        ({"X": np.zeros((0, 8)), "y": np.zeros(0, int)}, "empty"),
    ],
)
def test_wrong_data(change, message):
    network = SparseNetwork(*make_network((8, 6, 2), 1.0))
    arguments = {"X": np.zeros((10, 8)), "y": np.zeros(10, int), **change}
    with pytest.raises(ValueError, match=message):
        network.compute_gradients(**arguments)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("rows", [[10], [-1], [0, 5, 99]])
def test_rows_out_of_range(rows, n_threads):
    network = SparseNetwork(*make_network((8, 6, 2), 1.0), n_threads=n_threads)
    with pytest.raises(IndexError, match="rows|bounds"):
        network.compute_gradients(np.zeros((10, 8)), np.zeros(10, int), rows=rows)


def test_wrong_network():
    weights, masks, biases = make_network((8, 6, 2), 1.0)
    with pytest.raises(ValueError, match="activation"):
        SparseNetwork(weights, masks, biases, activation="gelu")
    with pytest.raises(ValueError, match="loss"):
        SparseNetwork(weights, masks, biases, loss="hinge")
    with pytest.raises(ValueError, match="one array a layer"):
        SparseNetwork(weights, masks[:1], biases)
    with pytest.raises(ValueError, match="layer 1"):
        SparseNetwork(weights, [masks[0], masks[0]], biases)
    with pytest.raises(ValueError, match="layer 1.*6 inputs"):
        SparseNetwork(weights[:1] * 2, masks[:1] * 2, biases[:1] * 2)
    with pytest.raises(ValueError, match="boolean"):
        SparseNetwork(weights, [mask.astype(int) for mask in masks], biases)
