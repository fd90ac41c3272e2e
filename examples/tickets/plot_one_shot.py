"""
Pruned at once, or round by round
=================================

``schedule="one-shot"`` prunes once, to the very counts that ``rounds`` prunings would reach. That
takes two trainings instead of many. What it costs shows where little is left.
"""

from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import pandas as pd

from skticket import WinningTicketClassifier
from skticket.datasets import make_mnist1d
from skticket.inspection import ConditionCurvesDisplay

curves, digits = make_mnist1d(random_state=0)
X, y, X_test, y_test = curves[:4000], digits[:4000], curves[4000:], digits[4000:]

# %%
# Two searches of each kind. One search round by round passes through all sizes; pruning at once
# needs a fit for each, which shares the full network by ``memory``.
folder = TemporaryDirectory()
rows = []
for seed in range(2):
    clf = WinningTicketClassifier(
        200, prune_rate=0.36, batch_size=100, alpha=0, memory=folder.name, random_state=seed
    )
    searches = {"iterative": [7], "one-shot": [1, 2, 3, 4, 5, 6, 7]}
    for schedule, all_rounds in searches.items():
        for rounds in all_rounds:
            clf.set_params(schedule=schedule, rounds=rounds).fit(X, y)
            for ticket, predicted in zip(clf.tickets_, clf.staged_predict(X_test)):
                row = {"condition": schedule, "trial": seed, "percent": 100 * ticket.density}
                rows.append(row | {"test accuracy": (predicted == y_test).mean()})
folder.cleanup()
results = pd.DataFrame(rows).drop_duplicates(["condition", "trial", "percent"])

# %%
display = ConditionCurvesDisplay.from_results(results, columns=["test accuracy"])
plt.show()
