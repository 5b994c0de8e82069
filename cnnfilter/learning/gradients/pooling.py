"""Gradients of pools."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfilter.engine.geometry import OUTSIDE
from cnnfilter.engine.groups import Array, Index
from cnnfilter.learning.gradients.base import Fixed, differentiable
from cnnfilter.network import stages
from cnnfilter.network.plan import Row
from cnnfilter.running.lowering import windows_of


class Pooling(Fixed):
    """The largest, the mean or the sum of each window: window by window's tap, of all windows at once.

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
        self.is_max, self.divisors = kind == "max", divisors.astype(np.float32)[..., None]
        self.out = index[0].shape[1], index[1].shape[1]
        sides = [[place for each in one if (place := _place(each))] for one in index]
        self.taps = [(*rows, *columns) for rows in sides[0] for columns in sides[1]]

    def value(self, x: Array) -> tuple[Array, Any]:
        """See `Fixed.value`."""
        shape = (len(x), *self.out, x.shape[-1])
        if not self.is_max:
            total = np.zeros(shape, np.float32)
            for out_rows, rows, out_columns, columns in self.taps:
                total[:, out_rows, out_columns] += x[:, rows, columns]
            total /= self.divisors
            return total, x.shape
        largest = np.full(shape, -np.inf, np.float32)
        winner = np.full(shape, -1, np.int16)
        for number, (out_rows, rows, out_columns, columns) in enumerate(self.taps):
            seen, known, won = x[:, rows, columns], largest[:, out_rows, out_columns], winner[:, out_rows, out_columns]
            # where a NaN is the largest it stays so; the first of equal ones does too
            is_larger = (seen > known) | ((seen != seen) & (known == known)) | (won < 0)
            np.copyto(known, seen, where=is_larger)
            won[is_larger] = number
        return largest, (winner, x.shape)

    def delta(self, kept: Any, delta: Array) -> Array:
        """See `Fixed.delta`."""
        winner, shape = kept if self.is_max else (None, kept)
        total = np.zeros(shape, np.float32)
        each = delta if self.is_max else delta / self.divisors
        for number, (out_rows, rows, out_columns, columns) in enumerate(self.taps):
            back = each[:, out_rows, out_columns]
            total[:, rows, columns] += back if winner is None else back * (winner[:, out_rows, out_columns] == number)
        return total


def _place(sources: Index) -> tuple[slice, slice] | None:
    """The places whose windows' tap lies within the source, and where; None if there are none."""
    inside = np.flatnonzero(sources != OUTSIDE)
    if not inside.size:
        return None
    first, last = int(inside[0]), int(inside[-1])
    step = int(sources[first + 1] - sources[first]) if last > first else 1
    return slice(first, last + 1), slice(int(sources[first]), int(sources[last]) + 1, step)


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
