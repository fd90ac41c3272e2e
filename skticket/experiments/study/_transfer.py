"""Whether a ticket of one data set learns another."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from ...network import Data
from ...search import control_ticket
from ...utils import Stream, derive_seed
from .._claims import higher, no_lower
from .._images import Images
from ._groups import plot_groups, row_of
from ._study import Study, tickets_at

_PERCENT = 16.8
_FULL, _NATIVE, _MOVED = "full network", "ticket", "transferred"
_CONTROLS = ("reinit", "shuffle")
# Of the noise that is added, in standard deviations of the inputs.
_NOISE = 0.5


def _pairs(images, seed):
    """Yield the name of each other data set, the images that a ticket is of, and the others."""
    data, rng = images.data, np.random.default_rng(derive_seed(seed, Stream.SPLIT))
    low, high, scale = data.X.min(), data.X.max(), _NOISE * data.X.std()
    order = rng.permutation(images.n_pixels)
    changes = {
        "inverted": lambda X: low + high - X,
        "noisy": lambda X: X + rng.normal(scale=scale, size=X.shape).astype(X.dtype),
        "permuted": lambda X: X[:, order],
    }
    for name, change in changes.items():
        yield name, images, replace(images, data=_changed(data, change))
    half = images.n_classes // 2
    few, others = (_of_classes(images, range(first, first + half)) for first in (0, half))
    yield "other classes", few, others


def _changed(data, change):
    parts = {
        name: np.ascontiguousarray(change(getattr(data, name)))
        for name in ("X", "X_valid", "X_test")
    }
    return replace(data, **parts)


def _of_classes(images, labels):
    """Return the images of some classes, whose labels are counted anew."""
    data, parts = images.data, {}
    for end in ("", "_valid", "_test"):
        X, y = getattr(data, f"X{end}"), getattr(data, f"y{end}")
        rows = np.isin(y, labels)
        parts |= {f"X{end}": X[rows], f"y{end}": y[rows] - labels[0]}
    return Images(Data(**parts, classification=True), len(labels), images.name)


def _measure(laboratory, trial):
    """Return a row a network of each other data set, with columns `target` and `network`."""
    rounds = laboratory.protocol.round_at(_PERCENT)
    rows = []
    for target, source_images, images in _pairs(laboratory.images, laboratory.seed):
        source = replace(laboratory, images=source_images).search_of(trial, rounds=rounds)
        search = replace(laboratory, images=images).search_of(trial, rounds=rounds)
        (_, ticket), (_, full), (_, native) = (
            *tickets_at(source, source_images.data, (rounds,)),
            *tickets_at(search, images.data, (0, rounds)),
        )
        moved = replace(search, ticket=ticket, rounds=0).first_ticket()
        found = {
            _FULL: search.train(full, images.data, 0),
            _NATIVE: search.train(native, images.data, rounds),
            _MOVED: search.train(moved, images.data, rounds),
        }
        for number, control in enumerate(_CONTROLS):
            seed = derive_seed(search.seed, Stream.CONTROL, number)
            options = {"full": source.first_ticket()}
            other = control_ticket(search, control, moved, rounds, seed, **options)
            found[control] = replace(search, seed=seed).train(other, images.data, rounds)
        rows += [row_of(one, target=target, network=name) for name, one in found.items()]
    return pd.DataFrame(rows)


def _claims(table):
    size = f"{table.loc[table['network'] == _MOVED, 'percent'].mean():.3g}%"
    claims = []
    for target in table["target"].unique():
        rows = table[table["target"] == target].set_index("trial")
        found = {name: rows[rows["network"] == name] for name in rows["network"].unique()}
        of = f"On {target} images, " if target != "other classes" else "On other classes, "
        claims += [
            higher(
                f"{of}transferred tickets of {size} end more accurate than reinitialized ones",
                found[_MOVED],
                found["reinit"],
            ),
            higher(
                f"{of}transferred tickets of {size} end more accurate than shuffled ones",
                found[_MOVED],
                found["shuffle"],
            ),
            no_lower(
                f"{of}transferred tickets of {size} end as accurate as native ones",
                found[_MOVED],
                found[_NATIVE],
            ),
        ]
    return claims


TRANSFER = Study(
    name="transfer",
    question="Does a ticket of one data set learn another?",
    paper="Morcos, Yu, Paganini and Tian, One Ticket to Win Them All: Generalizing Lottery Ticket "
    "Initializations across Datasets and Optimizers, NeurIPS 2019",
    measure=_measure,
    claims=_claims,
    pictures={"": partial(plot_groups, group="target", kind="network")},
    caption="Test accuracy at the lowest validation loss, on data made of the first: inverted "
    "images, noisy ones, those with permuted pixels, and the other half of the classes. The "
    "ticket is one of those data, the transferred one of the first. Means of the trials; bars from "
    "the least to the greatest.",
)
