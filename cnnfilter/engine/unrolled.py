"""Convolution as a matrix product: what each tap sees, unrolled into columns a band at a time, times the bank.

Pays where many filters share one unrolling; a few are faster as shifted rows (`direct`).
"""

from __future__ import annotations

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.geometry import Array, Rows, Windows
from cnnfilter.engine.products import product

FEWEST_FILTERS = 6
"""Filters over the same input from which unrolling pays."""

COLUMN_SAMPLES = 1 << 18
"""Samples that are unrolled at a time: they stay in the second-level cache. BLAS may round differently with its
block's shape, so blocks are cut by the sizes of the maps alone, from the first row of a band."""


class UnrolledBank:
    """A bank of filters that each sum over all planes of the source.

    Parameters
    ----------
    filters : ndarray, (O, planes, kh, kw) float32
    windows : Windows
    """

    def __init__(self, filters: Array, windows: Windows) -> None:
        self.windows = windows
        self.matrix = filters.reshape(len(filters), -1)
        _, planes, height, width = filters.shape
        places = np.indices((planes, height, width)).reshape(3, -1)
        self.places = places * np.array([[1], [windows.dilation[0]], [windows.dilation[1]]])

    def run(self, source: Rows, first: int, out: Array) -> None:
        """Compute output rows `first` onwards into `out`, (O, R, W') float32."""
        height = max(1, COLUMN_SAMPLES // (self.matrix.shape[1] * self.windows.out[1]))
        for begin in range(0, out.shape[1], height):
            self._run_block(source, first + begin, out[:, begin : begin + height])

    def _run_block(self, source: Rows, first: int, out: Array) -> None:
        windows, samples = self.windows, source.samples
        taps = self.places.copy()
        taps[0] *= samples[0].size
        height, width = out.shape[1:]
        unrolled = np.empty((self.matrix.shape[1], height, width), dtype=np.float32)
        loops.unroll_rows(
            unrolled,
            samples.reshape(-1),
            samples.shape[2],
            windows.rows_from(source.first),
            windows.columns,
            *windows.interior,
            *windows.stride,
            windows.pads[1][0],
            taps,
            windows.border.value,
            first,
        )
        total = product(self.matrix, unrolled.reshape(len(unrolled), height * width))
        out[...] = total.reshape(out.shape)
