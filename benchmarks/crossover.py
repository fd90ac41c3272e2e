"""Measure at which density the sparse layout's training step becomes the faster one.

    python benchmarks/crossover.py [--help]

Both layouts train the same random masks through `skticket.training.train`, in turns, and
the table says how much longer each took than the better of the two, and which one
`layout="auto"` takes. That rule's figures come from here. With `--filled` below 1 the rows are a
sparse matrix.
"""

import argparse
import itertools
import time

import numpy as np
from baselines import initial_arrays, uniform_masks
from networks import make_net, make_ticket
from scipy import sparse

from skticket.network import Data
from skticket.training import train

DENSITIES = [1.0, 0.8, 0.64, 0.5, 0.41, 0.33, 0.26, 0.21, 0.1, 0.036, 0.01]


def make_data(n_inputs, filled, n_rows=20_000):
    """Return random rows: what they hold does not matter to the time, but how much."""
    random_state = np.random.RandomState(0)
    y = random_state.randint(10, size=n_rows)
    if filled < 1:
        X = sparse.random_array((n_rows, n_inputs), density=filled, format="csr", dtype=np.float32)
    else:
        X = random_state.random_sample((n_rows, n_inputs)).astype(np.float32)
    return Data(X, y, X[:100], y[:100], True)


def measure(ticket, data, net, arguments):
    """Return each layout's milliseconds a step, a row a repeat."""
    clock = time.process_time if arguments.cpu_time else time.perf_counter
    n_steps = max(10, round(arguments.steps * 235_000 / sum(m.size for m in ticket.mask.values())))
    options = {"evaluate_every": n_steps, "n_threads": 1 if arguments.cpu_time else None}
    times = {"dense": [], "sparse": []}
    for repeat, layout in itertools.product(range(arguments.repeats + 1), times):
        start = clock()
        train(net, ticket, data, n_steps=n_steps, layout=layout, **options)
        if repeat:
            times[layout].append((clock() - start) / n_steps * 1e3)
    return times


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=["300-100", "1000-1000"])
    parser.add_argument("--inputs", type=int, default=784)
    parser.add_argument("--filled", type=float, default=1, help="share of the inputs not 0")
    parser.add_argument("--densities", nargs="+", type=float, default=DENSITIES)
    parser.add_argument("--optimizers", nargs="+", default=["sgd", "adam"])
    parser.add_argument("--batches", nargs="+", type=int, default=[60, 128])
    parser.add_argument("--steps", type=int, default=300, help="of the smaller network, a repeat")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--cpu-time", action="store_true", help="one thread, processor time: for a busy machine"
    )
    arguments = parser.parse_args()
    data = make_data(arguments.inputs, arguments.filled)
    print("milliseconds a step: median [least-greatest]; * what layout='auto' takes")
    conditions = itertools.product(arguments.networks, arguments.optimizers, arguments.batches)
    for network, optimizer, batch in conditions:
        sizes = (arguments.inputs, *(int(size) for size in network.split("-")), 10)
        net = make_net(sizes, optimizer, 1e-4, batch)
        for density in arguments.densities:
            ticket = make_ticket(initial_arrays(sizes), uniform_masks(sizes, density))
            times = measure(ticket, data, net, arguments)
            # As a step of a long training.
            chosen = train(net, ticket, data, n_steps=1, evaluate_every=1, share=1e-6).engine
            medians = {layout: np.median(values) for layout, values in times.items()}
            cells = [
                f"{layout}{'*' if layout == chosen else ' '} {medians[layout]:6.2f} "
                f"[{min(values):.2f}-{max(values):.2f}]"
                for layout, values in times.items()
            ]
            loss = medians[chosen] / min(medians.values()) - 1
            print(
                f"{network} {optimizer} batch {batch} density {density}:",
                *cells,
                f"auto loses {100 * loss:.0f}%",
                sep="  ",
                flush=True,
            )


if __name__ == "__main__":
    main()
