"""Gradients of pools."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.geometry import OUTSIDE
from cnnfilter.engine.groups import Array, Index
from cnnfilter.learning.gradients.base import Fixed, differentiable, each_band
from cnnfilter.learning.gradients.memory import fresh
from cnnfilter.network import stages
from cnnfilter.network.plan import Row
from cnnfilter.running.lowering import windows_of


class Pooling(Fixed):
    """The largest, the mean or the sum of each window.

    Parameters
    ----------
    kind : str
    index : (ndarray, ndarray) of int64
        The source row, and column, of each tap, (taps, places), or `OUTSIDE`.
    divisors : ndarray, (H', W')
        What sums are divided by.
    """

    def __init__(self, kind: str, index: tuple[Index, Index], divisors: Array) -> None:
        super().__init__()
        self.is_max, self.shares = kind == "max", (1 / divisors).astype(np.float32)
        self.index = tuple(np.ascontiguousarray(each) for each in index)
        self.out = index[0].shape[1], index[1].shape[1]

    def value(self, x: Array) -> tuple[Array, Any]:
        """See `Fixed.value`."""
        shape, index = (len(x), *self.out, x.shape[-1]), self.index
        out = fresh(shape)
        if not self.is_max:
            each_band(out, self.threads, lambda *band: loops.sum_windows(out, x, self.shares, *index, *band))
            return out, x.shape
        winners = fresh(shape, np.int32)
        each_band(out, self.threads, lambda *band: loops.largest_windows(out, winners, x, *index, *band))
        return out, (winners.reshape(len(x), -1), x.shape)

    def delta(self, kept: Any, delta: Array) -> Array:
        """See `Fixed.delta`."""
        winners, shape = kept if self.is_max else (None, kept)
        total: Array = fresh(shape)
        if winners is None:
            shares, index = self.shares, self.index
            each_band(total, self.threads, lambda *band: loops.spread_windows(total, delta, shares, *index, *band))
            return total
        flat, each = total.reshape(len(total), -1), delta.reshape(len(delta), -1)
        each_band(flat, self.threads, lambda *band: loops.to_winners(flat, each, winners, *band))
        return total


@differentiable.register
def _pool(stage: stages.Pool, row: Row) -> Pooling:
    windows = windows_of(row)
    index = []
    counts = []
    for axis, all_places in enumerate((windows.rows, windows.columns)):
        taps = np.arange(windows.window[axis])[:, None] * windows.dilation[axis]
        places = taps + np.arange(windows.out[axis]) * windows.stride[axis]
        index.append(all_places[places])
        begin, end = windows.pads[axis]
        size = windows.size[axis]
        counted = places < begin + size + end if stage.count_include_pad else all_places[places] != OUTSIDE
        counts.append(counted.sum(axis=0))
    divisors = np.maximum(counts[0][:, None] * counts[1], 1) if stage.kind == "avg" else np.ones(windows.out)
    return Pooling(stage.kind, (index[0], index[1]), divisors)


class GlobalMean(Fixed):
    """The mean of each map."""

    def value(self, x: Array) -> tuple[Array, Any]:
        """See `Fixed.value`."""
        return x.mean(axis=(1, 2), keepdims=True, dtype=np.float64).astype(np.float32), x.shape

    def delta(self, kept: Any, delta: Array) -> Array:
        """See `Fixed.delta`."""
        return np.broadcast_to(delta / np.float32(kept[1] * kept[2]), kept)


class GlobalMax(Fixed):
    """The largest of each map, the first of equal ones."""

    def value(self, x: Array) -> tuple[Array, Any]:
        """See `Fixed.value`."""
        flat = x.reshape(len(x), -1, x.shape[-1])
        place = flat.argmax(axis=1)[:, None]  # of NaN, the first too
        return np.take_along_axis(flat, place, 1)[:, None], (place, x.shape)

    def delta(self, kept: Any, delta: Array) -> Array:
        """See `Fixed.delta`."""
        place, shape = kept
        total = np.zeros((shape[0], shape[1] * shape[2], shape[3]), np.float32)
        np.put_along_axis(total, place, delta[:, 0], 1)
        return total.reshape(shape)


@differentiable.register
def _mean(stage: stages.GlobalAveragePool, row: Row) -> GlobalMean:
    return GlobalMean()


@differentiable.register
def _largest(stage: stages.GlobalMaxPool, row: Row) -> GlobalMax:
    return GlobalMax()
