"""Sums of taps: each an offset into flat rows of samples, and a weight or one for each of a few rows of results."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import MAGNITUDE, PRODUCTS
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
def store_row(row, span, x, origin, filters, combine, how):
    """Compute and store some results of a row, at least `ROW`; parameters as in `filter_block`."""
    offsets, weights, starts, bases = filters
    wide, none = zeros(bases.dtype.type, WIDE), zeros(weights.dtype.type, WIDE)
    for at in range(0, span.size, WIDE):
        at = min(at, span.size - WIDE)  # the last overlap those before, and store the same
        if combine == PRODUCTS:
            products = sum_taps(none, none, x, origin + at, offsets, weights, 0, weights.size)
            put(row, span.begin + at, shaped(products, how.after))
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
            finish(row, span.begin + at, root(result) if combine == MAGNITUDE else result, how)


@loop
def filter_block(out, span, source, filters, combine, how):
    """Convolve with a few filters and combine them into one map, where all windows lie alike.

    Parameters
    ----------
    out : (R, L) uint8, uint16 or float32
    span : Span
        Of each row of `out`; at least `ROW` samples.
    source : Source
    filters : Filters
    combine : int
        How; `PRODUCTS` for one filter of at most a group of taps without base, gain and bias.
    how : Finish
    """
    for i in range(out.shape[0]):
        store_row(out[i], span, source.samples, source.origin + i * source.stride, filters, combine, how)


@loop
def filter_rows(out, span, source, taps, how):
    """Convolve with one filter as `filter_block` does, a few rows at a time, which share the samples that they read.

    Parameters
    ----------
    out : (R, L) uint8, uint16 or float32
        At least as many rows as the taps are for.
    taps : SharedTaps
        Of float32.
    """
    start = spread(zeros(np.float32, ROWS_LANES), taps.base)
    for first in range(0, out.shape[0], taps.rows):
        top = min(first, out.shape[0] - taps.rows)  # the last rows overlap those before, and so do the last lanes
        for at in range(0, span.size, ROW_LANES):
            at = min(at, span.size - ROW_LANES)
            sums = sum_rows(start, source.samples, source.origin + top * source.stride + at, taps)
            finish_rows(out, top, span.begin + at, taps.rows, sums, how)
