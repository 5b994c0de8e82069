"""The sums of convolutions over batches whose pictures lie innermost, (C, H, W, N), and the gradients of these sums.

Maps are copied with their padding once. Columns of it that are a stride apart lie side by side, so that for each tap of
the kernel a whole row of results, of all pictures, sees samples that follow each other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.bands import in_bands
from cnnfilter.engine.codes import AS_IS, FILTERS, NARROW
from cnnfilter.engine.geometry import OUTSIDE, border_index
from cnnfilter.engine.groups import Array, Bank, Index, Planes, Source
from cnnfilter.network.stages.base import Sliding
from cnnfilter.runtime import buffers
from cnnfilter.sizes import Border, Pair

SEEN, FEWEST_SEEN = 1 << 16, 64
"""Samples that all filters see before the next, which then are in a near cache; and the fewest neighbours of them."""


BANDS = 4
"""Parts that work is cut into for threads."""

FEW = 4
"""Filters, and taps, that are weighed side by side."""

ROW_SAMPLES = 1 << 12
"""Samples of rows of deltas that are weighed before the next: those of four filters stay in the nearest cache."""


class Run(NamedTuple):
    """Neighbours on a padded axis that are equally far apart in the source, from `first` on; `OUTSIDE` of none."""

    begin: int
    end: int
    first: int
    step: int

    @property
    def places(self) -> slice:
        """Where they lie on the padded axis."""
        return slice(self.begin, self.end)

    @property
    def source(self) -> slice:
        """Where they are from."""
        return slice(self.first, self.first + (self.end - self.begin - 1) * self.step + 1, self.step)


def runs(index: Index) -> list[Run]:
    """The runs of an axis, from the source of each padded place."""
    found: list[Run] = []
    for place, source in enumerate(index.tolist()):
        last = found[-1] if found else None
        if last is not None and source == OUTSIDE == last.first:
            found[-1] = last._replace(end=place + 1)
        elif last is not None and OUTSIDE not in (source, last.first) and _goes_on(last, source):
            found[-1] = last._replace(
                end=place + 1, step=source - last.first if last.end - last.begin == 1 else last.step
            )
        else:
            found.append(Run(place, place + 1, source, 1))
    return found


def _zeros(shape: tuple[int, ...]) -> Array:
    array: Array = buffers.empty(shape, np.float32)
    array[...] = 0
    return array


def _goes_on(run: Run, source: int) -> bool:
    count = run.end - run.begin
    return source > run.first if count == 1 else source == run.first + count * run.step


class Frame:
    """Maps with their padding: how they are copied, and what comes back of the copies.

    Parameters
    ----------
    rows, columns : ndarray of int64
        The source of each padded place, or `OUTSIDE`.
    value : float
        What stands there.
    """

    def __init__(self, rows: Index, columns: Index, value: float = 0.0) -> None:
        self.size = len(rows), len(columns)
        self.value = value
        self.blocks = [(r, c) for r in runs(rows) for c in runs(columns)]

    def filled(self, x: Array, lanes: int) -> Array:
        """A copy (C, R, L, lanes) of (C, H, W, N) with the padding; lanes beyond N are 0."""
        count = x.shape[-1]
        if count == lanes and self._copies(x):
            return x
        out = buffers.empty((len(x), *self.size, lanes), x.dtype)
        out[..., count:] = 0
        for row, column in self.blocks:
            is_outside = OUTSIDE in (row.first, column.first)
            seen = self.value if is_outside else x[:, row.source, column.source]
            out[:, row.places, column.places, :count] = seen
        return out

    def returned(self, copied: Array, shape: tuple[int, ...]) -> Array:
        """The sum of all copies of each sample, of the shape of `filled`'s input: the gradient of the copying."""
        if copied.shape == shape and self._copies(copied):
            return copied
        total = _zeros(shape)
        for row, column in self.blocks:
            if OUTSIDE not in (row.first, column.first):
                total[:, row.source, column.source] += copied[:, row.places, column.places, : shape[-1]]
        return total

    def _copies(self, x: Array) -> bool:
        """Whether nothing is padded, left out or moved."""
        row, column = self.blocks[0]
        return self.blocks == [(Run(0, x.shape[1], 0, row.step), Run(0, x.shape[2], 0, column.step))] and (
            row.step == 1 == column.step and x.flags.c_contiguous
        )


