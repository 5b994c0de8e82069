"""The instructions that operations on lanes become, by Numba's low-level extension interface."""

from __future__ import annotations

import contextlib
import functools
import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import lower_builtin, register_model, type_callable
from numba.types import Array, Float, Integer, NamedTuple

from cnnfilter.engine.codes import ABSOLUTE, GROUP, RECTIFIED, RECTIFIED_TO_6, SIZE_BITS
from cnnfilter.engine.lanes import operations
from cnnfilter.runtime.jit import FASTMATH

FLAGS = tuple(sorted(FASTMATH))
"""Of the instructions on floats."""


class Lanes(types.Type):  # type: ignore[misc]  # Numba has no types for mypy
    """The type of `count` numbers of type `dtype`."""

    def __init__(self, dtype: types.Type, count: int) -> None:
        self.dtype = dtype
        self.count = count
        super().__init__(f"lanes({dtype}, {count})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]  # nor here
    def __init__(self, manager: Any, kind: Lanes) -> None:
        super().__init__(manager, kind, ir.VectorType(manager.lookup(kind.dtype).get_value_type(), kind.count))


def lowered(function: Callable[..., Any], result: Callable[..., Any], *kinds: Any) -> Callable[..., Any]:
    """Register what builds the instructions of a function, and by which rule the type of its result follows."""

    def register(build: Callable[..., Any]) -> Callable[..., Any]:
        rule = functools.wraps(function)(lambda *given: result(*given))  # which Numba asks for its parameters
        type_callable(function)(lambda context: rule)
        lower_builtin(function, *kinds)(build)
        return build

    return register


def like_first(kind, *_):
    """The type of the first argument, as a rule for `lowered`."""
    return kind


def nothing(*_):
    """No type, as a rule for `lowered`."""
    return types.none


def _vector(context, dtype, count):
    return ir.VectorType(context.get_value_type(dtype), count)


def spread_number(builder, value, count):
    """Copy a number to all lanes."""
    vector = ir.VectorType(value.type, count)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.IntType(32)(0))
    places = ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), places)


def _converted(context, builder, lanes, dtype, to, count):
    """Convert lanes from one type of number to another."""
    vector = _vector(context, to, count)
    if dtype == to:
        return lanes
    if isinstance(dtype, Float):
        if isinstance(to, Integer):
            return builder.fptosi(lanes, vector)
        return (builder.fpext if to.bitwidth > dtype.bitwidth else builder.fptrunc)(lanes, vector)
    if isinstance(to, Float):
        if not dtype.signed:  # processors convert signed numbers
            lanes = builder.zext(lanes, _vector(context, types.int32, count))
        return builder.sitofp(lanes, vector)
    if to.bitwidth < dtype.bitwidth:
        return builder.trunc(lanes, vector)
    return (builder.sext if dtype.signed else builder.zext)(lanes, vector)


def load_number(context, builder, kind, array, k):
    """Load one number of an array."""
    return builder.load(pointer(context, builder, kind, array, k))


def pointer(context, builder, kind, array, at, count=None, used=None):
    """The address of a number among all of an array, or that of `count` of them as lanes, `used` of which are there."""
    array = context.make_array(kind)(context, builder, array)
    if context.enable_boundscheck:
        size = functools.reduce(builder.mul, cgutils.unpack_tuple(builder, array.shape))
        cgutils.do_boundscheck(context, builder, at, size)
        used = used or at.type(count or 1)
        cgutils.do_boundscheck(context, builder, builder.sub(builder.add(at, used), at.type(1)), size)
    address = builder.gep(array.data, [at])
    return address if count is None else builder.bitcast(address, _vector(context, kind.dtype, count).as_pointer())


def load_lanes(context, builder, kind, array, at, lanes):
    """Load samples as the type of `lanes`."""
    samples = builder.load(pointer(context, builder, kind, array, at, lanes.count))
    samples.align = kind.dtype.bitwidth // 8
    return _converted(context, builder, samples, kind.dtype, lanes.dtype, lanes.count)


