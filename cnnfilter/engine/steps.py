"""What a chain is made of: operations on planar maps that compute any band of their rows from the rows it needs."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.apart import ApartFilters
from cnnfilter.engine.bank import FEWEST_FILTERS, BankFilter, planes_of
from cnnfilter.engine.codes import AS_IS, BESIDE, FILTERS
from cnnfilter.engine.crew import Piece
from cnnfilter.engine.geometry import OUTSIDE, Array, Empty, Index, Rows, Windows
from cnnfilter.engine.groups import Maps, Pool, PoolCounts, PoolPadding
from cnnfilter.engine.methods import FEWEST_FOURIER_EXACT, Method, choose
from cnnfilter.engine.program import Program, later, parts
from cnnfilter.engine.winograd import WinogradFilter
from cnnfilter.runtime.forks import lazy
from cnnfilter.runtime.native import Loop
from cnnfilter.sizes import Pair

WHOLE_TYPES = np.dtype(np.uint8), np.dtype(np.uint16)
"""Samples of pictures that spectra are for, whose tiles take many rows."""

Way = BankFilter | WinogradFilter | ApartFilters
"""What computes filters by calls of a loop."""

LEAST_WORK = 1 << 20
"""Multiply-adds from which two threads share a step's calls: 20 us."""

Shape = tuple[int, int, int]
"""(C, H, W) of maps."""


class Step(ABC):
    """One operation of a chain.

    Attributes
    ----------
    shape : tuple
        Of its whole result.
    work : int
        Multiply-adds, or samples that are looked at, in all.
    is_local : bool
        Whether a band of its rows needs only a band of its input's.
    overlaps : bool
        Whether neighbouring bands of its rows need some of the same rows of its input.
    band_rows : int
        Rows that are computed together, of which bands should be multiples.
    shares : int
        How many parts its maps are computed in, one by one; where there are several, in place of bands of rows.
    is_calls : bool
        Whether it is a matter of a few calls of loops, unless samples are of extreme sizes.
    """

    shape: Shape
    work: int
    is_local = True
    overlaps = False
    band_rows = 1
    shares = 1
    is_calls = False

    def needed(self, first: int, last: int) -> Pair:
        """The input's rows, begin and end, that output rows `first` to `last - 1` read: by default the same."""
        return first, last

    @abstractmethod
    def run(self, source: Rows, first: int, out: Array) -> None:
        """Compute output rows `first` onwards into `out`, (C, R, W) float32, from the rows `needed` names."""

    def run_share(self, share: int, source: Rows, out: Array) -> None:
        """Compute a share of the maps, all rows, into those of `out` that they are."""
        self.run(source, 0, out)

    def lay_out(self, program: Program, source: Array, out: Array) -> bool:
        """Add the calls that compute all of `out`; False where it takes more than calls."""
        return False


