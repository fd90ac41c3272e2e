"""
How fast a ticket predicts
==========================

Masks alone make no network faster. skticket stores what survives, and multiplies that alone; an
estimator predicts in the faster form by itself, and ``densify`` and ``sparsify`` choose one. Where
does it pay? Here with 784 inputs and layers of 300 and 100 units, on one thread, all checks of an
estimator included.
"""

from time import process_time

import matplotlib.pyplot as plt
from sklearn.datasets import make_classification

from skticket import WinningTicketClassifier

# %%
# For its speed it does not matter what a network has learned: 500 rows are enough. Each ticket has
# 60% of the weights of the one before.
X, y = make_classification(3000, 784, n_informative=60, n_classes=4, random_state=0)
X = X.astype("float32")
few = slice(500)
found = WinningTicketClassifier(
    (300, 100), prune_rate=0.4, rounds=9, layout="dense", random_state=0
)
found.fit(X[few], y[few])

# %%
# A ticket as a model by itself is ``rounds=0`` of a ``ticket``. Both forms predict 3,000 rows, in
# turns; the least of five times counts, of the processor's time. They give the same, to rounding.
times = {"dense": [], "sparse": []}
for ticket in found.tickets_:
    clf = WinningTicketClassifier(ticket=ticket, rounds=0, layout="dense").fit(X[few], y[few])
    runs = {"dense": [], "sparse": []}
    for _ in range(5):
        for form, choose in [("dense", clf.densify), ("sparse", clf.sparsify)]:
            choose().predict_proba(X[few])  # makes the form
            start = process_time()
            clf.predict_proba(X)
            runs[form].append(1000 * (process_time() - start))
    for form, run in runs.items():
        times[form].append(min(run))

# %%
percents = [100 * ticket.density for ticket in found.tickets_]
figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
ax.plot(percents, times["dense"], "s-", color="0.4", label="dense")
ax.plot(percents, times["sparse"], "o-", color="#0072B2", label="sparse")
ax.set(
    xscale="log", yscale="log", ylabel="ms for 3,000 rows", xlabel="percent of weights remaining"
)
ax.invert_xaxis()
for axis, ticks in [(ax.xaxis, [100, 50, 20, 10, 5, 2, 1]), (ax.yaxis, [2, 5, 10, 20, 50, 100])]:
    axis.set_ticks(ticks, [str(tick) for tick in ticks])
    axis.set_ticks([], minor=True)
ax.legend(frameon=False)
plt.show()

# %%
print(f"At {percents[-1]:.1f}%, {times['dense'][-1] / times['sparse'][-1]:.1f} times as fast.")

# %%
# The times are those of the machine that built this page. ``benchmarks/prediction.py`` measures
# beside other libraries (see :doc:`/benchmarks`), ``benchmarks/crossover.py`` where the lines
# cross on yours.
