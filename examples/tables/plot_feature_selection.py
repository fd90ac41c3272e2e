"""
Features that a ticket needs
============================

Thirty measurements of tumours, and sixty columns of noise beside them. A feature is needed as long
as a path of surviving weights leads from it to an output: the smaller the ticket, the fewer.
``TicketSelector`` keeps those, as a selector like any of scikit-learn's, for whatever model comes
next.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skticket import TicketSelector, WinningTicketClassifier
from skticket.inspection import PALETTE, percent_axis
from skticket.ticket import reaching_units

X, y = load_breast_cancer(return_X_y=True)
noise = np.random.default_rng(0).normal(size=(len(X), 60))
X = StandardScaler().fit_transform(np.hstack([X, noise]))
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

# %%
# One search; of each round's ticket, the features that reach an output.
clf = WinningTicketClassifier((20, 5), prune_rate=0.25, rounds=16, random_state=0)
clf.fit(X_train, y_train)
needed = np.array([reaching_units(list(ticket.mask.values()))[0] for ticket in clf.tickets_])
percents = 100 * clf.round_results_["density"]

figure, (above, below) = plt.subplots(2, 1, figsize=(8, 6), layout="constrained")
above.imshow(needed, aspect="auto", cmap="Blues", vmax=1.3, interpolation="none")
above.axvline(29.5, color="#D55E00")
above.set(
    xlabel="feature: measurements, and noise from 30 on", ylabel="round", yticks=range(0, 17, 4)
)
ticket, random = PALETTE["ticket"], PALETTE["random"]
below.plot(
    percents,
    needed[:, :30].mean(axis=1),
    marker=ticket.marker,
    color=ticket.color,
    label="measurements",
)
below.plot(
    percents, needed[:, 30:].mean(axis=1), marker=random.marker, color=random.color, label="noise"
)
below.set_ylabel("share that is needed")
below.legend(frameon=False)
percent_axis(below)
plt.show()

# %%
# The last ticket's features, for a linear model.
selector = TicketSelector(clf, prefit=True)
model = make_pipeline(selector, LogisticRegression()).fit(X_train, y_train)
names = model[:-1].get_feature_names_out(
    [f"measurement {i}" if i < 30 else f"noise {i}" for i in range(90)]
)
print(f"{len(names)} features: {', '.join(names)}")
print(f"logistic regression on these: {model.score(X_test, y_test):.3f}")
everything = LogisticRegression().fit(X_train, y_train)
print(f"on all: {everything.score(X_test, y_test):.3f}")
