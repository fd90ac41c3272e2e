"""A fully connected network of which only the surviving weights exist, compiled by Numba."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.sparse import issparse

from ..network import share_filled
from ..utils import n_threads_allowed, shared_tensor
from ._compiled import call, kernels
from ._pattern import (
    input_arrays,
    no_input_arrays,
    parameter_parts,
    pattern_arrays,
    pattern_layers,
    thread_bounds,
)
from ._tables import Activation, Loss, Settings
from ._team import with_helper

_PREDICTION_COLUMNS = 64
# Up to this share of inputs that are not 0, products of sparse rows skip the others; beyond, all
# are multiplied, without looking.
_RARE = 0.035


class SparseNetwork:
    """A fully connected network of which only the surviving weights exist.

    All surviving weights and the biases are one flat vector, `parameters`; what
    was pruned has no value, no gradient and no optimizer state. Only in a layer of
    which little was pruned it has them, and they are 0: whole matrices are faster.
    Hidden units from
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
    ticket : Ticket
        Masks and current weights of a chain of fully connected layers with biases.
    dtype : {numpy.float32, numpy.float64}, default=numpy.float32
        The float type of everything.
    activation : {"relu", "tanh", "logistic", "identity"}, default="relu"
        The hidden layers' activation. The outputs have none.
    loss : {"cross_entropy", "binary_cross_entropy", "squared_error"}, \
