"""How small and how large samples are."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import LOOKED_AT, MIDDLE, NARROW
from cnnfilter.engine.lanes.operations import first_sizes, larger, put, sizes, spread, zeros
from cnnfilter.runtime.jit import loop


@loop
def extremes(found, x, planes, pitch, span):
    """Find the smallest size but 0, and the largest, of some samples of each plane, as `sizes` gives them.

    Parameters
    ----------
    found : (2 * MIDDLE + 2,) int32
        Its last two are set to 2**31 less the smallest, or to -2**31 where all are 0, and to the largest.
    x : (samples,) float32
    planes, pitch : int
        How many planes, and samples from one to the next.
    span : Span
        Of each plane; at least `MIDDLE` samples.
    """
    # 0 from the lowest number is that; all others begin anew at the largest one, in falling order.
    lowest = spread(zeros(np.int32, MIDDLE), -(1 << 31))
    small, large = lowest, lowest
    for plane in range(planes):
        first = plane * pitch + span.begin
        for at in range(0, span.size, MIDDLE):
            at = min(at, span.size - MIDDLE)  # the last overlap those before
            seen = sizes(lowest, x, first + at)
            small, large = larger(lowest - seen, small), larger(seen, large)
    put(found, 0, small)
    put(found, MIDDLE, large)
    for part in range(2):
        most = found[part * MIDDLE]
        for lane in range(1, MIDDLE):
            most = max(most, found[part * MIDDLE + lane])
        found[2 * MIDDLE + part] = most


@loop
def largest_sizes(found, x, enough):
    """Find the largest sizes of each of some planes, as `sizes` gives them, or until one is enough.

    Parameters
    ----------
    found : (planes * NARROW,) int32
        Of each plane the largest of `NARROW` parts.
    x : (planes * n,) float32
    enough : int
        Where one is as large, the rest of its plane is not looked at.
    """
    none = zeros(np.int32, NARROW)
    planes = found.size // NARROW
    size = x.size // planes
    for plane in range(planes):
        largest, most, at = none, 0, 0
        while at < size and most < enough:
            end = min(at + LOOKED_AT, size)
            while at < end:
                largest = larger(first_sizes(none, x, plane * size + at, min(NARROW, end - at)), largest)
                at += NARROW
            put(found, plane * NARROW, largest)
            for lane in range(plane * NARROW, (plane + 1) * NARROW):
                most = max(most, found[lane])
