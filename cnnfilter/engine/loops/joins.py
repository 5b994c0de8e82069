"""Results that meet."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import MIDDLE, NARROW
from cnnfilter.engine.lanes.operations import first_samples, put, put_first, samples, shaped, zeros
from cnnfilter.runtime.jit import loop


@loop
def add_maps(out, left, right, after):
    """Add results sample by sample.

    Parameters
    ----------
    out, left, right : (n,) float32
        The first may be one of the others.
    after : int
        What becomes of each sum.
    """
    many, few = zeros(np.float32, MIDDLE), zeros(np.float32, NARROW)
    at = 0
    while out.size - at >= MIDDLE:
        put(out, at, shaped(samples(many, left, at) + samples(many, right, at), after))
        at += MIDDLE
    while at < out.size:
        count = min(NARROW, out.size - at)
        total = first_samples(few, left, at, count) + first_samples(few, right, at, count)
        put_first(out, at, shaped(total, after), count)
        at += NARROW
