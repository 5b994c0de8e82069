"""Of each kind of stage: what a value takes, which inputs it depends on, and what it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import singledispatch

import numpy as np

from cnnfilter.engine import reference
from cnnfilter.engine.geometry import OUTSIDE, Index, Windows
from cnnfilter.explanation.filters import Array, Filters
from cnnfilter.explanation.regions import Block, Place, Region, every, taps, windows_of
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import (
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
    Softmax,
    Stage,
)
from cnnfilter.network.stages.base import unknown

BANK, PLACE = 16, 64
"""How many products of a bank take as long as one of other windows, and one place of a window as long as how many."""
CHUNK = 1 << 18
"""How many values are looked at together: a few megabytes."""


# How much work it is


@singledispatch
def work(stage: Stage, row: Row, region: Region) -> int:
    """Return how many products a region takes, or places of its windows that must be known, before any is computed."""
    raise unknown(stage, "the work of explaining")


@work.register(Absolute)
@work.register(Activation)
@work.register(Flatten)
@work.register(Gray)
@work.register(Magnitude)
@work.register(Normalize)
@work.register(Softmax)
def _each_value(stage: Stage, row: Row, region: Region) -> int:
    return region.count


@work.register(Conv)
def _products(stage: Conv, row: Row, region: Region) -> int:
    products, places = _window_products(stage, row, region)
    if stage.file is not None and not stage.depthwise:
        products = products * row.input[2] // stage.groups // BANK
    return max(products, places)


@work.register(Pool)
def _samples(stage: Pool, row: Row, region: Region) -> int:
    return max(_window_products(stage, row, region))


def _window_products(stage: Conv | Pool, row: Row, region: Region) -> tuple[int, int]:
    """Return how many samples windows hold, and how long it takes to know their places."""
    window = stage.sliding(row.input).window
    places = [len(region.rows) * window[0], len(region.columns) * window[1]]
    return len(region.maps) * math.prod(places), max(PLACE * each for each in places)


@work.register(GlobalAveragePool)
def _planes(stage: GlobalAveragePool, row: Row, region: Region) -> int:
    return len(region.maps) * row.input[0] * row.input[1]


@work.register(Dense)
def _matrix_rows(stage: Dense, row: Row, region: Region) -> int:
    return len(region.maps) * row.input[0]


# Which inputs it needs


@singledispatch
def needed(stage: Stage, row: Row, region: Region) -> Region:
    """Return the region of a stage's input that a region of its output depends on."""
    raise unknown(stage, "the inputs that a value depends on")


@needed.register(Absolute)
@needed.register(Activation)
@needed.register(Normalize)
def _same_places(stage: Stage, row: Row, region: Region) -> Region:
    return region


@needed.register(Dense)
@needed.register(Gray)
@needed.register(Softmax)
def _all_maps(stage: Stage, row: Row, region: Region) -> Region:
    return Region(every(row.input[-1]), region.rows, region.columns)


@needed.register(GlobalAveragePool)
def _whole_maps(stage: GlobalAveragePool, row: Row, region: Region) -> Region:
    return Region(region.maps, every(row.input[0]), every(row.input[1]))


@needed.register(Flatten)
def _before_flattening(stage: Flatten, row: Row, region: Region) -> Region:
    if len(row.input) == 1:
        return region
    places = np.unravel_index(region.maps, (row.input[2], *row.input[:2]))
    return Region(*(np.unique(axis).astype(np.int64) for axis in places))


@needed.register(Magnitude)
def _members(stage: Magnitude, row: Row, region: Region) -> Region:
    numbers = (region.maps[:, None] * stage.count + np.arange(stage.count)).reshape(-1)
    return Region(numbers, region.rows, region.columns)


@needed.register(Conv)
def _channels_under(stage: Conv, row: Row, region: Region) -> Region:
    filters = Filters(stage, row.input)
    channels = {c for number in region.maps.tolist() for c in filters.of(number).channels}
    return _under_windows(row, region, np.array(sorted(channels), dtype=np.int64))


