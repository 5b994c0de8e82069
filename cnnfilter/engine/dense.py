"""A dense layer, of checked arrays."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.codes import MIDDLE
from cnnfilter.engine.geometry import Array


def dense(x: Array, weight: Array, bias: Array) -> Array:
    """Return ``x @ weight.T + bias``, all float32; a weight of zero contributes nothing, not even to NaN.

    Parameters
    ----------
    x : ndarray, (K,) or (N, K)
    weight : ndarray, (O, K)
    bias : ndarray, (O,)
    """
    rows = x.reshape(-1, x.shape[-1])
    finite = np.isfinite(rows)
    known = rows if finite.all() else np.where(finite, rows, np.float32(0))
    total = np.empty((len(rows), len(weight)), dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # beyond float32; infinity less infinity
        loops.dense_rows(
            total,
            np.ascontiguousarray(known),
            np.ascontiguousarray(weight),
            bias.astype(np.float32, copy=False),
            np.empty(MIDDLE, dtype=np.float32),
        )
        for i, k in np.argwhere(~finite):
            column = weight[:, k]
            total[i, column != 0] += rows[i, k] * column[column != 0]
    return total.reshape(*x.shape[:-1], len(weight))
