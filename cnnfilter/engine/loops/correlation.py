"""Correlations of two maps: the gradient of a kernel, and what the windows of a picture have in common."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import NARROW
from cnnfilter.engine.lanes.operations import add_up, first_samples, samples, zeros
from cnnfilter.runtime.jit import loop


@loop
def correlate(sums, first, second):
    """Set `sums[m, n]` to the sum of `first[i, j] * second[i + m, j + n]` over all places of `first`.

    Four neighbours n are summed side by side, so that what they share is read once.

    Parameters
    ----------
    sums : (M, N) float64
        N a multiple of 4.
    first : (R, L) float64
    second : (R + M - 1, L + N - 1) float64
    """
    none = zeros(np.float64, NARROW)
    size = first.shape[1]
    even = size - size % NARROW
    left = size - even
    for m in range(sums.shape[0]):
        for n in range(0, sums.shape[1], 4):
            total_o = total_p = total_q = total_r = 0.0
            for i in range(first.shape[0]):
                row, other = first[i], second[i + m]
                sum_o = sum_p = sum_q = sum_r = none
                for j in range(0, even, NARROW):
                    seen = samples(none, row, j)
                    sum_o = sum_o + seen * samples(none, other, n + j)
                    sum_p = sum_p + seen * samples(none, other, n + j + 1)
                    sum_q = sum_q + seen * samples(none, other, n + j + 2)
                    sum_r = sum_r + seen * samples(none, other, n + j + 3)
                if left:
                    seen = first_samples(none, row, even, left)
                    sum_o = sum_o + seen * first_samples(none, other, n + even, left)
                    sum_p = sum_p + seen * first_samples(none, other, n + even + 1, left)
                    sum_q = sum_q + seen * first_samples(none, other, n + even + 2, left)
                    sum_r = sum_r + seen * first_samples(none, other, n + even + 3, left)
                total_o += add_up(sum_o)
                total_p += add_up(sum_p)
                total_q += add_up(sum_q)
                total_r += add_up(sum_r)
            sums[m, n], sums[m, n + 1], sums[m, n + 2], sums[m, n + 3] = total_o, total_p, total_q, total_r
