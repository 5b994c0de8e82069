"""The values behind one value: each stage computed only where the next one looks, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfilter.engine import reference
from cnnfilter.engine.geometry import OUTSIDE, Index, Windows
from cnnfilter.explanation.filters import Array, Filters
from cnnfilter.model.plan import Row
from cnnfilter.model.shapes import Border
from cnnfilter.model.stages import (
    Absolute,
    Activation,
    Conv,
    Dense,
    Flatten,
    GlobalAveragePool,
    Gray,
    Magnitude,
    Normalize,
    Pool,
    Shape,
    Softmax,
)

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

    @classmethod
    def at(cls, place: Place) -> Region:
        """Return the region of one value."""
        row, column, number = place if len(place) == 3 else (0, 0, place[0])
        return cls(*(np.array([index], dtype=np.int64) for index in (number, row, column)))


@dataclass(frozen=True, eq=False)
class Block:
    """The values of a region, (maps, rows, columns) float64."""

    region: Region
    values: Array

    def take(self, maps: Sequence[int], rows: Index, columns: Index, fill: float = 0.0) -> Array:
        """Return values at places of the whole; where a row or a column is `OUTSIDE`, `fill`."""
        region = self.region
        axes = ((region.maps, np.asarray(maps)), (region.rows, rows), (region.columns, columns))
        found = self.values[np.ix_(*(np.searchsorted(known, wanted) for known, wanted in axes))]
        outside = (rows == OUTSIDE)[:, None] | (columns == OUTSIDE)
        return np.where(outside, fill, found)

    def value(self, place: Place) -> float:
        """Return the value at a place."""
        region = Region.at(place)
        return float(self.take(region.maps.tolist(), region.rows, region.columns)[0, 0, 0])


def picture_block(pixels: NDArray[Any], region: Region) -> Block:
    """Return a region of a picture (H, W) or (H, W, C)."""
    part = np.atleast_3d(pixels[np.ix_(region.rows, region.columns)])[..., region.maps]
    return Block(region, np.ascontiguousarray(part.transpose(2, 0, 1), dtype=np.float64))


def windows_of(row: Row) -> Windows:
    """Return where the windows of a convolution or a pool lie."""
    stage: Any = row.stage
    sliding = stage.sliding(row.input)
    border = stage.border if isinstance(stage, Conv) else Border()
    size, out = (row.input[0], row.input[1]), (row.output[0], row.output[1])
    return Windows(size, sliding.window, sliding.stride, sliding.dilation, sliding.pads, out, border)


def taps(windows: Windows, axis: int, places: Index) -> tuple[Index, Index]:
    """Return where the taps of some windows lie along an axis, a row for each window.

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


def evaluate(rows: Sequence[Row], pixels: NDArray[Any], place: Place) -> list[Block]:
    """Return what each stage is given, as far as the value at `place` depends on it, and at last that value."""
    regions = [Region.at(place)]
    for row in reversed(rows):
        regions.insert(0, _needed(row, regions[0]))
        if not regions[1].is_seen:
            regions[0] = replace(regions[0], is_seen=False)
    blocks = [picture_block(pixels, regions[0])]
    # NaN and infinity come from pictures of floats, and mean what they mean
    with np.errstate(invalid="ignore", over="ignore"):
        for row, region in zip(rows, regions[1:], strict=True):
            blocks.append(Block(region, _compute(row, blocks[-1], region)))
    return blocks


def _all(count: int) -> Index:
    return np.arange(count, dtype=np.int64)


