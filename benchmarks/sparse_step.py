"""Measure the compiled sparse step beside torch, in one process, alternating.

    python benchmarks/sparse_step.py [--help]

The baseline is a plain torch loop that multiplies the masks in, on one thread and on
all: gather a batch, forward, cross-entropy, backward, update. Figures are medians of
alternating repeats (least and greatest in brackets). MNIST is read from the folder
named by SKTICKET_DATA; without it the data are random.
"""

import argparse
import os
import platform
import sys
import time

import numpy as np
import torch
from sklearn.neural_network import MLPClassifier
from torch.nn import functional as F

from skticket.kernels import SGD, Adam, SparseNetwork

NETWORKS = {"300-100": (784, 300, 100, 10), "1000-1000": (784, 1000, 1000, 10)}
BATCH = 128


def data():
    """Return MNIST's training images and labels, or as many random numbers."""
    if os.environ.get("SKTICKET_DATA"):
        from skticket.datasets import fetch_mnist

        X, y = fetch_mnist(return_X_y=True)
        return X[:60000], y[:60000]
    rng = np.random.default_rng(0)
    return rng.random((60000, 784), np.float32), rng.integers(10, size=60000)


class Dense:
    """The baseline: a plain loop over torch tensors, masks multiplied in."""

    def __init__(self, sizes, optimizer, masks=None, seed=0):
        rng = np.random.default_rng(seed)
        self.weights, self.biases = [], []
        for n_in, n_out in zip(sizes, sizes[1:]):
            weight = rng.normal(0, np.sqrt(2 / (n_in + n_out)), (n_out, n_in))
            self.weights.append(torch.tensor(weight, dtype=torch.float32, requires_grad=True))
            self.biases.append(torch.zeros(n_out, requires_grad=True))
        self.masks = [
            torch.ones(w.shape) if masks is None else torch.tensor(masks[k], dtype=torch.float32)
            for k, w in enumerate(self.weights)
        ]
        with torch.no_grad():
            for weight, mask in zip(self.weights, self.masks):
                weight.mul_(mask)
        parameters = [*self.weights, *self.biases]
        self.optimizer = (
            torch.optim.SGD(parameters, lr=0.05)
            if optimizer == "sgd"
            else torch.optim.Adam(parameters)
        )

    def forward(self, X):
        """Compute the logits."""
        for k, (weight, mask, bias) in enumerate(zip(self.weights, self.masks, self.biases)):
            X = F.linear(X if k == 0 else X.relu(), weight * mask, bias)
        return X

    def step(self, X, y, rows):
        """Take one training step."""
        loss = F.cross_entropy(self.forward(X[rows]), y[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def predict(self, X, block=512):
        """The network without masks, in blocks that stay in the cache."""
        outputs = []
        with torch.inference_mode():
            for part in X.split(block):
                for k, (weight, bias) in enumerate(zip(self.weights, self.biases)):
                    part = F.linear(part if k == 0 else part.relu(), weight, bias)
                outputs.append(part)
            return torch.cat(outputs)


def make_masks(sizes, density, kind, trained):
    """Masks of a density: uniformly random, or the largest weights of a trained network."""
    rng = np.random.default_rng(1)
    if kind == "uniform":
        scores = [rng.random((n_out, n_in)) for n_in, n_out in zip(sizes, sizes[1:])]
    else:
        scores = [np.abs(weight.detach().numpy()) for weight in trained.weights]
    masks = []
    for number, score in enumerate(scores):
        # The output layer at half the rate: sqrt(density), as in the experiments.
        keep = np.sqrt(density) if number == len(scores) - 1 else density
        n_keep = max(1, round(keep * score.size))
        mask = np.zeros(score.size, bool)
        mask[np.argsort(-score, axis=None, kind="stable")[:n_keep]] = True
        masks.append(mask.reshape(score.shape))
    return masks


def sparse(dense, masks, n_threads):
    """Build the sparse network that a dense one with masks is."""
    return SparseNetwork(
        [w.detach().numpy() for w in dense.weights],
        masks,
        [b.detach().numpy() for b in dense.biases],
        n_threads=n_threads,
    )


def alternate(tasks, repeats, clock, warm_up=1):
    """Microseconds of one call of each task, measured in turns."""
    times = {name: [] for name in tasks}
    for repeat in range(warm_up + repeats):
        for name, (function, count, threads) in tasks.items():
            torch.set_num_threads(threads)
            start = clock()
            for _ in range(count):
                function()
            if repeat >= warm_up:
                times[name].append((clock() - start) / count * 1e6)
    return times


def show(label, times, baselines):
    """Print one line of the table."""
    cells = [label]
    for name, values in times.items():
        cells.append(f"{name} {np.median(values):.0f} [{min(values):.0f}-{max(values):.0f}]")
    for name in times:
        if name in baselines:
            continue
        ratios = [f"{np.median(times[b]) / np.median(times[name]):.2f}x {b}" for b in baselines]
        cells.append(f"{name}: " + ", ".join(ratios))
    print(" | ".join(cells), flush=True)


def batches(n_rows):
    """Yield the row numbers of batch after batch, without end."""
    order = np.random.default_rng(2).permutation(n_rows)
    number = 0
    while True:
        number = number % (n_rows // BATCH)
        yield order[number * BATCH : (number + 1) * BATCH]
        number += 1


def measure_steps(arguments, X, y):
    """Measure whole training steps."""
    all_threads = arguments.threads
    X_torch, y_torch = torch.from_numpy(X), torch.from_numpy(y)
    for name in arguments.networks:
        sizes = NETWORKS[name]
        trained = Dense(sizes, "adam")
        for rows in (b for b, _ in zip(batches(len(X)), range(200))):
            trained.step(X_torch, y_torch, torch.from_numpy(rows))
        for kind in arguments.masks:
            for optimizer in arguments.optimizers:
                for density in arguments.densities:
                    masks = make_masks(sizes, density, kind, trained)
                    tasks = {}
                    for threads in sorted({1, all_threads}, reverse=True):
                        dense = Dense(sizes, optimizer, masks)
                        tasks[f"torch-{threads}"] = (
                            torch_task(dense, X_torch, y_torch),
                            arguments.steps,
                            threads,
                        )
                    baselines = list(tasks)
                    for threads in sorted({1, arguments.kernel_threads}):
                        network = sparse(dense, masks, threads)
                        tasks[f"sparse-{threads}"] = (
                            sparse_task(network, X, y, optimizer),
                            arguments.steps * 3,
                            1,
                        )
                    times = alternate(tasks, arguments.repeats, arguments.clock)
                    label = (
                        f"step {name} {kind} {optimizer} {density} ({len(network.inputs)} inputs)"
                    )
                    show(label, times, baselines)


def torch_task(dense, X, y):
    """Return a function that takes the baseline's next step."""
    rows = (torch.from_numpy(rows) for rows in batches(len(X)))
    return lambda: dense.step(X, y, next(rows))


def sparse_task(network, X, y, optimizer):
    """Return a function that takes the sparse network's next step."""
    rows = batches(len(X))
    optimizer = SGD(lr=0.05) if optimizer == "sgd" else Adam()
    return lambda: network.step(X, y, optimizer, rows=next(rows))


def measure_predictions(arguments, X, y):
    """Measure the prediction of many rows, and of one."""
    sizes = NETWORKS["300-100"]
    X_many = np.ascontiguousarray(X[:10000])
    X_torch = torch.from_numpy(X_many)
    sklearn = MLPClassifier((300, 100), max_iter=1).fit(X[:500], y[:500])
    one = X[:1].copy()
    for density in arguments.densities:
        masks = make_masks(sizes, density, "uniform", None)
        dense = Dense(sizes, "sgd", masks)
        network = sparse(dense, masks, 1)
        block = best_block(dense, X_torch, arguments.threads)
        tasks = {
            f"torch-{arguments.threads}": (
                lambda dense=dense, block=block: dense.predict(X_torch, block),
                3,
                arguments.threads,
            ),
            "sparse": (lambda network=network: network.predict(X_many), 3, 1),
        }
        if arguments.cpu_time:
            del tasks["sparse"]
        tasks["sparse-1"] = (lambda network=network: network.predict(X_many, n_threads=1), 3, 1)
        label = f"predict 10,000 rows {density} (torch's block {block})"
        show(
            label,
            alternate(tasks, arguments.repeats, arguments.clock),
            [f"torch-{arguments.threads}"],
        )
        tasks = {
            "MLPClassifier": (lambda: sklearn.predict(one), 50, arguments.threads),
            "sparse": (lambda network=network: network.predict(one), 200, 1),
        }
        show(
            f"predict one row {density}",
            alternate(tasks, arguments.repeats, arguments.clock),
            ["MLPClassifier"],
        )


def best_block(dense, X, threads):
    """Find the number of rows at once with which torch predicts fastest."""
    torch.set_num_threads(threads)
    times = {}
    for block in (128, 256, 512, 1024, 2048) * 2:
        start = time.perf_counter()
        dense.predict(X, block)
        times[block] = min(time.perf_counter() - start, times.get(block, np.inf))
    return min(times, key=times.get)


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--densities", nargs="+", type=float, default=[0.5, 0.26, 0.1, 0.036, 0.01])
    parser.add_argument("--optimizers", nargs="+", default=["sgd", "adam"])
    parser.add_argument("--masks", nargs="*", default=["uniform", "magnitude"])
    parser.add_argument("--steps", type=int, default=30, help="torch's steps a repeat")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="torch's")
    parser.add_argument("--kernel-threads", type=int, default=1)
    parser.add_argument(
        "--cpu-time",
        action="store_true",
        help="one thread each, and processor time: what can be measured on a busy machine",
    )
    arguments = parser.parse_args()
    arguments.clock = time.perf_counter
    if arguments.cpu_time:
        arguments.threads = arguments.kernel_threads = 1
        arguments.clock = time.thread_time
    import numba

    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {sys.version.split()[0]}, torch {torch.__version__}, numba {numba.__version__}"
    )
    print("processor time" if arguments.cpu_time else "elapsed time")
    print("microseconds: median [least-greatest]; ratios of medians")
    X, y = data()
    measure_steps(arguments, X, y)
    measure_predictions(arguments, X, y)


if __name__ == "__main__":
    main()
