"""When the mask is known, in the course of a training."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ...inspection import PALETTE, MaskDistanceDisplay, mask_distance
from ...search import masks_in_training
from .._claims import Claim, Interval, no_lower
from ._groups import row_of
from ._study import Study

_PERCENT = 16.8
_N_TIMES = 20
# Of those times, which masks are trained: drawn at initialization, after 5%, 10% and so on.
_TRAINED = (0, 1, 2, 4, 10, 20)
# Masks that differ at fewer of all places are the same mask to Early-Bird.
_SAME_MASK = 0.1


def _measure(laboratory, trial):
    """Return a row a pair of times at which masks were drawn.

    With columns `iteration`, `other`, `percent` (of weights remaining), `distance` (of the two
    masks) and, where both times are one and its ticket was trained, `test_score`; otherwise that
    is missing.
    """
    data = laboratory.images.data
    rounds = laboratory.protocol.round_at(_PERCENT)
    search = laboratory.search_of(trial, schedule="one-shot", rounds=rounds)
    iterations, drawn = masks_in_training(search, data, n_times=_N_TIMES)
    rows = [
        {
            "iteration": iteration,
            "other": other,
            "percent": 100 * ticket.density,
            "distance": mask_distance(ticket, drawn[j]),
            "test_score": np.nan,
        }
        for iteration, ticket in zip(iterations, drawn, strict=True)
        for j, other in enumerate(iterations)
    ]
    table = pd.DataFrame(rows)
    last = len(drawn) - 1
    for position in {round(n * last / _N_TIMES) for n in _TRAINED}:
        ticket = search.rewind_ticket(drawn[position], 1)
        score = row_of(search.train(ticket, data, 1))["test_score"]
        table.loc[position * len(drawn) + position, "test_score"] = score
    return table


def _drawn_at(table, share):
    """Return the iteration at which a mask was drawn and trained, after about such a share."""
    trained = table.dropna(subset="test_score")["iteration"].unique()
    return trained[np.abs(trained - share * trained.max()).argmin()]


def _scores(table, iteration):
    rows = table[(table["iteration"] == iteration) & (table["other"] == iteration)]
    return rows.set_index("trial")[["test_score"]]


def _claims(table):
    last = table["iteration"].max()
    size = f"{table['percent'].mean():.3g}%"
    claims = []
    for share in (0.1, 0.2):
        when = f"after {share:.0%} of the training"
        iteration = _drawn_at(table, share)
        rows = table[(table["iteration"] == iteration) & (table["other"] == last)]
        # Both masks have as many weights.
        differ = Interval.of(2 * rows["percent"] * rows["distance"])
        claims += [
            Claim(
                f"A mask of {size} drawn {when} differs from the last one at fewer than "
                f"{_SAME_MASK:.0%} of all places",
                differ.below(100 * _SAME_MASK),
                f"at {differ.text('{:.1f}', '%')}; of its weights the last mask lacks "
                f"{100 * rows['distance'].mean():.0f}%",
            ),
            no_lower(
                f"Tickets of {size} whose mask is drawn {when} end as accurate as those drawn "
                "at its end",
                _scores(table, iteration),
                _scores(table, last),
            ),
        ]
    return claims


def _plot_distances(table):
    return MaskDistanceDisplay.from_results(table).figure_


def _plot_scores(table):
    """Draw how accurate tickets end, against when their masks were drawn."""
    figure, ax = plt.subplots(figsize=(5.4, 3.4), layout="constrained")
    scores = table.dropna(subset="test_score").groupby("iteration")["test_score"]
    look, mean = PALETTE["ticket"], scores.mean()
    spread = np.abs(scores.agg(["min", "max"]).to_numpy().T - mean.to_numpy())
    ax.errorbar(mean.index, mean, spread, color=look.color, marker=look.marker, capsize=3)
    ax.set_xlabel("mask drawn at iteration")
    ax.set_ylabel("test accuracy of its ticket")
    ax.spines[["top", "right"]].set_visible(False)
    return figure


EARLY_MASK = Study(
    name="early-mask",
    question="When, in the course of a training, is the mask known?",
    paper="You et al., Drawing Early-Bird Tickets: Towards More Efficient Training of Deep "
    "Networks, ICLR 2020",
    measure=_measure,
    claims=_claims,
    pictures={"": _plot_distances, "-accuracy": _plot_scores},
    caption="How much masks differ that are drawn at any two times of the full network's training "
    "(the share of one's weights that the other lacks; means of the trials), and how accurate "
    "tickets of such masks end, trained from the initial weights (bars from the least to the "
    "greatest).",
)