def _needed(row: Row, region: Region) -> Region:
    """Return the region of a stage's input that a region of its output depends on."""
    stage, shape = row.stage, row.input
    if isinstance(stage, Conv | Pool):
        return _under_windows(row, region)
    if isinstance(stage, GlobalAveragePool):
        return Region(region.maps, _all(shape[0]), _all(shape[1]))
    if isinstance(stage, Flatten) and len(shape) == 3:
        places = np.unravel_index(region.maps, (shape[2], *shape[:2]))
        return Region(*(np.unique(axis).astype(np.int64) for axis in places))
    if isinstance(stage, Gray | Softmax | Dense):
        return Region(_all(shape[-1]), region.rows, region.columns)
    if isinstance(stage, Magnitude):
        return Region(_members(region.maps, stage.count), region.rows, region.columns)
    return region


def _members(numbers: Index, count: int) -> Index:
    return (numbers[:, None] * count + np.arange(count)).reshape(-1)


def _under_windows(row: Row, region: Region) -> Region:
    windows = windows_of(row)
    maps = region.maps
    if isinstance(row.stage, Conv):
        filters = Filters(row.stage, row.input)
        maps = np.array(sorted({c for number in maps.tolist() for c in filters.of(number).channels}), dtype=np.int64)
    touched = (np.unique(taps(windows, axis, places)[1]) for axis, places in enumerate((region.rows, region.columns)))
    rows, columns = (places[places != OUTSIDE] for places in touched)
    is_seen = bool(rows.size and columns.size)
    return Region(maps, *(each if each.size else _all(1) for each in (rows, columns)), is_seen=is_seen)


def _compute(row: Row, block: Block, region: Region) -> Array:
    """Return the values of a region of a stage's output."""
    stage, values = row.stage, block.values
    if isinstance(stage, Conv):
        return _convolved(stage, row, block, region)
    if isinstance(stage, Pool):
        return _pooled(stage, row, block, region)
    if isinstance(stage, GlobalAveragePool):
        means: Array = values.mean(axis=(1, 2), keepdims=True)
        return means
    if isinstance(stage, Flatten):
        return _flattened(row, block, region)
    if isinstance(stage, Dense):
        return _multiplied(stage, row, block, region)
    if isinstance(stage, Gray):
        return reference.gray(values) if len(values) == 3 else values
    if isinstance(stage, Magnitude):
        return reference.magnitude(values, stage.count)
    if isinstance(stage, Softmax):
        return reference.softmax(values)[region.maps]
    if isinstance(stage, Normalize):
        mean, std = normalization(stage, region.maps)
        normalized: Array = (values / stage.divisor - mean[:, None, None]) / std[:, None, None]
        return normalized
    if isinstance(stage, Absolute):
        return np.abs(values)
    return activated(stage, values)


def activated(stage: Any, values: Any) -> Array:
    """Return what an activation makes of values."""
    activation: Activation = stage
    result: Array = getattr(reference, activation.function)(values, *activation.values)
    return result


def normalization(stage: Normalize, maps: Index) -> tuple[Array, Array]:
    """Return mean and deviation for each of some maps."""
    pair = (np.array(each, dtype=np.float64) for each in (stage.mean, stage.std))
    mean, std = (each if len(each) == 1 else each[maps] for each in pair)
    return mean, std


def products(weights: Array, values: Array) -> Array:
    """Return weights times values; a weight of 0 gives 0 whatever it meets."""
    return np.where(weights == 0, 0.0, weights * values)


def _convolved(stage: Conv, row: Row, block: Block, region: Region) -> Array:
    windows, filters = windows_of(row), Filters(stage, row.input)
    chosen = [filters.of(number) for number in region.maps.tolist()]
    rows, columns = taps(windows, 0, region.rows)[1], taps(windows, 1, region.columns)[1]
    result = np.empty((len(chosen), len(rows), len(columns)))
    for channels in dict.fromkeys(each.channels for each in chosen):
        places = [place for place, each in enumerate(chosen) if each.channels == channels]
        weights = np.concatenate([chosen[place].weights for place in places])
        sums = np.zeros((len(weights), len(rows), len(columns)))
        for i, j in np.ndindex(windows.window):
            under = block.take(channels, rows[:, i], columns[:, j], windows.border.value)
            tap = weights[:, :, i, j]
            if np.isfinite(under).all():
                sums += np.tensordot(tap, under, 1)
            else:
                sums += products(tap[:, :, None, None], under).sum(axis=1)
        begin = 0
        for place in places:
            end = begin + len(chosen[place].weights)
            result[place] = chosen[place].finish(sums[begin:end])
            begin = end
    return result


