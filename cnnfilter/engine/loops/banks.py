"""Many filters over the same windows: each sample that is read serves eight of them."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import FILTERS, NARROW
from cnnfilter.engine.lanes.operations import HALF, put, samples, sum_filters, zeros
from cnnfilter.runtime.jit import loop, part


@part
def _copy_every(row, seen, stride):
    """Set `row` to every `stride`-th of what is seen."""
    if stride == 1:
        for j in range(row.size):
            row[j] = seen[j]
    elif stride == 2:
        for j in range(row.size):
            row[j] = seen[2 * j]
    else:
        for j in range(row.size):
            row[j] = seen[j * stride]


@loop
def pad_rows(out, maps, padding):
    """Copy maps with their padding, as float32.

    Parameters
    ----------
    out : (at least maps * R * L,) float32
        The copies, flat: of each map, for each remainder of columns, all rows.
    maps : Maps
    padding : MapPadding
    """
    rows, columns, firsts, lasts, outside = padding
    stride = firsts.size
    length = columns.size // stride
    for c in range(maps.channels):
        for i in range(rows.size):
            begin = (c * maps.height + max(rows[i], 0)) * maps.width
            seen = maps.samples[begin : begin + maps.width]
            for p in range(stride):
                to = ((c * stride + p) * rows.size + i) * length
                row, behind = out[to : to + length], columns[p * length : (p + 1) * length]
                first, last = (firsts[p], lasts[p]) if rows[i] >= 0 else (length, length)
                for j in range(first):
                    row[j] = seen[behind[j]] if behind[j] >= 0 and rows[i] >= 0 else outside
                if first < last:
                    _copy_every(row[first:last], seen[behind[first] :], behind[first + 1] - behind[first])
                for j in range(last, length):
                    row[j] = seen[behind[j]] if behind[j] >= 0 else outside


@part
def _copy_row(out, to, line, begin, size, few):
    at = 0
    while at < size and size >= NARROW:
        at = min(at, size - NARROW)  # the last overlap those before, and store the same
        put(out, to + at, samples(few, line, begin + at))
        at += NARROW
    for j in range(at, size):
        out[to + j] = line[begin + j]


@loop
def bank_rows(out, source, bank, together, lines):
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
        for group in range(bank.weights.shape[0]):
            count = min(FILTERS, bank.used - group * FILTERS)
            to = group * FILTERS * out.pitch + top * size
            target, place, between = (out.samples, to, out.pitch) if together == 1 else (lines, 0, long)
            at = 0
            while long - at >= HALF:
                sum_filters(none, target, place + at, between, x, begin + at, bank, group)
                at += HALF
            while at < long:
                at = min(at, long - NARROW)  # the last overlap those before, and store the same
                sum_filters(few, target, place + at, between, x, begin + at, bank, group)
                at += NARROW
            if together > 1:
                for o in range(count):
                    for i in range(several):
                        line = o * long + i * source.stride
                        _copy_row(out.samples, to + o * out.pitch + i * size, lines, line, size, few)
