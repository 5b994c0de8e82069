"""Values of transposed convolutions: which samples meet which weights at a place."""

from __future__ import annotations

import math
from itertools import product
from typing import NamedTuple

import numpy as np

from cnnfilter.engine.geometry import Index
from cnnfilter.engine.reference import Array
from cnnfilter.explanation import steps
from cnnfilter.explanation.filters import products
from cnnfilter.explanation.regions import Block, Region
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import ConvTranspose
from cnnfilter.network.stages.placing import Placing


class Meeting(NamedTuple):
    """The samples along an axis that reach a place, ascending, and the weight of the kernel that each meets there."""

    samples: list[int]
    taps: list[int]

    @classmethod
    def at(cls, placing: Placing, axis: int, n: int, place: int) -> Meeting:
        """Those of a place, among `n` samples."""
        stride, dilation, before = placing.stride[axis], placing.dilation[axis], placing.pads[axis][0]
        seen = [sample for sample in placing.sight(axis).seen(place) if 0 <= sample < n]
        return cls(seen, [(place + before - sample * stride) // dilation for sample in seen])


class Filters:
    """The weights and biases of a stage over maps (H, W, C), map by map."""

    def __init__(self, stage: ConvTranspose, row: Row) -> None:
        self.weight, self.biases, _ = stage.weight(row.input[2])
        self._stage, self._row = stage, row

    def channels(self, number: int) -> range:
        """Those that a map is made of."""
        return self._stage.channels_of(number, self._row.input[2], self._row.output[2])

    def of(self, number: int) -> Array:
        """The weights of a map, (channels, kh, kw) float64."""
        channels = self.channels(number)
        chosen: Array = self.weight[channels.start : channels.stop, number % self.weight.shape[1]].astype(np.float64)
        return chosen

    def bias(self, number: int) -> float:
        """What is added to a map."""
        return 0.0 if self.biases is None else float(self.biases[number])


def work(stage: ConvTranspose, row: Row, region: Region) -> int:
    """How many products a region takes, at most."""
    taps = math.prod(math.ceil(sight.size) for sight in stage.sights(row.input))
    return region.count * taps * len(stage.channels_of(0, row.input[2], row.output[2]))


def needed(stage: ConvTranspose, row: Row, region: Region) -> Region:
    """The samples that reach a region's places."""
    placing, channels, count = stage.placing(row.input), row.input[2], row.output[2]
    maps = sorted({c for number in region.maps.tolist() for c in stage.channels_of(number, channels, count)})
    rows, columns = (
        sorted({sample for place in places.tolist() for sample in Meeting.at(placing, axis, n, place).samples})
        for axis, (places, n) in enumerate(zip((region.rows, region.columns), row.input[:2], strict=True))
    )
    is_seen = bool(rows and columns)
    return Region(np.array(maps), np.array(rows or [0]), np.array(columns or [0]), is_seen=is_seen)


def compute(stage: ConvTranspose, row: Row, block: Block, region: Region) -> Array:
    """The values of a region."""
    filters, placing = Filters(stage, row), stage.placing(row.input)
    down, along = (
        _by_tap([Meeting.at(placing, axis, row.input[axis], place) for place in places.tolist()])
        for axis, places in enumerate((region.rows, region.columns))
    )
    numbers = region.maps.tolist()
    result = np.empty(region.shape)
    for channels in dict.fromkeys(filters.channels(number) for number in numbers):
        maps = [index for index, number in enumerate(numbers) if filters.channels(number) == channels]
        weights = np.stack([filters.of(numbers[index]) for index in maps])
        sums = np.zeros((len(maps), *region.shape[1:]))
        for (m, (rows, above)), (n, (columns, beside)) in product(down.items(), along.items()):
            held = block.take(np.array(channels), np.array(above), np.array(beside))
            taken = weights[:, :, m, n]
            is_finite = np.isfinite(held).all()
            added = np.tensordot(taken, held, (1, 0)) if is_finite else products(taken[:, :, None, None], held).sum(1)
            sums[np.ix_(range(len(maps)), rows, columns)] += added
        result[maps] = sums + np.array([filters.bias(numbers[index]) for index in maps]).reshape(-1, 1, 1)
    return result


def _by_tap(meetings: list[Meeting]) -> dict[int, tuple[list[int], list[int]]]:
    """Of each tap, which of some places it reaches, by their index, and the sample that it meets for each."""
    found: dict[int, tuple[list[int], list[int]]] = {}
    for index, (samples, taps) in enumerate(meetings):
        for sample, tap in zip(samples, taps, strict=True):
            places, met = found.setdefault(tap, ([], []))
            places.append(index)
            met.append(sample)
    return found


def _met(weights: Array, block: Block, channels: Index, down: Meeting, along: Meeting) -> tuple[Array, Array, Array]:
    """What reaches a place, the weights that it meets, and the products, (channels, rows, columns)."""
    kernel = weights[:, down.taps][:, :, along.taps]
    if not kernel.size:
        return kernel, kernel, kernel
    held = block.take(channels, np.array(down.samples), np.array(along.samples))
    return held, kernel, products(kernel, held)


def step(stage: ConvTranspose, told: steps.Told, row: Row, block: Block) -> steps.Step:
    """What came together at a place."""
    filters, placing, place = Filters(stage, row), stage.placing(row.input), told[3]
    down, along = (Meeting.at(placing, axis, row.input[axis], place[axis]) for axis in (0, 1))
    channels = filters.channels(place[2])
    held, kernel, each = _met(filters.of(place[2]), block, np.array(channels), down, along)
    inside = ((False,) * len(along.samples),) * len(down.samples)
    sums = tuple(
        steps.ChannelSum(
            steps.Window(channel, tuple(down.samples), tuple(along.samples), steps.matrix(values), inside),
            steps.matrix(weights),
            steps.matrix(multiplied),
            float(multiplied.sum()),
        )
        for channel, values, weights, multiplied in zip(channels, held, kernel, each, strict=True)
    )
    total = float(each.sum())
    follows = None
    if each.size:
        most = int(np.argmax(np.where(np.isnan(each), np.inf, np.abs(each))))
        c, i, j = np.unravel_index(most, each.shape)
        follows = down.samples[i], along.samples[j], channels[int(c)]
    source = stage.source(row.input[2])
    name = source[place[2] % len(source)].name if isinstance(source, tuple) else f"{source.name}, map {place[2]}"
    rule = placing.stride, (placing.pads[0][0], placing.pads[1][0]), placing.dilation
    met = tuple(down.taps), tuple(along.taps)
    only = (steps.FilterSum(sums, total, 1, total),)
    return steps.Transposed(*told, follows, name, only, None, filters.bias(place[2]), *met, *rule)
