"""Products of a matrix with vectors."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import MIDDLE, SUM_LENGTH
from cnnfilter.engine.jit import loop
from cnnfilter.engine.lanes.operations import put, samples, zeros


@loop
def dense_rows(out, x, weights, biases, sums):
    """Set each row of `out` (N, O) float32 to `weights @ row + biases`, for a row of `x` (N, K) float32.

    Parameters
    ----------
    weights : (O, K) float32
    biases : (O,) float32
    sums : (MIDDLE,) float32
        Scratch.
    """
    none = zeros(np.float32, MIDDLE)
    size = x.shape[1]
    even = size - size % MIDDLE
    for i in range(x.shape[0]):
        vector = x[i]
        for o in range(weights.shape[0]):
            row = weights[o]
            total = np.float64(biases[o])
            for first in range(0, even, MIDDLE * SUM_LENGTH):
                products = none
                for k in range(first, min(first + MIDDLE * SUM_LENGTH, even), MIDDLE):
                    products = products + samples(none, row, k) * samples(none, vector, k)
                put(sums, 0, products)
                for j in range(MIDDLE):
                    total += sums[j]
            for k in range(even, size):
                total += np.float64(row[k]) * vector[k]
            out[i, o] = total
