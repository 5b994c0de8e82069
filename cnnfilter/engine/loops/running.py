"""A kernel of equal weights: running sums, whatever its size."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.jit import loop
from cnnfilter.engine.loops.storing import store


@loop
def _add_row(sums, x, begin, outside):
    """Add a row of samples, or of the border's constant where `begin` is negative, to the sums of columns."""
    if begin < 0:
        for j in range(sums.size):
            sums[j] += outside
    else:
        entering = x[begin : begin + sums.size]
        for j in range(sums.size):
            sums[j] += np.int32(entering[j])


@loop
def _move_down(sums, x, entering, leaving, outside):
    """Add the row that enters the window and take away the one that leaves it."""
    if entering < 0 or leaving < 0:
        _add_row(sums, x, entering, outside)
        for j in range(sums.size):
            sums[j] -= outside if leaving < 0 else np.int32(x[leaving + j])
    else:
        new, old = x[entering : entering + sums.size], x[leaving : leaving + sums.size]
        for j in range(sums.size):
            sums[j] += np.int32(new[j]) - np.int32(old[j])


@loop
def _sum_along(values, spare, total, window, step):
    """Set `total` to the sums of `window` neighbouring values, a power of two at a time; spoils `values`.

    Running sums along a row would depend on each other; these do not, and take log2(window) vector additions.
    """
    taken = 0
    power = 1
    rest = window
    total[:] = 0
    while rest > 0:
        if rest & 1:
            part = values[taken * step : taken * step + total.size]
            for j in range(total.size):
                total[j] += part[j]
            taken += power
        rest >>= 1
        if rest > 0:
            ahead = values[power * step :]
            sums = spare[: ahead.size]
            for j in range(ahead.size):
                sums[j] = values[j] + ahead[j]
            values, spare = sums, values
            power *= 2


@loop
def box_rows(
    out,
    x,
    row_length,
    step,
    rows,
    columns,
    left,
    window_rows,
    window_columns,
    outside,
    absolute,
    finish,
    first,
    sums,
    line,
    spare,
    total,
):
    """Add up windows of whole numbers, stride 1; parameters as in `filter_rows` but for these.

    Parameters
    ----------
    outside : int
    sums : (row_length,) int32
        Scratch: the sum of each column of samples over the window's rows.
    line, spare : (padded columns * step,) int32
        Scratch: those of the padded row.
    total : (W' * step,) int32
        Scratch.
    """
    gain, bias, high = finish[0], finish[1], finish[2]
    width = row_length // step
    sums[:] = 0
    for m in range(window_rows):
        _add_row(sums, x, rows[first + m] * row_length, outside)
    for i in range(out.shape[0]):
        if i > 0:
            last = first + i - 1
            _move_down(sums, x, rows[last + window_rows] * row_length, rows[last] * row_length, outside)
        inside = line[left * step : left * step + row_length]
        for j in range(row_length):
            inside[j] = sums[j]
        for rim in range(columns.size - width):
            padded = rim if rim < left else rim + width
            source = columns[padded]
            for channel in range(step):
                line[padded * step + channel] = outside * window_rows if source < 0 else sums[source * step + channel]
        _sum_along(line, spare, total, window_columns, step)
        store(out[i], total, gain, bias, absolute, high)
