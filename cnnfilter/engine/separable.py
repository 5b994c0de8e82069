"""Convolution with a kernel of rank 1: a column of weights down the rows, then a row of weights along them."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.direct import (
    BLOCK_SAMPLES,
    Rows,
    accumulator,
    finish,
    placed_rows,
    products_fit_int16,
)
from cnnfilter.engine.geometry import Array, Windows

EQUAL = 4e-6
"""The share of each weight by which the outer product may miss it, of the 1e-5 that is promised of the sum."""


def factors(weights: Array) -> tuple[Array, Array] | None:
    """Return the column and the row whose outer product a kernel (kh, kw) is, or None if it has another rank.

    Those of whole numbers are whole.

    Examples
    --------
    >>> factors(np.array([[1, 2], [2, 4]]))
    (array([1., 2.]), array([1., 2.]))
    """
    wide = weights.astype(np.float64)
    if not wide.any():
        return None
    i, j = np.unravel_index(np.argmax(np.abs(wide)), wide.shape)
    along = wide[i]
    if (wide == np.rint(wide)).all() and np.abs(wide).max() < 2**53:
        along = along / np.gcd.reduce(along.astype(np.int64))
    down = wide[:, j] / along[j]
    missed = np.abs(np.outer(down, along) - wide)
    return (down, along) if (missed <= EQUAL * np.abs(wide)).all() else None


class SeparableFilter:
    """A single kernel of rank 1 over flat rows; used as `DirectFilter` is.

    Parameters
    ----------
    down, along : ndarray, (kh,) and (kw,)
        As `factors` of the numbers of `whole_form` gives them.
    gain : float
    windows : Windows
    dtype : dtype
        Of the source.
    """

    band_rows = 1

    def __init__(self, down: Array, along: Array, gain: float, windows: Windows, dtype: np.dtype[Any]) -> None:
        self.windows = windows
        self.gain = gain
        whole = np.outer(down, along)[None, None]
        self.kind = accumulator(whole, dtype, windows.border.value)
        product = np.int16 if products_fit_int16(down[None], dtype) else self.kind
        self.down_places, self.along_places = np.flatnonzero(down), np.flatnonzero(along)
        self.down = down[self.down_places].astype(product)
        self.along = along[self.along_places].astype(self.kind)

    def run(self, source: Rows, first: int, out: Array, *, bias: float = 0.0, absolute: bool = False) -> None:
        """Compute output rows `first` onwards into `out`; see `DirectFilter.run`."""
        windows, samples = self.windows, source.samples
        loops.separable_rows(
            out,
            samples.reshape(-1),
            samples.shape[2],
            source.step,
            placed_rows(windows, source),
            windows.columns,
            *windows.stride,
            windows.pads[1][0],
            self.down_places * windows.dilation[0],
            self.down,
            self.along_places * windows.dilation[1] * source.step,
            self.along,
            windows.border.value,
            absolute,
            finish(out, self.gain, bias),
            first,
            np.empty(max(BLOCK_SAMPLES, source.step), dtype=self.kind),
            np.empty(len(windows.columns) * source.step, dtype=self.kind),
            np.empty(len(self.down), dtype=np.int64),
            np.empty(len(self.down), dtype=self.down.dtype),
        )


class BoxFilter:
    """A kernel of equal weights over 8- or 16-bit rows, stride 1; used as `DirectFilter` is."""

    band_rows = 1

    def __init__(self, gain: float, windows: Windows) -> None:
        self.windows = windows
        self.gain = gain

    def run(self, source: Rows, first: int, out: Array, *, bias: float = 0.0, absolute: bool = False) -> None:
        """Compute output rows `first` onwards into `out`; see `DirectFilter.run`."""
        windows, samples = self.windows, source.samples
        padded = len(windows.columns) * source.step
        loops.box_rows(
            out,
            samples.reshape(-1),
            samples.shape[2],
            source.step,
            placed_rows(windows, source),
            windows.columns,
            windows.pads[1][0],
            *windows.window,
            int(windows.border.value),
            absolute,
            finish(out, self.gain, bias),
            first,
            np.empty(samples.shape[2], dtype=np.int32),
            np.empty(padded, dtype=np.int32),
            np.empty(padded, dtype=np.int32),
            np.empty(out.shape[1], dtype=np.int32),
        )
