"""Filters whose results are pooled as they come, and never leave the first-level cache."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import MIDDLE, NARROW
from cnnfilter.engine.groups import Span
from cnnfilter.engine.lanes.operations import spread, zeros
from cnnfilter.engine.loops.pooling import max_along, max_down
from cnnfilter.engine.loops.taps import store_row
from cnnfilter.runtime.jit import loop


@loop
def pooled_block(out, source, filters, combine, how, pool, scratch):
    """Convolve as `filter_block` does, and store the largest result of each window of a pool.

    Parameters
    ----------
    out : (R, W') float32
    source, filters, combine, how
        As in `filter_block`.
    pool : Pool
        Without dilation; its windows lie within the results.
    scratch : PoolScratch
    """
    none, few = spread(zeros(np.float32, MIDDLE), -np.inf), spread(zeros(np.float32, NARROW), -np.inf)
    columns, lines, line, rows = scratch
    height, width, stride = pool.window[0], pool.window[1], pool.stride[1]
    count = min(columns, out.shape[1])
    size = (count - 1) * stride + width
    for i in range(out.shape[0]):
        for begin in range(0, out.shape[1], columns):
            first = min(begin, out.shape[1] - count)  # the last overlap those before, and store the same
            for m in range(height):
                at = source.origin + (i * pool.stride[0] + m) * source.stride + first * stride
                row = lines[m * size : (m + 1) * size]
                store_row(row, Span(0, size), source.samples, at, filters, combine, how)
            max_down(line, size, none, few, lines, 0, size, rows, 0, height, 1)
            max_along(out[i, first : first + count], few, line, 0, width, stride, 1)
