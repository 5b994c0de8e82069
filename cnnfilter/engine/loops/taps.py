"""Sums of taps: each an offset into flat rows of samples, and a weight or one for each of a few rows of results."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import MAGNITUDE
from cnnfilter.engine.lanes.operations import (
    ROW_LANES,
    ROWS_LANES,
    WIDE,
    finish,
    finish_rows,
    larger,
    put,
    root,
    shaped,
    spread,
    sum_rows,
    sum_taps,
    zeros,
)
from cnnfilter.runtime.jit import loop, part


@part
def store_row(row, begin, size, x, origin, offsets, weights, starts, bases, combine, is_sum, gain, bias, after):
    """Compute and store `size` results of a row, at least `ROW`, from `begin` on."""
    wide, none = zeros(bases.dtype.type, WIDE), zeros(weights.dtype.type, WIDE)
    at = 0
    while at < size:
        at = min(at, size - WIDE)  # the last overlap those before, and store the same
        if is_sum:
            products = sum_taps(none, none, x, origin + at, offsets, weights, 0, weights.size)
            put(row, begin + at, shaped(products, after))
        else:
            result = wide
            for f in range(bases.size):
                base = spread(wide, bases[f])
                one = sum_taps(base, none, x, origin + at, offsets, weights, starts[f], starts[f + 1])
                if combine == MAGNITUDE:
                    result = result + one * one
                elif f == 0:
                    result = one
                else:
                    result = larger(one, result)
            finish(row, begin + at, root(result) if combine == MAGNITUDE else result, gain, bias, after)
        at += WIDE


@loop
def filter_block(
    out, begin, size, x, origin, stride, offsets, weights, starts, bases, combine, is_sum, gain, bias, after
):
    """Convolve with a few filters and combine them into one map, where all windows lie alike.

    Parameters
    ----------
    out : (R, L) uint8, uint16 or float32
    begin, size : int
        The samples of each row of `out` that are computed, of which there are at least `ROW`.
    x : (samples,)
        The source, flat.
    origin, stride : int
        Where the window of the first result begins in `x`, and how far apart those of two rows are.
    offsets : (K,) int64
        Places of the taps, from where a window begins.
    weights : (K,)
        Of the type in which the products of a group of taps are summed: that of the sums, or int16.
    starts : (F + 1,) int64
        Where each filter's taps begin.
    bases : (F,)
        What each filter's sum begins with; of the type of the sums.
    combine : int
    is_sum : bool
        Whether the sum of products is the result: one filter of at most a group of taps, and no base, gain or bias.
    gain, bias, after : float, float, int
        Stored is `sum * gain + bias`, or what `after` makes of it.
    """
    for i in range(out.shape[0]):
        at = origin + i * stride
        store_row(out[i], begin, size, x, at, offsets, weights, starts, bases, combine, is_sum, gain, bias, after)


@loop
def filter_rows(out, count, begin, size, x, origin, stride, rows, offsets, weights, starts, base, gain, bias, after):
    """Convolve with one filter as `filter_block` does, a few rows at a time, which share the samples that they read.

    Parameters
    ----------
    out : (count * L,) uint8, uint16 or float32
    count : int
        Rows of results.
    rows : int
        How many the taps are for: at most `TOGETHER`, and at most `count`.
    offsets : (K,) int64
        Places of the taps, from where the window of the first of those rows begins.
    weights : (K * TOGETHER,) float32
        Of each tap, in each row.
    starts : (groups * len(ROW_SPANS) + 1,) int64
        Where the taps of each span of rows begin; see `sum_rows`.
    base : float
        What each sum begins with.
    """
    start = spread(zeros(np.float32, ROWS_LANES), base)
    pitch = out.size // count
    for first in range(0, count, rows):
        top = min(first, count - rows)  # the last rows overlap those before, and so do the last lanes
        at = 0
        while at < size:
            at = min(at, size - ROW_LANES)
            sums = sum_rows(start, x, origin + top * stride + at, offsets, weights, starts)
            finish_rows(out, top * pitch + begin + at, pitch, rows, sums, gain, bias, after)
            at += ROW_LANES
