"""Convolution as a sum of shifted rows: a list of taps, each an offset and a weight; zero weights are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.combine import BY_NAME
from cnnfilter.engine.geometry import OUTSIDE, Array, Index, Windows

EXACT_FLOAT32 = 1 << 24
"""Whole numbers up to this are exact in float32, and so is every sum of them that stays below."""

LONG_SUM = 2048
"""Taps from which sums run in float64. Groups of 16 keep the error of float32 at (16 + taps / 16) half units in
the last place, which here reaches 0.9 of the 1e-5 that is promised."""

GROUP = 16
"""The most taps that the loops add at a time."""

NINE = 9
"""What the loops may fill small kernels up to."""

LARGEST_WHOLE = 1 << 15
"""Numbers up to which a filter is looked at as whole numbers times a gain."""

BLOCK_SAMPLES = 4096
"""Samples of a row that are summed at a time: the sums and what they read stay in the first-level cache."""


@dataclass(frozen=True)
class Rows:
    """Source rows as the loops read them.

    Attributes
    ----------
    samples : ndarray, (planes, R, W * step)
        Rows `first` to `first + R - 1` of each plane, C-contiguous.
    step : int
        Samples between neighbouring columns of one channel.
    first : int
    """

    samples: Array
    step: int = 1
    first: int = 0


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


def placed_rows(windows: Windows, source: Rows) -> Index:
    """Return the row of `source` behind each padded row, or `OUTSIDE`."""
    return np.where(windows.rows == OUTSIDE, OUTSIDE, windows.rows - source.first)


def finish(out: Array, gain: float, bias: float) -> Array:
    """Return what the loops do to a sum before they store it in `out`."""
    highest = np.iinfo(out.dtype).max if out.dtype.kind == "u" else 0
    return np.array([gain, bias, highest], dtype=np.float32)


class DirectFilter:
    """One or more filters over the same windows, combined into one map.

    Parameters
    ----------
    numbers : ndarray, (F, planes, kh, kw)
        Finite.
    gain : float
        What the sums are multiplied by.
    windows : Windows
    dtype : dtype
        Of the source.
    combine : {None, "magnitude", "maximum"}
        None for a single filter.
    """

    band_rows = 1
    """Output rows that are computed together, of which bands should be multiples."""

    def __init__(
        self, numbers: Array, gain: float, windows: Windows, dtype: np.dtype[Any], combine: str | None = None
    ) -> None:
        self.windows = windows
        self.gain = gain
        self.combine = BY_NAME[combine]
        self.kind = accumulator(numbers, dtype, windows.border.value)
        self.product = np.int16 if products_fit_int16(numbers, dtype) else self.kind
        found = np.argwhere(numbers)  # in order of filter, plane, row, column
        self.places = found[:, 1:].T * np.array([[1], [windows.dilation[0]], [windows.dilation[1]]])
        self.weights = numbers[numbers != 0].astype(self.product)
        self.starts = np.searchsorted(found[:, 0], np.arange(len(numbers) + 1))

    def run(self, source: Rows, first: int, out: Array, *, bias: float = 0.0, absolute: bool = False) -> None:
        """Compute output rows `first` onwards into `out`, (R, W' * step).

        `source` must hold the rows that `windows.needed` names. Stored is `sum + bias`, or its absolute value;
        in a float32 `out` as it is, in uint8 and uint16 rounded half to even and clamped.
        """
        windows, samples = self.windows, source.samples
        taps = self.places.copy()
        taps[0] *= samples[0].size
        count, filters = len(self.weights) + NINE, len(self.starts) - 1
        loops.filter_rows(
            out,
            samples.reshape(-1),
            samples.shape[2],
            source.step,
            placed_rows(windows, source),
            windows.columns,
            *windows.interior,
            *windows.stride,
            windows.pads[1][0],
            taps,
            self.weights,
            self.starts,
            windows.border.value,
            samples.dtype.kind == "u",
            self.combine,
            absolute,
            finish(out, self.gain, bias),
            first,
            np.empty((2, max(BLOCK_SAMPLES, source.step)), dtype=self.kind),
            np.empty((3, count), dtype=np.int64),
            np.empty(count, dtype=self.product),
            np.empty(filters, dtype=np.int64),
            np.empty(filters, dtype=np.float64),
        )
