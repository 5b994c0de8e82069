"""From a sum to what is stored: root of a magnitude, gain, bias, absolute value, in float32, and quantised."""

from __future__ import annotations

import math

import numpy as np

from cnnfilter.engine.jit import loop

SINGLE, MAGNITUDE, MAXIMUM = 0, 1, 2
"""How the filters of a bank become one map: there is only one, root of the sum of squares, largest."""


@loop
def finished(value, combine, gain, bias, absolute):
    """Return `sum * gain + bias`, or its absolute value."""
    result = np.float32(math.sqrt(value) if combine == MAGNITUDE else value) * gain + bias
    return abs(result) if absolute else result


@loop
def quantised(value, high):
    """Round half to even, then clamp: storing 300 in a uint8 unclamped would give 44."""
    return np.int32(min(max(np.rint(value), np.float32(0)), high))


@loop
def store(out, acc, combine, gain, bias, absolute, high):
    """Finish a row of sums into `out`: quantised if `high` is the largest integer, as floats if it is 0."""
    n = out.size
    if high > 0:
        for j in range(n):
            out[j] = quantised(finished(acc[j], combine, gain, bias, absolute), high)
    else:
        for j in range(n):
            out[j] = finished(acc[j], combine, gain, bias, absolute)


@loop
def pick_columns(acc, stride, step, outputs):
    """Keep every `stride`-th column of a row that was computed at all of them."""
    for c in range(outputs):
        for channel in range(step):
            acc[c * step + channel] = acc[c * stride * step + channel]
