"""Pooling: down the window's rows first, then along its columns."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import MIDDLE, NARROW
from cnnfilter.engine.lanes.operations import (
    every_second,
    first_samples,
    larger,
    put,
    put_first,
    samples,
    spread,
    zeros,
)
from cnnfilter.runtime.jit import loop, part


@part
def _larger(value, largest):
    """Return the larger of two, and a NaN before everything."""
    return value if value > largest or value != value else largest


@part
def max_down(line, size, none, few, x, begin, length, rows, row, window, dilation):
    """Set the first `size` of `line` to the largest values of a window's rows.

    A row of padding, which is negative, counts for nothing. `NARROW` samples of `line` beyond may be set too.
    """
    at = 0
    while at < size and size >= MIDDLE:
        at = min(at, size - MIDDLE)  # the last overlap those before, and store the same
        largest = none
        for m in range(window):
            source = rows[row + m * dilation]
            if source >= 0:
                largest = larger(samples(none, x, begin + source * length + at), largest)
        put(line, at, largest)
        at += MIDDLE
    while at < size:
        largest = few
        count = min(NARROW, size - at)
        for m in range(window):
            source = rows[row + m * dilation]
            if source >= 0:
                largest = larger(first_samples(few, x, begin + source * length + at, count), largest)
        put(line, at, largest)  # there is room for more
        at += NARROW


@part
def max_along(row, few, line, begin, window, stride, dilation):
    """Set `row` to the largest of every `stride`-th window of `line`, the first of which starts at `begin`.

    `BESIDE` samples beyond the windows are read.
    """
    at = 0
    while at < row.size and stride <= 2:
        largest = few
        for n in range(window):
            place = begin + at * stride + n * dilation
            seen = samples(few, line, place) if stride == 1 else every_second(few, line, place)
            largest = larger(seen, largest)
        if row.size - at >= NARROW:
            put(row, at, largest)
        else:
            put_first(row, at, largest, row.size - at)
        at += NARROW
    for j in range(at, row.size):
        value = np.float32(-np.inf)
        for n in range(window):
            value = _larger(line[begin + j * stride + n * dilation], value)
        row[j] = value


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
    maps,
    height,
    length,
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
    x : (samples,)
        The maps, flat.
    maps, height : int
        How many, and their rows.
    rows, columns : (padded,) int64
        Source row and column of each padded one, -1 for padding, which no maximum sees; see `geometry`.
    interior_first, interior_last : int
        First output column, and one past the last, whose windows lie within the source's columns.
    left : int
        Columns of padding on the left.
    window, stride, dilation : (2,) int64
    first : int
        The output row that `out` begins with.
    length : int
        Samples in a row of the maps.
    line : (length + `BESIDE`,) float32
        Scratch.
    """
    none, few = spread(zeros(np.float32, MIDDLE), -np.inf), spread(zeros(np.float32, NARROW), -np.inf)
    for c in range(maps):
        for i in range(count):
            begin = c * height * length
            max_down(line, length, none, few, x, begin, length, rows, (first + i) * stride[0], window[0], dilation[0])
            row = out[c * plane + i * width : c * plane + (i + 1) * width]
            if interior_last > interior_first:
                begin = interior_first * stride[1] - left
                max_along(row[interior_first:interior_last], few, line, begin, window[1], stride[1], dilation[1])
            for rim in range(interior_first + width - interior_last):
                j = rim if rim < interior_first else rim - interior_first + interior_last
                value = np.float32(-np.inf)
                for n in range(window[1]):
                    column = columns[j * stride[1] + n * dilation[1]]
                    if column >= 0:
                        value = _larger(line[column], value)
                row[j] = value


@loop
def sum_pool_rows(
    out,
    plane,
    width,
    count,
    x,
    maps,
    height,
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
    for c in range(maps):
        for i in range(count):
            for j in range(line.size):
                line[j] = 0.0
            for m in range(window[0]):
                source = rows[(first + i) * stride[0] + m]
                if source >= 0:
                    begin = (c * height + source) * line.size
                    seen = x[begin : begin + line.size]
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
