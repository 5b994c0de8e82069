"""Parts of maps, and maps made larger or smaller by the nearest samples or by two neighbours along each axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from cnnfilter.engine.geometry import Array, Index, Rows
from cnnfilter.engine.steps import Shape, Step
from cnnfilter.sizes import Pair


class Cropping(Step):
    """A part of maps.

    Parameters
    ----------
    corner : (int, int)
        The row and the column where it begins.
    shape : tuple
    """

    def __init__(self, corner: Pair, shape: Shape) -> None:
        self.top, self.left = corner
        self.shape = shape
        self.work = math.prod(shape)

    def needed(self, first: int, last: int) -> Pair:
        """The rows as far from its first."""
        return first + self.top, last + self.top

    def run(self, source: Rows, first: int, out: Array) -> None:
        """Copy the rows of `out`."""
        begin = first + self.top - source.first
        out[...] = source.samples[:, begin : begin + out.shape[1], self.left : self.left + out.shape[2]]


class Neighbours(NamedTuple):
    """The samples beside each value along an axis, in ascending order, and what the second one counts, 0 to 1.

    Of a value that is one sample both are that one, and each counts a half: infinity times 0 would be NaN.
    """

    before: Index
    after: Index
    share: Array

    @classmethod
    def of(cls, taps: Iterable[Sequence[tuple[int, float]]]) -> Neighbours:
        """The neighbours from (sample, weight), one or two for each value."""
        listed = [(one[0][0], one[-1][0], one[1][1] if len(one) > 1 else 0.5) for one in taps]
        before, after, share = zip(*listed, strict=True)
        return cls(np.array(before), np.array(after), np.array(share, dtype=np.float32))

    def times(self, count: int) -> int:
        """How often each of so many samples stands in the result, if it is made of copies, equally many; else 0."""
        times = len(self.before) // count
        copies = np.repeat(np.arange(count), times)
        return times if np.array_equal(self.before, copies) and np.array_equal(self.after, copies) else 0

    def part(self, first: int, last: int, begin: int) -> Neighbours:
        """Those of the values `first` to `last - 1`, in samples from `begin` on."""
        return Neighbours(self.before[first:last] - begin, self.after[first:last] - begin, self.share[first:last])

    def mixed(self, samples: Array, axis: int) -> Array:
        """The values along an axis of samples (C, R, W), float32."""
        taken = samples.take(self.before, axis).astype(np.float32, copy=False)
        if (self.before == self.after).all():
            return taken
        shape = (-1, 1) if axis == 1 else (-1,)
        taken *= (1 - self.share).reshape(shape)
        taken += samples.take(self.after, axis) * self.share.reshape(shape)
        return taken


TOGETHER = 1 << 16
"""Values that are mixed together: all at once, those of 64 maps of 224x224 took 1.8 times as long."""


class Interpolation(Step):
    """Values between samples.

    Parameters
    ----------
    rows, columns : Neighbours
    channels : int
    width : int
        Samples of a row of the input.
    """

    def __init__(self, rows: Neighbours, columns: Neighbours, channels: int, width: int) -> None:
        self.rows, self.columns = rows, columns
        self.shape = (channels, len(rows.before), len(columns.before))
        self.work = 4 * math.prod(self.shape)
        self.times = columns.times(width)

    def needed(self, first: int, last: int) -> Pair:
        """The rows beside these."""
        return int(self.rows.before[first]), int(self.rows.after[last - 1]) + 1

    def run(self, source: Rows, first: int, out: Array) -> None:
        """Mix columns, then rows, a few maps at a time."""
        last = first + out.shape[1]
        begin, end = self.needed(first, last)
        samples = source.samples[:, begin - source.first : end - source.first]
        rows = self.rows.part(first, last, begin)
        together = max(1, TOGETHER // (out.shape[1] * out.shape[2]))
        with np.errstate(over="ignore", invalid="ignore"):
            for c in range(0, len(out), together):
                maps = samples[c : c + together]
                # copies of neighbours are three times as fast as what is picked by its index
                wide = maps.repeat(self.times, 2) if self.times else self.columns.mixed(maps, 2)
                out[c : c + together] = rows.mixed(wide, 1)
