"""Where the values of a node's maps lie on the photo, which `resize` and `crop` may stand before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.network.field import Field
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import Crop, Resize


class Grid(NamedTuple):
    """Where values lie, each of which stands for what is around it.

    Attributes
    ----------
    first : (float, float)
        The row and the column of the first.
    step : (float, float)
        From one to the next.
    """

    first: tuple[float, float] = (0, 0)
    step: tuple[float, float] = (1, 1)

    @classmethod
    def of_field(cls, field: Field) -> Grid:
        """The middles of receptive fields; of those carried on side by side, of the ones that tell neighbours apart."""
        finest = max(field.parts or (field,), key=lambda part: part.jump)
        axes = zip(finest.start, finest.size, strict=True)
        rows, columns = (float(start) + (float(size) - 1) / 2 for start, size in axes)
        height, width = map(float, finest.jump)
        return cls((rows, columns), (height, width))

    @classmethod
    def prepared(cls, rows: Sequence[Row]) -> Grid:
        """Where on a photo the pixels lie of what `resize` and `crop` leave of it; others move nothing."""
        grid = cls()
        for row in rows:
            if isinstance(row.stage, Resize):
                scale = row.input[0] / row.output[0], row.input[1] / row.output[1]
                grid = cls(((scale[0] - 1) / 2, (scale[1] - 1) / 2), scale).on(grid)
            elif isinstance(row.stage, Crop):
                grid = cls(row.stage.corner(row.input)).on(grid)
        return grid

    def on(self, other: Grid) -> Grid:
        """The same values where they lie on what the other grid is on, whose values are what these are on."""
        (top, left), (down, along) = other
        first = top + down * self.first[0], left + along * self.first[1]
        return Grid(first, (down * self.step[0], along * self.step[1]))

    def placed(self, values: Array, size: Sequence[int]) -> Array:
        """A map on the photo, straight lines between its values, and beyond the first and the last as these.

        Parameters
        ----------
        values : ndarray, (h, w)
        size : sequence of int
            Height and width of the photo.

        Returns
        -------
        ndarray of float32, (H, W)
        """
        result = values.astype(np.float32)
        for axis in (0, 1):
            count = result.shape[axis]
            if count == 1 or not self.step[axis]:  # all of them see the same
                result = np.repeat(result.mean(axis=axis, keepdims=True), size[axis], axis)
                continue
            places = np.clip((np.arange(size[axis]) - self.first[axis]) / self.step[axis], 0, count - 1)
            before = np.minimum(places.astype(np.intp), count - 2)
            share = np.expand_dims((places - before).astype(np.float32), 1 - axis)
            result = result.take(before, axis) * (1 - share) + result.take(before + 1, axis) * share
        return result

    def region(self, count: Sequence[int], size: Sequence[int]) -> tuple[slice, slice]:
        """The rows and columns of the photo that so many values stand for, half a step around them."""
        rows, columns = (self._span(axis, count[axis], size[axis]) for axis in (0, 1))
        return rows, columns

    def _span(self, axis: int, count: int, size: int) -> slice:
        half = self.step[axis] / 2
        first = math.ceil(self.first[axis] - half)
        last = math.floor(self.first[axis] + (count - 1) * self.step[axis] + half)
        return slice(min(max(first, 0), size - 1), max(min(last + 1, size), 1))
