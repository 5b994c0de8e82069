"""Gradients of pools."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.geometry import OUTSIDE
from cnnfilter.engine.groups import Array, Index
from cnnfilter.errors import ArgumentError
from cnnfilter.learning.gradients.base import Fixed, differentiable
from cnnfilter.learning.gradients.workspace import Piece, maps_of
from cnnfilter.network import stages
from cnnfilter.network.plan import Row
from cnnfilter.running.lowering import windows_of

MOST_SAMPLES = 1 << 31
"""Samples of a map, of all pictures of a batch, that a winner of 32 bits can be among."""


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
        if self.is_max and math.prod(x.shape[1:]) > MOST_SAMPLES:
            height, width, count = x.shape[1:]
            msg = (
                f"maps of {height}x{width} in a batch of {count} have {height * width * count:,} samples, and windows "
                f"tell {MOST_SAMPLES:,} apart; use smaller batches or pictures"
            )
            raise ArgumentError(msg)
        shape, space = (len(x), *self.out, x.shape[-1]), self.space
        out = space.array("pooled", shape)
        if not self.is_max:
            space.call("sum", [x, out], loops.sum_windows, lambda: self._bands(out, out, x, self.shares, *self.index))
            return out, x.shape
        winners = space.array("winners", shape, np.int32)
        given = out, winners, x, *self.index
        space.call("largest", [x, out, winners], loops.largest_windows, lambda: self._bands(out, *given))
        return out, (winners, x.shape)

    def delta(self, kept: Any, delta: Array) -> Array:
        """See `Fixed.delta`."""
        winners, shape = kept if self.is_max else (None, kept)
        total, space = self.space.passing("unpooled", shape), self.space
        if winners is None:
            given = total, delta, self.shares, *self.index
            space.call("spread", [delta, total], loops.spread_windows, lambda: self._bands(total, *given))
        else:
            flat = [each.reshape(len(each), -1) for each in (total, delta, winners)]
            space.call("to winners", [delta, total, winners], loops.to_winners, lambda: self._bands(total, *flat))
        return total

    @staticmethod
    def _bands(cut: Array, *given: Array) -> list[Piece]:
        """Calls for bands of maps."""
        return [[(*given, first, last)] for first, last in maps_of(cut)]


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
