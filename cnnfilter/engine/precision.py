"""In which type of number sums are added up: exact for whole numbers, within the promised error for the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfilter.engine.codes import GROUP, SUM_LENGTH
from cnnfilter.engine.geometry import Array
from cnnfilter.text.numbers import FLOAT32_MAX

PROMISED = 1e-5
"""The error of a sum, as a part of the sum of its absolute terms."""

EXACT_FLOAT32 = 1 << 24
"""Whole numbers up to this are exact in float32, and so is every sum of them that stays below."""

LONG_SUM = 2048
"""Taps from which sums run in float64. Groups of 16 keep the error of float32 at (16 + taps / 16) half units in
the last place, which here reaches 0.9 of the 1e-5 that is promised."""

TINY = 2.0**-100
"""Weights of filters below which a power of two is taken out: with a border that is not whole, products lose digits."""

LARGEST_WHOLE = 1 << 15
"""Numbers up to which a filter is looked at as whole numbers times a gain."""


EXACT_FLOAT64 = 1 << 53
"""The same in float64."""

EXACT_INT64 = 1 << 63
"""Sums of whole numbers that stay below fit int64."""


def is_whole(numbers: Array | float) -> bool:
    """Whether numbers are all whole."""
    return bool(np.equal(numbers, np.rint(numbers)).all())


def absolute_sums(filters: Array) -> Array:
    """The sum of each filter's absolute weights, (F,) float64, of filters (F, planes, kh, kw)."""
    sums: Array = np.abs(filters).reshape(len(filters), -1).sum(axis=1, dtype=np.float64)
    return sums


def largest_sum(filters: Array, dtype: np.dtype[Any], outside: float) -> float:
    """What the absolute terms of a sum may add up to, over whole numbers of a type and the border's constant."""
    return float(absolute_sums(filters).max()) * max(np.iinfo(dtype).max, abs(outside))


def sum_type(filters: Array, dtype: np.dtype[Any], outside: float, combine: str | None = None) -> type[np.number[Any]]:
    """The type in which sums over samples of 8 or 16 bits are exact if they are whole, and never infinite.

    Longer sums than `LONG_SUM` keep the promised error in it only if they are whole.
    """
    largest = largest_sum(filters, dtype, outside)
    if largest >= EXACT_FLOAT32 and is_whole(filters):
        needs_int64 = EXACT_FLOAT64 <= largest < EXACT_INT64 and is_whole(outside) and combine != "magnitude"
        return np.int64 if needs_int64 else np.float64
    square = largest * largest * len(filters) if combine == "magnitude" else largest
    return np.float32 if square < FLOAT32_MAX else np.float64


def accumulator(
    filters: Array, dtype: np.dtype[Any], outside: float, combine: str | None = None
) -> type[np.number[Any]]:
    """The type of the sums: exact for whole numbers, within 1e-5 of the magnitudes for the rest.

    Of samples that are floats it does so where `reach` says that they are neither too large nor too small.
    """
    kind = np.float32 if dtype.kind == "f" else sum_type(filters, dtype, outside, combine)
    longest = max(int(np.count_nonzero(one)) for one in filters)
    return np.float64 if kind is np.float32 and longest >= LONG_SUM else kind


def float32_serves_twice(down: int, along: int) -> bool:
    """Whether two passes, over so many taps, stay within the error: 0.8 of it, as factors take a fifth.

    The first adds up groups of 64 terms, and the second of 16, each with half a unit in the last place.
    """
    roundings = SUM_LENGTH + down / SUM_LENGTH + GROUP + along / GROUP
    return roundings < 0.8 * 1e-5 / 2.0**-24


def whole_form(filters: Array) -> tuple[Array, float]:
    """Whole numbers and the gain that makes them the filters, or the filters and 1; if they are tiny, a power of two.

    Sums of whole numbers are exact, and those of small ones are fast in 16 bits: so a binomial's 1/16 and a
    box's 1/9 are multiplied once, at the end.
    """
    sizes = np.abs(filters[filters != 0])
    gain = 1.0 if is_whole(filters) else float(sizes.min())
    numbers = filters.astype(np.float64) / gain
    whole = np.rint(numbers)
    # Half a unit in the last place of each number and of the gain.
    if np.abs(whole).max(initial=0) > LARGEST_WHOLE or (np.abs(numbers - whole) > 2.0**-23 * np.abs(numbers)).any():
        unit = 2.0 ** np.frexp(sizes.max())[1] if sizes.max() < TINY else 1.0
        return filters / np.float32(unit), unit
    return whole.astype(np.float32), gain


def products_fit_int16(numbers: Array, dtype: np.dtype[Any]) -> bool:
    """Whether the products of any 16 taps with 8-bit samples add up within 16 bits."""
    if dtype != np.uint8 or not is_whole(numbers):
        return False
    largest = -np.sort(-np.abs(numbers.reshape(len(numbers), -1)), axis=1)[:, :GROUP]
    return bool(largest.sum(axis=1, dtype=np.float64).max() * 255 <= np.iinfo(np.int16).max)
