"""What users would write instead: training loops on tensors, and searches with other packages.

Each is as fast as its package lets a user write it: float32, batches gathered by position from one
tensor, fused optimizers, no logs and no progress bars.
"""

import logging
import warnings
from functools import partial

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune

LR, BATCH = 0.05, 128


def initial_arrays(sizes, seed=0):
    """Return Glorot weights and zero biases of each layer."""
    rng = np.random.default_rng(seed)
    weights, biases = [], []
    for n_in, n_out in zip(sizes, sizes[1:]):
        std = np.sqrt(2 / (n_in + n_out))
        weights.append(rng.normal(0, std, (n_out, n_in)).astype(np.float32))
        biases.append(np.zeros(n_out, np.float32))
    return weights, biases


def uniform_masks(sizes, density, seed=1):
    """Return masks of exact density; the output layer at half the rate keeps its square root."""
    rng = np.random.default_rng(seed)
    scores = [rng.random((n_out, n_in)) for n_in, n_out in zip(sizes, sizes[1:])]
    return _largest(scores, density)


def magnitude_masks(weights, density):
    """Return masks of the largest weights of each layer."""
    return _largest([np.abs(weight) for weight in weights], density)


def _largest(scores, density):
    masks = []
    for number, score in enumerate(scores):
        keep = np.sqrt(density) if number == len(scores) - 1 else density
        mask = np.zeros(score.size, bool)
        mask[np.argsort(-score, axis=None)[: max(1, round(keep * score.size))]] = True
        masks.append(mask.reshape(score.shape))
    return masks


def make_optimizer(name, parameters, fused=True):
    """Return SGD or Adam; a fused step is much faster than torch's default on a CPU."""
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=LR, fused=fused)
    return torch.optim.Adam(parameters, fused=fused)


def batches(n_rows, batch_size, seed=0):
    """Yield positions of rows, batch after batch, in a new order each pass, without end."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield from torch.randperm(n_rows, generator=generator).split(batch_size)


class PlainLoop:
    """The plain torch loop: tensors, masks multiplied in.

    Parameters
    ----------
    weights, biases : list of ndarray
        Of each layer.
    masks : list of ndarray of bool or None, default=None
        Of each layer; None for the full network, where nothing is multiplied.
    optimizer : {"sgd", "adam"}, default="sgd"
        Which.
    fused : bool, default=True
        Whether its step is fused.
    """

    def __init__(self, weights, biases, masks=None, optimizer="sgd", fused=True):
        masks = [None] * len(weights) if masks is None else masks
        self.masks = [None if mask is None else torch.tensor(mask).float() for mask in masks]
        # torch.tensor copies: the arrays stay as they are.
        self.weights = [torch.tensor(weight, requires_grad=True) for weight in weights]
        self.biases = [torch.tensor(bias, requires_grad=True) for bias in biases]
        with torch.no_grad():
            for weight, mask in zip(self.weights, self.masks):
                if mask is not None:
                    weight.mul_(mask)
        self.optimizer = make_optimizer(optimizer, [*self.weights, *self.biases], fused)

    def forward(self, X):
        """Compute the logits."""
        for k, (weight, mask, bias) in enumerate(zip(self.weights, self.masks, self.biases)):
            weight = weight if mask is None else weight * mask
            X = F.linear(X if k == 0 else X.relu(), weight, bias)
        return X

    def step(self, X, y):
        """Take one training step and return the loss."""
        loss = F.cross_entropy(self.forward(X), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def evaluate(self, X, y):
        """Return loss and accuracy, in blocks that stay in the cache."""
        return evaluate(self.forward, X, y)


def evaluate(forward, X, y, block=1024):
    """Return loss and accuracy of a network."""
    loss = correct = 0
    with torch.inference_mode():
        for X_block, y_block in zip(X.split(block), y.split(block)):
            output = forward(X_block)
            loss += F.cross_entropy(output, y_block, reduction="sum").item()
            correct += (output.argmax(1) == y_block).sum().item()
    return loss / len(X), correct / len(X)


def sequential(weights, biases):
    """Return the network as a torch module."""
    layers = []
    for weight, bias in zip(weights, biases):
        linear = nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(weight))
            linear.bias.copy_(torch.tensor(bias))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def sparseprop_network(weights, biases, masks, n_sparse):
    """Return a network whose first layers are SparseProp's, as its documentation says."""
    from sparseprop.modules import SparseLinear

    network = sequential([weight * mask for weight, mask in zip(weights, masks)], biases)
    for number in range(n_sparse):
        network[2 * number] = SparseLinear.from_dense(network[2 * number])
    return network


