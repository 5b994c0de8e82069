"""What learning computes of batches that lie with the pictures innermost, beside convolutions."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import NARROW
from cnnfilter.engine.lanes.operations import add_up, first_samples, samples, zeros
from cnnfilter.runtime.jit import loop


@loop
def weigh_rows(out, delta, first, last, source, offsets, rows, stride, together):
    """Set columns `first` to `last - 1` of `out` to what each sample counts for each filter, summed over all results.

    Four filters and four taps are summed side by side.

    Parameters
    ----------
    out : (O, K) float32
        Both are multiples of four, as `first` and `last` are; filters beyond those of `delta` are the last one again.
    delta : (at most O, rows * L) float32
        Those of the filters' results.
    source : (n,) float32
        Where `offsets`, (K,) int64, say what each tap sees for the first result; rows lie `stride` apart.
    together : int
        Rows that are summed before the next four filters are.
    """
    none = zeros(np.float32, NARROW)
    width, end = delta.shape[1] // rows, delta.shape[0] - 1
    even = width - width % NARROW
    left = width - even
    for o in range(out.shape[0]):
        for k in range(first, last):
            out[o, k] = 0
    for top in range(0, rows, together):
        for k in range(first, last, 4):
            for o in range(0, out.shape[0], 4):
                d0, d1, d2, d3 = delta[o], delta[min(o + 1, end)], delta[min(o + 2, end)], delta[min(o + 3, end)]
                s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = none
                s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = none
                for i in range(top, min(top + together, rows)):
                    at, place = i * width, i * stride
                    p0, p1 = place + offsets[k], place + offsets[k + 1]
                    p2, p3 = place + offsets[k + 2], place + offsets[k + 3]
                    for j in range(0, even, NARROW):
                        x0, x1 = samples(none, source, p0 + j), samples(none, source, p1 + j)
                        x2, x3 = samples(none, source, p2 + j), samples(none, source, p3 + j)
                        d = samples(none, d0, at + j)
                        s00, s01, s02, s03 = s00 + d * x0, s01 + d * x1, s02 + d * x2, s03 + d * x3
                        d = samples(none, d1, at + j)
                        s10, s11, s12, s13 = s10 + d * x0, s11 + d * x1, s12 + d * x2, s13 + d * x3
                        d = samples(none, d2, at + j)
                        s20, s21, s22, s23 = s20 + d * x0, s21 + d * x1, s22 + d * x2, s23 + d * x3
                        d = samples(none, d3, at + j)
                        s30, s31, s32, s33 = s30 + d * x0, s31 + d * x1, s32 + d * x2, s33 + d * x3
                    if left:
                        at += even
                        x0 = first_samples(none, source, p0 + even, left)
                        x1 = first_samples(none, source, p1 + even, left)
                        x2 = first_samples(none, source, p2 + even, left)
                        x3 = first_samples(none, source, p3 + even, left)
                        d = first_samples(none, d0, at, left)
                        s00, s01, s02, s03 = s00 + d * x0, s01 + d * x1, s02 + d * x2, s03 + d * x3
                        d = first_samples(none, d1, at, left)
                        s10, s11, s12, s13 = s10 + d * x0, s11 + d * x1, s12 + d * x2, s13 + d * x3
                        d = first_samples(none, d2, at, left)
                        s20, s21, s22, s23 = s20 + d * x0, s21 + d * x1, s22 + d * x2, s23 + d * x3
                        d = first_samples(none, d3, at, left)
                        s30, s31, s32, s33 = s30 + d * x0, s31 + d * x1, s32 + d * x2, s33 + d * x3
                to = out[o + 0]
                to[k + 0] += add_up(s00)
                to[k + 1] += add_up(s01)
                to[k + 2] += add_up(s02)
                to[k + 3] += add_up(s03)
                to = out[o + 1]
                to[k + 0] += add_up(s10)
                to[k + 1] += add_up(s11)
                to[k + 2] += add_up(s12)
                to[k + 3] += add_up(s13)
                to = out[o + 2]
                to[k + 0] += add_up(s20)
                to[k + 1] += add_up(s21)
                to[k + 2] += add_up(s22)
                to[k + 3] += add_up(s23)
                to = out[o + 3]
                to[k + 0] += add_up(s30)
                to[k + 1] += add_up(s31)
                to[k + 2] += add_up(s32)
                to[k + 3] += add_up(s33)


@loop
def largest_windows(out, winners, x, rows, columns, first, last):
    """Take the largest sample of each window of maps `first` to `last - 1`, and where it is.

    Parameters
    ----------
    out, winners : (C, H', W', N) float32, int32
        A winner is the number of the sample in its map, or -1 where there is none. Of equal ones it is the first.
    x : (C, H, W, N) float32
    rows, columns : (kh, H'), (kw, W') int64
        What each tap sees, or -1 for padding, which is never the largest.
    """
    width, count = x.shape[2], x.shape[3]
    for c in range(first, last):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                best, won = out[c, i, j], winners[c, i, j]
                for n in range(count):
                    best[n], won[n] = -np.inf, -1
                for m in range(rows.shape[0]):
                    row = rows[m, i]
                    for k in range(columns.shape[0]):
                        column = columns[k, j]
                        if row >= 0 and column >= 0:
                            seen = x[c, row, column]
                            place = np.int32((row * width + column) * count)
                            for n in range(count):
                                value, known = seen[n], best[n]
                                larger = value > known or value != value or won[n] < 0
                                best[n] = value if larger else known
                                won[n] = place + np.int32(n) if larger else won[n]


@loop
def to_winners(total, delta, winners, first, last):
    """Set maps `first` to `last - 1` of `total` (C, H * W * N) to the deltas (C, P) that their samples won."""
    for c in range(first, last):
        to, won, each = total[c], winners[c], delta[c]
        for n in range(to.size):
            to[n] = 0
        for n in range(won.size):
            if won[n] >= 0:
                to[won[n]] += each[n]


@loop
def sum_windows(out, x, shares, rows, columns, first, last):
    """Add up each window of maps `first` to `last - 1`, times its share (H', W'); as `largest_windows` otherwise."""
    count = x.shape[3]
    for c in range(first, last):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                total, share = out[c, i, j], shares[i, j]
                for n in range(count):
                    total[n] = 0
                for m in range(rows.shape[0]):
                    for k in range(columns.shape[0]):
                        if rows[m, i] >= 0 and columns[k, j] >= 0:
                            seen = x[c, rows[m, i], columns[k, j]]
                            for n in range(count):
                                total[n] += seen[n]
                for n in range(count):
                    total[n] *= share


@loop
def spread_windows(total, delta, shares, rows, columns, first, last):
    """Give the samples of each window its delta times its share: what `sum_windows` does, backwards."""
    count = total.shape[3]
    for c in range(first, last):
        for i in range(total.shape[1]):
            for j in range(total.shape[2]):
                to = total[c, i, j]
                for n in range(count):
                    to[n] = 0
        for i in range(delta.shape[1]):
            for j in range(delta.shape[2]):
                each, share = delta[c, i, j], shares[i, j]
                for m in range(rows.shape[0]):
                    for k in range(columns.shape[0]):
                        if rows[m, i] >= 0 and columns[k, j] >= 0:
                            to = total[c, rows[m, i], columns[k, j]]
                            for n in range(count):
                                to[n] += each[n] * share


@loop
def rectify(out, x):
    """Set each of some values (n,) to that of `x`, or to 0 where it is less; NaN stays NaN."""
    for n in range(out.size):
        value = x[n]
        out[n] = np.float32(0) if value <= 0 else value


@loop
def pass_rectified(out, delta, y):
    """Set each of some values (n,) to the delta where `y`, which `rectify` gave, is above 0, and else to 0."""
    for n in range(out.size):
        out[n] = delta[n] if y[n] > 0 else np.float32(0)


@loop
def pass_curved(out, delta, y, constant, linear, square):
    """Set each of some values (n,) to the delta times `constant + (linear + square * y) * y`."""
    a, b, c = np.float32(constant), np.float32(linear), np.float32(square)
    for n in range(out.size):
        out[n] = delta[n] * (a + (b + c * y[n]) * y[n])
