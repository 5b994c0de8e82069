"""In which type of number sums are added up: exact for whole numbers, within the promised error for the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfilter.engine.codes import GROUP, SUM_LENGTH
from cnnfilter.engine.geometry import Array

EXACT_FLOAT32 = 1 << 24
"""Whole numbers up to this are exact in float32, and so is every sum of them that stays below."""

LONG_SUM = 2048
"""Taps from which sums run in float64. Groups of 16 keep the error of float32 at (16 + taps / 16) half units in
the last place, which here reaches 0.9 of the 1e-5 that is promised."""

LARGEST_WHOLE = 1 << 15
"""Numbers up to which a filter is looked at as whole numbers times a gain."""


def sums_are_exact(filters: Array, dtype: np.dtype[Any], outside: float) -> bool:
    """Return whether float32 keeps every sum of whole numbers exact; true as well where nothing is whole."""
    if dtype.kind != "u" or (filters != np.rint(filters)).any():
        return True
    largest = max(np.iinfo(dtype).max, abs(outside))
    sums = np.abs(filters).sum(axis=(1, 2, 3), dtype=np.float64)
    return bool(sums.max() * largest < EXACT_FLOAT32)


def accumulator(filters: Array, dtype: np.dtype[Any], outside: float) -> type[np.floating[Any]]:
    """Return the type of the sums: exact for whole numbers, within 1e-5 of the magnitudes for the rest."""
    longest = max(int(np.count_nonzero(one)) for one in filters)
    return np.float32 if longest < LONG_SUM and sums_are_exact(filters, dtype, outside) else np.float64


def float32_serves_twice(down: int, along: int) -> bool:
    """Return whether two passes, over so many taps, stay within the error: 0.8 of it, as factors take a fifth.

    The first adds up groups of 64 terms, and the second of 16, each with half a unit in the last place.
    """
    roundings = SUM_LENGTH + down / SUM_LENGTH + GROUP + along / GROUP
    return roundings < 0.8 * 1e-5 / 2.0**-24


def whole_form(filters: Array) -> tuple[Array, float]:
    """Return whole numbers and the gain that makes them the filters, or the filters and 1.

    Sums of whole numbers are exact, and those of small ones are fast in 16 bits: so a binomial's 1/16 and a
    box's 1/9 are multiplied once, at the end.
    """
    sizes = np.abs(filters[filters != 0])
    gain = 1.0 if (filters == np.rint(filters)).all() else float(sizes.min())
    numbers = filters.astype(np.float64) / gain
    whole = np.rint(numbers)
    # Half a unit in the last place of each number and of the gain.
    if np.abs(whole).max(initial=0) > LARGEST_WHOLE or (np.abs(numbers - whole) > 2.0**-23 * np.abs(numbers)).any():
        return filters, 1.0
    return whole.astype(np.float32), gain


def products_fit_int16(numbers: Array, dtype: np.dtype[Any]) -> bool:
    """Return whether the products of any 16 taps with 8-bit samples add up within 16 bits."""
    if dtype != np.uint8 or (numbers != np.rint(numbers)).any():
        return False
    largest = -np.sort(-np.abs(numbers.reshape(len(numbers), -1)), axis=1)[:, :GROUP]
    return bool(largest.sum(axis=1).max() * 255 <= np.iinfo(np.int16).max)
