"""Of each kind of stage: what a value takes, which inputs it depends on, and what it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import reduce, singledispatch

import numpy as np
from numpy.typing import NDArray

from cnnfilter.engine import reference
from cnnfilter.engine.geometry import OUTSIDE, Index, Windows
from cnnfilter.engine.reference import Array
from cnnfilter.explanation import resampled, transposed
from cnnfilter.explanation.filters import Filters, products
from cnnfilter.explanation.regions import Block, Blocks, Needed, Region, taps
from cnnfilter.network import stages
from cnnfilter.network.plan import Row
from cnnfilter.network.stages.base import Stage, unknown
from cnnfilter.running.lowering import windows_of

BANK, PLACE = 16, 64
"""How many products of a bank take as long as one of other windows, and one place of a window as long as how many."""
CHUNK = 1 << 18
"""How many values are looked at together: a few megabytes."""


# How much work it is


@singledispatch
def work(stage: Stage, row: Row, region: Region) -> int:
    """How many products a region takes, or places of its windows that must be known, before any is computed."""
    raise unknown(stage, "the work of explaining")


@work.register(stages.Absolute | stages.Activation | stages.Normalize | stages.Gray | stages.Magnitude | stages.Softmax)
@work.register(stages.Crop | stages.Dropout | stages.Flatten | stages.Pad | stages.Shuffle)
@work.register(stages.BatchNorm | stages.PReLU | stages.Rgb)
def _each_value(stage: Stage, row: Row, region: Region) -> int:
    return region.count


@work.register(stages.LocalResponse)
def _each_square(stage: stages.LocalResponse, row: Row, region: Region) -> int:
    return region.count * min(stage.size, row.input[2])


@work.register(stages.Add | stages.Multiply | stages.Concat)
def _each_of_several(stage: stages.Join, row: Row, region: Region) -> int:
    return region.count * len(row.reads)


@work.register(stages.Conv | stages.Pool)
def _under_all(stage: stages.Conv | stages.Pool, row: Row, region: Region) -> int:
    window = stage.sliding(row.input).window
    places = [len(region.rows) * window[0], len(region.columns) * window[1]]
    products = len(region.maps) * math.prod(places)
    if isinstance(stage, stages.Conv) and not stage.kernels and not stage.depthwise:
        products = products * row.input[2] // stage.groups // BANK
    return max(products, *(PLACE * each for each in places))


work.register(stages.Upsample | stages.Resize)(resampled.work)
work.register(stages.ConvTranspose)(transposed.work)


@work.register(stages.Dense | stages.GlobalAveragePool | stages.GlobalMaxPool)
def _whole_inputs(stage: Stage, row: Row, region: Region) -> int:
    return len(region.maps) * math.prod(row.input[:2])


# Which inputs it needs


@singledispatch
def needed(stage: Stage, row: Row, region: Region) -> Needed:
    """The region of a stage's input that a region of its output depends on; of several inputs one each, if any."""
    raise unknown(stage, "the inputs that a value depends on")


@needed.register(stages.Absolute | stages.Activation | stages.Dropout | stages.Normalize)
@needed.register(stages.BatchNorm | stages.PReLU)
def _same_places(stage: Stage, row: Row, region: Region) -> Region:
    return region


@needed.register(stages.Dense | stages.Gray | stages.Softmax)
def _all_maps(stage: Stage, row: Row, region: Region) -> Region:
    return Region(np.arange(row.input[-1]), region.rows, region.columns)


@needed.register(stages.Rgb)
def _one_or_same(stage: stages.Rgb, row: Row, region: Region) -> Region:
    return region.within(row.input)


needed.register(stages.Upsample | stages.Resize)(resampled.needed)
needed.register(stages.Crop)(resampled.cropped)
needed.register(stages.ConvTranspose)(transposed.needed)


@needed.register(stages.GlobalAveragePool | stages.GlobalMaxPool)
def _whole_maps(stage: Stage, row: Row, region: Region) -> Region:
    return Region(region.maps, np.arange(row.input[0]), np.arange(row.input[1]))


@needed.register(stages.Flatten)
def _before_flattening(stage: stages.Flatten, row: Row, region: Region) -> Region:
    if len(row.input) == 1:
        return region
    places = np.unravel_index(region.maps, (row.input[2], *row.input[:2]))
    return Region(*(np.unique(axis) for axis in places))


