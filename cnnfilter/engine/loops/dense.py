"""Products of a matrix with vectors."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import NARROW, SUM_LENGTH
from cnnfilter.engine.lanes.operations import add_up, first_samples, samples, zeros
from cnnfilter.runtime.jit import loop


@loop
def dense_rows(out, x, weights, biases):
    """Set each row of `out` (N, O) float32 to `weights @ row + biases`, for a row of `x` (N, K) float32.

    Four rows of weights are read side by side, the last of them again where their number is no multiple of four.

    Parameters
    ----------
    weights : (O, K) float32
    biases : (O,) float32
    """
    none = zeros(np.float32, NARROW)
    size, last = x.shape[1], weights.shape[0] - 1
    even = size - size % NARROW
    for i in range(x.shape[0]):
        vector = x[i]
        for o in range(0, last + 1, 4):
            p, q, r = min(o + 1, last), min(o + 2, last), min(o + 3, last)
            weights_o, weights_p, weights_q, weights_r = weights[o], weights[p], weights[q], weights[r]
            total_o, total_p = np.float64(biases[o]), np.float64(biases[p])
            total_q, total_r = np.float64(biases[q]), np.float64(biases[r])
            for first in range(0, max(even, 1), NARROW * SUM_LENGTH):
                sum_o = sum_p = sum_q = sum_r = none
                end = min(first + NARROW * SUM_LENGTH, even)
                for k in range(first, end, NARROW):
                    seen = samples(none, vector, k)
                    sum_o = sum_o + samples(none, weights_o, k) * seen
                    sum_p = sum_p + samples(none, weights_p, k) * seen
                    sum_q = sum_q + samples(none, weights_q, k) * seen
                    sum_r = sum_r + samples(none, weights_r, k) * seen
                if end == even and even < size:
                    left = size - even
                    seen = first_samples(none, vector, even, left)
                    sum_o = sum_o + first_samples(none, weights_o, even, left) * seen
                    sum_p = sum_p + first_samples(none, weights_p, even, left) * seen
                    sum_q = sum_q + first_samples(none, weights_q, even, left) * seen
                    sum_r = sum_r + first_samples(none, weights_r, even, left) * seen
                total_o += add_up(sum_o)
                total_p += add_up(sum_p)
                total_q += add_up(sum_q)
                total_r += add_up(sum_r)
            out[i, o], out[i, p], out[i, q], out[i, r] = total_o, total_p, total_q, total_r
