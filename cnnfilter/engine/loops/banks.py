"""Many filters over the same windows: each sample that is read serves eight of them."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import FILTERS, NARROW
from cnnfilter.engine.lanes.operations import HALF, put, samples, sum_filters, zeros
from cnnfilter.runtime.jit import loop, part


@loop
def pad_rows(out, maps, padding):
    """Copy maps with their padding, as float32.

    Parameters
    ----------
    out : (at least maps * R * L,) float32
        The copies, flat.
    maps : Maps
    padding : MapPadding
    """
    rows, columns, first, last, outside = padding
    length = columns.size
    for c in range(maps.channels):
        for i in range(rows.size):
            row = out[(c * rows.size + i) * length : (c * rows.size + i + 1) * length]
            if rows[i] < 0:
                for j in range(length):
                    row[j] = outside
                continue
            begin = (c * maps.height + rows[i]) * maps.width
            seen = maps.samples[begin : begin + maps.width]
            for j in range(first):
                row[j] = seen[columns[j]] if columns[j] >= 0 else outside
            inside = row[first:last]
            for j in range(last - first):
                inside[j] = seen[j]
            for j in range(last, length):
                row[j] = seen[columns[j]] if columns[j] >= 0 else outside


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
