"""The sums of convolutions over batches whose pictures lie innermost, (C, H, W, N), and the gradients of these sums.

Maps are copied with their padding once. Columns of it that are a stride apart lie side by side, so that for each tap of
the kernel a whole row of results, of all pictures, sees samples that follow each other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.bands import in_bands
from cnnfilter.engine.codes import AS_IS, FILTERS, NARROW
from cnnfilter.engine.geometry import OUTSIDE, border_index
from cnnfilter.engine.groups import Array, Bank, Index, Planes, Source
from cnnfilter.learning.gradients.frames import Filled, Frame
from cnnfilter.learning.gradients.memory import fresh, zeros
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
        self.known: dict[Pair, Index] = {}

    def lanes(self, count: int) -> int:
        """The pictures that are computed together, of which there are so many: loops take no short rows."""
        return max(count, -(-NARROW // self.out[1]))

    def filled(self, x: Array) -> Filled:
        """Maps (C, H, W, N) with their padding, as the other methods take them."""
        return self.frame.filled(x, self.lanes(x.shape[-1]))

    def correlated(self, filled: Filled, weight: Array, bias: Array | None, groups: int, threads: int | None) -> Array:
        """The convolution of `filled` maps with a bank (O, C / groups, kh, kw), (O, H', W', lanes)."""
        count, channels = len(weight) // groups, weight.shape[1]
        offsets, source = self._offsets(filled), filled.samples
        out: Array = fresh((len(weight), *self.out, filled.lanes))

        def work(group: int, threads: int | None) -> None:
            some, planes = _part(group, count), _part(group, channels)
            results, numbers = out[some].reshape(count, self.out[0], -1), weight[some].reshape(count, channels, -1)
            shift = None if bias is None else bias[some]
            _sum(results, source[planes], offsets, filled.row * self.stride[0], numbers, shift, threads)

        _each_group(groups, threads, work)
        return out

    def spread(self, delta: Array, weight: Array, channels: int, groups: int, threads: int | None) -> Array:
        """The gradient with respect to `filled` maps, (C, R, L, lanes), of deltas (O, H', W', lanes)."""
        lanes = delta.shape[-1]
        count, each = len(weight) // groups, weight.shape[1]
        if self.out == (1, 1):
            return self._spread_one(delta, weight, channels, groups)
        padded, row, _ = self.deltas.filled(delta, lanes)
        down, along = self.stride
        m, n = (range(size)[::-1] for size in self.window)  # later taps see earlier deltas: places in turn are quicker
        is_plain = self.stride == (1, 1)
        total = fresh((channels, *self.frame.size, lanes))
        for y, x in np.ndindex(down, along):
            rows = [(k, k * self.dilation[0] // down) for k in m if k * self.dilation[0] % down == y]
            columns = [(k, k * self.dilation[1] // along) for k in n if k * self.dilation[1] % along == x]
            part = total[:, y::down, x * self.width : (x + 1) * self.width]
            if not rows or not columns or not part.size:
                part[...] = 0
                continue
            some = weight[:, :, [k for k, _ in rows]][:, :, :, [k for k, _ in columns]]
            offsets = np.array(
                [(self.before[0] - r) * row + (self.before[1] - c) * lanes for _, r in rows for _, c in columns]
            )
            result = total if is_plain else fresh(part.shape)

            def work(
                group: int, threads: int | None, result: Array = result, some: Array = some, taps: Index = offsets
            ) -> None:
                filters, planes = _part(group, count), _part(group, each)
                numbers = some[filters].reshape(count, each, -1).transpose(1, 0, 2)
                results = result[planes].reshape(each, result.shape[1], -1)
                _sum(results, padded[filters], taps, row, numbers, None, threads)

            _each_group(groups, threads, work)
            if not is_plain:
                part[...] = result
        return total

    def _spread_one(self, delta: Array, weight: Array, channels: int, groups: int) -> Array:
        """What `spread` gives of maps that only one window sees: a product of matrices, without padding."""
        lanes = delta.shape[-1]
        total = zeros((channels, *self.frame.size, lanes))
        rows = self.dilation[0] * np.arange(self.window[0])
        columns, rest = np.divmod(self.dilation[1] * np.arange(self.window[1]), self.stride[1])
        matrices = weight.reshape(groups, len(weight) // groups, -1).transpose(0, 2, 1)
        products = matrices @ delta.reshape(groups, -1, lanes)
        places = rows[:, None], (rest * self.width + columns)[None]
        total[:, *places] = products.reshape(channels, *self.window, lanes)
        return total

    def weighed(self, filled: Filled, delta: Array, groups: int, threads: int | None) -> Array:
        """The gradient with respect to the bank, (O, C / groups, kh, kw), of deltas (O, H', W', lanes)."""
        count, channels = len(delta) // groups, len(filled.samples) // groups
        taps = (np.arange(channels)[:, None] * filled.samples.shape[1] + self._offsets(filled)).reshape(-1)
        used, taps = len(taps), np.resize(taps, -(-len(taps) // FEW) * FEW)
        filters = -(-count // FEW) * FEW
        total = np.empty((groups, filters, len(taps)), np.float32)
        deltas, source = delta.reshape(groups, count, -1), filled.samples.reshape(groups, -1)
        together = max(1, ROW_SAMPLES // (self.out[1] * filled.lanes))
        apart = filled.row * self.stride[0]

        def work(first: int, last: int) -> None:
            for group in range(groups):
                loops.weigh_rows(
                    total[group], deltas[group], first, last, source[group], taps, self.out[0], apart, together
                )

        in_bands(len(taps), -(-len(taps) // (BANDS * FEW)) * FEW, threads, work)
        weighed: Array = total[:, :count, :used].reshape(len(delta), channels, *self.window)
        return weighed

    def _offsets(self, filled: Filled) -> Index:
        """Where in a plane of `filled` maps the first window sees each tap."""
        key = filled.row, filled.lanes
        if key in self.known:
            return self.known[key]
        m, n = (each.reshape(-1) for each in np.indices(self.window))
        column, rest = np.divmod(self.dilation[1] * n, self.stride[1])
        offsets: Index = self.dilation[0] * m * filled.row + (rest * self.width + column) * filled.lanes
        self.known[key] = offsets
        return offsets

    def widened(self, delta: Array) -> Array:
        """Deltas (O, H', W', N) with lanes of 0 beyond N, as `spread` and `weighed` take them."""
        count, lanes = delta.shape[-1], self.lanes(delta.shape[-1])
        if count == lanes:
            return delta
        wide = zeros((*delta.shape[:-1], lanes))
        wide[..., :count] = delta
        return wide

    def returned(self, spread: Array, shape: tuple[int, ...]) -> Array:
        """The gradient with respect to the maps, of that with respect to `filled` ones."""
        return self.frame.returned(spread, shape)


def _part(group: int, count: int) -> slice:
    return slice(group * count, (group + 1) * count)


def _each_group(groups: int, threads: int | None, work: Callable[[int, int | None], None]) -> None:
    """Call `work(group, threads)` for each group: several on one thread each where there are many."""
    if groups < BANDS:
        for group in range(groups):
            work(group, threads)
        return

    def several(first: int, last: int) -> None:
        for group in range(first, last):
            work(group, 1)

    in_bands(groups, -(-groups // BANDS), threads, several)


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
        loops.bank_rows(some, Source(flat, first * stride, stride), bank, 1, stretch, NOTHING)

    in_bands(rows, max(1, -(-rows // BANDS)), threads, work)
