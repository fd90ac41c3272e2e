"""What a chain of fully connected layers computes, in NumPy, in float64, one line at a time.

Engines must agree with it; it knows nothing of them. Arrays are dicts by name, in the order of the
network: weight, bias, weight, bias, ...; masks are dicts by the names of the weights.
"""

import numpy as np

EPS = 2.0**-24  # half a unit in the last place of float32: the relative error of one operation

ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "logistic": lambda z: (1 + np.tanh(z / 2)) / 2,
}
# Derivatives, as functions of the activation's own value.
DERIVATIVES = {
    "identity": lambda a: np.ones_like(a),
    "relu": lambda a: (a > 0).astype(float),
    "tanh": lambda a: 1 - a**2,
    "logistic": lambda a: a * (1 - a),
}


def masked(arrays, mask):
    """The arrays in float64, 0 where they were pruned."""
    return {name: np.asarray(a, np.float64) * mask.get(name, True) for name, a in arrays.items()}


def layers(arrays):
    """Pairs of the names of a weight and its bias."""
    names = list(arrays)
    return list(zip(names[::2], names[1::2], strict=True))


def units(arrays, X, mask, activation="relu"):
    """The inputs, the values of each hidden layer, and the outputs before any softmax."""
    arrays = masked(arrays, mask)
    values = [np.asarray(X, np.float64)]
    for number, (weight, bias) in enumerate(layers(arrays)):
        z = values[-1] @ arrays[weight].T + arrays[bias]
        is_last = number == len(arrays) // 2 - 1
        values.append(z if is_last else ACTIVATIONS[activation](z))
    return values


def forward(arrays, X, mask, activation="relu"):
    """The outputs before any softmax or logistic function."""
    return units(arrays, X, mask, activation)[-1]


def losses(outputs, y, loss):
    """The loss of each row, and its gradient by the row's outputs."""
    n_outputs = outputs.shape[1]
    if loss == "cross_entropy":
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        one_hot = np.eye(n_outputs)[np.asarray(y, int)]
        return -(one_hot * log_p).sum(axis=1), np.exp(log_p) - one_hot
    y = np.asarray(y, np.float64).reshape(outputs.shape)
    if loss == "binary_cross_entropy":
        values = np.logaddexp(0, outputs) - y * outputs
        return values.mean(axis=1), (ACTIVATIONS["logistic"](outputs) - y) / n_outputs
    if loss == "squared_error":
        return ((outputs - y) ** 2).mean(axis=1), 2 * (outputs - y) / n_outputs
    raise ValueError(loss)


def gradients(arrays, X, y, mask, *, loss, activation="relu", weight=None):
    """The mean loss of a batch, weighted where rows have weights, and its gradients."""
    arrays = masked(arrays, mask)
    values = units(arrays, X, mask, activation)
    scale = np.ones(len(X)) if weight is None else np.asarray(weight, np.float64)
    scale = scale / scale.sum()
    row_losses, delta = losses(values[-1], y, loss)
    delta = delta * scale[:, None]
    found = {}
    for number, (name, bias) in reversed(list(enumerate(layers(arrays)))):
        found[bias] = delta.sum(axis=0)
        found[name] = (delta.T @ values[number]) * mask[name]
        delta = delta @ arrays[name] * DERIVATIVES[activation](values[number])
    return float(row_losses @ scale), {name: found[name] for name in arrays}


class SGD:
    """The rule of `torch.optim.SGD`."""

    def __init__(self, lr, *, momentum=0.0, nesterov=False, weight_decay=0.0):
        self.lr, self.momentum, self.nesterov = lr, momentum, nesterov
        self.weight_decay = weight_decay
        self.velocity = {}

    def step(self, arrays, gradients):
        for name, array in arrays.items():
            g = gradients[name] + self.weight_decay * array
            velocity = self.momentum * self.velocity.get(name, 0) + g
            self.velocity[name] = velocity
            arrays[name] = array - self.lr * (
                g + self.momentum * velocity if self.nesterov else velocity
            )


class Adam:
    """The rule of `torch.optim.Adam`."""

    def __init__(self, lr, *, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.mean, self.square, self.n_steps = {}, {}, 0

    def step(self, arrays, gradients):
        self.n_steps += 1
        first, second = self.betas
        for name, array in arrays.items():
            g = gradients[name] + self.weight_decay * array
            self.mean[name] = first * self.mean.get(name, 0) + (1 - first) * g
            self.square[name] = second * self.square.get(name, 0) + (1 - second) * g**2
            mean = self.mean[name] / (1 - first**self.n_steps)
            square = self.square[name] / (1 - second**self.n_steps)
            arrays[name] = array - self.lr * mean / (np.sqrt(square) + self.eps)


def batches(n_rows, batch_size, n_steps, seed):
    """The rows of each step: each pass over the data takes them in an order of its own."""
    random_state, found = np.random.RandomState(seed), []
    while len(found) < n_steps:
        order = random_state.permutation(n_rows)
        found += [order[start : start + batch_size] for start in range(0, n_rows, batch_size)]
    return found[:n_steps]


def train(arrays, X, y, mask, batches, optimizer, *, weight=None, watch=None, **options):
    """The arrays after a step a batch, and the loss of each batch before its step.

    `watch` is called with the arrays, the batch's rows and the gradients before each step.
    """
    arrays, found = masked(arrays, mask), []
    for rows in batches:
        row_weight = None if weight is None else weight[rows]
        loss, gradient = gradients(arrays, X[rows], y[rows], mask, weight=row_weight, **options)
        if watch is not None:
            watch(arrays, rows, gradient)
        found.append(loss)
        optimizer.step(arrays, gradient)
        arrays = masked(arrays, mask)
    return arrays, found


def assert_same_way(before, after, arrays, tolerance=5e-3):
    """Compare weights; the difference may be this share of the way that training went."""
    for name, array in arrays.items():
        way = np.linalg.norm(array - before.weights[name])
        difference = np.linalg.norm(after.weights[name] - array)
        assert difference <= tolerance * way, (name, difference, way)
