"""What float32 reaches: weights and float samples for which no part of a sum is infinite, or loses its digits.

Weights are scaled to sums below 1, by a power of two that a gain brings back: then no part of a sum is larger than the
largest sample, and the result is infinite only where it should be. At the other end digits are lost where all samples
of a band are tiny, and where weights differ by more than float32's range: these are summed in float64. Samples below
float32's normal numbers, 1e-38, may still lose digits where others in their band are 1e8 times as large: to look for
them, too, would take a fifth of the time of a small kernel.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.codes import MIDDLE, SIZE_BITS
from cnnfilter.engine.geometry import Array, Rows
from cnnfilter.engine.groups import Span
from cnnfilter.engine.precision import PROMISED, absolute_sums
from cnnfilter.text.numbers import FLOAT32_MAX

HALF_SMALLEST = 2.0**-150
"""What a rounding may cost among numbers so small that their digits are fixed: half of the smallest float32."""

TINY = 1e-30
"""Below it all samples of a band are small enough for some products to lose digits, if weights add up to 1."""


def unit_of(largest: float) -> float:
    """The power of two by which numbers are divided whose absolute sum may be `largest`: to 0.4 to 0.999.

    A thousandth below 1, as roundings may add up.
    """
    return float(2.0 ** math.frexp(1.001 * largest)[1])


def units_of(largest: Array) -> Array:
    """The same for each of some sums, float64."""
    units: Array = np.ldexp(1.0, np.frexp(1.001 * largest)[1])
    return units


class Reach(NamedTuple):
    """Sizes of samples.

    Attributes
    ----------
    least : float
        What the largest of all must reach.
    smallest, largest : float
        Between which all must be but 0; infinite where only `least` counts.
    """

    least: float
    smallest: float = 0.0
    largest: float = math.inf

    def holds(self, constant: float) -> bool:
        """Whether float32 will do for the border's constant."""
        return constant == 0 or self.smallest <= abs(constant) <= self.largest

    def covers(self, source: Rows, begin: int, end: int) -> bool:
        """Whether float32 will do for rows `begin` to `end - 1`, as `Windows.needed` names them."""
        begin = max(begin - source.first, 0)  # where all is padding, another row is named
        end = max(end - source.first, begin)
        if self.largest == math.inf:  # one will do: nearly always the middle of some map, or one of the first row
            row, column = (begin + end) // 2, source.samples.shape[2] // 2
            if abs(source.samples.item(0, row, column)) >= self.least:
                return True
            likely = source.samples[:, row, column], source.samples[:, begin]
            if any(np.abs(some).max() >= self.least for some in likely):
                return True
        smallest, largest = extremes(source.samples, begin, end)
        return self.smallest <= smallest and (self.least <= largest <= self.largest or largest == 0)


class Scaled(NamedTuple):
    """Filters, combined into one map, in float32.

    Attributes
    ----------
    numbers : ndarray, (F, planes, kh, kw) float32
        The filters divided by `unit`.
    unit : float
    reach : Reach
    """

    numbers: Array
    unit: float
    reach: Reach


def scaled(filters: Array, combine: str | None = None) -> Scaled | None:
    """Filters (F, planes, kh, kw) float32, scaled, or None where that costs digits."""
    sums = absolute_sums(filters).tolist()
    unit = unit_of(max(sums))
    if unit > FLOAT32_MAX:
        return None
    numbers = filters if unit == 1 else filters / np.float32(unit)
    if unit > 1 and not (numbers * np.float32(unit) == filters).all():
        return None
    if combine == "magnitude":  # squares lose digits, or are infinite, halfway
        lost, most = np.sqrt([HALF_SMALLEST * len(filters), FLOAT32_MAX / len(filters)]).tolist()
        lightest = float(np.abs(numbers).min(where=numbers != 0, initial=1.0))
        return Scaled(numbers, unit, Reach(0.0, lost / PROMISED / lightest, most))
    lightest = min((each for each in sums if each > 0), default=unit) / unit
    return Scaled(numbers, unit, Reach(TINY / lightest))


def extremes(samples: Array, begin: int, end: int) -> tuple[float, float]:
    """The smallest size but 0 and the largest, of the finite samples of some rows of each plane (planes, R, L) float32.

    Infinity and 0 stand for what there is none of.
    """
    found = _sizes(samples, begin, end)
    if found is not None and np.isfinite(found).all():
        return float(found[0]) or math.inf, float(found[1])
    sizes = np.abs(samples[:, begin:end])
    is_finite = np.isfinite(sizes)
    smallest = sizes.min(where=is_finite & (sizes > 0), initial=math.inf)
    return float(smallest), float(sizes.max(where=is_finite, initial=0))


def largest_size(samples: Array, begin: int, end: int) -> float:
    """The largest size of the samples of some rows of each plane, as `extremes` takes them; NaN is the largest."""
    found = _sizes(samples, begin, end)
    return float(np.abs(samples[:, begin:end]).max() if found is None else found[1])


def _sizes(samples: Array, begin: int, end: int) -> Array | None:
    """The smallest size, 0 where all are, and the largest, or None for a few samples."""
    planes, rows, length = samples.shape
    pitch, size = rows * length, (end - begin) * length
    if begin == 0 and size == pitch:  # of small planes no single one has enough
        planes, pitch, size = 1, planes * pitch, planes * pitch
    if size < MIDDLE:
        return None
    found = np.empty(2 * MIDDLE + 2, dtype=np.int32)
    loops.extremes(found, samples.reshape(-1), planes, pitch, Span(begin * length, size))
    smallest, largest = found[2 * MIDDLE :].tolist()
    return np.array([1 + SIZE_BITS - smallest if smallest > 0 else 0, largest], dtype=np.int32).view(np.float32)
