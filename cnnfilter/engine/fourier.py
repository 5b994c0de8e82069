"""Convolution as a product of spectra, tile by tile (overlap and save), for large kernels of any rank.

The tiles' grid is fixed to the whole result, so that a value does not depend on the band that it is computed in.
"""

from __future__ import annotations

import numpy as np

from cnnfilter.engine.geometry import OUTSIDE, Array, Index, Rows, Windows

SMALLEST_TILE = 256
"""Samples along a tile's side: with its spectrum it stays in the second-level cache."""

TILE_SPANS = 6
"""How many times a tile is wider than the kernel at least; what the kernel spans is computed twice."""


class FourierFilter:
    """A single kernel over 8- or 16-bit rows; used as `DirectFilter` is.

    The error is at most 1e-5 of the sum of the absolute weights times the largest sample of a tile.

    Parameters
    ----------
    weights : ndarray, (kh, kw) float32
    windows : Windows
    """

    def __init__(self, weights: Array, windows: Windows) -> None:
        self.windows = windows
        self.tile = tuple(max(SMALLEST_TILE, 1 << (TILE_SPANS * span - 1).bit_length()) for span in windows.span)
        self.fresh = tuple(side - span + 1 for side, span in zip(self.tile, windows.span, strict=True))
        dilated = np.zeros(self.tile, dtype=np.float32)
        dilated[: windows.span[0] : windows.dilation[0], : windows.span[1] : windows.dilation[1]] = weights
        self.spectrum = np.conj(np.fft.rfft2(dilated))

    @property
    def band_rows(self) -> int:
        """Output rows of a row of tiles."""
        return max(1, self.fresh[0] // self.windows.stride[0])

    def run(self, source: Rows, first: int, out: Array, *, bias: float = 0.0, absolute: bool = False) -> None:
        """Compute output rows `first` onwards into `out`; see `DirectFilter.run`."""
        rows, columns = self.band_rows, max(1, self.fresh[1] // self.windows.stride[1])
        channels = source.samples[0].reshape(source.samples.shape[1], -1, source.step)
        result = out.reshape(len(out), -1, source.step)
        for top in range(first // rows * rows, first + len(out), rows):
            begin, end = max(top, first), min(top + rows, first + len(out))
            for left in range(0, result.shape[1], columns):
                part = result[begin - first : end - first, left : left + columns]
                for c in range(source.step):
                    values = self._tile(channels[..., c], source.first, top, left)
                    values = values[begin - top : end - top, : part.shape[1]]
                    values += np.float32(bias)
                    if absolute:
                        np.abs(values, out=values)
                    if out.dtype.kind == "u":
                        np.rint(values, out=values)
                        highest = np.float32(np.iinfo(out.dtype).max)
                        np.minimum(np.maximum(values, np.float32(0), out=values), highest, out=values)
                    part[..., c] = values

    def _tile(self, plane: Array, first: int, top: int, left: int) -> Array:
        """Return the sums of the tile whose first output is (`top`, `left`), at the windows' stride."""
        windows = self.windows
        stride_rows, stride_columns = windows.stride
        rows = windows.rows[top * stride_rows :][: self.tile[0]]
        columns = windows.columns[left * stride_columns :][: self.tile[1]]
        tile = np.zeros(self.tile, dtype=np.float32)
        # Rows beyond the band are not asked for: their sums, which no output needs, may hold anything.
        held = np.clip(rows - first, OUTSIDE, len(plane) - 1)
        part = tile[: len(rows), : len(columns)]
        part[...] = plane[_index(held)][:, _index(columns)]
        part[rows == OUTSIDE] = windows.border.value
        part[:, columns == OUTSIDE] = windows.border.value
        spectrum = np.fft.rfft2(tile)
        spectrum *= self.spectrum
        sums: Array = np.fft.irfft2(spectrum, s=self.tile)
        return sums[: self.fresh[0] : stride_rows, : self.fresh[1] : stride_columns]


def _index(places: Index) -> slice | Index:
    """Return a slice for places that follow each other, which is copied faster."""
    if places[0] >= 0 and places[-1] - places[0] == len(places) - 1 and (np.diff(places) == 1).all():
        return slice(int(places[0]), int(places[-1]) + 1)
    return places
