"""Sums of taps: each an offset into flat rows of samples and a weight."""

from __future__ import annotations

from cnnfilter.engine.codes import MAGNITUDE
from cnnfilter.engine.jit import loop, part
from cnnfilter.engine.lanes.operations import (
    WIDE,
    finish,
    larger,
    put,
    root,
    shaped,
    spread,
    sum_taps,
    zeros,
)


@part
def store_row(row, begin, size, x, origin, offsets, weights, starts, bases, combine, is_sum, gain, bias, after):
    """Compute and store `size` results of a row, at least `ROW`, from `begin` on."""
    wide, none = zeros(bases.dtype.type, WIDE), zeros(weights.dtype.type, WIDE)
    at = 0
    while at < size:
        at = min(at, size - WIDE)  # the last overlap those before, and store the same
        if is_sum:
            products = sum_taps(none, none, x, origin + at, offsets, weights, 0, weights.size)
            put(row, begin + at, shaped(products, after))
        else:
            result = wide
            for f in range(bases.size):
                base = spread(wide, bases[f])
                one = sum_taps(base, none, x, origin + at, offsets, weights, starts[f], starts[f + 1])
                if combine == MAGNITUDE:
                    result = result + one * one
                elif f == 0:
                    result = one
                else:
                    result = larger(one, result)
            finish(row, begin + at, root(result) if combine == MAGNITUDE else result, gain, bias, after)
        at += WIDE


@loop
def filter_block(
    out, begin, size, x, origin, stride, offsets, weights, starts, bases, combine, is_sum, gain, bias, after
):
    """Convolve with a few filters and combine them into one map, where all windows lie alike.

    Parameters
    ----------
    out : (R, L) uint8, uint16 or float32
    begin, size : int
        The samples of each row of `out` that are computed, of which there are at least `ROW`.
    x : (samples,)
        The source, flat.
    origin, stride : int
        Where the window of the first result begins in `x`, and how far apart those of two rows are.
    offsets : (K,) int64
        Places of the taps, from where a window begins.
    weights : (K,)
        Of the type in which the products of a group of taps are summed: that of the sums, or int16.
    starts : (F + 1,) int64
        Where each filter's taps begin.
    bases : (F,)
        What each filter's sum begins with; of the type of the sums.
    combine : int
    is_sum : bool
        Whether the sum of products is the result: one filter of at most a group of taps, and no base, gain or bias.
    gain, bias, after : float, float, int
        Stored is `sum * gain + bias`, or what `after` makes of it.
    """
    for i in range(out.shape[0]):
        at = origin + i * stride
        store_row(out[i], begin, size, x, at, offsets, weights, starts, bases, combine, is_sum, gain, bias, after)
