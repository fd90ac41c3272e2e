"""
Exclusive or: what two units can do
===================================

Two hidden units are enough for exclusive or. Trained from the start, a network of two units fails
half of the time (see :doc:`/xor`); one of ten units hardly ever does. Pruned to two, two units at
a time, it keeps the two that were lucky.
"""

import matplotlib.pyplot as plt
import numpy as np

from skticket import WinningTicketClassifier
from skticket.datasets import make_xor
from skticket.initialization import Normal
from skticket.inspection import ONE, ZERO

X, y = make_xor()
clf = WinningTicketClassifier(
    10,
    strategy="unit_product",
    prune_rate=2,
    rounds=4,
    init=Normal(std=0.1),
    learning_rate=0.01,
    alpha=0,
    batch_size=4,
    validation_fraction=0,
    max_epochs=2000,
    evaluate_every=500,
    n_iter_no_change=None,
    random_state=2,
).fit(X, y)

# %%
# What each round's network says of the plane. Dashed lines are where a hidden unit begins to be
# active.
span = np.linspace(-0.5, 1.5, 200)
plane = np.stack(np.meshgrid(span, span), axis=-1).reshape(-1, 2)

figure, axes = plt.subplots(1, 5, figsize=(10, 2.6), sharey=True, layout="constrained")
for ax, ticket, said in zip(axes, clf.tickets_, clf.staged_predict(plane)):
    ax.contourf(span, span, said.reshape(200, 200), levels=[-0.5, 0.5, 1.5], colors=[ZERO, ONE])
    ax.scatter(*X.T, c=[[ZERO, ONE][label] for label in y], edgecolor="black", s=60, zorder=3)
    first = ticket.layers[0]
    alive = ticket.mask[first.weight].any(axis=1)
    for (a, b), c in zip(ticket.weights[first.weight][alive], ticket.weights[first.bias][alive]):
        ax.contour(
            span,
            span,
            (plane @ [a, b] + c).reshape(200, 200),
            levels=[0],
            colors="0.4",
            linestyles="--",
            linewidths=0.8,
        )
    ax.set(title=f"{alive.sum()} units", xticks=[0, 1], yticks=[0, 1], aspect="equal")
plt.show()
