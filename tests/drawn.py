"""Tickets that hypothesis draws."""

import numpy as np
from hypothesis import strategies as st

from skticket import Ticket

layer_sizes = st.lists(st.integers(1, 7), min_size=2, max_size=4)
seeds = st.integers(0, 2**31)


@st.composite
def tickets(draw, sizes=layer_sizes):
    """Tickets of all densities down to one weight; about half of them full of ties."""
    levels = draw(st.sampled_from([None, [0.5], [-1.0, 0.0, 1.0], [-2.0, -0.5, 0.5, 1.0, 2.0]]))
    rng = np.random.default_rng(draw(seeds))
    density = draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))
    sizes = draw(sizes)

    def values(shape):
        return rng.normal(size=shape) if levels is None else rng.choice(levels, shape)

    initial, weights, mask = {}, {}, {}
    for number, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False)):
        name = f"layers.{number}.weight"
        for arrays in (initial, weights):
            arrays[name] = values((n_out, n_in)).astype("float32")
            arrays[f"layers.{number}.bias"] = values(n_out).astype("float32")
        mask[name] = rng.uniform(size=(n_out, n_in)) < density
        mask[name].flat[rng.integers(mask[name].size)] = True
    return Ticket(initial, mask, weights)
