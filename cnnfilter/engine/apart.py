"""Filters of float maps that each see a single one: all of them in one call of a loop.

One by one, each costs some 20 microseconds of Python, and networks have hundreds over maps of 7x7.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.bank import planes_of
from cnnfilter.engine.codes import AS_IS, ROW, SUM_LENGTH
from cnnfilter.engine.copies import Copies, Copy
from cnnfilter.engine.crew import Piece
from cnnfilter.engine.geometry import Array, Empty, Rows, Windows
from cnnfilter.engine.groups import ApartBank, ApartScratch, Maps, Slide
from cnnfilter.engine.precision import absolute_sums
from cnnfilter.engine.program import Program, Sizes, later, parts
from cnnfilter.engine.reach import TINY, extremes, largest_size, units_of
from cnnfilter.runtime.native import Loop
from cnnfilter.sizes import Border
from cnnfilter.text.numbers import FLOAT32_MAX

LARGEST_PLANE = 1 << 16
"""Results of a filter up to which the copy pays: beyond, it leaves the second-level cache."""

LEAST = TINY * 4
"""What the largest sample of a map must reach, unless all are 0: weights add up to a quarter at least."""


class ApartFilters:
    """A bank of filters that each see one map of the source, equally many for each map.

    Parameters
    ----------
    bank : ndarray, (O, 1, kh, kw) float32
    biases : ndarray, (O,) float32
    windows : Windows
    units : ndarray, (O,) float32
        Powers of two by which the filters are divided.
    """

    def __init__(self, bank: Array, biases: Array, windows: Windows, units: Array) -> None:
        self.windows = windows
        self.weights = (bank / units[:, None, None, None]).reshape(len(bank), -1)
        self.units, self.biases = units, biases
        self.has_zeros = not bank.all()
        self.copies = Copies(windows)
        is_plain = windows.window == (3, 3) and windows.dilation == (1, 1) and windows.stride[1] <= 2
        lies_in_zeros = windows.border == Border("constant", 0.0) or not any(map(any, windows.pads))
        (top, _), (left, _) = windows.pads
        self.slide = Slide(top, left, *windows.stride) if is_plain and lies_in_zeros else None
        self.no_taps = np.empty(0, np.int64)
        self.placed: dict[tuple[Any, ...], Copy] = {}

    @classmethod
    def of(cls, bank: Array, biases: Array, windows: Windows) -> ApartFilters | None:
        """The filters, or None where these are too large, or lose digits."""
        if bank[0].size > SUM_LENGTH or windows.out[0] * windows.out[1] > LARGEST_PLANE or windows.is_spread:
            return None
        units = units_of(absolute_sums(bank))
        if units.max() > FLOAT32_MAX:
            return None
        units = units.astype(np.float32)
        both = bank / units[:, None, None, None] * units[:, None, None, None]
        keeps_digits = windows.border.value == 0 or abs(windows.border.value) >= LEAST
        return cls(bank, biases, windows, units) if keeps_digits and (both == bank).all() else None

    def keeps_promises(self, source: Rows, first: int, last: int) -> bool:
        """Whether the samples are floats that keep their digits, and no zero weight meets one that is not finite."""
        begin, end = self.copies.needed(1, first, last)
        if source.samples.dtype.kind != "f" or begin < 0:
            return False
        begin, end = max(begin - source.first, 0), max(end - source.first, 0)
        if self.has_zeros and not largest_size(source.samples, begin, end) <= FLOAT32_MAX:
            return False
        smallest, _ = extremes(source.samples, begin, end)
        if smallest >= LEAST:
            return True
        largest = np.abs(source.samples[:, begin:end]).max(axis=(1, 2))
        return bool(((largest >= LEAST) | (largest == 0)).all())

    @property
    def sizes(self) -> Sizes:
        """What samples must be for `keeps_promises`."""
        return Sizes(LEAST, FLOAT32_MAX, math.inf if self.has_zeros else LEAST, is_each=True)

    def run(self, source: Rows, first: int, out: Array, *, after: int = AS_IS) -> None:
        """Compute output rows `first` onwards into `out`, (O, R, W') float32 whose rows are contiguous."""
        loop, given = self._given(source, first, out, after, slice(None), np.empty)
        loop(*given)

    def pieces(self, program: Program, source: Rows, out: Array, count: int, after: int) -> list[Piece]:
        """The calls for all of `out`, in about so many parts of the maps."""
        each = len(out) // len(source.samples)
        pieces: list[Piece] = []
        for begin, end in parts(len(source.samples), count):
            some, filters = Rows(source.samples[begin:end]), slice(begin * each, end * each)
            loop, given = self._given(some, 0, out[filters], after, filters, program.scratch)
            pieces.append([later(loop, *given)])
        return pieces

    def _given(
        self, source: Rows, first: int, out: Array, after: int, filters: slice, empty: Empty
    ) -> tuple[Loop, tuple[Any, ...]]:
        """The loop for some filters, and what it takes."""
        maps, height, width = source.samples.shape
        given, planes = Maps(source.samples.reshape(-1), maps, height, width), planes_of(out)
        numbers = self.weights[filters], self.units[filters], self.biases[filters]
        if self.slide is not None:
            slide = self.slide._replace(top=self.slide.top + source.first)
            return loops.apart_windows, (planes, first, given, slide, ApartBank(self.no_taps, *numbers), after)
        known = (first, out.shape[1], source.first)
        copy = self.placed.get(known)
        if copy is None:  # threads may make the same twice
            copy = self.placed[known] = self.copies.of(*known)
        rows = (out.shape[1] - 1) * copy.length + out.shape[2]
        scratch = ApartScratch(empty((copy.size + ROW,), np.float32), empty((rows + ROW,), np.float32))
        bank = ApartBank(copy.taps, *numbers)
        return loops.apart_rows, (planes, given, copy.padding, copy.length, bank, after, scratch)
