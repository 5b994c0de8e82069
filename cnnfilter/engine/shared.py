"""Taps of a few rows of results at once: what their windows both see is read and converted once for all of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cnnfilter.engine.codes import RUNS, SUM_LENGTH, TOGETHER
from cnnfilter.engine.geometry import Array, Index

_NUMBERS = np.zeros((TOGETHER, TOGETHER), dtype=np.int64)
_NUMBERS[tuple(zip(*RUNS, strict=True))] = range(len(RUNS))
"""The number of each run of rows."""


class SharedTaps(NamedTuple):
    """What `filter_rows` takes.

    Attributes
    ----------
    offsets : ndarray of int64, (K,)
        From where the first row's window begins.
    weights : ndarray, (K * TOGETHER,)
        With which the sample there counts for each row.
    starts : ndarray of int64, (groups * len(RUNS) + 1,)
        Where the taps of each run of rows begin, in each group.
    """

    offsets: Index
    weights: Array
    starts: Index


def share(offsets: Index, weights: Array, pitch: int, rows: int) -> SharedTaps:
    """Return the taps of some rows of windows, from those of one of them.

    A place counts once for all neighbouring rows that see it. Where rows between do not, it is there again for those
    beyond: with a weight of 0, a NaN would count. No row has more than `SUM_LENGTH` taps in a group.

    Parameters
    ----------
    offsets, weights : ndarray, (N,)
        The former at least 0 and all different, unless there is but one row.
    pitch : int
        Samples from one row's window to the next one's.
    rows : int
        At most `TOGETHER`.

    Examples
    --------
    >>> share(np.array([0, 10]), np.array([2.0, 3.0]), 10, 2).offsets
    array([ 0, 10, 20])
    """
    if rows == 1:
        numbers = np.zeros((len(weights), TOGETHER), dtype=weights.dtype)
        numbers[:, 0] = weights
        ends = np.minimum(np.arange(SUM_LENGTH, len(weights) + SUM_LENGTH, SUM_LENGTH), len(weights))
        return SharedTaps(offsets, numbers.reshape(-1), np.concatenate([[0], np.repeat(ends, len(RUNS))]))
    each = offsets + pitch * np.arange(rows)[:, None]
    places = np.sort(each, axis=None)  # numpy.unique would load numpy.ma, which takes longer
    places = places[np.diff(places, prepend=-1) > 0]
    index = np.searchsorted(places, each)
    row = np.arange(rows)[:, None]
    numbers = np.zeros((len(places), TOGETHER), dtype=weights.dtype)
    numbers[index, row] = weights
    seen = np.zeros((len(places), TOGETHER + 2), dtype=bool)  # beside the rows one on each side that sees nothing
    seen[index, row + 1] = True
    place, low = np.nonzero(seen[:, 1:-1] & ~seen[:, :-2])
    _, high = np.nonzero(seen[:, 1:-1] & ~seen[:, 2:])
    group = _groups(seen[:, 1:-1])
    slots = group[place] * len(RUNS) + _NUMBERS[low, high]
    order = np.argsort(slots, kind="stable")
    starts = np.searchsorted(slots[order], np.arange((group.max(initial=0) + 1) * len(RUNS) + 1))
    taken = place[order]
    return SharedTaps(places[taken], numbers[taken].reshape(-1), starts)


def _groups(seen: Array) -> Index:
    """Return a number for each place, so that no row sees more than `SUM_LENGTH` of one; `seen` is (K, rows)."""
    sums = np.zeros((len(seen) + 1, seen.shape[1]), dtype=np.int64)
    np.cumsum(seen, axis=0, out=sums[1:])
    numbers = np.zeros(len(seen), dtype=np.int64)
    begin = 0
    while (sums[-1] - sums[begin]).max() > SUM_LENGTH:
        begin = int(np.argmax((sums - sums[begin]).max(axis=1) > SUM_LENGTH)) - 1
        numbers[begin:] += 1
    return numbers
