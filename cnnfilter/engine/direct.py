"""Convolution as a sum of shifted rows: a list of taps, each an offset and a weight; zero weights are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.geometry import OUTSIDE, Array, Windows

COMBINE = {None: loops.SINGLE, "magnitude": loops.MAGNITUDE, "maximum": loops.MAXIMUM}

EXACT_FLOAT32 = 1 << 24
"""Whole numbers up to this are exact in float32, and so is every sum of them that stays below."""

LONG_SUM = 2048
"""Taps from which sums run in float64. Groups of 16 keep the error of float32 at (16 + taps / 16) half units in
the last place, which here reaches 0.9 of the 1e-5 that is promised."""

BLOCK_SAMPLES = 2048
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


class DirectFilter:
    """One or more filters over the same windows, combined into one map.

    Parameters
    ----------
    filters : ndarray, (F, planes, kh, kw)
        Finite.
    windows : Windows
    combine : {None, "magnitude", "maximum"}
        None for a single filter.
    """

    def __init__(self, filters: Array, windows: Windows, combine: str | None = None) -> None:
        self.windows = windows
        self.filters = filters
        self.combine = COMBINE[combine]
        found = np.argwhere(filters)  # in order of filter, plane, row, column
        self.places = found[:, 1:].T * np.array([[1], [windows.dilation[0]], [windows.dilation[1]]])
        self.weights = filters[filters != 0]
        self.starts = np.searchsorted(found[:, 0], np.arange(len(filters) + 1))

    def run(self, source: Rows, first: int, out: Array, *, bias: float = 0.0, absolute: bool = False) -> None:
        """Compute output rows `first` onwards into `out`, (R, W' * step).

        `source` must hold the rows that `windows.needed` names. Stored is `sum + bias`, or its absolute value;
        in a float32 `out` as it is, in uint8 and uint16 rounded half to even and clamped.
        """
        windows, samples = self.windows, source.samples
        kind = accumulator(self.filters, samples.dtype, windows.border.value)
        taps = self.places.copy()
        taps[0] *= samples[0].size
        count = len(self.weights)
        loops.filter_rows(
            out,
            samples.reshape(-1),
            samples.shape[2],
            source.step,
            np.where(windows.rows == OUTSIDE, OUTSIDE, windows.rows - source.first),
            windows.columns,
            *windows.interior,
            *windows.stride,
            windows.pads[1][0],
            taps,
            self.weights.astype(kind),
            self.starts,
            windows.border.value,
            self.combine,
            absolute,
            np.array([bias, np.iinfo(out.dtype).max if out.dtype.kind == "u" else 0], dtype=np.float32),
            first,
            np.empty((2, max(BLOCK_SAMPLES, source.step)), dtype=kind),
            np.empty((3, count), dtype=np.int64),
            np.empty(count, dtype=kind),
            np.empty(len(self.filters), dtype=np.int64),
            np.empty(len(self.filters), dtype=np.float64),
        )
