"""Taps of a few rows of results at once: what their windows both see is read and converted once for all of them."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.codes import ROW_SPANS, SUM_LENGTH, TOGETHER
from cnnfilter.engine.groups import Array, Index, SharedTaps

_SPAN_OF = np.zeros((TOGETHER, TOGETHER), dtype=np.int64)
_SPAN_OF[tuple(zip(*ROW_SPANS, strict=True))] = range(len(ROW_SPANS))
"""The number of the span from one row to another."""


def share(offsets: Index, weights: Array, pitch: int, rows: int, base: float) -> SharedTaps:
    """The taps of some rows of windows, from those of the first.

    Each row adds up its taps in the order of the kernel, and in the same groups: rows that see the same have the same
    results, to the last bit. Groups are whole rows of the kernel, of `SUM_LENGTH` taps at most.

    Parameters
    ----------
    offsets, weights : ndarray, (kh, kw)
        No weight is left out, so that rows of results share all that lies between those that see it. There are at
        most `SUM_LENGTH` in a row.
    pitch : int
        Samples from one row's window to the next one's, and from one row of a window to the next. The latter may lie
        anywhere where there is only one window.
    rows : int
        At most `TOGETHER`.
    base : float
        What each sum begins with.

    Examples
    --------
    >>> share(np.array([[0], [10]]), np.array([[2.0], [3.0]]), 10, 2, 0.0).offsets
    array([ 0, 10, 20])
    """
    height, width = weights.shape
    most = SUM_LENGTH // width
    tops = np.arange(0, max(height, 1), most)
    bottoms = np.minimum(tops + most, height)
    counts = bottoms - tops + rows - 1
    group = np.repeat(np.arange(len(tops)), counts)
    seen = np.arange(len(group)) - np.repeat(np.cumsum(counts) - counts, counts) + tops[group]  # row of the samples
    low = np.maximum(seen - bottoms[group] + 1, 0)
    high = np.minimum(seen - tops[group], rows - 1)
    row = np.arange(TOGETHER)
    counts_for = (row >= low[:, None]) & (row <= high[:, None])
    numbers = np.where(counts_for[..., None], weights[np.where(counts_for, seen[:, None] - row, 0)], 0)
    places = offsets[seen] if rows == 1 else offsets[0] + pitch * seen[:, None]
    spans = group * len(ROW_SPANS) + _SPAN_OF[low, high]  # they ascend: see `ROW_SPANS`
    starts = np.searchsorted(spans, np.arange(len(tops) * len(ROW_SPANS) + 1)) * width
    return SharedTaps(places.reshape(-1), numbers.transpose(0, 2, 1).reshape(-1), starts, base, rows)
