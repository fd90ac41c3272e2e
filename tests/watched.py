"""Networks and prototypes whose trainings are watched, step by step."""

from functools import partial

import numpy as np
import torch
from sklearn.datasets import make_classification
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from torch import nn

from skticket import WinningTicketClassifier

X, y = make_classification(
    150, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, class_sep=1.5, random_state=0
)
X = X.astype("float32")

OPTIMIZERS = {
    "SGD": partial(torch.optim.SGD, momentum=0.9, weight_decay=0.02),
    "Nesterov": partial(torch.optim.SGD, momentum=0.9, weight_decay=0.02, nesterov=True),
    "Adam": partial(torch.optim.Adam, weight_decay=0.02),
    "AdamW": partial(torch.optim.AdamW, weight_decay=0.02),
}


def arrays(net):
    return {n: t.detach().cpu().numpy().copy() for n, t in net.module_.state_dict().items()}


class Recorder(Callback):
    """Keep what each training does, step by step; in the class, since nets are cloned."""

    trainings = []

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        start, state = arrays(net), len(net.optimizer_.state)
        Recorder.trainings.append({"start": start, "state": state, "steps": [], "rows": []})

    def on_epoch_begin(self, net, **kwargs):
        Recorder.trainings[-1]["rows"].append({True: [], False: []})

    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        Recorder.trainings[-1]["rows"][-1][training] += [
            (tuple(row), label) for row, label in zip(batch[0].tolist(), batch[1].tolist())
        ]
        if training:
            Recorder.trainings[-1]["steps"].append(arrays(net))


class Smooth(nn.Module):
    """A network without dead units: every weight has a gradient."""

    def __init__(self, n_outputs=3, dropout=0.0):
        super().__init__()
        self.hidden = nn.Linear(6, 8)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(8, n_outputs)

    def forward(self, X):
        return self.output(self.dropout(torch.tanh(self.hidden(X))))


class Convolutional(nn.Module):
    """Two kinds of convolution and a batch normalization, over six features in a row."""

    def __init__(self):
        super().__init__()
        self.line = nn.Conv1d(1, 4, 3, padding=1)
        self.normalization = nn.BatchNorm1d(4)
        self.plane = nn.Conv2d(1, 2, (2, 3))
        self.output = nn.Linear(2 * 3 * 4, 3)

    def forward(self, X):
        X = torch.relu(self.normalization(self.line(X[:, None])))
        X = torch.relu(self.plane(X[:, None]))
        return self.output(X.flatten(1))


def prototype(module=Smooth, *, optimizer="SGD", **parameters):
    defaults = {"lr": 0.01, "max_epochs": 3, "batch_size": 20, "verbose": 0}
    return NeuralNetClassifier(
        module,
        criterion=nn.CrossEntropyLoss,
        optimizer=OPTIMIZERS[optimizer],
        callbacks=[Recorder()],
        **(defaults | parameters),
    )


def classifier(net=None, **parameters):
    net = prototype() if net is None else net
    defaults = {"net": net, "rounds": 2, "prune_rate": 0.4, "random_state": 0}
    return WinningTicketClassifier(**(defaults | parameters))


def masked(values, mask):
    return {name: np.where(mask.get(name, True), array, 0) for name, array in values.items()}


def assert_same_bits(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
