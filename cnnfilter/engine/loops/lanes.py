"""Vectors of samples that are computed together, so that a loop over taps can run inside the one over samples.

LLVM vectorises a loop over samples only if nothing but straight code lies inside it, so the taps would have to be
written out. Here a value holds many neighbouring samples, which LLVM spreads over as many registers as that takes:
sums stay in registers over all taps, whatever their number, each sample is read and converted once for a tap, and
one loop of a few lines, which compiles in a tenth of the time, replaces a group of taps for each size.

Each operation is defined twice: as a Python function on NumPy arrays, which is what it means and what runs where
Numba is switched off, and as the LLVM instructions for it, by Numba's low-level extension interface.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import lower_builtin, register_model, type_callable

from cnnfilter.engine.codes import ABSOLUTE, GROUP, RECTIFIED
from cnnfilter.engine.jit import FASTMATH

WIDE = 128 if llvm.get_host_cpu_features().get("avx512f") else 64
"""Lanes that sums are kept in. Of 32-bit numbers they take 8 of AVX-512's 32 registers, and 8 of AVX2's 16: enough
that one addition need not wait for another, and few enough that they all stay there. Results do not depend on it."""

HALF = 32 if WIDE == 128 else 16
"""Lanes of each of the sums of `FILTERS` filters: together they take half of AVX-512's registers, or all of AVX2's."""

FLAGS = tuple(sorted(FASTMATH))


class Lanes(types.Type):  # type: ignore[misc]
    """The type of `count` numbers of type `dtype`."""

    def __init__(self, dtype: types.Type, count: int) -> None:
        self.dtype = dtype
        self.count = count
        super().__init__(f"lanes({dtype}, {count})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Lanes) -> None:
        super().__init__(manager, kind, ir.VectorType(manager.lookup(kind.dtype).get_value_type(), kind.count))


def zeros(kind, count):
    """Return `count` lanes of 0 of a NumPy type."""
    return np.zeros(count, kind)


def spread(like, value):
    """Return as many lanes as `like` has, of its type, that all hold `value`."""
    return np.full_like(like, value)


def sum_taps(total, none, x, origin, offsets, weights, begin, end):
    """Add taps `begin` to `end - 1` to `total`: weights times the samples of `x` from `origin` and their offset on.

    Products are added up a group at a time in the type of `none`, which are lanes of 0.
    """
    for first in range(begin, end, GROUP):
        products = none
        for k in range(first, min(first + GROUP, end)):
            at = offsets[k] + origin
            products = products + weights[k] * x[at : at + none.size].astype(none.dtype)
        total = total + products.astype(total.dtype)
    return total


def add_product(total, weight, x, at):
    """Return `total` plus `weight` times the samples of `x` from `at` on, in the type of `total`."""
    return total + total.dtype.type(weight) * x[at : at + total.size].astype(total.dtype)


def samples(none, x, at):
    """Return the samples of `x` from `at` on, as the type and as many as `none` holds."""
    return x[at : at + none.size].astype(none.dtype)


def every_second(none, x, at):
    """Return every second sample of `x` from `at` on, as the type and as many as `none` holds; one more is read."""
    return x[at : at + 2 * none.size].reshape(-1, 2)[:, 0].astype(none.dtype)


def larger(value, largest):
    """Return the larger of each two, and a NaN before everything."""
    return np.where((value > largest) | (value != value), value, largest)


def root(value):
    """Return the square root of lanes of floats."""
    return np.sqrt(value)


def shaped(values, after):
    """Return what the code `after` makes of values."""
    if after == ABSOLUTE:
        return np.abs(values)
    return np.where(values < 0, values.dtype.type(0), values) if after == RECTIFIED else values


def put(out, at, values):
    """Store lanes in `out` from `at` on: in unsigned numbers rounded half to even, and clamped.

    Storing 300 in a uint8 unclamped would give 44. NaN becomes 0.
    """
    part = out[at : at + values.size]
    if out.dtype.kind == "u":
        values = np.rint(np.fmin(np.fmax(values, 0), np.iinfo(out.dtype).max))
    part[:] = values


def finish(out, at, total, gain, bias, after):
    """Store what `after` makes of `total * gain + bias`, computed in float32, as `put` does."""
    put(out, at, shaped(total.astype(np.float32) * np.float32(gain) + np.float32(bias), after))


def lowered(function: Callable[..., Any], result: Callable[..., Any], *kinds: Any) -> Callable[..., Any]:
    """Register what builds a function's instructions, and by which rule the type of its result follows."""

    def register(build: Callable[..., Any]) -> Callable[..., Any]:
        type_callable(function)(lambda context: result)
        lower_builtin(function, *kinds)(build)
        return build

    return register


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
    if isinstance(dtype, types.Float):
        return (builder.fpext if to.bitwidth > dtype.bitwidth else builder.fptrunc)(lanes, vector)
    if isinstance(to, types.Float):
        if not dtype.signed:  # processors convert signed numbers
            lanes = builder.zext(lanes, _vector(context, types.int32, count))
        return builder.sitofp(lanes, vector)
    if to.bitwidth == dtype.bitwidth:
        return lanes
    if to.bitwidth < dtype.bitwidth:
        return builder.trunc(lanes, vector)
    return (builder.sext if dtype.signed else builder.zext)(lanes, vector)


