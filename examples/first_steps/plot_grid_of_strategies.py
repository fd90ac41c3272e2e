"""
A grid over strategies, in a Pipeline
=====================================

Which weights should go, and how many? A grid search answers as it does for any estimator. With
``memory``, each network is trained once, however many candidates share it; the rule for ``refit``
takes the smallest ticket within one standard error of the best score.
"""

from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skticket import WinningTicketClassifier
from skticket.datasets import load_digits
from skticket.inspection import looks_of, percent_axis
from skticket.model_selection import smallest_within_one_standard_error, ticket_scoring

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

folder = TemporaryDirectory()
ticket = WinningTicketClassifier((60, 30), prune_rate=0.3, memory=folder.name, random_state=0)
grid = {
    "ticket__strategy": ["magnitude", "movement", "random"],
    "ticket__rounds": [1, 3, 5],
}
search = GridSearchCV(
    Pipeline([("scale", StandardScaler()), ("ticket", ticket)]),
    grid,
    cv=5,
    scoring=ticket_scoring("accuracy"),
    refit=smallest_within_one_standard_error,
).fit(X_train, y_train)
folder.cleanup()
search

# %%
# All candidates, with one standard error of five folds either way. The ring is the one that was
# chosen.
results = pd.DataFrame(search.cv_results_)
results["percent"] = -100 * results["mean_test_density"]
folds = [f"split{fold}_test_accuracy" for fold in range(5)]
results["error"] = results[folds].sem(axis=1)

figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
looks = looks_of(grid["ticket__strategy"])
for strategy, rows in results.groupby("param_ticket__strategy"):
    look = {"color": looks[strategy].color, "marker": looks[strategy].marker}
    ax.errorbar(
        rows["percent"],
        rows["mean_test_accuracy"],
        rows["error"],
        capsize=3,
        label=strategy,
        **look,
    )
chosen = results.loc[search.best_index_]
ring = {"markersize": 16, "markerfacecolor": "none", "color": "0.2", "label": "chosen"}
ax.plot(chosen["percent"], chosen["mean_test_accuracy"], "o", linestyle="", **ring)
ax.set_ylabel("accuracy (5 folds)")
percent_axis(ax)
ax.legend(frameon=False)
plt.show()

# %%
# What it does on rows that no search has seen, and how much of the network is left.
best = search.best_estimator_
print(f"test accuracy {best.score(X_test, y_test):.3f}, {best['ticket'].ticket_}")
