"""
A network of your own
=====================

``net`` takes any skorch net: its module, loss, optimizer, callbacks and device count then. Here it
is a small convolutional network. All weights of its convolutions and linear layers are pruned,
rewound and trained again.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from skorch import NeuralNetClassifier

from skticket import WinningTicketClassifier
from skticket.datasets import load_digits


class Convolutional(torch.nn.Sequential):
    """Sixteen filters of 3 × 3 pixels, and a linear layer."""

    def __init__(self):
        super().__init__(
            torch.nn.Unflatten(1, (1, 8, 8)),
            torch.nn.Conv2d(1, 16, 3),
            torch.nn.ReLU(),
            torch.nn.Flatten(),
            torch.nn.Linear(576, 10),
        )


net = NeuralNetClassifier(
    Convolutional, criterion=torch.nn.CrossEntropyLoss, optimizer=torch.optim.Adam, lr=3e-3,
    batch_size=50, max_epochs=12, verbose=0,
)  # fmt: skip
images, digits = load_digits(return_X_y=True)
images = images.astype("float32")
clf = WinningTicketClassifier(net=net, prune_rate=0.3, rounds=8, random_state=0)
clf.fit(images[:1300], digits[:1300])
clf

# %%
# How accurate the tickets are, and what is left of each layer.
for ticket, predicted in zip(clf.tickets_, clf.staged_predict(images[1300:])):
    layers = ", ".join(f"{density:.0%}" for density in ticket.layer_densities.values())
    print(f"{np.mean(predicted == digits[1300:]):.3f} with {ticket.n_weights:,} weights ({layers})")

# %%
# The filters as the full network learned them, and below them those of the last ticket. What is
# white was pruned.
figure, axes = plt.subplots(2, 16, figsize=(10, 1.7), layout="constrained")
for row, ticket in zip(axes, [clf.tickets_[0], clf.tickets_[-1]]):
    filters = np.where(ticket.mask["1.weight"], ticket.weights["1.weight"], np.nan)
    for ax, values in zip(row, filters[:, 0]):
        ax.imshow(values, cmap="RdBu", vmin=-0.6, vmax=0.6)
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(f"{ticket.density:.0%}")
plt.show()
