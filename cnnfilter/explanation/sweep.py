"""A window at all of its places, one after the other: what moving pictures show."""

from __future__ import annotations

from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np

from cnnfilter.engine.reference import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.explanation import steps, transposed
from cnnfilter.explanation.explaining import Chain, check_windows, planned
from cnnfilter.explanation.regions import Block, Region, taps
from cnnfilter.explanation.values import compute
from cnnfilter.explanation.whole import Whole, given, padded
from cnnfilter.explanation.worked import Result, step_of
from cnnfilter.messages import about, either, show_shape
from cnnfilter.network import stages
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import Conv, ConvTranspose, Pool, Stage
from cnnfilter.network.stages.base import unknown
from cnnfilter.running.lowering import windows_of
from cnnfilter.sizes import Pair

MOST_PLACES = 256
"""The most values of a map whose making is shown, each by a picture."""
MOST_SIDE = 20
"""Rows, and columns, of an input with its padding that are shown."""

Lines = tuple[int, ...]
"""Rows or columns."""


class Reach(NamedTuple):
    """Where windows lie over an input, and what of that is drawn.

    Parameters
    ----------
    drawn : (range, range)
        The rows and the columns of the input, with padding.
    windows : ((tuple of int, ...), (tuple of int, ...))
        The rows of the windows, by the row of the result, and their columns by its column.
    spacing : (int, int)
        How far the samples of neighbouring rows, and columns, are drawn apart.
    """

    drawn: tuple[range, range]
    windows: tuple[tuple[Lines, ...], tuple[Lines, ...]]
    spacing: Pair = (1, 1)


class Moment(NamedTuple):
    """A window at one place.

    Parameters
    ----------
    rows, columns : tuple of int
        Those that it covers.
    step : Step
        What it gives.
    """

    rows: Lines
    columns: Lines
    step: steps.Step


class Sweep(NamedTuple):
    """A window that moves over all of its places.

    Parameters
    ----------
    stage : str
        The text of the stage.
    whole : Whole
        All that it moves over.
    spacing : (int, int)
        How far the samples of neighbouring rows, and columns, lie apart.
    kernels : ndarray, (channels, kh, kw)
        Of a transposed convolution, whose steps do not tell: what windows are multiplied with, as it lies over the
        input; of others none.
    made : ndarray, (rows, columns)
        The map that comes of it.
    moments : tuple of Moment
        Row by row.
    """

    stage: str
    whole: Whole
    spacing: Pair
    kernels: Array
    made: Array
    moments: tuple[Moment, ...]


def sweep(pipeline: Chain, picture: Any, number: int = 0) -> Sweep:
    """The window of a chain's last stage at all of its places.

    Parameters
    ----------
    pipeline : Pipeline
    picture : array_like, (H, W) or (H, W, C)
    number : int
        Which map of the result is made.

    Returns
    -------
    Sweep
        In float64.

    Raises
    ------
    ArgumentError
        If the stage has no window that moves, its input or its result is too large to be shown, there is no such map,
        or a stage has no weights.
    ShapeError, KernelError
        If a stage does not fit what arrives.
    """
    rows, pixels, _ = planned(pipeline, picture)
    check_windows(rows)
    row, stage = rows[-1], rows[-1].stage
    with about(f"stage {len(rows)} ({stage.name}): "):
        reach = reach_of(stage, row)
        _check(row, reach, number)
    block = given(rows, pixels, len(rows) - 1)
    height, width = row.output[:2]
    with np.errstate(invalid="ignore", over="ignore"):
        made = compute(stage, row, block, Region(np.array([number]), np.arange(height), np.arange(width)))[0]
        moments = [
            Moment(
                reach.windows[0][i],
                reach.windows[1][j],
                step_of(stage, Result(len(rows), row, (block,), (i, j, number), float(made[i, j]))),
            )
            for i, j in np.ndindex(height, width)
        ]
    whole, kernels = padded(row, block), np.empty((0, 0, 0))
    if isinstance(stage, ConvTranspose):
        whole, kernels = _spread(block, reach), transposed.Filters(stage, row).of(number)[:, ::-1, ::-1]
    return Sweep(str(stage), whole, reach.spacing, kernels, made, tuple(moments))


