"""Convolution with large kernels: spectra down the columns of tiles (overlap and save), taps along their rows.

A spectrum makes the height of a kernel free, and its width alone is left to pay for. Spectra along the rows as well
would save little more, and cost a transposition each way. The tiles' grid is fixed to the whole result, so that a
value does not depend on the band that it is computed in.
"""

from __future__ import annotations

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.codes import AS_IS, MIDDLE, NARROW
from cnnfilter.engine.geometry import OUTSIDE, Array, Index, Rows, Windows, pick_columns

SMALLEST_TILE = 256
"""Rows of a tile, a power of 4."""

TILE_SAMPLES = 384
"""Samples of a tile's rows that become results: with a margin for the taps it stays in the second-level cache."""


class FourierFilter:
    """A single kernel over 8- or 16-bit rows; used as `SeparableFilter` is.

    A tile's upper half is the real part of what is transformed, its lower half the imaginary one. The error is at most
    1e-5 of the sum of the absolute weights times the largest sample of the tile.

    Parameters
    ----------
    weights : ndarray, (kh, kw) float32
    windows : Windows
    """

    def __init__(self, weights: Array, windows: Windows) -> None:
        self.windows = windows
        self.side = SMALLEST_TILE
        while self.side < 2 * windows.span[0]:
            self.side *= 4
        dilated = np.zeros((self.side, weights.shape[1]))
        dilated[: windows.span[0] : windows.dilation[0]] = weights
        spectrum = np.conj(np.fft.fft(dilated, axis=0)) / self.side
        self.weights = spectrum.real.astype(np.float32), spectrum.imag.astype(np.float32)
        self.columns = np.arange(weights.shape[1]) * windows.dilation[1]
        angles = 2 * np.pi * np.arange(self.side) / self.side
        self.turns = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        self.tile_rows = (self.side - windows.span[0]) // windows.stride[0] + 1
        self.band_rows = 2 * self.tile_rows

    def run(self, source: Rows, first: int, out: Array, *, bias: float = 0.0, after: int = AS_IS) -> None:
        """Compute output rows `first` onwards into `out`; see `DirectFilter.run`."""
        windows, step, pick = self.windows, source.step, self.windows.stride[1]
        last = first + len(out)
        places = (windows.columns[:, None] * step + np.arange(step)).reshape(-1)
        places[np.repeat(windows.columns == OUTSIDE, step)] = OUTSIDE
        wide = windows.every_column(step)
        every = out if pick == 1 else np.empty((len(out), wide), dtype=out.dtype)
        size = min(TILE_SAMPLES, wide)
        length = _multiple(_multiple(size, MIDDLE) + int(self.columns[-1]) * step, NARROW)
        tiles = np.zeros((2, self.side, length), dtype=np.float32)
        re, im = tiles.reshape(2, -1)
        scratch = np.empty((2, 2, self.side * NARROW), dtype=np.float32)
        for top in range(first // self.band_rows * self.band_rows, last, self.band_rows):
            for left in range(0, wide, size):
                begin = min(left, wide - size)  # the last overlap those before, and store the same
                for tile, row in zip(tiles, (top, top + self.tile_rows), strict=True):
                    self._fill(tile, source, row, places[begin : begin + length])
                loops.transform_columns(re, im, length, self.side, *self.turns, scratch)
                taps = self.columns * step
                loops.filter_spectra(re, im, length, self.side, _multiple(size, MIDDLE), taps, *self.weights)
                loops.transform_columns(im, re, length, self.side, *self.turns, scratch)
                for sums, row in ((re, top), (im, top + self.tile_rows)):
                    upper, lower = max(row, first), min(row + self.tile_rows, last)
                    if upper < lower:
                        loops.store_block(
                            every[upper - first : lower - first],
                            begin,
                            size,
                            sums,
                            (upper - row) * windows.stride[0] * length,
                            windows.stride[0] * length,
                            float(bias),
                            after,
                        )
        if pick > 1:
            pick_columns(out, every, step, pick)

    def _fill(self, tile: Array, source: Rows, first: int, places: Index) -> None:
        """Copy what the windows of output rows `first` onwards see of some padded samples."""
        rows = self.windows.rows[first * self.windows.stride[0] :][: self.side]
        tile[len(rows) :] = 0  # whatever lies in a tile adds to the rounding error of all of it
        tile[:, len(places) :] = 0
        if len(rows) == 0:
            return
        # Rows beyond the band are not asked for: their sums, which no output needs, may hold anything finite.
        held = np.clip(rows - source.first, OUTSIDE, source.samples.shape[1] - 1)
        part = tile[: len(rows), : len(places)]
        part[...] = source.samples[0][_index(held)][:, _index(places)]
        part[rows == OUTSIDE] = self.windows.border.value
        part[:, places == OUTSIDE] = self.windows.border.value


def _multiple(number: int, of: int) -> int:
    return -(-number // of) * of


def _index(places: Index) -> slice | Index:
    """Return a slice for places that follow each other, which is copied faster."""
    if places[0] >= 0 and places[-1] - places[0] == len(places) - 1 and (np.diff(places) == 1).all():
        return slice(int(places[0]), int(places[-1]) + 1)
    return places
