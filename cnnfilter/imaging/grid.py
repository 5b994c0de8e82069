"""Where everything lies on a contact sheet, in pixels."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from cnnfilter.imaging.arrays import Array

FRAME = 144
"""The grey of the lines round tiles and cells."""

MAX_SIDE = 8192
"""The largest height and width of a sheet in pixels; larger maps are reduced, each pixel the mean of a square."""

_TILE = 128
"""Maps are enlarged by a whole factor as far as their longer side stays within this."""
_GROW = 64
"""And no further than this: a single value needs no more."""
_STRIP = 8
"""A narrower side is enlarged to this, as far as the longer stays within `_LONG_STRIP`."""
_LONG_STRIP = 1024

_ASPECT = 1.15
"""Width by height of the grid that is aimed at: nearly square, and rather wide than high, as screens are."""
_INCOMPLETE = 0.25
_EMPTY = 2.0
"""What a last row with empty places costs, and how much their share of all places adds to that, against the
logarithm of the aspect: 64 squares with labels below them stay 8 by 8, and 3 stand 2 by 2."""


class Zoom(NamedTuple):
    """One value is `grow` pixels wide, or one pixel is the mean of `shrink` values; one of the two is 1."""

    grow: int = 1
    shrink: int = 1

    @classmethod
    def to(cls, longer: int, pixels: int) -> Zoom:
        """The largest zoom at which a longer side of so many values takes no more than so many pixels."""
        return cls(grow=pixels // longer) if pixels >= longer else cls(shrink=-(-longer // pixels))

    def tile(self, height: int, width: int) -> tuple[int, int]:
        """The height and width of a map in pixels."""
        return -(-height // self.shrink) * self.grow, -(-width // self.shrink) * self.grow

    def enlarged(self, values: Array) -> Array:
        """An array, (H, W) or (H, W, C), of which each place is a square of `grow` by `grow`."""
        return values.repeat(self.grow, axis=0).repeat(self.grow, axis=1)


class Text(NamedTuple):
    """The room that text takes at one size: below each map, and of the legend."""

    size: int
    below: int = 0
    widest: int = 0
    legend: tuple[int, int] = (0, 0)


class Grid(NamedTuple):
    """A sheet's measures: heights before widths, in pixels."""

    zoom: Zoom
    text: Text
    columns: int
    rows: int
    tile: tuple[int, int]
    cell: tuple[int, int]
    gap: int

    @property
    def margin(self) -> int:
        """White around everything."""
        return self.gap

    @property
    def legend_top(self) -> int:
        """The first row below the maps that the legend may use."""
        return self.margin + self.rows * (self.cell[0] + self.gap)

    @property
    def size(self) -> tuple[int, int]:
        """The height and width of the whole sheet."""
        height, width = self.text.legend
        below = height + self.margin if height else 0
        across = self.columns * (self.cell[1] + self.gap) - self.gap
        return self.legend_top + below, 2 * self.margin + max(across, width)

    def framed(self, canvas: Array, top: int, left: int) -> Array:
        """Draw the frame of a tile, and return the part of the canvas within."""
        height, width = self.tile
        canvas[top : top + height + 2, left : left + width + 2] = FRAME
        return canvas[top + 1 : top + 1 + height, left + 1 : left + 1 + width]

    def places(self, count: int) -> Iterator[tuple[int, int]]:
        """The upper left corner of each cell."""
        for index in range(count):
            row, column = divmod(index, self.columns)
            yield self.margin + row * (self.cell[0] + self.gap), self.margin + column * (self.cell[1] + self.gap)


def _most_enlarged(height: int, width: int) -> int:
    longer, shorter = max(height, width), min(height, width)
    return max(1, min(_GROW, _TILE // longer), min(_STRIP // shorter, _LONG_STRIP // longer))


def arrange(
    count: int,
    shape: tuple[int, int],
    measure: Callable[[int, Zoom], Text],
    *,
    columns: int | None = None,
    cell: int | None = None,
) -> Grid | None:
    """Lay out a sheet with the largest zoom that fits.

    Parameters
    ----------
    count : int
        How many maps.
    shape : pair of int
        Of a map.
    measure : callable
        Gives the room that text takes when the longer side of a tile has so many pixels, at a zoom.
    columns : int, optional
        Given, or chosen for a sheet that is nearly square.
    cell : int, optional
        The most pixels of the longer side of a tile; by default, small maps are enlarged and others keep their size.

    Returns
    -------
    Grid or None
        None if even maps of one pixel do not fit.
    """
    largest = Zoom(grow=_most_enlarged(*shape)) if cell is None else Zoom.to(max(shape), cell)
    grow = largest.grow
    steps = range(largest.shrink - 1, grow + max(shape) - 1)  # from the most enlarged down to one pixel a map

    def grid(step: int) -> Grid:
        zoom = Zoom(grow=grow - step) if step < grow else Zoom(shrink=step - grow + 2)
        tile = zoom.tile(*shape)
        text = measure(max(tile), zoom)
        place = (tile[0] + 2 + text.below, max(tile[1] + 2, text.widest))  # a frame of one pixel
        gap = text.size
        chosen = min(columns, count) if columns else _columns(count, (place[0] + gap, place[1] + gap))
        return Grid(zoom, text, chosen, -(-count // chosen), tile, place, gap)

    def fits(step: int) -> bool:
        return max(grid(step).size) <= MAX_SIDE

    best = bisect.bisect_left(steps, True, key=fits)
    return grid(steps[best]) if best < len(steps) else None


def _columns(count: int, step: tuple[int, int]) -> int:
    """Choose the number of columns: a sheet nearly square, with few empty places."""

    def cost(columns: int) -> tuple[bool, float]:
        rows = -(-count // columns)
        height, width = rows * step[0], columns * step[1]
        empty = (rows * columns - count) / (rows * columns)
        price = abs(math.log(width / height / _ASPECT)) + _EMPTY * empty + _INCOMPLETE * (empty > 0)
        return max(height, width) > MAX_SIDE, price

    return min(range(1, min(count, max(1, MAX_SIDE // step[1])) + 1), key=cost)
