"""The instructions that operations on lanes become, by Numba's low-level extension interface."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import lower_builtin, register_model, type_callable

from cnnfilter.engine.codes import ABSOLUTE, FILTERS, GROUP, RECTIFIED, SUM_LENGTH
from cnnfilter.engine.jit import FASTMATH
from cnnfilter.engine.lanes.operations import (
    add_product,
    add_up,
    every_second,
    finish,
    first_samples,
    larger,
    put,
    put_first,
    root,
    samples,
    shaped,
    spread,
    sum_filters,
    sum_taps,
    zeros,
)

CACHE_LINE = 64
"""Bytes that memory is asked for at a time, on most processors."""

PREFETCH = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), *[ir.IntType(32)] * 3])
"""The type of LLVM's instruction that asks for memory."""

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


def _lowered(function: Callable[..., Any], result: Callable[..., Any], *kinds: Any) -> Callable[..., Any]:
    """Register what builds a function's instructions, and by which rule the type of its result follows."""

    def register(build: Callable[..., Any]) -> Callable[..., Any]:
        type_callable(function)(lambda context: result)
        lower_builtin(function, *kinds)(build)
        return build

    return register


def _vector(context, dtype, count):
    return ir.VectorType(context.get_value_type(dtype), count)


def _spread_number(builder, value, count):
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
    if isinstance(dtype, types.Float):
        return (builder.fpext if to.bitwidth > dtype.bitwidth else builder.fptrunc)(lanes, vector)
    if isinstance(to, types.Float):
        if not dtype.signed:  # processors convert signed numbers
            lanes = builder.zext(lanes, _vector(context, types.int32, count))
        return builder.sitofp(lanes, vector)
    if to.bitwidth < dtype.bitwidth:
        return builder.trunc(lanes, vector)
    return (builder.sext if dtype.signed else builder.zext)(lanes, vector)


def _load_number(context, builder, kind, array, k):
    """Load one number of an array."""
    return builder.load(_pointer(context, builder, kind, array, k))


def _pointer(context, builder, kind, array, at, count=None, used=None):
    """Return the address of a number in an array, or that of `count` of them as lanes, `used` of which are there."""
    array = context.make_array(kind)(context, builder, array)
    if context.enable_boundscheck:
        (size,) = cgutils.unpack_tuple(builder, array.shape)
        cgutils.do_boundscheck(context, builder, at, size)
        used = used or at.type(count or 1)
        cgutils.do_boundscheck(context, builder, builder.sub(builder.add(at, used), at.type(1)), size)
    address = builder.gep(array.data, [at])
    return address if count is None else builder.bitcast(address, _vector(context, kind.dtype, count).as_pointer())


def _load_lanes(context, builder, kind, array, at, lanes):
    """Load samples as the type of `lanes`."""
    samples = builder.load(_pointer(context, builder, kind, array, at, lanes.count))
    samples.align = kind.dtype.bitwidth // 8
    return _converted(context, builder, samples, kind.dtype, lanes.dtype, lanes.count)


def _store_lanes(context, builder, kind, array, at, lanes, count):
    """Store lanes of an array's type in it."""
    stored = builder.store(lanes, _pointer(context, builder, kind, array, at, count))
    stored.align = kind.dtype.bitwidth // 8


def _sum(builder, dtype, left, right):
    if isinstance(dtype, types.Float):
        return builder.fadd(left, right, flags=FLAGS)
    return builder.add(left, right)


def _difference(builder, dtype, left, right):
    if isinstance(dtype, types.Float):
        return builder.fsub(left, right, flags=FLAGS)
    return builder.sub(left, right)


def _product(builder, dtype, left, right):
    if isinstance(dtype, types.Float):
        return builder.fmul(left, right, flags=FLAGS)
    return builder.mul(left, right)


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
    """Return the type of two operands, or None where they are not lanes of one type."""
    return left if isinstance(left, Lanes) and left == right else None


@_lowered(zeros, _type_of_zeros, types.NumberClass, types.IntegerLiteral)
def _lower_zeros(context, builder, signature, arguments):
    return ir.Constant(context.get_value_type(signature.return_type), None)


@_lowered(spread, lambda like, value: like, Lanes, types.Number)
def _lower_spread(context, builder, signature, arguments):
    like, kind = signature.args
    return _spread_number(builder, context.cast(builder, arguments[1], kind, like.dtype), like.count)


