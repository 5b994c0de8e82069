"""A dense layer, of checked arrays."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.geometry import Array


def dense(x: Array, weight: Array, bias: Array) -> Array:
    """Return ``x @ weight.T + bias``, all float32; a weight of zero contributes nothing, not even to NaN.

    Parameters
    ----------
    x : ndarray, (K,) or (N, K)
    weight : ndarray, (O, K)
    bias : ndarray, (O,)
    """
    rows = np.ascontiguousarray(x.reshape(-1, x.shape[-1]))
    matrix, biases = np.ascontiguousarray(weight), bias.astype(np.float32, copy=False)
    total = np.empty((len(rows), len(weight)), dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # beyond float32; infinity less infinity
        loops.dense_rows(total, rows, matrix, biases)
        if not np.isfinite(total).all() and not (finite := np.isfinite(rows)).all():  # what met a zero is NaN
            loops.dense_rows(total, np.where(finite, rows, np.float32(0)), matrix, biases)
            for i, k in np.argwhere(~finite):
                column = weight[:, k]
                total[i, column != 0] += rows[i, k] * column[column != 0]
    return total.reshape(*x.shape[:-1], len(weight))
