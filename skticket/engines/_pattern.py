"""What of a ticket is computed, and where its values lie in flat arrays."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from ..ticket import reaching_units
from ._tables import LAYER_TABLE


@dataclass(frozen=True)
class PatternLayer:
    """What of a layer is computed: units by their positions in the whole layer."""

    inputs: np.ndarray
    outputs: np.ndarray
    values: np.ndarray  # positions of the weights in the flattened dense array
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
    row, column = np.nonzero(mask[np.ix_(outputs, inputs)])
    values = outputs[row] * mask.shape[1] + inputs[column]
    cut_off = mask.copy()
    cut_off.flat[values] = False
    return PatternLayer(
        inputs=inputs,
        outputs=outputs,
        values=values,
        cut_off=np.flatnonzero(cut_off),
        unused=np.setdiff1d(np.arange(len(mask)), outputs),
        pointers=np.searchsorted(row, np.arange(len(outputs) + 1)),
        indices=column.astype(np.int32),
    )


class Part(NamedTuple):
    """What of an array is a stretch of the flat parameters."""

    name: str  # of the array
    positions: np.ndarray  # in the flattened array
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
    parts = []
    for layer, name in zip(layers, names, strict=True):
        parts.append(Part(name.weight, layer.values, True))
        parts.append(Part(name.bias, layer.outputs, True))
    for layer, name in zip(layers[:-1], names, strict=False):
        parts.append(Part(name.weight, layer.cut_off, False))
        parts.append(Part(name.bias, layer.unused, False))
    return parts


def pattern_arrays(layers):
    """Return the pattern as the compiled code holds it: table and flat arrays."""
    table = np.zeros(len(layers), LAYER_TABLE)
    pointers, indices = [], []
    unit = n_parameters = 0
    for number, (row, layer) in enumerate(zip(table, layers, strict=True)):
        n_in, n_out, n_values = len(layer.inputs), len(layer.outputs), len(layer.values)
        row["n_in"], row["n_out"], row["n_values"] = n_in, n_out, n_values
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


def _append(parts, part):
    """Append to the parts of a flat array; return where the part begins there."""
    start = sum(map(len, parts))
    parts.append(part)
    return start


def _transposed(layer):
    """The transposed pattern: pointers, indices, and where among its values the layer's are."""
    numbers = np.arange(len(layer.values), dtype=np.int32)
    shape = len(layer.outputs), len(layer.inputs)
    pattern = csr_array((numbers, layer.indices, layer.pointers), shape).tocsc()
    places = np.empty_like(numbers)
    places[pattern.data] = numbers
    return pattern.indptr, pattern.indices, places
