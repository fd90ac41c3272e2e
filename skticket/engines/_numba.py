"""The compiled part of the sparse engine; importing it imports Numba.

Activations are stored units x batch: the batch is the contiguous axis, padded to
whole vectors, so that one surviving weight means a few vector multiply-adds and
nothing else. All of a network's layers lie in flat arrays described by one table,
which makes a single compilation serve networks of any depth.

No function here uses `fastmath`: a diverged training must show as NaN. Sums are
taken in an order that depends on the data's shape alone, never on threads.
"""

import math
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

from ._disk_cache import compiled
from ._tables import Activation, Loss, Rule

LANES = 16  # batch columns in one vector; the padding of the batch
COLUMNS = 128  # at most so many batch columns at once: one layer's input stays in the L2 cache

# Types of blocks: their lengths count.
ONE, TWO, FOUR, SEVEN, EIGHT = (0,), (0,) * 2, (0,) * 4, (0,) * 7, (0,) * 8

IDENTITY, RELU, TANH, LOGISTIC = map(int, Activation)
CROSS_ENTROPY, BINARY_CROSS_ENTROPY, SQUARED_ERROR = map(int, Loss)
_, SGD, ADAM = map(int, Rule)


class Pattern(NamedTuple):
    """What is connected to what: fixed while the values train."""

    layers: np.ndarray
    pointers: np.ndarray
    indices: np.ndarray
    inputs: np.ndarray


class Workspace(NamedTuple):
    """Buffers of one training, used again in every step."""

    units: np.ndarray
    deltas: np.ndarray
    transposed: np.ndarray
    losses: np.ndarray


# Vectors ----------------------------------------------------------------------------------
#
# LLVM's loop vectorizer keeps the sums of a sparse row in memory. As values of a type of
# their own they stay in registers, which doubles the speed. LLVM maps a vector of 16 to
# whatever the processor has.


class _Vector(types.Type):
    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(name=f"skticket.Vector({dtype})")


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        element = manager[vector.dtype].get_value_type()
        super().__init__(manager, vector, ir.VectorType(element, LANES))


def _pointer(context, builder, array_type, array, index):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index])


def _load_vector(context, builder, array_type, array, index):
    vector = context.get_value_type(_Vector(array_type.dtype))
    address = _pointer(context, builder, array_type, array, index)
    # Aligned as an element only: the caller's rows start anywhere.
    return builder.load(
        builder.bitcast(address, vector.as_pointer()), align=array_type.dtype.bitwidth // 8
    )


def _store_vector(context, builder, array_type, array, index, vector):
    address = _pointer(context, builder, array_type, array, index)
    builder.store(
        vector,
        builder.bitcast(address, vector.type.as_pointer()),
        align=array_type.dtype.bitwidth // 8,
    )


def _pick(builder, first, second, lanes):
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))
    return builder.shuffle_vector(first, second, lanes)


def _fold(builder, first, second, low, step):
    """Add lanes `low` of two vectors to the lanes `step` further on."""
    high = [lane + step for lane in low]
    return builder.fadd(_pick(builder, first, second, low), _pick(builder, first, second, high))


def _splat_vector(context, builder, element_type, value):
    vector = context.get_value_type(_Vector(element_type))
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return _pick(builder, first, undefined, [0] * LANES)


def _fused(builder, first, second, third):
    """`first * second + third`, in one instruction where there is one."""
    name = "f32" if first.type.element == ir.FloatType() else "f64"
    function = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(first.type, [first.type] * 3),
        f"llvm.fmuladd.v{LANES}{name}",
    )
    return builder.call(function, [first, second, third])


def _further(builder, index, n_vectors):
    return builder.add(index, ir.Constant(index.type, n_vectors * LANES))


@intrinsic
def _at(typing_context, array, index):
    """`array[index]` of a flat array, without Numba's care for negative indices."""

    def generate(context, builder, signature, arguments):
        return builder.load(_pointer(context, builder, array, *arguments))

    return array.dtype(array, types.intp), generate


@intrinsic
def _load(typing_context, array, index):
    """`array[index:index + LANES]` of a flat array."""

    def generate(context, builder, signature, arguments):
        return _load_vector(context, builder, array, *arguments)

    return _Vector(array.dtype)(array, types.intp), generate


@intrinsic
def _store(typing_context, array, index, vector):
    def generate(context, builder, signature, arguments):
        _store_vector(context, builder, array, *arguments)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), generate


