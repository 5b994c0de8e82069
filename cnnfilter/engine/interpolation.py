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

    def mixed(self, samples: Array, first: int, last: int, axis: int) -> Array:
        """The values `first` to `last - 1` along an axis of samples (C, R, W), float32."""
        before, after, share = (each[first:last] for each in self)
        taken = samples.take(before, axis).astype(np.float32, copy=False)
        if (before == after).all():
            return taken
        shape = (-1, 1) if axis == 1 else (-1,)
        mixed: Array = taken * (1 - share).reshape(shape)
        mixed += samples.take(after, axis) * share.reshape(shape)
        return mixed


class Interpolation(Step):
    """Values between samples.

    Parameters
    ----------
    rows, columns : Neighbours
    channels : int
    """

    def __init__(self, rows: Neighbours, columns: Neighbours, channels: int) -> None:
        self.rows, self.columns = rows, columns
        self.shape = (channels, len(rows.before), len(columns.before))
        self.work = 4 * math.prod(self.shape)

    def needed(self, first: int, last: int) -> Pair:
        """The rows beside these."""
        return int(self.rows.before[first]), int(self.rows.after[last - 1]) + 1

    def run(self, source: Rows, first: int, out: Array) -> None:
        """Mix rows, then columns."""
        last = first + out.shape[1]
        begin, end = self.needed(first, last)
        samples = source.samples[:, begin - source.first : end - source.first]
        rows = Neighbours(self.rows.before - begin, self.rows.after - begin, self.rows.share)
        with np.errstate(over="ignore", invalid="ignore"):
            out[...] = self.columns.mixed(rows.mixed(samples, first, last, 1), 0, out.shape[2], 2)
