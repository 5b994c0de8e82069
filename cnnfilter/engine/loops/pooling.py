"""Pooling: down the window's rows first, then along its columns."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.jit import loop, part


@part
def _larger(value, largest):
    """Return the larger of two, and a NaN before everything."""
    return value if value > largest or value != value else largest


@part
def _max_inside(row, line, stride):
    """Fold every `stride`-th sample of `line` into `row`; the strides written out vectorise."""
    if stride == 1:
        for j in range(row.size):
            row[j] = _larger(line[j], row[j])
    elif stride == 2:
        for j in range(row.size):
            row[j] = _larger(line[2 * j], row[j])
    else:
        for j in range(row.size):
            row[j] = _larger(line[j * stride], row[j])


@part
def _sum_inside(row, line, stride):
    if stride == 1:
        for j in range(row.size):
            row[j] += line[j]
    elif stride == 2:
        for j in range(row.size):
            row[j] += line[2 * j]
    else:
        for j in range(row.size):
            row[j] += line[j * stride]


@loop
def max_pool_rows(
    out,
    plane,
    width,
    count,
    x,
    rows,
    columns,
    interior_first,
    interior_last,
    left,
    window,
    stride,
    dilation,
    first,
    line,
):
    """Take the largest value of each window of each map; a NaN is the largest of all.

    Parameters
    ----------
    out : (samples,) float32
        The results, flat.
    plane, width : int
        Samples between the results of two maps, and in a row of them.
    count : int
        Rows of results.
    x : (C, H, W)
    rows, columns : (padded,) int64
        Source row and column of each padded one, -1 for padding, which no maximum sees; see `geometry`.
    interior_first, interior_last : int
        First output column, and one past the last, whose windows lie within the source's columns.
    left : int
        Columns of padding on the left.
    window, stride, dilation : (2,) int64
    first : int
        The output row that `out` begins with.
    line : (W,) float32
        Scratch.
    """
    for c in range(x.shape[0]):
        for i in range(count):
            for j in range(line.size):
                line[j] = -np.inf
            for m in range(window[0]):
                source = rows[(first + i) * stride[0] + m * dilation[0]]
                if source >= 0:
                    seen = x[c, source]
                    for j in range(line.size):
                        line[j] = _larger(np.float32(seen[j]), line[j])
            row = out[c * plane + i * width : c * plane + (i + 1) * width]
            for j in range(width):
                row[j] = -np.inf
            for n in range(window[1]):
                if interior_last > interior_first:
                    begin = interior_first * stride[1] - left + n * dilation[1]
                    _max_inside(row[interior_first:interior_last], line[begin:], stride[1])
                for rim in range(interior_first + width - interior_last):
                    j = rim if rim < interior_first else rim - interior_first + interior_last
                    column = columns[j * stride[1] + n * dilation[1]]
                    if column >= 0:
                        row[j] = _larger(line[column], row[j])


@loop
def sum_pool_rows(
    out,
    plane,
    width,
    count,
    x,
    rows,
    columns,
    interior_first,
    interior_last,
    left,
    window,
    stride,
    row_counts,
    column_counts,
    first,
    line,
    sums,
):
    """Add up each window and divide by `row_counts[i] * column_counts[j]`; other parameters as in `max_pool_rows`.

    `line` (W,) and `sums` (W',) are float64: the sums of large windows keep their digits.
    """
    for c in range(x.shape[0]):
        for i in range(count):
            for j in range(line.size):
                line[j] = 0.0
            for m in range(window[0]):
                source = rows[(first + i) * stride[0] + m]
                if source >= 0:
                    seen = x[c, source]
                    for j in range(line.size):
                        line[j] += seen[j]
            for j in range(width):
                sums[j] = 0.0
            for n in range(window[1]):
                if interior_last > interior_first:
                    begin = interior_first * stride[1] - left + n
                    _sum_inside(sums[interior_first:interior_last], line[begin:], stride[1])
                for rim in range(interior_first + width - interior_last):
                    j = rim if rim < interior_first else rim - interior_first + interior_last
                    column = columns[j * stride[1] + n]
                    if column >= 0:
                        sums[j] += line[column]
            row = out[c * plane + i * width : c * plane + (i + 1) * width]
            rows_counted = row_counts[first + i]
            for j in range(width):
                divisor = rows_counted * column_counts[j]
                row[j] = sums[j] / divisor if divisor > 0 else 0.0