def load_number(context, builder, kind, array, k):
    """Load one number of an array."""
    return builder.load(_pointer(context, builder, kind, array, k))


def _pointer(context, builder, kind, array, at, count=None):
    """Return the address of a number in an array, or that of `count` of them as lanes."""
    array = context.make_array(kind)(context, builder, array)
    if context.enable_boundscheck:
        (size,) = cgutils.unpack_tuple(builder, array.shape)
        cgutils.do_boundscheck(context, builder, at, size)
        cgutils.do_boundscheck(context, builder, builder.add(at, at.type((count or 1) - 1)), size)
    address = builder.gep(array.data, [at])
    return address if count is None else builder.bitcast(address, _vector(context, kind.dtype, count).as_pointer())


def load_lanes(context, builder, kind, array, at, lanes):
    """Load samples as the type of `lanes`."""
    samples = builder.load(_pointer(context, builder, kind, array, at, lanes.count))
    samples.align = kind.dtype.bitwidth // 8
    return _converted(context, builder, samples, kind.dtype, lanes.dtype, lanes.count)


def store_lanes(context, builder, kind, array, at, lanes, count):
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


@lowered(zeros, _type_of_zeros, types.NumberClass, types.IntegerLiteral)
def _lower_zeros(context, builder, signature, arguments):
    return ir.Constant(context.get_value_type(signature.return_type), None)


@lowered(spread, lambda like, value: like, Lanes, types.Number)
def _lower_spread(context, builder, signature, arguments):
    like, kind = signature.args
    return spread_number(builder, context.cast(builder, arguments[1], kind, like.dtype), like.count)


@lowered(
    sum_taps,
    lambda total, none, x, origin, offsets, weights, begin, end: total,
    *(Lanes, Lanes, types.Array, types.Integer, types.Array, types.Array, types.Integer, types.Integer),
)
def _lower_sum_taps(context, builder, signature, arguments):
    lanes, small, source, _, index, kind, *_ = signature.args
    total, none, x, origin, offsets, weights, begin, end = arguments
    group = end.type(GROUP)
    total = cgutils.alloca_once_value(builder, total)
    with cgutils.for_range_slice(builder, begin, end, group, end.type, inc=True) as (first, _):
        products = cgutils.alloca_once_value(builder, none)
        builder.store(none, products)
        rest = builder.sub(end, first)
        last = builder.add(first, builder.select(builder.icmp_signed("<", rest, group), rest, group))
        with cgutils.for_range_slice(builder, first, last, end.type(1), end.type, inc=True) as (k, _):
            at = builder.add(load_number(context, builder, index, offsets, k), origin)
            weight = spread_number(builder, load_number(context, builder, kind, weights, k), lanes.count)
            samples = load_lanes(context, builder, source, x, at, small)
            product = _product(builder, small.dtype, weight, samples)
            builder.store(_sum(builder, small.dtype, builder.load(products), product), products)
        added = _converted(context, builder, builder.load(products), small.dtype, lanes.dtype, lanes.count)
        builder.store(_sum(builder, lanes.dtype, builder.load(total), added), total)
    return builder.load(total)


