"""The gradient of one weight, as the sum of each delta times the sample that the weight met for it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from cnnfilter.engine.geometry import OUTSIDE, border_index
from cnnfilter.engine.groups import Array
from cnnfilter.engine.scaling import prepared
from cnnfilter.errors import ArgumentError
from cnnfilter.explanation.selection import MOST_TERMS
from cnnfilter.learning.gradients.dense import column_order
from cnnfilter.learning.network import Seen
from cnnfilter.messages import about, show_shape
from cnnfilter.network import stages
from cnnfilter.network.plan import Row

Index = tuple[int, ...]

CONSTANT = "its kernels are constant, and not learned; those of conv:N@HxW, or from a file of weights, are"


class Met(NamedTuple):
    """What a weight met, place by place.

    Attributes
    ----------
    places : tuple of tuples of int
        (row, column) in the stage's result, or (index,).
    deltas : ndarray, (n,)
        Of the results there.
    samples : ndarray, (n,)
        Of the stage's input, that the weight was multiplied with; of the padding what the border holds.
    """

    places: tuple[Index, ...]
    deltas: Array
    samples: Array


@dataclass(frozen=True, eq=False)
class WeightGradient:
    """The gradient of one weight: the sum over all places of a delta times the sample that the weight met there.

    Attributes
    ----------
    number : int
        The stage's, counted from 1.
    name : str, optional
    stage : str
    at : tuple of int
        (filter, channel, row, column), of a transposed convolution (channel, filter, row, column), or (unit, input).
    weight : float
    met : Met
    rate : float
        The length of a step.
    """

    number: int
    name: str | None
    stage: str
    at: Index
    weight: float
    met: Met
    rate: float

    @property
    def products(self) -> Array:
        """Each delta times its sample."""
        return self.met.deltas * self.met.samples

    @property
    def gradient(self) -> float:
        """Their sum."""
        return math.fsum(self.products.tolist())

    @property
    def stepped(self) -> float:
        """The weight after a step of gradient descent."""
        return self.weight - self.rate * self.gradient


def weight_gradient(row: Row, seen: Seen | None, at: Index, number: int) -> tuple[float, Met]:
    """A weight of a stage, and what it met.

    Raises
    ------
    ArgumentError
        If there is no such weight; the message names the stage.
    """
    with about(f"stage {number + 1} ({row.stage.name}): "):
        known = TOLD.get(type(row.stage))
        if known is None:
            msg = "it has no weights that are told one by one; conv:N@HxW and dense have"
            raise ArgumentError(msg)
        weights = known.weights(row.stage, row)
        axes = "FILTER,CHANNEL,ROW,COL" if weights.ndim == 4 else "UNIT,INPUT"
        if len(at) != weights.ndim or any(place >= size for place, size in zip(at, weights.shape, strict=True)):
            given = ",".join(map(str, at))
            msg = f"there is no weight {given}: one is told as {axes}, counted from 0, of {show_shape(weights.shape)}"
            raise ArgumentError(msg)
        if seen is None or seen.delta is None:
            msg = "the result does not depend on it"
            raise ArgumentError(msg)
        x, delta = seen.inputs[0][0].astype(np.float64), seen.delta[0].astype(np.float64)
        return float(weights[at]), known.met(row.stage, row, at, x, delta)


def _bank(stage: stages.Conv, row: Row) -> Array:
    source = stage.source(row.input[2])
    if isinstance(source, tuple):
        raise ArgumentError(CONSTANT)
    return prepared(source.weight, flip=stage.flip, scale=stage.scale)


def _transposed_bank(stage: stages.ConvTranspose, row: Row) -> Array:
    if isinstance(stage.source(row.input[2]), tuple):
        raise ArgumentError(CONSTANT)
    return stage.weight(row.input[2])[0]


def _matrix(stage: stages.Dense, row: Row) -> Array:
    return stage.matrix(row.input[0])[0]


def _slid(stage: stages.Conv, row: Row, at: Index, x: Array, delta: Array) -> Met:
    number, channel, *tap = at
    deep = _bank(stage, row).shape
    of_group = number // (deep[0] * deep[1] // len(x))
    window, stride, dilation, pads = stage.sliding(row.input)
    seen = []
    for axis in (0, 1):
        size, out, before = row.input[axis], row.output[axis], pads[axis][0]
        reach = (out - 1) * stride[axis] + dilation[axis] * (window[axis] - 1) + 1
        index = border_index(size, before, max(reach - before - size, 0), stage.border.mode)
        seen.append(index[tap[axis] * dilation[axis] :: stride[axis]][:out])
    rows, columns = np.meshgrid(*seen, indexing="ij")
    is_outside = (rows == OUTSIDE) | (columns == OUTSIDE)
    samples = np.where(is_outside, stage.border.value, x[of_group * deep[1] + channel][rows, columns])
    places = [(i, j) for i in range(row.output[0]) for j in range(row.output[1])]
    return Met(tuple(places), delta[number].ravel(), samples.ravel())


def _spread(stage: stages.ConvTranspose, row: Row, at: Index, x: Array, delta: Array) -> Met:
    channel, number, *tap = at
    deep, (_, stride, dilation, pads, _) = _transposed_bank(stage, row).shape, stage.placing(row.input)
    of_group = channel // (len(x) * deep[1] // len(delta))
    reached = []  # the samples of each axis that come to a place in the result, and that place
    for axis in (0, 1):
        places = np.arange(row.input[axis]) * stride[axis] - pads[axis][0] + tap[axis] * dilation[axis]
        samples = np.flatnonzero((places >= 0) & (places < row.output[axis]))
        reached.append((samples, places[samples]))
    (rows, to_rows), (columns, to_columns) = reached
    deltas = delta[of_group * deep[1] + number][np.ix_(to_rows, to_columns)]
    told = [(int(i), int(j)) for i in to_rows for j in to_columns]
    return Met(tuple(told), deltas.ravel(), x[channel][np.ix_(rows, columns)].ravel())


def _multiplied(stage: stages.Dense, row: Row, at: Index, x: Array, delta: Array) -> Met:
    order = column_order(stage, row)
    place = at[1] if order is None else int(order[at[1]])
    return Met(((at[0],),), delta[at[0]][None], x[place][None])


class Told(NamedTuple):
    """How the weights of a kind of stage are told one by one.

    Attributes
    ----------
    weights : callable
        From the stage and its row to the weights that are learned, as PyTorch has them; an `ArgumentError` if they
        are constant.
    met : callable
        From stage, row, the weight's place, the stage's input and the deltas of its result, (C, H, W) or (n,), to what
        the weight met: the deltas of all results that it takes part in, and the samples that it is multiplied with.
    """

    weights: Callable[[Any, Row], Array]
    met: Callable[[Any, Row, Index, Array, Array], Met]


TOLD: dict[type[stages.Stage], Told] = {
    stages.Conv: Told(_bank, _slid),
    stages.ConvTranspose: Told(_transposed_bank, _spread),
    stages.Dense: Told(_matrix, _multiplied),
}
"""Those that have such weights; the gradients of all stages are an aspect, `differentiable`."""


def largest_products(told: WeightGradient) -> list[int]:
    """The products that are listed: all in order, or of many the largest, the largest first."""
    products = np.abs(told.products)
    return [*range(len(products))] if len(products) <= MOST_TERMS else np.argsort(-products)[:MOST_TERMS].tolist()