default="cross_entropy"
        Cross-entropy of a softmax over the outputs, the target being the number of
        a class; binary cross-entropy of the logistic function of an output, the
        target being 0 or 1; or the squared error (not halved). The latter two are
        means over the outputs where there are several.

    Attributes
    ----------
    parameters : ndarray of shape (n_parameters,)
        All values: of each layer the surviving weights, row by row, then the
        biases; last of all those that are cut off from the outputs. May be changed
        in place; but zeros of pruned weights must stay.
    gradients : ndarray of shape (n_parameters,)
        The gradient that `compute_gradients` computed last.
    n_active : int
        Number of parameters that are not cut off from the outputs.
    inputs : ndarray of int
        Positions of the inputs in use.

    Raises
    ------
    ValueError
        If the ticket is of another architecture.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket import Ticket
    >>> from skticket.engines import SparseNetwork
    >>> arrays = {
    ...     "0.weight": np.eye(2),
    ...     "0.bias": np.zeros(2),
    ...     "1.weight": np.array([[1.0, -1.0]]),
    ...     "1.bias": np.zeros(1),
    ... }
    >>> ticket = Ticket(arrays, {"0.weight": np.eye(2) > 0, "1.weight": np.ones((1, 2)) > 0})
    >>> network = SparseNetwork(ticket, loss="squared_error")
    >>> X = np.array([[3.0, 1.0], [1.0, 2.0]])
    >>> network.predict(X)
    array([[ 2.], [-1.]], dtype=float32)
    >>> network.compute_gradients(X, np.array([1.0, 0.0]))
    1.0
    >>> network.to_arrays(network.gradients)["1.bias"]
    array([0.], dtype=float32)
    """

    def __init__(self, ticket, *, dtype=np.float32, activation="relu", loss="cross_entropy"):
        _check_layers(ticket)
        # Plain numbers: the compiled code would take an enumeration for a type of its own.
        self.activation = int(Activation[activation])
        self.loss = int(Loss[loss])
        masks = list(ticket.mask.values())
        self.shapes = [mask.shape for mask in masks]
        layers = pattern_layers(masks)
        self.inputs = layers[0].inputs
        parts = parameter_parts(layers, ticket.layers)
        self.n_active = sum(len(part.positions) for part in parts if part.is_active)
        # Where in which array each part of the parameters has its place.
        self._parts = [(part.name, part.positions) for part in parts]
        self._survives = np.concatenate([part.survives for part in parts])
        self._shapes = {name: ticket.initial[name].shape for name, _ in self._parts}
        self._n_units = len(self.inputs) + sum(len(layer.outputs) for layer in layers)
        self.parameters = np.empty(sum(len(positions) for _, positions in self._parts), dtype)
        self.set_arrays(ticket.weights)
        self.gradients = np.zeros_like(self.parameters)
        self._pattern_arrays = pattern_arrays(layers)
        self._compiled_patterns = {}
        self._workspace = None

    def __getstate__(self):
        # What is made at the first use; the work space is many times as large as the parameters.
        return vars(self) | {"_compiled_patterns": {}, "_workspace": None}

    @property
    def dtype(self):
        """The float type of everything."""
        return self.parameters.dtype

    def set_arrays(self, arrays):
        """Set all parameters, in place, from a dense network's arrays.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Weights and biases by the ticket's names; pruned weights are ignored.
        """
        self.parameters[:] = self.to_vector(arrays)

    def to_vector(self, arrays):
        """Gather a vector of the parameters' form from dense arrays, as `to_arrays` spreads it.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            By the ticket's names; what belongs to pruned weights is ignored.

        Returns
        -------
        ndarray of shape (n_parameters,)
        """
        parts = [np.ravel(arrays[name])[positions] for name, positions in self._parts]
        vector = np.concatenate(parts, dtype=self.dtype, casting="unsafe")
        vector[~self._survives] = 0
        return vector

    def to_arrays(self, vector=None):
        """Spread the parameters over dense arrays.

        Parameters
        ----------
        vector : ndarray of shape (n_parameters,), default=None
            What to spread, such as `gradients` or an optimizer's state; the
            parameters when None.

        Returns
        -------
        dict of str to ndarray
            Weights and biases by the ticket's names; pruned weights are exactly 0.
        """
        vector = self.parameters if vector is None else vector
        arrays = {name: np.zeros(shape, vector.dtype) for name, shape in self._shapes.items()}
        start = 0
        for name, positions in self._parts:
            stop = start + len(positions)
            arrays[name].reshape(-1)[positions] = vector[start:stop]
            start = stop
        return arrays

    def compute_gradients(self, X, y, *, rows=None, sample_weight=None):
        """Set `gradients` to those of the mean loss of a batch: gather, forward, loss, backward.

        Parameters
        ----------
        X : ndarray, csr_array or csr_matrix of shape (n_samples, n_features)
            The data. Fastest when contiguous and of the network's float type. The same
            numbers give the same bits, sparse or not.
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        rows : ndarray of int, default=None
            The rows of X, y and `sample_weight` that are the batch; None: all.
        sample_weight : ndarray of shape (n_samples,), default=None
            The loss is the mean with these weights.

        Returns
        -------
        float
            The loss.
        """
        rows = np.arange(X.shape[0]) if rows is None else rows
        state = [self.parameters[:0]] * 2
        return float(self._run(X, y, rows, len(rows), sample_weight, 1, state, Settings(), 0)[0])

    def take_steps(self, X, y, optimizer, *, rows, batch_size, sample_weight=None, n_threads=1):
        """Take steps of an optimizer, one a batch; to the bit, as if each were taken by itself.

        Parameters
        ----------
        X, y, sample_weight
            As for `compute_gradients`.
        optimizer : CompiledSGD or CompiledAdam
            Of `parameters`.
        rows : ndarray of int
            The rows of all batches, in order.
        batch_size : int
            How many a batch has; the last one may have fewer.
        n_threads : {1, 2}, default=1
            How many threads share each step.

        Returns
        -------
        ndarray of shape (n_steps,)
            The loss of each batch, before its step.
        """
        n_before = optimizer.count(-(-len(rows) // batch_size))
        options = optimizer.state_arrays, optimizer.settings(), n_before
        return self._run(X, y, rows, batch_size, sample_weight, n_threads, *options)

    def _run(self, X, y, rows, batch_size, sample_weight, n_threads, state, settings, n_before):
        """Compute the losses and gradients of batches, and take the steps there are."""
        X, y, rows, scales = self._batches(X, y, rows, batch_size, sample_weight)
        losses = np.empty(-(-len(rows) // batch_size))
        vectors = kernels().Vectors(self.parameters, self.gradients, *state)
        data = self._examples(X, rows, y, scales)

        has_tiles = n_threads > 1 and batch_size >= 2 * kernels().COLUMNS
        pattern, workspace = self._pattern(issparse(X)), self._buffers(has_tiles)
        bounds, signals = thread_bounds(self._pattern_arrays), np.zeros(32, np.int64)

        def take(part):
            call(
                "take_steps",
                kernels().Team(part, bounds, signals, self._block()),
                pattern,
                workspace,
                vectors,
                settings,
                n_before,
                data,
                batch_size,
                losses,
            )

        if n_threads > 1:
            with_helper(take, signals, kernels().OVER)
        else:
            take(0)
        return losses

    def _examples(self, X, rows, targets, scales):
        places = np.empty(0, np.int64), np.empty(0, np.int32)
        if issparse(X):
            places = _plain(X.indptr, np.int64), _plain(X.indices, np.int32)
        return kernels().Examples(
            _plain(X.data, self.dtype) if issparse(X) else X.reshape(-1),
            *places,
            share_filled(X) <= _RARE,
            X.shape[1],
            rows,
            targets.reshape(-1),
            targets.shape[1],
            scales,
        )

    def _block(self):
        return _aligned(kernels().LANES ** 2, self.dtype)

    def predict(self, X, *, n_threads=None):
        """Compute the outputs: logits, or the values of a regression.

        Parameters
        ----------
        X : ndarray, csr_array or csr_matrix of shape (n_samples, n_features)
            The data.
        n_threads : int, default=None
            Number of threads that share the rows; None: as many as this process may
            use, where there are rows enough.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
        """
        self._check_data(X)
        X = self._data(X)
        n_rows = X.shape[0]
        outputs = np.empty((n_rows, self.shapes[-1][0]), self.dtype)
        nothing = np.empty((0, 1), self.dtype)
        data = self._examples(X, np.arange(n_rows), nothing, nothing[:, 0])
        pattern = self._pattern(issparse(X))
        columns = min(_PREDICTION_COLUMNS, -(-n_rows // 16) * 16)

        def infer(first, last):
            call(
                "infer",
                pattern,
                _aligned(self._n_units * columns, self.dtype),
                self._block(),
                np.empty(len(self.inputs), np.uint8),
                self.parameters,
                data,
                first,
                last,
                outputs.reshape(-1),
            )

        n_blocks = -(-n_rows // _PREDICTION_COLUMNS)
        most = n_blocks // 4  # fewer blocks a thread are done before it has started
        n_threads = min(n_threads or n_threads_allowed(), most) if most > 1 else 1
        if n_threads < 2:
            if n_rows:
                infer(0, n_rows)
            return outputs
        bounds = [
            min(n_blocks * k // n_threads * _PREDICTION_COLUMNS, n_rows)
            for k in range(n_threads + 1)
        ]
        with ThreadPoolExecutor(n_threads - 1) as executor:
            others = [executor.submit(infer, *bounds[k : k + 2]) for k in range(1, n_threads)]
            infer(*bounds[:2])
            for other in others:
                other.result()
        return outputs

    def _batches(self, X, y, rows, batch_size, sample_weight):
        """The arguments of steps as the compiled code needs them, checked."""
        self._check_data(X)
        if len(y) != X.shape[0]:
            raise ValueError(f"X and y must have the same length, got {X.shape[0]} and {len(y)}")
        if not len(rows):
            raise ValueError("the batch is empty")
        rows = np.array(rows, np.int64)
        if rows.min() < 0 or rows.max() >= X.shape[0]:
            raise IndexError("rows must be positions of rows of X, not negative")
        y = np.asarray(y)[rows]
        scales = self._scales(rows, batch_size, sample_weight)
        if not (X.dtype == self.dtype and (issparse(X) or X.flags.c_contiguous)):
            X, rows = X[rows], np.arange(len(rows))  # the batch alone is converted
        return self._data(X), self._targets(y), rows, scales

    def _scales(self, rows, batch_size, sample_weight):
        """The part of each row in the mean of its batch."""
        whole = len(rows) - len(rows) % batch_size
        if sample_weight is None:
            weight = np.ones(len(rows))
        else:
            weight = np.asarray(sample_weight, np.float64)[rows]
        batches = weight[:whole].reshape(-1, batch_size), weight[whole:].reshape(1, -1)
        shares = [part / part.sum(axis=1, keepdims=True) for part in batches if part.size]
        return np.concatenate([part.reshape(-1) for part in shares]).astype(self.dtype)

    def _check_data(self, X):
        if np.ndim(X) != 2 or X.shape[1] != self.shapes[0][1]:
            raise ValueError(
                f"X must have {self.shapes[0][1]} columns, got an array of shape {np.shape(X)}"
            )

    def _data(self, X):
        return X if issparse(X) else _plain(X, self.dtype)

    def _targets(self, y):
        """The targets as a new array of shape (n_samples, 1 or n_outputs)."""
        targets = np.array(y, self.dtype, order="C", ndmin=1)
        targets = targets.reshape(len(targets), -1)
        expected = 1 if self.loss == Loss.cross_entropy else self.shapes[-1][0]
        if targets.shape[1] != expected:
            raise ValueError(f"y must have {expected} columns, got shape {np.shape(y)}")
        if self.loss == Loss.cross_entropy:
            if not (targets.min() >= 0 and targets.max() < self.shapes[-1][0]):
                raise ValueError("y must be class numbers, from 0 to one less than the outputs")
        return targets

    def _pattern(self, is_sparse):
        if is_sparse not in self._compiled_patterns:
            by_input = no_input_arrays()
            if is_sparse:
                by_input = input_arrays(self._pattern_arrays, self._survives, self.shapes[0][1])
            self._compiled_patterns[is_sparse] = kernels().Pattern(
                *self._pattern_arrays,
                self._survives.view(np.uint8),
                *by_input,
                self.activation,
                self.loss,
            )
        return self._compiled_patterns[is_sparse]

    def _buffers(self, has_tiles_of_its_own):
        """All buffers; those of a second thread where it has tiles of its own."""
        if self._workspace is None:
            transposed = np.empty(self.n_active, self.dtype)
            self._workspace = kernels().Workspace(self._tile(1), self._tile(0), transposed)
        if has_tiles_of_its_own and not len(self._workspace.second.units):
            turns = kernels().MOST_TURNS
            self._workspace = self._workspace._replace(
                first=self._tile(turns), second=self._tile(turns)
            )
        return self._workspace

    def _tile(self, n_turns):
        columns = kernels().COLUMNS if n_turns else 0
        return kernels().Tile(
            units=_aligned(self._n_units * columns, self.dtype),
            deltas=_aligned(self._n_units * columns, self.dtype),
            filled=np.empty(2 * len(self.inputs), np.uint8),
            losses=np.empty(n_turns * columns),
            gradients=_aligned(n_turns * len(self.parameters), self.dtype),
        )


def _plain(array, dtype):
    """An array as the compiled code takes it; a read-only one would be of another type to it."""
    array = np.ascontiguousarray(array, dtype)
    return array if array.flags.writeable else shared_tensor(array).numpy()


def _aligned(size, dtype):
    """An empty array that starts at a cache line: vectors then never straddle two."""
    itemsize = np.dtype(dtype).itemsize
    memory = np.empty(size * itemsize + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size * itemsize].view(dtype)


def _check_layers(ticket):
    shapes = {name: array.shape for name, array in ticket.initial.items()}
    has_biases = all(
        layer.bias is not None and shapes[layer.bias] == shapes[layer.weight][:1]
        for layer in ticket.layers
    )
    if not (ticket.is_chain and has_biases):
        raise ValueError(
            "a sparse network needs a ticket of fully connected layers with biases, each feeding "
            f"the next; got arrays of shapes {shapes}"
        )