def store_lanes(context, builder, kind, array, at, lanes, count):
    """Store lanes of an array's type in it."""
    stored = builder.store(lanes, pointer(context, builder, kind, array, at, count))
    stored.align = kind.dtype.bitwidth // 8


def _arithmetic(name):
    def build(builder, dtype, left, right):
        if isinstance(dtype, Float):
            return getattr(builder, f"f{name}")(left, right, flags=FLAGS)
        return getattr(builder, name)(left, right)

    return build


add, subtract, multiply = (_arithmetic(name) for name in ("add", "sub", "mul"))


def _called(builder, name, suffix, *operands):
    """Call one of LLVM's own functions of lanes."""
    vector = operands[0].type
    declared = ir.FunctionType(vector, [operand.type for operand in operands])
    full = f"llvm.{name}.v{vector.count}{suffix}"
    return builder.call(cgutils.get_or_insert_function(builder.module, declared, full), operands)


def _type_of_zeros(kind, count):
    # Numba asks for the number's type first, and for the number itself if that has no answer.
    return Lanes(kind.dtype, count.literal_value) if isinstance(count, types.IntegerLiteral) else None


def _same(left, right):
    """The type of two operands, or None where they are not lanes of one type."""
    return left if isinstance(left, Lanes) and left == right else None


@lowered(operations.zeros, _type_of_zeros, types.NumberClass, types.IntegerLiteral)
def _lower_zeros(context, builder, signature, arguments):
    return ir.Constant(context.get_value_type(signature.return_type), None)


@lowered(operations.spread, like_first, Lanes, types.Number)
def _lower_spread(context, builder, signature, arguments):
    like, kind = signature.args
    return spread_number(builder, context.cast(builder, arguments[1], kind, like.dtype), like.count)


@lowered(operations.sum_taps, like_first, Lanes, Lanes, Array, Integer, Array, Array, Integer, Integer)
def _lower_sum_taps(context, builder, signature, arguments):
    lanes, small, source, _, index, kind, *_ = signature.args
    total, none, x, origin, offsets, weights, begin, end = arguments
    total = cgutils.alloca_once_value(builder, total)
    products = cgutils.alloca_once_value(builder, none)
    with ranging(builder, begin, end, GROUP) as (first, last):
        builder.store(none, products)
        with ranging(builder, first, last, 1) as (k, _):
            at = builder.add(load_number(context, builder, index, offsets, k), origin)
            weight = spread_number(builder, load_number(context, builder, kind, weights, k), lanes.count)
            product = multiply(builder, small.dtype, weight, load_lanes(context, builder, source, x, at, small))
            builder.store(add(builder, small.dtype, builder.load(products), product), products)
        added = _converted(context, builder, builder.load(products), small.dtype, lanes.dtype, lanes.count)
        builder.store(add(builder, lanes.dtype, builder.load(total), added), total)
    return builder.load(total)


@lowered(operations.add_product, like_first, Lanes, types.Number, Array, Integer)
def _lower_add_product(context, builder, signature, arguments):
    lanes, kind, source, _ = signature.args
    total, weight, x, at = arguments
    weight = spread_number(builder, context.cast(builder, weight, kind, lanes.dtype), lanes.count)
    samples = load_lanes(context, builder, source, x, at, lanes)
    return add(builder, lanes.dtype, total, multiply(builder, lanes.dtype, weight, samples))


for _operator, _build in ((operator.add, add), (operator.sub, subtract), (operator.mul, multiply)):

    @lowered(_operator, _same, Lanes, Lanes)
    def _lower_operator(context, builder, signature, arguments, build=_build):
        return build(builder, signature.return_type.dtype, *arguments)


@lowered(operations.samples, like_first, Lanes, Array, Integer)
def _lower_samples(context, builder, signature, arguments):
    lanes, source, _ = signature.args
    _, x, at = arguments
    return load_lanes(context, builder, source, x, at, lanes)


