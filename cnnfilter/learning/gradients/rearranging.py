"""Gradients of what puts samples elsewhere, alone or mixed with their neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfilter.engine.geometry import border_index
from cnnfilter.engine.groups import Array
from cnnfilter.learning.gradients.base import Fixed, differentiable
from cnnfilter.learning.gradients.frames import Frame
from cnnfilter.learning.gradients.pointwise import Linear
from cnnfilter.network import stages
from cnnfilter.network.plan import Row


@differentiable.register
def _pad(stage: stages.Pad, row: Row) -> Linear:
    rows, columns = (border_index(row.input[i], *stage.padding[i], stage.border.mode) for i in (0, 1))
    frame = Frame(rows, columns, stage.border.value)
    return Linear(frame.copied, frame.returned)


@differentiable.register
def _crop(stage: stages.Crop, row: Row) -> Linear:
    rows, columns = (
        np.arange(corner, corner + size) for corner, size in zip(stage.corner(row.input), stage.size, strict=True)
    )
    frame = Frame(rows, columns)
    return Linear(frame.copied, frame.returned)


@differentiable.register
def _shuffle(stage: stages.Shuffle, row: Row) -> Linear:
    return Linear(lambda x: _in_turn(x, stage.groups), lambda delta, shape: _in_turn(delta, shape[0] // stage.groups))


def _in_turn(values: Array, groups: int) -> Array:
    return values.reshape(groups, -1, *values.shape[1:]).swapaxes(0, 1).reshape(values.shape)


class Resampled(Fixed):
    """Weighted means along rows and columns: a matrix along each, and backwards their transposes."""

    def __init__(self, stage: stages.Resampling, row: Row) -> None:
        super().__init__()
        self.down, self.along = (_weights(stage, row, axis) for axis in (0, 1))

    def value(self, x: Array) -> tuple[Array, Any]:
        """See `Fixed.value`."""
        return _mixed(x, self.down, self.along), None

    def delta(self, kept: Any, delta: Array) -> Array:
        """See `Fixed.delta`."""
        return _mixed(delta, self.down.T, self.along.T)


def _weights(stage: stages.Resampling, row: Row, axis: int) -> Array:
    """What each value along an axis takes of each sample, (values, samples)."""
    matrix = np.zeros((row.output[axis], row.input[axis]), np.float32)
    for place in range(len(matrix)):
        for sample, weight in stage.taps(row.input, axis, place):
            matrix[place, sample] += weight
    return matrix


def _mixed(x: Array, down: Array, along: Array) -> Array:
    channels, height, width, count = x.shape
    rows = (down @ x.reshape(channels, height, -1)).reshape(channels, len(down), width, count)
    mixed: Array = along @ rows
    return mixed


@differentiable.register
def _resample(stage: stages.Upsample | stages.Resize, row: Row) -> Resampled:
    return Resampled(stage, row)
