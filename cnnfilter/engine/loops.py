"""All compiled code, and nothing else: no validation, no allocation, no Python objects.

Every array arrives ready: of the right type, large enough, its rows contiguous. Sources are flat, so that one
loop serves a grey picture, the interleaved channels of a colour picture and a stack of feature maps: a tap is
an offset into the samples and a weight.

Written for the vectoriser. A loop takes `r = x[o : o + n]` and reads `r[j]`: reading `x[o + j]` would keep the
check for negative indices inside the loop, which costs a factor of seven. Taps are added in groups of a few
fixed sizes, so that a kernel of any size runs code that is already compiled; one loop over the taps inside the
loop over the samples does not vectorise (15 times slower), and rows converted to float32 once, instead of at
each tap, were slower too (1.2 to 1.9 times: the unaligned loads cost more than the conversions).
"""

from __future__ import annotations

import math

import numpy as np

from cnnfilter.engine.jit import loop

SINGLE, MAGNITUDE, MAXIMUM = 0, 1, 2
"""How the filters of a bank become one map: there is only one, root of the sum of squares, largest."""

# --- Weighted sums of shifted rows: acc[j] += sum_t weights[k + t] * x[offsets[k + t] + j]


@loop
def _add_1(acc, x, offsets, weights, k):
    n = acc.size
    r0 = x[offsets[k] : offsets[k] + n]
    w0 = weights[k]
    kind = acc.dtype.type
    for j in range(n):
        acc[j] += w0 * kind(r0[j])


@loop
def _add_4(acc, x, offsets, weights, k):
    n = acc.size
    r0 = x[offsets[k] : offsets[k] + n]
    r1 = x[offsets[k + 1] : offsets[k + 1] + n]
    r2 = x[offsets[k + 2] : offsets[k + 2] + n]
    r3 = x[offsets[k + 3] : offsets[k + 3] + n]
    w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
    kind = acc.dtype.type
    for j in range(n):
        total = w0 * kind(r0[j]) + w1 * kind(r1[j]) + w2 * kind(r2[j]) + w3 * kind(r3[j])
        acc[j] += total


@loop
def _add_8(acc, x, offsets, weights, k):
    n = acc.size
    r0 = x[offsets[k] : offsets[k] + n]
    r1 = x[offsets[k + 1] : offsets[k + 1] + n]
    r2 = x[offsets[k + 2] : offsets[k + 2] + n]
    r3 = x[offsets[k + 3] : offsets[k + 3] + n]
    r4 = x[offsets[k + 4] : offsets[k + 4] + n]
    r5 = x[offsets[k + 5] : offsets[k + 5] + n]
    r6 = x[offsets[k + 6] : offsets[k + 6] + n]
    r7 = x[offsets[k + 7] : offsets[k + 7] + n]
    w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
    w4, w5, w6, w7 = weights[k + 4], weights[k + 5], weights[k + 6], weights[k + 7]
    kind = acc.dtype.type
    for j in range(n):
        total = w0 * kind(r0[j]) + w1 * kind(r1[j]) + w2 * kind(r2[j]) + w3 * kind(r3[j])
        total += w4 * kind(r4[j]) + w5 * kind(r5[j]) + w6 * kind(r6[j]) + w7 * kind(r7[j])
        acc[j] += total


