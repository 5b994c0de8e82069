"""The instructions of sums of several filters or rows, which see the same samples."""

from __future__ import annotations

import functools
import itertools

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.types import Array, Integer, NamedTuple

from cnnfilter.engine.codes import AHEAD, BOUNDS, FILTERS, RECTIFIED, RECTIFIED_TO_6, ROW_SPANS, SUM_LENGTH, TOGETHER
from cnnfilter.engine.lanes import operations
from cnnfilter.engine.lanes.lowering import (
    Lanes,
    add,
    alternate_lanes,
    like_first,
    load_lanes,
    load_number,
    lower_finish,
    lower_put,
    lowered,
    multiply,
    nothing,
    ranging,
    spread_number,
    store_lanes,
    subtract,
)


def prefetch(builder, pointer):
    """Have memory read that is needed soon."""
    number = ir.IntType(32)
    byte = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    builder.call(function, [builder.bitcast(pointer, byte), number(0), number(3), number(1)])


@lowered(operations.sum_filters, nothing, Lanes, Array, Integer, Integer, Array, Integer, NamedTuple, Integer)
def _lower_sum_filters(context, builder, signature, arguments):
    lanes, kind, _, _, source, _, bank_kind, _ = signature.args
    none, out, to, pitch, x, origin, bank, group = arguments
    index, weight_kind, gain_kind, bias_kind, *_ = bank_kind.types
    offsets, weights, gain, biases, used, after = cgutils.unpack_tuple(builder, bank)
    size = to.type
    numbers = context.make_array(weight_kind)(context, builder, weights)
    (_, taps, _) = cgutils.unpack_tuple(builder, numbers.shape)
    before = builder.mul(group, size(FILTERS))  # filters of other groups
    taps_before = builder.mul(before, taps)
    results, totals, parts = ([cgutils.alloca_once_value(builder, none) for _ in range(FILTERS)] for _ in range(3))

    def add_taps(first, end, sums):
        """Add some taps to a sum for each filter."""
        with ranging(builder, first, end, 1) as (k, _):
            at = builder.add(load_number(context, builder, index, offsets, k), origin)
            seen = load_lanes(context, builder, source, x, at, lanes)
            row = builder.gep(numbers.data, [builder.add(taps_before, builder.mul(k, size(FILTERS)))])
            prefetch(builder, builder.gep(row, [size(AHEAD)]))
            for o, part in enumerate(sums):
                weight = spread_number(builder, builder.load(builder.gep(row, [size(o)])), lanes.count)
                product = multiply(builder, lanes.dtype, weight, seen)
                builder.store(add(builder, lanes.dtype, builder.load(part), product), part)

    def bound(end, code, other):
        """A bound of results, by what comes after."""
        values = (ir.Constant(none.type, [value] * lanes.count) for value in (BOUNDS[code][end], other))
        return builder.select(builder.icmp_signed(">=", after, after.type(code)), *values)

    lowest, highest = bound(0, RECTIFIED, -np.inf), bound(1, RECTIFIED_TO_6, np.inf)
    gain = spread_number(builder, context.cast(builder, gain, gain_kind, lanes.dtype), lanes.count)

    def store_finished(held, o, place):
        bias = spread_number(
            builder, load_number(context, builder, bias_kind, biases, builder.add(before, size(o))), lanes.count
        )
        held = add(builder, lanes.dtype, multiply(builder, lanes.dtype, held, gain), bias)
        held = builder.select(builder.fcmp_ordered("<", held, lowest), lowest, held)
        held = builder.select(builder.fcmp_ordered(">", held, highest), highest, held)
        store_lanes(context, builder, kind, out, place, held, lanes.count)

    def clear(sums):
        for each in sums:
            builder.store(none, each)

    def add_to(sums, others):
        for each, other in zip(sums, others, strict=True):
            builder.store(add(builder, lanes.dtype, builder.load(each), builder.load(other)), each)

    is_short = builder.icmp_signed("<=", taps, size(SUM_LENGTH))
    with builder.if_else(is_short) as (short, long):
        with short:  # nothing needs to be kept beside what is added up
            clear(results)
            add_taps(size(0), taps, results)
        with long:
            clear(results)
            with ranging(builder, size(0), taps, SUM_LENGTH * SUM_LENGTH) as (begin, end):
                clear(totals)
                with ranging(builder, begin, end, SUM_LENGTH) as (first, first_end):
                    clear(parts)
                    add_taps(first, first_end, parts)
                    add_to(totals, parts)
                add_to(results, totals)
    for o, result in enumerate(results):
        with builder.if_then(builder.icmp_signed("<", builder.add(before, size(o)), used)):
            store_finished(builder.load(result), o, builder.add(to, builder.mul(pitch, size(o))))
    return context.get_dummy_value()


