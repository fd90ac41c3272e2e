"""The file of a ticket beside that of the full network.

    python benchmarks/files.py [--help]

784-300-100-10 at density 0.036. A ticket's file holds masks, initial and current values; beside it
are the full network's own ticket file and a safetensors file of its current weights alone, written
as torch's users would.
"""

import tempfile
from pathlib import Path

from baselines import sequential
from harness import OURS, Case, Claim, Contender, main, mnist
from prediction import find
from safetensors.torch import save_file

FULL, STATE = "full network's ticket", "weights alone, safetensors"
ROUNDS = 15
# At most 12% of the dense file.
WANTED = 1 / 0.12


def cases(settings):
    """Yield the one case."""
    X, _, y, _ = mnist(settings)
    clf = find(X[:2000], y[:2000], ROUNDS)
    full = clf.tickets_[0]
    contenders = [
        Contender(OURS, lambda: size_of(clf.ticket_.save)),
        Contender(FULL, lambda: size_of(full.save)),
        Contender(STATE, lambda: size_of(lambda path: save_file(_state(full), path))),
    ]
    claims = [Claim((FULL,), WANTED), Claim((STATE,), WANTED)]
    yield Case(f"density {clf.density_:.3f}", contenders, claims, unit="kB", warm_up=0)


def size_of(save):
    """Return how many kB `save` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.safetensors")
        save(path)
        return path.stat().st_size / 1000


def _state(ticket):
    layers = [(ticket.weights[weight], ticket.weights[bias]) for weight, bias in ticket.layers]
    return sequential(*zip(*layers)).state_dict()


if __name__ == "__main__":
    main("files", cases, __doc__)