@loop
def _add_16(acc, x, offsets, weights, k):
    n = acc.size
    r0 = x[offsets[k] : offsets[k] + n]
    r1 = x[offsets[k + 1] : offsets[k + 1] + n]
    r2 = x[offsets[k + 2] : offsets[k + 2] + n]
    r3 = x[offsets[k + 3] : offsets[k + 3] + n]
    r4 = x[offsets[k + 4] : offsets[k + 4] + n]
    r5 = x[offsets[k + 5] : offsets[k + 5] + n]
    r6 = x[offsets[k + 6] : offsets[k + 6] + n]
    r7 = x[offsets[k + 7] : offsets[k + 7] + n]
    r8 = x[offsets[k + 8] : offsets[k + 8] + n]
    r9 = x[offsets[k + 9] : offsets[k + 9] + n]
    r10 = x[offsets[k + 10] : offsets[k + 10] + n]
    r11 = x[offsets[k + 11] : offsets[k + 11] + n]
    r12 = x[offsets[k + 12] : offsets[k + 12] + n]
    r13 = x[offsets[k + 13] : offsets[k + 13] + n]
    r14 = x[offsets[k + 14] : offsets[k + 14] + n]
    r15 = x[offsets[k + 15] : offsets[k + 15] + n]
    w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
    w4, w5, w6, w7 = weights[k + 4], weights[k + 5], weights[k + 6], weights[k + 7]
    w8, w9, w10, w11 = weights[k + 8], weights[k + 9], weights[k + 10], weights[k + 11]
    w12, w13, w14, w15 = weights[k + 12], weights[k + 13], weights[k + 14], weights[k + 15]
    kind = acc.dtype.type
    for j in range(n):
        total = w0 * kind(r0[j]) + w1 * kind(r1[j]) + w2 * kind(r2[j]) + w3 * kind(r3[j])
        total += w4 * kind(r4[j]) + w5 * kind(r5[j]) + w6 * kind(r6[j]) + w7 * kind(r7[j])
        total += w8 * kind(r8[j]) + w9 * kind(r9[j]) + w10 * kind(r10[j]) + w11 * kind(r11[j])
        total += w12 * kind(r12[j]) + w13 * kind(r13[j]) + w14 * kind(r14[j]) + w15 * kind(r15[j])
        acc[j] += total


@loop
def _add_taps(acc, x, offsets, weights, count):
    k = 0
    while count - k >= 16:
        _add_16(acc, x, offsets, weights, k)
        k += 16
    if count - k >= 8:
        _add_8(acc, x, offsets, weights, k)
        k += 8
    if count - k >= 4:
        _add_4(acc, x, offsets, weights, k)
        k += 4
    while k < count:
        _add_1(acc, x, offsets, weights, k)
        k += 1


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
def _combine(total, acc, combine, is_first):
    """Fold one filter's sums into the running result of a bank."""
    n = acc.size
    if combine == MAGNITUDE:
        if is_first:
            for j in range(n):
                total[j] = acc[j] * acc[j]
        else:
            for j in range(n):
                total[j] += acc[j] * acc[j]
    elif is_first:
        for j in range(n):
            total[j] = acc[j]
    else:
        for j in range(n):
            value = acc[j]
            if value > total[j] or value != value:
                total[j] = value


# --- From a sum to what is stored: root of a magnitude, bias, absolute value, in float32


@loop
def _finished(value, combine, bias, absolute):
    result = np.float32(math.sqrt(value) if combine == MAGNITUDE else value) + bias
    return abs(result) if absolute else result


@loop
def _quantised(value, high):
    """Round half to even, then clamp: storing 300 in a uint8 unclamped would give 44."""
    return np.int32(min(max(np.rint(value), np.float32(0)), high))


