"""Which way to compute a filter: they differ in cost, and agree within the promised error."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfilter.engine.codes import ROW
from cnnfilter.engine.direct import DirectFilter
from cnnfilter.engine.fourier import FourierFilter
from cnnfilter.engine.geometry import Array, Windows
from cnnfilter.engine.precision import products_fit_int16, sums_are_exact, whole_form
from cnnfilter.engine.separable import BoxFilter, SeparableFilter, factors

Method = DirectFilter | SeparableFilter | BoxFilter | FourierFilter

FEWEST_SEPARABLE = 12
"""Taps fewer in two passes than in one from which the second pass pays."""

FEWEST_BOX = 9
"""Equal taps from which running sums pay."""

FEWEST_FOURIER = 122
"""Taps from which spectra pay: more than the 121 of an 11x11 kernel, which is promised to be exact."""

FEWEST_ROWS = 4
"""Rows of a kernel from which spectra pay, which make nothing of its width cheaper."""

FEWEST_FOURIER_WHOLE = 256
"""The same where products fit 16 bits, of which twice as many are added up in a step."""


def choose(filters: Array, windows: Windows, dtype: np.dtype[Any], combine: str | None = None) -> Method:
    """Return the fastest way to run some filters, combined into one map.

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
    # A gain after the sum would let large floats go beyond float32, and makes nothing of them exact.
    numbers, gain = whole_form(filters) if dtype.kind == "u" else (filters, 1.0)
    is_wide = min(windows.size[1], windows.out[1]) >= ROW
    if is_wide and len(numbers) == numbers.shape[1] == 1:
        matrix = numbers[0, 0]
        taps = np.count_nonzero(matrix)
        if dtype.kind == "u" and matrix.size >= FEWEST_BOX and _is_box(matrix, windows):
            largest = matrix.size * max(np.iinfo(dtype).max, abs(int(windows.border.value)))
            if largest <= np.iinfo(np.int32).max:
                return BoxFilter(gain, windows, largest)
        two = factors(matrix) if taps > sum(matrix.shape) + FEWEST_SEPARABLE else None
        if two is not None and sums_are_exact(numbers, dtype, windows.border.value):
            return SeparableFilter(*two, gain, windows)
        outside = windows.border.value
        is_like_samples = dtype.kind == "u" and 0 <= outside <= np.iinfo(dtype).max  # one large number spoils a tile
        is_long = taps >= FEWEST_FOURIER_WHOLE or (taps >= FEWEST_FOURIER and not products_fit_int16(numbers, dtype))
        if is_like_samples and len(matrix) >= FEWEST_ROWS and is_long:
            return FourierFilter(filters[0, 0], windows)
    return DirectFilter(numbers, gain, windows, dtype, combine)


def _is_box(matrix: Array, windows: Windows) -> bool:
    value = windows.border.value
    return bool((matrix == 1).all()) and windows.stride == windows.dilation == (1, 1) and value == int(value)