@lowered(operations.sizes, like_first, Lanes, Array, Integer)
def _lower_sizes(context, builder, signature, arguments):
    lanes, source, _ = signature.args
    _, x, at = arguments
    values = load_lanes(context, builder, source, x, at, Lanes(source.dtype, lanes.count))
    bits = builder.bitcast(values, _vector(context, lanes.dtype, lanes.count))
    return builder.and_(bits, ir.Constant(bits.type, [SIZE_BITS] * lanes.count))


@lowered(operations.first_sizes, like_first, Lanes, Array, Integer, Integer)
def _lower_first_sizes(context, builder, signature, arguments):
    lanes, source, *_ = signature.args
    _, x, at, count = arguments
    values = _load_first(context, builder, source, x, at, Lanes(source.dtype, lanes.count), count)
    bits = builder.bitcast(values, _vector(context, lanes.dtype, lanes.count))
    return builder.and_(bits, ir.Constant(bits.type, [SIZE_BITS] * lanes.count))


def _first_lanes(builder, count, lanes):
    """Which of some lanes are the first `count`."""
    places = ir.Constant(ir.VectorType(count.type, lanes.count), list(range(lanes.count)))
    return builder.icmp_signed("<", places, spread_number(builder, count, lanes.count))


def _masked(builder, name, dtype, count, result, *operands):
    """Call LLVM's load or store of some lanes."""
    lanes = f"v{count}{'f' if isinstance(dtype, Float) else 'i'}{dtype.bitwidth}"
    declared = ir.FunctionType(result, [operand.type for operand in operands])
    full = f"llvm.masked.{name}.{lanes}.p0{lanes}"  # releases with one type of pointer mend the name
    return builder.call(cgutils.get_or_insert_function(builder.module, declared, full), operands)


def _load_first(context, builder, kind, array, at, lanes, count):
    """Load the first `count` samples as the type of `lanes`, which are 0 beyond."""
    address = pointer(context, builder, kind, array, at, lanes.count, used=count)
    return _load_masked(context, builder, kind, address, lanes, _first_lanes(builder, count, lanes))


