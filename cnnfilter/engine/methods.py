"""Which way to compute a filter: they differ in cost, and agree within the promised error."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from cnnfilter.engine.codes import AS_IS, ROW
from cnnfilter.engine.direct import DirectFilter
from cnnfilter.engine.fourier import FourierFilter, is_exact
from cnnfilter.engine.geometry import Array, Rows, Windows
from cnnfilter.engine.precision import EXACT_FLOAT32, is_whole, largest_sum, products_fit_int16, sum_type, whole_form
from cnnfilter.engine.reach import Reach, Scaled, scaled
from cnnfilter.engine.separable import BoxFilter, SeparableFilter, factors
from cnnfilter.text.numbers import FLOAT32_MAX

Summed = DirectFilter | SeparableFilter

FEWEST_SEPARABLE = 12
"""Taps fewer in two passes than in one from which the second pass pays."""

FEWEST_BOX = 9
"""Equal taps from which running sums pay."""

FEWEST_FOURIER = 122
"""Taps from which spectra pay."""

FEWEST_FOURIER_EXACT = {np.float32: 180, np.float64: 64, np.int64: 64}
"""The same for whole numbers, whose spectra are float64, by the type of their sums."""

FEWEST_ROWS = 4
"""Rows of a kernel from which spectra pay, which make nothing of its width cheaper."""

FEWEST_FOURIER_SHORT = 256
"""The same where products fit 16 bits, of which twice as many are added up at a time."""


class FloatFilter:
    """Filters over float32 samples, used as `DirectFilter` is: in float32 as far as that reaches, or in float64.

    Parameters
    ----------
    usual, wide : DirectFilter or SeparableFilter, and a function that returns one
        With sums in float32, and in float64.
    reach : Reach
        Of the first.
    """

    is_tiled = False

    def __init__(self, usual: Summed, wide: Callable[[], Summed], reach: Reach) -> None:
        self.usual = usual
        self.reach = reach
        self.band_rows = usual.band_rows
        self._make_wide = wide
        self._wide: Summed | None = None

    def over(self, source: Rows, first: int, last: int) -> Summed:
        """The filter for output rows `first` to `last - 1`."""
        if self.reach.covers(source, *self.usual.windows.needed(first, last)):
            return self.usual
        self._wide = self._wide or self._make_wide()  # threads may make the same twice
        return self._wide

    def run(self, source: Rows, first: int, out: Array, *, bias: float = 0.0, after: int = AS_IS) -> None:
        """Compute output rows `first` onwards into `out`; see `DirectFilter.run`."""
        self.over(source, first, first + len(out)).run(source, first, out, bias=bias, after=after)


Method = Summed | BoxFilter | FourierFilter | FloatFilter


def choose(filters: Array, windows: Windows, dtype: np.dtype[Any], combine: str | None = None) -> Method:
    """The fastest way to run some filters, combined into one map.

    Parameters
    ----------
    filters : ndarray, (F, planes, kh, kw) float32
        Finite.
    windows : Windows
    dtype : dtype
        Of the source: running sums are for whole numbers, and spectra lose what is not finite.
    combine : {None, "magnitude", "maximum"}
        None for a single filter.
    """
    if dtype.kind == "f":
        return _over_floats(filters, windows, combine)
    numbers, gain = whole_form(filters)
    if _is_wide(windows) and len(numbers) == numbers.shape[1] == 1:
        quick = _of_one_plane(numbers, gain, windows, dtype)
        if quick is not None:
            return quick
    return DirectFilter(numbers, gain, windows, dtype, combine)


def _is_wide(windows: Windows) -> bool:
    return min(windows.size[1], windows.out[1]) >= ROW and not windows.is_spread


def _factors(numbers: Array) -> tuple[Array, Array] | None:
    """The factors of one kernel of rank 1, if it is one and two passes pay."""
    matrix = numbers[0, 0]
    return factors(matrix) if np.count_nonzero(matrix) > sum(matrix.shape) + FEWEST_SEPARABLE else None


def _over_floats(filters: Array, windows: Windows, combine: str | None) -> Summed | FloatFilter:
    small = scaled(filters, combine)
    if small is None or not small.reach.holds(windows.border.value):
        return _summed(filters, windows, combine, None)
    usual = _summed(filters, windows, combine, small)
    wide = partial(_summed, filters, windows, combine, None)
    return usual if usual.kind == np.float64 else FloatFilter(usual, wide, small.reach)


def _summed(filters: Array, windows: Windows, combine: str | None, small: Scaled | None) -> Summed:
    """A way over float samples, in float32 if the filters are given for that, or in float64."""
    if _is_wide(windows) and len(filters) == filters.shape[1] == 1:
        two = _factors(filters)
        if two is not None:
            return SeparableFilter(*two, 1.0, windows, np.float64 if small is None else np.float32)
    numbers, unit = (filters, 1.0) if small is None else small[:2]
    return DirectFilter(numbers, unit, windows, np.dtype(np.float32), combine, wide=small is None)


def _of_one_plane(
    numbers: Array, gain: float, windows: Windows, dtype: np.dtype[Any]
) -> BoxFilter | SeparableFilter | FourierFilter | None:
    """A way that is faster than adding up taps over samples of 8 or 16 bits, or None."""
    matrix, outside = numbers[0, 0], windows.border.value
    largest, kind = largest_sum(numbers, dtype, outside), sum_type(numbers, dtype, outside)
    fits = largest < EXACT_FLOAT32 or (gain != 1 and largest <= np.iinfo(np.int32).max)  # also beside a bias
    if fits and matrix.size >= FEWEST_BOX and _is_box(matrix, windows):
        return BoxFilter(gain, windows, int(largest))
    two = _factors(numbers)
    if two is not None and kind != np.int64:
        return SeparableFilter(*two, gain, windows, kind)
    is_like_samples = 0 <= outside <= np.iinfo(dtype).max  # one large number spoils a tile
    if len(matrix) < FEWEST_ROWS or not is_like_samples:
        return None
    taps = np.count_nonzero(matrix)
    if gain == 1 and is_whole(numbers):
        fewest = FEWEST_FOURIER_EXACT[kind] if not products_fit_int16(numbers, dtype) else FEWEST_FOURIER_SHORT
        exact = taps >= fewest and is_whole(outside) and is_exact(largest, windows)
        return FourierFilter(matrix, gain, windows, exact=True) if exact else None
    pays = taps >= (FEWEST_FOURIER_SHORT if products_fit_int16(numbers, dtype) else FEWEST_FOURIER)
    return FourierFilter(matrix, gain, windows) if pays and largest * gain < FLOAT32_MAX else None


def _is_box(matrix: Array, windows: Windows) -> bool:
    value = windows.border.value
    return bool((matrix == 1).all()) and windows.stride == windows.dilation == (1, 1) and value == int(value)
