"""A stack of XOR networks beside training them one after another.

    python benchmarks/xor_stack.py [--help]

Both train networks of 2 inputs, 10 ReLU units and a logistic output with Adam on the four
examples, each on one thread of one core. The plain loop (torch modules, autograd,
`torch.optim.Adam`, whole data as one tensor) is timed on four networks for 500 steps, and
extrapolated: its steps cost the same however many networks come after. The stack's times include
taking tickets apart and putting them together.
"""

import numpy as np
import torch
from harness import OURS, Case, Claim, Contender, main

from skticket import Ticket
from skticket.datasets import make_xor
from skticket.engines import train_stack
from skticket.initialization import Normal
from skticket.network import draw_initial

PLAIN = "one after another"
PLAIN_NETWORKS, PLAIN_STEPS = 4, 500
# Networks in a stack, and steps: fewer where a step costs more.
STACKS = {10: 1000, 100: 1000, 1000: 1000, 10_000: 500}
# Steps of single networks that are one unit of the times.
UNIT_STEPS = 1000


def cases(settings):
    """Yield a case for each number of networks."""
    X, y = make_xor()
    stacks = settings.choose(STACKS, {10: 5})
    plain_steps = settings.choose(PLAIN_STEPS, 5)
    tickets = make_tickets(max(stacks))
    for n_networks, n_steps in stacks.items():
        contenders = [
            Contender(
                PLAIN,
                lambda: plain_loop(PLAIN_NETWORKS, plain_steps),
                work=PLAIN_NETWORKS * plain_steps / UNIT_STEPS,
                threads=1,
            ),
            Contender(
                OURS,
                lambda n=n_networks, steps=n_steps: train_stack(
                    tickets[:n], X, y, n_steps=steps, learning_rate=2e-3
                ),
                work=n_networks * n_steps / UNIT_STEPS,
                threads=1,
            ),
        ]
        yield Case(f"1,000 steps, {n_networks:,} networks", contenders, [Claim((PLAIN,))])


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
        tickets.append(Ticket.full(initial, [name for name in initial if "weight" in name]))
    return tickets


if __name__ == "__main__":
    main("xor_stack", cases, __doc__)
