"""The value that everything else takes and returns: a `Ticket`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from .utils import read_ticket_file, replacing, ticket_to_bytes

__all__ = ["Layer", "Ticket", "check_ticket", "reaching_units"]


class Layer(NamedTuple):
    """The names of a layer's parameters.

    Attributes
    ----------
    weight : str
        Of its prunable weight.
    bias : str or None
        Of its bias, if it has one.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket import Ticket
    >>> Ticket.full({"0.weight": np.ones((2, 3)), "0.bias": np.zeros(2)}, ["0.weight"]).layers
    [Layer(weight='0.weight', bias='0.bias')]
    """

    weight: str
    bias: str | None


def reaching_units(masks):
    """Return which units of a chain of fully connected layers reach an output.

    Parameters
    ----------
    masks : sequence of ndarray of bool, shape (n_out, n_in)
        Of each layer, from input to output.

    Returns
    -------
    list of ndarray of bool
        A unit of each layer, inputs first, reaches an output if a path of surviving
        weights leads there; the outputs themselves come last.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket.ticket import reaching_units
    >>> reaching_units([np.array([[True, False], [False, True]]), np.array([[True, False]])])
    [array([ True, False]), array([ True, False]), array([ True])]
    """
    reaching = [np.ones(len(masks[-1]), bool)]
    for mask in reversed(masks):
        reaching.append(mask[reaching[-1]].any(axis=0))
    return reaching[::-1]


def _copied(array, mask=None):
    """A read-only copy of an array, exactly 0 wherever `mask` is False."""
    array = np.asarray(array)
    copy = array.copy() if mask is None else np.where(mask, array, np.zeros((), array.dtype))
    copy.flags.writeable = False
    # What owns its values can be made writeable again; a view of what is read-only can not.
    return copy.view()


def _copies(arrays, mask):
    return MappingProxyType({n: _copied(array, mask.get(n)) for n, array in arrays.items()})


def _same(first, second):
    return first.keys() == second.keys() and all(
        first[name].dtype == second[name].dtype
        and first[name].shape == second[name].shape
        and first[name].tobytes() == second[name].tobytes()
        for name in first
    )


@dataclass(frozen=True, eq=False)
class Ticket:
    """A network's initial weights, its masks, and its current weights.

    A ticket is immutable: its arrays are read-only copies, and every step
    (pruning, rewinding, training) returns a new ticket. Pruned weights are no
    part of it: in `initial`, `weights` and `checkpoints` they are exactly 0, and
    only `mask` says which weights survive.

    Parameters
    ----------
    initial : mapping of str to ndarray
        The initial value (θ0) of every parameter, by the parameter's name, in
        the order of the network from input to output. Biases and other state
        (such as the statistics of a batch normalization) are included.
    mask : mapping of str to ndarray of bool
        For each prunable weight, an array of its shape: True where it survives.
        The last one is the output layer's. Biases are never prunable.
    weights : mapping of str to ndarray, default=None
        The current value of every parameter; `initial` when None.
    checkpoints : mapping of int to mapping of str to ndarray, default={}
        Values of every parameter after so many optimizer steps of the full
        network's training, for rewinding to that step.

    Attributes
    ----------
    density : float
        Surviving prunable weights divided by all prunable weights, in [0, 1].
    n_weights : int
        Number of surviving prunable weights.
    layer_densities : dict of str to float
        `density` of each prunable weight array.

    Raises
    ------
    ValueError
        If names or shapes of the arrays do not fit together.

    References
    ----------
    .. [1] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis: Training
       Pruned Neural Networks", arXiv:1803.03635v1, 2018, section 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skticket import Ticket
    >>> ticket = Ticket(
    ...     initial={"weight": np.array([[0.5, -1.0]])},
    ...     mask={"weight": np.array([[True, False]])},
    ... )
    >>> ticket
    Ticket(density=0.5, n_weights=1)
    >>> ticket.weights["weight"]
    array([[0.5, 0. ]])
    """

    initial: Mapping[str, np.ndarray]
    mask: Mapping[str, np.ndarray]
    weights: Mapping[str, np.ndarray] = None
    checkpoints: Mapping[int, Mapping[str, np.ndarray]] = field(default_factory=dict)

    def __post_init__(self):
        mask = {name: np.asarray(array) for name, array in self.mask.items()}
        weights = self.initial if self.weights is None else self.weights
        checkpoints = {int(step): arrays for step, arrays in self.checkpoints.items()}
        _check_masks(self.initial, mask)
        for values in (weights, *checkpoints.values()):
            _check_like_initial(values, self.initial)
        for name, value in (
            ("mask", _copies(mask, {})),
            ("initial", _copies(self.initial, mask)),
            ("weights", _copies(weights, mask)),
            (
                "checkpoints",
                MappingProxyType(
                    {step: _copies(arrays, mask) for step, arrays in checkpoints.items()}
                ),
            ),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def full(cls, initial, prunable):
        """Return the ticket of a full network, of which nothing is pruned or trained.

        Parameters
        ----------
        initial : mapping of str to ndarray
            As for the constructor.
        prunable : iterable of str
            Names of the weights that can be pruned, from input to output.

        Returns
        -------
        Ticket
        """
        return cls(initial, {name: np.ones(np.shape(initial[name]), bool) for name in prunable})

    @property
    def layers(self):
        """The layers that can be pruned, from input to output: a list of `Layer`."""
        biases = {name: name.removesuffix("weight") + "bias" for name in self.mask}
        return [
            Layer(name, bias if bias in self.initial else None) for name, bias in biases.items()
        ]

    @property
    def is_chain(self):
        """Whether the layers are fully connected, each feeding the next."""
        masks = list(self.mask.values())
        return all(mask.ndim == 2 for mask in masks) and all(
            len(first) == second.shape[1] for first, second in pairwise(masks)
        )

    @property
    def living_units(self):
        """Which units of each hidden layer of a chain have surviving weights, by the layer.

        A dict of the name of the weight into a layer to an ndarray of bool.
        """
        return {
            name: mask.any(axis=1) | following.any(axis=0)
            for (name, mask), following in zip(self.mask.items(), [*self.mask.values()][1:])
        }

    @cached_property
    def n_weights(self):
        """Number of surviving prunable weights."""
        return sum(int(np.count_nonzero(mask)) for mask in self.mask.values())

    @property
    def density(self):
        """Surviving prunable weights divided by all prunable weights."""
        return self.n_weights / sum(mask.size for mask in self.mask.values())

    @property
    def layer_densities(self):
        """The density of each prunable weight array, by its name."""
        return {name: float(mask.mean()) for name, mask in self.mask.items()}

    def __repr__(self):
        return f"Ticket(density={self.density:.4g}, n_weights={self.n_weights})"

    def __eq__(self, other):
        """Whether two tickets hold the same values, to the bit, and the same order of masks."""
        if not isinstance(other, Ticket):
            return NotImplemented
        return (
            _same(self.initial, other.initial)
            and list(self.mask) == list(other.mask)
            and _same(self.mask, other.mask)
            and _same(self.weights, other.weights)
            and self.checkpoints.keys() == other.checkpoints.keys()
            and all(_same(self.checkpoints[k], other.checkpoints[k]) for k in self.checkpoints)
        )

    __hash__ = None

    def __reduce__(self):
        checkpoints = {step: dict(arrays) for step, arrays in self.checkpoints.items()}
        return Ticket, (dict(self.initial), dict(self.mask), dict(self.weights), checkpoints)

    def save(self, path):
        """Write the ticket to a safetensors file.

        Only what survives is stored: the values of surviving weights, and the
        masks at one bit a weight. The file appears whole or not at all. The same
        ticket gives the same bytes, and a checksum of them is among them.

        Parameters
        ----------
        path : str or os.PathLike
            The file to write.

        Raises
        ------
        ValueError
            If an array cannot be saved: neither boolean nor of real numbers, or a
            weight array without weights.
        OSError
            If the file cannot be written.
        """
        content = ticket_to_bytes(self.initial, self.mask, self.weights, self.checkpoints)
        with replacing(path) as temporary:
            temporary.write_bytes(content)

    @classmethod
    def load(cls, path):
        """Read a ticket that `save` has written.

        Parameters
        ----------
        path : str or os.PathLike
            The file to read.

        Returns
        -------
        Ticket
            Equal to the saved one, to the bit.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is no ticket, is one of another version, or is damaged.
        """
        parts = read_ticket_file(path)
        try:
            return cls(*parts)
        except ValueError as error:
            raise ValueError(f"{path} is not a ticket, or is damaged: {error}") from error


def check_ticket(ticket):
    """Raise an error for what is no ticket, such as the `X` of other transformers.

    Parameters
    ----------
    ticket : object
        What may be a `Ticket`.

    Raises
    ------
    TypeError
        If it is none.

    Examples
    --------
    >>> from skticket.ticket import check_ticket
    >>> check_ticket([[0.5, 1.0]])
    Traceback (most recent call last):
    TypeError: ticket must be a skticket.Ticket, got list
    """
    if not isinstance(ticket, Ticket):
        raise TypeError(f"ticket must be a skticket.Ticket, got {type(ticket).__name__}")


def _check_masks(initial, masks):
    if not masks:
        raise ValueError("mask is empty: a ticket needs at least one prunable weight array")
    for name, mask in masks.items():
        if name not in initial:
            raise ValueError(f"mask names {name!r}, which is not among {sorted(initial)}")
        if mask.dtype != bool:
            raise ValueError(f"mask[{name!r}] must be boolean, got dtype {mask.dtype}")
        if mask.shape != np.shape(initial[name]):
            raise ValueError(
                f"mask and initial of {name!r} must have one shape, got {mask.shape} and "
                f"{np.shape(initial[name])}"
            )


def _check_like_initial(values, initial):
    if values.keys() != initial.keys():
        raise ValueError(
            "weights, checkpoints and initial must have the same names, got "
            f"{sorted(values)} and {sorted(initial)}"
        )
    for name in initial:
        if np.shape(values[name]) != np.shape(initial[name]):
            raise ValueError(
                f"weights, checkpoints and initial of {name!r} must have one shape, got "
                f"{np.shape(values[name])} and {np.shape(initial[name])}"
            )