@_lowered(
    sum_taps,
    lambda total, none, x, origin, offsets, weights, begin, end: total,
    *(Lanes, Lanes, types.Array, types.Integer, types.Array, types.Array, types.Integer, types.Integer),
)
def _lower_sum_taps(context, builder, signature, arguments):
    lanes, small, source, _, index, kind, *_ = signature.args
    total, none, x, origin, offsets, weights, begin, end = arguments
    total = cgutils.alloca_once_value(builder, total)
    products = cgutils.alloca_once_value(builder, none)
    with _stepping(builder, begin, end, GROUP) as (first, last):
        builder.store(none, products)
        with _stepping(builder, first, last, 1) as (k, _):
            at = builder.add(_load_number(context, builder, index, offsets, k), origin)
            weight = _spread_number(builder, _load_number(context, builder, kind, weights, k), lanes.count)
            product = _product(builder, small.dtype, weight, _load_lanes(context, builder, source, x, at, small))
            builder.store(_sum(builder, small.dtype, builder.load(products), product), products)
        added = _converted(context, builder, builder.load(products), small.dtype, lanes.dtype, lanes.count)
        builder.store(_sum(builder, lanes.dtype, builder.load(total), added), total)
    return builder.load(total)


@_lowered(add_product, lambda total, weight, x, at: total, Lanes, types.Number, types.Array, types.Integer)
def _lower_add_product(context, builder, signature, arguments):
    lanes, kind, source, _ = signature.args
    total, weight, x, at = arguments
    weight = _spread_number(builder, context.cast(builder, weight, kind, lanes.dtype), lanes.count)
    samples = _load_lanes(context, builder, source, x, at, lanes)
    return _sum(builder, lanes.dtype, total, _product(builder, lanes.dtype, weight, samples))


for _operator, _build in ((operator.add, _sum), (operator.sub, _difference), (operator.mul, _product)):

    @_lowered(_operator, lambda left, right: _same(left, right), Lanes, Lanes)
    def _lower_operator(context, builder, signature, arguments, build=_build):
        return build(builder, signature.return_type.dtype, *arguments)


@_lowered(samples, lambda none, x, at: none, Lanes, types.Array, types.Integer)
def _lower_samples(context, builder, signature, arguments):
    lanes, source, _ = signature.args
    _, x, at = arguments
    return _load_lanes(context, builder, source, x, at, lanes)


def _first_lanes(builder, count, lanes):
    """Return which of some lanes are the first `count`."""
    places = ir.Constant(ir.VectorType(count.type, lanes.count), list(range(lanes.count)))
    return builder.icmp_signed("<", places, _spread_number(builder, count, lanes.count))


def _masked(builder, name, dtype, count, result, *operands):
    """Call LLVM's load or store of some lanes."""
    lanes = f"v{count}{'f' if isinstance(dtype, types.Float) else 'i'}{dtype.bitwidth}"
    declared = ir.FunctionType(result, [operand.type for operand in operands])
    full = f"llvm.masked.{name}.{lanes}.p0{lanes}"  # releases with one type of pointer mend the name
    return builder.call(cgutils.get_or_insert_function(builder.module, declared, full), operands)


