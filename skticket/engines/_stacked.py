"""Many small tickets of one shape, trained as a single batched network.

Each step costs a fixed number of tensor operations, however many networks there are. Weights are
held with the networks along the last axis, so that every operation runs over contiguous memory.
"""

from functools import partial
from itertools import pairwise, repeat
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils import gen_batches
from skorch.dataset import Dataset

from ..network import Batches
from ..ticket import Ticket
from ..utils import Interval, StrOptions, isolated, validate_params

# Networks come in multiples of this many, padded with networks of zeros: vector instructions leave
# no remainder, which torch sums in another order. Where a stack is cut changes no bit; a network's
# place in it may, since not every matrix product treats all columns alike.
_LANES = 64


@validate_params(
    {
        "tickets": [list, tuple],
        "X": ["array-like"],
        "y": ["array-like"],
        "n_steps": [Interval(Integral, 0, None, closed="left")],
        "loss": [StrOptions({"cross_entropy", "squared_error"})],
        "optimizer": [StrOptions({"adam", "sgd"})],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "seed": [Interval(Integral, 0, None, closed="left")],
        "device": [str],
        "memory_limit": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def train_stack(
    tickets,
    X,
    y,
    *,
    n_steps,
    loss="cross_entropy",
    optimizer="adam",
    learning_rate=1.2e-3,
    momentum=0.0,
    batch_size=None,
    seed=0,
    device="cpu",
    memory_limit=2**22,
):
    """Train many tickets of one architecture on the same data, all at once.

    The current weights of each ticket are trained under its own masks, as
    `skticket.training.train` would train them one by one (to rounding), but
    without evaluations: the weights are those after the last step.

    Parameters
    ----------
    tickets : list of Ticket
        Fully connected ReLU networks of the same layer sizes, with the parameters
        of :class:`skticket.network.MLP`. Masks may differ.
    X : array-like of shape (n_rows, n_features)
        Inputs.
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Classes 0, 1, ... for "cross_entropy"; numbers for "squared_error".
    n_steps : int
        Number of optimizer steps.
    loss : {"cross_entropy", "squared_error"}, default="cross_entropy"
        With a single output, cross-entropy is that of a logistic output.
    optimizer : {"adam", "sgd"}, default="adam"
        Its state starts afresh.
    learning_rate : float, default=1.2e-3
        Step size.
    momentum : float, default=0.0
        For "sgd".
    batch_size : int or None, default=None
        Rows of a mini-batch; None takes all rows each step.
    seed : int, default=0
        Determines the order of the batches, which all networks share. It is the
        order that `skticket.training.train` has with this seed.
    device : str, default="cpu"
        The torch device to train on.
    memory_limit : int, default=2**22
        Bytes that the networks in training at a time may take; the stack is split
        into chunks of that size. The default fits a processor's cache, which is
        fastest there; a graphics card wants much more.

    Returns
    -------
    list of Ticket
        The trained tickets, in order. A network that diverges ends in NaN and
        does no harm to the others.

    Raises
    ------
    ValueError
        If the tickets are not fully connected networks of one architecture, or do
        not fit the data.

    Notes
    -----
    On a CPU, one thread is used, and the result is the same to the bit however the stack is
    split into chunks. Among other networks, or at another place among them, a network trains
    the same to rounding. Hidden units without any surviving weight take no part.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket import Ticket
    >>> from skticket.datasets import make_xor
    >>> from skticket.initialization import Normal
    >>> from skticket.network import draw_initial
    >>> from skticket.engines import stack_outputs, train_stack
    >>> random_state = np.random.RandomState(0)
    >>> tickets = []
    >>> for _ in range(20):
    ...     arrays = draw_initial((10,), 2, 1, Normal(std=0.1), random_state)
    ...     masks = {name: array != 0 for name, array in arrays.items() if "weight" in name}
    ...     tickets.append(Ticket(arrays, masks))
    >>> X, y = make_xor()
    >>> trained = train_stack(tickets, X, y, n_steps=2000, learning_rate=2e-3)
    >>> right = (stack_outputs(trained, X)[:, :, 0] > 0) == y
    >>> int(right.all(axis=1).sum())
    19
    """
    sizes = _check_tickets(tickets)
    X, y = _check_data(X, y, sizes, loss)
    n_rows = len(X) if batch_size is None else min(batch_size, len(X))
    units = _units_to_train(tickets, sizes)
    start = partial(_adam, learning_rate=learning_rate)
    if optimizer == "sgd":
        start = partial(_sgd, learning_rate=learning_rate, momentum=momentum)
    trained = []
    for chunk in gen_batches(len(tickets), _chunk_size(units, n_rows, memory_limit)):
        with isolated(None, device), torch.inference_mode():
            trained += _train_chunk(
                tickets[chunk],
                [numbers[chunk] for numbers in units],
                _batches(X, y, n_rows, n_steps, seed, device),
                n_rows,
                start,
                _output_gradient(loss, sizes[-1]),
                device,
            )
    return trained


def stack_outputs(tickets, X):
    """Return the outputs of many tickets of one architecture.

    Parameters
    ----------
    tickets : list of Ticket
        As for :func:`train_stack`.
    X : array-like of shape (n_rows, n_features)
        Inputs.

    Returns
    -------
    ndarray of float32, shape (n_tickets, n_rows, n_outputs)
        What each network's last layer gives, before any softmax or logistic function.

    Raises
    ------
    ValueError
        If the tickets are not fully connected networks of one architecture, or do
        not fit the data.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket import Ticket
    >>> from skticket.engines import stack_outputs
    >>> arrays = {"layers.0.weight": np.eye(2), "layers.0.bias": np.zeros(2)}
    >>> ticket = Ticket(arrays, {"layers.0.weight": np.ones((2, 2), bool)})
    >>> stack_outputs([ticket], [[1, 2], [3, 4]])
    array([[[1., 2.],
            [3., 4.]]], dtype=float32)
    """
    sizes = _check_tickets(tickets)
    activations = _check_inputs(X, sizes)
    arrays = list(_stacked_weights(tickets).values())
    # A network that has diverged gives NaN, without a warning.
    with np.errstate(over="ignore", invalid="ignore"):
        for weights, biases in zip(arrays[::2], arrays[1::2], strict=True):
            outputs = activations @ weights.swapaxes(1, 2) + biases[:, None]
            activations = np.maximum(outputs, 0)
    return outputs


def _check_tickets(tickets):
    """Return the layer sizes of the tickets, inputs first."""
    if not tickets:
        raise ValueError("tickets is empty; it needs at least one ticket")
    shapes = {name: array.shape for name, array in tickets[0].initial.items()}
    names, weights = list(shapes), [shapes[name] for name in tickets[0].mask]
    has_biases = names == [name for layer in tickets[0].layers for name in layer] and all(
        shapes[bias] == shapes[weight][:1] for weight, bias in tickets[0].layers
    )
    if not (tickets[0].is_chain and has_biases):
        raise ValueError(
            "tickets must be fully connected networks, each layer a weight array that feeds the "
            f"next and its biases; got arrays of shapes {shapes}"
        )
    for i, ticket in enumerate(tickets):
        found = {name: array.shape for name, array in ticket.initial.items()}
        if list(found.items()) != list(shapes.items()):
            raise ValueError(
                f"tickets must have one architecture: tickets[{i}] has arrays of shapes {found}, "
                f"tickets[0] of {shapes}"
            )
    return [weights[0][1], *(shape[0] for shape in weights)]


def _check_inputs(X, sizes):
    X = np.asarray(X, np.float32)
    if X.ndim != 2 or X.shape[1] != sizes[0] or not len(X):
        raise ValueError(
            f"X must have rows of {sizes[0]} features, the networks' inputs; got shape {X.shape}"
        )
    return X


def _check_data(X, y, sizes, loss):
    """Return inputs as float32, and targets of shape (n_rows, n_outputs)."""
    X, y = _check_inputs(X, sizes), np.asarray(y)
    if len(y) != len(X):
        raise ValueError(f"y must have a row for each of the {len(X)} rows of X, got {len(y)}")
    if loss == "squared_error":
        if y.size != len(X) * sizes[-1]:
            raise ValueError(
                f"y must have a column for each of the {sizes[-1]} outputs, got shape {y.shape}"
            )
        return X, y.reshape(len(X), sizes[-1]).astype(np.float32)
    n_classes = max(sizes[-1], 2)
    if y.ndim != 1 or not np.isin(y, np.arange(n_classes)).all():
        raise ValueError(
            f"y must hold the classes 0 to {n_classes - 1} of networks of {sizes[-1]} outputs, "
            f"one a row; got shape {y.shape} with values {np.unique(y)[:10]}"
        )
    if sizes[-1] == 1:
        return X, y.reshape(-1, 1).astype(np.float32)
    return X, np.eye(n_classes, dtype=np.float32)[y.astype(int)]


def _stacked_weights(tickets):
    return {
        name: np.stack([ticket.weights[name] for ticket in tickets]).astype(np.float32, copy=False)
        for name in tickets[0].weights
    }


def _stacked_masks(tickets):
    """Masks of all parameters; those of biases are all True."""
    return {
        name: np.stack([ticket.mask[name] for ticket in tickets])
        if name in tickets[0].mask
        else np.ones((len(tickets), *array.shape), bool)
        for name, array in tickets[0].initial.items()
    }


def _units_to_train(tickets, sizes):
    """Return the units of each layer that take part, as arrays (n_tickets, n_units).

    A hidden unit without any surviving weight has no influence and no gradient, and stays as
    it is. All networks get as many units a layer as the one that has most alive; where fewer
    are alive, dead ones fill up.
    """
    units = [np.broadcast_to(np.arange(size), (len(tickets), size)) for size in sizes]
    living = [[*ticket.living_units.values()] for ticket in tickets]
    for layer, alive in enumerate(map(np.stack, zip(*living, strict=True)), start=1):
        order = np.argsort(~alive, axis=1, kind="stable")
        units[layer] = order[:, : max(alive.sum(axis=1).max(), 1)]
    return units


def _places(names, units):
    """Return the index, into each stacked array, of the parameters that are trained."""
    places = {}
    for weight, bias, ins, outs in zip(names[::2], names[1::2], units, units[1:], strict=False):
        networks = np.arange(len(ins))[:, None]
        places[weight] = networks[:, :, None], outs[:, :, None], ins[:, None, :]
        places[bias] = networks, outs
    return places


def _pack(arrays, places):
    """Return the trained parameters as an array (n_parameters, n_networks), padded."""
    parts = [arrays[name][place].T for name, place in places.items()]
    flat = np.concatenate([part.reshape(-1, part.shape[-1]) for part in parts], dtype=np.float32)
    # A single row would be padded in Fortran's order, of which torch would train a copy.
    return np.ascontiguousarray(np.pad(flat, ((0, 0), (0, -flat.shape[1] % _LANES))))


def _unpack(flat, arrays, places):
    """Write packed parameters back to their places in `arrays`."""
    start = 0
    for name, place in places.items():
        shape = np.broadcast_shapes(*(index.shape for index in place))[::-1]
        stop = start + int(np.prod(shape[:-1]))
        arrays[name][place] = flat[start:stop, : shape[-1]].reshape(shape).T
        start = stop


def _chunk_size(units, n_rows, memory_limit):
    sizes = [numbers.shape[1] for numbers in units]
    n_parameters = sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))
    # Parameters, gradients, masks and optimizer state; then activations and their gradients.
    n_bytes = 4 * (6 * n_parameters + 3 * n_rows * sum(sizes[1:]))
    return max(memory_limit // (n_bytes * _LANES), 1) * _LANES


def _batches(X, y, n_rows, n_steps, seed, device):
    """Yield inputs, with a column of ones for the biases, and targets (n_rows, n_outputs, 1)."""
    X = torch.as_tensor(np.column_stack([X, np.ones(len(X), X.dtype)]), device=device)
    y = torch.as_tensor(y, device=device)[:, :, None]
    if n_rows == len(X):
        return repeat((X, y), n_steps)
    return iter(Batches(Dataset(X, y), n_rows, intervals=[n_steps], seed=seed))


def _train_chunk(tickets, units, batches, n_rows, start, output_gradient, device):
    arrays, masks = _stacked_weights(tickets), _stacked_masks(tickets)
    places = _places(list(arrays), units)
    parameters = torch.as_tensor(_pack(arrays, places), device=device)
    mask = torch.as_tensor(_pack(masks, places), device=device)
    pruned = not mask[:, : len(tickets)].all()
    network = _Network(parameters, [numbers.shape[1] for numbers in units], n_rows)
    step = start(parameters)
    for X, y in batches:
        delta = output_gradient(network.outputs(X), y)
        gradients = network.gradients(delta)
        if pruned:
            # Optimizer state starts at 0, and stays there for weights without gradients.
            gradients.mul_(mask)
        step(gradients)
    _unpack(parameters.cpu().numpy(), arrays, places)
    return [
        Ticket(t.initial, t.mask, {name: array[i] for name, array in arrays.items()}, t.checkpoints)
        for i, t in enumerate(tickets)
    ]


class _Network:
    """Many fully connected ReLU networks of one shape, with gradients by hand.

    A layer's weights have shape (n_in + 1, n_out, n_networks), the last row being the biases,
    the weights of an input that is always 1. Activations have shape (n_rows, n_in + 1,
    n_networks); those of the first layer, which all networks share, (n_rows, n_in + 1).
    """

    def __init__(self, parameters, sizes, n_rows):
        self._gradients = torch.zeros_like(parameters)
        counts = [(n_in + 1) * n_out for n_in, n_out in pairwise(sizes)]
        self._layers = [
            (_SharedInputs if i == 0 else _SingleOutput if n_out == 1 else _Layer)(
                weights.view(n_in + 1, n_out, -1), gradients.view(n_in + 1, n_out, -1)
            )
            for i, (n_in, n_out, weights, gradients) in enumerate(
                zip(sizes, sizes[1:], parameters.split(counts), self._gradients.split(counts))
            )
        ]
        self._hidden = [
            parameters.new_ones(n_rows, size + 1, parameters.shape[1]) for size in sizes[1:-1]
        ]
        self._views = {}

    def outputs(self, X):
        """Return outputs of shape (n_rows, n_outputs, n_networks), and keep the activations."""
        # The last batch of a pass may be smaller. To make a view costs as much as arithmetic on it.
        if len(X) not in self._views:
            hidden = [activations[: len(X)] for activations in self._hidden]
            self._views[len(X)] = hidden, [activations[:, :-1] for activations in hidden]
        hidden, self._units = self._views[len(X)]
        self._inputs = [X, *hidden]
        for layer, inputs, units in zip(self._layers, self._inputs, self._units):
            torch.clamp_min(layer.outputs(inputs), 0, out=units)
        return self._layers[-1].outputs(self._inputs[-1])

    def gradients(self, delta):
        """Return gradients from those of the outputs; the activations are used up."""
        for i in reversed(range(len(self._layers))):
            self._layers[i].differentiate(self._inputs[i], delta)
            if i > 0:
                delta = self._layers[i].input_gradient(delta).mul_(self._units[i - 1].sign_())
        return self._gradients


class _Layer:
    """The contractions of a layer, one small matrix product a network."""

    def __init__(self, weights, gradients):
        self._weights = weights.permute(2, 0, 1)
        self._transposed = weights[:-1].permute(2, 1, 0)
        self._gradients = gradients

    def outputs(self, inputs):
        return torch.bmm(inputs.permute(2, 0, 1), self._weights).permute(1, 2, 0)

    def differentiate(self, inputs, delta):
        """Set the weights' gradients."""
        gradients = torch.bmm(inputs.permute(2, 1, 0), delta.permute(2, 0, 1))
        self._gradients.copy_(gradients.permute(1, 2, 0))

    def input_gradient(self, delta):
        return torch.bmm(delta.permute(2, 0, 1), self._transposed).permute(1, 2, 0)


class _SharedInputs:
    """The first layer: a single matrix product for all networks."""

    def __init__(self, weights, gradients):
        self._shape = weights.shape[1:]
        self._weights, self._gradients = weights.flatten(1), gradients.flatten(1)

    def outputs(self, inputs):
        return torch.mm(inputs, self._weights).view(len(inputs), *self._shape)

    def differentiate(self, inputs, delta):
        torch.mm(inputs.T, delta.flatten(1), out=self._gradients)


class _SingleOutput:
    """A layer of one unit: sums over whole arrays are much faster than tiny matrix products."""

    def __init__(self, weights, gradients):
        self._weights, self._gradients = weights[:, 0], gradients[:, 0]
        self._without_biases = weights[:-1, 0]

    def outputs(self, inputs):
        return (inputs * self._weights).sum(1, keepdim=True)

    def differentiate(self, inputs, delta):
        torch.sum(inputs * delta, 0, out=self._gradients)

    def input_gradient(self, delta):
        return delta * self._without_biases


def _output_gradient(loss, n_outputs):
    """Return the function from outputs and targets to the gradient of the mean loss."""
    if loss == "squared_error":
        return lambda outputs, y: outputs.sub_(y).mul_(2 / (len(y) * n_outputs))
    if n_outputs == 1:
        return lambda outputs, y: outputs.sigmoid_().sub_(y).mul_(1 / len(y))
    return lambda outputs, y: outputs.softmax(1).sub_(y).mul_(1 / len(y))


# Arithmetic on denormal numbers, and torch's square root of 0, are tens of times slower than on
# others. What decays without end, as optimizer state does where gradients are 0, would become a
# denormal and stay one; it is kept out of that range, by a look every so many steps, at values far
# below what can change a weight.
_TINY = 1e-30
_LOOK_EVERY = 128


def _sgd(parameters, learning_rate, momentum):
    """Return the function that makes one step, of gradients, as `torch.optim.SGD` does."""
    velocity = torch.zeros_like(parameters)
    n_steps = 0

    def step(gradients):
        nonlocal n_steps
        n_steps += 1
        torch.add(gradients, velocity, alpha=momentum, out=velocity)
        parameters.sub_(velocity, alpha=learning_rate)
        if n_steps % _LOOK_EVERY == 0:
            velocity.copy_(torch.hardshrink(velocity, _TINY))

    return step


def _adam(parameters, learning_rate, betas=(0.9, 0.999), epsilon=1e-8):
    """Return the function that makes one step, of gradients, as `torch.optim.Adam` does."""
    mean, square = torch.zeros_like(parameters), torch.full_like(parameters, _TINY)
    scale = torch.empty_like(parameters)
    n_steps = 0

    def step(gradients):
        nonlocal n_steps
        n_steps += 1
        correction = (1 - betas[1] ** n_steps) ** 0.5
        mean.lerp_(gradients, 1 - betas[0])
        square.mul_(betas[1]).addcmul_(gradients, gradients, value=1 - betas[1])
        torch.sqrt(square, out=scale).add_(epsilon * correction)
        step_size = learning_rate * correction / (1 - betas[0] ** n_steps)
        parameters.addcdiv_(mean, scale, value=-step_size)
        if n_steps % _LOOK_EVERY == 0:
            mean.copy_(torch.hardshrink(mean, _TINY))
            square.clamp_min_(_TINY)

    return step
