"""Banks of 3x3 filters that slide by one: Winograd's F(2x2, 3x3), with 2.25 times fewer products than taps take.

Tiles of two rows and columns of results are computed from 4x4 samples: these and the filters are transformed,
multiplied place by place, summed over channels, and transformed back. All factors are 1, -1 and 1/2, so that only sums
round: the error is at most 1e-5 of the sum of the absolute weights times the largest sample of the tile. F(4x4, 3x3)
takes 1.8 times fewer products still, but misses that 5 times over, at the best points, where all channels agree on the
signs that its factors add up. The tiles' grid is fixed to the whole result.

Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.bank import MOST_TAPS, planes_of
from cnnfilter.engine.codes import AS_IS, FILTERS, NARROW, TILE_BLOCK, TILES
from cnnfilter.engine.copies import inside_columns, sorted_by
from cnnfilter.engine.crew import Piece
from cnnfilter.engine.geometry import OUTSIDE, Array, Empty, Rows, Windows
from cnnfilter.engine.groups import Bank, Finish, MapPadding, Maps, Tiling, TilingScratch
from cnnfilter.engine.program import Program, Sizes, later, parts
from cnnfilter.engine.reach import Scaled, largest_size, scaled
from cnnfilter.runtime import buffers
from cnnfilter.text.numbers import FLOAT32_MAX

FEWEST = 16
"""Channels and filters from which transforms pay."""

FEWEST_RESULTS = 100
"""Results of a filter from which they do: the transformed filters are 1.8 times as many numbers to read."""

COPIED = 1 << 17
"""Samples that are copied at a time."""

LARGEST_SAMPLE = FLOAT32_MAX / 64
"""What no transform of samples, and no sum, makes infinite: each of the two passes may quadruple a sample."""


def pays(bank: Array, windows: Windows) -> bool:
    """Whether filters (O, I, kh, kw) may be transformed, and are that many."""
    fits = windows.window == (3, 3) and windows.stride == windows.dilation == (1, 1)
    is_large = min(bank.shape[:2]) >= FEWEST and windows.out[0] * windows.out[1] >= FEWEST_RESULTS
    return fits and is_large and abs(windows.border.value) <= LARGEST_SAMPLE


class WinogradFilter:
    """A bank of filters that each sum over all planes of the source; used as `BankFilter` is.

    Parameters
    ----------
    biases : ndarray, (O,) float32
    windows : Windows
    small : Scaled
        The filters, scaled.
    """

    band_rows = 2
    """Output rows that are computed together, of which bands are multiples."""

    def __init__(self, biases: Array, windows: Windows, small: Scaled) -> None:
        self.windows = windows
        filters, self.gain, self.reach = small
        count, self.planes = filters.shape[:2]
        groups = -(-count // FILTERS)
        weights = np.zeros((16, groups, self.planes, FILTERS), dtype=np.float32)
        loops.transform_filters(weights, np.ascontiguousarray(filters).reshape(count, self.planes, 9))
        nothing = np.zeros(16 * groups * FILTERS, dtype=np.float32)
        offsets = np.arange(self.planes) * TILE_BLOCK
        used = 16 * groups * FILTERS
        self.bank = Bank(offsets, weights.reshape(16 * groups, self.planes, FILTERS), 1.0, nothing, used, AS_IS)
        self.biases = biases
        self.placed: dict[tuple[int, ...], tuple[MapPadding, Tiling]] = {}
        # An odd last column stands there twice, for results that nobody stores.
        self.columns = np.pad(windows.columns, (0, windows.out[1] % 2), mode="edge")
        self.inside = inside_columns(self.columns, 1, 1)

    @classmethod
    def of(cls, filters: Array, biases: Array, windows: Windows) -> WinogradFilter | None:
        """The filters, or None where they do not pay, or float32 is too small for them."""
        small = scaled(filters) if pays(filters, windows) and filters[0].size <= MOST_TAPS else None
        return None if small is None else cls(biases, windows, small)

    def keeps_promises(self, source: Rows, first: int, last: int) -> bool:
        """Whether the samples are finite floats, which keep their digits."""
        if source.samples.dtype.kind != "f":
            return False
        begin, end = (max(row - source.first, 0) for row in self.windows.needed(first, last))
        largest = largest_size(source.samples, begin, end)
        return self.reach.least <= largest <= LARGEST_SAMPLE or largest == 0

    def run(self, source: Rows, first: int, out: Array, *, after: int = AS_IS) -> None:
        """Compute output rows `first` onwards into `out`, (O, R, W') float32 whose rows are contiguous."""
        if first % self.band_rows:
            above = np.empty((len(out), out.shape[1] + 1, out.shape[2]), dtype=np.float32)
            self.run(source, first - 1, above, after=after)
            out[...] = above[:, 1:]
            return
        loops.winograd_rows(*self._given(source, first, out, after, buffers.empty))

    @property
    def sizes(self) -> Sizes:
        """What samples must be for `keeps_promises`."""
        return Sizes(self.reach.least, LARGEST_SAMPLE, math.inf)

    def pieces(self, program: Program, source: Rows, out: Array, count: int, after: int) -> list[Piece]:
        """The calls for all of `out`, in about so many parts of its rows."""
        pace = self.band_rows
        bands = [(pace * begin, pace * end) for begin, end in parts(-(-out.shape[1] // pace), count)]
        given = [self._given(source, top, out[:, top:bottom], after, program.scratch) for top, bottom in bands]
        return [[later(loops.winograd_rows, *each)] for each in given]

    def _given(self, source: Rows, first: int, out: Array, after: int, empty: Empty) -> tuple[Any, ...]:
        """What the loop takes."""
        maps, height, width = source.samples.shape
        known = (first, out.shape[1], source.first)
        padding, tiling = self.placed.get(known) or self._place(*known)
        scratch = TilingScratch(
            empty((maps * 4 * (tiling.rows + 1) * tiling.length + 4 * NARROW,), np.float32),
            empty((16 * (maps * TILES + NARROW),), np.float32),
            empty((len(self.bank.biases) * TILES + 16 * NARROW,), np.float32),
            empty((4 * TILES,), np.float32),
        )
        how, given = Finish(self.gain, 0.0, after), Maps(source.samples.reshape(-1), maps, height, width)
        return planes_of(out), given, padding, tiling, self.bank, self.biases, how, scratch

    def _place(self, first: int, count: int, source_first: int) -> tuple[MapPadding, Tiling]:
        """How some rows of a source are copied for output rows `first` to `first + count - 1`, and their tiles."""
        windows, length = self.windows, len(self.columns) // 2
        seen = windows.rows[first : first + count + 2]
        rows = sorted_by(np.where(seen == OUTSIDE, OUTSIDE, seen - source_first), 2)
        padding = MapPadding(rows, self.columns, *self.inside, float(windows.border.value))
        # Rows of tiles whose samples stay in the second-level cache, but for two that are copied again with the next.
        strip = min(max(COPIED // (4 * self.planes * length) - 1, 2), len(rows) // 2 - 1)
        place = padding, Tiling(strip, length, (windows.out[1] + 1) // 2)
        self.placed[first, count, source_first] = place  # threads may make the same twice
        return place
