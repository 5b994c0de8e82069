"""How each kind of stage tells what it did to make one value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfilter.engine.geometry import Index
from cnnfilter.explanation import formulas, steps, values
from cnnfilter.explanation.filters import Array, Filters
from cnnfilter.explanation.regions import Block, Place, taps, unflattened, windows_of
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


@singledispatch
def step_of(stage: Stage, row: Row, before: Block, number: int, place: Place, value: float) -> steps.Step:
    """Return what a stage did to make one value.

    Parameters
    ----------
    stage : Stage
    row : Row
    before : Block
        Its input, as far as the value depends on it.
    number : int
        The stage's.
    place : tuple of int
    value : float
    """
    raise unknown(stage, "worked steps")


def _matrix(values: NDArray[Any]) -> Any:
    """Return a matrix as nested tuples of Python's numbers."""
    return tuple(tuple(row) for row in values.tolist())


def _numbers(values: Array) -> tuple[float, ...]:
    return tuple(values.reshape(-1).tolist())


def _most(values: Array) -> int:
    """Return which value counts most: the first of the largest magnitude, or of NaN."""
    return int(np.argmax(np.where(np.isnan(values), np.inf, np.abs(values))))


def _most_inside(values: Array, padding: NDArray[np.bool_]) -> int | None:
    """Return which value of some windows counts most, of equals the nearest to the middle; None in padding alone."""
    sizes = np.where(padding, -1.0, np.where(np.isnan(values), np.inf, np.abs(values)))
    height, width = padding.shape
    away = np.hypot(np.arange(height)[:, None] - (height - 1) / 2, np.arange(width) - (width - 1) / 2)
    nearest = np.where(sizes == sizes.max(), np.broadcast_to(away, sizes.shape), np.inf)
    return None if padding.all() else int(np.argmin(nearest))


@dataclass(frozen=True, eq=False)
class _Under:
    """Where the taps of one window lie, and which samples stand there."""

    rows: Index
    columns: Index
    row_index: Index
    column_index: Index
    padding: NDArray[np.bool_]

    @classmethod
    def at(cls, row: Row, place: Place) -> _Under:
        windows = windows_of(row)
        rows, row_index = (each[0] for each in taps(windows, 0, np.array([place[0]])))
        columns, column_index = (each[0] for each in taps(windows, 1, np.array([place[1]])))
        above_or_below = (rows < 0) | (rows >= row.input[0])
        padding = above_or_below[:, None] | (columns < 0) | (columns >= row.input[1])
        return cls(rows, columns, row_index, column_index, padding)

    def window(self, channel: int, values: Array) -> steps.Window:
        rows, columns = tuple(self.rows.tolist()), tuple(self.columns.tolist())
        return steps.Window(channel, rows, columns, _matrix(values), _matrix(self.padding))

    def place(self, flat: int, channel: int) -> Place:
        row, column = divmod(flat, len(self.columns))
        return int(self.rows[row]), int(self.columns[column]), channel


@step_of.register(Conv)
def _convolved(stage: Conv, row: Row, before: Block, number: int, place: Place, value: float) -> steps.Step:
    chosen = Filters(stage, row.input).of(place[2])
    under = _Under.at(row, place)
    fill = windows_of(row).border.value
    held = before.take(chosen.channels, under.row_index, under.column_index, fill)
    multiplied = values.products(chosen.weights, held[None])
    channel_sums = multiplied.sum(axis=(2, 3))
    totals = channel_sums.sum(axis=1)
    scaled = chosen.scaled(totals)
    filters = tuple(
        steps.FilterSum(
            tuple(
                steps.ChannelSum(
                    under.window(channel, held[c]),
                    _matrix(chosen.weights[f, c]),
                    _matrix(multiplied[f, c]),
                    float(channel_sums[f, c]),
                )
                for c, channel in enumerate(chosen.channels)
            ),
            float(totals[f]),
            chosen.scale,
            float(scaled[f]),
        )
        for f in range(len(totals))
    )
    counting = multiplied if chosen.combine != "maximum" else multiplied[[int(np.argmax(scaled))]]
    found = _most_inside(counting, under.padding)
    follows = None
    if found is not None:
        c, flat = divmod(found % counting[0].size, under.padding.size)
        follows = under.place(flat, chosen.channels[c])
    text = str(stage)
    return steps.Convolved(number, text, place, value, follows, chosen.name, filters, chosen.combine, chosen.bias)


