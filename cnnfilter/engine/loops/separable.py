"""A kernel of rank 1: down the rows, then along the columns."""

from __future__ import annotations

from cnnfilter.engine.lanes.operations import (
    ROW_LANES,
    ROWS_LANES,
    WIDE,
    finish,
    put_rows,
    spread,
    sum_rows,
    sum_taps,
    zeros,
)
from cnnfilter.runtime.jit import loop


@loop
def separable_block(
    out,
    x,
    origin,
    stride,
    row_length,
    rows,
    down_offsets,
    down,
    down_starts,
    base,
    along_offsets,
    along,
    gain,
    bias,
    after,
    line,
    begin,
    beside,
    behind,
    outside,
):
    """Convolve with the outer product of two vectors, where all windows' rows lie alike.

    Parameters
    ----------
    out : (R, L) uint8, uint16 or float32
    x : (samples,)
        The source, flat.
    origin, stride, row_length : int
        Where the window's first row begins in `x`, how far apart those of two results are, and samples in a row;
        there and in `out` at least `ROW`.
    rows : int
        How many are summed down their windows together: at most `TOGETHER`, and at most `R`.
    down_offsets, down, down_starts : (K,) int64, (K * TOGETHER,), (groups * len(ROW_SPANS) + 1,) int64
        Places of the rows of their windows, their weights, and where those of each span begin; see `sum_rows`.
    base : float
        What the sum down a window begins with.
    along_offsets, along : (N,) int64, (N,)
        Places within a padded row, and their weights.
    gain, bias, after : float, float, int
        Stored is `sum * gain + bias`, or what `after` makes of it.
    line : (rows * padded columns * step,)
        Scratch of the type of the sums: rows summed down their windows, with their padding.
    begin : int
        Where in `line` the source's columns begin.
    beside, behind : (P,) int64
        Places in `line` that are padding, and the place that each repeats, or -1 for the border's constant.
    outside : float
        What the constant sums up to down a window.
    """
    wide, start = zeros(line.dtype.type, WIDE), spread(zeros(line.dtype.type, ROWS_LANES), base)
    pitch = line.size // rows
    for first in range(0, out.shape[0], rows):
        top = min(first, out.shape[0] - rows)  # the last rows overlap those before, and so do the last lanes
        at = 0
        while at < row_length:
            at = min(at, row_length - ROW_LANES)
            sums = sum_rows(start, x, origin + top * stride + at, down_offsets, down, down_starts)
            put_rows(line, begin + at, pitch, rows, sums)
            at += ROW_LANES
        for i in range(rows):
            summed = line[i * pitch : (i + 1) * pitch]
            for p in range(beside.size):
                summed[beside[p]] = summed[behind[p]] if behind[p] >= 0 else outside
            row = out[top + i]
            at = 0
            while at < row.size:
                at = min(at, row.size - WIDE)
                finish(
                    row, at, sum_taps(wide, wide, summed, at, along_offsets, along, 0, along.size), gain, bias, after
                )
                at += WIDE
