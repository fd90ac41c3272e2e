"""
What a budget saves
===================

Most rounds of a search only find the next ticket. With ``round_budget=b`` such a round takes the
share min(1, b / density) of the steps, so that it costs about b of a full training; the full
network and the round that predicts are always trained in full.
"""

import matplotlib.pyplot as plt
import numpy as np

from skticket import WinningTicketClassifier
from skticket.datasets import make_mnist1d

curves, digits = make_mnist1d(random_state=0)
X, y, X_test, y_test = curves[:4000], digits[:4000], curves[4000:], digits[4000:]

costs, scores = {}, {}
for budget in [1, 1 / 3, 1 / 6]:
    clf = WinningTicketClassifier(
        200,
        rounds=11,
        round_budget=budget,
        batch_size=100,
        alpha=0,
        n_iter_no_change=None,
        random_state=0,
    ).fit(X, y)
    results = clf.round_results_
    # In trainings of the full network, where a step costs what its density is.
    costs[budget] = results["n_steps"] * results["density"] / results["n_steps"][0]
    scores[budget] = clf.score(X_test, y_test)

# %%
# Each block is a round, the full network's first and the round that predicts last. The accuracy is
# that of the last ticket, on 1,000 test rows; its standard error is 1.6 points.
figure, ax = plt.subplots(figsize=(9, 2.8), layout="constrained")
colors = plt.cm.Blues(np.linspace(0.85, 0.25, 12))
for place, (budget, cost) in enumerate(costs.items()):
    starts = np.cumsum(cost) - cost
    ax.barh(place, cost, left=starts, color=colors, edgecolor="white")
    text = f"  {cost.sum():.1f} trainings, accuracy {scores[budget]:.3f}"
    ax.text(cost.sum(), place, text, va="center")
ax.set_yticks(range(3), ["1", "1/3", "1/6"])
ax.set(xlabel="cost, in trainings of the full network", ylabel="round_budget", xlim=(0, 7.5))
ax.invert_yaxis()
ax.spines[["top", "right"]].set_visible(False)
plt.show()
