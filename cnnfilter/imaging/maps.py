"""Feature maps as arrays: what is in each, a smaller one, and one as a picture.

Maps may be large, so that all of this goes through them in blocks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cnnfilter.errors import ShapeError
from cnnfilter.imaging.arrays import Array, Float32Array
from cnnfilter.imaging.colormaps import NOT_FINITE, Scale, colours, levels, scale_for
from cnnfilter.imaging.picture import Picture

BLOCK = 1 << 16
"""Values at a time: float64 copies of them stay in cache."""

OUTLIERS = (0.5, 99.5)
"""The percentiles between which lies what is no outlier."""


class Summary(NamedTuple):
    """What is in one map: the extremes and the mean magnitude of its finite values, and their number.

    Without any finite value, all are 0.
    """

    size: int
    finite: int
    low: float
    high: float
    strength: float

    @property
    def constant(self) -> bool:
        """All values are equal."""
        return self.finite == self.size and self.low == self.high

    @property
    def dead(self) -> bool:
        """All values are 0, as behind a ReLU that lets nothing pass."""
        return self.constant and self.low == 0


def as_maps(maps: npt.ArrayLike) -> Float32Array:
    """Feature maps as `(C, H, W)` of float32; one map may come as `(H, W)`.

    Raises
    ------
    ShapeError
        If they are of another shape, or there is nothing in them.
    """
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is shown as that
        array = np.ascontiguousarray(maps, dtype=np.float32)
    if array.ndim == 2:
        array = array[np.newaxis]
    if array.ndim != 3 or not array.size:
        msg = f"maps must be (C, H, W) or (H, W), each at least 1, not {array.shape}"
        raise ShapeError(msg)
    return array


def summarise(plane: Float32Array) -> Summary:
    """Look through one map.

    Examples
    --------
    >>> summarise(np.array([[-2, 4, np.nan]], np.float32))
    Summary(size=3, finite=2, low=-2.0, high=4.0, strength=3.0)
    """
    finite, low, high, total = 0, math.inf, -math.inf, 0.0
    for block in _blocks(plane):
        good = block[np.isfinite(block)]
        if good.size:
            finite += good.size
            low, high = min(low, float(good.min())), max(high, float(good.max()))
            total += float(np.abs(good).sum(dtype=np.float64))
    if not finite:
        return Summary(plane.size, 0, 0.0, 0.0, 0.0)
    return Summary(plane.size, finite, low, high, total / finite)


def common_range(summaries: list[Summary]) -> tuple[float, float]:
    """The extremes of several maps' finite values, 0 and 0 if there are none."""
    some = [summary for summary in summaries if summary.finite]
    return min((one.low for one in some), default=0.0), max((one.high for one in some), default=0.0)


def finite_range(maps: npt.ArrayLike) -> tuple[float, float]:
    """The smallest and the largest finite value of feature maps.

    Raises
    ------
    ShapeError
        If they are not `(C, H, W)`.

    Examples
    --------
    >>> finite_range([[[1, 2]], [[np.inf, -3]]])
    (-3.0, 2.0)
    """
    return common_range([summarise(plane) for plane in as_maps(maps)])


def typical_range(planes: Iterable[Float32Array], extremes: tuple[float, float]) -> tuple[float, float]:
    """The extremes of finite values, but a percentile in the place of one that only outliers come near.

    Parameters
    ----------
    planes : iterable of ndarray of float32
        Maps that share the range.
    extremes : pair of float
        Of all their finite values.

    Returns
    -------
    pair of float
        An extreme is an outlier's where it lies more than twice as far beyond the percentile as the percentiles are
        apart. Zeros do not count, since most of a sparse map is 0, but lie within the range.

    Examples
    --------
    >>> ramp = np.linspace(0, 1, 1001, dtype=np.float32)
    >>> ramp[500] = 40
    >>> low, high = typical_range([ramp], (0, 40))
    >>> low, round(high, 3)
    (0, 0.996)
    """
    samples = [_sample(plane) for plane in planes]
    values = np.concatenate([each[np.isfinite(each) & (each != 0)] for each in samples])
    low, high = extremes
    if not values.size:
        return extremes
    inner_low, inner_high = (float(value) for value in np.percentile(values.astype(np.float64), OUTLIERS))
    inner_low, inner_high = min(inner_low, max(low, 0)), max(inner_high, min(high, 0))
    span = inner_high - inner_low
    if span > 0:
        low = inner_low if inner_low - low > 2 * span else low
        high = inner_high if high - inner_high > 2 * span else high
    return low, high


