"""A kernel of equal weights: running sums, whatever its size."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import NARROW
from cnnfilter.engine.lanes.operations import WIDE, add_product, finish, put, samples, spread, sum_taps, zeros
from cnnfilter.runtime.jit import loop


@loop
def box_rows(
    out,
    x,
    row_length,
    rows,
    window,
    outside,
    gain,
    bias,
    after,
    first,
    lines,
    pitch,
    begin,
    beside,
    behind,
    step,
    parts,
    ones,
):
    """Add up windows of whole numbers, stride 1; parameters as in `separable_block` but for these.

    Running sums along a row would depend on each other. Sums of 2, 4, 8, ... neighbours do not, and a few of them
    make up any window.

    Parameters
    ----------
    rows : (padded,) int64
        Source row of each padded one, -1 for the border's constant.
    window : int
        Rows of a window.
    outside : int
        The border's constant.
    first : int
        The output row that `out` begins with.
    lines : (P * pitch,) int16 or int32
        Scratch that begins as zeros: a padded row, summed down its window, and the sums of 2 ** p neighbours in it.
        `pitch` leaves room for `NARROW` samples beyond each.
    step : int
        Samples between neighbouring columns of one channel.
    parts, ones : (Q,) int64, (Q,)
        Places in `lines` whose samples add up to the first window of a row, and their weights, of the type of `lines`.
    """
    wide, narrow = zeros(lines.dtype.type, WIDE), zeros(lines.dtype.type, NARROW)
    for i in range(1 - window, out.shape[0]):
        # One row enters the windows, and another may leave them.
        lower, upper = rows[first + i + window - 1], rows[first + i - 1] if i > 0 else 0
        enters, leaves = 1 if lower >= 0 else 0, -1 if i > 0 and upper >= 0 else 0
        change = (0 if lower >= 0 else outside) - (0 if upper >= 0 else outside)
        entering, leaving = max(lower, 0) * row_length, max(upper, 0) * row_length
        at = 0
        while row_length - at >= NARROW:
            total = add_product(spread(narrow, change), 1, lines, begin + at)
            total = add_product(add_product(total, enters, x, entering + at), leaves, x, leaving + at)
            put(lines, begin + at, total)
            at += NARROW
        while at < row_length:
            lines[begin + at] += enters * np.int64(x[entering + at]) + leaves * np.int64(x[leaving + at]) + change
            at += 1
        if i < 0:
            continue
        for p in range(beside.size):
            lines[beside[p]] = lines[behind[p]] if behind[p] >= 0 else outside * window
        for p in range(1, lines.size // pitch):
            half, ahead = (p - 1) * pitch, step << (p - 1)
            for at in range(0, pitch - NARROW, NARROW):  # what lies beyond the row adds up to sums that none reads
                both = samples(narrow, lines, half + at) + samples(narrow, lines, half + at + ahead)
                put(lines, half + pitch + at, both)
        row = out[i]
        at = 0
        while at < row.size:
            at = min(at, row.size - WIDE)  # the last overlap those before, and store the same
            finish(row, at, sum_taps(wide, wide, lines, at, parts, ones, 0, ones.size), gain, bias, after)
            at += WIDE