@needed.register(stages.Magnitude)
def _members(stage: stages.Magnitude, row: Row, region: Region) -> Region:
    numbers = (region.maps[:, None] * stage.count + np.arange(stage.count)).reshape(-1)
    return Region(numbers, region.rows, region.columns)


@needed.register(stages.LocalResponse)
def _around(stage: stages.LocalResponse, row: Row, region: Region) -> Region:
    channels = row.input[2]
    marks = np.zeros(channels + 1, np.int64)  # 1 more from where maps around one begin, 1 less from where they end
    for number in region.maps.tolist():
        around = stage.around(number, channels)
        marks[around.start] += 1
        marks[around.stop] -= 1
    return Region(np.flatnonzero(np.cumsum(marks)[:-1]), region.rows, region.columns)


@needed.register(stages.Shuffle)
def _sources(stage: stages.Shuffle, row: Row, region: Region) -> Region:
    return Region(np.sort(shuffled(stage, row, region.maps)), region.rows, region.columns)


def shuffled(stage: stages.Shuffle, row: Row, maps: Index) -> Index:
    """Which maps of the input become some maps of a channel shuffle."""
    return np.array([stage.source(number, row.input[2]) for number in maps.tolist()])


@needed.register(stages.Conv | stages.Pad | stages.Pool)
def _under_windows(stage: stages.Conv | stages.Pad | stages.Pool, row: Row, region: Region) -> Region:
    windows, maps = windows_of(row), region.maps
    if isinstance(stage, stages.Conv):
        channels, count = row.input[2], row.output[2]
        maps = np.array(sorted({c for number in maps.tolist() for c in stage.channels_of(number, channels, count)}))
    touched = (np.unique(taps(windows, axis, places)[1]) for axis, places in enumerate((region.rows, region.columns)))
    rows, columns = (places[places != OUTSIDE] for places in touched)
    is_seen = bool(rows.size and columns.size)
    return Region(maps, *(each if each.size else np.arange(1) for each in (rows, columns)), is_seen=is_seen)


@needed.register(stages.Add | stages.Multiply)
def _same_of_each(stage: stages.Join, row: Row, region: Region) -> Needed:
    return tuple(region.within(shape) for shape in row.inputs)


@needed.register(stages.Concat)
def _of_the_maps(stage: stages.Concat, row: Row, region: Region) -> Needed:
    return tuple(
        Region(region.maps[mine] - first, region.rows, region.columns) if mine.any() else None
        for mine, first in _shares(row, region)
    )


def _shares(row: Row, region: Region) -> Iterator[tuple[NDArray[np.bool_], int]]:
    """Which maps of a region are from each of the results that are joined, and that one's first."""
    first = 0
    for shape in row.inputs:
        yield (first <= region.maps) & (region.maps < first + shape[-1]), first
        first += shape[-1]


# What it is


@singledispatch
def compute(stage: Stage, row: Row, block: Block, region: Region) -> Array:
    """The values of a region of a stage's output, from those that it needs."""
    raise unknown(stage, "explained values")


@compute.register(stages.Add)
def _added(stage: stages.Add, row: Row, blocks: Blocks, region: Region) -> Array:
    return reduce(np.add, _spread(blocks, row, region))


@compute.register(stages.Multiply)
def _product(stage: stages.Multiply, row: Row, blocks: Blocks, region: Region) -> Array:
    return reduce(np.multiply, _spread(blocks, row, region))


def _spread(blocks: Blocks, row: Row, region: Region) -> Iterator[Array]:
    """The values of each input where a region's are made of them."""
    for block, shape in zip(blocks, row.inputs, strict=True):
        values = block.take(*region.within(shape).axes)  # type: ignore[union-attr]  # all of these are needed
        yield np.broadcast_to(values, region.shape)


@compute.register(stages.Concat)
def _one_after_the_other(stage: stages.Concat, row: Row, blocks: Blocks, region: Region) -> Array:
    taken = [
        block.take(region.maps[mine] - first, region.rows, region.columns)
        for block, (mine, first) in zip(blocks, _shares(row, region), strict=True)
        if block is not None
    ]
    return np.concatenate(taken)


@compute.register(stages.GlobalAveragePool)
def _averaged(stage: stages.GlobalAveragePool, row: Row, block: Block, region: Region) -> Array:
    means: Array = block.values.mean(axis=(1, 2), keepdims=True)
    return means


