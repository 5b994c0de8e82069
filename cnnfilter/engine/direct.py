"""Convolution as a sum of shifted rows: a list of taps, each an offset and weights; zero weights are left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.codes import AS_IS, BY_NAME, GROUP, PRODUCTS, ROW, SINGLE, SUM_LENGTH, TOGETHER
from cnnfilter.engine.geometry import OUTSIDE, Array, Index, Rows, Windows
from cnnfilter.engine.groups import Filters, Finish, SharedTaps, Source, Span
from cnnfilter.engine.precision import accumulator, products_fit_int16
from cnnfilter.engine.shared import share


class Rim(NamedTuple):
    """The outputs beside those that are computed where they lie, whose windows reach into the padding.

    The columns that they read are copied into a narrow picture of its own, which needs no padding.

    Attributes
    ----------
    outputs : ndarray of int64, (n,)
        Their columns in the result.
    columns : ndarray of int64
        The source's column, or `OUTSIDE`, behind each of the narrow picture.
    picks : ndarray of int64, (n,)
        The column of the narrow picture where each one's window begins.
    width : int
        Columns of the narrow picture. The last may stand for nothing: rows have to have `ROW` samples.
    """

    outputs: Index
    columns: Index
    picks: Index
    width: int

    @classmethod
    def of(cls, windows: Windows, begin: int, end: int, spacing: int) -> Rim:
        """The rim of output columns `begin` to `end - 1`."""
        span, stride, width = windows.span[1], windows.stride[1], windows.out[1]
        outputs = [np.arange(begin), np.arange(end, width)]
        read: list[Index] = []
        picks: list[Index] = []
        apart = min(stride, span)  # nothing sees what lies between windows that do not touch
        for columns in outputs:
            if len(columns):
                picks.append(sum(map(len, read)) + (columns - columns[0]) * apart)
                seen = columns[:, None] * stride + np.arange(apart)
                read.append(np.append(seen, columns[-1] * stride + np.arange(apart, span)))
        columns = windows.columns[np.concatenate(read)]
        least = -(-ROW // spacing) + span - 1
        return cls(np.concatenate(outputs), columns, np.concatenate(picks), max(len(columns), least))

    def rows(self, windows: Windows, source: Rows, first: int, last: int, *, padded: bool) -> Rows:
        """The narrow picture, of the rows that output rows `first` to `last - 1` read, or of the padded ones."""
        begin, end = windows.needed(first, last)
        planes, _, length = source.samples.shape
        held = source.samples.reshape(planes, -1, length // source.spacing, source.spacing)
        constant, outside = windows.border.value, self.columns == OUTSIDE
        kind = held.dtype
        if kind.kind == "u" and outside.any() and not (0 <= constant <= np.iinfo(kind).max and constant % 1 == 0):
            kind = np.dtype(np.float32)
        read = held[:, begin - source.first : end - source.first, self.columns]
        if padded:
            rows = windows.rows[first * windows.stride[0] :][: (last - first - 1) * windows.stride[0] + windows.span[0]]
            read = read[:, np.maximum(rows - begin, 0)]
            read[:, rows == OUTSIDE] = constant
        samples = np.zeros((planes, read.shape[1], self.width, source.spacing), dtype=kind)
        samples[:, :, : len(self.columns)] = read
        if outside.any():
            samples[:, :, np.flatnonzero(outside)] = constant
        return Rows(samples.reshape(planes, -1, self.width * source.spacing), source.spacing, begin)


@dataclass(eq=False, repr=False)
class _Taps:
    """Taps of windows that lie alike.

    Attributes
    ----------
    filters : Filters
    has_base : bool
        Whether any sum begins with something.
    """

    filters: Filters
    has_base: bool
    _shared: dict[int, SharedTaps] = field(default_factory=dict)

    def moved(self, distances: Index) -> _Taps:
        """The taps at other places."""
        return _Taps(self.filters._replace(offsets=self.filters.offsets + distances), self.has_base)

    def shared(self, width: int, pitch: int, rows: int) -> SharedTaps:
        """The taps of a kernel `width` taps wide for so many rows of windows, `pitch` samples apart."""
        taps = self._shared.get(rows)
        if taps is None:
            offsets, weights, _, bases = self.filters
            offsets, weights = offsets.reshape(-1, width), weights.reshape(-1, width)
            taps = self._shared[rows] = share(offsets, weights, pitch, rows, float(bases[0]))
        return taps


SHARED_WORK = 1 << 22
"""Multiply-adds from which rows share taps: to prepare those takes as long as is gained on half as many."""


class DirectFilter:
    """One or more filters over the same windows, combined into one map.

    Parameters
    ----------
    numbers : ndarray, (F, planes, kh, kw)
        Finite.
    gain : float
        What the sums are multiplied by.
    windows : Windows
    dtype : dtype
        Of the source.
    combine : {None, "magnitude", "maximum"}
        None for a single filter.
    wide : bool
        Whether sums are float64 whatever they are.
    """

    is_tiled = False
    """Whether rows are computed in tiles, each of which takes long."""

    band_rows = 1
    """Output rows that are computed together, of which bands should be multiples."""

    def __init__(
        self,
        numbers: Array,
        gain: float,
        windows: Windows,
        dtype: np.dtype[Any],
        combine: str | None = None,
        *,
        wide: bool = False,
    ) -> None:
        self.windows = windows
        self.gain = gain
        self.combine = BY_NAME[combine]
        self.kind = np.float64 if wide else accumulator(numbers, dtype, windows.border.value, combine)
        self.filters, self.planes, rows, columns = np.argwhere(numbers).T
        self.rows, self.columns = rows * windows.dilation[0], columns * windows.dilation[1]
        # The taps may reach less far than the windows: those of a single weight touch no padding at all.
        self.reach = [
            (min(places, default=0), max(places, default=0)) for places in (self.rows.tolist(), self.columns.tolist())
        ]
        small = self.kind == np.float32 and products_fit_int16(numbers, dtype)
        product = np.int16 if small else self.kind
        self.weights = numbers[numbers != 0].astype(product)
        self.count = len(numbers)
        # What is the same for every band, by how the samples lie; threads may make the same twice.
        self._rims: dict[int, Rim] = {}
        self._taps_within: dict[tuple[Any, ...], _Taps] = {}
        self.shares = product == np.float32 and self._can_share(numbers)
        if self.shares:
            self.band_rows = TOGETHER
        # To copy rows of padding into the rim saves a call for each; taps on a constant may fall into other groups.
        constant = windows.border.mode == "constant"
        is_one_group = len(self.weights) <= (SUM_LENGTH if self.shares else GROUP)
        self.pads_rows = not windows.is_spread and (not constant or (windows.border.value == 0 and is_one_group))
        self.is_sum = self.combine == SINGLE and len(self.weights) <= GROUP and gain == 1

    @property
    def width(self) -> int:
        """Columns that the taps span."""
        return self.reach[1][1] - self.reach[1][0] + 1

    def _can_share(self, numbers: Array) -> bool:
        """Whether rows of results gain by sharing what they read; products of 16 bits cost too little for that.

        They must see much of the same, and no weight may be left out: rows would add up in orders of their own, and
        what is the same in all of them would come out in stripes.
        """
        windows, taps = self.windows, len(self.weights)
        height = self.reach[0][1] - self.reach[0][0] + 1
        sees_the_same = windows.stride[0] == 1 and windows.dilation == (1, 1) and height > 1
        is_one = len(numbers) == numbers.shape[1] == 1 and taps == height * self.width and self.width <= SUM_LENGTH
        return sees_the_same and is_one and taps * windows.out[0] * windows.out[1] >= SHARED_WORK

    def run(self, source: Rows, first: int, out: Array, *, bias: float = 0.0, after: int = AS_IS) -> None:
        """Compute output rows `first` onwards into `out`, (R, W' * spacing).

        `source` must hold the rows that `windows.needed` names. Stored is `sum + bias`, or what
        `after` makes of it: in a float32 `out` as it is, in uint8 and uint16 rounded half to even and clamped.
        """
        windows, spacing, stride = self.windows, source.spacing, self.windows.stride[1]
        begin, end = windows.inside(1, *self.reach[1])
        size = ((end - begin - 1) * stride + 1) * spacing
        if size < ROW:
            begin = end = 0
        result = out.reshape(len(out), -1, spacing)
        how = Finish(self.gain, float(bias), after)
        if begin < end:
            origin = (begin * stride - windows.pads[1][0]) * spacing
            if stride == 1:
                self._run_blocks(source, origin, first, out, Span(begin * spacing, size), how)
            else:
                every = np.empty((len(out), size), dtype=out.dtype)
                self._run_blocks(source, origin, first, every, Span(0, size), how)
                result[:, begin:end] = every.reshape(len(out), -1, spacing)[:, ::stride]
        if end - begin < windows.out[1]:
            rim = self._rims.get(spacing) or Rim.of(windows, begin, end, spacing)
            self._rims[spacing] = rim
            narrow = rim.rows(windows, source, first, first + len(out), padded=self.pads_rows)
            size = max(ROW, (int(rim.picks.max()) + 1) * spacing)
            every = np.empty((len(out), -(-size // spacing) * spacing), dtype=out.dtype)
            if self.pads_rows:
                self._filter(every, Span(0, size), self._source(narrow, 0), self._within(narrow), how)
            else:
                self._run_blocks(narrow, 0, first, every, Span(0, size), how)
            result[:, rim.outputs] = every.reshape(len(out), -1, spacing)[:, rim.picks]

    def _run_blocks(self, rows: Rows, origin: int, first: int, out: Array, span: Span, how: Finish) -> None:
        """Compute a span of output rows `first` onwards, whose first windows begin at sample `origin` of a row."""
        for top, bottom in self.windows.runs(first, first + len(out), *self.reach[0]):
            self._filter(out[top - first : bottom - first], span, *self._placed(rows, origin, top), how)

    def _filter(self, out: Array, span: Span, source: Source, taps: _Taps, how: Finish) -> None:
        """Compute a span of each row of `out`, whose windows lie alike."""
        if self.shares:
            shared = taps.shared(self.width, source.stride, min(len(out), TOGETHER))
            loops.filter_rows(out, span, source, shared, how)
        else:
            loops.filter_block(out, span, source, taps.filters, self._combined(taps, how), how)

    def block(self, rows: Rows, first: int, bias: float, after: int) -> tuple[Source, Filters, int, Finish]:
        """What `filter_block` takes for outputs from row `first` on whose windows lie alike."""
        source, taps = self._placed(rows, 0, first)
        how = Finish(self.gain, bias, after)
        return source, taps.filters, self._combined(taps, how), how

    def _combined(self, taps: _Taps, how: Finish) -> int:
        return PRODUCTS if self.is_sum and how.bias == 0 and not taps.has_base else self.combine

    def _source(self, rows: Rows, origin: int) -> Source:
        return Source(rows.samples.reshape(-1), origin, self.windows.stride[0] * rows.samples.shape[2])

    def _placed(self, rows: Rows, origin: int, first: int) -> tuple[Source, _Taps]:
        """Where the windows of output row `first` begin, those of the next rows alike, and the taps for them."""
        windows, length, taps = self.windows, rows.samples.shape[2], self._within(rows)
        top = first * windows.stride[0] - windows.pads[0][0]
        if top + self.reach[0][0] >= 0 and top + self.reach[0][1] < windows.size[0]:
            return self._source(rows, origin + (top - rows.first) * length), taps
        seen = windows.rows[first * windows.stride[0] + self.rows]
        inside = seen != OUTSIDE
        if not inside.all():
            return self._source(rows, origin), self._taps(rows, seen - rows.first, inside)
        return self._source(rows, origin), taps.moved((seen - rows.first - self.rows) * length)

    def _within(self, rows: Rows) -> _Taps:
        """The taps of windows that lie within the samples, from where each begins."""
        key = (rows.samples.shape, rows.spacing, rows.samples.dtype)
        taps = self._taps_within.get(key)
        if taps is None:
            taps = self._taps_within[key] = self._taps(rows, self.rows, self.rows != OUTSIDE)
        return taps

    def _taps(self, rows: Rows, places: Index, inside: Array) -> _Taps:
        """The taps in some rows of the samples, of which those that are not `inside` hold the border's constant."""
        _, height, length = rows.samples.shape
        filters, weights = self.filters, self.weights
        kind = np.int64 if self.kind is np.int64 else np.float64
        bases = np.zeros(self.count, dtype=kind)
        offsets = (self.planes * height + places) * length + self.columns * rows.spacing
        if not inside.all():
            beyond = weights[~inside].astype(kind) * np.asarray(self.windows.border.value, dtype=kind)
            np.add.at(bases, filters[~inside], beyond)
            filters, weights, offsets = filters[inside], weights[inside], offsets[inside]
        # Only a border that a whole number of the picture's type cannot be changes the type of the products.
        product = weights.dtype if rows.samples.dtype == np.uint8 else self.kind
        starts = np.searchsorted(filters, np.arange(self.count + 1))
        bases = bases.astype(self.kind, copy=False)
        return _Taps(Filters(offsets, weights.astype(product, copy=False), starts, bases), bool(bases.any()))
