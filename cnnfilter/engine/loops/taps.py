"""A few filters over flat rows, each a list of taps, combined into one map."""

from __future__ import annotations

import math

import numpy as np

from cnnfilter.engine.combine import MAGNITUDE, SINGLE
from cnnfilter.engine.jit import loop
from cnnfilter.engine.loops.groups import pad_nine, store_nine, sum_taps
from cnnfilter.engine.loops.storing import finished, pick_columns, quantised, store


@loop
def _sum_at(x, row_offsets, tap_columns, weights, count, columns, window_column, step, channel, outside):
    """One value beside the interior, tap by tap, through the index of padded columns."""
    total = 0.0
    for k in range(count):
        column = columns[window_column + tap_columns[k]]
        value = outside if column < 0 else np.float64(x[row_offsets[k] + column * step + channel])
        total += np.float64(weights[k]) * value
    return total


@loop
def _combine(total, acc, combine, is_first, is_last):
    """Fold one filter's sums into the running result of a bank."""
    n = acc.size
    if combine == MAGNITUDE:
        if is_first:
            for j in range(n):
                total[j] = acc[j] * acc[j]
        else:
            for j in range(n):
                total[j] += acc[j] * acc[j]
        if is_last:
            for j in range(n):
                total[j] = math.sqrt(total[j])
    elif is_first:
        for j in range(n):
            total[j] = acc[j]
    else:
        for j in range(n):
            value = acc[j]
            if value > total[j] or value != value:
                total[j] = value


@loop
def _place_taps(row, rows, row_length, step, taps, weights, begin, end, outside, placed, active):
    """Turn taps into offsets for one row of outputs; return how many lie in real rows, and the sum of the rest."""
    count = begin
    base = 0.0
    for k in range(begin, end):
        source = rows[row + taps[1, k]]
        if source < 0:
            base += np.float64(weights[k]) * outside
        else:
            placed[0, count] = taps[0, k] + source * row_length
            placed[1, count] = placed[0, count] + taps[2, k] * step
            placed[2, count] = taps[2, k]
            active[count] = weights[k]
            count += 1
    return count - begin, base


@loop
def filter_rows(
    out,
    x,
    row_length,
    step,
    rows,
    columns,
    interior_first,
    interior_last,
    stride_rows,
    stride_columns,
    left,
    taps,
    weights,
    starts,
    outside,
    is_whole,
    combine,
    absolute,
    finish,
    first,
    scratch,
    placed,
    active,
    counts,
    bases,
):
    """Convolve with a few filters and combine them into one map, a row of outputs at a time.

    Parameters
    ----------
    out : (R, W' * step) uint8, uint16 or float32
        Output rows `first` to `first + R - 1`.
    x : (samples,)
        The source, flat.
    row_length, step : int
        Samples of a source row, and between neighbouring columns of one channel.
    rows, columns : (padded,) int64
        Source row and column of each padded one, -1 for the border's constant; see `geometry`.
    interior_first, interior_last : int
        First output column, and one past the last, whose windows lie within the source's columns.
    stride_rows, stride_columns, left : int
        And columns of padding on the left.
    taps : (3, K) int64
        Offset of the plane in samples, row and column within the padded window, of each tap.
    weights : (K,)
        Of the type in which the products of up to 16 taps are summed: that of the sums, or int16.
    starts : (F + 1,) int64
        Where each filter's taps begin.
    outside : float
        The border's constant.
    is_whole : bool
        Whether samples are whole numbers, which are finite.
    combine, absolute, finish : int, bool, (3,) float32
        `finish` is the gain, the bias, and the largest integer to store, or 0 to store floats.
    first : int
    scratch : (2, B)
        Of the type of the sums: a block of a row is summed and combined in it.
    placed, active, counts, bases : (3, K + 9) int64, (K + 9,), (F,) int64, (F,) float64
        Scratch for the taps of one row of outputs.
    """
    gain, bias, high = finish[0], finish[1], finish[2]
    kind = scratch.dtype.type
    filters = counts.size
    is_small = combine == SINGLE and stride_columns == 1
    block = max(1, (scratch.shape[1] // step - 1) // stride_columns + 1)
    for i in range(out.shape[0]):
        row = (first + i) * stride_rows
        for f in range(filters):
            counts[f], bases[f] = _place_taps(
                row, rows, row_length, step, taps, weights, starts[f], starts[f + 1], outside, placed, active
            )
        for rim in range(interior_first + out.shape[1] // step - interior_last):
            column = rim if rim < interior_first else rim - interior_first + interior_last
            for channel in range(step):
                value = 0.0
                for f in range(filters):
                    k = starts[f]
                    term = bases[f] + _sum_at(
                        x,
                        placed[0, k:],
                        placed[2, k:],
                        active[k:],
                        counts[f],
                        columns,
                        column * stride_columns,
                        step,
                        channel,
                        outside,
                    )
                    if combine == MAGNITUDE:
                        value += term * term
                    elif f == 0 or term > value or term != term:
                        value = term
                value = finished(math.sqrt(value) if combine == MAGNITUDE else value, gain, bias, absolute)
                out[i, column * step + channel] = quantised(value, high) if high > 0 else value
        is_nine = is_small and 1 < counts[0] <= 9
        if is_nine:
            pad_nine(placed[1], active, counts[0], is_whole)
        for column in range(interior_first, interior_last, block):
            outputs = min(block, interior_last - column)
            result = out[i, column * step : (column + outputs) * step]
            if is_nine:
                window = x[(column - left) * step :]
                base = np.float32(bases[0])
                store_nine(result, window, placed[1], active, base, gain, bias, absolute, high)
                continue
            size = ((outputs - 1) * stride_columns + 1) * step
            acc, total = scratch[0, :size], scratch[1, :size]
            window = x[(column * stride_columns - left) * step :]
            for f in range(filters):
                k = starts[f]
                sum_taps(acc, window, placed[1, k:], active[k:], counts[f], kind(bases[f]))
                if combine != SINGLE:
                    _combine(total, acc, combine, f == 0, f == filters - 1)
            values = acc if combine == SINGLE else total
            if stride_columns > 1:
                pick_columns(values, stride_columns, step, outputs)
            store(result, values[: outputs * step], gain, bias, absolute, high)