def _sample(plane: Float32Array) -> Float32Array:
    """Some of the values, evenly spread; the odd step meets all columns of a map of even width."""
    step = max(1, plane.size // BLOCK)
    return plane.reshape(-1)[:: step + 1 - step % 2]


def _blocks(array: Array) -> Iterator[Array]:
    flat = array.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        yield flat[start : start + BLOCK]


def shrunk(plane: Float32Array, factor: int) -> Iterator[tuple[int, Array]]:
    """Reduce a map by a whole factor, each value the mean of a square of `factor` by `factor`.

    A square that reaches past the end has the mean of what there is. A NaN in a square stays one.

    Yields
    ------
    int
        The first of some rows of the result.
    ndarray
        These rows.
    """
    height, width = plane.shape
    columns = np.arange(0, width, factor)
    across = np.minimum(columns + factor, width) - columns
    step = max(1, BLOCK // (width * factor))
    for first in range(0, -(-height // factor), step):
        block: Array = plane[first * factor : (first + step) * factor]
        if factor > 1:
            rows = np.arange(0, len(block), factor)
            down = np.minimum(rows + factor, len(block)) - rows
            with np.errstate(invalid="ignore"):  # infinity less infinity
                sums = np.add.reduceat(block, columns, axis=1, dtype=np.float64)
                block = np.add.reduceat(sums, rows, axis=0) / np.outer(down, across)
        yield first, block


def map_picture(maps: npt.ArrayLike, *, colormap: str = "auto", limits: tuple[float, float] | None = None) -> Picture:
    """Show one feature map, or the three of a colour picture, pixel for value.

    Parameters
    ----------
    maps : array_like of float32, (H, W), (1, H, W) or (3, H, W)
        Three are red, green and blue, on one scale: from black at 0, or, if a value is negative, with mid
        grey at 0.
    colormap : str
        One of `COLORMAPS`, for one map; three have none.
    limits : pair of float, optional
        The values at the ends of the scale, as from `finite_range`, so that several pictures can share one;
        by default the map's own extremes.

    Returns
    -------
    Picture
        `(H, W, 3)` uint8, or `(H, W)` for `gray`. NaN and infinity are magenta, with a note.

    Raises
    ------
    ShapeError
        If there are neither one map nor three.

    Examples
    --------
    >>> map_picture([[0, 1], [2, 3]], colormap="gray").pixels.tolist()
    [[0, 85], [170, 255]]
    """
    planes = as_maps(maps)
    count, height, width = planes.shape
    if count not in (1, 3):
        msg = f"one map or three make a picture, not {count}; a contact sheet shows them all"
        raise ShapeError(msg)
    low, high = limits or finite_range(planes)
    scale = scale_for(colormap, low, high)
    if count == 3:
        scale = Scale("gray", *((scale.low, scale.high) if low < 0 else (0.0, high)))
    finite = all(np.isfinite(block).all() for block in _blocks(planes))
    notes = () if finite else ("values that are not finite are shown in magenta",)
    shape = (height, width) if count == 1 and scale.colormap == "gray" and finite else (height, width, 3)
    pixels = np.empty(shape, np.uint8)
    flat = pixels.reshape(height * width, -1)
    values = planes.reshape(count, -1)
    for start in range(0, len(flat), BLOCK):
        part = slice(start, start + BLOCK)
        if scale.colormap == "gray":
            places, lost = levels(values[:, part], scale)
            flat[part] = places.T
            if not finite:
                flat[part][lost.any(axis=0)] = NOT_FINITE
        else:
            flat[part] = colours(values[0, part], scale)
    return Picture(pixels, notes=notes)
