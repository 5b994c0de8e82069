"""Filters whose results are pooled as they come, and never leave the first-level cache."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import MIDDLE, NARROW
from cnnfilter.engine.lanes.operations import spread, zeros
from cnnfilter.engine.loops.pooling import max_along, max_down
from cnnfilter.engine.loops.taps import store_row
from cnnfilter.runtime.jit import loop


@loop
def pooled_block(
    out,
    columns,
    x,
    origin,
    stride,
    offsets,
    weights,
    starts,
    bases,
    combine,
    is_sum,
    gain,
    bias,
    after,
    lines,
    line,
    places,
    window,
    pool_stride,
):
    """Convolve as `filter_block` does, and store the largest result of each window of a pool.

    Parameters
    ----------
    out : (R, W') float32
    columns : int
        Columns of `out` that are computed at a time; they see at least `ROW` results.
    lines : (rows of a window * results that so many see,) float32
        Scratch for those.
    line : (results that so many see + `BESIDE`,) float32
        Scratch for the largest of each column.
    places : (rows of a window,) int64
        The numbers of those rows.
    window, pool_stride : (2,) int64
        Of the pool, whose windows lie within the results.
    """
    none, few = spread(zeros(np.float32, MIDDLE), -np.inf), spread(zeros(np.float32, NARROW), -np.inf)
    width = out.shape[1]
    for i in range(out.shape[0]):
        for begin in range(0, width, columns):
            first = max(0, min(begin, width - columns))  # the last overlap those before, and store the same
            count = min(columns, width)
            size = (count - 1) * pool_stride[1] + window[1]
            for m in range(window[0]):
                at = origin + (i * pool_stride[0] + m) * stride + first * pool_stride[1]
                row = lines[m * size : (m + 1) * size]
                store_row(row, 0, size, x, at, offsets, weights, starts, bases, combine, is_sum, gain, bias, after)
            max_down(line, size, none, few, lines, 0, size, places, 0, window[0], 1)
            max_along(out[i, first : first + count], few, line, 0, window[1], pool_stride[1], 1)
