"""The surviving weights alone, against the reference in float64."""

import copy
import itertools
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import reference
import torch
from hypothesis import given
from hypothesis import strategies as st
from joblib import Parallel, delayed
from scipy import sparse

from skticket import Ticket
from skticket.engines import SparseNetwork
from skticket.engines._optimizers import CompiledAdam, CompiledSGD

OPTIMIZERS = {
    "sgd": (CompiledSGD, reference.SGD),
    "adam": (CompiledAdam, reference.Adam),
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


def make_ticket(weights, masks, biases):
    arrays, mask = {}, {}
    for number, (weight, survives, bias) in enumerate(zip(weights, masks, biases, strict=True)):
        mask[f"{number}.weight"] = survives
        arrays |= {f"{number}.weight": weight, f"{number}.bias": bias}
    return Ticket(arrays, mask)


def make_sparse(weights, masks, biases, **options):
    return SparseNetwork(
        make_ticket(weights, masks, biases), dtype=weights[0].dtype.type, **options
    )


def make_optimizer(network, kind, **options):
    """An optimizer of a network's parameters, whose memory it shares."""
    values = torch.nn.Parameter(torch.from_numpy(network.parameters))
    values.grad = torch.from_numpy(network.gradients)
    return kind([values], **options)


def assert_same_gradients(weights, masks, biases, X, y, sample_weight=None, **options):
    """Loss, gradients and outputs in float64."""
    ticket = make_ticket(weights, masks, biases)
    network = make_sparse(weights, masks, biases, **options)
    expected, gradients = reference.gradients(
        ticket.weights,
        X,
        y,
        ticket.mask,
        weight=sample_weight,
        **{"loss": "cross_entropy"} | options,
    )
    loss = network.compute_gradients(X, y, sample_weight=sample_weight)
    assert loss == pytest.approx(expected, rel=1e-12)
    ours = network.to_arrays(network.gradients)
    assert list(ours) == list(gradients)
    for name, array in gradients.items():
        np.testing.assert_allclose(ours[name], array, rtol=1e-9, atol=1e-12, err_msg=name)
        if name in ticket.mask:
            assert (ours[name][~ticket.mask[name]] == 0).all()
    outputs = reference.forward(ticket.weights, X, ticket.mask, options.get("activation", "relu"))
    np.testing.assert_allclose(network.predict(X), outputs, rtol=1e-9, atol=1e-12)
    return network


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "squared_error"])
@pytest.mark.parametrize("activation", list(reference.ACTIVATIONS))
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_are_the_references(activation, loss, weighted):
    arrays = make_network((30, 20, 11, 4), 0.3)
    X, y = make_data(loss, 37, 30, 4)
    sample_weight = np.random.default_rng(1).random(37) * (np.arange(37) > 3) if weighted else None
    assert_same_gradients(*arrays, X, y, sample_weight, activation=activation, loss=loss)


@pytest.mark.parametrize("n_samples", [1, 15, 16, 17, 64, 100, 128, 129, 300])
def test_any_batch_size(n_samples):
    arrays = make_network((20, 12, 3), 0.4)
    X, y = make_data("cross_entropy", n_samples, 20, 3)
    assert_same_gradients(*arrays, X, y)


