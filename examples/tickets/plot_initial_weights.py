"""
Survivors started away from zero
================================

A weight that will be large after training is, more often than not, one that started large and on
the right side. So the initial weights that survive are not what was drawn: the middle is missing.
"""

import matplotlib.pyplot as plt
import numpy as np

from skticket import WinningTicketClassifier
from skticket.datasets import make_mnist1d
from skticket.inspection import PALETTE, InitialWeightsDisplay

X, y = make_mnist1d(random_state=0)
clf = WinningTicketClassifier(
    (200, 100), rounds=6, prune_rate=0.26, batch_size=100, alpha=0, random_state=0
).fit(X, y)

# %%
# Layer by layer, the distribution of initial weights that are left at four sizes.
display = InitialWeightsDisplay.from_estimator(clf, rounds=[0, 2, 4, 6])

# %%
# Every weight of the first layer: where it started and where the full network's training took it.
# Those of the last ticket are blue; they were chosen by what became of them, in six trainings.
full, last = clf.tickets_[0], clf.tickets_[6]
name = full.layers[0].weight
started, ended, survives = full.initial[name], full.weights[name], last.mask[name]

figure, ax = plt.subplots(figsize=(5.5, 5), layout="constrained")
for chosen, color, label in [
    (~survives, "0.75", "pruned"),
    (survives, PALETTE["ticket"].color, f"ticket of {last.density:.0%}"),
]:
    ax.scatter(started[chosen], ended[chosen], s=4, color=color, label=label, linewidth=0)
span = np.array([started.min(), started.max()])
ax.plot(span, span, color="0.3", linewidth=0.8, linestyle="--", label="unchanged")
ax.set(xlabel="initial weight", ylabel="weight after the full network's training")
ax.legend(frameon=False, markerscale=3)
plt.show()
