"""Values brought to a common size: by learned numbers of their map, or by what is around them in neighbouring maps."""

from __future__ import annotations

import math

import numpy as np

from cnnfilter.engine.geometry import Array

BLOCK = 1 << 15
"""Values that pass together through the arrays of float64: they stay in a core's second-level cache. The 96 maps of
55x55 of AlexNet's first take 1.4 ms so, and 4.7 ms all at once."""


def batch_norm(values: Array, scale: Array, mean: Array, shift: Array) -> Array:
    """``(x - mean)*scale + shift`` with a number of each for each map; the mean first, which may be far larger.

    Parameters
    ----------
    values : ndarray, (C, ...)
    scale, mean, shift : ndarray, (C,) float32

    Returns
    -------
    ndarray of float32, of the shape of `values`
    """
    scale, mean, shift = (each.reshape(-1, *[1] * (values.ndim - 1)) for each in (scale, mean, shift))
    result: Array = np.subtract(values, mean, dtype=np.float32)
    result *= scale
    result += shift
    return result


def prelu(values: Array, slopes: Array) -> Array:
    """`x` from 0 on, below it a slope times `x`.

    Parameters
    ----------
    values : ndarray, (C, ...)
    slopes : ndarray, (C,) or (1,) float32

    Returns
    -------
    ndarray of float32, of the shape of `values`
    """
    result: Array = np.minimum(values, 0, dtype=np.float32)
    result *= slopes.reshape(-1, *[1] * (values.ndim - 1))
    result += np.maximum(values, 0)
    return result


def local_response(values: Array, size: int, alpha: float, beta: float, bias: float) -> Array:
    """Each value over ``(bias + alpha/size * sum of squares)^beta`` of the maps around it.

    In float64, for the squares of float32 go past its end.

    Parameters
    ----------
    values : ndarray, (C, H, W)
    size : int
        How many maps are around one, with itself; of an even number one more follows than precedes.
    alpha, beta, bias : float

    Returns
    -------
    ndarray of float32, of the shape of `values`
    """
    count = len(values)
    before, after = min((size - 1) // 2, count), min(size // 2, count)
    out = np.empty(values.shape, np.float32)
    rows = max(1, BLOCK // math.prod((count, *values.shape[2:])))
    for first in range(0, values.shape[1], rows):
        block = values[:, first : first + rows]
        squares = np.zeros((before + count + after, *block.shape[1:]))
        np.square(block, out=squares[before : before + count], dtype=np.float64)
        divisor = _sums(squares, before + after + 1)
        divisor *= alpha / size
        divisor += bias
        np.power(divisor, beta, out=divisor)
        np.divide(block, divisor, out=out[:, first : first + rows], casting="same_kind")
    return out


def _sums(maps: Array, width: int) -> Array:
    """The sums of `width` neighbouring maps, from sums of 1, 2, 4 and so on of them."""
    count = len(maps) - width + 1
    total = np.zeros((count, *maps.shape[1:]))
    first = 0
    for power in range(width.bit_length()):
        span = 1 << power  # of as many neighbours `maps` has the sums
        if width & span:
            total += maps[first : first + count]
            first += span
        maps = maps[:-span] + maps[span:]
    return total
