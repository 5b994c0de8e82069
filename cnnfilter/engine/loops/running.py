"""A kernel of equal weights: running sums, whatever its size."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import NARROW
from cnnfilter.engine.lanes.operations import WIDE, add_product, finish, put, samples, spread, sum_taps, zeros
from cnnfilter.runtime.jit import loop


@loop
def box_rows(out, x, rows, window, sums, padding, how):
    """Add up windows of whole numbers, stride 1.

    Running sums along a row would depend on each other. Sums of 2, 4, 8, ... neighbours do not, and a few of them
    make up any window.

    Parameters
    ----------
    out : (R, L) uint8, uint16 or float32
    x : (samples,)
        The source, flat.
    rows : (padded,) int64
        Source row of each padded one, from the first that `out` sees on; -1 for the border's constant.
    window : int
        Rows of a window.
    sums : RunningSums
    padding : LinePadding
    how : Finish
    """
    lines, pitch, spacing, parts, ones = sums
    wide, narrow = zeros(lines.dtype.type, WIDE), zeros(lines.dtype.type, NARROW)
    begin, size, outside = padding.begin, padding.size, padding.outside
    for i in range(1 - window, out.shape[0]):
        # One row enters the windows, and another may leave them.
        lower, upper = rows[i + window - 1], rows[i - 1] if i > 0 else 0
        enters, leaves = 1 if lower >= 0 else 0, -1 if i > 0 and upper >= 0 else 0
        change = (0 if lower >= 0 else outside) - (0 if upper >= 0 else outside)
        entering, leaving = max(lower, 0) * size, max(upper, 0) * size
        at = 0
        while size - at >= NARROW:
            total = add_product(spread(narrow, change), 1, lines, begin + at)
            total = add_product(add_product(total, enters, x, entering + at), leaves, x, leaving + at)
            put(lines, begin + at, total)
            at += NARROW
        while at < size:
            lines[begin + at] += enters * np.int64(x[entering + at]) + leaves * np.int64(x[leaving + at]) + change
            at += 1
        if i < 0:
            continue
        for p in range(padding.places.size):
            behind = padding.sources[p]
            lines[padding.places[p]] = lines[behind] if behind >= 0 else outside * window
        for p in range(1, lines.size // pitch):
            half, ahead = (p - 1) * pitch, spacing << (p - 1)
            for at in range(0, pitch - NARROW, NARROW):  # what lies beyond the row adds up to sums that none reads
                both = samples(narrow, lines, half + at) + samples(narrow, lines, half + at + ahead)
                put(lines, half + pitch + at, both)
        row = out[i]
        for at in range(0, row.size, WIDE):
            at = min(at, row.size - WIDE)  # the last overlap those before, and store the same
            finish(row, at, sum_taps(wide, wide, lines, at, parts, ones, 0, ones.size), how)
