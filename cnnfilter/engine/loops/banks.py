"""Many filters over the same windows: each sample that is read serves eight of them."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import FILTERS, NARROW
from cnnfilter.engine.jit import loop
from cnnfilter.engine.lanes.operations import HALF, sum_filters, zeros


@loop
def bank_rows(out, plane, length, rows, size, x, stride, offsets, weights, biases, filters, relu):
    """Convolve with a bank of filters.

    Parameters
    ----------
    out : (samples,) float32
        The results, flat.
    plane, length : int
        Samples between the results of two filters, and between two rows of them.
    rows, size : int
        Rows, and samples of each, at least `NARROW`, that are computed.
    x : (samples,) float32
        The source, flat.
    stride : int
        Samples between the windows of two rows.
    offsets : (K,) int64
        Of the taps, from where a window begins.
    weights : (G, K, FILTERS) float32
        Groups of filters, the last filled up with zeros.
    biases : (G * FILTERS,) float32
    filters : int
    relu : bool
        Whether negative results become 0.
    """
    none, few = zeros(np.float32, HALF), zeros(np.float32, NARROW)
    for i in range(rows):
        for group in range(weights.shape[0]):
            to, origin = group * FILTERS * plane + i * length, i * stride
            some, base, count = weights[group], biases[group * FILTERS :], min(FILTERS, filters - group * FILTERS)
            at = 0
            while size - at >= HALF:
                sum_filters(none, out, to + at, plane, x, origin + at, offsets, some, base, count, relu)
                at += HALF
            while at < size:
                at = min(at, size - NARROW)  # the last overlap those before, and store the same
                sum_filters(few, out, to + at, plane, x, origin + at, offsets, some, base, count, relu)
                at += NARROW