def _check(row: Row, reach: Reach, number: int) -> None:
    height, width, maps = row.output
    sides = tuple(map(len, reach.drawn))
    smaller = "give a smaller picture, or put resize:8 or crop:8 before it"
    if number >= maps:
        msg = f"no map {number}: the result is {show_shape(row.output)}, maps 0 to {maps - 1}"
        raise ArgumentError(msg)
    if height * width > MOST_PLACES:
        msg = f"{height}x{width} places of the window are too many to be shown (at most {MOST_PLACES}); {smaller}"
        raise ArgumentError(msg)
    if max(sides) > MOST_SIDE:
        msg = (
            f"{show_shape(sides)} values with the padding are too many to be shown (at most {MOST_SIDE}x{MOST_SIDE}); "
            f"{smaller}"
        )
        raise ArgumentError(msg)


@singledispatch
def reach_of(stage: Stage, row: Row) -> Reach:
    """Where the windows of a stage lie; an `ArgumentError` if it has none that moves."""
    raise unknown(stage, "moving windows")


@reach_of.register(stages.Absolute | stages.Activation | stages.Dropout | stages.Normalize | stages.Softmax)
@reach_of.register(stages.BatchNorm | stages.PReLU | stages.LocalResponse | stages.Gray | stages.Rgb | stages.Magnitude)
@reach_of.register(stages.GlobalAveragePool | stages.GlobalMaxPool | stages.Flatten | stages.Dense)
@reach_of.register(stages.Add | stages.Multiply | stages.Concat | stages.Pad | stages.Shuffle)
@reach_of.register(stages.Crop | stages.Resize | stages.Upsample)
def _of_none(stage: Stage, row: Row) -> Reach:
    named = either("--node NODE names one", "up_to(NODE) ends in one")
    msg = f"no window moves here; a conv, a convtranspose or a pool has one, and {named}"
    raise ArgumentError(msg)


@reach_of.register(Conv | Pool)
def _over_padding(stage: Stage, row: Row) -> Reach:
    windows = windows_of(row)
    lengths = len(windows.rows), len(windows.columns)
    drawn = tuple(range(-pads[0], length - pads[0]) for pads, length in zip(windows.pads, lengths, strict=True))
    down, along = (tuple(map(tuple, taps(windows, axis, np.arange(windows.out[axis]))[0].tolist())) for axis in (0, 1))
    return Reach((drawn[0], drawn[1]), (down, along))


@reach_of.register
def _over_spread(stage: ConvTranspose, row: Row) -> Reach:
    placing = stage.placing(row.input)
    drawn: list[range] = []
    windows: list[tuple[Lines, ...]] = []
    for axis in (0, 1):
        before, steps_back = placing.pads[axis][0], range(placing.window[axis] - 1, -1, -1)
        places = range(before, before + row.output[axis])
        windows.append(tuple(tuple(place - tap * placing.dilation[axis] for tap in steps_back) for place in places))
        last = (row.input[axis] - 1) * placing.stride[axis]
        drawn.append(range(min(0, windows[axis][0][0]), max(last, windows[axis][-1][-1]) + 1))
    return Reach((drawn[0], drawn[1]), (windows[0], windows[1]), placing.stride)


def _spread(block: Block, reach: Reach) -> Whole:
    """The samples of an input apart from each other, with zeros between and around them."""
    values = np.zeros((len(block.values), *map(len, reach.drawn)))
    places = [
        np.arange(count) * spacing - drawn[0]
        for count, spacing, drawn in zip(block.values.shape[1:], reach.spacing, reach.drawn, strict=True)
    ]
    values[np.ix_(np.arange(len(values)), *places)] = block.values
    inside = np.zeros(values.shape[1:], bool)
    inside[np.ix_(*places)] = True
    return Whole(values, *reach.drawn, inside)