@lowered(add_product, lambda total, weight, x, at: total, Lanes, types.Number, types.Array, types.Integer)
def _lower_add_product(context, builder, signature, arguments):
    lanes, kind, source, _ = signature.args
    total, weight, x, at = arguments
    weight = spread_number(builder, context.cast(builder, weight, kind, lanes.dtype), lanes.count)
    samples = load_lanes(context, builder, source, x, at, lanes)
    return _sum(builder, lanes.dtype, total, _product(builder, lanes.dtype, weight, samples))


for _operator, _build in ((operator.add, _sum), (operator.sub, _difference), (operator.mul, _product)):

    @lowered(_operator, lambda left, right: _same(left, right), Lanes, Lanes)
    def _lower_operator(context, builder, signature, arguments, build=_build):
        return build(builder, signature.return_type.dtype, *arguments)


@lowered(samples, lambda none, x, at: none, Lanes, types.Array, types.Integer)
def _lower_samples(context, builder, signature, arguments):
    lanes, source, _ = signature.args
    _, x, at = arguments
    return load_lanes(context, builder, source, x, at, lanes)


@lowered(every_second, lambda none, x, at: none, Lanes, types.Array, types.Integer)
def _lower_every_second(context, builder, signature, arguments):
    lanes, source, _ = signature.args
    _, x, at = arguments
    both = load_lanes(context, builder, source, x, at, Lanes(lanes.dtype, 2 * lanes.count))
    places = ir.Constant(ir.VectorType(ir.IntType(32), lanes.count), list(range(0, 2 * lanes.count, 2)))
    return builder.shuffle_vector(both, both, places)


@lowered(larger, lambda value, largest: value, Lanes, Lanes)
def _lower_larger(context, builder, signature, arguments):
    value, largest = arguments
    is_larger = builder.or_(builder.fcmp_ordered(">", value, largest), builder.fcmp_unordered("uno", value, value))
    return builder.select(is_larger, value, largest)


@lowered(root, lambda value: value, Lanes)
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


@lowered(shaped, lambda values, after: values, Lanes, types.Integer)
def _lower_shaped(context, builder, signature, arguments):
    return _shaped(builder, signature.args[0].dtype, *arguments)


@lowered(put, lambda out, at, values: types.none, types.Array, types.Integer, Lanes)
def _lower_put(context, builder, signature, arguments):
    kind, _, lanes = signature.args
    out, at, values = arguments
    if isinstance(kind.dtype, types.Integer) and not kind.dtype.signed:
        values = _quantised(context, builder, values, lanes, kind.dtype)
    else:
        values = _converted(context, builder, values, lanes.dtype, kind.dtype, lanes.count)
    store_lanes(context, builder, kind, out, at, values, lanes.count)
    return context.get_dummy_value()


@lowered(
    finish,
    lambda out, at, total, gain, bias, after: types.none,
    *(types.Array, types.Integer, Lanes, types.Float, types.Float, types.Integer),
)
def _lower_finish(context, builder, signature, arguments):
    kind, place, lanes, gain_kind, bias_kind, _ = signature.args
    out, at, total, gain, bias, after = arguments
    single = Lanes(types.float32, lanes.count)
    gain, bias = (
        spread_number(builder, context.cast(builder, value, kind, types.float32), lanes.count)
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


def _suffix(dtype):
    return f"f{dtype.bitwidth}"
