"""A kernel of equal weights: running sums, whatever its size."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import NARROW
from cnnfilter.engine.jit import loop, part
from cnnfilter.engine.loops.lanes import WIDE, add_product, finish, put, spread, zeros


@part
def _move_down(none, line, at, x, entering, enters, leaving, leaves, change):
    """Add samples that enter the windows of some columns, and those that leave them, each times a weight."""
    total = add_product(spread(none, change), 1, line, at)
    put(line, at, add_product(add_product(total, enters, x, entering), leaves, x, leaving))


@part
def _add_parts(total, flat, parts, at):
    for k in range(parts.size):
        total = add_product(total, 1, flat, parts[k] + at)
    return total


@loop
def box_rows(
    out, x, row_length, rows, window, outside, gain, bias, after, first, lines, begin, beside, behind, step, parts
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
    lines : (P, padded columns * step) int32
        Scratch: a padded row, summed down its window, and the sums of 2 ** p neighbours in it.
    step : int
        Samples between neighbouring columns of one channel.
    parts : (Q,) int64
        Places in `lines`, flat, whose samples add up to the first window of a row.
    """
    none, few = zeros(np.int32, WIDE), zeros(np.int32, NARROW)
    line, flat = lines[0], lines.reshape(-1)
    for j in range(line.size):
        line[j] = 0
    for i in range(1 - window, out.shape[0]):
        lower, upper = rows[first + i + window - 1], rows[first + i - 1] if i > 0 else 0
        enters, leaves = 1 if lower >= 0 else 0, -1 if i > 0 and upper >= 0 else 0
        change = (0 if lower >= 0 else outside) - (0 if upper >= 0 else outside)
        entering, leaving = max(lower, 0) * row_length, max(upper, 0) * row_length
        at = 0
        while row_length - at >= WIDE:
            _move_down(none, line, begin + at, x, entering + at, enters, leaving + at, leaves, change)
            at += WIDE
        while row_length - at >= NARROW:
            _move_down(few, line, begin + at, x, entering + at, enters, leaving + at, leaves, change)
            at += NARROW
        for j in range(at, row_length):
            line[begin + j] += enters * np.int32(x[entering + j]) + leaves * np.int32(x[leaving + j]) + change
        if i < 0:
            continue
        for p in range(beside.size):
            line[beside[p]] = line[behind[p]] if behind[p] >= 0 else outside * window
        for p in range(1, lines.shape[0]):
            ahead = step << (p - 1)
            half, both = lines[p - 1], lines[p]
            n = line.size - ahead
            left, right, sums = half[:n], half[ahead : ahead + n], both[:n]
            for j in range(n):
                sums[j] = left[j] + right[j]
        row = out[i]
        at = 0
        while row.size - at >= WIDE:
            finish(row, at, _add_parts(none, flat, parts, at), gain, bias, after)
            at += WIDE
        while at < row.size:
            at = min(at, row.size - NARROW)  # the last overlap those before, and store the same
            finish(row, at, _add_parts(few, flat, parts, at), gain, bias, after)
            at += NARROW
