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
def separable_block(out, source, down, along, how, lines, padding):
    """Convolve with the outer product of two vectors, where all windows' rows lie alike.

    Parameters
    ----------
    out : (R, L) uint8, uint16 or float32
        At least as many rows as `down` is for, of `ROW` samples at least.
    source : Source
        Of a row of a window, all samples count, and there are at least `ROW`.
    down : SharedTaps
        Of the type of the sums.
    along : Taps
        Within a line, of the type of the sums.
    how : Finish
    lines : (down.rows, padded columns * spacing)
        Scratch of the type of the sums: rows summed down their windows, with their padding.
    padding : LinePadding
        The border's constant stands there summed up down a window.
    """
    wide, start = zeros(lines.dtype.type, WIDE), spread(zeros(lines.dtype.type, ROWS_LANES), down.base)
    for first in range(0, out.shape[0], down.rows):
        top = min(first, out.shape[0] - down.rows)  # the last rows overlap those before, and so do the last lanes
        for at in range(0, padding.size, ROW_LANES):
            at = min(at, padding.size - ROW_LANES)
            sums = sum_rows(start, source.samples, source.origin + top * source.stride + at, down)
            put_rows(lines, 0, padding.begin + at, down.rows, sums)
        for i in range(down.rows):
            line, row = lines[i], out[top + i]
            for p in range(padding.places.size):
                behind = padding.sources[p]
                line[padding.places[p]] = line[behind] if behind >= 0 else padding.outside
            for at in range(0, row.size, WIDE):
                at = min(at, row.size - WIDE)
                total = sum_taps(wide, wide, line, at, along.offsets, along.weights, 0, along.weights.size)
                finish(row, at, total, how)