@_lowered(first_samples, lambda none, x, at, count: none, *(Lanes, types.Array, types.Integer, types.Integer))
def _lower_first_samples(context, builder, signature, arguments):
    lanes, source, *_ = signature.args
    none, x, at, count = arguments
    address = _pointer(context, builder, source, x, at, lanes.count, used=count)
    align = ir.IntType(32)(source.dtype.bitwidth // 8)
    seen = _vector(context, source.dtype, lanes.count)
    mask, zero = _first_lanes(builder, count, lanes), ir.Constant(seen, None)
    loaded = _masked(builder, "load", source.dtype, lanes.count, seen, address, align, mask, zero)
    return _converted(context, builder, loaded, source.dtype, lanes.dtype, lanes.count)


@_lowered(
    put_first,
    lambda out, at, values, count: types.none,
    *(types.Array, types.Integer, Lanes, types.Integer),
)
def _lower_put_first(context, builder, signature, arguments):
    kind, _, lanes, _ = signature.args
    out, at, values, count = arguments
    address = _pointer(context, builder, kind, out, at, lanes.count, used=count)
    align = ir.IntType(32)(kind.dtype.bitwidth // 8)
    mask = _first_lanes(builder, count, lanes)
    _masked(builder, "store", kind.dtype, lanes.count, ir.VoidType(), values, address, align, mask)
    return context.get_dummy_value()


@_lowered(every_second, lambda none, x, at: none, Lanes, types.Array, types.Integer)
def _lower_every_second(context, builder, signature, arguments):
    lanes, source, _ = signature.args
    _, x, at = arguments
    both = _load_lanes(context, builder, source, x, at, Lanes(lanes.dtype, 2 * lanes.count))
    places = ir.Constant(ir.VectorType(ir.IntType(32), lanes.count), list(range(0, 2 * lanes.count, 2)))
    return builder.shuffle_vector(both, both, places)


@_lowered(larger, lambda value, largest: value, Lanes, Lanes)
def _lower_larger(context, builder, signature, arguments):
    value, largest = arguments
    is_larger = builder.or_(builder.fcmp_ordered(">", value, largest), builder.fcmp_unordered("uno", value, value))
    return builder.select(is_larger, value, largest)


@_lowered(add_up, lambda values: types.float64, Lanes)
def _lower_add_up(context, builder, signature, arguments):
    (lanes,) = signature.args
    values, count = _converted(context, builder, *arguments, lanes.dtype, types.float64, lanes.count), lanes.count
    while count > 1:
        count //= 2
        halves = [range(count), range(count, 2 * count)]
        places = [ir.Constant(ir.VectorType(ir.IntType(32), count), list(half)) for half in halves]
        values = _sum(builder, types.float64, *(builder.shuffle_vector(values, values, half) for half in places))
    return builder.extract_element(values, ir.IntType(32)(0))


@_lowered(root, lambda value: value, Lanes)
def _lower_root(context, builder, signature, arguments):
    return _called(builder, "sqrt", _suffix(signature.args[0].dtype), *arguments)


def _shaped(builder, dtype, values, after):
    zero = ir.Constant(values.type, None)
    if isinstance(dtype, types.Float):
        size = _called(builder, "fabs", _suffix(dtype), values)
        is_negative = builder.fcmp_ordered("<", values, zero)
    else:
        is_negative = builder.icmp_signed("<", values, zero)
        size = builder.select(is_negative, builder.sub(zero, values), values)
    rectified = builder.select(is_negative, zero, values)
    values = builder.select(builder.icmp_signed("==", after, after.type(ABSOLUTE)), size, values)
    return builder.select(builder.icmp_signed("==", after, after.type(RECTIFIED)), rectified, values)


@_lowered(shaped, lambda values, after: values, Lanes, types.Integer)
def _lower_shaped(context, builder, signature, arguments):
    return _shaped(builder, signature.args[0].dtype, *arguments)


@_lowered(put, lambda out, at, values: types.none, types.Array, types.Integer, Lanes)
def _lower_put(context, builder, signature, arguments):
    kind, _, lanes = signature.args
    out, at, values = arguments
    if isinstance(kind.dtype, types.Integer) and not kind.dtype.signed:
        values = _quantised(context, builder, values, lanes, kind.dtype)
    else:
        values = _converted(context, builder, values, lanes.dtype, kind.dtype, lanes.count)
    _store_lanes(context, builder, kind, out, at, values, lanes.count)
    return context.get_dummy_value()


@_lowered(
    finish,
    lambda out, at, total, gain, bias, after: types.none,
    *(types.Array, types.Integer, Lanes, types.Float, types.Float, types.Integer),
)
def _lower_finish(context, builder, signature, arguments):
    kind, place, lanes, gain_kind, bias_kind, _ = signature.args
    out, at, total, gain, bias, after = arguments
    single = Lanes(types.float32, lanes.count)
    gain, bias = (
        _spread_number(builder, context.cast(builder, value, kind, types.float32), lanes.count)
        for value, kind in ((gain, gain_kind), (bias, bias_kind))
    )
    values = _converted(context, builder, total, lanes.dtype, types.float32, lanes.count)
    values = _sum(builder, types.float32, _product(builder, types.float32, values, gain), bias)
    values = _shaped(builder, types.float32, values, after)
    return _lower_put(context, builder, types.none(kind, place, single), (out, at, values))


def _quantised(context, builder, values, lanes, to):
    zero = ir.Constant(values.type, None)
    if isinstance(lanes.dtype, types.Float):
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
def _stepping(builder, begin, end, step):
    """Loop over `range(begin, end, step)`; yield its number, and the next or the end, whichever comes first."""
    size = begin.type
    with cgutils.for_range_slice(builder, begin, end, size(step), size, inc=True) as (first, _):
        following = builder.add(first, size(step))
        yield first, builder.select(builder.icmp_signed("<", following, end), following, end)


def _suffix(dtype):
    return f"f{dtype.bitwidth}"


@_lowered(
    sum_filters,
    lambda none, out, to, plane, x, origin, offsets, weights, biases, filters, relu: types.none,
    *(Lanes, types.Array, types.Integer, types.Integer, types.Array, types.Integer),
    *(types.Array, types.Array, types.Array, types.Integer, types.Boolean),
)
def _lower_sum_filters(context, builder, signature, arguments):
    lanes, kind, _, _, source, _, index, weight_kind, bias_kind, *_ = signature.args
    none, out, to, plane, x, origin, offsets, weights, biases, filters, relu = arguments
    size = to.type
    numbers = context.make_array(weight_kind)(context, builder, weights)
    (taps, _) = cgutils.unpack_tuple(builder, numbers.shape)
    prefetch = builder.module.declare_intrinsic("llvm.prefetch", [ir.IntType(8).as_pointer()], PREFETCH)
    totals = [cgutils.alloca_once_value(builder, none) for _ in range(FILTERS)]
    parts = [cgutils.alloca_once_value(builder, none) for _ in range(FILTERS)]

    def add_taps(first, end):
        """Add some taps to `parts`."""
        with _stepping(builder, first, end, 1) as (k, _):
            at = builder.add(_load_number(context, builder, index, offsets, k), origin)
            seen = _load_lanes(context, builder, source, x, at, lanes)
            row = builder.gep(numbers.data, [builder.mul(k, size(FILTERS))])
            for o, part in enumerate(parts):
                weight = _spread_number(builder, builder.load(builder.gep(row, [size(o)])), lanes.count)
                product = _product(builder, lanes.dtype, weight, seen)
                builder.store(_sum(builder, lanes.dtype, builder.load(part), product), part)

    def each_used(build):
        """Build something for each filter that there is, from its number and where its results are stored."""
        for o in range(FILTERS):
            with builder.if_then(builder.icmp_signed("<", size(o), filters)):
                build(o, builder.add(to, builder.mul(plane, size(o))))

    def fetch(_, place):
        """Ask for the memory of results to come: to wait for it where they are stored took a quarter of the time."""
        address = builder.bitcast(_pointer(context, builder, kind, out, place), ir.IntType(8).as_pointer())
        for at in range(0, lanes.count * kind.dtype.bitwidth // 8, CACHE_LINE):
            builder.call(prefetch, [builder.gep(address, [size(at)]), *(ir.IntType(32)(n) for n in (1, 3, 1))])

    def spread_bias(o):
        return _spread_number(builder, _load_number(context, builder, bias_kind, biases, size(o)), lanes.count)

    lowest = builder.select(builder.trunc(relu, ir.IntType(1)), none, ir.Constant(none.type, [-np.inf] * lanes.count))

    def store_rectified(held, place):
        held = builder.select(builder.fcmp_ordered("<", held, lowest), lowest, held)
        _store_lanes(context, builder, kind, out, place, held, lanes.count)

    def store_only(o, place):
        store_rectified(builder.load(parts[o]), place)

    def store_bias(o, place):
        _store_lanes(context, builder, kind, out, place, spread_bias(o), lanes.count)

    def add_total(o, place):
        held = _load_lanes(context, builder, kind, out, place, lanes)
        held = _sum(builder, lanes.dtype, held, builder.load(totals[o]))
        _store_lanes(context, builder, kind, out, place, held, lanes.count)

    def rectify(_, place):
        store_rectified(_load_lanes(context, builder, kind, out, place, lanes), place)

    is_short = builder.icmp_signed("<=", taps, size(SUM_LENGTH))
    with builder.if_else(is_short) as (short, long):
        with short:  # nothing needs to be kept beside what is added up
            each_used(fetch)
            for o, part in enumerate(parts):
                builder.store(spread_bias(o), part)
            add_taps(size(0), taps)
            each_used(store_only)
        with long:
            each_used(store_bias)
            with _stepping(builder, size(0), taps, SUM_LENGTH * SUM_LENGTH) as (begin, end):
                for total in totals:
                    builder.store(none, total)
                with _stepping(builder, begin, end, SUM_LENGTH) as (first, first_end):
                    for part in parts:
                        builder.store(none, part)
                    add_taps(first, first_end)
                    for total, part in zip(totals, parts, strict=True):
                        builder.store(_sum(builder, lanes.dtype, builder.load(total), builder.load(part)), total)
                each_used(add_total)
            each_used(rectify)
    return context.get_dummy_value()
