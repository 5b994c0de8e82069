"""Many filters over the same windows: each sample that is read serves eight of them."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import FILTERS, NARROW
from cnnfilter.engine.lanes.operations import (
    HALF,
    every_second,
    first_of_second,
    first_samples,
    put,
    put_first,
    samples,
    sum_filters,
    zeros,
)
from cnnfilter.runtime.jit import loop


@loop
def copy_row(out, to, line, begin, size, few):
    """Copy some samples of a line, as many at a time as `few` has lanes."""
    if size >= NARROW:
        for at in range(0, size, NARROW):
            at = min(at, size - NARROW)  # the last overlap those before, and store the same
            put(out, to + at, samples(few, line, begin + at))
    elif size > 0:
        put_first(out, to, first_samples(few, line, begin, size), size)


@loop
def _copy_second(out, to, line, begin, size, few):
    """Copy every second sample of a line, as many at a time as `few` has lanes."""
    at = 0
    while size - at > NARROW:  # one more is read
        put(out, to + at, every_second(few, line, begin + 2 * at))
        at += NARROW
    put_first(out, to + at, first_of_second(few, line, begin + 2 * at, size - at), size - at)


@loop
def pad_rows(out, maps, padding, first, count, strips):
    """Copy maps with their padding, as float32: some rows of each of a few strips of them.

    Parameters
    ----------
    out : (at least maps * strips * count * L,) float32
        The copies, flat: of each map, for each remainder of columns, all rows.
    maps : Maps
    padding : MapPadding
    first, count : int
        Which rows of a strip.
    strips : int
        Of padded rows, all equally long.
    """
    few, x = zeros(np.float32, NARROW), maps.samples
    rows, columns, firsts, lasts, outside = padding
    remainders, strip = firsts.size, rows.size // strips
    length = columns.size // remainders
    for c in range(maps.channels):
        for part in range(remainders * strips * count):  # slices cost too much for short rows
            p, i = part // (strips * count), part % (strips * count)
            source, to = rows[i // count * strip + first + i % count], (c * remainders * strips * count + part) * length
            if source < 0:
                for j in range(to, to + length):
                    out[j] = outside
                continue
            begin, behind, inside, end = (c * maps.height + source) * maps.width, p * length, firsts[p], lasts[p]
            for j in range(inside):
                out[to + j] = x[begin + columns[behind + j]] if columns[behind + j] >= 0 else outside
            if inside < end:
                at, apart = columns[behind + inside], columns[behind + inside + 1] - columns[behind + inside]
                if apart == 1:
                    copy_row(out, to + inside, x, begin + at, end - inside, few)
                elif apart == 2:
                    _copy_second(out, to + inside, x, begin + at, end - inside, few)
                else:
                    for j in range(end - inside):
                        out[to + inside + j] = x[begin + at + j * apart]
            for j in range(end, length):
                out[to + j] = x[begin + columns[behind + j]] if columns[behind + j] >= 0 else outside


@loop
def bank_rows(out, source, bank, together, stretch, lines):
    """Convolve with a bank of filters.

    Parameters
    ----------
    out : Planes
        Those of the filters.
    source : Source
        Of float32; `NARROW` samples more than there are where rows are short.
    bank : Bank
    together : int
        How many rows are computed as a single long one, with what lies between them: short rows would leave lanes
        without work. Where it is one, rows have at least `NARROW` samples.
    stretch : int
        Samples of a row that all filters see before the next: a multiple of `HALF`, or all of a long one.
    lines : (samples,) float32
        Scratch for the long rows of `FILTERS` filters, of at least `NARROW` samples each; unused where `together`
        is one.
    """
    none, few = zeros(np.float32, HALF), zeros(np.float32, NARROW)
    x, size = source.samples, out.width
    for top in range(0, out.rows, together):
        several = min(together, out.rows - top)
        long = size if together == 1 else max((several - 1) * source.stride + size, NARROW)
        begin = source.origin + top * source.stride
        for part in range(0, long, stretch):
            end = min(part + stretch, long)
            for group in range(bank.weights.shape[0]):
                to = group * FILTERS * out.pitch + top * size
                target, place, between = (out.samples, to, out.pitch) if together == 1 else (lines, 0, long)
                at = part
                while at < end:  # the last overlap those before, and store the same
                    if end - at > NARROW and long >= HALF:
                        at = min(at, long - HALF)
                        sum_filters(none, target, place + at, between, x, begin + at, bank, group)
                        at += HALF
                    else:
                        at = min(at, long - NARROW)
                        sum_filters(few, target, place + at, between, x, begin + at, bank, group)
                        at += NARROW
                if together > 1:
                    for o in range(min(FILTERS, bank.used - group * FILTERS)):
                        for i in range(several):
                            line = o * long + i * source.stride
                            copy_row(out.samples, to + o * out.pitch + i * size, lines, line, size, few)
