"""
A ticket against its controls
=============================

Is it the ticket's structure that makes it good, or its initial weights? Controls keep one and lose
the other: *reinit* has the ticket's connections and fresh random weights, *rearrange* its initial
weights at random places of the same layer. They are trained as the ticket was.
"""

import matplotlib.pyplot as plt

from skticket import WinningTicketClassifier
from skticket.datasets import make_mnist1d
from skticket.inspection import TicketCurveDisplay
from skticket.model_selection import fit_controls

curves, digits = make_mnist1d(random_state=0)
X, y, X_test, y_test = curves[:4000], digits[:4000], curves[4000:], digits[4000:]
clf = WinningTicketClassifier(300, rounds=9, batch_size=100, alpha=0, random_state=0).fit(X, y)

controls = {
    kind: fit_controls(clf, X, y, control=kind, n_controls=5) for kind in ("reinit", "rearrange")
}

# %%
# At the same number of weights, the controls end below the ticket, and learn slower (triangles:
# they never matched the full network). The learned structure alone is not enough, nor are its
# initial weights in other places.
display = TicketCurveDisplay.from_estimator(clf, X_test, y_test, fitted_controls=controls)
plt.show()

# %%
# Would any of them be called winning?
for kind, fitted in controls.items():
    print(f"{kind}: {sum(control.is_winning_ for control in fitted)} of {len(fitted)}")
