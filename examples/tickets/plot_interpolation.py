"""
The line between two networks
=============================

Are two trained networks in one valley of the loss? Walk on the straight line from the weights of
one to those of the other: if the loss stays low all the way they are; a hump is a barrier between
two valleys.
"""

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.base import clone

from skticket import Rewind, WinningTicketClassifier
from skticket.datasets import make_mnist1d
from skticket.inspection import InterpolationDisplay, error_barrier, line_between

curves, digits = make_mnist1d(random_state=0)
X, y, X_test, y_test = curves[:4000], digits[:4000], curves[4000:], digits[4000:]
clf = WinningTicketClassifier(200, rounds=8, batch_size=100, alpha=0, random_state=0).fit(X, y)

# %%
# Rounds of a search, the next round and one three rounds on. Each was rewound and trained anew, and
# yet the loss on the way is nowhere higher than at the ends: they lie in one valley. The error, on
# 1,000 curves, wavers by a percent or two.
display = InterpolationDisplay.from_estimator(clf, X_test, y_test, rounds=[0, 1, 4, 5, 8])

# %%
# Now two trainings from the same weights that take other rows for validation and the batches in
# another order: of the full network, of its ticket, and of the ticket's structure with fresh
# weights. Only the last, which is no winning ticket, ends in two valleys.
full, ticket = clf.tickets_[0], clf.tickets_[8]
fresh = Rewind("reinit", random_state=0).transform(ticket)
lines = []
for name, start in {"full network": full, "ticket": ticket, "reinit": fresh}.items():
    again = WinningTicketClassifier(ticket=start, rounds=0, batch_size=100, alpha=0, max_epochs=60)
    first, second = (clone(again).set_params(random_state=seed).fit(X, y) for seed in (1, 2))
    lines.append(line_between(first, second, X_test, y_test).assign(condition=name))
    barrier = error_barrier(first, second, X_test, y_test, of="loss")
    print(f"{name}: the loss rises by {barrier:.3f}")
InterpolationDisplay.from_results(pd.concat(lines))
plt.show()
