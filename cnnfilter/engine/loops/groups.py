"""Weighted sums of shifted rows: acc[j] += sum_t weights[k + t] * x[offsets[k + t] + j].

Taps are added in groups of a few fixed sizes, so that a kernel of any size runs code that is already compiled.
Measured and lost: one loop over the taps inside the loop over the samples does not vectorise (15 times slower);
rows converted to float32 once, instead of at each tap (1.2 to 1.9 times: unaligned loads of floats cost more than
the conversions); tiles of two and four rows of outputs, which share conversions (0.8 to 1.8 times, by size).
"""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.jit import loop
from cnnfilter.engine.loops.storing import finished, quantised


@loop
def _start(acc, x, offsets, weights, count, base):
    """Begin with `base` and the first tap: all odd squares are 1 more than groups of 8, so the rest comes out even."""
    if count == 0:
        acc[:] = base
        return
    r0 = x[offsets[0] : offsets[0] + acc.size]
    w0 = weights[0]
    kind, wide = weights.dtype.type, acc.dtype.type
    for j in range(acc.size):
        acc[j] = base + wide(kind(w0 * kind(r0[j])))


@loop
def _add_1(acc, x, offsets, weights, k):
    n = acc.size
    r0 = x[offsets[k] : offsets[k] + n]
    w0 = weights[k]
    kind, wide = weights.dtype.type, acc.dtype.type
    for j in range(n):
        acc[j] += wide(kind(w0 * kind(r0[j])))


@loop
def _add_4(acc, x, offsets, weights, k):
    n = acc.size
    r0 = x[offsets[k] : offsets[k] + n]
    r1 = x[offsets[k + 1] : offsets[k + 1] + n]
    r2 = x[offsets[k + 2] : offsets[k + 2] + n]
    r3 = x[offsets[k + 3] : offsets[k + 3] + n]
    w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
    kind, wide = weights.dtype.type, acc.dtype.type
    for j in range(n):
        total = w0 * kind(r0[j]) + w1 * kind(r1[j]) + w2 * kind(r2[j]) + w3 * kind(r3[j])
        acc[j] += wide(kind(total))


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
    kind, wide = weights.dtype.type, acc.dtype.type
    for j in range(n):
        total = w0 * kind(r0[j]) + w1 * kind(r1[j]) + w2 * kind(r2[j]) + w3 * kind(r3[j])
        total += w4 * kind(r4[j]) + w5 * kind(r5[j]) + w6 * kind(r6[j]) + w7 * kind(r7[j])
        acc[j] += wide(kind(total))


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
    kind, wide = weights.dtype.type, acc.dtype.type
    for j in range(n):
        total = w0 * kind(r0[j]) + w1 * kind(r1[j]) + w2 * kind(r2[j]) + w3 * kind(r3[j])
        total += w4 * kind(r4[j]) + w5 * kind(r5[j]) + w6 * kind(r6[j]) + w7 * kind(r7[j])
        total += w8 * kind(r8[j]) + w9 * kind(r9[j]) + w10 * kind(r10[j]) + w11 * kind(r11[j])
        total += w12 * kind(r12[j]) + w13 * kind(r13[j]) + w14 * kind(r14[j]) + w15 * kind(r15[j])
        acc[j] += wide(kind(total))


@loop
def sum_taps(acc, x, offsets, weights, count, base):
    """Set `acc` to `base` and the weighted sum of `count` shifted rows of `x`."""
    _start(acc, x, offsets, weights, count, base)
    k = 1
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
def pad_nine(offsets, weights, count, is_whole):
    """Make `count` taps, 2 to 9, nine.

    Whole samples take weights of 0. Floats do not, for which 0 times infinity is NaN: the last tap is split.
    """
    part = weights[count - 1] / 32
    for k in range(count, 9):
        offsets[k] = offsets[count - 1]
        weights[k] = 0 if is_whole else part
        if not is_whole:
            weights[count - 1] -= part


@loop
def store_nine(out, x, offsets, weights, base, gain, bias, absolute, high):
    """Sum nine taps and store them at once: a small kernel touches no memory but its rows and its result."""
    n = out.size
    r0 = x[offsets[0] : offsets[0] + n]
    r1 = x[offsets[1] : offsets[1] + n]
    r2 = x[offsets[2] : offsets[2] + n]
    r3 = x[offsets[3] : offsets[3] + n]
    r4 = x[offsets[4] : offsets[4] + n]
    r5 = x[offsets[5] : offsets[5] + n]
    r6 = x[offsets[6] : offsets[6] + n]
    r7 = x[offsets[7] : offsets[7] + n]
    r8 = x[offsets[8] : offsets[8] + n]
    w0, w1, w2, w3, w4 = weights[0], weights[1], weights[2], weights[3], weights[4]
    w5, w6, w7, w8 = weights[5], weights[6], weights[7], weights[8]
    kind = weights.dtype.type
    if high > 0:
        for j in range(n):
            total = w0 * kind(r0[j]) + w1 * kind(r1[j]) + w2 * kind(r2[j])
            total += w3 * kind(r3[j]) + w4 * kind(r4[j]) + w5 * kind(r5[j])
            total += w6 * kind(r6[j]) + w7 * kind(r7[j]) + w8 * kind(r8[j])
            result = finished(base + np.float32(kind(total)), gain, bias, absolute)
            out[j] = quantised(result, high)
    else:
        for j in range(n):
            total = w0 * kind(r0[j]) + w1 * kind(r1[j]) + w2 * kind(r2[j])
            total += w3 * kind(r3[j]) + w4 * kind(r4[j]) + w5 * kind(r5[j])
            total += w6 * kind(r6[j]) + w7 * kind(r7[j]) + w8 * kind(r8[j])
            result = finished(base + np.float32(kind(total)), gain, bias, absolute)
            out[j] = result
