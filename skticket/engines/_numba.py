"""The compiled part of the sparse engine; importing it imports Numba.

Activations are stored units x batch: the batch is the contiguous axis, padded to
whole vectors, so that one surviving weight means a few vector multiply-adds and
nothing else. All of a network's layers lie in flat arrays described by one table,
which makes a single compilation serve networks of any depth.

No function here uses `fastmath`: a diverged training must show as NaN. Sums are
taken in an order that depends on the data's shape alone, never on threads.
"""

import math
from platform import machine
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from llvmlite.binding import address_of_symbol
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

from ._disk_cache import compiled
from ._tables import Activation, Loss, Rule

LANES = 16  # batch columns in one vector; the padding of the batch
COLUMNS = 128  # at most so many batch columns at once: one layer's input stays in the L2 cache
MOST_TURNS = 2  # so many tiles of COLUMNS a thread may take before the two meet

# Where two threads have their signals, each on a cache line: how often they have arrived at
# meetings; whether the second is there; the step, counted from 1, from which on it takes part.
ARRIVALS, THERE, CALL = 0, 8, 16
OVER = 2**62  # instead of a step: the second is needed no more; more arrivals than any wait is for
# How to wait: what to tell the processor, how often, and then how to ask the system for another
# thread, by the names that systems have for that.
PAUSE = "llvm.x86.sse2.pause" if machine() in ("x86_64", "AMD64") else None
TURNS = 1000
GIVE_WAY = "sched_yield", "SwitchToThread"

# Types of blocks: their lengths count.
ONE, TWO, FOUR, SEVEN, EIGHT, SIXTEEN = ((0,) * n for n in (1, 2, 4, 7, 8, 16))

# What becomes of a product.
PLAIN, RECTIFY, GATE = range(3)

IDENTITY, RELU, TANH, LOGISTIC = map(int, Activation)
CROSS_ENTROPY, BINARY_CROSS_ENTROPY, SQUARED_ERROR = map(int, Loss)
_, SGD, ADAM = map(int, Rule)


class Pattern(NamedTuple):
    """What is connected to what, and how: fixed while the values train."""

    layers: np.ndarray
    pointers: np.ndarray
    indices: np.ndarray
    inputs: np.ndarray
    survives: np.ndarray  # whether a parameter does; the others are zeros of layers made full
    # The first layer input by input, for sparse rows; see `input_arrays`.
    input_places: np.ndarray
    input_pointers: np.ndarray
    input_units: np.ndarray
    input_values: np.ndarray
    input_middles: np.ndarray
    activation: int
    loss: int


class Vectors(NamedTuple):
    """An element a parameter; an optimizer's state is empty where it has none."""

    parameters: np.ndarray
    gradients: np.ndarray
    first: np.ndarray
    second: np.ndarray


class Examples(NamedTuple):
    """Flat arrays of inputs and targets; which rows of the inputs, and what each counts.

    Of a sparse matrix (CSR), `X` holds the values, and `pointers` and `columns` say where they
    are; of an array these two are empty.
    """

    X: np.ndarray
    pointers: np.ndarray
    columns: np.ndarray
    is_rare: bool  # whether so few inputs are not 0 that products had better skip the others
    n_features: int
    rows: np.ndarray
    targets: np.ndarray
    n_targets: int
    scales: np.ndarray


class Team(NamedTuple):
    """One of two threads that share steps: the first, or the second, which may never come."""

    part: int
    bounds: np.ndarray  # the second's first row of each layer
    signals: np.ndarray  # what they tell each other
    block: np.ndarray  # a thread's own, to turn rows into columns


class Tile(NamedTuple):
    """Buffers for so many rows of a batch as are computed at once."""

    units: np.ndarray
    deltas: np.ndarray
    filled: np.ndarray  # each thread's, one after the other; see `_gather_sparse`
    # Of each turn, one after the other.
    losses: np.ndarray
    gradients: np.ndarray


class Workspace(NamedTuple):
    """Buffers of one training, used again in every step."""

    first: Tile
    second: Tile  # the second thread's, where each has tiles of its own; otherwise empty
    transposed: np.ndarray


# What compiled functions call. A function is compiled with all that it calls, and again with
# whatever calls it: so what is called from one place is made part of it.
kernel = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
inlined = njit(error_model="numpy", inline="always")


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
def _put(typing_context, array, index, value):
    """`array[index] = value`, like `_at`."""

    def generate(context, builder, signature, arguments):
        builder.store(arguments[2], _pointer(context, builder, array, *arguments[:2]))
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), generate


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
def _splat_four(typing_context, array, index):
    """Of four consecutive elements: two vectors of the first, two of the next, and so on."""
    result = types.UniTuple(_Vector(array.dtype), 8)

    def generate(context, builder, signature, arguments):
        vectors = []
        for k in range(4):
            index = builder.add(arguments[1], ir.IntType(64)(k))
            address = _pointer(context, builder, array, arguments[0], index)
            vectors += [_splat_vector(context, builder, array.dtype, builder.load(address))] * 2
        return context.make_tuple(builder, result, vectors)

    return result(array, types.intp), generate


def _apart(builder, index, step):
    """Four places from `index` on, `step` apart."""
    return [builder.add(index, builder.mul(step, ir.IntType(64)(k))) for k in range(4)]


