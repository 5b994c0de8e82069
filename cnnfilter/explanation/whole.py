"""All that a stage is given, with its padding, where it is little: what figures show around a window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnfilter.engine.reference import Array
from cnnfilter.explanation.evaluation import evaluate
from cnnfilter.explanation.explaining import Chain, Explanation, planned
from cnnfilter.explanation.regions import Block, Region, picture_block
from cnnfilter.explanation.values import empty_of
from cnnfilter.network.graph import INPUT
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import Conv, Pool, Shape
from cnnfilter.running.lowering import windows_of

MOST_AROUND = 15
"""Rows, and columns, with padding, of an input that is shown around a window."""
MOST_WORK = 10**7
"""Multiply-adds and values that it may take to know it."""


class Whole(NamedTuple):
    """The maps that a stage is given, with their padding.

    Parameters
    ----------
    values : ndarray, (maps, rows, columns)
    rows, columns : range
        Where they lie: below 0, and from the size on, in the padding.
    inside : ndarray of bool, (rows, columns)
        Which places are none of the padding.
    """

    values: Array
    rows: range
    columns: range
    inside: NDArray[np.bool_]


def everything(shape: Shape) -> Region:
    """All of a result (H, W, C) or (n,)."""
    return Region(*map(np.arange, (shape[-1], *shape[:2]) if len(shape) == 3 else (shape[0], 1, 1)))


def given(rows: Sequence[Row], pixels: NDArray[Any], number: int) -> Block:
    """All of what a row reads, of several results the first one's."""
    read = rows[number].reads[0]
    if read == INPUT:
        return picture_block(pixels, everything(rows[number].inputs[0]))
    return evaluate(rows[: read + 1], pixels, everything(rows[read].output)).blocks[read]


def padded(row: Row, block: Block) -> Whole:
    """All that a row reads, with the padding that windows see."""
    if not isinstance(row.stage, Conv | Pool):
        height, width = row.inputs[0][:2]
        return Whole(block.values, range(height), range(width), np.ones((height, width), bool))
    windows = windows_of(row)
    fill = empty_of(row.stage) if isinstance(row.stage, Pool) else windows.border.value
    values = block.take(block.region.maps, windows.rows, windows.columns, fill)
    rows, columns = (
        range(-pads[0], count - pads[0]) for pads, count in zip(windows.pads, values.shape[1:], strict=True)
    )
    inside = [
        (np.array(places) >= 0) & (np.array(places) < size)
        for places, size in zip((rows, columns), windows.size, strict=True)
    ]
    return Whole(values, rows, columns, inside[0][:, None] & inside[1])


def small_inputs(pipeline: Chain, picture: Any, explanation: Explanation) -> dict[int, Whole]:
    """The maps that explained stages are given, by the stage's number, as far as they are small.

    Parameters
    ----------
    pipeline, picture, explanation
        The last is of the others.
    """
    rows, pixels, shape = planned(pipeline, picture)
    found: dict[int, Whole] = {}
    for step in explanation.steps:
        row = rows[step.number - 1]
        before = rows[: row.reads[0] + 1]
        work = math.prod(shape) + sum(each.macs + math.prod(each.output) for each in before)
        if len(row.inputs[0]) == 3 and max(row.inputs[0][:2]) <= MOST_AROUND and work <= MOST_WORK:
            whole = padded(row, given(rows, pixels, step.number - 1))
            if max(whole.values.shape[1:]) <= MOST_AROUND:
                found[step.number] = whole
    return found