@lowered(operations.sum_rows, like_first, Lanes, Array, Integer, NamedTuple)
def _lower_sum_rows(context, builder, signature, arguments):
    lanes, source, _, taps_kind = signature.args
    total, x, origin, taps = arguments
    index, kind, start_kind, *_ = taps_kind.types
    offsets, weights, starts, *_ = cgutils.unpack_tuple(builder, taps)
    size, row_lanes = origin.type, Lanes(lanes.dtype, lanes.count // TOGETHER)
    (count,) = cgutils.unpack_tuple(builder, context.make_array(start_kind)(context, builder, starts).shape)
    sums = [cgutils.alloca_once_value(builder, row) for row in _split(builder, total)]
    vector = context.get_value_type(row_lanes)
    before = [cgutils.alloca_once(builder, vector) for _ in sums]

    def start(place):
        return load_number(context, builder, start_kind, starts, place)

    def add_taps(first, end, rows):
        with ranging(builder, first, end, 1) as (k, _):
            at = builder.add(load_number(context, builder, index, offsets, k), origin)
            seen = load_lanes(context, builder, source, x, at, row_lanes)
            for row in rows:
                place = builder.add(builder.mul(k, size(TOGETHER)), size(row))
                weight = spread_number(builder, load_number(context, builder, kind, weights, place), row_lanes.count)
                product = multiply(builder, lanes.dtype, weight, seen)
                builder.store(add(builder, lanes.dtype, builder.load(sums[row]), product), sums[row])

    with ranging(builder, size(0), builder.sub(count, size(1)), len(ROW_SPANS)) as (group, _):
        is_further = builder.icmp_signed(">", group, size(0))
        with builder.if_then(is_further, likely=False):
            for row, kept in zip(sums, before, strict=True):
                builder.store(builder.load(row), kept)
                builder.store(ir.Constant(vector, None), row)
        for span, (low, high) in enumerate(ROW_SPANS):
            place = builder.add(group, size(span))
            add_taps(start(place), start(builder.add(place, size(1))), range(low, high + 1))
        with builder.if_then(is_further, likely=False):
            for row, kept in zip(sums, before, strict=True):
                builder.store(add(builder, lanes.dtype, builder.load(kept), builder.load(row)), row)
    return _joined(builder, [builder.load(row) for row in sums])


@lowered(operations.put_tiles, nothing, Lanes, Array, Integer, Integer, Array, Integer, Integer, Integer)
def _lower_put_tiles(context, builder, signature, arguments):
    lanes, kind, _, _, source, *_ = signature.args
    _, out, to, apart, x, at, odd, down = arguments
    both = Lanes(lanes.dtype, 2 * lanes.count)

    def transformed(a, b, c, d):
        subtract_or_add = ((subtract, a, c), (add, b, c), (subtract, c, b), (subtract, b, d))
        return [build(builder, lanes.dtype, left, right) for build, left, right in subtract_or_add]

    def columns(row):
        pairs = [load_lanes(context, builder, source, x, builder.add(row, row.type(k)), both) for k in (0, 2)]
        return [alternate_lanes(builder, pair, first) for pair in pairs for first in (0, 1)]

    even, below = (builder.add(at, distance) for distance in (at.type(0), down))
    tiles = [columns(row) for row in (even, builder.add(even, odd), below, builder.add(below, odd))]
    for _ in range(2):
        tiles = [transformed(*column) for column in zip(*tiles, strict=True)]
    for place, number in enumerate(itertools.chain(*tiles)):
        where = builder.add(to, builder.mul(apart, apart.type(place)))
        store_lanes(context, builder, kind, out, where, number, lanes.count)
    return context.get_dummy_value()


@lowered(operations.put_results, nothing, Lanes, Array, Integer, Integer, Array, Integer, Integer, NamedTuple)
def _lower_put_results(context, builder, signature, arguments):
    lanes, kind, place_kind, _, source, _, _, how_kind = signature.args
    _, out, to, below, x, at, apart, how = arguments

    def summed(a, b, c, d):
        both = add(builder, lanes.dtype, b, c)
        difference = subtract(builder, lanes.dtype, b, c)
        return add(builder, lanes.dtype, a, both), subtract(builder, lanes.dtype, difference, d)

    places = [builder.add(at, builder.mul(apart, apart.type(place))) for place in range(16)]
    numbers = [load_lanes(context, builder, source, x, place, lanes) for place in places]
    tiles = [numbers[row : row + 4] for row in range(0, 16, 4)]
    for _ in range(2):
        tiles = [summed(*column) for column in zip(*tiles, strict=True)]
    both = Lanes(lanes.dtype, 2 * lanes.count)
    in_turn = [place for lane in range(lanes.count) for place in (lane, lanes.count + lane)]
    for row, pair in enumerate(tiles):
        signature = types.none(kind, place_kind, both, how_kind)
        where = builder.add(to, builder.mul(below, below.type(row)))
        lower_finish(context, builder, signature, (out, where, builder.shuffle_vector(*pair, _places(in_turn)), how))
    return context.get_dummy_value()


def _lower_rows(lower_row, context, builder, signature, arguments):
    """Build what stores each of some rows that there is, as `lower_row` does for one."""
    kind, _, place, _, lanes, *how_kind = signature.args
    out, top, at, count, values, *how = arguments
    signature = types.none(kind, place, Lanes(lanes.dtype, lanes.count // TOGETHER), *how_kind)
    _, pitch = cgutils.unpack_tuple(builder, context.make_array(kind)(context, builder, out).shape)
    for row, part in enumerate(_split(builder, values)):
        with builder.if_then(builder.icmp_signed("<", count.type(row), count)):
            begin = builder.mul(builder.add(top, top.type(row)), pitch)
            lower_row(context, builder, signature, (out, builder.add(begin, at), part, *how))
    return context.get_dummy_value()


_ROWS = Array, Integer, Integer, Integer, Lanes
lowered(operations.finish_rows, nothing, *_ROWS, NamedTuple)(functools.partial(_lower_rows, lower_finish))
lowered(operations.put_rows, nothing, *_ROWS)(functools.partial(_lower_rows, lower_put))


def _split(builder, rows):
    """The lanes of each of `TOGETHER` rows."""
    count = rows.type.count // TOGETHER
    places = [range(row * count, (row + 1) * count) for row in range(TOGETHER)]
    return [builder.shuffle_vector(rows, rows, _places(part)) for part in places]


def _joined(builder, parts):
    """A power of two of parts as one, in their order."""
    while len(parts) > 1:
        count = 2 * parts[0].type.count
        parts = [
            builder.shuffle_vector(*pair, _places(range(count))) for pair in zip(parts[::2], parts[1::2], strict=True)
        ]
    return parts[0]


def _places(numbers):
    return ir.Constant(ir.VectorType(ir.IntType(32), len(numbers)), list(numbers))
