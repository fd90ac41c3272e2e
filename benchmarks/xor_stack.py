"""Compare a stack of XOR networks with training them one after another.

    python benchmarks/xor_stack.py [--repeats 5] [--output benchmarks/results] [--tables]

Both train networks of 2 inputs, 10 ReLU units and a logistic output with Adam on the four
examples, each on one thread of one core. The plain loop (torch modules, autograd,
`torch.optim.Adam`, whole data as one tensor) is timed on a few networks for some hundred steps,
and extrapolated: its steps cost the same however many networks come after. The stack's times
include taking tickets apart and putting them together. The two alternate, so that changes in the
machine's speed meet both.
"""

import argparse
import os
import platform
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from skticket import Ticket
from skticket.datasets import make_xor
from skticket.experiments import xor
from skticket.files import replacing
from skticket.initialization import Normal
from skticket.network import draw_initial
from skticket.stacked import train_stack

PLAIN_NETWORKS, PLAIN_STEPS = 4, 500
# Networks in a stack, and steps: fewer where a step costs more.
STACKS = {10: 1000, 100: 1000, 1000: 1000, 10_000: 500}


def plain_loop(n_networks, n_steps):
    """Train one network after another, as one would in a notebook."""
    X, y = (torch.as_tensor(array, dtype=torch.float32) for array in make_xor())
    y = y[:, None]
    loss = torch.nn.BCEWithLogitsLoss()
    for _ in range(n_networks):
        network = torch.nn.Sequential(
            torch.nn.Linear(2, 10), torch.nn.ReLU(), torch.nn.Linear(10, 1)
        )
        optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
        for _ in range(n_steps):
            optimizer.zero_grad()
            loss(network(X), y).backward()
            optimizer.step()


def make_tickets(n_networks):
    """Return new networks."""
    random_state = np.random.RandomState(0)
    tickets = []
    for _ in range(n_networks):
        initial = draw_initial((10,), 2, 1, Normal(std=0.1), random_state)
        masks = {name: np.ones(initial[name].shape, bool) for name in initial if "weight" in name}
        tickets.append(Ticket(initial, masks))
    return tickets


def throughput(function, n_networks, n_steps):
    """Thousands of steps of single networks a second."""
    start = time.perf_counter()
    function(n_networks, n_steps)
    return n_networks * n_steps / (time.perf_counter() - start) / 1000


def measure(repeats):
    """Return a row for each method, number of networks and repeat."""
    X, y = make_xor()
    tickets = make_tickets(max(STACKS))

    def stack(n_networks, n_steps):
        train_stack(tickets[:n_networks], X, y, n_steps=n_steps, learning_rate=2e-3)

    plain_loop(1, 10)
    stack(10, 10)
    rows = []
    for repeat in range(repeats):
        plain = throughput(plain_loop, PLAIN_NETWORKS, PLAIN_STEPS)
        rows.append({"repeat": repeat, "method": "plain loop", "networks": 1, "throughput": plain})
        for n_networks, n_steps in STACKS.items():
            speed = throughput(stack, n_networks, n_steps)
            rows.append(
                {
                    "repeat": repeat,
                    "method": "stack",
                    "networks": n_networks,
                    "throughput": speed,
                    "speedup": speed / plain,
                }
            )
            print(
                f"repeat {repeat}, {n_networks:>6} networks: {speed:8.1f} thousand steps a second, "
                f"{speed / plain:6.0f} times the plain loop's {plain:.2f}",
                flush=True,
            )
    return pd.DataFrame(rows)


def summarize(frame):
    """Return medians, and the ends of the range, over the repeats."""
    table = frame.groupby(["method", "networks"])[["throughput", "speedup"]]
    table = table.agg(["median", "min", "max"]).reset_index()
    table.columns = ["_".join(part for part in column if part) for column in table.columns]
    return table


def machine():
    """Say what this runs on."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    names = [line for line in lines if "model name" in line]
    name = names[0].split(":")[1].strip() if names else platform.machine()
    return (
        f"{name}, {os.cpu_count()} cores; "
        f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"NumPy {np.__version__}; load average at the start {load()}"
    )


def load():
    """Return how many processes wanted a core in the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def time_tables():
    """Seconds that both tables take on two cores."""
    start = time.perf_counter()
    conditions = xor.direct_conditions(xor.UNITS) + xor.pruned_conditions(
        xor.UNITS, list(xor.STRATEGIES)
    )
    xor.measure(conditions, jobs=2)
    return time.perf_counter() - start


def markdown(table, about, seconds):
    """Return the report."""
    lines = [
        "# A stack of XOR networks against one network after another",
        "",
        about,
        "",
        f"Plain loop extrapolated from {PLAIN_NETWORKS} networks of {PLAIN_STEPS} steps. "
        "Each on one core; thousands of steps of single networks a second, median (least to most).",
        "",
        "| method | networks | throughput | times the plain loop |",
        "| --- | ---: | ---: | ---: |",
    ]
    for row in table.to_dict("records"):
        speedup = "1"
        if row["method"] == "stack":
            speedup = (
                f"{row['speedup_median']:.0f} "
                f"({row['speedup_min']:.0f} to {row['speedup_max']:.0f})"
            )
        lines.append(
            f"| {row['method']} | {row['networks']:,} | {row['throughput_median']:,.1f} "
            f"({row['throughput_min']:,.1f} to {row['throughput_max']:,.1f}) | {speedup} |"
        )
    if seconds is not None:
        lines += ["", f"Both tables of the experiment, with `--jobs 2`: {seconds:.0f} s."]
    return "\n".join(lines) + "\n"


def plot(table):
    """Draw throughput against networks in the stack."""
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    ax = figure.subplots()
    stack = table[table["method"] == "stack"]
    plain = table[table["method"] == "plain loop"].iloc[0]
    median = stack["throughput_median"]
    ax.errorbar(
        stack["networks"],
        median,
        yerr=[median - stack["throughput_min"], stack["throughput_max"] - median],
        color="#0072B2",
        marker="o",
        capsize=3,
        label="stack",
    )
    ax.axhline(plain["throughput_median"], color="#D55E00", linestyle="--")
    ax.text(10, plain["throughput_median"] * 1.15, "one after another", color="#D55E00")
    for networks, value, speedup in zip(stack["networks"], median, stack["speedup_median"]):
        ax.annotate(
            f"{speedup:.0f}×", (networks, value), xytext=(8, -12), textcoords="offset points"
        )
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="networks in the stack",
        ylabel="thousand steps of single networks a second",
        title="Training XOR networks on one core",
    )
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    return figure


def main():
    """Run the comparison and write its results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--tables", action="store_true", help="time both tables, too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    about = machine()
    print(about)
    frame = measure(options.repeats)
    table = summarize(frame)
    text = markdown(table, about, time_tables() if options.tables else None)
    print(text)
    with replacing(options.output / "xor_stack.csv") as temporary:
        frame.round(3).to_csv(temporary, index=False)
    with replacing(options.output / "xor_stack.md") as temporary:
        temporary.write_text(text)
    with replacing(options.output / "xor_stack.png") as temporary:
        plot(table).savefig(temporary, dpi=110)


if __name__ == "__main__":
    main()
