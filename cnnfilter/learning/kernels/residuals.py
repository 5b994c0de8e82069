"""What a learned kernel leaves over: how far its results are from those that it was learned from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from cnnfilter.engine.geometry import Array
from cnnfilter.engine.ops import conv2d
from cnnfilter.learning.kernels.pairs import Pair

ROWS = 256
"""Rows of a picture that are filtered at a time."""


class Part(NamedTuple):
    """Channels that one filter reads, and that of the result which it makes.

    Parameters
    ----------
    planes : tuple of int
    plane : int
    """

    planes: tuple[int, ...]
    plane: int


@dataclass(frozen=True)
class Residual:
    """How far results are from what was learned from, added up, in its units (of 255, 65535, or 1 for floats).

    Parameters
    ----------
    count : int
        How many pixels count.
    squares : float
        The sum of the squares of what is left over of them.
    largest : float
        The largest.
    total, power : float
        The sums of what was learned from, and of its squares.
    pixels : int
        How many whole windows there are, of whole numbers, those of clipped pixels too,
    same : int
        and how many of their results are the same once rounded.
    """

    count: int = 0
    squares: float = 0.0
    largest: float = 0.0
    total: float = 0.0
    power: float = 0.0
    pixels: int = 0
    same: int = 0

    def __add__(self, other: Residual) -> Residual:
        added = {each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        return Residual(**{**added, "largest": max(self.largest, other.largest)})

    @property
    def rms(self) -> float:
        """The root of the mean square."""
        return math.sqrt(self.squares / self.count)

    @property
    def variation(self) -> float:
        """The standard deviation of what was learned from."""
        return math.sqrt(max(self.power / self.count - (self.total / self.count) ** 2, 0))

    def psnr(self, full: float) -> float:
        """The peak signal-to-noise ratio in decibels, infinite where nothing is left over."""
        return math.inf if self.squares == 0 else 20 * math.log10(full / self.rms)


def inner(after: Array, size: tuple[int, int]) -> Array:
    """The part of a result, (h, w), whose windows lie in the picture as `apply` places them."""
    height, width = after.shape
    top, left = (size[0] - 1) // 2, (size[1] - 1) // 2
    return after[top : top + height - size[0] + 1, left : left + width - size[1] + 1]


def unclipped(after: Array) -> Array:
    """Which pixels are neither black nor white, and so tell what a filter gave; all of floats."""
    if after.dtype.kind == "f":
        return np.ones(after.shape, bool)
    return (after > 0) & (after < np.iinfo(after.dtype).max)


def predicted(pair: Pair, part: Part, weight: Array, bias: float, step: int = 1) -> Array:
    """What weights (I, kh, kw) make of a picture, (h, w) float32, of every `step`-th window."""
    planes = np.ascontiguousarray(pair.before[:, :, list(part.planes)].transpose(2, 0, 1))
    filters, biases = weight[None].astype(np.float32), np.array([bias], np.float32)
    result: Array = conv2d(planes, filters, biases, stride=step, layout="chw")[0]
    return result


def _bands(pair: Pair, part: Part, weight: Array, bias: float) -> Iterator[tuple[Array, Array]]:
    """What weights make, and what there is, some rows at a time."""
    size = (weight.shape[1], weight.shape[2])
    after = inner(pair.after[:, :, part.plane], size)
    for first in range(0, len(after), ROWS):
        rows = after[first : first + ROWS]
        seen = pair._replace(before=pair.before[first : first + len(rows) + size[0] - 1])
        yield predicted(seen, part, weight, bias), rows


def residual(pairs: Sequence[Pair], parts: Sequence[Part], weight: Array, bias: float) -> Residual:
    """How far the results of a filter are from what there is, over all that it reads."""
    total = Residual()
    for pair in pairs:
        for part in parts:
            for made, there in _bands(pair, part, weight, bias):
                counts = unclipped(there)
                seen = there[counts].astype(np.float64)
                error = seen - made[counts]
                whole = there.dtype.kind == "u"
                same = np.clip(np.rint(made), 0, np.iinfo(there.dtype).max) == there if whole else there[:0]
                total += Residual(
                    error.size,
                    float(error @ error),
                    float(np.abs(error).max(initial=0)),
                    float(seen.sum()),
                    float(seen @ seen),
                    same.size,
                    int(np.count_nonzero(same)),
                )
    return total