class Slide:
    """How the windows of a convolution lie over maps of one size, and the sums of it.

    Parameters
    ----------
    size : (int, int)
        Of the maps.
    out : (int, int)
        Of the result.
    sliding : Sliding
    border : Border
    """

    def __init__(self, size: Pair, out: Pair, sliding: Sliding, border: Border) -> None:
        self.window, self.stride, self.dilation, pads = sliding
        self.out = out
        reach = [(out[i] - 1) * self.stride[i] + self.dilation[i] * (self.window[i] - 1) + 1 for i in (0, 1)]
        index = [
            border_index(size[i], pads[i][0], max(reach[i] - pads[i][0] - size[i], 0), border.mode)[: reach[i]]
            for i in (0, 1)
        ]
        self.width = -(-reach[1] // self.stride[1])  # of the columns of one remainder
        apart = np.full(self.width * self.stride[1], OUTSIDE)
        apart[: reach[1]] = index[1]
        self.height = reach[0]
        self.frame = Frame(index[0], apart.reshape(-1, self.stride[1]).T.reshape(-1), border.value)
        back = [self.dilation[i] * (self.window[i] - 1) // self.stride[i] for i in (0, 1)]
        self.before = back
        most = -(-reach[0] // self.stride[0])
        rows, columns = (
            np.where((places >= 0) & (places < out[i]), places, OUTSIDE)
            for i, places in enumerate((np.arange(-back[0], most), np.arange(-back[1], self.width)))
        )
        self.deltas = Frame(rows, columns)

    def lanes(self, count: int) -> int:
        """The pictures that are computed together, of which there are so many: loops take no short rows."""
        return max(count, -(-NARROW // self.out[1]))

    def filled(self, x: Array) -> Array:
        """Maps (C, H, W, N) with their padding, as the other methods take them."""
        return self.frame.filled(x, self.lanes(x.shape[-1]))

    def correlated(self, filled: Array, weight: Array, bias: Array | None, groups: int, threads: int | None) -> Array:
        """The convolution of `filled` maps with a bank (O, C / groups, kh, kw), (O, H', W', lanes)."""
        lanes = filled.shape[-1]
        count, channels = len(weight) // groups, weight.shape[1]
        row, offsets = filled.shape[2] * lanes, self._offsets(filled)
        out = buffers.empty((len(weight), *self.out, lanes), np.float32)
        for group in range(groups):
            some, planes = slice(group * count, (group + 1) * count), slice(group * channels, (group + 1) * channels)
            _sum(
                out[some].reshape(count, self.out[0], -1),
                filled[planes].reshape(channels, -1),
                offsets,
                row * self.stride[0],
                weight[some].reshape(count, channels, -1),
                None if bias is None else bias[some],
                threads,
            )
        return out

    def spread(self, delta: Array, weight: Array, channels: int, groups: int, threads: int | None) -> Array:
        """The gradient with respect to `filled` maps, (C, R, L, lanes), of deltas (O, H', W', lanes)."""
        lanes = delta.shape[-1]
        count, each = len(weight) // groups, weight.shape[1]
        padded = self.deltas.filled(delta, lanes)
        row = padded.shape[2] * lanes
        (down, along), (m, n) = self.stride, self.window
        is_plain = self.stride == (1, 1)
        total = buffers.empty((channels, *self.frame.size, lanes), np.float32)
        for y, x in np.ndindex(down, along):
            rows = [(k, k * self.dilation[0] // down) for k in range(m) if k * self.dilation[0] % down == y]
            columns = [(k, k * self.dilation[1] // along) for k in range(n) if k * self.dilation[1] % along == x]
            part = total[:, y::down, x * self.width : (x + 1) * self.width]
            if not rows or not columns or not part.size:
                part[...] = 0
                continue
            some = weight[:, :, [k for k, _ in rows]][:, :, :, [k for k, _ in columns]]
            offsets = np.array(
                [(self.before[0] - r) * row + (self.before[1] - c) * lanes for _, r in rows for _, c in columns]
            )
            result = total if is_plain else buffers.empty(part.shape, np.float32)
            for group in range(groups):
                filters, planes = slice(group * count, (group + 1) * count), slice(group * each, (group + 1) * each)
                _sum(
                    result[planes].reshape(each, part.shape[1], -1),
                    padded[filters].reshape(count, -1),
                    offsets,
                    row,
                    some[filters].reshape(count, each, -1).transpose(1, 0, 2),
                    None,
                    threads,
                )
            if not is_plain:
                part[...] = result
        return total

    def weighed(self, filled: Array, delta: Array, groups: int, threads: int | None) -> Array:
        """The gradient with respect to the bank, (O, C / groups, kh, kw), of deltas (O, H', W', lanes)."""
        count, channels = len(delta) // groups, len(filled) // groups
        row = filled.shape[2] * filled.shape[3]
        taps = (np.arange(channels)[:, None] * (len(filled[0]) * row) + self._offsets(filled)).reshape(-1)
        used, taps = len(taps), np.resize(taps, -(-len(taps) // FEW) * FEW)
        filters = -(-count // FEW) * FEW
        total = np.empty((groups, filters, len(taps)), np.float32)
        deltas, source = delta.reshape(groups, count, -1), filled.reshape(groups, -1)
        together = max(1, ROW_SAMPLES // (self.out[1] * filled.shape[3]))
        apart = row * self.stride[0]

        def work(first: int, last: int) -> None:
            for group in range(groups):
                loops.weigh_rows(
                    total[group], deltas[group], first, last, source[group], taps, self.out[0], apart, together
                )

        in_bands(len(taps), -(-len(taps) // (BANDS * FEW)) * FEW, threads, work)
        weighed: Array = total[:, :count, :used].reshape(len(delta), channels, *self.window)
        return weighed

    def _offsets(self, filled: Array) -> Index:
        """Where in a plane of `filled` maps the first window sees each tap."""
        lanes = filled.shape[3]
        m, n = (each.reshape(-1) for each in np.indices(self.window))
        column, rest = np.divmod(self.dilation[1] * n, self.stride[1])
        offsets: Index = (self.dilation[0] * m * filled.shape[2] + rest * self.width + column) * lanes
        return offsets

    def widened(self, delta: Array) -> Array:
        """Deltas (O, H', W', N) with lanes of 0 beyond N, as `spread` and `weighed` take them."""
        count, lanes = delta.shape[-1], self.lanes(delta.shape[-1])
        if count == lanes:
            return delta
        wide = _zeros((*delta.shape[:-1], lanes))
        wide[..., :count] = delta
        return wide

    def returned(self, spread: Array, shape: tuple[int, ...]) -> Array:
        """The gradient with respect to the maps, of that with respect to `filled` ones."""
        return self.frame.returned(spread, shape)


def _sum(
    out: Array,
    source: Array,
    taps: Index,
    stride: int,
    weight: Array,
    bias: Array | None,
    threads: int | None,
) -> None:
    """Compute rows of results (O, R, L), of planes of flat samples that lie one after the other.

    Parameters
    ----------
    taps : ndarray of int64
        Where in a plane the first window sees each tap.
    stride : int
        Samples from one row's windows to the next one's.
    weight : ndarray, (O, planes, taps)
    """
    count, planes, _ = weight.shape
    offsets = (np.arange(planes)[:, None] * source.shape[1] + taps).reshape(-1)
    groups = -(-count // FILTERS)
    filters = np.zeros((groups * FILTERS, len(offsets)), np.float32)
    filters[:count] = weight.reshape(count, -1)
    filters = np.ascontiguousarray(filters.reshape(groups, FILTERS, -1).transpose(0, 2, 1))
    biases = np.zeros(groups * FILTERS, np.float32)
    if bias is not None:
        biases[:count] = bias
    bank = Bank(offsets, filters, 1.0, biases, count, AS_IS)
    flat, target = source.reshape(-1), out.reshape(-1)
    _, rows, width = out.shape
    stretch = max(SEEN // len(offsets), FEWEST_SEEN) // FEWEST_SEEN * FEWEST_SEEN

    def work(first: int, last: int) -> None:
        some = Planes(target[first * width :], rows * width, width, last - first)
        loops.bank_rows(some, Source(flat, first * stride, stride), bank, 1, stretch, np.empty(0, np.float32))

    in_bands(rows, max(1, -(-rows // BANDS)), threads, work)
