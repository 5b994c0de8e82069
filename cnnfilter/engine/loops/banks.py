"""Many filters over the same windows: each sample that is read serves eight of them."""

from __future__ import annotations

import numpy as np
from numba import types
from numba.core import cgutils

from cnnfilter.engine.codes import FILTERS, NARROW, SUM_LENGTH
from cnnfilter.engine.jit import loop
from cnnfilter.engine.loops.lanes import (
    FLAGS,
    HALF,
    Lanes,
    load_lanes,
    load_number,
    lowered,
    spread_number,
    store_lanes,
    zeros,
)


def sum_filters(none, out, to, plane, x, origin, offsets, weights, biases, filters, relu):
    """Store as many neighbouring results as `none` has lanes, of a group of filters; parameters as in `bank_rows`."""
    for o in range(filters):
        place = slice(to + o * plane, to + o * plane + none.size)
        out[place] = biases[o]
        for first in range(0, len(offsets), SUM_LENGTH):
            total = none
            for k in range(first, min(first + SUM_LENGTH, len(offsets))):
                at = origin + offsets[k]
                total = total + weights[k, o] * x[at : at + none.size]
            out[place] += total
        if relu:
            out[place] = np.where(out[place] < 0, none, out[place])


@lowered(
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
    places = [builder.add(to, builder.mul(plane, size(o))) for o in range(FILTERS)]
    used = [builder.icmp_signed("<", size(o), filters) for o in range(FILTERS)]
    for o in range(FILTERS):
        with builder.if_then(used[o]):
            bias = spread_number(builder, load_number(context, builder, bias_kind, biases, size(o)), lanes.count)
            store_lanes(context, builder, kind, out, places[o], bias, lanes.count)
    with cgutils.for_range_slice(builder, size(0), taps, size(SUM_LENGTH), size, inc=True) as (first, _):
        totals = [cgutils.alloca_once_value(builder, none) for _ in range(FILTERS)]
        for total in totals:
            builder.store(none, total)
        rest = builder.sub(taps, first)
        count = builder.select(builder.icmp_signed("<", rest, size(SUM_LENGTH)), rest, size(SUM_LENGTH))
        with cgutils.for_range_slice(builder, first, builder.add(first, count), size(1), size, inc=True) as (k, _):
            at = builder.add(load_number(context, builder, index, offsets, k), origin)
            seen = load_lanes(context, builder, source, x, at, lanes)
            row = builder.gep(numbers.data, [builder.mul(k, size(FILTERS))])
            for o, total in enumerate(totals):
                weight = spread_number(builder, builder.load(builder.gep(row, [size(o)])), lanes.count)
                added = builder.fmul(weight, seen, flags=FLAGS)
                builder.store(builder.fadd(builder.load(total), added, flags=FLAGS), total)
        for o, total in enumerate(totals):
            with builder.if_then(used[o]):
                held = load_lanes(context, builder, kind, out, places[o], lanes)
                held = builder.fadd(held, builder.load(total), flags=FLAGS)
                store_lanes(context, builder, kind, out, places[o], held, lanes.count)
    with builder.if_then(relu):
        for o in range(FILTERS):
            with builder.if_then(used[o]):
                held = load_lanes(context, builder, kind, out, places[o], lanes)
                held = builder.select(builder.fcmp_ordered("<", held, none), none, held)
                store_lanes(context, builder, kind, out, places[o], held, lanes.count)
    return context.get_dummy_value()


@loop
def bank_rows(out, plane, length, rows, size, x, stride, offsets, weights, biases, filters, relu):
    """Convolve with a bank of filters.

    Parameters
    ----------
    out : (samples,) float32
        The results, flat.
    plane, length : int
        Samples between the results of two filters, and between two rows of them.
    rows, size : int
        Rows, and samples of each, at least `NARROW`, that are computed.
    x : (samples,) float32
        The source, flat.
    stride : int
        Samples between the windows of two rows.
    offsets : (K,) int64
        Of the taps, from where a window begins.
    weights : (G, K, FILTERS) float32
        Groups of filters, the last filled up with zeros.
    biases : (G * FILTERS,) float32
    filters : int
    relu : bool
        Whether negative results become 0.
    """
    none, few = zeros(np.float32, HALF), zeros(np.float32, NARROW)
    for i in range(rows):
        for group in range(weights.shape[0]):
            to, origin = group * FILTERS * plane + i * length, i * stride
            some, base, count = weights[group], biases[group * FILTERS :], min(FILTERS, filters - group * FILTERS)
            at = 0
            while size - at >= HALF:
                sum_filters(none, out, to + at, plane, x, origin + at, offsets, some, base, count, relu)
                at += HALF
            while at < size:
                at = min(at, size - NARROW)  # the last overlap those before, and store the same
                sum_filters(few, out, to + at, plane, x, origin + at, offsets, some, base, count, relu)
                at += NARROW