@needed.register(Pool)
def _plane_under(stage: Pool, row: Row, region: Region) -> Region:
    return _under_windows(row, region, region.maps)


def _under_windows(row: Row, region: Region, maps: Index) -> Region:
    windows = windows_of(row)
    touched = (np.unique(taps(windows, axis, places)[1]) for axis, places in enumerate((region.rows, region.columns)))
    rows, columns = (places[places != OUTSIDE] for places in touched)
    is_seen = bool(rows.size and columns.size)
    return Region(maps, *(each if each.size else every(1) for each in (rows, columns)), is_seen=is_seen)


# What it is


@singledispatch
def compute(stage: Stage, row: Row, block: Block, region: Region) -> Array:
    """Return the values of a region of a stage's output, from those that it needs."""
    raise unknown(stage, "explained values")


@compute.register(GlobalAveragePool)
def _averaged(stage: GlobalAveragePool, row: Row, block: Block, region: Region) -> Array:
    means: Array = block.values.mean(axis=(1, 2), keepdims=True)
    return means


@compute.register(Gray)
def _mixed(stage: Gray, row: Row, block: Block, region: Region) -> Array:
    return reference.gray(block.values) if len(block.values) == 3 else block.values


@compute.register(Magnitude)
def _combined(stage: Magnitude, row: Row, block: Block, region: Region) -> Array:
    return reference.magnitude(block.values, stage.count)


@compute.register(Softmax)
def _divided(stage: Softmax, row: Row, block: Block, region: Region) -> Array:
    return reference.softmax(block.values)[region.maps]


@compute.register(Normalize)
def _normalized(stage: Normalize, row: Row, block: Block, region: Region) -> Array:
    mean, std = normalization(stage, region.maps)
    normalized: Array = (block.values / stage.divisor - mean[:, None, None]) / std[:, None, None]
    return normalized


@compute.register(Absolute)
def _absolute(stage: Absolute, row: Row, block: Block, region: Region) -> Array:
    return np.abs(block.values)


@compute.register(Activation)
def _activated(stage: Activation, row: Row, block: Block, region: Region) -> Array:
    return stage.known.definition(block.values, *stage.values)


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
    taps = every(math.prod(windows.window))
    for begin in range(0, len(taps), step := max(1, CHUNK // size)):
        yield np.divmod(taps[begin : begin + step], windows.window[1])


@compute.register(Conv)
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


@compute.register(Pool)
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


@compute.register(Flatten)
def _flattened(stage: Flatten, row: Row, block: Block, region: Region) -> Array:
    if len(row.input) == 1:
        return block.values
    shape = (row.input[2], *row.input[:2])
    axes = zip(np.unravel_index(region.maps, shape), _axes(block.region), strict=True)
    maps, rows, columns = (np.searchsorted(known, wanted) for wanted, known in axes)
    return block.values[maps, rows, columns].reshape(-1, 1, 1)


def _axes(region: Region) -> tuple[Index, Index, Index]:
    return region.maps, region.rows, region.columns


def dense_row(stage: Dense, row: Row, number: int) -> tuple[Array, float, Index]:
    """Return the weights of one output of a dense stage, its bias, and which input each weight meets."""
    matrix, biases = stage.file.matrix(row.input[0])  # type: ignore[union-attr]  # planned and runnable: there is a file
    weights: Array = matrix[number].astype(np.float64)
    order = every(len(weights))
    if stage.order == "hwc" and row.flattened is not None:
        height, width, channels = row.flattened
        order = order.reshape(channels, height, width).transpose(1, 2, 0).reshape(-1)
    return weights, 0.0 if biases is None else float(biases[number]), order


@compute.register(Dense)
def _multiplied(stage: Dense, row: Row, block: Block, region: Region) -> Array:
    vector = block.values[:, 0, 0]
    result = np.empty((len(region.maps), 1, 1))
    for place, number in enumerate(region.maps.tolist()):
        weights, bias, order = dense_row(stage, row, number)
        result[place] = products(weights, vector[order]).sum() + bias
    return result
