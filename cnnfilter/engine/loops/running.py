"""A kernel of equal weights: running sums, whatever its size."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.jit import loop
from cnnfilter.engine.loops.storing import store


@loop
def _add_row(sums, x, begin, sign, outside):
    """Add a row of samples, or of the border's constant where `begin` is negative, to the sums of columns."""
    if begin < 0:
        for j in range(sums.size):
            sums[j] += sign * outside
    else:
        seen = x[begin : begin + sums.size]
        for j in range(sums.size):
            sums[j] += sign * np.int32(seen[j])


@loop
def box_rows(
    out,
    x,
    row_length,
    step,
    rows,
    columns,
    window_rows,
    window_columns,
    outside,
    absolute,
    finish,
    first,
    sums,
    running,
    values,
):
    """Add up windows of whole numbers, stride 1, at a cost that does not depend on their size.

    Parameters are as in `filter_rows`, but for these.

    Parameters
    ----------
    outside : int
    sums : (row_length,) int32
        Scratch: the sum of each column of samples over the window's rows.
    running : (padded columns * step + step,) int64
        Scratch: those of the padded row, summed from its left end.
    values : (W' * step,) float32
        Scratch.
    """
    gain, bias, high = finish[0], finish[1], finish[2]
    sums[:] = 0
    for m in range(window_rows - 1):
        _add_row(sums, x, rows[first + m] * row_length, 1, outside)
    for i in range(out.shape[0]):
        _add_row(sums, x, rows[first + i + window_rows - 1] * row_length, 1, outside)
        running[:step] = 0
        for column in range(columns.size):
            source = columns[column]
            for channel in range(step):
                value = np.int64(outside) * window_rows if source < 0 else np.int64(sums[source * step + channel])
                running[(column + 1) * step + channel] = running[column * step + channel] + value
        ends = running[window_columns * step :]
        for j in range(values.size):
            values[j] = np.float32(ends[j] - running[j])
        store(out[i], values, gain, bias, absolute, high)
        _add_row(sums, x, rows[first + i] * row_length, -1, outside)
