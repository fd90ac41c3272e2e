"""
A ticket for new data
=====================

A ticket is worth keeping: ``ticket=`` starts from its masks and its initial weights instead of a
fresh network. Found once, on many rows, it is trained on the rows of a later day, in one training
and without a search. Are its structure and its initial weights of use there?
"""

import matplotlib.pyplot as plt
import pandas as pd

from skticket import Ticket, WinningTicketClassifier
from skticket.datasets import make_mnist1d
from skticket.inspection import looks_of

# %%
# The ticket is found on 4,000 rows.
settings = {"batch_size": 100, "alpha": 0, "max_epochs": 150}
X, y = make_mnist1d(random_state=0)
found = WinningTicketClassifier(200, prune_rate=0.36, rounds=4, random_state=0, **settings)
found.fit(X[:4000], y[:4000]).ticket_

# %%
# The new rows are others, made from another seed. Three networks learn from as many of them as
# there are: the ticket; a fresh full network; and the ticket's structure with that network's
# initial weights.
X, y = make_mnist1d(random_state=1)
X_test, y_test = X[3000:], y[3000:]
rows = []
for trial in range(3):
    for n_rows in [300, 1000, 3000]:
        new = X[:n_rows], y[:n_rows]
        full = WinningTicketClassifier(200, rounds=0, random_state=trial, **settings).fit(*new)
        starts = {
            "ticket": found.ticket_,
            "reinit": Ticket(full.ticket_.initial, found.ticket_.mask),
        }
        scores = {"full network": full.score(X_test, y_test)}
        for name, ticket in starts.items():
            clf = WinningTicketClassifier(ticket=ticket, rounds=0, random_state=trial, **settings)
            scores[name] = clf.fit(*new).score(X_test, y_test)
        rows += [{"n_rows": n_rows, "network": name, "score": s} for name, s in scores.items()]
results = pd.DataFrame(rows)

# %%
# Means of three trials, and their range.
figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
looks = looks_of(results["network"].unique())
for name, group in results.groupby("network"):
    scores = group.groupby("n_rows")["score"]
    mean = scores.mean()
    bars = [mean - scores.min(), scores.max() - mean]
    look = {"color": looks[name].color, "marker": looks[name].marker}
    ax.errorbar(mean.index, mean, bars, capsize=3, label=name, **look)
ax.set(xscale="log", xlabel="new rows to learn from", ylabel="test accuracy")
ax.set_xticks([300, 1000, 3000], ["300", "1,000", "3,000"])
ax.set_xticks([], minor=True)
ax.legend(frameon=False)
plt.show()
