"""The sums of convolutions over batches whose pictures lie innermost, (C, H, W, N), and the gradients of these sums.

Maps are copied with their padding once. Columns of it that are a stride apart lie side by side, so that for each tap of
the kernel a whole row of results, of all pictures, sees samples that follow each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.codes import AS_IS, FILTERS, NARROW
from cnnfilter.engine.geometry import OUTSIDE, border_index
from cnnfilter.engine.groups import Array, Bank, Index, Planes, Source
from cnnfilter.learning.gradients.frames import Filled, Frame
from cnnfilter.learning.gradients.workspace import Calls, Piece, Workspace, cut
from cnnfilter.network.stages.base import Sliding
from cnnfilter.sizes import Border, Pair

SEEN, FEWEST_SEEN = 1 << 16, 64
"""Samples that all filters see before the next, which then are in a near cache; and the fewest neighbours of them."""


BANDS = 4
"""Parts that work is cut into for threads."""

NOTHING = np.empty(0, np.float32)
"""Scratch of loops that need none."""

FEW = 4
"""Filters, and taps, that are weighed side by side."""

LASTING = 1 << 22
"""Padded deltas up to which they have memory of their own, so that what is around them is set once."""

ROW_SAMPLES = 1 << 12
"""Samples of rows of deltas that are weighed before the next: those of four filters stay in the nearest cache."""


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
        self.frame = Frame(index[0], apart.reshape(-1, self.stride[1]).T.reshape(-1), border.value)
        self.corner = self.frame.corner(size) if self.stride == (1, 1) else None
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

    def filled(self, x: Array, space: Workspace) -> Filled:
        """Maps (C, H, W, N) with their padding, as the other methods take them."""
        count = x.shape[-1]
        lanes = self.lanes(count)
        if lanes == count and self.frame.size == x.shape[1:3] and self.corner is not None:
            copy = x
        else:
            copy = space.array("filled", (len(x), *self.frame.size, lanes))
            space.once("surrounded", [copy], lambda: self._surround(copy, count))
            self.frame.fill(copy, x)
        return Filled(copy, self.frame.size[1] * lanes, lanes)

    def _surround(self, copy: Array, count: int) -> None:
        copy[..., count:] = 0
        self.frame.surround(copy[..., :count])

    def correlated(self, filled: Filled, weight: Array, bias: Array | None, groups: int, space: Workspace) -> Array:
        """The convolution of `filled` maps with a bank (O, C / groups, kh, kw), (O, H', W', lanes)."""
        copy, row, lanes = filled
        out = space.array("correlated", (len(weight), *self.out, lanes))

        def lay_out() -> Sums:
            source = copy.reshape(groups, weight.shape[1], -1)
            results = out.reshape(groups, -1, self.out[0], self.out[1] * lanes)
            return Sums([Sum(results, source, self._offsets(filled), row * self.stride[0])])

        sums = space.once("sums", [copy, out], lay_out)
        sums.compute([(weight, bias)], space.threads)
        return out

    def spread(self, delta: Array, weight: Array, shape: tuple[int, ...], groups: int, space: Workspace) -> Array:
        """The gradient with respect to maps of a shape (C, H, W, N), of deltas (O, H', W', lanes)."""
        lanes = delta.shape[-1]
        is_wide = lanes == shape[-1] and lanes * shape[2] >= NARROW  # which maps may not be whose padding is wide
        is_direct = is_wide and self.out != (1, 1) and self.corner is not None
        size = shape[1:3] if is_direct else self.frame.size
        total = space.passing("spread", (shape[0], *size, lanes))
        if self.out == (1, 1):
            self._spread_one(delta, weight, total, groups)
        else:
            self._spread_many(delta, weight, total, groups, space)
        if is_direct:
            return total
        maps = space.passing("maps", shape)
        self.frame.give_back(maps, total)
        return maps

    def _spread_many(self, delta: Array, weight: Array, total: Array, groups: int, space: Workspace) -> None:
        padded = self._padded(delta, space)
        phases, sums = space.once("phases", [padded, total], lambda: self._phases(padded, total, groups))
        by_taps = weight.reshape(groups, -1, *weight.shape[1:]).swapaxes(1, 2)  # (groups, C / groups, O / groups, ...)
        sums.compute(
            [(by_taps[..., phase.rows, :][..., phase.columns], None) for phase in phases if phase.result is not None],
            space.threads,
        )
        for phase in phases:
            if phase.result is None:
                phase.part[...] = 0
            elif phase.result is not total:
                phase.part[...] = phase.result

    def _padded(self, delta: Array, space: Workspace) -> Array:
        """Deltas with zeros around them."""
        shape = len(delta), *self.deltas.size, delta.shape[-1]
        if math.prod(shape) <= LASTING:
            padded = space.array("padded", shape)
            space.once("rim", [padded], lambda: self.deltas.surround(padded))
        else:
            padded = space.passing("padded", shape)
            self.deltas.surround(padded)
        self.deltas.fill(padded, delta)
        return padded

    def _phases(self, padded: Array, total: Array, groups: int) -> tuple[list[Phase], Sums]:
        """The places of `filled` maps, or of the maps in them, that see the same taps, and how they are computed."""
        top, left = self.corner if self.corner is not None and total.shape[1:3] != self.frame.size else (0, 0)
        down, along = self.stride
        row, lanes = padded.shape[2] * padded.shape[3], padded.shape[3]
        m, n = (range(size)[::-1] for size in self.window)  # later taps see earlier deltas: places in turn are quicker
        phases, sums = [], []
        for y, x in np.ndindex(down, along):
            rows = [k for k in m if k * self.dilation[0] % down == y]
            columns = [k for k in n if k * self.dilation[1] % along == x]
            part = total[:, y::down, x * self.width : (x + 1) * self.width]
            if not rows or not columns or not part.size:
                phases.append(Phase([], [], part, None))
                continue
            offsets = np.array(
                [
                    (top + self.before[0] - k * self.dilation[0] // down) * row
                    + (left + self.before[1] - j * self.dilation[1] // along) * lanes
                    for k in rows
                    for j in columns
                ]
            )
            result = total if self.stride == (1, 1) else np.empty(part.shape, np.float32)
            results = result.reshape(groups, -1, part.shape[1], part.shape[2] * lanes)
            phases.append(Phase(rows, columns, part, result))
            sums.append(Sum(results, padded.reshape(groups, len(padded) // groups, -1), offsets, row))
        return phases, Sums(sums)

    def _spread_one(self, delta: Array, weight: Array, total: Array, groups: int) -> None:
        """What comes of deltas for maps that only one window sees: a product of matrices, without padding."""
        channels, *_, lanes = total.shape
        total[...] = 0
        rows = self.dilation[0] * np.arange(self.window[0])
        columns, rest = np.divmod(self.dilation[1] * np.arange(self.window[1]), self.stride[1])
        matrices = weight.reshape(groups, len(weight) // groups, -1).transpose(0, 2, 1)
        products = matrices @ delta.reshape(groups, -1, lanes)
        places = rows[:, None], (rest * self.width + columns)[None]
        total[:, *places] = products.reshape(channels, *self.window, lanes)

    def weighed(self, filled: Filled, delta: Array, groups: int, space: Workspace) -> Array:
        """The gradient with respect to the bank, (O, C / groups, kh, kw), of deltas (O, H', W', lanes)."""
        copy, row, lanes = filled
        count, channels = len(delta) // groups, len(copy) // groups
        used = channels * self.window[0] * self.window[1]
        total = space.array("weighed", (groups, -(-count // FEW) * FEW, -(-used // FEW) * FEW))

        def pieces() -> list[Piece]:
            taps = (np.arange(channels)[:, None] * copy[0].size + self._offsets(filled)).reshape(-1)
            taps = np.resize(taps, total.shape[2])
            deltas, source = delta.reshape(groups, count, -1), copy.reshape(groups, -1)
            together = max(1, ROW_SAMPLES // (self.out[1] * lanes))
            fixed = self.out[0], row * self.stride[0], together
            return [
                [(total[g], deltas[g], first, last, source[g], taps, *fixed) for g in range(groups)]
                for first, last in cut(len(taps), -(-len(taps) // (BANDS * FEW)) * FEW)
            ]

        space.call("weigh", [copy, delta, total], loops.weigh_rows, pieces)
        weighed: Array = total[:, :count, :used].reshape(len(delta), channels, *self.window)
        return weighed

    def _offsets(self, filled: Filled) -> Index:
        """Where in a plane of `filled` maps the first window sees each tap."""
        m, n = (each.reshape(-1) for each in np.indices(self.window))
        column, rest = np.divmod(self.dilation[1] * n, self.stride[1])
        offsets: Index = self.dilation[0] * m * filled.row + (rest * self.width + column) * filled.lanes
        return offsets

    def widened(self, delta: Array, space: Workspace) -> Array:
        """Deltas (O, H', W', N) with lanes of 0 beyond N, as `spread` and `weighed` take them."""
        count, lanes = delta.shape[-1], self.lanes(delta.shape[-1])
        if count == lanes:
            return delta
        wide = space.passing("wide", (*delta.shape[:-1], lanes))
        wide[..., count:] = 0
        wide[..., :count] = delta
        return wide


class Phase(NamedTuple):
    """Places of padded maps that see the same taps of a strided kernel: the part of them, and where it is computed."""

    rows: list[int]
    columns: list[int]
    part: Array
    result: Array | None


class Sum:
    """Rows of results of planes of flat samples, for weights that change.

    Parameters
    ----------
    out : ndarray, (groups, O, R, L)
    source : ndarray, (groups, planes, samples)
    taps : ndarray of int64
        Where in a plane the first window sees each tap.
    stride : int
        Samples from one row's windows to the next one's.
    """

    def __init__(self, out: Array, source: Array, taps: Index, stride: int) -> None:
        groups, count, rows, width = out.shape
        offsets = (np.arange(source.shape[1])[:, None] * source.shape[2] + taps).reshape(-1)
        few = -(-count // FILTERS)
        self._turned = np.zeros((groups, few, FILTERS, len(offsets)), np.float32)
        self._filters = np.zeros((groups, few, len(offsets), FILTERS), np.float32)
        self._biases = np.zeros((groups, few * FILTERS), np.float32)
        self._weights = self._turned.reshape(groups, few * FILTERS, len(offsets))[:, :count]
        stretch = max(SEEN // len(offsets), FEWEST_SEEN) // FEWEST_SEEN * FEWEST_SEEN
        self.pieces: list[Piece] = []
        for first, last in cut(rows, -(-rows // BANDS) if groups < BANDS else rows):
            calls = []
            for group in range(groups):
                bank = Bank(offsets, self._filters[group], 1.0, self._biases[group], count, AS_IS)
                to = Planes(out[group].reshape(-1)[first * width :], rows * width, width, last - first)
                calls.append((to, Source(source[group].reshape(-1), first * stride, stride), bank, 1, stretch, NOTHING))
            at_once = -(-len(calls) // BANDS) if groups >= BANDS else 1
            self.pieces += [calls[begin:end] for begin, end in cut(len(calls), at_once)]

    def set(self, weight: Array, bias: Array | None) -> None:
        """Take the weights (O, planes, ...) of all groups one after the other, and biases (O,)."""
        self._weights[...] = weight.reshape(self._weights.shape)
        np.copyto(self._filters, self._turned.swapaxes(2, 3))
        if bias is not None:
            self._biases[:, : self._weights.shape[1]] = bias.reshape(len(self._biases), -1)


class Sums:
    """Some that may be computed side by side."""

    def __init__(self, sums: Sequence[Sum]) -> None:
        self._sums = sums
        self._calls = Calls(loops.bank_rows, [piece for each in sums for piece in each.pieces])

    def compute(self, numbers: Sequence[tuple[Array, Array | None]], threads: int | None) -> None:
        """Compute them with these weights and biases."""
        for each, (weight, bias) in zip(self._sums, numbers, strict=True):
            each.set(weight, bias)
        self._calls.make(threads)