def _pooled(stage: Pool, row: Row, block: Block, region: Region) -> Array:
    windows = windows_of(row)
    (row_places, rows), (column_places, columns) = (
        taps(windows, axis, places) for axis, places in enumerate((region.rows, region.columns))
    )
    is_max = stage.kind == "max"
    result = np.full((len(region.maps), len(rows), len(columns)), -np.inf if is_max else 0.0)
    for i, j in np.ndindex(windows.window):
        under = block.take(region.maps.tolist(), rows[:, i], columns[:, j], -np.inf if is_max else 0.0)
        result = np.maximum(result, under) if is_max else result + under
    if stage.kind == "avg":
        heights = _counted(stage, windows, 0, row_places)
        result /= np.maximum(heights[:, None] * _counted(stage, windows, 1, column_places), 1)
    return result


def _counted(stage: Pool, windows: Windows, axis: int, places: Index) -> Index:
    """Return by how many taps along an axis an average is divided, for each window."""
    size, after = windows.size[axis], windows.pads[axis][1]
    inside = (places >= 0) & (places < size)
    # ceil_mode reaches past the padding, which does not count
    counted = places < size + after if stage.count_include_pad else inside
    counts: Index = counted.sum(axis=1, dtype=np.int64)
    return counts


def divisor(stage: Pool, windows: Windows, place: Place) -> int:
    """Return what the sum of one window is divided by; at least 1."""
    if stage.kind != "avg":
        return 1
    sides = (_counted(stage, windows, axis, taps(windows, axis, _one(place[axis]))[0])[0] for axis in (0, 1))
    height, width = sides
    return max(int(height * width), 1)


def _one(index: int) -> Index:
    return np.array([index], dtype=np.int64)


def _flattened(row: Row, block: Block, region: Region) -> Array:
    if len(row.input) == 1:
        return block.values
    shape = (row.input[2], *row.input[:2])
    axes = zip(np.unravel_index(region.maps, shape), _axes(block.region), strict=True)
    maps, rows, columns = (np.searchsorted(known, wanted) for wanted, known in axes)
    return block.values[maps, rows, columns].reshape(-1, 1, 1)


def _axes(region: Region) -> tuple[Index, Index, Index]:
    return region.maps, region.rows, region.columns


def dense_row(stage: Any, row: Row, number: int) -> tuple[Array, float, Index]:
    """Return the weights of one output of a dense stage, its bias, and which input each weight meets."""
    dense: Dense = stage
    matrix, biases = dense.file.matrix(row.input[0])  # type: ignore[union-attr]  # planned and runnable: there is a file
    weights: Array = matrix[number].astype(np.float64)
    order = _all(len(weights))
    if dense.order == "hwc" and row.flattened is not None:
        height, width, channels = row.flattened
        order = order.reshape(channels, height, width).transpose(1, 2, 0).reshape(-1)
    return weights, 0.0 if biases is None else float(biases[number]), order


def _multiplied(stage: Dense, row: Row, block: Block, region: Region) -> Array:
    vector = block.values[:, 0, 0]
    result = np.empty((len(region.maps), 1, 1))
    for place, number in enumerate(region.maps.tolist()):
        weights, bias, order = dense_row(stage, row, number)
        result[place] = products(weights, vector[order]).sum() + bias
    return result


def unflattened(shape: Shape, index: int) -> Place:
    """Return the place in maps (H, W, C) of an element of their vector in C, H, W order."""
    height, width = shape[:2]
    return index // width % height, index % width, index // (height * width)
