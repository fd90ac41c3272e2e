"""
A ticket in one line
====================

MNIST-1D is ten digits as curves of 40 points: small, made in a second, and hard enough that a
network's initial weights matter. One line trains a network of 500 units, and twelve times prunes a
fifth of it.
"""

# %%
# The data: five curves of each digit.
import matplotlib.pyplot as plt

from skticket import WinningTicketClassifier
from skticket.datasets import make_mnist1d
from skticket.inspection import TicketCurveDisplay

curves, digits = make_mnist1d(random_state=0)
X, y, X_test, y_test = curves[:4000], digits[:4000], curves[4000:], digits[4000:]

figure, axes = plt.subplots(2, 5, figsize=(9, 3), sharex=True, sharey=True, layout="constrained")
for digit, ax in enumerate(axes.flat):
    ax.plot(X[y == digit][:5].T, color="#0072B2", alpha=0.5, linewidth=1)
    ax.set_title(digit)
    ax.set_axis_off()

# %%
# The line. What it gives is an estimator like any other; its display tells what was found.
clf = WinningTicketClassifier(500, rounds=12, batch_size=100, alpha=0, random_state=0).fit(X, y)
clf

# %%
# Each round's accuracy on test rows, and how many iterations it took to match the full network
# (the black star). Filled points are winning tickets: they learn faster than the full
# network, by more than chance explains, and end as accurate.
display = TicketCurveDisplay.from_estimator(clf, X_test, y_test)
plt.show()

# sphinx_gallery_thumbnail_number = 2
