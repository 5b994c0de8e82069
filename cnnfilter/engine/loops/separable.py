"""A kernel of rank 1: down the rows, then along the columns."""

from __future__ import annotations

from cnnfilter.engine.jit import loop
from cnnfilter.engine.lanes.operations import WIDE, finish, put, spread, sum_taps, zeros


@loop
def separable_block(
    out,
    x,
    origin,
    stride,
    row_length,
    down_offsets,
    down,
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
    down_offsets, down : (K,) int64, (K,)
        Places of the window's rows, from its first one, and their weights.
    base : float
        What the sum down a window begins with.
    along_offsets, along : (N,) int64, (N,)
        Places within a padded row, and their weights.
    gain, bias, after : float, float, int
        Stored is `sum * gain + bias`, or what `after` makes of it.
    line : (padded columns * step,)
        Scratch of the type of the sums: a row summed down its window, with its padding.
    begin : int
        Where in `line` the source's columns begin.
    beside, behind : (P,) int64
        Places in `line` that are padding, and the place that each repeats, or -1 for the border's constant.
    outside : float
        What the constant sums up to down a window.
    """
    wide, none = zeros(line.dtype.type, WIDE), zeros(down.dtype.type, WIDE)
    for i in range(out.shape[0]):
        at = 0
        while at < row_length:
            at = min(at, row_length - WIDE)  # the last overlap those before, and store the same
            put(line, begin + at, sum_taps(spread(wide, base), none, x, origin + at, down_offsets, down, 0, down.size))
            at += WIDE
        for p in range(beside.size):
            line[beside[p]] = line[behind[p]] if behind[p] >= 0 else outside
        row = out[i]
        at = 0
        while at < row.size:
            at = min(at, row.size - WIDE)
            finish(row, at, sum_taps(wide, wide, line, at, along_offsets, along, 0, along.size), gain, bias, after)
            at += WIDE
        origin += stride