@pytest.mark.parametrize("sizes", [(2, 4, 1), (5, 1), (40, 3), (17, 1, 1, 2), (16, 8, 8, 8, 3)])
@pytest.mark.parametrize("density", [0.2, 0.7, 0.9, 1.0])
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
    network = make_sparse(*arrays)
    loss = network.compute_gradients(X[rows], y[rows], sample_weight=weight[rows])
    expected = network.gradients.copy()
    assert network.compute_gradients(X, y, rows=rows, sample_weight=weight) == loss
    np.testing.assert_array_equal(network.gradients, expected)


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
def test_hundreds_of_steps_are_the_references(name, options, dtype):
    weights, masks, biases = make_network((40, 30, 20, 5), 0.15, dtype=dtype)
    masks[1][:, :6] = False  # weights that only weight decay reaches
    X, y = make_data("cross_entropy", 200, 40, 5, dtype=dtype)
    ticket = make_ticket(weights, masks, biases)
    network = make_sparse(weights, masks, biases)
    assert network.dtype == dtype
    kind, reference_kind = OPTIMIZERS[name]
    optimizer = make_optimizer(network, kind, **options)
    rng = np.random.default_rng(0)
    batches = [rng.integers(200, size=50) for _ in range(300)]
    expected, losses = reference.train(
        ticket.weights, X, y, ticket.mask, batches, reference_kind(**options), loss="cross_entropy"
    )
    for rows, expected_loss in zip(batches, losses, strict=True):
        loss = network.compute_gradients(X, y, rows=rows)
        optimizer.step()
        assert loss == pytest.approx(expected_loss, rel=1e-3 if dtype == np.float32 else 1e-9)
    tolerance = {"rtol": 2e-3, "atol": 2e-4} if dtype == np.float32 else {"rtol": 1e-7}
    arrays = network.to_arrays()
    for name, array in expected.items():
        np.testing.assert_allclose(arrays[name], array, **tolerance)
        if name in ticket.mask:
            assert (arrays[name][~ticket.mask[name]] == 0).all()


