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
    """The larger of two, and a NaN before everything."""
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
def max_pool_rows(out, first, maps, padding, pool, line):
    """Take the largest value of each window of each map; a NaN is the largest of all.

    Parameters
    ----------
    out : Planes
        Those of the maps.
    first : int
        The output row that `out` begins with.
    maps : Maps
    padding : PoolPadding
    pool : Pool
    line : (maps.width + `BESIDE`,) float32
        Scratch.
    """
    none, few = spread(zeros(np.float32, MIDDLE), -np.inf), spread(zeros(np.float32, NARROW), -np.inf)
    width, length = out.width, maps.width
    rows, columns, inner, outer, left = padding
    window, stride, dilation = pool
    for c in range(maps.channels):
        for i in range(out.rows):
            begin, top = c * maps.height * length, (first + i) * stride[0]
            max_down(line, length, none, few, maps.samples, begin, length, rows, top, window[0], dilation[0])
            row = out.samples[c * out.pitch + i * width : c * out.pitch + (i + 1) * width]
            if outer > inner:
                max_along(row[inner:outer], few, line, inner * stride[1] - left, window[1], stride[1], dilation[1])
            for rim in range(inner + width - outer):
                j = rim if rim < inner else rim - inner + outer
                value = np.float32(-np.inf)
                for n in range(window[1]):
                    column = columns[j * stride[1] + n * dilation[1]]
                    if column >= 0:
                        value = _larger(line[column], value)
                row[j] = value


@loop
def sum_pool_rows(out, first, maps, padding, pool, counts, line, sums):
    """Add up each window, and divide by how many samples it counts; other parameters as in `max_pool_rows`.

    Parameters
    ----------
    pool : Pool
        Without dilation.
    counts : PoolCounts
    line, sums : (maps.width,) and (out.width,) float64
        Scratch: the sums of large windows keep their digits.
    """
    width = out.width
    rows, columns, inner, outer, left = padding
    for c in range(maps.channels):
        for i in range(out.rows):
            for j in range(line.size):
                line[j] = 0.0
            for m in range(pool.window[0]):
                source = rows[(first + i) * pool.stride[0] + m]
                if source >= 0:
                    begin = (c * maps.height + source) * line.size
                    seen = maps.samples[begin : begin + line.size]
                    for j in range(line.size):
                        line[j] += seen[j]
            for j in range(width):
                sums[j] = 0.0
            for n in range(pool.window[1]):
                if outer > inner:
                    begin = inner * pool.stride[1] - left + n
                    _sum_inside(sums[inner:outer], line[begin:], pool.stride[1])
                for rim in range(inner + width - outer):
                    j = rim if rim < inner else rim - inner + outer
                    column = columns[j * pool.stride[1] + n]
                    if column >= 0:
                        sums[j] += line[column]
            row = out.samples[c * out.pitch + i * width : c * out.pitch + (i + 1) * width]
            rows_counted = counts.rows[first + i]
            for j in range(width):
                divisor = rows_counted * counts.columns[j]
                row[j] = sums[j] / divisor if divisor > 0 else 0.0
