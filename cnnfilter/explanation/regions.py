"""Which values of maps are looked at, what they are, and where windows lie over them."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfilter.engine.geometry import OUTSIDE, Index, Windows
from cnnfilter.engine.reference import Array
from cnnfilter.network.stages import Shape

Place = tuple[int, ...]
"""(row, column, map), or (index,) of a vector."""


@dataclass(frozen=True, eq=False)
class Region:
    """Some maps, rows and columns, ascending. A vector is as many maps of one place.

    Where only padding is asked for, it holds one sample that nobody looks at, and `is_seen` is false.
    """

    maps: Index
    rows: Index
    columns: Index
    _: KW_ONLY
    is_seen: bool = True

    @property
    def axes(self) -> tuple[Index, Index, Index]:
        """The maps, rows and columns."""
        return self.maps, self.rows, self.columns

    @property
    def shape(self) -> tuple[int, int, int]:
        """How many maps, rows and columns there are."""
        return len(self.maps), len(self.rows), len(self.columns)

    @property
    def count(self) -> int:
        """How many values there are."""
        return math.prod(self.shape)

    def within(self, shape: Shape) -> Region:
        """The region of a result of this size that meets it: along an axis where that has 1, its one sample."""
        sizes = (shape[-1], *shape[:2]) if len(shape) == 3 else (shape[0], 1, 1)
        axes = (np.arange(1) if size == 1 else axis for axis, size in zip(self.axes, sizes, strict=True))
        return Region(*axes, is_seen=self.is_seen)

    def place(self, axes: int) -> Place:
        """The place of its first value, in maps (3) or a vector (1)."""
        number, row, column = (int(axis[0]) for axis in self.axes)
        return (row, column, number) if axes == 3 else (number,)

    def united(self, other: Region) -> Region:
        """The smallest region that holds both; of one that is not seen, the other."""
        if not (self.is_seen and other.is_seen):
            return self if self.is_seen else other
        return Region(*map(np.union1d, self.axes, other.axes))

    @classmethod
    def at(cls, place: Place) -> Region:
        """The region of one value."""
        row, column, number = place if len(place) == 3 else (0, 0, place[0])
        return cls(*(np.array([index]) for index in (number, row, column)))


@dataclass(frozen=True, eq=False)
class Block:
    """The values of a region, (maps, rows, columns) float64."""

    region: Region
    values: Array

    def take(self, maps: Index, rows: Index, columns: Index, fill: float = 0.0) -> Array:
        """Values at places of the whole; where a row or a column is `OUTSIDE`, `fill`."""
        return self.under(maps, rows[:, None], columns[:, None], fill)[..., 0]

    def under(self, maps: Index, rows: Index, columns: Index, fill: float) -> Array:
        """What lies under some taps of windows, (maps, rows, columns, taps), as `take` gives it.

        `rows` is (rows, taps) and `columns` (columns, taps): where each window's taps lie.
        """
        axes = zip(self.region.axes, (maps, rows, columns), strict=True)
        # in the padding any sample will do
        numbers, row_index, column_index = (
            np.minimum(np.searchsorted(known, wanted), len(known) - 1) for known, wanted in axes
        )
        found = self.values[numbers[:, None, None, None], row_index[:, None], column_index]
        outside = (rows == OUTSIDE)[:, None] | (columns == OUTSIDE)
        return np.where(outside, fill, found)

    def of(self, region: Region) -> Block:
        """Those of a region that lies in it."""
        return self if region.shape == self.region.shape else Block(region, self.take(*region.axes))

    def value(self, place: Place) -> float:
        """The value at a place."""
        return float(self.take(*Region.at(place).axes).item())


Needed = Region | tuple[Region | None, ...]
"""What is needed of a stage's input; of several, of each, None where nothing is."""

Blocks = tuple[Block | None, ...]
"""What is known of each of a stage's inputs, where it is needed."""


def picture_block(pixels: NDArray[Any], region: Region) -> Block:
    """A region of a picture (H, W) or (H, W, C)."""
    part = np.atleast_3d(pixels[np.ix_(region.rows, region.columns)])[..., region.maps]
    return Block(region, np.ascontiguousarray(part.transpose(2, 0, 1), dtype=np.float64))


def taps(windows: Windows, axis: int, places: Index) -> tuple[Index, Index]:
    """Where the taps of some windows lie along an axis, a row for each window.

    Returns
    -------
    ndarray, (places, window)
        In the input: below 0, or beyond its last, in the padding.
    ndarray, (places, window)
        The sample that stands there, or `OUTSIDE`.
    """
    padded = places[:, None] * windows.stride[axis] + np.arange(windows.window[axis]) * windows.dilation[axis]
    index = (windows.rows, windows.columns)[axis]
    return padded - windows.pads[axis][0], index[padded]


def unflattened(shape: Shape, index: int) -> Place:
    """The place in maps (H, W, C) of an element of their vector in C, H, W order."""
    height, width = shape[:2]
    return index // width % height, index % width, index // (height * width)