def fit_sklearn(clf, X, y):
    """Fit scikit-learn's network for as many epochs as it has, converged or not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clf.fit(X, y)


def rates(n_layers, rate):
    """Return the share to prune of each layer: half of it for the outputs."""
    return [rate] * (n_layers - 1) + [rate / 2]


def plain_search(data, arrays, n_rounds, batch_size, rate=0.2):
    """Search for a ticket by the plain loop; one pass over the data a round.

    Parameters
    ----------
    data : tuple of torch.Tensor
        `X`, `y`, and the same for validation.
    arrays : tuple of list of ndarray
        Initial weights and biases.
    n_rounds : int
        Number of prunings.
    batch_size : int
        Rows of a batch.
    rate : float, default=0.2
        Share of the surviving weights that is pruned.

    Returns
    -------
    list of tuple
        Density, loss and accuracy of each round.
    """
    X, y, X_valid, y_valid = data
    weights, biases = arrays
    masks, results = None, []
    for round in range(n_rounds + 1):
        loop = PlainLoop(weights, biases, masks)
        for rows in torch.randperm(len(X)).split(batch_size):
            loop.step(X[rows], y[rows])
        density = 1 if masks is None else _density(masks)
        results.append((density, *loop.evaluate(X_valid, y_valid)))
        if round < n_rounds:
            masks = _prune(loop.weights, masks, rate)
    return results


def _prune(weights, masks, rate):
    """Remove an exact share of the smallest surviving weights of each layer."""
    masks = [np.ones(w.shape, bool) for w in weights] if masks is None else masks
    pruned = []
    for weight, mask, share in zip(weights, masks, rates(len(weights), rate)):
        values = np.abs(weight.detach().numpy()[mask])
        kept = np.ones(len(values), bool)
        n_pruned = round(share * len(values))
        kept[np.argpartition(values, n_pruned)[:n_pruned]] = False
        new = np.zeros_like(mask)
        new[mask] = kept
        pruned.append(new)
    return pruned


def _density(masks):
    return sum(int(mask.sum()) for mask in masks) / sum(mask.size for mask in masks)


def prune_search(data, arrays, n_rounds, batch_size, rate=0.2):
    """Search for a ticket with `torch.nn.utils.prune`; parameters as for `plain_search`."""
    X, y, X_valid, y_valid = data
    weights, biases = arrays
    network = sequential(weights, biases)
    layers = list(network)[::2]
    results = []
    for round in range(n_rounds + 1):
        if round > 0:
            for layer, share in zip(layers, rates(len(layers), rate)):
                prune.l1_unstructured(layer, "weight", amount=share)
            _rewind(layers, weights, biases)
        optimizer = make_optimizer("sgd", network.parameters())
        for rows in torch.randperm(len(X)).split(batch_size):
            loss = F.cross_entropy(network(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
        masks = [getattr(layer, "weight_mask", torch.ones(1)).numpy() for layer in layers]
        results.append((_density(masks), *evaluate(network, X_valid, y_valid)))
    return results


def _rewind(layers, weights, biases):
    with torch.no_grad():
        for layer, weight, bias in zip(layers, weights, biases):
            layer.weight_orig.copy_(torch.from_numpy(weight))
            layer.bias.copy_(torch.from_numpy(bias))


class Batches:
    """Batches gathered by position from one tensor, for who iterates over batches.

    Parameters
    ----------
    X, y : torch.Tensor
        All rows.
    batch_size : int
        Rows of a batch.
    shuffle : bool
        Whether each pass has an order of its own.
    """

    def __init__(self, X, y, batch_size, shuffle):
        self.X, self.y = X, y
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __len__(self):
        return -(-len(self.X) // self.batch_size)

    def __iter__(self):
        if not self.shuffle:
            return zip(self.X.split(self.batch_size), self.y.split(self.batch_size))
        order = torch.randperm(len(self.X)).split(self.batch_size)
        return ((self.X[rows], self.y[rows]) for rows in order)


def lightning_search(data, arrays, n_rounds, batch_size, rate=0.2):
    """Search for a ticket by Lightning's callback; parameters as for `plain_search`.

    The callback prunes all layers by one rate at the end of each epoch but the last, and sets the
    survivors to the values that it kept.
    """
    from lightning.pytorch import Trainer
    from lightning.pytorch.callbacks import ModelPruning

    X, y, X_valid, y_valid = data
    module = _lightning_module()(sequential(*arrays))
    layers = list(module.network)[::2]
    pruning = ModelPruning(
        "l1_unstructured",
        parameters_to_prune=[(layer, "weight") for layer in layers],
        use_global_unstructured=False,
        amount=rate,
        apply_pruning=partial(np.greater, n_rounds),
        use_lottery_ticket_hypothesis=True,
        make_pruning_permanent=False,
    )
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about workers and loggers that are not wanted here
        trainer = Trainer(
            accelerator="cpu",
            max_epochs=n_rounds + 1,
            callbacks=[pruning],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        trainer.fit(module, Batches(X, y, batch_size, True), Batches(X_valid, y_valid, 1024, False))
    return module.results


def _lightning_module():
    from lightning.pytorch import LightningModule

    class Module(LightningModule):
        """The network, as Lightning trains it."""

        def __init__(self, network):
            super().__init__()
            self.network = network
            self.results = []

        def training_step(self, batch):
            X, y = batch
            return F.cross_entropy(self.network(X), y)

        def on_validation_epoch_start(self):
            self.sums = [0, 0, 0]

        def validation_step(self, batch):
            X, y = batch
            output = self.network(X)
            loss = F.cross_entropy(output, y, reduction="sum").item()
            correct = (output.argmax(1) == y).sum().item()
            self.sums = [a + b for a, b in zip(self.sums, (loss, correct, len(y)))]

        def on_validation_epoch_end(self):
            loss, correct, n_rows = self.sums
            layers = list(self.network)[::2]
            masks = [getattr(layer, "weight_mask", torch.ones(1)).numpy() for layer in layers]
            self.results.append((_density(masks), loss / n_rows, correct / n_rows))

        def configure_optimizers(self):
            return make_optimizer("sgd", self.parameters())

    return Module
