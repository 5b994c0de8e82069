"""Convolution with large kernels: spectra down the columns of tiles (overlap and save), taps along their rows.

A spectrum makes the height of a kernel free, and its width alone is left to pay for. Spectra along the rows as well
would save little more, and cost a transposition each way. The tiles' grid is fixed to the whole result, so that a
value does not depend on the band that it is computed in.
"""

from __future__ import annotations

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.codes import APART, AS_IS, MIDDLE, NARROW, SUM_LENGTH
from cnnfilter.engine.geometry import OUTSIDE, Array, Index, Rows, Windows, pick_columns
from cnnfilter.engine.groups import Finish, Spectrum, TilePadding, Tiles

SMALLEST_TILE = 256
"""Rows of a tile, a power of 4."""

TILE_SAMPLES = 384
"""The most samples of a tile's rows that become results: with a margin for the taps, and beside another, it stays in
the second-level cache."""


ROUNDER = 1.5 * 2.0**52
"""A float64 that holds half a unit of no number below 2 ** 51 that is added to it."""


def _tile_rows(windows: Windows) -> int:
    side = SMALLEST_TILE
    while side < 2 * windows.span[0]:
        side *= 4
    return side


def is_exact(largest: float, windows: Windows) -> bool:
    """Whether float64 keeps sums of whole numbers, of absolute terms up to `largest`, closer than to a half.

    A term passes some 10 roundings in each of the passes there and back, which may all fall to one place of a column.
    """
    side = _tile_rows(windows)
    roundings = 10 * np.log2(side) + SUM_LENGTH + windows.window[1] / SUM_LENGTH
    return bool(largest * roundings * np.sqrt(side) < 2.0**51)


class FourierFilter:
    """A single kernel over 8- or 16-bit rows; used as `SeparableFilter` is.

    Two tiles side by side are the real and the imaginary part of what is transformed. The error is at most 1e-5 of the
    sum of the absolute weights times the largest sample of the two. They read beyond the rows that a band needs,
    though no result depends on that: such sources are whole pictures.

    Parameters
    ----------
    weights : ndarray, (kh, kw) float32
    gain : float
        What the sums are multiplied by.
    windows : Windows
    exact : bool
        Whether the sums are whole numbers that `is_exact`: they are computed in float64, and rounded.
    """

    is_tiled = True

    def __init__(self, weights: Array, gain: float, windows: Windows, *, exact: bool = False) -> None:
        self.windows = windows
        self.kind = np.float64 if exact else np.float32
        self.rounder = ROUNDER if exact else 0.0
        self.tile_samples = TILE_SAMPLES
        # With a power of two taken out, spectra lie within float32 wherever results do.
        unit = 1.0 if exact else 2.0 ** np.frexp(np.abs(weights).sum(dtype=np.float64))[1]
        self.gain = gain * unit
        self.side = _tile_rows(windows)
        dilated = np.zeros((self.side, weights.shape[1]))
        dilated[: windows.span[0] : windows.dilation[0]] = weights / unit
        spectrum = np.conj(np.fft.fft(dilated, axis=0)) / self.side
        self.weights = spectrum.real.astype(self.kind), spectrum.imag.astype(self.kind)
        self.columns = np.arange(weights.shape[1]) * windows.dilation[1]
        angles = 2 * np.pi * np.arange(self.side) / self.side
        self.turns = np.cos(angles).astype(self.kind), np.sin(angles).astype(self.kind)
        self.band_rows = (self.side - windows.span[0]) // windows.stride[0] + 1
        # Rows beyond the padding are 0: whatever lies in a tile adds to the rounding error of all of it.
        beyond = windows.stride[0] + self.side
        rows = np.append(windows.rows, np.full(beyond, OUTSIDE))
        bases = np.append(np.where(windows.rows == OUTSIDE, windows.border.value, 0), np.zeros(beyond))
        self.rows = np.maximum(rows, 0), (rows != OUTSIDE).astype(np.float32), bases.astype(np.float32)
        self._columns: dict[int, Index] = {}  # by the samples between columns; threads may make the same twice

    def run(self, source: Rows, first: int, out: Array, *, bias: float = 0.0, after: int = AS_IS) -> None:
        """Compute output rows `first` onwards into `out`; see `DirectFilter.run`."""
        windows, spacing, pick = self.windows, source.spacing, self.windows.stride[1]
        wide = windows.every_column(spacing)
        every = out if pick == 1 else np.empty((len(out), wide), dtype=out.dtype)
        pairs = -(-wide // (2 * self.tile_samples))
        size = _multiple(-(-wide // (2 * pairs)), MIDDLE)
        length = _multiple(size + int(self.columns[-1]) * spacing, NARROW)
        samples, width, left = source.samples.reshape(-1), source.samples.shape[2], windows.pads[1][0] * spacing
        padding = TilePadding(*self.rows, self._places(spacing), width, left, float(windows.border.value))
        scratch = np.empty(2 * self.side * (length + 2 * NARROW) + 6 * APART, dtype=self.kind)
        tiles = Tiles(scratch, length, self.side, size, self.band_rows, windows.stride[0], self.rounder)
        spectrum = Spectrum(self.columns * spacing, *self.weights, *self.turns)
        loops.filter_tiles(every, first, samples, padding, tiles, spectrum, Finish(self.gain, float(bias), after))
        if pick > 1:
            pick_columns(out, every, spacing, pick)

    def _places(self, spacing: int) -> Index:
        """The sample of a row behind each padded one, or `OUTSIDE`, as it is beyond the last tile's results."""
        if spacing not in self._columns:
            columns = self.windows.columns[:, None]
            places = np.where(columns == OUTSIDE, OUTSIDE, columns * spacing + np.arange(spacing)).reshape(-1)
            self._columns[spacing] = np.append(places, np.full(MIDDLE + NARROW, OUTSIDE))
        return self._columns[spacing]


def _multiple(number: int, of: int) -> int:
    return -(-number // of) * of