class _Windowed(Step):
    """A window that slides over rows and columns, as of a convolution or a pool."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        # Circular padding brings the last rows to the first.
        self.is_local = not (windows.border.mode == "circular" and any(windows.pads[0]))
        self.overlaps = windows.span[0] > windows.stride[0]

    def needed(self, first: int, last: int) -> Pair:
        """The rows that the windows reach."""
        return self.windows.needed(first, last)


class Convolution(_Windowed):
    """A filter bank, in groups.

    Parameters
    ----------
    bank : ndarray, (O, I, kh, kw) float32
    biases : ndarray, (O,)
    windows : Windows
    groups : int
        Divides the filters, and the `groups * I` channels of the input.
    after : int
        What becomes of each value; see `codes`.
    """

    def __init__(self, bank: Array, biases: Array, windows: Windows, groups: int = 1, *, after: int = AS_IS) -> None:
        super().__init__(windows)
        self.after = after
        self.count, self.channels = bank.shape[:2]
        self.biases = biases.astype(np.float32)
        self.filters_in_group = len(bank) // groups
        self.shape = (len(bank), *windows.out)
        self.work = bank.size * windows.out[0] * windows.out[1]
        self.methods: dict[np.dtype[Any], list[Method]] = {}
        self.groups: list[_Group] = []
        self.together = _filters_together(bank, windows) if groups == 1 else self.filters_in_group
        self.shares = -(-len(bank) // self.together) if groups == 1 else 1
        if self.filters_in_group >= FEWEST_FILTERS:
            for begin in range(0, len(bank), self.together):
                some = slice(begin, begin + self.together)
                self.groups.append(_Group(bank[some], self.biases[some], windows))
            self.band_rows = self.groups[0].band_rows
        self._given = None if self.groups else bank
        self.apart = ApartFilters.of(bank, self.biases, windows) if bank.shape[1] == 1 and groups > 1 else None
        self.is_calls = bool(self.groups) or self.apart is not None
        if not self.groups and bank.shape[1] == 1 and bank[0].size >= min(FEWEST_FOURIER_EXACT.values()):
            # only planes of pictures get spectra
            self.band_rows = max(method.band_rows for kind in WHOLE_TYPES for method in self._methods(kind))

    def needed(self, first: int, last: int) -> Pair:
        """The rows that the windows reach, of all rows that are computed together."""
        return super().needed(first - first % self.band_rows if self.groups else first, last)

    def run(self, source: Rows, first: int, out: Array) -> None:
        """Sum taps for a group of filters at a time where many see the same, else for each."""
        if self.apart is not None and self.apart.keeps_promises(source, first, first + out.shape[1]):
            self.apart.run(source, first, out, after=self.after)
            return
        for some in range(-(-self.count // self.together)):
            self._run_some(some, source, first, out)

    def run_share(self, share: int, source: Rows, out: Array) -> None:
        """Compute a share of the filters."""
        self._run_some(share, source, 0, out)

    def lay_out(self, program: Program, source: Array, out: Array) -> bool:
        """Add the calls for filters that are computed together."""
        ways = self._ways(Rows(source, kept={} if self.shares > 1 else None), out)
        threads = program.threads if self.work >= LEAST_WORK else 1
        pieces: list[Piece] = []
        for way, rows, maps in ways:
            pieces += way.pieces(program, rows, maps, -(-threads // len(ways)), self.after)
        if source.dtype.kind == "f":
            looks = {(rows.samples.ctypes.data, way.sizes): rows.samples for way, rows, _ in ways}
            for (_, sizes), samples in looks.items():
                program.watch(samples, sizes)
        if pieces:
            program.stage(pieces)
        return bool(pieces)

    def _ways(self, source: Rows, out: Array) -> list[tuple[Way, Rows, Array]]:
        """How to compute all of `out` by calls, in parts that take some planes each; none where that cannot be."""
        rows = out.shape[1]
        if self.apart is not None:
            return [(self.apart, source, out)] if self.apart.keeps_promises(source, 0, rows) else []
        found: list[tuple[Way, Rows, Array]] = []
        for number, group in enumerate(self.groups):
            planes = self._seen(number, source)
            way = group.over(planes, 0, rows)
            if way is None:
                return []
            found.append((way, planes, out[number * self.together : (number + 1) * self.together]))
        return found

    def _seen(self, number: int, source: Rows) -> Rows:
        """The planes that the filters see which are computed together."""
        group = number * self.together // self.filters_in_group
        planes = source.samples[group * self.channels : (group + 1) * self.channels]
        return Rows(planes, source.spacing, source.first, source.kept)

    def _run_some(self, number: int, source: Rows, first: int, out: Array) -> None:
        """Compute the filters that are computed together."""
        begin, end = number * self.together, min((number + 1) * self.together, self.count)
        rows = self._seen(number, source)
        way = self.groups[number].over(rows, first, first + out.shape[1]) if self.groups else None
        if way is not None:
            way.run(rows, first, out[begin:end], after=self.after)
        else:
            methods = self._methods(source.samples.dtype)
            for o in range(begin, end):
                methods[o].run(rows, first, out[o], bias=self.biases[o], after=self.after)

    @property
    def bank(self) -> Array:
        """The filters, (O, I, kh, kw) float32."""
        return np.concatenate([group.bank for group in self.groups]) if self._given is None else self._given

    def _methods(self, dtype: np.dtype[Any]) -> list[Method]:
        if dtype not in self.methods:  # threads may both make them: they are the same
            self.methods[dtype] = [choose(one[None], self.windows, dtype) for one in self.bank]
        return self.methods[dtype]


FEWEST_SHARED = 1 << 24
"""Multiply-adds from which filters are shared out."""


def _filters_together(bank: Array, windows: Windows) -> int:
    """How many filters are computed together: all, unless a band of rows would read more weights than samples.

    A bank of 256 to 256 over 14x14 takes 1.4 times as long in two bands.
    """
    count, channels = len(bank), bank.shape[1]
    (height, width), (rows, columns) = windows.size, windows.out
    samples, work = channels * height * width + count * rows * columns, bank.size * rows * columns
    if 2 * bank.size <= samples or work < FEWEST_SHARED or count < 4 * FILTERS:
        return count
    shares = 2 if bank.size <= 8 * samples else 4
    return -(-count // (shares * FILTERS)) * FILTERS


class _Group:
    """The ways to compute filters that all see the same planes."""

    def __init__(self, bank: Array, biases: Array, windows: Windows) -> None:
        self.quick = WinogradFilter.of(bank, biases, windows)
        self.band_rows = 1 if self.quick is None else self.quick.band_rows
        if self.quick is None:
            self.usual = BankFilter(bank, biases, windows)
        else:
            self._given = bank, biases, windows

    @lazy
    def usual(self) -> BankFilter:
        """The way for what the quick one cannot do, whose weights take as much memory again."""
        return BankFilter(*self._given)

    @property
    def bank(self) -> Array:
        """The filters; where banks are folded with what follows them, nothing else holds them."""
        return self.usual.filters if self.quick is None else self._given[0]

    def over(self, source: Rows, first: int, last: int) -> BankFilter | WinogradFilter | None:
        """How to compute output rows `first` to `last - 1`, or None where each filter has to see for itself."""
        if self.quick is not None and self.quick.keeps_promises(source, first, last):
            return self.quick
        return self.usual if self.usual.keeps_promises(source, first, last) else None


class Depthwise(_Windowed):
    """Kernels over each channel on its own, some of which combine several filters into one map.

    Parameters
    ----------
    kernels : sequence of (ndarray (n, kh, kw) float32, combine)
        Each gives one map for each channel, those of channel 0 first; n is 1 where `combine` is None.
    bias : float
    windows : Windows
    channels : int
    after : int
        What becomes of each value; see `codes`.
    """

    def __init__(
        self,
        kernels: Sequence[tuple[Array, str | None]],
        bias: float,
        windows: Windows,
        channels: int,
        *,
        after: int = AS_IS,
    ) -> None:
        super().__init__(windows)
        self.after = after
        self.bias = bias
        self.shape = (channels * len(kernels), *windows.out)
        self.work = channels * sum(filters.size for filters, _ in kernels) * windows.out[0] * windows.out[1]
        self.kernels = kernels
        self.methods: dict[np.dtype[Any], list[Method]] = {}
        self.band_rows = max(method.band_rows for kind in WHOLE_TYPES for method in self.methods_for(kind))

    def run(self, source: Rows, first: int, out: Array) -> None:
        """Filter each channel with each kernel."""
        results = iter(out)
        methods = self.methods_for(source.samples.dtype)
        for plane in source.samples:
            rows = Rows(plane[None], source.spacing, source.first)
            for method in methods:
                method.run(rows, first, next(results), bias=self.bias, after=self.after)

    def methods_for(self, dtype: np.dtype[Any]) -> list[Method]:
        """How each kernel is run over samples of a type."""
        if dtype not in self.methods:
            self.methods[dtype] = [choose(one[:, None], self.windows, dtype, how) for one, how in self.kernels]
        return self.methods[dtype]


class Pooling(_Windowed):
    """Maximum, average or sum of each window, channel by channel.

    Parameters
    ----------
    kind : {"max", "avg", "sum"}
    windows : Windows
    channels : int
    count_include_pad : bool
        Of an average: whether its divisor counts the padding.
    """

    def __init__(self, kind: str, windows: Windows, channels: int, *, count_include_pad: bool = True) -> None:
        self.kind = kind
        super().__init__(windows)
        self.shape = (channels, *windows.out)
        self.work = channels * windows.window[0] * windows.window[1] * windows.out[0] * windows.out[1]
        self.pool = Pool(*map(np.array, (windows.window, windows.stride, windows.dilation)))
        self.paddings: dict[int, PoolPadding] = {}  # by the first row of the source
        if kind == "avg":
            rows, columns = (_window_counts(windows, axis, count_include_pad) for axis in (0, 1))
            self.counts = PoolCounts(rows, columns)
        elif kind == "sum":
            self.counts = PoolCounts(np.ones(windows.out[0], np.int64), np.ones(windows.out[1], np.int64))

    def run(self, source: Rows, first: int, out: Array) -> None:
        """Pool each channel."""
        loop, given = self._given(source, first, out, np.empty)
        loop(*given)

    def lay_out(self, program: Program, source: Array, out: Array) -> bool:
        """Add the calls, for some of the maps each."""
        pieces: list[Piece] = []
        for begin, end in parts(len(out), program.threads):
            loop, given = self._given(Rows(source[begin:end]), 0, out[begin:end], program.scratch)
            pieces.append([later(loop, *given)])
        program.stage(pieces)
        return True

    def _given(self, source: Rows, first: int, out: Array, empty: Empty) -> tuple[Loop, tuple[Any, ...]]:
        """The loop, and what it takes."""
        windows = self.windows
        padding = self.paddings.get(source.first)
        if padding is None:  # threads may make the same twice
            inside = windows.inside(1, 0, windows.span[1] - 1)
            padding = PoolPadding(windows.rows_from(source.first), windows.columns, *inside, windows.pads[1][0])
            self.paddings[source.first] = padding
        planes, maps = planes_of(out), Maps(source.samples.reshape(-1), *source.samples.shape)
        if self.kind == "max":
            line = empty((maps.width + BESIDE,), np.float32)
            return loops.max_pool_rows, (planes, first, maps, padding, self.pool, line)
        line, sums = empty((maps.width,), np.float64), empty((planes.width,), np.float64)
        return loops.sum_pool_rows, (planes, first, maps, padding, self.pool, self.counts, line, sums)


class Padding(_Windowed):
    """Rows and columns around maps, which may also be taken away.

    Parameters
    ----------
    windows : Windows
        Of one sample.
    channels : int
    """

    def __init__(self, windows: Windows, channels: int) -> None:
        super().__init__(windows)
        self.shape = (channels, *windows.out)
        self.work = math.prod(self.shape)

    def run(self, source: Rows, first: int, out: Array) -> None:
        """Copy whole rows, then what stands beside and between them."""
        windows = self.windows
        rows, columns = windows.rows_from(source.first)[first : first + out.shape[1]], windows.columns
        before = windows.pads[1][0]
        left, skipped = max(0, before), max(0, -before)
        right = left + min(windows.size[1] - skipped, len(columns) - left)
        out[:, :, left:right] = source.samples[:, rows, skipped : skipped + right - left]
        for beside in (np.arange(left), np.arange(right, len(columns))):
            out[:, :, beside] = out[:, :, left + columns[beside] - skipped]
            out[:, :, beside[columns[beside] == OUTSIDE]] = windows.border.value
        out[:, rows == OUTSIDE] = windows.border.value


def _window_counts(windows: Windows, axis: int, count_padding: bool) -> Index:
    """How many samples each window of one axis counts."""
    index = (windows.rows, windows.columns)[axis]
    counted = np.arange(len(index)) < sum(windows.pads[axis]) + windows.size[axis]
    if not count_padding:
        counted &= index != OUTSIDE
    before = np.zeros(len(index) + 1, dtype=np.int64)
    np.cumsum(counted, out=before[1:])
    begins = np.arange(windows.out[axis]) * windows.stride[axis]
    counts: Index = before[begins + windows.window[axis]] - before[begins]
    return counts


class Pointwise(Step):
    """A function of the channels at each place: an activation, a grey value, a magnitude.

    Parameters
    ----------
    function : callable
        From (C, R, W) of any type of sample to `shape[0]` maps, float32.
    shape : tuple
    """

    def __init__(self, function: Callable[[Array], Array], shape: Shape) -> None:
        self.function = function
        self.shape = shape
        self.work = math.prod(shape)

    def run(self, source: Rows, first: int, out: Array) -> None:
        """Apply the function to the rows of `out`."""
        begin = first - source.first
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 is infinite; infinity less infinity
            out[...] = self.function(source.samples[:, begin : begin + out.shape[1]])