@step_of.register(Pool)
def _pooled(stage: Pool, row: Row, before: Block, number: int, place: Place, value: float) -> steps.Step:
    under = _Under.at(row, place)
    fill = -np.inf if stage.kind == "max" else 0.0
    held = before.take([place[2]], under.row_index, under.column_index, fill)[0]
    if stage.kind == "max":
        inside = np.flatnonzero(~under.padding)
        ranked = np.where(np.isnan(held), np.inf, held).reshape(-1)[inside]
        # as in PyTorch, the first of equals; a NaN is larger than all
        found = int(inside[np.argmax(ranked)]) if inside.size else None
    else:
        found = _most_inside(held, under.padding)
    follows = None if found is None else under.place(found, place[2])
    total = None if stage.kind == "max" else float(held.sum())
    divisor = values.divisor(stage, windows_of(row), place)
    window = under.window(place[2], held)
    return steps.Pooled(number, str(stage), place, value, follows, stage.kind, window, total, divisor)


@step_of.register(GlobalAveragePool)
def _averaged(stage: GlobalAveragePool, row: Row, before: Block, number: int, place: Place, value: float) -> steps.Step:
    plane = before.take([place[2]], before.region.rows, before.region.columns)[0]
    found = _most(plane)
    follows = (*divmod(found, plane.shape[1]), place[2])
    return steps.Averaged(number, str(stage), place, value, follows, float(plane.sum()), plane.size)


@step_of.register(Flatten)
def _flattened(stage: Flatten, row: Row, before: Block, number: int, place: Place, value: float) -> steps.Step:
    origin = place if len(row.input) == 1 else unflattened(row.input, place[0])
    return steps.Flattened(number, str(stage), place, value, origin)


@step_of.register(Dense)
def _multiplied(stage: Dense, row: Row, before: Block, number: int, place: Place, value: float) -> steps.Step:
    weights, bias, order = values.dense_row(stage, row, place[0])
    vector = before.values.reshape(-1)[order]
    multiplied = values.products(weights, vector)
    most = _most(multiplied)
    return steps.Multiplied(
        number, str(stage), place, value, (int(order[most]),),
        _numbers(vector), _numbers(weights), _numbers(multiplied), float(multiplied.sum()), bias,
    )  # fmt: skip


@step_of.register(Softmax)
def _softmaxed(stage: Softmax, row: Row, before: Block, number: int, place: Place, value: float) -> steps.Step:
    inputs = _column(row, before, place)
    largest = float(inputs.max())
    powers = np.exp(inputs - largest)
    numbers = _numbers(inputs), largest, _numbers(powers), float(powers.sum())
    return steps.Softmaxed(number, str(stage), place, value, place, *numbers)


def _column(row: Row, before: Block, place: Place) -> Array:
    """Return all channels of one place, or the whole vector."""
    at = place[:2] if len(place) == 3 else (0, 0)
    rows, columns = (np.array([index]) for index in at)
    return before.take(range(row.input[-1]), rows, columns)[:, 0, 0]


@step_of.register(Activation)
def _activated(stage: Activation, row: Row, before: Block, number: int, place: Place, value: float) -> steps.Step:
    x = before.value(place)
    return _pointwise(stage, number, place, value, x, formulas.activation(stage, x))


@step_of.register(Normalize)
def _normalized(stage: Normalize, row: Row, before: Block, number: int, place: Place, value: float) -> steps.Step:
    x = before.value(place)
    mean, std = (float(each[0]) for each in values.normalization(stage, np.array([place[-1]])))
    return _pointwise(stage, number, place, value, x, formulas.normalized(stage, x, mean, std))


@step_of.register(Absolute)
def _absolute(stage: Absolute, row: Row, before: Block, number: int, place: Place, value: float) -> steps.Step:
    x = before.value(place)
    return _pointwise(stage, number, place, value, x, formulas.absolute(stage, x))


def _pointwise(stage: Stage, number: int, place: Place, value: float, x: float, formula: str) -> steps.Step:
    return steps.Pointwise(number, str(stage), place, value, place, (x,), formula)


@step_of.register(Gray)
def _gray(stage: Gray, row: Row, before: Block, number: int, place: Place, value: float) -> steps.Step:
    colours = _column(row, before, place)
    weights = np.array(Gray.luma if len(colours) == 3 else (1.0,))
    most = _most(weights * colours)
    formula = formulas.gray(weights.tolist(), colours.tolist()) if len(colours) == 3 else formulas.show(value)
    follows = (*place[:2], most)
    return steps.Pointwise(number, str(stage), place, value, follows, _numbers(colours), formula)


@step_of.register(Magnitude)
def _magnitude(stage: Magnitude, row: Row, before: Block, number: int, place: Place, value: float) -> steps.Step:
    first = place[2] * stage.count
    values = np.array([before.value((*place[:2], first + i)) for i in range(stage.count)])
    follows = (*place[:2], first + _most(values))
    formula = formulas.magnitude(values.tolist())
    return steps.Pointwise(number, str(stage), place, value, follows, _numbers(values), formula)
