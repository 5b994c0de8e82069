"""Convolution with a bank of filters over the same windows, which all see a sample that is read once."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.codes import AS_IS, BESIDE, FILTERS, NARROW, SUM_LENGTH
from cnnfilter.engine.copies import Copies
from cnnfilter.engine.crew import Piece
from cnnfilter.engine.geometry import OUTSIDE, Array, Index, Rows, Windows
from cnnfilter.engine.groups import Bank, MapPadding, Maps, Planes, Source
from cnnfilter.engine.precision import sum_type
from cnnfilter.engine.program import Program, Sizes, later, parts
from cnnfilter.engine.reach import scaled
from cnnfilter.sizes import Pair
from cnnfilter.text.numbers import FLOAT32_MAX

FEWEST_FILTERS = 4
"""Filters over the same input from which the copy pays that a bank makes of it."""

MOST_TAPS = 36 * SUM_LENGTH**2
"""Taps up to which float32 keeps the promised error: a term passes twice `SUM_LENGTH` roundings, and one for each sum
of so many sums, of the 167 that it may."""

SEEN, FEWEST_SEEN = 1 << 16, 64
"""Samples that all filters see before the next: with the weights, they stay in the second-level cache; and neighbours
that are seen at least, for which all weights are read."""

APART_SAMPLES = 1024
"""Results of a map from which threads may write side by side to it: a line of the cache that both write to goes back
and forth between them."""

LONG_ROW = 512
"""Samples of a long row, which of a group of filters stay in the first-level cache."""


class BankFilter:
    """A bank of filters that each sum over all planes of the source.

    Where float maps have no padding and the stride is 1, they are read as they lie. Else they are copied; see `Copies`.

    Parameters
    ----------
    filters : ndarray, (O, planes, kh, kw) float32
    biases : ndarray, (O,) float32
    windows : Windows
    """

    def __init__(self, filters: Array, biases: Array, windows: Windows) -> None:
        self.windows = windows
        self.count, self.planes = filters.shape[:2]
        groups = -(-self.count // FILTERS)
        small = scaled(filters) if filters[0].size <= MOST_TAPS and not windows.is_spread else None
        self.reach = None if small is None else small.reach
        numbers, self.gain = (filters, 1.0) if small is None else small[:2]
        padded = np.zeros((groups * FILTERS, filters[0].size), dtype=np.float32)
        padded[: self.count] = numbers.reshape(self.count, -1)
        self.weights = np.ascontiguousarray(padded.reshape(groups, FILTERS, -1).transpose(0, 2, 1))
        self.biases = np.zeros(groups * FILTERS, dtype=np.float32)
        self.biases[: self.count] = biases
        self.has_zeros = not filters.all()
        self.is_exact: dict[np.dtype[Any], bool] = {}  # by the type of samples; threads may make the same twice
        self.copies = Copies(windows)
        self.has_all = windows.stride[1] == 1 and windows.pads[1] == (0, 0)  # each row as it lies
        self.places: dict[tuple[int, ...], _Place] = {}
        self.needed: dict[Pair, Pair] = {}

    @property
    def filters(self) -> Array:
        """The filters as they were given, which are not kept beside the weights: these are scaled by a power of two."""
        numbers = self.weights.transpose(0, 2, 1).reshape(len(self.biases), -1)[: self.count]
        filters: Array = (numbers * np.float32(self.gain)).reshape(self.count, self.planes, *self.windows.window)
        return filters

    def keeps_promises(self, source: Rows, first: int, last: int) -> bool:
        """Whether float32 is exact enough, and no zero weight meets what it turns into NaN."""
        samples, dtype = source.samples, source.samples.dtype
        rows = self.needed.get((first, last))
        if rows is None:  # threads may look twice
            rows = self.needed[first, last] = self.copies.needed(self.planes, first, last)
        if self.reach is None or rows[0] < 0:
            return False
        if dtype.kind == "u":
            if dtype not in self.is_exact:
                self.is_exact[dtype] = sum_type(self.filters, dtype, self.windows.border.value) == np.float32
            return self.is_exact[dtype]
        if not self.reach.covers(source, *rows):
            return False
        begin, end = (max(row - source.first, 0) for row in rows)
        return not self.has_zeros or bool(np.isfinite(samples[:, begin:end]).all())

    @property
    def sizes(self) -> Sizes:
        """What samples must be for `keeps_promises`."""
        assert self.reach is not None
        return Sizes(self.reach.least, FLOAT32_MAX, math.inf if self.has_zeros else self.reach.least)

    def run(self, source: Rows, first: int, out: Array, *, after: int = AS_IS) -> None:
        """Compute output rows `first` onwards into `out`, (O, R, W') float32 whose rows are contiguous."""
        known, place = self._placed(source, first, out.shape[1])
        flat = source.samples.reshape(-1)
        if place.padding is not None:
            copied = source.kept.get(known) if source.kept is not None else None
            if copied is None:  # threads may make the same twice
                copied = np.empty(len(source.samples) * place.size + NARROW, dtype=np.float32)
                loops.pad_rows(copied, *_padded(source.samples, place.padding))
            if source.kept is not None:
                source.kept[known] = copied
            flat = copied
        loops.bank_rows(*self._sums(out, flat, place, after), np.empty(place.scratch, dtype=np.float32))

    def pieces(self, program: Program, source: Rows, out: Array, count: int, after: int) -> list[Piece]:
        """The calls for all of `out`, in about so many parts: of its rows, or of the filters."""
        known, place = self._placed(source, 0, out.shape[1])
        flat = source.samples.reshape(-1)
        if place.padding is not None:
            kept = {} if source.kept is None else source.kept
            if known not in kept:
                kept[known] = self._copied(program, source.samples, place)
            flat = kept[known]
        planes, seen, bank, *how = self._sums(out, flat, place, after)
        is_wide = source.samples.size > self.weights.size and out[0].size >= count * APART_SAMPLES
        if is_wide or len(self.weights) < count:
            sums = [(some, at, bank) for some, at in _bands(planes, seen, count)]
        else:
            sums = [(some, seen, filters) for some, filters in _of_filters(planes, bank, count)]
        return [[later(loops.bank_rows, *each, *how, program.scratch((place.scratch,)))] for each in sums]

    def _copied(self, program: Program, samples: Array, place: _Place) -> Array:
        """The copy of maps with their padding, for the next stage."""
        assert place.padding is not None
        copied = program.scratch((len(samples) * place.size + NARROW,))
        program.prepare(
            [
                [later(loops.pad_rows, copied[begin * place.size :], *_padded(samples[begin:end], place.padding))]
                for begin, end in parts(len(samples), program.threads)
            ]
        )
        return copied

    def _placed(self, source: Rows, first: int, count: int) -> tuple[tuple[Any, ...], _Place]:
        """Where the windows of some rows lie, and what that depends on."""
        samples = source.samples
        known = (first, count, source.first, samples.shape[1], samples.dtype.kind == "f")
        place = self.places.get(known)
        if place is None:  # threads may make the same twice
            place = self.places[known] = self._place(*known)
        return known, place

    def _sums(self, out: Array, flat: Array, place: _Place, after: int) -> tuple[Planes, Source, Bank, int, int]:
        """What the loop takes, but its scratch."""
        bank = Bank(place.offsets, self.weights, self.gain, self.biases, self.count, after)
        planes = planes_of(out)
        if place.is_dense:
            planes = planes._replace(width=planes.width * out.shape[1], rows=1)
        return planes, Source(flat, place.origin, place.stride), bank, place.together, place.stretch

    def _place(self, first: int, count: int, source_first: int, height: int, is_float: bool) -> _Place:
        """Where the windows of rows `first` to `first + count - 1` lie in some rows of the source."""
        windows, copies = self.windows, self.copies
        seen = copies.seen(first, count)
        # Where a window is one column wide, all rows may be a single one.
        is_long = windows.size[1] == windows.out[1] and windows.stride[0] == 1
        has_lanes = windows.out[1] * (count if is_long else 1) >= NARROW  # none is read beyond
        if self.has_all and is_float and has_lanes and (seen != OUTSIDE).all() and (np.diff(seen) == 1).all():
            length = windows.size[1]
            padding, size, taps = None, height * length, (copies.rows[:, None] * length + copies.columns).reshape(-1)
            origin, stride = (int(seen[0]) - source_first) * length, windows.stride[0] * length
        else:
            padding, stride, size, taps = copies.of(first, count, source_first)
            origin = 0
        offsets = (np.arange(self.planes)[:, None] * size + taps).reshape(-1)
        is_dense = stride == windows.out[1] and count * stride >= NARROW
        together = 1 if is_dense else _rows_together(windows.out[1], stride, count)
        scratch = 0 if together == 1 else FILTERS * max((together - 1) * stride + windows.out[1], NARROW)
        stretch = max(SEEN // len(offsets), FEWEST_SEEN) // BESIDE * BESIDE if is_dense else LONG_ROW + size * count
        return _Place(padding, size, origin, stride, offsets, together, scratch, is_dense, stretch)


def _bands(planes: Planes, seen: Source, count: int) -> list[tuple[Planes, Source]]:
    """Parts of the rows, or of a single one, and where their windows begin."""
    if planes.rows > 1:
        return [
            (
                planes._replace(samples=planes.samples[begin * planes.width :], rows=end - begin),
                seen._replace(origin=seen.origin + begin * seen.stride),
            )
            for begin, end in parts(planes.rows, count)
        ]
    begins = [begin * BESIDE for begin, _ in parts(planes.width // BESIDE, count)]
    return [
        (
            planes._replace(samples=planes.samples[begin:], width=end - begin),
            seen._replace(origin=seen.origin + begin),
        )
        for begin, end in zip(begins, [*begins[1:], planes.width], strict=True)
    ]


def _of_filters(planes: Planes, bank: Bank, count: int) -> list[tuple[Planes, Bank]]:
    """Parts of the planes, with the filters that they are of."""
    found = []
    for begin, end in parts(len(bank.weights), count):
        first, last = begin * FILTERS, end * FILTERS
        some = planes._replace(samples=planes.samples[first * planes.pitch :])
        used = min(last, bank.used) - first
        found.append((some, bank._replace(weights=bank.weights[begin:end], biases=bank.biases[first:last], used=used)))
    return found


def _padded(samples: Array, padding: MapPadding) -> tuple[Maps, MapPadding, int, int, int]:
    """What `pad_rows` takes to copy maps."""
    return Maps(samples.reshape(-1), *samples.shape), padding, 0, len(padding.rows), 1


class _Place(NamedTuple):
    """Where the windows of a band lie.

    Attributes
    ----------
    padding : MapPadding or None
        Of a copy; None where the source is read as it lies.
    size : int
        Samples of a map of the copy, or of the source.
    origin, stride : int
        Where the first window begins, and samples between the windows of two rows.
    offsets : ndarray of int64
        Of the taps, from where a window begins.
    together : int
        Rows that are computed as a single long one.
    scratch : int
        Samples of scratch that these take.
    is_dense : bool
        Whether all rows of a map are a single one.
    stretch : int
        Samples of that, or of another, that all filters see before the next.
    """

    padding: MapPadding | None
    size: int
    origin: int
    stride: int
    offsets: Index
    together: int
    scratch: int
    is_dense: bool
    stretch: int


def _rows_together(size: int, stride: int, count: int) -> int:
    """How many rows of `size` results to compute as one, where each begins `stride` samples after the one before."""
    alone = -(-size // NARROW) * NARROW
    if size >= NARROW and alone <= stride * 1.1:  # to pick the results out of long rows takes about as much
        return 1
    return max(2, min(count, LONG_ROW // stride))


def planes_of(out: Array) -> Planes:
    """Rows of planes (planes, R, W'), as loops take them."""
    _, rows, width = out.shape
    if out.flags.c_contiguous:  # which is quicker
        return Planes(out.reshape(-1), rows * width, width, rows)
    pitch = out.strides[0] // out.itemsize
    samples = (len(out) - 1) * pitch + rows * width
    return Planes(np.lib.stride_tricks.as_strided(out, (samples,), (out.itemsize,)), pitch, width, rows)
