"""
Pruning before training
=======================

SNIP, GraSP and SynFlow score the initial weights, and so need no trained network. A ticket is
found by training. Here all of them keep the same number of weights, layer by layer, of the same
initial network; random masks stand beside them.
"""

from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np

from skticket import WinningTicketClassifier
from skticket.datasets import make_mnist1d
from skticket.inspection import PALETTE
from skticket.pruning import GraSP, Magnitude, Random, Snip, SynFlow

curves, digits = make_mnist1d(random_state=0)
X, y, X_test, y_test = curves[:4000], digits[:4000], curves[4000:], digits[4000:]

layers = {"scope": "layer", "output_rate": 0.5}
searches = {
    "magnitude, round by round": ("iterative", Magnitude()),
    "magnitude, at once": ("one-shot", Magnitude()),
    "SNIP": ("one-shot", Snip(**layers)),
    "GraSP": ("one-shot", GraSP(**layers)),
    "SynFlow": ("one-shot", SynFlow(**layers)),
    "random masks": ("one-shot", Random()),
}
folder = TemporaryDirectory()
scores = {}
for name, (schedule, strategy) in searches.items():
    scores[name], full = [], []
    for seed in range(3):
        clf = WinningTicketClassifier(
            100, prune_rate=0.36, rounds=4, schedule=schedule, strategy=strategy, batch_size=100,
            alpha=0, memory=folder.name, random_state=seed,
        ).fit(X, y)  # fmt: skip
        scores[name].append(clf.score(X_test, y_test))
        full.append(next(clf.staged_predict(X_test)) == y_test)
folder.cleanup()

# %%
# The points are three networks each, of other initial weights; the line through them is their
# mean.
figure, ax = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
for place, values in enumerate(scores.values()):
    color = PALETTE["ticket" if place == 0 else "control"].color
    ax.plot(values, [place] * 3, "o", color=color)
    ax.plot(np.mean(values), place, "|", color=color, markersize=22)
ax.axvline(np.mean(full), color="black", linestyle="--")
ax.text(np.mean(full), 3.5, "full networks, mean ", ha="right", va="center")
ax.set_yticks(range(len(scores)), scores)
ax.set(xlabel=f"test accuracy at {clf.density_:.0%} of the weights")
ax.invert_yaxis()
plt.show()
