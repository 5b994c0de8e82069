"""Where every window lies: the source row and column behind each padded one, and the output's size.

Padding is never copied into an enlarged picture. A padded row or column is an index into the real ones, so a
band of output rows can be computed from the rows that it needs, wherever the band begins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from cnnfilter.engine.groups import Array as Array
from cnnfilter.engine.groups import Index as Index
from cnnfilter.errors import RoomError
from cnnfilter.messages import show_bytes, show_shape
from cnnfilter.runtime import buffers
from cnnfilter.runtime.forks import lazy
from cnnfilter.sizes import Border, Pads, Pair, output_sizes, resolve_pads

FARTHEST = 64
"""Rows or columns that windows may lie apart, and what is between them still be copied or computed."""

Empty = Callable[[tuple[int, ...], Any], Array]
"""What makes arrays as `numpy.empty` does."""

WIDEST = 4096
"""Rows or columns that windows may reach over and still be copied with their padding: kernels have less than 1000."""

OUTSIDE = -1
"""The index of a padded row or column that holds the border's constant."""


def border_index(n: int, before: int, after: int, mode: str) -> Index:
    """The source index of each sample of a padded axis, or `OUTSIDE`.

    Parameters
    ----------
    n : int
        Samples of the axis.
    before, after : int
        Samples of padding at its two ends; more than `n` repeats the pattern, as `numpy.pad` does.
    mode : str
        The mode of a `Border`.

    Returns
    -------
    ndarray of int64, shape (before + n + after,)
    """
    index = np.arange(-before, n + after, dtype=np.int64)
    if mode == "constant":
        return np.where((index >= 0) & (index < n), index, OUTSIDE)
    if mode == "circular":
        return index % n
    if mode == "replicate" or n == 1:
        return np.clip(index, 0, n - 1)
    # Both reflections are periodic triangle waves; `reflect` does not repeat the edge sample.
    period = 2 * n - 2 if mode == "reflect" else 2 * n
    folded = index % period
    last = period if mode == "reflect" else period - 1
    return np.where(folded < n, folded, last - folded)


class Rows(NamedTuple):
    """Source rows as the loops read them.

    Attributes
    ----------
    samples : ndarray, (planes, R, W * spacing)
        Rows `first` to `first + R - 1` of each plane, C-contiguous.
    spacing : int
        Samples between neighbouring columns of one channel.
    first : int
    kept : dict, optional
        Copies of them that those who share them make for each other.
    """

    samples: Array
    spacing: int = 1
    first: int = 0
    kept: dict[Any, Array] | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Windows:
    """A window of `window` taps sliding over an input of `size`, both (height, width)."""

    size: Pair
    window: Pair
    stride: Pair
    dilation: Pair
    pads: Pads
    out: Pair
    border: Border

    @classmethod
    def over(
        cls,
        size: Pair,
        window: Pair,
        *,
        stride: Pair,
        padding: Pads | str,
        dilation: Pair,
        border: Border,
        ceil_mode: bool = False,
    ) -> Windows:
        """Resolve the padding and the output's size.

        Raises
        ------
        ShapeError
            If the window is larger than the padded input.
        """
        pads = resolve_pads(padding, size, window, stride, dilation)
        out = output_sizes(size, window, stride, pads, dilation, ceil_mode=ceil_mode)
        return cls(size, window, stride, dilation, pads, out, border)

    def _axis(self, axis: int) -> Index:
        before, after = self.pads[axis]
        # ceil_mode may let the last window reach past the padding.
        reach = (self.out[axis] - 1) * self.stride[axis] + self.span[axis] - before - self.size[axis]
        return border_index(self.size[axis], before, max(after, reach), self.border.mode)

    @lazy
    def rows(self) -> Index:
        """Source row of each padded row."""
        return self._axis(0)

    @lazy
    def columns(self) -> Index:
        """Source column of each padded column."""
        return self._axis(1)

    def every_column(self, spacing: int) -> int:
        """How many samples a row of results has at all columns, which the stride has not thinned out yet."""
        return ((self.out[1] - 1) * self.stride[1] + 1) * spacing

    def rows_from(self, first: int) -> Index:
        """The row of a band that begins with source row `first` behind each padded row, or `OUTSIDE`."""
        return np.where(self.rows == OUTSIDE, OUTSIDE, self.rows - first)

    @property
    def span(self) -> Pair:
        """Padded rows and columns that one window reaches over."""
        return (
            self.dilation[0] * (self.window[0] - 1) + 1,
            self.dilation[1] * (self.window[1] - 1) + 1,
        )

    @property
    def is_spread(self) -> bool:
        """Whether windows reach so far, or lie so far apart, that a copy of all between would take too much memory."""
        return max(self.span) > WIDEST or max(self.stride) > FARTHEST

    def inside(self, axis: int, lowest: int, highest: int) -> Pair:
        """The first output, and one past the last, for which some places of the windows touch no padding.

        Parameters
        ----------
        axis : int
            0 for rows, 1 for columns.
        lowest, highest : int
            The places, counted from where a window begins.
        """
        before, stride = self.pads[axis][0], self.stride[axis]
        first = min(max(-(-(before - lowest) // stride), 0), self.out[axis])
        last = (before + self.size[axis] - 1 - highest) // stride + 1
        return first, min(max(first, last), self.out[axis])

    def runs(self, first: int, last: int, lowest: int, highest: int) -> Iterator[Pair]:
        """Cut output rows `first` to `last - 1` where some places lie otherwise: all within the source, or alone."""
        inside = self.inside(0, lowest, highest)
        begin = min(max(inside[0], first), last)
        end = max(min(inside[1], last), begin)
        yield from ((row, row + 1) for row in range(first, begin))
        if begin < end:
            yield begin, end
        yield from ((row, row + 1) for row in range(end, last))

    def needed(self, first: int, last: int) -> Pair:
        """The source rows, begin and end, that output rows `first` to `last - 1` read."""
        begin = first * self.stride[0]
        end = (last - 1) * self.stride[0] + self.span[0]
        before = self.pads[0][0]
        if begin >= before and end <= before + self.size[0]:
            return begin - before, end - before
        inner = max(begin - before, 0), min(end - before, self.size[0])
        if inner[0] < inner[1] and self.border.mode in ("constant", "replicate"):  # others lead to further rows
            return inner
        rows = self.rows[begin:end]
        inside = rows[rows != OUTSIDE]
        # Where all is padding, a row is named all the same: the step before computes at least one.
        return (int(inside.min()), int(inside.max()) + 1) if inside.size else (0, 1)


def new_result(shape: tuple[int, ...], dtype: Any, empty: Empty = buffers.empty) -> Array:
    """An array for a result, from `empty`, which takes a shape and a type as `numpy.empty` does.

    Raises
    ------
    RoomError
        If there is no memory for it.
    """
    try:
        return empty(shape, dtype)
    except (MemoryError, ValueError):  # the latter of more than there are addresses
        size = math.prod(shape) * np.dtype(dtype).itemsize
        msg = (
            f"there is no memory for a result of {show_shape(shape)} ({show_bytes(size)}); use less padding, "
            "a larger stride or a smaller input"
        )
        raise RoomError(msg) from None


def pick_columns(out: Array, every: Array, spacing: int, stride: int) -> None:
    """Copy every `stride`-th column of `every` (R, L) to `out` (R, W' * spacing)."""
    out.reshape(len(out), -1, spacing)[...] = every.reshape(len(every), -1, spacing)[:, ::stride]
