"""Sparse training and prediction of fully connected networks, compiled by Numba.

Numba is imported, and compiles (once: the result is cached on disk), when a network
computes for the first time.
"""

import ctypes
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from joblib import cpu_count
from scipy.sparse import csr_array

__all__ = ["SGD", "Adam", "SparseNetwork", "n_threads_allowed"]

_ACTIVATIONS = {"identity": 0, "relu": 1, "tanh": 2, "logistic": 3}
_LOSSES = {"cross_entropy": 0, "binary_cross_entropy": 1, "squared_error": 2}
_PREDICTION_COLUMNS = 64


@dataclass
class SGD:
    """Stochastic gradient descent, as `torch.optim.SGD` does it.

    An optimizer belongs to one training: `state` is that of one network's
    parameters. The other attributes may be set anew at any time.

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate.
    momentum : float, default=0.0
        Share of the last update's direction that is kept.
    nesterov : bool, default=False
        Whether to use Nesterov's momentum.
    weight_decay : float, default=0.0
        Added to the gradient: so many times the parameter.

    Attributes
    ----------
    state : dict of str to ndarray
        The arrays that the optimizer keeps, one number a parameter; empty before
        the first update, and without momentum.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket.kernels import SGD
    >>> parameters = np.array([1.0, 2.0])
    >>> SGD(lr=0.5).update(parameters, np.array([1.0, 0.0]))
    >>> parameters
    array([0.5, 2. ])
    """

    lr: float = 1e-3
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    state: dict = field(default_factory=dict, repr=False)

    def update(self, parameters, gradients):
        """Change the parameters in place.

        Parameters
        ----------
        parameters, gradients : ndarray of shape (n_parameters,)
            Of one float type.
        """
        if self.momentum and not self.state:
            self.state["momentum_buffer"] = np.zeros_like(parameters)
        buffer = self.state.get("momentum_buffer", parameters[:0])
        _call(
            "update_sgd",
            parameters,
            gradients,
            buffer,
            float(self.lr),
            float(self.momentum),
            bool(self.nesterov),
            float(self.weight_decay),
        )


@dataclass
class Adam:
    """Adam, as `torch.optim.Adam` does it; weight decay is added to the gradient.

    An optimizer belongs to one training: `state` is that of one network's
    parameters. The other attributes may be set anew at any time.

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate.
    betas : tuple of two floats, default=(0.9, 0.999)
        How much of the running means of the gradient and of its square is kept.
    eps : float, default=1e-8
        Added to the denominator.
    weight_decay : float, default=0.0
        Added to the gradient: so many times the parameter.

    Attributes
    ----------
    state : dict of str to ndarray
        The arrays that the optimizer keeps, one number a parameter; empty before
        the first update.
    n_steps : int
        Number of updates so far.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket.kernels import Adam
    >>> parameters = np.array([1.0, 2.0])
    >>> Adam(lr=0.5).update(parameters, np.array([1.0, 0.0]))
    >>> parameters.round(3)
    array([0.5, 2. ])
    """

    lr: float = 1e-3
    betas: tuple = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    state: dict = field(default_factory=dict, repr=False)
    n_steps: int = 0

    def update(self, parameters, gradients):
        """Change the parameters in place.

        Parameters
        ----------
        parameters, gradients : ndarray of shape (n_parameters,)
            Of one float type.
        """
        if not self.state:
            self.state["exp_avg"] = np.zeros_like(parameters)
            self.state["exp_avg_sq"] = np.zeros_like(parameters)
        self.n_steps += 1
        _call(
            "update_adam",
            parameters,
            gradients,
            self.state["exp_avg"],
            self.state["exp_avg_sq"],
            self.n_steps,
            float(self.lr),
            float(self.betas[0]),
            float(self.betas[1]),
            float(self.eps),
            float(self.weight_decay),
        )


