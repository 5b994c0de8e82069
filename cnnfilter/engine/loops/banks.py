"""Many filters over the same windows: each sample that is read serves eight of them."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import FILTERS, NARROW
from cnnfilter.engine.lanes.operations import HALF, put, samples, sum_filters, zeros
from cnnfilter.runtime.jit import loop, part


@loop
def pad_rows(out, x, maps, height, width, rows, columns, first, last, outside):
    """Copy maps with their padding, as float32.

    Parameters
    ----------
    out : (at least maps * R * L,) float32
        The copies, flat.
    x : (maps * height * width,)
        The maps, flat.
    maps, height, width : int
    rows, columns : (R,) int64, (L,) int64
        Source row and column of each padded one, -1 for the border's constant.
    first, last : int
        Padded columns between which lies the source's whole width as it is; the same where it lies nowhere so.
    outside : float
        The border's constant.
    """
    length = columns.size
    for c in range(maps):
        for i in range(rows.size):
            row = out[(c * rows.size + i) * length : (c * rows.size + i + 1) * length]
            if rows[i] < 0:
                for j in range(length):
                    row[j] = outside
                continue
            begin = (c * height + rows[i]) * width
            seen = x[begin : begin + width]
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
def bank_rows(
    out, plane, size, rows, together, lines, x, origin, stride, offsets, weights, gain, biases, filters, relu
):
    """Convolve with a bank of filters.

    Parameters
    ----------
    out : (samples,) float32
        The results, flat.
    plane, size : int
        Samples between the results of two filters, and in a row of them.
    rows, together : int
        Rows of results, and how many are computed as a single long one, with what lies between them: short rows
        would leave lanes without work. Where it is one, `size` is at least `NARROW`.
    lines : (samples,) float32
        Scratch for the long rows of `FILTERS` filters, of at least `NARROW` samples each; unused where `together`
        is one.
    x : (samples,) float32
        The source, flat; `NARROW` more than there are where rows are short.
    origin, stride : int
        Where the first window begins, and samples between the windows of two rows.
    offsets : (K,) int64
        Of the taps, from where a window begins.
    weights : (G, K, FILTERS) float32
        Groups of filters, the last filled up with zeros.
    gain : float
    biases : (G * FILTERS,) float32
        Stored is `sum * gain + bias`.
    filters : int
    relu : bool
        Whether negative results become 0.
    """
    none, few = zeros(np.float32, HALF), zeros(np.float32, NARROW)
    for top in range(0, rows, together):
        several = min(together, rows - top)
        long = size if together == 1 else max((several - 1) * stride + size, NARROW)
        begin = origin + top * stride
        for group in range(weights.shape[0]):
            some, base, count = weights[group], biases[group * FILTERS :], min(FILTERS, filters - group * FILTERS)
            to = group * FILTERS * plane + top * size
            target, place, between = (out, to, plane) if together == 1 else (lines, 0, long)
            at = 0
            while long - at >= HALF:
                sum_filters(none, target, place + at, between, x, begin + at, offsets, some, gain, base, count, relu)
                at += HALF
            while at < long:
                at = min(at, long - NARROW)  # the last overlap those before, and store the same
                sum_filters(few, target, place + at, between, x, begin + at, offsets, some, gain, base, count, relu)
                at += NARROW
            if together > 1:
                for o in range(count):
                    for i in range(several):
                        _copy_row(out, to + o * plane + i * size, lines, o * long + i * stride, size, few)
