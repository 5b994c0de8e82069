"""Dividing the weights of a filter before it is applied."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.geometry import Array

ZERO_SUM = 1e-6
"""A share of the absolute sum below which a sum is zero: rounding to float32 leaves about that much."""


def scaled(weights: Array, scale: str) -> Array:
    """Divide each filter of a bank (O, I, kh, kw) by what `scale`, one of `SCALES`, names.

    Notes
    -----
    `sum` is ImageMagick's `-define convolve:scale='!'`: the absolute value of the sum, or where that is zero
    the sum of the positive weights. A zero is never divided by.

    Examples
    --------
    >>> scaled(np.array([[[[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]]]), "sum")[0, 0, 1].tolist()
    [-0.5, 0.0, 0.5]
    """
    if scale == "none":
        return weights
    axes = (1, 2, 3)
    wide = weights.astype(np.float64)
    size = np.abs(wide).sum(axis=axes, keepdims=True)
    divisor = size
    if scale == "sum":
        total = np.abs(wide.sum(axis=axes, keepdims=True))
        positive = np.where(wide > 0, wide, 0).sum(axis=axes, keepdims=True)
        divisor = np.where(total > ZERO_SUM * size, total, positive)
    return (wide / np.where(divisor > 0, divisor, 1)).astype(np.float32)