@loop
def _store(out, acc, combine, bias, absolute, high):
    n = out.size
    if high > 0:
        for j in range(n):
            out[j] = _quantised(_finished(acc[j], combine, bias, absolute), high)
    else:
        for j in range(n):
            out[j] = _finished(acc[j], combine, bias, absolute)


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
def _pick_columns(acc, stride, step, outputs):
    """Keep every `stride`-th column of a row that was computed at all of them."""
    for c in range(outputs):
        for channel in range(step):
            acc[c * step + channel] = acc[c * stride * step + channel]


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
        Of the type in which to accumulate.
    starts : (F + 1,) int64
        Where each filter's taps begin.
    outside : float
        The border's constant.
    combine, absolute, finish : int, bool, (2,) float32
        `finish` is the bias, and the largest integer to store, or 0 to store floats.
    first : int
    scratch : (2, B)
        Of the type of `weights`: a block of a row is summed and combined in it.
    placed, active, counts, bases : (3, K) int64, (K,), (F,) int64, (F,) float64
        Scratch for the taps of one row of outputs.
    """
    bias, high = finish[0], finish[1]
    kind = weights.dtype.type
    filters = counts.size
    block = max(1, (scratch.shape[1] // step - 1) // stride_columns + 1)
    for i in range(out.shape[0]):
        row = (first + i) * stride_rows
        for f in range(filters):
            counts[f], bases[f] = _place_taps(
                row, rows, row_length, step, taps, weights, starts[f], starts[f + 1], outside, placed, active
            )
        for column in range(interior_first, interior_last, block):
            outputs = min(block, interior_last - column)
            size = ((outputs - 1) * stride_columns + 1) * step
            acc, total = scratch[0, :size], scratch[1, :size]
            window = x[(column * stride_columns - left) * step :]
            for f in range(filters):
                k = starts[f]
                acc[:] = kind(bases[f])
                _add_taps(acc, window, placed[1, k:], active[k:], counts[f])
                if combine != SINGLE:
                    _combine(total, acc, combine, f == 0)
            result = acc if combine == SINGLE else total
            if stride_columns > 1:
                _pick_columns(result, stride_columns, step, outputs)
            _store(
                out[i, column * step : (column + outputs) * step],
                result[: outputs * step],
                combine,
                bias,
                absolute,
                high,
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
                value = _finished(value, combine, bias, absolute)
                out[i, column * step + channel] = _quantised(value, high) if high > 0 else value


# --- Columns for a matrix product: one row of the matrix is what one tap sees


@loop
def unroll_rows(
    out,
    x,
    row_length,
    rows,
    columns,
    interior_first,
    interior_last,
    stride_rows,
    stride_columns,
    left,
    taps,
    outside,
    first,
):
    """Copy what each tap sees of a band into a row of `out`, (K, R, W'); parameters as in `filter_rows`."""
    width = out.shape[2]
    constant = np.float32(outside)
    for k in range(out.shape[0]):
        for i in range(out.shape[1]):
            row = out[k, i]
            source = rows[(first + i) * stride_rows + taps[1, k]]
            if source < 0:
                row[:] = constant
                continue
            begin = taps[0, k] + source * row_length
            for rim in range(interior_first + width - interior_last):
                j = rim if rim < interior_first else rim - interior_first + interior_last
                column = columns[j * stride_columns + taps[2, k]]
                row[j] = constant if column < 0 else x[begin + column]
            if interior_last > interior_first:
                inside = row[interior_first:interior_last]
                seen = x[begin + interior_first * stride_columns - left + taps[2, k] :]
                if stride_columns == 1:
                    seen = seen[: inside.size]
                    for j in range(inside.size):
                        inside[j] = seen[j]
                else:
                    for j in range(inside.size):
                        inside[j] = seen[j * stride_columns]


# --- Pooling: down the window's rows first, then along its columns


@loop
def _max_across(row, line, columns, window, stride, dilation):
    for j in range(row.size):
        largest = np.float32(-np.inf)
        for n in range(window):
            column = columns[j * stride + n * dilation]
            if column >= 0:
                value = line[column]
                if value > largest or value != value:
                    largest = value
        row[j] = largest


@loop
def max_pool_rows(out, x, rows, columns, window, stride, dilation, first, line):
    """Take the largest value of each window; a NaN is the largest of all.

    Parameters
    ----------
    out : (R, W') float32
    x : (H, W)
    rows, columns : (padded,) int64
        Source row and column of each padded one, -1 for padding, which no maximum sees.
    window, stride, dilation : (2,) of int
    first : int
        The output row that `out` begins with.
    line : (W,) float32
        Scratch.
    """
    for i in range(out.shape[0]):
        line[:] = np.float32(-np.inf)
        for m in range(window[0]):
            source = rows[(first + i) * stride[0] + m * dilation[0]]
            if source >= 0:
                seen = x[source]
                for j in range(line.size):
                    value = np.float32(seen[j])
                    line[j] = value if value > line[j] or value != value else line[j]
        _max_across(out[i], line, columns, window[1], stride[1], dilation[1])


@loop
def sum_pool_rows(out, x, rows, columns, window, stride, row_counts, column_counts, first, line):
    """Add up each window and divide by `row_counts[i] * column_counts[j]`; parameters as in `max_pool_rows`.

    `line` is float64: the sums of large windows keep their digits.
    """
    for i in range(out.shape[0]):
        line[:] = 0.0
        for m in range(window[0]):
            source = rows[(first + i) * stride[0] + m]
            if source >= 0:
                seen = x[source]
                for j in range(line.size):
                    line[j] += seen[j]
        for j in range(out.shape[1]):
            total = 0.0
            for n in range(window[1]):
                column = columns[j * stride[1] + n]
                if column >= 0:
                    total += line[column]
            count = row_counts[first + i] * column_counts[j]
            out[i, j] = total / count if count > 0 else 0.0
