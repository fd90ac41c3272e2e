"""
Is it a ticket? A p-value
=========================

``ticket_test_score`` is for tickets what scikit-learn's ``permutation_test_score`` is for labels:
it scores a ticket on held-out rows, trains controls as the ticket was trained, and says how many
do as well.
"""

from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt

from skticket import WinningTicketClassifier
from skticket.datasets import make_mnist1d
from skticket.inspection import TicketTestDisplay
from skticket.model_selection import ticket_test_score

X, y = make_mnist1d(random_state=0)
X, y = X[:3000], y[:3000]
folder = TemporaryDirectory()
clf = WinningTicketClassifier(
    100, prune_rate=0.36, rounds=4, batch_size=100, alpha=0, memory=folder.name, random_state=0
)

# %%
# Controls of two kinds: the ticket's structure with fresh random weights, and its connections with
# their initial weights, rearranged. With 19 controls the p-value is at least 1/20, which it is
# where no control does as well.
figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), sharex=True, layout="constrained")
for ax, control in zip(axes, ["reinit", "rearrange"]):
    test = ticket_test_score(clf, X, y, control=control, n_controls=19, random_state=0)
    TicketTestDisplay.from_results(test, score_name="accuracy", ax=ax)
folder.cleanup()
plt.show()
