"""
When is the mask known?
=======================

A search trains the network to its end, and only then looks which weights are large. Which ones will
be is settled earlier. ``MaskDistanceDisplay`` trains the first round again, draws the mask at
several times on the way, and shows how much any two of them differ.
"""

import matplotlib.pyplot as plt

from skticket import WinningTicketClassifier
from skticket.datasets import make_mnist1d
from skticket.inspection import MaskDistanceDisplay

X, y = make_mnist1d(random_state=0)
clf = WinningTicketClassifier(
    (200, 100), rounds=6, prune_rate=0.26, max_epochs=30, alpha=0, random_state=0
).fit(X, y)

# %%
# Masks of the density that the search comes to in six rounds, about 17%. The last column tells how
# far each is from the last one.
display = MaskDistanceDisplay.from_estimator(clf, X, y)
for iteration, distance in list(zip(display.iterations, display.distances[:, -1]))[::6]:
    print(f"after {iteration:3d} steps, {distance:.0%} of the weights are others than in the end")

# %%
# Masks of the first round alone, which leave 74%, differ less: most weights are far from being
# pruned.
figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
MaskDistanceDisplay.from_estimator(clf, X, y, ax=axes[0], vmax=0.6)
MaskDistanceDisplay.from_estimator(clf, X, y, rate=0.26, ax=axes[1], vmax=0.6)
axes[0].set_title("all rounds at once")
axes[1].set_title("one round")
plt.show()
