"""What each kind of stage did to make one value, as the step that tells it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from cnnfilter.engine.geometry import OUTSIDE
from cnnfilter.engine.reference import Array
from cnnfilter.explanation import formulas, resampled, steps, transposed, values
from cnnfilter.explanation.filters import Filters, products
from cnnfilter.explanation.regions import Block, Blocks, Place, Region, taps, unflattened
from cnnfilter.network import stages
from cnnfilter.network.plan import Row
from cnnfilter.network.stages.base import Stage, unknown
from cnnfilter.running.lowering import windows_of
from cnnfilter.text.shown import show, show_product, show_sum


@dataclass(frozen=True, eq=False)
class Result:
    """One value that a stage made.

    Attributes
    ----------
    number : int
        The stage's.
    row : Row
    blocks : tuple of Block or None
        Each of the stage's inputs, as far as the value depends on it.
    place : tuple of int
    value : float
    """

    number: int
    row: Row
    blocks: Blocks
    place: Place
    value: float

    @property
    def before(self) -> Block:
        """The input of a stage that has one."""
        (block,) = self.blocks
        return block  # type: ignore[return-value]  # the value depends on it

    @property
    def told(self) -> steps.Told:
        """What every `Step` begins with."""
        return self.number, self.row.name, str(self.row.stage), self.place, self.value

    @property
    def x(self) -> float:
        """The value of the input at the same place."""
        return self.before.value(self.place)

    def channels(self, first: int, count: int) -> Array:
        """The values of some channels of the input at the same place; of a vector, of its elements."""
        rows, columns = (np.array([index]) for index in (self.place[:2] if len(self.place) == 3 else (0, 0)))
        return self.before.take(np.arange(first, first + count), rows, columns)[:, 0, 0]


@singledispatch
def step_of(stage: Stage, result: Result) -> steps.Step:
    """What a stage did to make one value."""
    raise unknown(stage, "worked steps")


def _numbers(values: Array) -> tuple[float, ...]:
    return tuple(values.reshape(-1).tolist())


def _most(values: Array) -> int:
    """Which value counts most: the first of the largest magnitude, or of NaN."""
    return int(np.argmax(np.where(np.isnan(values), np.inf, np.abs(values))))


def _most_inside(values: Array, padding: NDArray[np.bool_]) -> int | None:
    """Which value of some windows counts most, of equals the nearest to the middle; None in padding alone."""
    sizes = np.where(padding, -1.0, np.where(np.isnan(values), np.inf, np.abs(values)))
    height, width = padding.shape
    away = np.hypot(np.arange(height)[:, None] - (height - 1) / 2, np.arange(width) - (width - 1) / 2)
    nearest = np.where(sizes == sizes.max(), np.broadcast_to(away, sizes.shape), np.inf)
    return None if padding.all() else int(np.argmin(nearest))


class _Under:
    """What lies under the window that made a value: where its taps are, and which of them in the padding."""

    def __init__(self, result: Result) -> None:
        self.before = result.before
        self.windows = windows_of(result.row)
        row, column = (taps(self.windows, axis, np.array([result.place[axis]])) for axis in (0, 1))
        self.rows, self.columns = row[0][0], column[0][0]
        self.samples = row[1][0], column[1][0]
        outside = [
            (places < 0) | (places >= size)
            for places, size in zip((self.rows, self.columns), self.windows.size, strict=True)
        ]
        self.padding = outside[0][:, None] | outside[1]

    def held(self, channels: tuple[int, ...], fill: float) -> Array:
        """The values under the window, (channels, rows, columns)."""
        return self.before.take(np.array(channels), *self.samples, fill)

    def window(self, channel: int, values: Array) -> steps.Window:
        rows, columns = tuple(self.rows.tolist()), tuple(self.columns.tolist())
        return steps.Window(channel, rows, columns, steps.matrix(values), steps.matrix(self.padding))

    def place(self, flat: int, channel: int) -> Place:
        row, column = divmod(flat, len(self.columns))
        return int(self.rows[row]), int(self.columns[column]), channel


@step_of.register(stages.Conv)
def _convolved(stage: stages.Conv, result: Result) -> steps.Step:
    chosen = Filters(stage, result.row.input).of(result.place[2])
    under = _Under(result)
    held = under.held(chosen.channels, under.windows.border.value)
    multiplied = products(chosen.weights, held[None])
    channel_sums = multiplied.sum(axis=(2, 3))
    totals = channel_sums.sum(axis=1)
    scaled = chosen.scaled(totals)
    windows = [under.window(channel, held[c]) for c, channel in enumerate(chosen.channels)]
    filters = tuple(
        steps.FilterSum(
            tuple(map(steps.ChannelSum, windows, map(steps.matrix, weights), map(steps.matrix, each), sums.tolist())),
            float(total),
            scale,
            float(value),
        )
        for weights, each, sums, total, scale, value in zip(
            chosen.weights, multiplied, channel_sums, totals, chosen.scales, scaled, strict=True
        )
    )
    counting = multiplied if chosen.combine != "maximum" else multiplied[[int(np.argmax(scaled))]]
    found = _most_inside(counting, under.padding)
    follows = None
    if found is not None:
        c, flat = divmod(found % counting[0].size, under.padding.size)
        follows = under.place(flat, chosen.channels[c])
    return steps.Convolved(*result.told, follows, chosen.name, filters, chosen.combine, chosen.bias)


@step_of.register(stages.ConvTranspose)
def _transposed(stage: stages.ConvTranspose, result: Result) -> steps.Step:
    return transposed.step(stage, result.told, result.row, result.before)


@step_of.register(stages.Pool)
def _pooled(stage: stages.Pool, result: Result) -> steps.Step:
    under = _Under(result)
    channel = result.place[2]
    held = under.held((channel,), values.empty_of(stage))[0]
    if stage.kind == "max":
        inside = np.flatnonzero(~under.padding)
        ranked = np.where(np.isnan(held), np.inf, held).reshape(-1)[inside]
        # as in PyTorch, the first of equals; a NaN is larger than all
        found = int(inside[np.argmax(ranked)]) if inside.size else None
    else:
        found = _most_inside(held, under.padding)
    follows = None if found is None else under.place(found, channel)
    total = None if stage.kind == "max" else float(held.sum())
    divisor = np.asarray(values.divisors(stage, under.windows, under.rows[None], under.columns[None])).item()
    return steps.Pooled(*result.told, follows, stage.kind, under.window(channel, held), total, divisor)


@step_of.register(stages.GlobalAveragePool)
def _averaged(stage: stages.GlobalAveragePool, result: Result) -> steps.Step:
    region, channel = result.before.region, result.place[2]
    plane = result.before.take(np.array([channel]), region.rows, region.columns)[0]
    follows = (*divmod(_most(plane), plane.shape[1]), channel)
    return steps.Averaged(*result.told, follows, float(plane.sum()), plane.size)


@step_of.register(stages.GlobalMaxPool)
def _largest(stage: stages.GlobalMaxPool, result: Result) -> steps.Step:
    region, channel = result.before.region, result.place[2]
    plane = result.before.take(np.array([channel]), region.rows, region.columns)[0]
    first = int(np.argmax(np.where(np.isnan(plane), np.inf, plane)))
    return steps.Largest(*result.told, (*divmod(first, plane.shape[1]), channel), plane.size)


@step_of.register(stages.Upsample | stages.Resize)
def _resampled(stage: stages.Resampling, result: Result) -> steps.Step:
    samples = resampled.window(stage, result.row, result.before, result.place)
    window = samples.window
    row, column = divmod(_most(np.array(samples.products)), len(window.columns))
    follows = (window.rows[row], window.columns[column], result.place[2])
    if samples.kernel == ((1.0,),):
        return steps.Copied(*result.told, follows)
    return steps.Resampled(*result.told, follows, samples)


@step_of.register(stages.Crop)
def _cropped(stage: stages.Crop, result: Result) -> steps.Step:
    top, left = stage.corner(result.row.input)
    row, column, number = result.place
    return steps.Copied(*result.told, (row + top, column + left, number))


@step_of.register(stages.Add)
def _added(stage: stages.Add, result: Result) -> steps.Step:
    inputs = _met(result)
    return _joined(result, inputs, show_sum(inputs))


@step_of.register(stages.Multiply)
def _product(stage: stages.Multiply, result: Result) -> steps.Step:
    inputs = _met(result)
    return _joined(result, inputs, show_product(inputs))


def _met(result: Result) -> list[float]:
    """The value of each input that meets those of the others."""
    met = (Region.at(result.place).within(shape) for shape in result.row.inputs)
    pairs = zip(result.blocks, met, strict=True)
    return [block.take(*region.axes).item() for block, region in pairs if block is not None]


def _joined(result: Result, inputs: list[float], formula: str) -> steps.Step:
    reads = tuple(read + 1 for read in result.row.reads)
    source = _most(np.array(inputs))
    follows = Region.at(result.place).within(result.row.inputs[source]).place(len(result.place))
    return steps.Joined(*result.told, follows, reads, tuple(inputs), formula, source)


@step_of.register(stages.Concat)
def _one_of_them(stage: stages.Concat, result: Result) -> steps.Step:
    *spot, number = result.place
    source = 0
    for shape in result.row.inputs:
        if number < shape[-1]:
            break
        number -= shape[-1]
        source += 1
    reads = tuple(read + 1 for read in result.row.reads)
    return steps.Joined(*result.told, (*spot, number), reads, (result.value,), show(result.value), source)


@step_of.register(stages.Flatten)
def _flattened(stage: stages.Flatten, result: Result) -> steps.Step:
    given, place = result.row.input, result.place
    return steps.Flattened(*result.told, place if len(given) == 1 else unflattened(given, place[0]))


@step_of.register(stages.Pad)
def _padded(stage: stages.Pad, result: Result) -> steps.Step:
    windows, place = windows_of(result.row), result.place
    row, column = (int(taps(windows, axis, np.array([place[axis]]))[1].item()) for axis in (0, 1))
    return steps.Copied(*result.told, None if OUTSIDE in (row, column) else (row, column, place[2]))


@step_of.register(stages.Shuffle)
def _shuffled(stage: stages.Shuffle, result: Result) -> steps.Step:
    *place, number = result.place
    return steps.Copied(*result.told, (*place, stage.source(number, result.row.input[2])))


@step_of.register(stages.Dropout)
def _kept(stage: stages.Dropout, result: Result) -> steps.Step:
    return steps.Copied(*result.told, result.place)


@step_of.register(stages.BatchNorm)
def _normalized_by_batches(stage: stages.BatchNorm, result: Result) -> steps.Step:
    numbers = stage.numbers(result.row.input[-1])
    return _of_one(result, formulas.batch_norm(numbers, stage.epsilon, result.place[-1], result.x))


@step_of.register(stages.PReLU)
def _sloped(stage: stages.PReLU, result: Result) -> steps.Step:
    slopes = stage.slopes(result.row.input[-1])
    return _of_one(result, formulas.prelu(float(slopes[result.place[-1] % len(slopes)]), result.x))


@step_of.register(stages.LocalResponse)
def _responded(stage: stages.LocalResponse, result: Result) -> steps.Step:
    number = result.place[2]
    around = stage.around(number, result.row.input[2])
    inputs = result.channels(around.start, len(around))
    squares = np.square(inputs)
    total = float(squares.sum())
    formula = formulas.local_response(stage, result.x, total)
    lists = _numbers(inputs), _numbers(squares)
    return steps.Responded(*result.told, result.place, around.start, *lists, total, formula)


@step_of.register(stages.Dense)
def _multiplied(stage: stages.Dense, result: Result) -> steps.Step:
    weights, bias, order = values.dense_row(stage, result.row, result.place[0])
    vector = result.before.values.reshape(-1)[order]
    multiplied = products(weights, vector)
    follows = (int(order[_most(multiplied)]),)
    lists = _numbers(vector), _numbers(weights), _numbers(multiplied)
    return steps.Multiplied(*result.told, follows, *lists, float(multiplied.sum()), bias)


@step_of.register(stages.Softmax)
def _softmaxed(stage: stages.Softmax, result: Result) -> steps.Step:
    inputs = result.channels(0, result.row.input[-1])
    largest = float(inputs.max())
    powers = np.exp(inputs - largest)
    numbers = _numbers(inputs), largest, _numbers(powers), float(powers.sum())
    return steps.Softmaxed(*result.told, result.place, *numbers)


@step_of.register(stages.Activation)
def _activated(stage: stages.Activation, result: Result) -> steps.Step:
    return _of_one(result, formulas.activation(stage, result.x))


@step_of.register(stages.Normalize)
def _normalized(stage: stages.Normalize, result: Result) -> steps.Step:
    mean, std = (float(each[0]) for each in values.normalization(stage, np.array([result.place[-1]])))
    return _of_one(result, formulas.normalized(stage, result.x, mean, std))


@step_of.register(stages.Absolute)
def _absolute(stage: stages.Absolute, result: Result) -> steps.Step:
    return _of_one(result, f"|{show(result.x)}|")


def _of_one(result: Result, formula: str) -> steps.Step:
    return steps.Pointwise(*result.told, result.place, (result.x,), formula)


@step_of.register(stages.Gray)
def _gray(stage: stages.Gray, result: Result) -> steps.Step:
    colours = result.channels(0, result.row.input[-1])
    weights = np.array(stages.Gray.luma if len(colours) == 3 else (1.0,))
    formula = formulas.gray(weights.tolist(), colours.tolist()) if len(colours) == 3 else show(result.value)
    follows = (*result.place[:2], _most(weights * colours))
    return steps.Pointwise(*result.told, follows, _numbers(colours), formula)


@step_of.register(stages.Rgb)
def _coloured(stage: stages.Rgb, result: Result) -> steps.Step:
    row, column, number = result.place
    return steps.Copied(*result.told, (row, column, min(number, result.row.input[2] - 1)))


@step_of.register(stages.Magnitude)
def _magnitude(stage: stages.Magnitude, result: Result) -> steps.Step:
    first = result.place[2] * stage.count
    values = result.channels(first, stage.count)
    follows = (*result.place[:2], first + _most(values))
    return steps.Pointwise(*result.told, follows, _numbers(values), formulas.magnitude(values.tolist()))
