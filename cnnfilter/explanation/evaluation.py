"""The values behind one value: each stage computed only where the next one looks, in float64."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfilter.engine import reference
from cnnfilter.engine.geometry import OUTSIDE, Index, Windows
from cnnfilter.errors import ArgumentError
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


MOST_PRODUCTS = 2 * 10**9
MOST_VALUES = 1 << 28
"""The most that a value may depend on: some ten seconds, and two gigabytes."""
BANK, PLACE = 16, 64
"""How many products of a bank take as long as one of other windows, and one place of a window as long as how many."""
CHUNK = 1 << 18
"""How many values are looked at together: a few megabytes."""


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
    def count(self) -> int:
        """How many values it has."""
        return len(self.maps) * len(self.rows) * len(self.columns)

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
        return self.under(maps, rows[:, None], columns[:, None], fill)[..., 0]

    def under(self, maps: Sequence[int], rows: Index, columns: Index, fill: float) -> Array:
        """Return what lies under some taps of windows, (maps, rows, columns, taps), as `take` does.

        `rows` is (rows, taps) and `columns` (columns, taps): where each window's taps lie.
        """
        region = self.region
        axes = ((region.maps, np.asarray(maps)), (region.rows, rows), (region.columns, columns))
        numbers, row_index, column_index = (np.searchsorted(known, wanted) for known, wanted in axes)
        found = self.values[numbers[:, None, None, None], row_index[:, None], column_index]
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
    """Return what each stage is given, as far as the value at `place` depends on it, and at last that value.

    Raises
    ------
    ArgumentError
        If that takes more work or memory than a person waits for: see `MOST_PRODUCTS` and `MOST_VALUES`.
    """
    regions = [Region.at(place)]
    products = values = 0
    for number, row in zip(range(len(rows), 0, -1), reversed(rows), strict=True):
        products += _work(row, regions[0])
        _check(number, row, products, MOST_PRODUCTS, "products")
        regions.insert(0, _needed(row, regions[0]))
        values += regions[0].count
        _check(number, row, values, MOST_VALUES, "values")
        if not regions[1].is_seen:
            regions[0] = replace(regions[0], is_seen=False)
    blocks = [picture_block(pixels, regions[0])]
    # NaN and infinity come from pictures of floats, and mean what they mean
    with np.errstate(invalid="ignore", over="ignore"):
        for row, region in zip(rows, regions[1:], strict=True):
            blocks.append(Block(region, _compute(row, blocks[-1], region)))
    return blocks


def _check(number: int, row: Row, count: int, most: int, what: str) -> None:
    if count > most:
        msg = (
            f"stage {number} ({row.stage.name}): the value depends on {count:,} {what} from here on, more than can be "
            f"explained ({most:,}); explain a shorter chain, or one of smaller windows"
        )
        raise ArgumentError(msg)


def _work(row: Row, region: Region) -> int:
    """Return how many products a region takes, or places of its windows that must be known, before any is computed."""
    stage, shape = row.stage, row.input
    if isinstance(stage, Conv | Pool):
        window = stage.sliding(shape).window
        places = [len(region.rows) * window[0], len(region.columns) * window[1]]
        products = len(region.maps) * math.prod(places)
        if isinstance(stage, Conv) and stage.file is not None and not stage.depthwise:
            products = products * shape[2] // stage.groups // BANK
        return max(products, *(PLACE * each for each in places))
    if isinstance(stage, GlobalAveragePool):
        return len(region.maps) * shape[0] * shape[1]
    if isinstance(stage, Dense):
        return len(region.maps) * shape[0]
    return region.count


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


def _some_taps(windows: Windows, size: int) -> Iterator[tuple[Index, Index]]:
    """Yield the rows and columns of the taps of a window: as many at a time as `CHUNK` holds for so many places."""
    taps = _all(math.prod(windows.window))
    for begin in range(0, len(taps), step := max(1, CHUNK // size)):
        yield np.divmod(taps[begin : begin + step], windows.window[1])


def _convolved(stage: Conv, row: Row, block: Block, region: Region) -> Array:
    windows, filters = windows_of(row), Filters(stage, row.input)
    chosen = [filters.of(number) for number in region.maps.tolist()]
    rows, columns = taps(windows, 0, region.rows)[1], taps(windows, 1, region.columns)[1]
    result = np.empty((len(chosen), len(rows), len(columns)))
    for channels in dict.fromkeys(each.channels for each in chosen):
        places = [place for place, each in enumerate(chosen) if each.channels == channels]
        weights = np.concatenate([chosen[place].weights for place in places])
        sums = np.zeros((len(weights), len(rows), len(columns)))
        for i, j in _some_taps(windows, sums.size * len(channels)):
            under = block.under(channels, rows[:, i], columns[:, j], windows.border.value)
            taken = weights[:, :, i, j]
            if np.isfinite(under).all():
                sums += np.tensordot(taken, under, ((1, 2), (0, 3)))
            else:
                sums += products(taken[:, :, None, None], under).sum(axis=(1, 4))
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
    for i, j in _some_taps(windows, result.size):
        under = block.under(region.maps.tolist(), rows[:, i], columns[:, j], -np.inf if is_max else 0.0)
        result = np.maximum(result, under.max(axis=-1)) if is_max else result + under.sum(axis=-1)
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
