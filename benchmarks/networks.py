"""Tickets of random networks, and what trains them."""

from baselines import BATCH, LR
from torch import nn

from skticket import Ticket, WinningTicketClassifier
from skticket.network import default_net


def make_ticket(arrays, masks):
    """Return an untrained ticket of weights and biases, and masks, of each layer."""
    initial, mask = {}, {}
    for number, (weight, bias, survives) in enumerate(zip(*arrays, masks)):
        name = f"layers.{number}"
        initial |= {f"{name}.weight": weight, f"{name}.bias": bias}
        mask[f"{name}.weight"] = survives
    return Ticket(initial, mask)


def make_net(sizes, optimizer, learning_rate, batch_size):
    """Return the net that the estimator would train for networks of such layers."""
    return default_net(
        sizes[1:-1],
        sizes[0],
        sizes[-1],
        criterion=nn.CrossEntropyLoss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        batch_size=batch_size,
    )


def fit_by_sgd(X, y, rounds, epochs=1, n_evaluations=1, **options):
    """Fit the estimator as the plain loops train: evaluated after each pass, without a penalty."""
    n_train = len(X) - round(0.1 * len(X))
    return WinningTicketClassifier(
        (300, 100),
        rounds=rounds,
        optimizer="sgd",
        learning_rate=LR,
        alpha=0,
        batch_size=BATCH,
        max_epochs=epochs,
        n_iter_no_change=None,
        evaluate_every=-(-n_train // BATCH // n_evaluations),
        random_state=0,
        **options,
    ).fit(X, y)