@intrinsic
def _zeros(typing_context, array):
    """A vector of zeros, of an array's type."""
    vector = _Vector(array.dtype)

    def generate(context, builder, signature, arguments):
        return ir.Constant(context.get_value_type(vector), None)

    return vector(array), generate


@intrinsic
def _multiply_add(typing_context, first, second, third):
    """`first * second + third`."""

    def generate(context, builder, signature, arguments):
        return _fused(builder, *arguments)

    return first(first, first, first), generate


@intrinsic
def _add(typing_context, first, second):
    def generate(context, builder, signature, arguments):
        return builder.fadd(*arguments)

    return first(first, first), generate


@intrinsic
def _splat_block(typing_context, block, value):
    """A block of as many vectors as the tuple `block` is long, all of one value."""
    result = types.UniTuple(_Vector(value), len(block))

    def generate(context, builder, signature, arguments):
        vector = _splat_vector(context, builder, value, arguments[1])
        return context.make_tuple(builder, result, [vector] * len(block))

    return result(block, value), generate


@intrinsic
def _load_block(typing_context, block, array, index):
    """Consecutive vectors of a flat array, as many as the tuple `block` is long."""
    result = types.UniTuple(_Vector(array.dtype), len(block))

    def generate(context, builder, signature, arguments):
        vectors = [
            _load_vector(context, builder, array, arguments[1], _further(builder, arguments[2], k))
            for k in range(len(block))
        ]
        return context.make_tuple(builder, result, vectors)

    return result(block, array, types.intp), generate


@intrinsic
def _store_block(typing_context, array, index, vectors):
    def generate(context, builder, signature, arguments):
        for k, vector in enumerate(cgutils.unpack_tuple(builder, arguments[2])):
            index = _further(builder, arguments[1], k)
            _store_vector(context, builder, array, arguments[0], index, vector)
        return context.get_dummy_value()

    return types.void(array, types.intp, vectors), generate


@intrinsic
def _multiply_add_block(typing_context, value, array, index, sums):
    """`sums` plus `value` times the consecutive vectors at `index`."""

    def generate(context, builder, signature, arguments):
        factor = _splat_vector(context, builder, value, arguments[0])
        vectors = []
        for k, total in enumerate(cgutils.unpack_tuple(builder, arguments[3])):
            other = _load_vector(
                context, builder, array, arguments[1], _further(builder, arguments[2], k)
            )
            vectors.append(_fused(builder, factor, other, total))
        return context.make_tuple(builder, sums, vectors)

    return sums(value, array, types.intp, sums), generate


