"""How small and how large samples are."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import MIDDLE
from cnnfilter.engine.lanes.operations import larger, put, sizes, spread, zeros
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