class SparseNetwork:
    """A fully connected network of which only the surviving weights exist.

    All surviving weights and the biases are one flat vector, `parameters`; what
    was pruned has no value, no gradient and no optimizer state. Hidden units from
    which no path leads to an output, and inputs that reach none, are not computed
    at all. The function and its gradients are those of the network with its masks
    multiplied in: a hidden unit without surviving inputs still gives a constant,
    which its bias trains; the weights of a unit without surviving outputs keep
    their place in `parameters`, with gradient 0, where weight decay reaches them.

    Results depend on the data and the order of the batches, to the bit, and not on
    the number of threads. One network is to be trained by one thread at a time;
    several networks, and predictions of one network, may run in several threads.

    Parameters
    ----------
    weights : sequence of ndarray of shape (n_out, n_in)
        The weights of each layer, from input to output. Copied.
    masks : sequence of ndarray of bool, of the same shapes
        True where a weight survives.
    biases : sequence of ndarray of shape (n_out,)
        The biases of each layer. Copied.
    activation : {"relu", "tanh", "logistic", "identity"}, default="relu"
        The hidden layers' activation. The outputs have none.
    loss : {"cross_entropy", "binary_cross_entropy", "squared_error"}, \
default="cross_entropy"
        Cross-entropy of a softmax over the outputs, the target being the number of
        a class; binary cross-entropy of the logistic function of an output, the
        target being 0 or 1; or the squared error (not halved). The latter two are
        means over the outputs where there are several.
    n_threads : int, default=1
        Number of threads of one training step. More than one pays for wide
        networks at high density, when nothing else runs.

    Attributes
    ----------
    parameters : ndarray of shape (n_parameters,)
        All values: of each layer the surviving weights, row by row, then the
        biases; last of all those that are cut off from the outputs. May be changed
        in place.
    gradients : ndarray of shape (n_parameters,)
        The gradient that `step` or `compute_gradients` computed last.
    n_active : int
        Number of parameters that are not cut off from the outputs.
    inputs : ndarray of int
        Positions of the inputs in use.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket.kernels import SGD, SparseNetwork
    >>> network = SparseNetwork(
    ...     weights=[np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, -1.0]])],
    ...     masks=[np.eye(2, dtype=bool), np.array([[True, True]])],
    ...     biases=[np.zeros(2), np.zeros(1)],
    ...     loss="squared_error",
    ... )
    >>> X = np.array([[3.0, 1.0], [1.0, 2.0]])
    >>> network.predict(X)
    array([[ 2.], [-1.]])
    >>> network.step(X, np.array([1.0, 0.0]), SGD(lr=0.1))
    1.0
    """

    def __init__(
        self, weights, masks, biases, *, activation="relu", loss="cross_entropy", n_threads=1
    ):
        _check_network(weights, masks, biases, activation, loss)
        self.activation = activation
        self.loss = loss
        self.n_threads = n_threads
        self.shapes = [np.shape(mask) for mask in masks]
        self._layers = _layers(masks)
        self.inputs = self._layers[0].inputs
        self._parts = _parts(self._layers, self.shapes)
        self.n_active = sum(len(p) for _, _, active, p in self._parts if active)
        dtype = np.result_type(*weights)
        self.parameters = np.empty(
            sum(len(positions) for *_, positions in self._parts),
            dtype if dtype in (np.float32, np.float64) else np.float32,
        )
        self.set_dense(weights, biases)
        self._prepare()

    def _prepare(self):
        """Set up what is not saved: the flat pattern and the buffers."""
        self.gradients = np.zeros_like(self.parameters)
        self._pattern_arrays = _pattern_arrays(self._layers)
        self._compiled_pattern = None
        self._workspace = None
        self._executor = None

    def __getstate__(self):
        dropped = {
            "gradients",
            "_pattern_arrays",
            "_compiled_pattern",
            "_workspace",
            "_executor",
        }
        return {name: value for name, value in self.__dict__.items() if name not in dropped}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._prepare()

    @property
    def dtype(self):
        """The float type of everything: float64 if that of all weights is, else float32."""
        return self.parameters.dtype

    def set_dense(self, weights, biases):
        """Set all parameters, in place, from a dense network's arrays.

        Parameters
        ----------
        weights, biases : sequence of ndarray
            As for the constructor; pruned weights are ignored.
        """
        start = 0
        for layer, kind, _, positions in self._parts:
            source = (weights if kind == "weight" else biases)[layer]
            stop = start + len(positions)
            self.parameters[start:stop] = np.ravel(source)[positions]
            start = stop

    def to_dense(self, vector=None):
        """Spread the parameters over dense arrays.

        Parameters
        ----------
        vector : ndarray of shape (n_parameters,), default=None
            What to spread, such as `gradients` or an optimizer's state; the
            parameters when None.

        Returns
        -------
        weights, biases : list of ndarray
            One a layer; pruned weights are exactly 0.
        """
        vector = self.parameters if vector is None else vector
        weights = [np.zeros(shape, vector.dtype) for shape in self.shapes]
        biases = [np.zeros(shape[0], vector.dtype) for shape in self.shapes]
        start = 0
        for layer, kind, _, positions in self._parts:
            stop = start + len(positions)
            (weights if kind == "weight" else biases)[layer].reshape(-1)[positions] = vector[
                start:stop
            ]
            start = stop
        return weights, biases

    def step(self, X, y, optimizer, *, rows=None, sample_weight=None):
        """Take one training step: gather, forward, loss, backward, update.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            The data. Fastest when contiguous and of the network's float type.
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        optimizer : SGD or Adam
            What to do with the gradients; anything with such an `update`.
        rows : ndarray of int, default=None
            The rows of X, y and `sample_weight` that are the batch; None: all.
        sample_weight : ndarray of shape (n_samples,), default=None
            The loss is the mean with these weights.

        Returns
        -------
        float
            The loss before the update.
        """
        loss = self.compute_gradients(X, y, rows=rows, sample_weight=sample_weight)
        optimizer.update(self.parameters, self.gradients)
        return loss

    def compute_gradients(self, X, y, *, rows=None, sample_weight=None):
        """Do as `step`, but without the update: set `gradients`.

        Parameters
        ----------
        X, y, rows, sample_weight
            As for `step`.

        Returns
        -------
        float
            The loss.
        """
        X, y, rows, scales = self._batch(X, y, rows, sample_weight)
        compute = _compute_gradients if self.n_threads == 1 else _compute_gradients_in_threads
        return compute(self, X, rows, y, scales)

    def predict(self, X, *, n_threads=None):
        """Compute the outputs: logits, or the values of a regression.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            The data.
        n_threads : int, default=None
            Number of threads that share the rows; None: as many as this process may
            use, where there are rows enough.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
        """
        outputs, _ = self._infer(X, None, n_threads)
        return outputs

    def evaluate(self, X, y, *, sample_weight=None, n_threads=None):
        """Compute the mean loss, and the outputs.

        Parameters
        ----------
        X, y, sample_weight
            As for `step`.
        n_threads : int, default=None
            As for `predict`.

        Returns
        -------
        loss : float
            The mean with these weights.
        outputs : ndarray of shape (n_samples, n_outputs)
            What `predict` returns.
        """
        outputs, losses = self._infer(X, y, n_threads)
        return float(np.average(losses, weights=sample_weight)), outputs

    def _batch(self, X, y, rows, sample_weight):
        """The arguments of a step as the compiled code needs them, checked."""
        self._check_data(X, y)
        if rows is None:
            rows = np.arange(len(X))
        else:
            rows = np.array(rows, np.int64)
            y = np.asarray(y)[rows]
        if not len(rows):
            raise ValueError("the batch is empty")
        if sample_weight is None:
            scales = np.full(len(rows), 1 / len(rows), self.dtype)
        else:
            weight = np.asarray(sample_weight, np.float64)[rows]
            scales = (weight / weight.sum()).astype(self.dtype)
        if not (isinstance(X, np.ndarray) and X.dtype == self.dtype and X.flags.c_contiguous):
            X = np.asarray(X)[rows]  # converts the batch alone
            rows = np.arange(len(rows))
        return self._data(X), self._targets(y), rows, scales

    def _check_data(self, X, y):
        if np.ndim(X) != 2 or X.shape[1] != self.shapes[0][1]:
            raise ValueError(
                f"X must have {self.shapes[0][1]} columns, got an array of shape {np.shape(X)}"
            )
        if y is not None and len(y) != len(X):
            raise ValueError(f"X and y must have the same length, got {len(X)} and {len(y)}")

    def _data(self, X):
        """`X` plain; a read-only array would be another type, compiled anew."""
        return as_writeable(np.ascontiguousarray(X, self.dtype))

    def _targets(self, y):
        """The targets as a new array of shape (n_samples, 1 or n_outputs)."""
        targets = np.array(y, self.dtype, order="C", ndmin=1)
        targets = targets.reshape(len(targets), -1)
        expected = 1 if self.loss == "cross_entropy" else self.shapes[-1][0]
        if targets.shape[1] != expected:
            raise ValueError(f"y must have {expected} columns, got shape {np.shape(y)}")
        return targets

    def _pattern(self):
        if self._compiled_pattern is None:
            self._compiled_pattern = _kernels().Pattern(*self._pattern_arrays)
        return self._compiled_pattern

    def _buffers(self):
        if self._workspace is None:
            kernels = _kernels()
            size = _n_units(self._layers) * kernels.COLUMNS
            self._workspace = kernels.Workspace(
                units=_aligned(size, self.dtype),
                deltas=_aligned(size, self.dtype),
                transposed=np.empty(self.n_active, self.dtype),
                losses=np.empty(kernels.COLUMNS),
            )
        return self._workspace

    def _threads(self):
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self.n_threads - 1, "skticket-kernels")
        return self._executor

    def _infer(self, X, y, n_threads):
        self._check_data(X, y)
        X = self._data(X)
        targets = np.empty((0, 1), self.dtype) if y is None else self._targets(y)
        losses = np.empty(len(targets))
        outputs = np.empty((len(X), self.shapes[-1][0]), self.dtype)
        columns = min(_PREDICTION_COLUMNS, -(-len(X) // 16) * 16)

        def infer(first, last):
            units = _aligned(_n_units(self._layers) * columns, self.dtype)
            _call(
                "infer",
                self._pattern(),
                units,
                self.parameters,
                _ACTIVATIONS[self.activation],
                _LOSSES[self.loss],
                X,
                first,
                last,
                targets,
                outputs,
                losses,
            )

        n_blocks = -(-len(X) // _PREDICTION_COLUMNS)
        most = n_blocks // 4  # fewer blocks a thread are done before it has started
        n_threads = min(n_threads or n_threads_allowed(), most) if most > 1 else 1
        if n_threads < 2:
            if len(X):
                infer(0, len(X))
            return outputs, losses
        bounds = [
            min(n_blocks * k // n_threads * _PREDICTION_COLUMNS, len(X))
            for k in range(n_threads + 1)
        ]
        with ThreadPoolExecutor(n_threads - 1) as executor:
            others = [executor.submit(infer, *bounds[k : k + 2]) for k in range(1, n_threads)]
            infer(*bounds[:2])
            for other in others:
                other.result()
        return outputs, losses


@dataclass(frozen=True)
class _Layer:
    """What of a layer is computed: units by their positions in the whole layer."""

    inputs: np.ndarray
    outputs: np.ndarray
    values: np.ndarray  # positions of the weights in the flattened dense array
    cut_off: np.ndarray  # the same of surviving weights that reach no output
    pointers: np.ndarray  # CSR of the computed units
    indices: np.ndarray


def _layers(masks):
    layers = []
    outputs = np.arange(len(masks[-1]))
    for mask in reversed(masks):
        mask = np.asarray(mask)
        rows = mask[outputs]
        inputs = np.flatnonzero(rows.any(axis=0))
        row, column = np.nonzero(rows[:, inputs])
        values = outputs[row] * mask.shape[1] + inputs[column]
        cut_off = mask.copy()
        cut_off.flat[values] = False
        layers.append(
            _Layer(
                inputs=inputs,
                outputs=outputs,
                values=values,
                cut_off=np.flatnonzero(cut_off),
                pointers=np.searchsorted(row, np.arange(len(outputs) + 1)),
                indices=column.astype(np.int32),
            )
        )
        outputs = inputs
    return layers[::-1]


def _parts(layers, shapes):
    """(layer, kind, whether it reaches an output, positions) of each part of `parameters`."""
    parts = []
    for number, layer in enumerate(layers):
        parts.append((number, "weight", True, layer.values))
        parts.append((number, "bias", True, layer.outputs))
    for number, layer in enumerate(layers[:-1]):
        others = np.setdiff1d(np.arange(shapes[number][0]), layer.outputs)
        parts.append((number, "weight", False, layer.cut_off))
        parts.append((number, "bias", False, others))
    return parts


def _n_units(layers):
    return len(layers[0].inputs) + sum(len(layer.outputs) for layer in layers)


def _pattern_arrays(layers):
    """The network's pattern as `_kernels_numba.Pattern` holds it: table and flat arrays."""
    table, pointers, indices = [], [], []
    n_pointers = n_indices = n_parameters = 0
    unit = 0
    for number, layer in enumerate(layers):
        n_in, n_out, n_values = len(layer.inputs), len(layer.outputs), len(layer.values)
        # Nobody needs the gradient of the first layer's inputs.
        transposed = _transposed(layer) if number > 0 else ()
        pointers += [layer.pointers, *transposed[:1]]
        indices += [layer.indices, *transposed[1:]]
        table.append(
            [
                n_out,
                unit,
                unit + n_in,
                n_parameters,
                n_parameters + n_values,
                n_pointers,
                n_indices,
                n_in,
                n_pointers + n_out + 1,
                n_indices + n_values,
                n_indices + 2 * n_values,
                n_values,
            ]
        )
        unit += n_in
        n_parameters += n_values + n_out
        n_pointers = sum(map(len, pointers))
        n_indices = sum(map(len, indices))
    return (
        np.array(table, np.int64),
        np.concatenate(pointers).astype(np.int64),
        np.concatenate(indices),
        layers[0].inputs.astype(np.int64),
    )


def _transposed(layer):
    """The transposed pattern: pointers, indices, and where among its values the layer's are."""
    numbers = np.arange(len(layer.values), dtype=np.int32)
    shape = len(layer.outputs), len(layer.inputs)
    pattern = csr_array((numbers, layer.indices, layer.pointers), shape).tocsc()
    places = np.empty_like(numbers)
    places[pattern.data] = numbers
    return pattern.indptr, pattern.indices, places


def _compute_gradients(network, X, rows, targets, scales):
    return _call(
        "compute_gradients",
        network._pattern(),
        network._buffers(),
        network.parameters,
        network.gradients,
        _ACTIVATIONS[network.activation],
        _LOSSES[network.loss],
        X,
        rows,
        targets,
        scales,
    )


def _compute_gradients_in_threads(network, X, rows, targets, scales):
    """The same, to the bit: threads share columns of the batch, then rows of the weights."""
    kernels = _kernels()
    pattern, workspace = network._pattern(), network._buffers()
    n_threads = network.n_threads

    def share(task):
        others = [network._threads().submit(task, k) for k in range(1, n_threads)]
        try:
            task(0)
        finally:
            wait(others)  # they use the buffers
        for other in others:
            other.result()

    _call("transpose_values", pattern, workspace, network.parameters)
    total = 0.0
    for start in range(0, len(rows), kernels.COLUMNS):
        tile = slice(start, start + kernels.COLUMNS)
        n_rows = len(rows[tile])
        n_vectors = -(-n_rows // kernels.LANES)

        def propagate(part, tile=tile, n_vectors=n_vectors):
            first, last = (n_vectors * k // n_threads * kernels.LANES for k in (part, part + 1))
            _call(
                "propagate",
                pattern,
                workspace,
                network.parameters,
                _ACTIVATIONS[network.activation],
                _LOSSES[network.loss],
                X,
                rows[tile],
                targets[tile],
                scales[tile],
                first,
                last,
            )

        def accumulate(part, n_rows=n_rows, again=start > 0):
            _call(
                "accumulate", pattern, workspace, network.gradients, n_rows, part, n_threads, again
            )

        share(propagate)
        share(accumulate)
        for loss in workspace.losses[:n_rows].tolist():
            total += loss
    return total


def _aligned(size, dtype):
    """An empty array that starts at a cache line: vectors then never straddle two."""
    itemsize = np.dtype(dtype).itemsize
    memory = np.empty(size * itemsize + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size * itemsize].view(dtype)


def as_writeable(array):
    """Return an array itself, or its memory in one that passes for writeable.

    For readers that do not take a read-only one. It must live as long as the result.

    Parameters
    ----------
    array : ndarray
        Contiguous.
    """
    if array.flags.writeable:
        return array
    if not array.nbytes:
        return array.copy()
    buffer = (ctypes.c_char * array.nbytes).from_address(array.ctypes.data)
    return np.ndarray(array.shape, array.dtype, buffer)


def n_threads_allowed():
    """Cores of this process; fewer where a limit is set, as joblib sets it in its workers."""
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(cpu_count(), int(limit)) if limit.isdecimal() else cpu_count()


@cache
def _kernels():
    from . import _kernels_numba

    return _kernels_numba


def _call(name, *arguments):
    function = getattr(_kernels(), name)
    if function.overloads:
        return function(*arguments)
    logger = logging.getLogger("skticket")
    logger.info("Preparing the compiled function %s: seconds at its first use ever", name)
    start = time.perf_counter()
    result = function(*arguments)
    how = "compiled" if function.stats.cache_misses else "loaded from the cache on disk"
    logger.info("%s was %s in %.1f s", name, how, time.perf_counter() - start)
    return result


def _check_network(weights, masks, biases, activation, loss):
    if activation not in _ACTIVATIONS:
        raise ValueError(f"activation must be one of {list(_ACTIVATIONS)}, got {activation!r}")
    if loss not in _LOSSES:
        raise ValueError(f"loss must be one of {list(_LOSSES)}, got {loss!r}")
    if not (len(weights) == len(masks) == len(biases) >= 1):
        raise ValueError(
            f"weights, masks and biases must have one array a layer, got {len(weights)}, "
            f"{len(masks)} and {len(biases)}"
        )
    n_in = np.shape(weights[0])[-1]
    for number, (weight, mask, bias) in enumerate(zip(weights, masks, biases)):
        shape = np.shape(weight)
        if np.shape(mask) != shape or np.shape(bias) != shape[:1] or shape[1:] != (n_in,):
            raise ValueError(
                f"layer {number}: weights of shape {shape}, mask {np.shape(mask)} and biases "
                f"{np.shape(bias)} do not fit {n_in} inputs"
            )
        if np.asarray(mask).dtype != bool:
            raise ValueError(f"layer {number}: the mask must be boolean")
        n_in = shape[0]