@intrinsic
def _store_four(typing_context, array, index, step, vectors):
    """Two vectors at each of four places from `index` on, `step` apart."""

    def generate(context, builder, signature, arguments):
        data, index, step, vectors = arguments
        vectors = iter(cgutils.unpack_tuple(builder, vectors))
        for start in _apart(builder, index, step):
            for k in range(2):
                place = _further(builder, start, k)
                _store_vector(context, builder, array, data, place, next(vectors))
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, vectors), generate


@intrinsic
def _multiply_add_rows(typing_context, values, number, step, array, index, sums):
    """`sums` plus each of four values, from `number` on and `step` apart, times two vectors."""

    def generate(context, builder, signature, arguments):
        numbers, number, step, data, index, sums_before = arguments
        pair = [
            _load_vector(context, builder, array, data, _further(builder, index, k))
            for k in range(2)
        ]
        factors = []
        for place in _apart(builder, number, step):
            value = builder.load(_pointer(context, builder, values, numbers, place))
            factors.append(_splat_vector(context, builder, values.dtype, value))
        totals = [
            _fused(builder, factors[k // 2], pair[k % 2], total)
            for k, total in enumerate(cgutils.unpack_tuple(builder, sums_before))
        ]
        return context.make_tuple(builder, sums, totals)

    index = types.intp
    return sums(values, index, index, array, index, sums), generate


@intrinsic
def _multiply_add_outer(typing_context, first, index, second, other, step, sums):
    """`sums` plus each of four vectors, `step` apart, times each of four others."""

    def generate(context, builder, signature, arguments):
        first_data, index, second_data, other, step, sums_before = arguments
        rows, columns = (
            [_load_vector(context, builder, array, data, k) for k in _apart(builder, start, step)]
            for array, data, start in ((first, first_data, index), (second, second_data, other))
        )
        totals = [
            _fused(builder, rows[k // 4], columns[k % 4], total)
            for k, total in enumerate(cgutils.unpack_tuple(builder, sums_before))
        ]
        return context.make_tuple(builder, sums, totals)

    index = types.intp
    return sums(first, index, second, index, index, sums), generate


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
def _lowest(typing_context, bits):
    """The position of the lowest bit that is set."""

    def generate(context, builder, signature, arguments):
        # Nobody asks where there is none.
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.int64(types.int64), generate


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


def _row_start(context, builder, rows, arguments, k):
    """Where in a flat array `k` rows further on begins, from an offset; the last one repeats."""
    number, n_features, row, end, offset = arguments
    row = builder.add(row, ir.Constant(row.type, k))
    row = builder.select(builder.icmp_signed("<", row, end), row, end)
    row = builder.load(_pointer(context, builder, rows, number, row))
    return builder.add(builder.mul(row, n_features), offset)


@intrinsic
def _transpose(typing_context, array, n_features, rows, row, end, offset, out):
    """Write LANES vectors transposed: of the rows numbered `rows[row]` and on, from `offset`."""

    def generate(context, builder, signature, arguments):
        data, n_features, numbers, row, end, offset, block = arguments
        where = numbers, n_features, row, end, offset
        vectors = [
            _load_vector(
                context, builder, array, data, _row_start(context, builder, rows, where, k)
            )
            for k in range(LANES)
        ]
        # Swap the off-diagonal blocks of 1, 2, 4, ... lanes.
        block_size = 1
        while block_size < LANES:
            low = [c if not c & block_size else LANES + c - block_size for c in range(LANES)]
            high = [lane + block_size for lane in low]
            for k in range(LANES):
                if not k & block_size:
                    pair = vectors[k], vectors[k + block_size]
                    vectors[k] = _pick(builder, *pair, low)
                    vectors[k + block_size] = _pick(builder, *pair, high)
            block_size *= 2
        for k, vector in enumerate(vectors):
            index = ir.Constant(ir.IntType(64), k * LANES)
            _store_vector(context, builder, out, block, index, vector)
        return context.get_dummy_value()

    index = types.intp
    return types.void(array, index, rows, index, index, index, out), generate


@intrinsic
def _prefetch(typing_context, array, n_features, rows, row, end, offset):
    """Have what `_transpose` would read brought into the cache."""

    def generate(context, builder, signature, arguments):
        data, n_features, numbers, row, end, offset = arguments
        where = numbers, n_features, row, end, offset
        integer, byte = ir.IntType(32), ir.IntType(8).as_pointer()
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [byte, integer, integer, integer]),
            "llvm.prefetch.p0",
        )
        for k in range(LANES):
            start = _row_start(context, builder, rows, where, k)
            address = builder.bitcast(_pointer(context, builder, array, data, start), byte)
            # To read; into all levels of the cache; data.
            builder.call(function, [address, integer(0), integer(3), integer(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp, rows, types.intp, types.intp, types.intp), generate


# Threads ----------------------------------------------------------------------------------
#
# They wait for each other in compiled code: a lock of Python's takes longer than a small step.


@intrinsic
def _arrive(typing_context, signals):
    """Count one more arrival; what was written before is seen by whoever sees the count."""

    def generate(context, builder, signature, arguments):
        address = _pointer(context, builder, signals, *arguments, ir.IntType(64)(ARRIVALS))
        builder.atomic_rmw("add", address, ir.IntType(64)(1), "acq_rel")
        return context.get_dummy_value()

    return types.void(signals), generate


@intrinsic
def _tell(typing_context, signals, index, value):
    """Set a signal; see `_arrive`."""

    def generate(context, builder, signature, arguments):
        address = _pointer(context, builder, signals, *arguments[:2])
        builder.store_atomic(arguments[2], address, "release", align=8)
        return context.get_dummy_value()

    return types.void(signals, types.intp, types.int64), generate


@intrinsic
def _told(typing_context, signals, index):
    def generate(context, builder, signature, arguments):
        address = _pointer(context, builder, signals, *arguments)
        return builder.load_atomic(address, "acquire", align=8)

    return types.int64(signals, types.intp), generate


@intrinsic
def _pause(typing_context):
    """Tell the processor that this thread waits, for some nanoseconds."""

    def generate(context, builder, signature, arguments):
        if PAUSE is not None:
            nothing = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, nothing, PAUSE), [])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def _give_way(typing_context):
    """Let the system run another thread on this processor, where there is one."""

    def generate(context, builder, signature, arguments):
        # Asked here and not at import: before it compiles, the compiler finds no symbol.
        for name in filter(address_of_symbol, GIVE_WAY):
            integer = ir.FunctionType(ir.IntType(32), [])
            builder.call(cgutils.get_or_insert_function(builder.module, integer, name), [])
        return context.get_dummy_value()

    return types.void(), generate


@kernel
def _wait(signals, index, value):
    """Wait until a signal is at least so large.

    Who waits for long has a partner from whom the system has taken the processor, and gives
    way: that partner may wait for this very processor.
    """
    turns = 0
    while _told(signals, index) < value:
        if turns < TURNS:
            _pause()
            turns += 1
        else:
            _give_way()


@kernel
def _meet(team, n_meetings):
    """Wait until both threads have come here so many times."""
    _arrive(team.signals)
    _wait(team.signals, ARRIVALS, 2 * n_meetings)


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


@kernel
def _logistic(value):
    half = type(value)(0.5)
    return half * _tanh(half * value) + half


@kernel
def _activate(activation, units, start, stop):
    """Apply tanh or the logistic function in place."""
    if activation == TANH:
        for k in range(start, stop):
            _put(units, k, _tanh(_at(units, k)))
    else:
        for k in range(start, stop):
            _put(units, k, _logistic(_at(units, k)))


@kernel
def _through_activation(activation, units, deltas, start, stop):
    """Multiply `deltas` by their derivative, which the activations themselves tell."""
    one = units.dtype.type(1)
    if activation == TANH:
        for k in range(start, stop):
            value = _at(units, k)
            _put(deltas, k, _at(deltas, k) * (one - value * value))
    else:
        for k in range(start, stop):
            value = _at(units, k)
            _put(deltas, k, _at(deltas, k) * (value * (one - value)))


# Kernels ----------------------------------------------------------------------------------
#
# They take whole arrays and where in them to begin, because slices take long to compile; and
# call nothing of NumPy. `_at` and `_put` read and write an element.


class _Rows(NamedTuple):
    """A sparse matrix, and rows of what it is multiplied with."""

    n_rows: int
    n_columns: int
    value: int  # where its values begin
    index: int  # where in the pattern's `indices` the columns do
    pointer: int  # where in `pointers` the rows do
    bias: int  # where the biases begin among the values; -1 where there are none
    source: int  # the first row that is multiplied
    target: int  # the first row of the product


@inlined
def _rows_of(layer, start):
    """A layer's rows, of parameters that begin at `start`."""
    return _Rows(
        layer.n_out,
        layer.n_in,
        start + layer.values,
        layer.indices,
        layer.pointers,
        start + layer.biases,
        layer.input,
        layer.output,
    )


@inlined
def _padded(n_rows):
    return (n_rows + LANES - 1) // LANES * LANES


@kernel
def _gather(data, row, n_rows, inputs, out, stride, first, last, block):
    """Copy the used inputs of `n_rows` rows into columns `first` to `last`: inputs x batch.

    Columns beyond the rows repeat the last one: finite numbers that nothing counts.
    """
    X, n_features, rows = data.X, data.n_features, data.rows
    end = row + n_rows - 1
    for column in range(first, last, LANES):
        if n_features < LANES:
            for k in range(column, column + LANES):
                start = _at(rows, row + k if row + k < end else end) * n_features
                for j in range(len(inputs)):
                    _put(out, j * stride + k, _at(X, start + _at(inputs, j)))
            continue
        j = 0
        while j < len(inputs):
            offset = _at(inputs, j)
            offset = offset if offset < n_features - LANES else n_features - LANES
            _transpose(X, n_features, rows, row + column, end, offset, block)
            if column + LANES < last:
                _prefetch(X, n_features, rows, row + column + LANES, end, offset)
            while j < len(inputs) and _at(inputs, j) < offset + LANES:
                place = (_at(inputs, j) - offset) * LANES
                _store(out, j * stride + column, _load(block, place))
                j += 1


@kernel
def _gather_sparse(data, row, n_rows, pattern, out, stride, first, last, filled, start):
    """As `_gather`, of the rows of a sparse matrix.

    Where inputs that are not 0 are rare, only they are written: of an input's columns in `out`, a
    vector that holds any has a bit in `filled`, which has a byte an input from `start` on; the
    others are not even cleared.
    """
    X, pointers, columns = data.X, data.pointers, data.columns
    for source in range(len(pattern.inputs)):
        if data.is_rare:
            _put(filled, start + source, 0)
        else:
            _put(filled, start + source, 255)
            for column in range(first, last, LANES):
                _store(out, source * stride + column, _zeros(out))
    end = last if last < n_rows else n_rows
    for column in range(first, end):
        number = _at(data.rows, row + column)
        vector = column // LANES
        for k in range(_at(pointers, number), _at(pointers, number + 1)):
            source = _at(pattern.input_places, _at(columns, k))
            if source < 0:
                continue
            bits = _at(filled, start + source)
            if not bits >> vector & 1:
                _put(filled, start + source, bits | 1 << vector)
                _store(out, source * stride + vector * LANES, _zeros(out))
            place = source * stride + column
            _put(out, place, _at(out, place) + _at(X, k))


@kernel
def _multiply_filled(matrix, pattern, values, x, filled, start, mode, stride, first, last):
    """As `_multiply`, of rare inputs from `_gather_sparse`: to the bit, since the others are 0."""
    for row in range(matrix.n_rows):
        bias = _splat_block(ONE, _at(values, matrix.bias + row))
        for column in range(first, last, LANES):
            _store_block(x, (matrix.target + row) * stride + column, bias)
    for source in range(len(pattern.inputs)):
        bits = np.int64(_at(filled, start + source))
        begin, end = _at(pattern.input_pointers, source), _at(pattern.input_pointers, source + 1)
        while bits:
            column = _lowest(bits) * LANES
            bits &= bits - 1
            for k in range(begin, end):
                value = _at(values, matrix.value + _at(pattern.input_values, k))
                place = (matrix.target + _at(pattern.input_units, k)) * stride + column
                sums = _load_block(ONE, x, place)
                sums = _multiply_add_block(value, x, source * stride + column, sums)
                _store_block(x, place, sums)
    if mode == RECTIFY:
        for row in range(matrix.n_rows):
            for column in range(first, last, LANES):
                place = (matrix.target + row) * stride + column
                sums = _load_block(ONE, x, place)
                _store_block(x, place, _where_positive(sums, sums))


@kernel
def _is_full(matrix, pattern):
    """Whether a matrix has all its values, and enough of them for `_multiply_full`."""
    start = _at(pattern.pointers, matrix.pointer)
    n_values = _at(pattern.pointers, matrix.pointer + matrix.n_rows) - start
    is_large = matrix.n_rows >= 4 and matrix.n_columns >= 4
    return is_large and n_values == matrix.n_rows * matrix.n_columns


@kernel
def _multiply_full(matrix, values, x, units, mode, stride, first, last):
    """As `_multiply`, of a full matrix and an even number of vectors: four rows share each load."""
    zero, n_columns = x.dtype.type(0), matrix.n_columns
    for row in range(0, matrix.n_rows, 4):
        # Beyond the last row are the last four, once more.
        row = min(row, matrix.n_rows - 4)
        start = matrix.value + row * n_columns
        for column in range(first, last, 2 * LANES):
            sums = _splat_block(EIGHT, zero)
            if matrix.bias >= 0:
                sums = _splat_four(values, matrix.bias + row)
            place = matrix.source * stride + column
            for k in range(start, start + n_columns):
                sums = _multiply_add_rows(values, k, n_columns, x, place, sums)
                place += stride
            place = (matrix.target + row) * stride + column
            _store_four(x, place, stride, sums)
            if mode == PLAIN:
                continue
            for k in range(place, place + 4 * stride, stride):
                results = _load_block(TWO, x, k)
                conditions = results if mode == RECTIFY else _load_block(TWO, units, k)
                _store_block(x, k, _where_positive(conditions, results))


@kernel
def _multiply_columns(block, matrix, pattern, values, x, units, mode, stride, column):
    """As many vectors of columns as the tuple `block` is long; see `_multiply`."""
    zero = x.dtype.type(0)
    source = matrix.source * stride + column
    for row in range(matrix.n_rows):
        sums = _splat_block(block, _at(values, matrix.bias + row) if matrix.bias >= 0 else zero)
        pointer = matrix.pointer + row
        for k in range(_at(pattern.pointers, pointer), _at(pattern.pointers, pointer + 1)):
            place = source + _at(pattern.indices, matrix.index + k) * stride
            sums = _multiply_add_block(_at(values, matrix.value + k), x, place, sums)
        place = (matrix.target + row) * stride + column
        if mode == RECTIFY:
            sums = _where_positive(sums, sums)
        elif mode == GATE:
            sums = _where_positive(_load_block(block, units, place), sums)
        _store_block(x, place, sums)


@kernel
def _multiply(matrix, pattern, values, x, units, mode, stride, first, last):
    """Write columns `first` to `last` of the product of a sparse matrix and rows of `x` into `x`.

    In mode RECTIFY negative results become 0; in mode GATE those for which `units` is.
    """
    rest = matrix, pattern, values, x, units, mode, stride
    column = first
    if _is_full(matrix, pattern):
        column = last - (last - first) % (2 * LANES)
        _multiply_full(matrix, values, x, units, mode, stride, first, column)
    # The sums of a block stay in registers; the fewer blocks, the fewer times each weight
    # is fetched.
    while column + 8 * LANES <= last:
        _multiply_columns(EIGHT, *rest, column)
        column += 8 * LANES
    if column + 4 * LANES <= last:
        _multiply_columns(FOUR, *rest, column)
        column += 4 * LANES
    if column + 2 * LANES <= last:
        _multiply_columns(TWO, *rest, column)
        column += 2 * LANES
    if column < last:
        _multiply_columns(ONE, *rest, column)


@inlined
def _forward(pattern, parameters, units, is_rare, filled, start, stride, first, last):
    activation = pattern.activation
    for number in range(len(pattern.layers)):
        layer = pattern.layers[number]
        is_hidden = number < len(pattern.layers) - 1
        matrix = _rows_of(layer, 0)
        mode = RECTIFY if activation == RELU and is_hidden else PLAIN
        if is_rare and number == 0:
            _multiply_filled(
                matrix, pattern, parameters, units, filled, start, mode, stride, first, last
            )
        else:
            _multiply(matrix, pattern, parameters, units, units, mode, stride, first, last)
        if activation > RELU and is_hidden:
            for row in range(layer.output, layer.output + layer.n_out):
                _activate(activation, units, row * stride + first, row * stride + last)


@inlined
def _backward(pattern, transposed, units, deltas, stride, first, last):
    """From the deltas of the outputs to those of all hidden units."""
    activation = pattern.activation
    for number in range(len(pattern.layers) - 1, 0, -1):
        layer = pattern.layers[number]
        matrix = _Rows(
            layer.n_in,
            layer.n_out,
            layer.values,
            layer.indices_t,
            layer.pointers_t,
            -1,
            layer.output,
            layer.input,
        )
        mode = GATE if activation == RELU else PLAIN
        _multiply(matrix, pattern, transposed, deltas, units, mode, stride, first, last)
        if activation > RELU:
            for row in range(layer.input, layer.input + layer.n_in):
                start = row * stride
                _through_activation(activation, units, deltas, start + first, start + last)


@kernel
def _weight_gradients_block(
    block, gradients, matrix, pattern, x, deltas, stride, first, last, again
):
    """As `_weight_gradients`, where all columns are as many vectors as `block` is long."""
    source, indices = matrix.source * stride, pattern.indices
    for row in range(first, last):
        errors = _load_block(block, deltas, (matrix.target + row) * stride)
        pointer = matrix.pointer + row
        k = matrix.index + _at(pattern.pointers, pointer)
        end = matrix.index + _at(pattern.pointers, pointer + 1)
        shift = matrix.value - matrix.index
        while k + 4 <= end:
            a = _multiply_sum_block(errors, x, source + _at(indices, k) * stride)
            b = _multiply_sum_block(errors, x, source + _at(indices, k + 1) * stride)
            c = _multiply_sum_block(errors, x, source + _at(indices, k + 2) * stride)
            d = _multiply_sum_block(errors, x, source + _at(indices, k + 3) * stride)
            _store_four_sums(gradients, shift + k, a, b, c, d, again)
            k += 4
        while k < end:
            a = _sum(_multiply_sum_block(errors, x, source + _at(indices, k) * stride))
            _put(gradients, shift + k, _at(gradients, shift + k) + a if again else a)
            k += 1


@kernel
def _weight_gradients_full(gradients, matrix, x, deltas, stride, first, last, again):
    """As `_weight_gradients`, of a full matrix: four rows share each load; of fours alone."""
    zero, n_columns = x.dtype.type(0), matrix.n_columns
    for row in range(first, last - 3, 4):
        errors, start = (matrix.target + row) * stride, matrix.value + row * n_columns
        for k in range(0, n_columns - 3, 4):
            sums, place = _splat_block(SIXTEEN, zero), (matrix.source + k) * stride
            for column in range(0, stride, LANES):
                sums = _multiply_add_outer(deltas, errors + column, x, place + column, stride, sums)
            place = start + k
            _store_four_sums(gradients, place, *sums[:4], again)
            _store_four_sums(gradients, place + n_columns, *sums[4:8], again)
            _store_four_sums(gradients, place + 2 * n_columns, *sums[8:12], again)
            _store_four_sums(gradients, place + 3 * n_columns, *sums[12:], again)


@kernel
def _weight_gradients_loop(
    gradients, matrix, pattern, x, deltas, stride, first, last, again, n_done
):
    """As `_weight_gradients`, for any number of columns; but of each row's first few values."""
    for row in range(first, last):
        pointer = matrix.pointer + row
        for k in range(_at(pattern.pointers, pointer) + n_done, _at(pattern.pointers, pointer + 1)):
            place = (matrix.source + _at(pattern.indices, matrix.index + k)) * stride
            total = _zeros(x)
            for column in range(0, stride, LANES):
                error = _load(deltas, (matrix.target + row) * stride + column)
                total = _multiply_add(error, _load(x, place + column), total)
            value, place = _sum(total), matrix.value + k
            _put(gradients, place, _at(gradients, place) + value if again else value)


@kernel
def _weight_gradients_filled(
    gradients, matrix, pattern, x, deltas, filled, part, n_parts, stride, first, last, again
):
    """As `_weight_gradients`, of rare inputs that so many threads have gathered."""
    n_inputs = len(pattern.inputs)
    if not again:
        start = matrix.value + _at(pattern.pointers, matrix.pointer + first)
        stop = matrix.value + _at(pattern.pointers, matrix.pointer + last)
        for k in range(start, stop):
            _put(gradients, k, 0)
    for source in range(n_inputs):
        all_bits = np.int64(_at(filled, source))
        if n_parts > 1:
            all_bits |= np.int64(_at(filled, n_inputs + source))
        if not all_bits:
            continue
        begin, end = _at(pattern.input_pointers, source), _at(pattern.input_pointers, source + 1)
        if part:
            begin = _at(pattern.input_middles, source)
        elif n_parts > 1:
            end = _at(pattern.input_middles, source)
        for k in range(begin, end):
            target = (matrix.target + _at(pattern.input_units, k)) * stride
            total, bits = _zeros(x), all_bits
            while bits:
                column = _lowest(bits) * LANES
                bits &= bits - 1
                error = _load(deltas, target + column)
                total = _multiply_add(error, _load(x, source * stride + column), total)
            place = matrix.value + _at(pattern.input_values, k)
            _put(gradients, place, _at(gradients, place) + _sum(total))


@kernel
def _weight_gradients(gradients, matrix, pattern, x, deltas, stride, first, last, again):
    """Gradient of the surviving values in rows `first` to `last`; added to where `again`."""
    rest = gradients, matrix, pattern, x, deltas, stride, first, last, again
    if _is_full(matrix, pattern):
        _weight_gradients_full(gradients, matrix, x, deltas, stride, first, last, again)
        middle, n_done = last - (last - first) % 4, matrix.n_columns // 4 * 4
        rest = gradients, matrix, pattern, x, deltas, stride
        _weight_gradients_loop(*rest, first, middle, again, n_done)
        _weight_gradients_loop(*rest, middle, last, again, 0)
    # The errors of a unit stay in registers. So wide are batches of 128, 100 and 60.
    elif stride == 8 * LANES:
        _weight_gradients_block(EIGHT, *rest)
    elif stride == 7 * LANES:
        _weight_gradients_block(SEVEN, *rest)
    elif stride == 4 * LANES:
        _weight_gradients_block(FOUR, *rest)
    else:
        _weight_gradients_loop(*rest, 0)


@kernel
def _bias_gradients(gradients, matrix, deltas, stride, first, last, again):
    for row in range(first, last):
        total = _zeros(deltas)
        for column in range(0, stride, LANES):
            total = _add(total, _load(deltas, (matrix.target + row) * stride + column))
        value, place = _sum(total), matrix.bias + row
        _put(gradients, place, _at(gradients, place) + value if again else value)


@kernel
def _cross_entropy(outputs, deltas, n_outputs, stride, place, target, scale):
    """See `_losses`; the first output is at `place`."""
    dtype = outputs.dtype.type
    zero, tiny = dtype(0), dtype(1e-25)
    end = place + n_outputs * stride
    largest = _at(outputs, place)
    for k in range(place + stride, end, stride):
        value = _at(outputs, k)
        largest = value if value > largest else largest
    total = zero
    for k in range(place, end, stride):
        value = math.exp(_at(outputs, k) - largest)
        value = zero if value < tiny else value
        _put(deltas, k, value)
        total += value
    factor = scale / total
    for k in range(place, end, stride):
        _put(deltas, k, _at(deltas, k) * factor)
    chosen = place + int(target) * stride
    _put(deltas, chosen, _at(deltas, chosen) - scale)
    return math.log(float(total)) + float(largest - _at(outputs, chosen))


@kernel
def _other_losses(loss, outputs, deltas, n_outputs, stride, place, targets, start, scale):
    """See `_losses`; the targets are at `start`."""
    dtype = outputs.dtype.type
    zero, one, tiny = dtype(0), dtype(1), dtype(1e-25)
    result = 0.0
    for k in range(n_outputs):
        value = _at(outputs, place + k * stride)
        target = _at(targets, start + k)
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
        _put(deltas, place + k * stride, error * (scale / dtype(n_outputs)))
    return result / n_outputs


@inlined
def _losses(pattern, tile, turn, data, row, n_rows, stride, first, last):
    """The loss of each example, of which the outputs are a column; its share times its gradient.

    What is far below rounding becomes 0: near the smallest normal numbers processors are a
    hundred times slower.
    """
    outputs, deltas, targets = tile.units, tile.deltas, data.targets
    output = pattern.layers[len(pattern.layers) - 1]
    n_outputs, start = output.n_out, output.output * stride
    for column in range(first, last):
        place = start + column
        if column >= n_rows:
            for k in range(n_outputs):
                _put(deltas, place + k * stride, outputs.dtype.type(0))
            continue
        example = row + column
        scale = _at(data.scales, example)
        if pattern.loss == CROSS_ENTROPY:
            target = _at(targets, example)
            value = _cross_entropy(outputs, deltas, n_outputs, stride, place, target, scale)
        else:
            value = _other_losses(
                pattern.loss, outputs, deltas, n_outputs, stride, place,
                targets, example * data.n_targets, scale,
            )  # fmt: skip
        _put(tile.losses, turn * COLUMNS + column, scale * value)


@kernel
def _update_sgd(settings, vectors, start, stop):
    """Stochastic gradient descent, by torch.optim.SGD's formulas."""
    parameters, gradients, buffer = vectors.parameters, vectors.gradients, vectors.first
    dtype = parameters.dtype.type
    lr, momentum = dtype(settings.lr), dtype(settings.momentum)
    weight_decay = dtype(settings.weight_decay)
    zero, tiny = dtype(0), dtype(1e-30)
    for k in range(start, stop):
        parameter = _at(parameters, k)
        gradient = _at(gradients, k) + weight_decay * parameter
        if len(buffer):
            value = momentum * _at(buffer, k) + gradient
            # What decays for ever would end among the subnormal numbers, which are slow.
            value = zero if abs(value) < tiny else value
            _put(buffer, k, value)
            gradient = gradient + momentum * value if settings.nesterov else value
        _put(parameters, k, parameter - lr * gradient)


@kernel
def _update_adam(settings, n_steps, vectors, start, stop):
    """Adam, by torch.optim.Adam's formulas; `n_steps` counts this one."""
    parameters, gradients = vectors.parameters, vectors.gradients
    mean, square = vectors.first, vectors.second
    dtype = parameters.dtype.type
    beta1, beta2 = settings.beta1, settings.beta2
    step_size = dtype(settings.lr / (1 - beta1**n_steps))
    correction = dtype(math.sqrt(1 - beta2**n_steps))
    share, keep, share_square = dtype(1 - beta1), dtype(beta2), dtype(1 - beta2)
    eps, weight_decay = dtype(settings.eps), dtype(settings.weight_decay)
    smallest = dtype(1.1754944e-38)
    zero, tiny = dtype(0), dtype(1e-30)
    for k in range(start, stop):
        parameter = _at(parameters, k)
        gradient = _at(gradients, k) + weight_decay * parameter
        first = _at(mean, k) + share * (gradient - _at(mean, k))
        second = keep * _at(square, k) + share_square * gradient * gradient
        first = zero if abs(first) < tiny else first  # see _update_sgd
        second = zero if second < smallest else second
        _put(mean, k, first)
        _put(square, k, second)
        change = step_size * (first / (math.sqrt(second) / correction + eps))
        _put(parameters, k, parameter - change)


@kernel
def _update(settings, n_steps, vectors, start, stop):
    """Take an optimizer's step with some of the parameters; `n_steps` counts this one."""
    if settings.rule == SGD:
        _update_sgd(settings, vectors, start, stop)
    elif settings.rule == ADAM:
        _update_adam(settings, n_steps, vectors, start, stop)


@kernel
def _transpose_values(pattern, number, parameters, transposed, first, last):
    """Bring the values of rows `first` to `last` into the order of the transposed matrix."""
    layer = pattern.layers[number]
    start = _at(pattern.pointers, layer.pointers + first)
    stop = _at(pattern.pointers, layer.pointers + last)
    for k in range(start, stop):
        place = layer.values + _at(pattern.indices, layer.places_t + k)
        _put(transposed, place, _at(parameters, layer.values + k))


@kernel
def _clear_pruned(pattern, gradients, start, stop):
    for k in range(start, stop):
        gradient = _at(gradients, k)
        _put(gradients, k, gradient if _at(pattern.survives, k) else gradients.dtype.type(0))


@kernel
def _collect(gradients, workspace, n_turns, start, stop, again):
    """Add up the gradients of the threads' tiles, in the order in which one thread would."""
    first, second, n_all = workspace.first.gradients, workspace.second.gradients, len(gradients)
    for k in range(start, stop):
        total = _at(gradients, k) + _at(first, k) if again else _at(first, k)
        total += _at(second, k)
        for turn in range(1, n_turns):
            total += _at(first, turn * n_all + k)
            total += _at(second, turn * n_all + k)
        _put(gradients, k, total)


@inlined
def _propagate(
    part, n_parts, pattern, tile, turn, transposed, parameters, block, data, row, n_rows
):
    """Gather, forward, loss and backward of a tile; where threads share it, of half its columns."""
    units, deltas = tile.units, tile.deltas
    stride = _padded(n_rows)
    half = stride // LANES // 2 * LANES
    first = half if part else 0
    last = half if n_parts > 1 and not part else stride
    filled, start = tile.filled, len(pattern.inputs) * part
    if len(data.pointers):
        _gather_sparse(data, row, n_rows, pattern, units, stride, first, last, filled, start)
    else:
        _gather(data, row, n_rows, pattern.inputs, units, stride, first, last, block)
    _forward(pattern, parameters, units, data.is_rare, filled, start, stride, first, last)
    _losses(pattern, tile, turn, data, row, n_rows, stride, first, last)
    _backward(pattern, transposed, units, deltas, stride, first, last)


@inlined
def _differentiate(part, n_parts, bounds, pattern, tile, gradients, start, is_rare, n_rows, again):
    """Gradients of a tile that was propagated, from `start` on; of some rows if it is shared."""
    units, deltas = tile.units, tile.deltas
    stride = _padded(n_rows)
    for number in range(len(pattern.layers)):
        layer = pattern.layers[number]
        row = _at(bounds, number) if part else 0
        end = _at(bounds, number) if n_parts > 1 and not part else layer.n_out
        matrix = _rows_of(layer, start)
        if is_rare and number == 0:
            _weight_gradients_filled(
                gradients, matrix, pattern, units, deltas, tile.filled, part, n_parts,
                stride, row, end, again,
            )  # fmt: skip
        else:
            _weight_gradients(gradients, matrix, pattern, units, deltas, stride, row, end, again)
        _bias_gradients(gradients, matrix, deltas, stride, row, end, again)


@inlined
def _learn(team, together, n_turns, pattern, workspace, vectors, settings, n_steps, again, steps):
    """Add up gradients of threads' own tiles, if there are; take the step, if it `steps`.

    Threads share the rows.
    """
    n_layers = len(pattern.layers)
    for number in range(n_layers):
        layer = pattern.layers[number]
        row = _at(team.bounds, number) if team.part else 0
        end = _at(team.bounds, number) if together and not team.part else layer.n_out
        start = layer.values + _at(pattern.pointers, layer.pointers + row)
        stop = layer.values + _at(pattern.pointers, layer.pointers + end)
        for _ in range(2):  # the weights, and the biases
            if n_turns:
                _collect(vectors.gradients, workspace, n_turns, start, stop, again)
            if steps and layer.n_pruned:
                _clear_pruned(pattern, vectors.gradients, start, stop)
            if steps:
                _update(settings, n_steps, vectors, start, stop)
            start, stop = layer.biases + row, layer.biases + end
        if steps and number > 0:
            _transpose_values(pattern, number, vectors.parameters, workspace.transposed, row, end)
    if steps and team.part == 0:
        # Those that reach no output.
        output = pattern.layers[n_layers - 1]
        start = output.biases + output.n_out
        _update(settings, n_steps, vectors, start, len(vectors.parameters))


# Entry points: compiled once for each float type, cached on disk -----------------------------
#
# Nothing checks indices: whoever calls does.


@compiled
def update(settings, n_steps, vectors):
    """Take an optimizer's step; `n_steps` counts this one."""
    _update(settings, n_steps, vectors, 0, len(vectors.parameters))


@compiled
def take_steps(team, pattern, workspace, vectors, settings, n_steps, data, batch_size, losses):
    """Take a step a batch, and write each one's loss; one thread's part of the work.

    `n_steps` were taken before. Without a rule in `settings`: compute gradients alone.

    Of several whole tiles threads take turns, each with its own, and the gradients are added up in
    order. Of a single tile they share the columns, and the rows of weights. No sum depends on that.
    The second thread joins when it is there.
    """
    signals = team.signals
    step, n_meetings = 0, 0
    zero = np.int64(0)  # see `infer`
    is_first = team.part == 0
    together, admits = not is_first, is_first
    if is_first:
        for number in range(1, len(pattern.layers)):
            n_out = pattern.layers[number].n_out
            _transpose_values(
                pattern, number, vectors.parameters, workspace.transposed, zero, n_out
            )
    else:
        _tell(signals, THERE, 1)
        _wait(signals, CALL, 1)
        step = _told(signals, CALL) - 1
    while step < len(losses):
        if admits and _told(signals, THERE):
            admits, together = False, True
            _tell(signals, CALL, step + 1)
        start = step * batch_size
        stop = start + batch_size if start + batch_size < len(data.rows) else len(data.rows)
        step += 1
        total = 0.0
        row = start
        while row < stop:
            # How many tiles each thread takes by itself, before they meet.
            n_turns = min((stop - row) // (2 * COLUMNS), MOST_TURNS) if together else zero
            is_shared = together and not n_turns
            part, n_parts = (team.part, 2) if is_shared else (zero, 1)
            tile = workspace.second if n_turns and not is_first else workspace.first
            gradients = tile.gradients if n_turns else vectors.gradients
            n_rows = COLUMNS if row + COLUMNS < stop else stop - row
            again = row > start
            for turn in range(max(n_turns, 1)):
                other = 2 * turn + (0 if is_first else 1) if n_turns else 0
                _propagate(
                    part, n_parts, pattern, tile, turn, workspace.transposed, vectors.parameters,
                    team.block, data, row + other * COLUMNS, n_rows,
                )  # fmt: skip
                if is_shared:
                    n_meetings += 1
                    _meet(team, n_meetings)
                _differentiate(
                    part, n_parts, team.bounds, pattern, tile, gradients,
                    turn * len(vectors.gradients), data.is_rare, n_rows, again and not n_turns,
                )  # fmt: skip
            if n_turns:
                n_meetings += 1
                _meet(team, n_meetings)
            for turn in range(max(n_turns, 1)):
                for column in range(turn * COLUMNS, turn * COLUMNS + n_rows):
                    total += _at(workspace.first.losses, column)
                if n_turns:
                    for column in range(turn * COLUMNS, turn * COLUMNS + n_rows):
                        total += _at(workspace.second.losses, column)
            row += 2 * n_turns * COLUMNS if n_turns else n_rows
            _learn(
                team, together, n_turns, pattern, workspace, vectors, settings, n_steps + step,
                again, row == stop,
            )  # fmt: skip
            if together:
                n_meetings += 1
                _meet(team, n_meetings)
        if is_first:
            _put(losses, step - 1, total)
    if is_first:
        _tell(signals, CALL, OVER)


@compiled
def infer(pattern, units, block, filled, parameters, data, first, last, outputs):
    """Outputs of rows `first` to `last`."""
    output = pattern.layers[len(pattern.layers) - 1]
    n_outputs = output.n_out
    width = len(units) // (output.output + n_outputs)
    zero = np.int64(0)  # the literal would be another type, for which all is compiled again
    for start in range(first, last, width):
        n_rows = width if start + width < last else last - start
        padded = _padded(n_rows)
        if len(data.pointers):
            _gather_sparse(data, start, n_rows, pattern, units, width, zero, padded, filled, zero)
        else:
            _gather(data, start, n_rows, pattern.inputs, units, width, zero, padded, block)
        _forward(pattern, parameters, units, data.is_rare, filled, zero, width, zero, padded)
        for column in range(n_rows):
            for k in range(n_outputs):
                value = _at(units, (output.output + k) * width + column)
                _put(outputs, (start + column) * n_outputs + k, value)