@compute.register(stages.GlobalMaxPool)
def _largest(stage: stages.GlobalMaxPool, row: Row, block: Block, region: Region) -> Array:
    largest: Array = block.values.max(axis=(1, 2), keepdims=True)
    return largest


compute.register(stages.Upsample | stages.Resize)(resampled.compute)
compute.register(stages.ConvTranspose)(transposed.compute)


@compute.register(stages.Crop)
def _cropped(stage: stages.Crop, row: Row, block: Block, region: Region) -> Array:
    return block.values


@compute.register(stages.Gray)
def _mixed(stage: stages.Gray, row: Row, block: Block, region: Region) -> Array:
    return reference.gray(block.values) if len(block.values) == 3 else block.values


@compute.register(stages.Rgb)
def _three_times(stage: stages.Rgb, row: Row, block: Block, region: Region) -> Array:
    return np.broadcast_to(block.values, region.shape)


@compute.register(stages.Magnitude)
def _combined(stage: stages.Magnitude, row: Row, block: Block, region: Region) -> Array:
    return reference.magnitude(block.values, stage.count)


@compute.register(stages.Softmax)
def _divided(stage: stages.Softmax, row: Row, block: Block, region: Region) -> Array:
    return reference.softmax(block.values)[region.maps]


@compute.register(stages.BatchNorm)
def _normalized_by_batches(stage: stages.BatchNorm, row: Row, block: Block, region: Region) -> Array:
    numbers = stage.numbers(row.input[-1])
    weight, bias, mean, _, deviation = (each[region.maps, None, None] for each in numbers)
    normalized: Array = (block.values - mean) / deviation * weight + bias
    return normalized


@compute.register(stages.PReLU)
def _sloped(stage: stages.PReLU, row: Row, block: Block, region: Region) -> Array:
    slopes = stage.slopes(row.input[-1]).astype(np.float64)
    slopes = slopes if len(slopes) == 1 else slopes[region.maps]
    return np.where(block.values >= 0, block.values, slopes[:, None, None] * block.values)


@compute.register(stages.LocalResponse)
def _normalized_by_maps(stage: stages.LocalResponse, row: Row, block: Block, region: Region) -> Array:
    result = np.empty(region.shape)
    for place, number in enumerate(region.maps.tolist()):
        around = np.array(stage.around(number, row.input[2]))
        known = block.take(around, region.rows, region.columns)
        divisor = stage.bias + stage.alpha / stage.size * np.square(known).sum(axis=0)
        result[place] = known[number - around[0]] / np.power(divisor, stage.beta)
    return result


@compute.register(stages.Shuffle)
def _taken_in_turn(stage: stages.Shuffle, row: Row, block: Block, region: Region) -> Array:
    return block.take(shuffled(stage, row, region.maps), region.rows, region.columns)


@compute.register(stages.Pad)
def _padded(stage: stages.Pad, row: Row, block: Block, region: Region) -> Array:
    windows = windows_of(row)
    rows, columns = (taps(windows, axis, places)[1][:, 0] for axis, places in enumerate((region.rows, region.columns)))
    return block.take(region.maps, rows, columns, stage.border.value)


@compute.register(stages.Dropout)
def _kept(stage: stages.Dropout, row: Row, block: Block, region: Region) -> Array:
    return block.values


@compute.register(stages.Normalize)
def _normalized(stage: stages.Normalize, row: Row, block: Block, region: Region) -> Array:
    mean, std = normalization(stage, region.maps)
    normalized: Array = (block.values / stage.divisor - mean[:, None, None]) / std[:, None, None]
    return normalized


@compute.register(stages.Absolute)
def _absolute(stage: stages.Absolute, row: Row, block: Block, region: Region) -> Array:
    return np.abs(block.values)


@compute.register(stages.Activation)
def _activated(stage: stages.Activation, row: Row, block: Block, region: Region) -> Array:
    return stage.known.definition(block.values, *stage.values)


def normalization(stage: stages.Normalize, maps: Index) -> tuple[Array, Array]:
    """Mean and deviation for each of some maps."""
    pair = (np.array(each, dtype=np.float64) for each in (stage.mean, stage.std))
    mean, std = (each if len(each) == 1 else each[maps] for each in pair)
    return mean, std