def _load_masked(context, builder, kind, address, lanes, mask):
    """Load the samples of a mask as the type of `lanes`, the others of which are 0."""
    align = ir.IntType(32)(kind.dtype.bitwidth // 8)
    seen = _vector(context, kind.dtype, lanes.count)
    zero = ir.Constant(seen, None)
    loaded = _masked(builder, "load", kind.dtype, lanes.count, seen, address, align, mask, zero)
    return _converted(context, builder, loaded, kind.dtype, lanes.dtype, lanes.count)


@lowered(operations.first_samples, like_first, Lanes, Array, Integer, Integer)
def _lower_first_samples(context, builder, signature, arguments):
    lanes, source, *_ = signature.args
    _, x, at, count = arguments
    return _load_first(context, builder, source, x, at, lanes, count)


@lowered(operations.first_of_second, like_first, Lanes, Array, Integer, Integer)
def _lower_first_of_second(context, builder, signature, arguments):
    lanes, source, *_ = signature.args
    _, x, at, count = arguments
    read = builder.sub(builder.add(count, count), count.type(1))
    return alternate_lanes(
        builder, _load_first(context, builder, source, x, at, Lanes(lanes.dtype, 2 * lanes.count), read)
    )


@lowered(operations.put_first, nothing, Array, Integer, Lanes, Integer)
def _lower_put_first(context, builder, signature, arguments):
    kind, _, lanes, _ = signature.args
    out, at, values, count = arguments
    address = pointer(context, builder, kind, out, at, lanes.count, used=count)
    align = ir.IntType(32)(kind.dtype.bitwidth // 8)
    mask = _first_lanes(builder, count, lanes)
    _masked(builder, "store", kind.dtype, lanes.count, ir.VoidType(), values, address, align, mask)
    return context.get_dummy_value()


@lowered(operations.every_second, like_first, Lanes, Array, Integer)
def _lower_every_second(context, builder, signature, arguments):
    lanes, source, _ = signature.args
    _, x, at = arguments
    return alternate_lanes(builder, load_lanes(context, builder, source, x, at, Lanes(lanes.dtype, 2 * lanes.count)))


def alternate_lanes(builder, lanes, first=0):
    """Every second lane, from the first or the next on."""
    places = list(range(first, lanes.type.count, 2))
    return builder.shuffle_vector(lanes, lanes, ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places))


def _somewhere(context, builder, kind, array, at, inside, shift, count):
    """The address of lanes `shift` samples after `at`, of which those count that lie `inside`, as seen from there."""
    array = context.make_array(kind)(context, builder, array)
    if context.enable_boundscheck:
        size = functools.reduce(builder.mul, cgutils.unpack_tuple(builder, array.shape))
        begin, end = inside
        last = builder.add(shift, shift.type(count))
        begin = builder.select(builder.icmp_signed(">", begin, shift), begin, shift)
        end = builder.select(builder.icmp_signed("<", end, last), end, last)
        with builder.if_then(builder.icmp_signed("<", begin, end)):
            cgutils.do_boundscheck(context, builder, builder.add(at, begin), size)
            cgutils.do_boundscheck(context, builder, builder.sub(builder.add(at, end), at.type(1)), size)
    address = builder.gep(array.data, [builder.add(at, shift)])
    return builder.bitcast(address, _vector(context, kind.dtype, count).as_pointer())


def _type_of_three(total, x, at, begin, end, stride, *weights):
    return total if isinstance(stride, types.IntegerLiteral) else None


@lowered(operations.add_three, _type_of_three, Lanes, Array, Integer, Integer, Integer, Integer, Lanes, Lanes, Lanes)
def _lower_add_three(context, builder, signature, arguments):
    lanes, source, *_ = signature.args
    total, x, at, begin, end, _, *weights = arguments
    stride = signature.args[5].literal_value
    read = Lanes(lanes.dtype, stride * lanes.count)
    for tap, weight in enumerate(weights):
        shift = begin.type(tap)
        before = _first_lanes(builder, builder.sub(begin, shift), read)
        mask = builder.and_(_first_lanes(builder, builder.sub(end, shift), read), builder.not_(before))
        address = _somewhere(context, builder, source, x, at, (begin, end), shift, read.count)
        seen = _load_masked(context, builder, source, address, read, mask)
        seen = alternate_lanes(builder, seen) if stride == 2 else seen
        total = add(builder, lanes.dtype, total, multiply(builder, lanes.dtype, weight, seen))
    return total


@lowered(operations.larger, like_first, Lanes, Lanes)
def _lower_larger(context, builder, signature, arguments):
    value, largest = arguments
    if isinstance(signature.args[0].dtype, Integer):
        return builder.select(builder.icmp_signed(">", value, largest), value, largest)
    is_larger = builder.or_(builder.fcmp_ordered(">", value, largest), builder.fcmp_unordered("uno", value, value))
    return builder.select(is_larger, value, largest)


@lowered(operations.add_up, lambda _: types.float64, Lanes)
def _lower_add_up(context, builder, signature, arguments):
    (lanes,) = signature.args
    values, count = _converted(context, builder, *arguments, lanes.dtype, types.float64, lanes.count), lanes.count
    while count > 1:
        count //= 2
        halves = [range(count), range(count, 2 * count)]
        places = [ir.Constant(ir.VectorType(ir.IntType(32), count), list(half)) for half in halves]
        values = add(builder, types.float64, *(builder.shuffle_vector(values, values, half) for half in places))
    return builder.extract_element(values, ir.IntType(32)(0))


@lowered(operations.root, like_first, Lanes)
def _lower_root(context, builder, signature, arguments):
    if isinstance(signature.args[0].dtype, Integer):
        return arguments[0]
    return _called(builder, "sqrt", _suffix(signature.args[0].dtype), *arguments)


def _shaped(builder, dtype, values, after):
    zero = ir.Constant(values.type, None)
    if isinstance(dtype, Float):
        size = _called(builder, "fabs", _suffix(dtype), values)
        is_negative = builder.fcmp_ordered("<", values, zero)
    else:
        is_negative = builder.icmp_signed("<", values, zero)
        size = builder.select(is_negative, builder.sub(zero, values), values)
    rectified = builder.select(is_negative, zero, values)
    values = builder.select(builder.icmp_signed("==", after, after.type(ABSOLUTE)), size, values)
    values = builder.select(builder.icmp_signed(">=", after, after.type(RECTIFIED)), rectified, values)
    six = ir.Constant(values.type, [6] * values.type.count)
    compare = builder.fcmp_ordered if isinstance(dtype, Float) else builder.icmp_signed
    is_more = builder.icmp_signed("==", after, after.type(RECTIFIED_TO_6))
    return builder.select(is_more, builder.select(compare(">", values, six), six, values), values)


@lowered(operations.shaped, like_first, Lanes, Integer)
def _lower_shaped(context, builder, signature, arguments):
    return _shaped(builder, signature.args[0].dtype, *arguments)


@lowered(operations.put, nothing, Array, Integer, Lanes)
def lower_put(context, builder, signature, arguments):
    """Build what `put` means."""
    kind, _, lanes = signature.args
    out, at, values = arguments
    if isinstance(kind.dtype, Integer) and not kind.dtype.signed:
        values = _quantised(context, builder, values, lanes, kind.dtype)
    else:
        values = _converted(context, builder, values, lanes.dtype, kind.dtype, lanes.count)
    store_lanes(context, builder, kind, out, at, values, lanes.count)
    return context.get_dummy_value()


@lowered(operations.finish, nothing, Array, Integer, Lanes, NamedTuple)
def lower_finish(context, builder, signature, arguments):
    """Build what `finish` means."""
    kind, place, lanes, how_kind = signature.args
    out, at, total, how = arguments
    gain_kind, bias_kind, _ = how_kind.types
    gain, bias, after = cgutils.unpack_tuple(builder, how)
    real = types.float64 if lanes.dtype.bitwidth == 64 else types.float32
    gain, bias = (
        spread_number(builder, context.cast(builder, value, kind, real), lanes.count)
        for value, kind in ((gain, gain_kind), (bias, bias_kind))
    )
    values = _converted(context, builder, total, lanes.dtype, real, lanes.count)
    values = add(builder, real, multiply(builder, real, values, gain), bias)
    values = _shaped(builder, real, values, after)
    return lower_put(context, builder, types.none(kind, place, Lanes(real, lanes.count)), (out, at, values))


def _quantised(context, builder, values, lanes, to):
    zero = ir.Constant(values.type, None)
    if isinstance(lanes.dtype, Float):
        high = ir.Constant(values.type, [float(to.maxval)] * lanes.count)
        # A comparison with NaN is false, which leaves 0.
        values = builder.select(builder.fcmp_ordered(">", values, zero), values, zero)
        values = builder.select(builder.fcmp_ordered("<", values, high), values, high)
        values = _called(builder, "rint", _suffix(lanes.dtype), values)
        values = builder.fptosi(values, _vector(context, types.int32, lanes.count))
        return builder.trunc(values, _vector(context, to, lanes.count))
    values = builder.select(builder.icmp_signed(">", values, zero), values, zero)
    if to.maxval < lanes.dtype.maxval:
        high = ir.Constant(values.type, [to.maxval] * lanes.count)
        values = builder.select(builder.icmp_signed("<", values, high), values, high)
    return _converted(context, builder, values, lanes.dtype, to, lanes.count)


@contextlib.contextmanager
def ranging(builder, begin, end, by):
    """Loop over `range(begin, end, by)`; yield its number, and the next or the end, whichever comes first."""
    size = begin.type
    with cgutils.for_range_slice(builder, begin, end, size(by), size, inc=True) as (first, _):
        following = builder.add(first, size(by))
        yield first, builder.select(builder.icmp_signed("<", following, end), following, end)


def _suffix(dtype):
    return f"f{dtype.bitwidth}"
