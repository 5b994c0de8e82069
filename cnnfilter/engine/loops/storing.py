"""From a sum to what is stored: gain, bias and absolute value, in float32, then quantised."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.jit import loop


@loop
def finished(value, gain, bias, absolute):
    """Return `value * gain + bias`, or its absolute value."""
    result = np.float32(value) * gain + bias
    sign = np.float32(-1) if absolute else np.float32(1)  # not a branch, which would double every loop
    return max(result, sign * result)


@loop
def quantised(value, high):
    """Round half to even, then clamp: storing 300 in a uint8 unclamped would give 44."""
    return np.int32(min(max(np.rint(value), np.float32(0)), high))


@loop
def store(out, acc, gain, bias, absolute, high):
    """Finish a row of sums into `out`: quantised if `high` is the largest integer, as floats if it is 0."""
    n = out.size
    if high > 0:
        for j in range(n):
            out[j] = quantised(finished(acc[j], gain, bias, absolute), high)
    else:
        for j in range(n):
            out[j] = finished(acc[j], gain, bias, absolute)


@loop
def pick_columns(acc, stride, step, outputs):
    """Keep every `stride`-th column of a row that was computed at all of them."""
    for c in range(outputs):
        for channel in range(step):
            acc[c * step + channel] = acc[c * stride * step + channel]