@pytest.mark.parametrize("kind", [CompiledSGD, CompiledAdam])
def test_optimizers_are_those_of_torch_to_schedulers_hooks_and_closures(kind):
    network = make_sparse(*make_network((8, 6, 2), 1.0, dtype=np.float32))
    X, y = make_data("cross_entropy", 20, 8, 2, dtype=np.float32)
    optimizer = make_optimizer(network, kind, lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.0)
    seen = []
    optimizer.register_step_post_hook(lambda *_: seen.append(network.parameters.copy()))
    before = network.parameters.copy()
    for _ in range(2):
        loss = optimizer.step(lambda: network.compute_gradients(X, y))
        assert loss > 0
        scheduler.step()
    assert len(seen) == 2
    assert (seen[0] != before).any()
    np.testing.assert_array_equal(seen[1], seen[0])  # at a learning rate of 0


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_activations_are_exact_to_float32(activation):
    x = np.concatenate([np.linspace(-30, 30, 4001), [0, 1e-8, -1e-8, 1e-4, 700, -700]])
    eye = [np.ones((1, 1), np.float32)] * 2
    masks, biases = [np.ones((1, 1), bool)] * 2, [np.zeros(1, np.float32)] * 2
    network = make_sparse(eye, masks, biases, activation=activation, loss="squared_error")
    expected = reference.ACTIVATIONS[activation](x)
    outputs = network.predict(x[:, None].astype(np.float32))[:, 0]
    np.testing.assert_allclose(outputs, expected, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("activation", list(reference.ACTIVATIONS))
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "squared_error"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_divergence_shows(activation, loss, value):
    weights, masks, biases = make_network((8, 6, 2), 1.0, dtype=np.float32)
    X, y = make_data(loss, 20, 8, 2, dtype=np.float32)
    network = make_sparse(weights, masks, biases, activation=activation, loss=loss)
    network.parameters[: network.n_active] = value
    optimizer = make_optimizer(network, CompiledAdam)
    assert not np.isfinite(network.compute_gradients(X, y))
    optimizer.step()
    assert not np.isfinite(network.parameters).all()


@pytest.mark.parametrize("n_threads", [2, 3, 7])
def test_threads_do_not_change_a_bit(n_threads):
    network = make_sparse(*make_network((50, 40, 30, 5), 0.2, dtype=np.float32))
    X, _ = make_data("cross_entropy", 1500, 50, 5, dtype=np.float32)
    np.testing.assert_array_equal(
        network.predict(X, n_threads=1), network.predict(X, n_threads=n_threads)
    )


def test_prediction_does_not_depend_on_the_block():
    network = make_sparse(*make_network((50, 40, 5), 0.2, dtype=np.float32))
    X, _ = make_data("cross_entropy", 200, 50, 5, dtype=np.float32)
    together = network.predict(X)
    for k in (0, 63, 64, 199):
        np.testing.assert_array_equal(network.predict(X[k : k + 1])[0], together[k])
    assert network.predict(X[:0]).shape == (0, 5)


def train(seed):
    """A short training; its parameters."""
    network = make_sparse(*make_network((50, 40, 30, 5), 0.2, seed, np.float32))
    X, y = make_data("cross_entropy", 300, 50, 5, seed, np.float32)
    optimizer = make_optimizer(network, CompiledSGD, lr=0.1, momentum=0.9)
    rng = np.random.default_rng(seed)
    for _ in range(50):
        network.compute_gradients(X, y, rows=rng.integers(300, size=128))
        optimizer.step()
    network.predict(X)
    return network.parameters


def test_concurrent_threads():
    expected = [train(seed) for seed in range(6)]
    with ThreadPoolExecutor(6) as executor:
        for ours, theirs in zip(executor.map(train, range(6)), expected):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("batch_size", [20, 33, 60, 100, 128, 256, 300, 512, 700, 1300])
@pytest.mark.parametrize("density", [0.3, 0.8, 1])
@pytest.mark.parametrize("kind", [CompiledSGD, CompiledAdam])
def test_steps_that_threads_share(kind, density, batch_size):
    """Batches of less than two vectors, of odd numbers of them, and of several tiles.

    Of two tiles and more each thread takes its own: 700 are four, one, and a part of one.
    """
    X, y = make_data("cross_entropy", 600, 50, 5, dtype=np.float32)
    rows = np.random.default_rng(0).integers(600, size=40 * batch_size - 7)
    found = []
    for n_threads in (1, 2):
        network = make_sparse(*make_network((50, 40, 30, 5), density, 0, np.float32))
        optimizer = make_optimizer(network, kind, lr=0.01, weight_decay=0.01)
        options = {"rows": rows, "batch_size": batch_size, "n_threads": n_threads}
        losses = [network.take_steps(X, y, optimizer, **options).tobytes() for _ in range(3)]
        found.append((losses, network.parameters.tobytes(), network.gradients.tobytes()))
    assert found[0] == found[1]


def test_steps_without_a_thread_to_share_them(monkeypatch):
    """The system has none to give, or the user ends the training before it has begun."""
    X, y = make_data("cross_entropy", 128, 50, 5, dtype=np.float32)

    def take(n_threads):
        network = make_sparse(*make_network((50, 40, 30, 5), 0.3, 0, np.float32))
        optimizer = make_optimizer(network, CompiledSGD, lr=0.1)
        options = {"rows": np.arange(128), "batch_size": 64, "n_threads": n_threads}
        network.take_steps(X, y, optimizer, **options)
        return network.parameters

    expected = take(1)

    def fail(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        np.testing.assert_array_equal(take(2), expected)

    start, others = threading.Thread.start, []

    def interrupt(thread):
        others.append(thread)
        start(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupt)
    with pytest.raises(KeyboardInterrupt):
        take(2)
    others[0].join()  # it does not wait for ever


@pytest.mark.slow
def test_processes():
    results = Parallel(n_jobs=2)(delayed(train)(seed) for seed in range(2))
    for seed, result in enumerate(results):
        np.testing.assert_array_equal(result, train(seed))


@pytest.mark.slow
def test_compiles_in_threads_and_reports_it(tmp_path):
    """Without a cache, first used in two threads at once."""
    code = """if True:
        import logging, sys
        sys.path[:0] = sys.argv[1:]
        logging.basicConfig(level="INFO", stream=sys.stdout)
        from concurrent.futures import ThreadPoolExecutor
        from test_sparse_network import train
        assert "numba" not in sys.modules
        with ThreadPoolExecutor(2) as executor:
            list(executor.map(train, range(2)))
    """
    here = Path(__file__).parent
    for how in "compiled", "loaded from the cache":
        process = subprocess.run(
            [sys.executable, "-c", code, str(here), str(here.parent)],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"INFO:skticket:take_steps was {how}" in process.stdout


def test_dense_round_trip_and_copies():
    ticket = make_ticket(*make_network((50, 40, 30, 5), 0.1, dtype=np.float32))
    network = SparseNetwork(ticket, activation="tanh")
    assert len(network.parameters) == ticket.n_weights + 75
    arrays = network.to_arrays()
    assert list(arrays) == list(ticket.weights)
    for name, array in ticket.weights.items():
        np.testing.assert_array_equal(arrays[name], array)
    network.set_arrays({name: 2 * array for name, array in arrays.items()})
    for name, array in network.to_arrays().items():
        np.testing.assert_array_equal(array, 2 * arrays[name])
    X, y = make_data("cross_entropy", 30, 50, 5, dtype=np.float32)

    def step(network):
        network.compute_gradients(X, y)
        make_optimizer(network, CompiledSGD, lr=0.1).step()

    step(network)
    for other in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network)):
        np.testing.assert_array_equal(other.predict(X), network.predict(X))
        before = network.parameters.copy()
        step(other)
        np.testing.assert_array_equal(network.parameters, before)
        assert (other.parameters != before).any()
    assert len(pickle.dumps(network)) < 30 * len(network.parameters)


def test_data_of_other_types(tmp_path):
    network = make_sparse(*make_network((50, 40, 5), 0.2, dtype=np.float32))
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
    network = make_sparse(*make_network((8, 6, 2), 1.0))
    arguments = {"X": np.zeros((10, 8)), "y": np.zeros(10, int), **change}
    with pytest.raises(ValueError, match=message):
        network.compute_gradients(**arguments)


@pytest.mark.parametrize("rows", [[10], [-1], [0, 5, 99]])
def test_rows_out_of_range(rows):
    network = make_sparse(*make_network((8, 6, 2), 1.0))
    with pytest.raises(IndexError, match="rows|bounds"):
        network.compute_gradients(np.zeros((10, 8)), np.zeros(10, int), rows=rows)


def test_wrong_network():
    weights, masks, biases = make_network((8, 6, 2), 1.0)
    ticket = make_ticket(weights, masks, biases)
    with pytest.raises(KeyError, match="gelu"):
        SparseNetwork(ticket, activation="gelu")
    with pytest.raises(KeyError, match="hinge"):
        SparseNetwork(ticket, loss="hinge")
    message = "fully connected layers with biases, each feeding the next"
    with pytest.raises(ValueError, match=message):  # a layer takes what none gives
        SparseNetwork(make_ticket(weights[:1] * 2, masks[:1] * 2, biases[:1] * 2))
    with pytest.raises(ValueError, match=message):  # a bias of another size
        SparseNetwork(make_ticket(weights, masks, biases[::-1]))
    without = {name: array for name, array in ticket.weights.items() if name != "1.bias"}
    with pytest.raises(ValueError, match=message):
        SparseNetwork(Ticket(without, ticket.mask))
    convolution = np.ones((2, 3, 3))
    with pytest.raises(ValueError, match=message):
        SparseNetwork(Ticket({"weight": convolution}, {"weight": convolution > 0}))


# Sparse rows


def same_bits(network, form, X, y, rows, weight, kind, n_threads=1):
    """What becomes of a network in steps on rows, from the beginning: all of it, to the bit."""
    network = pickle.loads(pickle.dumps(network))
    optimizer = make_optimizer(network, OPTIMIZERS[kind][0], lr=0.1, weight_decay=0.01)
    losses = network.take_steps(
        form(X), y, optimizer, rows=rows, batch_size=70, sample_weight=weight, n_threads=n_threads
    )
    return losses.tobytes(), network.parameters.tobytes(), network.predict(form(X)).tobytes()


@given(
    # Beyond 3.5% all inputs are multiplied.
    filled=st.sampled_from([0.0, 0.004, 0.03, 0.05, 0.4, 1.0]),
    n_features=st.sampled_from([1, 3, 16, 70]),
    density=st.sampled_from([0.15, 0.5, 0.8, 1.0]),
    hidden=st.sampled_from([(), (5,), (12, 7)]),
    activation=st.sampled_from(list(reference.ACTIVATIONS)),
    batch=st.sampled_from([1, 15, 70, 300]),
    dtype=st.sampled_from([np.float32, np.float64]),
    kind=st.sampled_from(list(OPTIMIZERS)),
    weighted=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_sparse_rows_give_the_same_bits(
    filled, n_features, density, hidden, activation, batch, dtype, kind, weighted, seed
):
    rng = np.random.default_rng(seed)
    arrays = make_network((n_features, *hidden, 3), density, seed, dtype)
    if not all(mask.any() for mask in arrays[1]):
        return
    network = make_sparse(*arrays, activation=activation)
    X, y = make_data("cross_entropy", 90, n_features, 3, seed, dtype)
    X *= rng.random(X.shape) < filled
    # Batches of 70 and less, of which a thread's half may be empty; and one of several tiles.
    rows = rng.integers(90, size=batch)
    weight = rng.uniform(0.1, 3, len(X)) if weighted else None
    expected = same_bits(network, np.asarray, X, y, rows, weight, kind)
    for form in (sparse.csr_array, sparse.csr_matrix):
        for n_threads in (1, 2):
            found = same_bits(network, form, X, y, rows, weight, kind, n_threads)
            assert found == expected


@pytest.mark.parametrize("density", [0.4, 0.8])
@pytest.mark.parametrize("filled", [0.02, 0.3])
def test_sparse_rows_of_several_tiles(filled, density):
    rng = np.random.default_rng(0)
    arrays = make_network((50, 20, 3), density, dtype=np.float32)
    X, y = make_data("cross_entropy", 400, 50, 3, dtype=np.float32)
    X *= rng.random(X.shape) < filled
    results = []
    for form, n_threads in itertools.product((np.asarray, sparse.csr_array), (1, 2)):
        network = make_sparse(*arrays)
        network.compute_gradients(form(X), y)
        of_all = network.gradients.copy()
        rows = np.random.default_rng(1).integers(400, size=40 * 400)
        optimizer = make_optimizer(network, CompiledSGD, lr=0.1)
        options = {"rows": rows, "batch_size": 400, "n_threads": n_threads}
        losses = network.take_steps(form(X), y, optimizer, **options)
        many = form(np.tile(X, (8, 1)))  # as many blocks as two threads share
        outputs = network.predict(many, n_threads=n_threads)
        arrays_now = of_all, losses, network.gradients, network.parameters, outputs
        results.append([array.tobytes() for array in arrays_now])
    assert all(result == results[0] for result in results[1:])


def test_sparse_rows_of_other_types():
    arrays = make_network((20, 12, 3), 0.4)
    X, y = make_data("cross_entropy", 60, 20, 3)
    X *= np.random.default_rng(0).random(X.shape) < 0.1
    network = make_sparse(*arrays)
    rows = np.arange(40)
    expected = network.compute_gradients(X, y, rows=rows), network.gradients.copy()
    given = sparse.csr_array(X)
    other = given.copy()
    other.indices, other.indptr = other.indices.astype(np.int64), other.indptr.astype(np.int64)
    frozen = given.copy()
    for array in (frozen.data, frozen.indices, frozen.indptr):
        array.flags.writeable = False
    for form in (given, other, frozen, (1000 * given).astype(np.int64)):
        factor = 1000 if form.dtype == np.int64 else 1
        if factor > 1:
            integers = np.trunc(1000 * X)
            expected = network.compute_gradients(integers, y, rows=rows), network.gradients.copy()
        assert network.compute_gradients(form, y, rows=rows) == expected[0]
        np.testing.assert_array_equal(network.gradients, expected[1])
    with pytest.raises(ValueError, match="20 columns"):
        network.predict(given[:, :-1])
    with pytest.raises(ValueError, match="same length"):
        network.compute_gradients(given, y[:-1])
    with pytest.raises(IndexError, match="positions of rows"):
        network.compute_gradients(given, y, rows=np.array([60]))
