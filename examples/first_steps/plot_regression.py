"""
Numbers to predict
==================

Friedman's first problem has ten inputs, of which five say nothing about the target. The regressor
standardizes the target inside. As it is pruned, the network lets go of what says nothing.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_friedman1

from skticket import WinningTicketRegressor
from skticket.inspection import PALETTE, percent_axis

X, y = make_friedman1(3000, noise=1, random_state=0)
reg = WinningTicketRegressor((100, 50), rounds=14, random_state=0).fit(X[:2000], y[:2000])

# %%
# Left: R² on test rows of each round. Right: how many of the first layer's units each input still
# reaches. The first five make the target; the others are noise.
scores = [
    1 - np.mean((y[2000:] - predicted) ** 2) / np.var(y[2000:])
    for predicted in reg.staged_predict(X[2000:])
]
percents = 100 * reg.round_results_["density"]
name = next(iter(reg.ticket_.mask))
reached = np.array([ticket.mask[name].sum(axis=0) for ticket in reg.tickets_])

figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4), layout="constrained")
look = PALETTE["ticket"]
left.plot(percents, scores, marker=look.marker, color=look.color)
full = PALETTE["full network"]
left.plot(100, scores[0], full.marker, color=full.color, markersize=10, label="full network")
left.set_ylabel("R² on test rows")
left.legend(frameon=False)
percent_axis(left)

image = right.imshow(reached, aspect="auto", cmap="Blues", vmin=0, vmax=100)
right.set(xlabel="input", ylabel="round", xticks=range(10), title="units that each input reaches")
right.axvline(4.5, color="#D55E00", linestyle="--")
figure.colorbar(image, ax=right)
plt.show()
