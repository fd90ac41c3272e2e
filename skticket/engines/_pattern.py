"""What of a ticket is computed, and where its values lie in flat arrays."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from ..ticket import reaching_units
from ._tables import LAYER_TABLE

# From this density on, a layer's pruned weights are computed, too, as zeros: full matrices are that
# much faster.
_FULL = 0.6
_INPUT_DTYPES = np.int32, np.int64, np.int32, np.int32, np.int64


@dataclass(frozen=True)
class PatternLayer:
    """What of a layer is computed: units by their positions in the whole layer."""

    inputs: np.ndarray
    outputs: np.ndarray
    values: np.ndarray  # positions of the weights in the flattened dense array
    survives: np.ndarray  # whether each was not pruned; all of them, but where a layer is filled
    cut_off: np.ndarray  # the same of surviving weights that reach no output
    unused: np.ndarray  # units that reach no output
    pointers: np.ndarray  # CSR of the computed units
    indices: np.ndarray


def pattern_layers(masks):
    """Return what is computed of each layer: only what reaches an output."""
    units = [np.flatnonzero(reaching) for reaching in reaching_units(masks)]
    return [
        _pattern_layer(mask, inputs, outputs)
        for mask, inputs, outputs in zip(masks, units, units[1:], strict=False)
    ]


def _pattern_layer(mask, inputs, outputs):
    block = mask[np.ix_(outputs, inputs)]
    is_filled = block.size and block.mean() >= _FULL
    row, column = np.nonzero(np.ones_like(block) if is_filled else block)
    values = outputs[row] * mask.shape[1] + inputs[column]
    cut_off = mask.copy()
    cut_off.flat[values] = False
    return PatternLayer(
        inputs=inputs,
        outputs=outputs,
        values=values,
        survives=block[row, column],
        cut_off=np.flatnonzero(cut_off),
        unused=np.setdiff1d(np.arange(len(mask)), outputs),
        pointers=np.searchsorted(row, np.arange(len(outputs) + 1)),
        indices=column.astype(np.int32),
    )


class Part(NamedTuple):
    """What of an array is a stretch of the flat parameters."""

    name: str  # of the array
    positions: np.ndarray  # in the flattened array
    survives: np.ndarray  # whether each is trained; the others are 0
    is_active: bool  # whether it reaches an output


def parameter_parts(layers, names):
    """Return the parts of a network's parameters, those that reach an output first.

    Parameters
    ----------
    layers : list of PatternLayer
        What is computed.
    names : list of Layer
        The ticket's names of their arrays.

    Returns
    -------
    list of Part
    """
    whole = lambda positions: np.ones(len(positions), bool)  # noqa: E731
    parts = []
    for layer, name in zip(layers, names, strict=True):
        parts.append(Part(name.weight, layer.values, layer.survives, True))
        parts.append(Part(name.bias, layer.outputs, whole(layer.outputs), True))
    for layer, name in zip(layers[:-1], names, strict=False):
        parts.append(Part(name.weight, layer.cut_off, whole(layer.cut_off), False))
        parts.append(Part(name.bias, layer.unused, whole(layer.unused), False))
    return parts


def pattern_arrays(layers):
    """Return the pattern as the compiled code holds it: table and flat arrays."""
    table = np.zeros(len(layers), LAYER_TABLE)
    pointers, indices = [], []
    unit = n_parameters = 0
    for number, (row, layer) in enumerate(zip(table, layers, strict=True)):
        n_in, n_out, n_values = len(layer.inputs), len(layer.outputs), len(layer.values)
        row["n_in"], row["n_out"], row["n_values"] = n_in, n_out, n_values
        row["n_pruned"] = n_values - layer.survives.sum()
        row["input"], row["output"] = unit, unit + n_in
        row["values"], row["biases"] = n_parameters, n_parameters + n_values
        row["pointers"] = _append(pointers, layer.pointers)
        row["indices"] = _append(indices, layer.indices)
        # Nobody needs the gradient of the first layer's inputs.
        if number > 0:
            pointers_t, indices_t, places_t = _transposed(layer)
            row["pointers_t"] = _append(pointers, pointers_t)
            row["indices_t"] = _append(indices, indices_t)
            row["places_t"] = _append(indices, places_t)
        unit += n_in
        n_parameters += n_values + n_out
    return (
        table,
        np.concatenate(pointers).astype(np.int64),
        np.concatenate(indices),
        layers[0].inputs.astype(np.int64),
    )


def input_arrays(arrays, survives, n_features):
    """Return the first layer input by input, as rows of a sparse matrix need it.

    Parameters
    ----------
    arrays : tuple of ndarray
        From `pattern_arrays`.
    survives : ndarray of bool
        Which of the first layer's values were not pruned; the others are left out.
    n_features : int
        Features of a row.

    Returns
    -------
    places : ndarray of shape (n_features,)
        Of each feature among the inputs; -1 of one that is not used.
    pointers, units, values : ndarray
        CSC: the units that an input leads to, and where among the layer's values theirs are.
    middles : ndarray of shape (n_inputs,)
        Where a second thread's units begin; see `thread_bounds`.
    """
    table, pointers, indices, inputs = arrays
    places = np.full(n_features, -1, np.int32)
    places[inputs] = np.arange(len(inputs))
    first = table[0]
    by_input = _numbered(pointers[: first["n_out"] + 1], indices[: first["n_values"]], len(inputs))
    is_there = survives[by_input.data]
    pointers = np.append(0, np.cumsum(is_there))[by_input.indptr]
    units, values = by_input.indices[is_there], by_input.data[is_there]
    n_before = np.append(0, np.cumsum(units < thread_bounds(arrays)[0]))
    middles = pointers[:-1] + np.diff(n_before[pointers])
    found = places, pointers, units, values, middles
    return [array.astype(dtype) for array, dtype in zip(found, _INPUT_DTYPES, strict=True)]


def no_input_arrays():
    """Return arrays that are none, of the types of `input_arrays`."""
    return [np.empty(0, dtype) for dtype in _INPUT_DTYPES]


def thread_bounds(arrays):
    """Return the rows at which each layer is halved, by the number of values."""
    table, pointers = arrays[:2]
    return np.array(
        [
            np.searchsorted(pointers[row["pointers"] :][: row["n_out"]], row["n_values"] // 2)
            for row in table
        ]
    )


def _append(parts, part):
    """Append to the parts of a flat array; return where the part begins there."""
    start = sum(map(len, parts))
    parts.append(part)
    return start


def _transposed(layer):
    """The transposed pattern: pointers, indices, and where among its values the layer's are."""
    pattern = _numbered(layer.pointers, layer.indices, len(layer.inputs))
    places = np.empty_like(pattern.data)
    places[pattern.data] = np.arange(len(places))
    return pattern.indptr, pattern.indices, places


def _numbered(pointers, indices, n_columns):
    """The numbers of a CSR matrix's values, as a CSC matrix."""
    numbers = np.arange(len(indices), dtype=np.int32)
    return csr_array((numbers, indices, pointers), (len(pointers) - 1, n_columns)).tocsc()