@intrinsic
def _multiply_sum_block(typing_context, block, array, index):
    """The sum of a block's vectors, each times its like among the consecutive ones at `index`."""

    def generate(context, builder, signature, arguments):
        start = _pointer(context, builder, array, *arguments[1:])
        # Assembly of nothing keeps the address in one register. With two of them, processors
        # split each multiply-add in two.
        start = builder.asm(ir.FunctionType(start.type, [start.type]), "", "=r,0", [start], False)
        vector = context.get_value_type(block.dtype)
        total = ir.Constant(vector, None)
        for k, factor in enumerate(cgutils.unpack_tuple(builder, arguments[0])):
            address = builder.gep(start, [ir.Constant(ir.IntType(64), k * LANES)])
            address = builder.bitcast(address, vector.as_pointer())
            other = builder.load(address, align=array.dtype.bitwidth // 8)
            total = _fused(builder, factor, other, total)
        return total

    return block.dtype(block, array, types.intp), generate


@intrinsic
def _where_positive(typing_context, conditions, vectors):
    """A block, but 0 where `conditions <= 0`; where those are NaN, the block."""

    def generate(context, builder, signature, arguments):
        zero = ir.Constant(context.get_value_type(vectors.dtype), None)
        results = [
            builder.select(builder.fcmp_ordered("<=", condition, zero), zero, vector)
            for condition, vector in zip(
                *(cgutils.unpack_tuple(builder, argument) for argument in arguments)
            )
        ]
        return context.make_tuple(builder, vectors, results)

    return vectors(conditions, vectors), generate


@intrinsic
def _sum(typing_context, vector):
    def generate(context, builder, signature, arguments):
        total = arguments[0]
        width = LANES
        while width > 1:
            width //= 2
            total = _fold(builder, total, total, range(width), width)
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    return vector.dtype(vector), generate


@intrinsic
def _store_four_sums(typing_context, array, index, first, second, third, fourth, again):
    """The sums of four vectors, side by side; added to what is there where `again`.

    Less work together than one by one.
    """

    def generate(context, builder, signature, arguments):
        halves = [*range(8), *range(16, 24)]
        left = _fold(builder, arguments[2], arguments[3], halves, 8)
        right = _fold(builder, arguments[4], arguments[5], halves, 8)
        quarters = [lane for start in (0, 8, 16, 24) for lane in range(start, start + 4)]
        total = _fold(builder, left, right, quarters, 4)
        total = _fold(builder, total, total, [0, 1, 4, 5, 8, 9, 12, 13], 2)
        total = _fold(builder, total, total, [0, 2, 4, 6], 1)
        address = builder.bitcast(
            _pointer(context, builder, array, *arguments[:2]), total.type.as_pointer()
        )
        align = array.dtype.bitwidth // 8
        zero = ir.Constant(total.type, None)
        before = builder.select(arguments[6], builder.load(address, align=align), zero)
        builder.store(builder.fadd(total, before), address, align=align)
        return context.get_dummy_value()

    return types.void(array, types.intp, first, first, first, first, types.boolean), generate


@intrinsic
def _transpose(typing_context, array, starts, offset, out):
    """Write LANES vectors, `array[start + offset:]` for each of `starts`, transposed."""

    def generate(context, builder, signature, arguments):
        def constant(value):
            return ir.Constant(ir.IntType(64), value)

        rows = []
        for k in range(LANES):
            start = builder.load(_pointer(context, builder, starts, arguments[1], constant(k)))
            start = builder.add(start, arguments[2])
            rows.append(_load_vector(context, builder, array, arguments[0], start))
        # Swap the off-diagonal blocks of 1, 2, 4, ... lanes.
        block = 1
        while block < LANES:
            low = [c if not c & block else LANES + c - block for c in range(LANES)]
            high = [lane + block for lane in low]
            for k in range(LANES):
                if not k & block:
                    pair = rows[k], rows[k + block]
                    rows[k] = _pick(builder, *pair, low)
                    rows[k + block] = _pick(builder, *pair, high)
            block *= 2
        for k, row in enumerate(rows):
            _store_vector(context, builder, out, arguments[3], constant(k * LANES), row)
        return context.get_dummy_value()

    return types.void(array, starts, types.intp, out), generate


@intrinsic
def _prefetch(typing_context, array, index):
    def generate(context, builder, signature, arguments):
        integer = ir.IntType(32)
        address = builder.bitcast(
            _pointer(context, builder, array, *arguments), ir.IntType(8).as_pointer()
        )
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [address.type, integer, integer, integer]),
            "llvm.prefetch.p0",
        )
        # To read; into all levels of the cache; data.
        builder.call(function, [address, integer(0), integer(3), integer(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


# Elementwise functions --------------------------------------------------------------------


def _tanh(value):
    return math.tanh(value)


@overload(_tanh)
def _tanh_of(value):
    if value != types.float32:
        return lambda value: math.tanh(value)

    # The rational approximation that Eigen and others use: within a few units in the last
    # place, and unlike a call of the C library the compiler can vectorize it. Comparisons
    # are so written that NaN passes.
    bound = np.float32(7.90531110763549805)
    one = np.float32(1)
    upper = [
        np.float32(c)
        for c in (
            -2.76076847742355e-16,
            2.00018790482477e-13,
            -8.60467152213735e-11,
            5.12229709037114e-08,
            1.48572235717979e-05,
            6.37261928875436e-04,
            4.89352455891786e-03,
        )
    ]
    lower = [
        np.float32(c)
        for c in (
            1.19825839466702e-06,
            1.18534705686654e-04,
            2.26843463243900e-03,
            4.89352518554385e-03,
        )
    ]
    a13, a11, a9, a7, a5, a3, a1 = upper
    b6, b4, b2, b0 = lower

    def rational(value):
        x = bound if value > bound else value
        x = -bound if x < -bound else x
        s = x * x
        p = ((((((a13 * s + a11) * s + a9) * s + a7) * s + a5) * s + a3) * s + a1) * x
        q = ((b6 * s + b4) * s + b2) * s + b0
        y = p / q
        y = one if y > one else y
        return -one if y < -one else y

    return rational


@njit
def _logistic(value):
    half = type(value)(0.5)
    return half * _tanh(half * value) + half


@njit
def _activate(activation, units, start, stop):
    """Apply tanh or the logistic function in place."""
    if activation == TANH:
        for k in range(start, stop):
            units[k] = _tanh(units[k])
    else:
        for k in range(start, stop):
            units[k] = _logistic(units[k])


@njit
def _through_activation(activation, units, deltas, start, stop):
    """Multiply `deltas` by their derivative, which the activations themselves tell."""
    one = units.dtype.type(1)
    if activation == TANH:
        for k in range(start, stop):
            deltas[k] *= one - units[k] * units[k]
    else:
        for k in range(start, stop):
            deltas[k] *= units[k] * (one - units[k])


# Kernels ----------------------------------------------------------------------------------


@njit
def _gather(X, rows, inputs, out, stride, first, last):
    """Copy the used inputs of some rows into columns `first` to `last`: inputs x batch.

    Columns beyond the rows repeat the last one: finite numbers that nothing counts.
    """
    n_features = X.shape[1]
    flat = X.reshape(-1)
    block = np.empty(LANES * LANES, X.dtype)
    starts = np.empty(LANES, np.int64)
    following = np.empty(LANES, np.int64)
    for column in range(first, last, LANES):
        for k in range(LANES):
            starts[k] = rows[min(column + k, len(rows) - 1)] * n_features
            following[k] = rows[min(column + k + LANES, len(rows) - 1)] * n_features
        if n_features < LANES:
            for j in range(len(inputs)):
                for k in range(LANES):
                    out[j * stride + column + k] = flat[starts[k] + inputs[j]]
            continue
        j = 0
        while j < len(inputs):
            offset = min(inputs[j], n_features - LANES)
            _transpose(flat, starts, offset, block)
            if column + LANES < last:
                for k in range(LANES):
                    _prefetch(flat, following[k] + offset)
            while j < len(inputs) and inputs[j] < offset + LANES:
                _store(out, j * stride + column, _load(block, (inputs[j] - offset) * LANES))
                j += 1


@njit
def _multiply_columns(
    block, values, indices, pointers, bias, x, out, units, rectify, gate, stride, column
):
    """As many vectors of columns as the tuple `block` is long; see `_multiply`."""
    zero = x.dtype.type(0)
    for row in range(len(pointers) - 1):
        sums = _splat_block(block, _at(bias, row) if len(bias) else zero)
        for k in range(_at(pointers, row), _at(pointers, row + 1)):
            place = _at(indices, k) * stride + column
            sums = _multiply_add_block(_at(values, k), x, place, sums)
        place = row * stride + column
        if rectify:
            sums = _where_positive(sums, sums)
        elif gate:
            sums = _where_positive(_load_block(block, units, place), sums)
        _store_block(out, place, sums)


@njit
def _multiply(values, indices, pointers, bias, x, out, units, rectify, gate, stride, first, last):
    """Columns `first` to `last` of `bias + W @ x`, W given by its sparse rows.

    Without biases (an empty array) the product alone. `rectify` makes negative results 0;
    `gate` makes those 0 for which `units` is.
    """
    pattern = values, indices, pointers, bias, x, out, units, rectify, gate, stride
    column = first
    # The sums of a block stay in registers; the fewer blocks, the fewer times each weight
    # is fetched.
    while column + 8 * LANES <= last:
        _multiply_columns(EIGHT, *pattern, column)
        column += 8 * LANES
    if column + 4 * LANES <= last:
        _multiply_columns(FOUR, *pattern, column)
        column += 4 * LANES
    if column + 2 * LANES <= last:
        _multiply_columns(TWO, *pattern, column)
        column += 2 * LANES
    if column < last:
        _multiply_columns(ONE, *pattern, column)


@njit
def _weight_gradients_block(
    block, gradients, indices, pointers, x, deltas, stride, first, last, again
):
    """As `_weight_gradients`, where all columns are as many vectors as `block` is long."""
    for row in range(first, last):
        errors = _load_block(block, deltas, row * stride)
        k, end = _at(pointers, row), _at(pointers, row + 1)
        while k + 4 <= end:
            a = _multiply_sum_block(errors, x, _at(indices, k) * stride)
            b = _multiply_sum_block(errors, x, _at(indices, k + 1) * stride)
            c = _multiply_sum_block(errors, x, _at(indices, k + 2) * stride)
            d = _multiply_sum_block(errors, x, _at(indices, k + 3) * stride)
            _store_four_sums(gradients, k, a, b, c, d, again)
            k += 4
        while k < end:
            a = _sum(_multiply_sum_block(errors, x, _at(indices, k) * stride))
            gradients[k] = gradients[k] + a if again else a
            k += 1


@njit
def _weight_gradients_loop(gradients, indices, pointers, x, deltas, stride, first, last, again):
    """As `_weight_gradients`, for any number of columns."""
    zero = _zeros(x)
    for row in range(first, last):
        for k in range(_at(pointers, row), _at(pointers, row + 1)):
            place = _at(indices, k) * stride
            total = zero
            for column in range(0, stride, LANES):
                error = _load(deltas, row * stride + column)
                total = _multiply_add(error, _load(x, place + column), total)
            gradients[k] = gradients[k] + _sum(total) if again else _sum(total)


@njit
def _weight_gradients(gradients, indices, pointers, x, deltas, stride, first, last, again):
    """Gradient of the surviving values in rows `first` to `last`; added to where `again`."""
    pattern = gradients, indices, pointers, x, deltas, stride, first, last, again
    # The errors of a unit stay in registers. So wide are batches of 128, 100 and 60.
    if stride == 8 * LANES:
        _weight_gradients_block(EIGHT, *pattern)
    elif stride == 7 * LANES:
        _weight_gradients_block(SEVEN, *pattern)
    elif stride == 4 * LANES:
        _weight_gradients_block(FOUR, *pattern)
    else:
        _weight_gradients_loop(*pattern)


@njit
def _bias_gradients(gradients, deltas, stride, first, last, again):
    for row in range(first, last):
        total = _zeros(deltas)
        for column in range(0, stride, LANES):
            total = _add(total, _load(deltas, row * stride + column))
        gradients[row] = gradients[row] + _sum(total) if again else _sum(total)


@njit
def _forward(pattern, parameters, activation, units, stride, first, last):
    layers = pattern.layers
    for number in range(len(layers)):
        layer = layers[number]
        n_out = layer.n_out
        _multiply(
            parameters[layer.values : layer.values + layer.n_values],
            pattern.indices[layer.indices : layer.indices + layer.n_values],
            pattern.pointers[layer.pointers : layer.pointers + n_out + 1],
            parameters[layer.biases : layer.biases + n_out],
            units[layer.input * stride :],
            units[layer.output * stride :],
            units,
            activation == RELU and number < len(layers) - 1,
            False,
            stride,
            first,
            last,
        )
        if activation > RELU and number < len(layers) - 1:
            for row in range(layer.output, layer.output + n_out):
                _activate(activation, units, row * stride + first, row * stride + last)


@njit
def _backward(pattern, transposed, activation, units, deltas, stride, first, last):
    """From the deltas of the outputs to those of all hidden units."""
    layers = pattern.layers
    for number in range(len(layers) - 1, 0, -1):
        layer = layers[number]
        n_in = layer.n_in
        start = layer.values
        _multiply(
            transposed[start : start + layer.n_values],
            pattern.indices[layer.indices_t : layer.indices_t + layer.n_values],
            pattern.pointers[layer.pointers_t : layer.pointers_t + n_in + 1],
            transposed[:0],
            deltas[layer.output * stride :],
            deltas[layer.input * stride :],
            units[layer.input * stride :],
            False,
            activation == RELU,
            stride,
            first,
            last,
        )
        if activation <= RELU:
            continue
        for row in range(layer.input, layer.input + n_in):
            _through_activation(
                activation, units, deltas, row * stride + first, row * stride + last
            )


@njit
def _transpose_values(pattern, parameters, transposed):
    layers = pattern.layers
    for number in range(1, len(layers)):
        layer = layers[number]
        start = layer.values
        for k in range(layer.n_values):
            transposed[start + pattern.indices[layer.places_t + k]] = parameters[start + k]


@njit
def _loss(loss, outputs, deltas, n_outputs, stride, column, targets, scale):
    """The loss of one example, of which the outputs are a column; `scale` times its gradient.

    What is far below rounding becomes 0: near the smallest normal numbers processors are a
    hundred times slower.
    """
    dtype = outputs.dtype.type
    zero, one, tiny = dtype(0), dtype(1), dtype(1e-25)
    if loss == CROSS_ENTROPY:
        largest = outputs[column]
        for k in range(1, n_outputs):
            value = outputs[k * stride + column]
            largest = value if value > largest else largest
        total = zero
        for k in range(n_outputs):
            value = math.exp(outputs[k * stride + column] - largest)
            value = zero if value < tiny else value
            deltas[k * stride + column] = value
            total += value
        for k in range(n_outputs):
            deltas[k * stride + column] *= scale / total
        chosen = int(targets[0]) * stride + column
        deltas[chosen] -= scale
        return math.log(float(total)) + float(largest - outputs[chosen])
    result = 0.0
    for k in range(n_outputs):
        value = outputs[k * stride + column]
        target = targets[k]
        if loss == BINARY_CROSS_ENTROPY:
            small = math.exp(-abs(value))
            error = (one if value > zero else small) / (one + small) - target
            positive = zero if value <= zero else value
            result += float(positive - value * target) + math.log1p(float(small))
        else:
            error = value - target
            result += float(error) * float(error)
            error += error
        error = zero if abs(error) < tiny else error
        deltas[k * stride + column] = error * (scale / dtype(n_outputs))
    return result / n_outputs


@njit
def _check_batch(X, rows, loss, targets, n_outputs):
    """Nothing below checks its indices."""
    for row in rows:
        if row < 0 or row >= len(X):
            raise IndexError("rows must be positions of rows of X, not negative")
    if loss == CROSS_ENTROPY:
        for k in range(len(targets)):
            if not (targets[k, 0] >= 0 and targets[k, 0] < n_outputs):
                raise ValueError("y must be class numbers, from 0 to one less than the outputs")


@njit
def _share(pointers, n_rows, part, n_parts):
    """The first row of part `part`, the parts having about equally many values."""
    if part == n_parts:
        return n_rows
    return min(np.searchsorted(pointers, pointers[n_rows] * part // n_parts), n_rows)


@njit
def _propagate(
    pattern, workspace, parameters, activation, loss, X, rows, targets, scales, first, last
):
    """Gather, forward, loss and backward of columns `first` to `last` of one tile."""
    units, deltas = workspace.units, workspace.deltas
    stride = -(-len(rows) // LANES) * LANES
    _gather(X, rows, pattern.inputs, units, stride, first, last)
    _forward(pattern, parameters, activation, units, stride, first, last)
    output = pattern.layers[-1]
    n_outputs = output.n_out
    outputs = units[output.output * stride :]
    errors = deltas[output.output * stride :]
    for column in range(first, min(last, len(rows))):
        target = targets[column]
        workspace.losses[column] = scales[column] * _loss(
            loss, outputs, errors, n_outputs, stride, column, target, scales[column]
        )
    for column in range(max(first, len(rows)), last):
        for k in range(n_outputs):
            errors[k * stride + column] = 0
    _backward(pattern, workspace.transposed, activation, units, deltas, stride, first, last)


@njit
def _accumulate(pattern, workspace, gradients, n_rows, part, n_parts, again):
    """One part of the gradients of values and biases, from a tile that was propagated."""
    units, deltas = workspace.units, workspace.deltas
    stride = -(-n_rows // LANES) * LANES
    for number in range(len(pattern.layers)):
        layer = pattern.layers[number]
        n_out = layer.n_out
        pointers = pattern.pointers[layer.pointers : layer.pointers + n_out + 1]
        first = _share(pointers, n_out, part, n_parts)
        last = _share(pointers, n_out, part + 1, n_parts)
        errors = deltas[layer.output * stride :]
        _weight_gradients(
            gradients[layer.values : layer.values + layer.n_values],
            pattern.indices[layer.indices : layer.indices + layer.n_values],
            pointers,
            units[layer.input * stride :],
            errors,
            stride,
            first,
            last,
            again,
        )
        _bias_gradients(
            gradients[layer.biases : layer.biases + n_out], errors, stride, first, last, again
        )


@njit
def _compute_gradients(
    pattern, workspace, parameters, gradients, activation, loss, X, rows, targets, scales
):
    """All of a step but the update, on one thread; returns the loss."""
    _transpose_values(pattern, parameters, workspace.transposed)
    total = 0.0
    for start in range(0, len(rows), COLUMNS):
        tile = rows[start : start + COLUMNS]
        stride = -(-len(tile) // LANES) * LANES
        _propagate(
            pattern,
            workspace,
            parameters,
            activation,
            loss,
            X,
            tile,
            targets[start : start + COLUMNS],
            scales[start : start + COLUMNS],
            0,
            stride,
        )
        _accumulate(pattern, workspace, gradients, len(tile), 0, 1, start > 0)
        for column in range(len(tile)):
            total += workspace.losses[column]
    return total


@njit
def _update_sgd(parameters, gradients, buffer, settings):
    """Stochastic gradient descent, by torch.optim.SGD's formulas."""
    dtype = parameters.dtype.type
    lr, momentum = dtype(settings.lr), dtype(settings.momentum)
    weight_decay = dtype(settings.weight_decay)
    zero, tiny = dtype(0), dtype(1e-30)
    for k in range(len(parameters)):
        gradient = gradients[k] + weight_decay * parameters[k]
        if len(buffer):
            value = momentum * buffer[k] + gradient
            # What decays for ever would end among the subnormal numbers, which are slow.
            value = zero if abs(value) < tiny else value
            buffer[k] = value
            gradient = gradient + momentum * value if settings.nesterov else value
        parameters[k] -= lr * gradient


@njit
def _update_adam(parameters, gradients, mean, square, settings, n_steps):
    """Adam, by torch.optim.Adam's formulas; `n_steps` counts this one."""
    dtype = parameters.dtype.type
    beta1, beta2 = settings.beta1, settings.beta2
    step_size = dtype(settings.lr / (1 - beta1**n_steps))
    correction = dtype(math.sqrt(1 - beta2**n_steps))
    share, keep, share_square = dtype(1 - beta1), dtype(beta2), dtype(1 - beta2)
    eps, weight_decay = dtype(settings.eps), dtype(settings.weight_decay)
    smallest = dtype(1.1754944e-38)
    zero, tiny = dtype(0), dtype(1e-30)
    for k in range(len(parameters)):
        gradient = gradients[k] + weight_decay * parameters[k]
        first = mean[k] + share * (gradient - mean[k])
        second = keep * square[k] + share_square * gradient * gradient
        first = zero if abs(first) < tiny else first  # see _update_sgd
        second = zero if second < smallest else second
        mean[k] = first
        square[k] = second
        parameters[k] -= step_size * (first / (math.sqrt(second) / correction + eps))


# Entry points: compiled once for each float type, cached on disk -----------------------------


@compiled
def update(parameters, gradients, first, second, settings, n_steps):
    """Take an optimizer's step, of which there were `n_steps` before."""
    if settings.rule == SGD:
        _update_sgd(parameters, gradients, first, settings)
    elif settings.rule == ADAM:
        _update_adam(parameters, gradients, first, second, settings, n_steps + 1)


@compiled
def take_steps(
    pattern,
    workspace,
    parameters,
    gradients,
    first,
    second,
    settings,
    n_steps,
    activation,
    loss,
    X,
    rows,
    targets,
    scales,
    batch_size,
    losses,
):
    """Take a step a batch: gradients and update; write each one's loss."""
    _check_batch(X, rows, loss, targets, pattern.layers[-1].n_out)
    for number in range(len(losses)):
        start = number * batch_size
        stop = min(start + batch_size, len(rows))
        losses[number] = _compute_gradients(
            pattern,
            workspace,
            parameters,
            gradients,
            activation,
            loss,
            X,
            rows[start:stop],
            targets[start:stop],
            scales[start:stop],
        )
        update(parameters, gradients, first, second, settings, n_steps + number)


@compiled
def infer(pattern, units, parameters, activation, X, first, last, outputs):
    """Outputs of rows `first` to `last`."""
    output = pattern.layers[-1]
    width = len(units) // (output.output + output.n_out)
    results = units[output.output * width :]
    for start in range(first, last, width):
        stop = min(start + width, last)
        rows = np.arange(start, stop)
        padded = -(-len(rows) // LANES) * LANES
        _gather(X, rows, pattern.inputs, units, width, 0, padded)
        _forward(pattern, parameters, activation, units, width, 0, padded)
        for column in range(stop - start):
            for k in range(output.n_out):
                outputs[start + column, k] = results[k * width + column]