def _some_taps(windows: Windows, size: int) -> Iterator[tuple[Index, Index]]:
    """The rows and columns of the taps of a window: as many at a time as `CHUNK` holds for so many places."""
    taps = np.arange(math.prod(windows.window))
    for begin in range(0, len(taps), step := max(1, CHUNK // size)):
        yield np.divmod(taps[begin : begin + step], windows.window[1])


@compute.register(stages.Conv)
def _convolved(stage: stages.Conv, row: Row, block: Block, region: Region) -> Array:
    windows, filters = windows_of(row), Filters(stage, row.input)
    chosen = [filters.of(number) for number in region.maps.tolist()]
    rows, columns = taps(windows, 0, region.rows)[1], taps(windows, 1, region.columns)[1]
    result = np.empty(region.shape)
    for channels in dict.fromkeys(each.channels for each in chosen):
        places = [place for place, each in enumerate(chosen) if each.channels == channels]
        weights = np.concatenate([chosen[place].weights for place in places])
        sums = np.zeros((len(weights), len(rows), len(columns)))
        for i, j in _some_taps(windows, sums.size * len(channels)):
            under = block.under(np.array(channels), rows[:, i], columns[:, j], windows.border.value)
            taken = weights[:, :, i, j]
            if np.isfinite(under).all():
                sums += np.tensordot(taken, under, ((1, 2), (0, 3)))
            else:
                sums += products(taken[:, :, None, None], under).sum(axis=(1, 4))
        ends = np.cumsum([len(chosen[place].weights) for place in places])
        for place, part in zip(places, np.split(sums, ends[:-1]), strict=True):
            result[place] = chosen[place].finish(part)
    return result


@compute.register(stages.Pool)
def _pooled(stage: stages.Pool, row: Row, block: Block, region: Region) -> Array:
    windows = windows_of(row)
    (row_places, rows), (column_places, columns) = (
        taps(windows, axis, places) for axis, places in enumerate((region.rows, region.columns))
    )
    fill = empty_of(stage)
    result = np.full(region.shape, fill)
    for i, j in _some_taps(windows, result.size):
        under = block.under(region.maps, rows[:, i], columns[:, j], fill)
        result = np.maximum(result, under.max(axis=-1)) if stage.kind == "max" else result + under.sum(axis=-1)
    return result / divisors(stage, windows, row_places, column_places)


def empty_of(stage: stages.Pool) -> float:
    """What a pool takes of nothing, and of padding."""
    return -np.inf if stage.kind == "max" else 0.0


def divisors(stage: stages.Pool, windows: Windows, rows: Index, columns: Index) -> Index | int:
    """What the sum of each window is divided by, (rows, columns), from where the taps lie; 1 but for a mean."""
    if stage.kind != "avg":
        return 1
    counts = []
    for places, size, pads in zip((rows, columns), windows.size, windows.pads, strict=True):
        # ceil_mode reaches past the padding, which does not count
        counted = places < size + pads[1] if stage.count_include_pad else (places >= 0) & (places < size)
        counts.append(counted.sum(axis=1))
    divisors: Index = np.maximum(counts[0][:, None] * counts[1], 1)
    return divisors


@compute.register(stages.Flatten)
def _flattened(stage: stages.Flatten, row: Row, block: Block, region: Region) -> Array:
    if len(row.input) == 1:
        return block.values
    axes = zip(block.region.axes, np.unravel_index(region.maps, (row.input[2], *row.input[:2])), strict=True)
    maps, rows, columns = (np.searchsorted(known, wanted) for known, wanted in axes)
    return block.values[maps, rows, columns].reshape(-1, 1, 1)


def dense_row(stage: stages.Dense, row: Row, number: int) -> tuple[Array, float, Index]:
    """The weights of one output of a dense stage, its bias, and which input each weight meets."""
    matrix, biases = stage.matrix(row.input[0])
    weights: Array = matrix[number].astype(np.float64)
    order = np.arange(len(weights))
    if stage.order == "hwc" and row.flattened is not None:
        height, width, channels = row.flattened
        order = order.reshape(channels, height, width).transpose(1, 2, 0).reshape(-1)
    return weights, 0.0 if biases is None else float(biases[number]), order


@compute.register(stages.Dense)
def _multiplied(stage: stages.Dense, row: Row, block: Block, region: Region) -> Array:
    vector = block.values[:, 0, 0]
    result = np.empty(region.shape)
    for place, number in enumerate(region.maps.tolist()):
        weights, bias, order = dense_row(stage, row, number)
        result[place] = products(weights, vector[order]).sum() + bias
    return result
