r"""What least squares needs of pictures: sums over windows, exact where the pixels are whole numbers.

For the weights `s` and `t` of a kernel and all pixels `p` that count, the normal equations hold::

    products[s, t] = sum_p x(p + s) x(p + t)        joint[s] = sum_p x(p + s) y(p)        windows[s] = sum_p x(p + s)

Over all places of a picture with zeros around it, the first depends on `t - s` alone: there are some `2 k^2` of them
and not `k^4`. What does not count, windows over the border and those of clipped pixels, is taken off again; where it
is more than what counts, that is added up itself. Pixels are taken less the middle of their range, so that sums of 8
and of 16 bits stay whole in float64, or in float32 where it is faster, as far as they are added up there, and in int64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cnnfilter.engine import loops
from cnnfilter.engine.bands import in_bands
from cnnfilter.engine.geometry import Array
from cnnfilter.runtime.forks import lazy
from cnnfilter.sizes import Pair as Size

MIDDLE = {"uint8": 128, "uint16": 32768}
"""What is taken off whole pixels, which then need 8 or 16 bits with their sign."""

BAND_SAMPLES = 1 << 15
"""Samples of a band, which stays in a core's second-level cache with the rows below it that it is compared with; and
few enough that all sums of products of 16 bits are whole in float64."""

PLACES = 1 << 18
"""Places of a picture whose windows are looked for at a time."""

SHARES = 16
"""Parts of a picture that threads look through, each with its own sums."""

WINDOWS = 1024
"""Windows that are multiplied at a time: as many products of 8 bits have a sum that is whole in float32."""


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over the pixels that count; whole numbers are int64, others float64.

    Parameters
    ----------
    count : int
        How many pixels.
    windows : ndarray, (n,)
        Of each sample of their windows.
    products : ndarray, (n, n)
        Of the products of each two.
    response, square : int or float
        Of what a filter made of them, and its squares.
    joint : ndarray, (n,)
        Of each sample times that.
    """

    count: int
    windows: Array
    products: Array
    response: Any
    square: Any
    joint: Array

    def __add__(self, other: Sums) -> Sums:
        names = self.__dataclass_fields__
        return Sums(*(getattr(self, name) + getattr(other, name) for name in names))


def centred(pixels: Array, middle: float) -> Array:
    """Pixels less what `middle` says: int16 or int32 of whole ones, else float64."""
    kinds = {"uint8": np.int16, "uint16": np.int32}
    kind = kinds.get(pixels.dtype.name, np.float64)
    difference: Array = pixels.astype(kind) - kind(middle)
    return difference


class Windows:
    """All windows of a picture's channels.

    Parameters
    ----------
    planes : sequence of ndarray, (H, W)
        As `centred` gives them.
    size : pair of int
        Of the windows.
    """

    def __init__(self, planes: Sequence[Array], size: Size) -> None:
        self.size = size
        rows, columns = size[0] - 1, size[1] - 1
        self.padded = [np.pad(each, ((rows, rows), (columns, columns))) for each in planes]
        height, width = planes[0].shape
        inside = slice(rows, rows + height), slice(columns, columns + width)
        self.planes = [each[inside] for each in self.padded]
        self.whole = planes[0].dtype.kind == "i"

    def sums(self, after: Array, counts: Array) -> Sums:
        """Sums over the windows that count.

        Parameters
        ----------
        after : ndarray, (h, w)
            What became of each window that lies in the picture, of a picture's type.
        counts : ndarray, (h, w) of bool
        """
        response = np.where(counts, after, 0).astype(np.float64 if after.dtype.kind == "f" else np.int32)
        whole = response.dtype.kind == "i"
        ones = counts.astype(np.int8)
        last = self.size[1] - 1

        def against(first: Array, whole: bool) -> Array:
            found = [correlations(first, each, self.size[0], (0, last), whole=whole) for each in self.planes]
            return np.concatenate([each.reshape(-1) for each in found])

        exact = np.int64 if whole else np.float64
        return Sums(
            int(np.count_nonzero(counts)),
            against(ones, self.whole),
            self._products(counts),
            response.sum(dtype=exact),
            sum((np.square(row, dtype=exact).sum() for row in response), start=exact(0)),
            against(response, self.whole and whole),
        )

    def _products(self, counts: Array) -> Array:
        rows, columns = self.size[0] - 1, self.size[1] - 1
        chosen = np.zeros([side + more for side, more in zip(self.planes[0].shape, (rows, columns), strict=True)], bool)
        chosen[rows : rows + counts.shape[0], columns : columns + counts.shape[1]] = counts
        if 2 * np.count_nonzero(counts) <= chosen.size:
            return self._products_at(chosen)
        return self._all_products - self._products_at(~chosen)

    @lazy
    def _all_products(self) -> Array:
        """Sums of products over all windows, those over the border too, with zeros there."""
        (height, width), count = self.size, len(self.planes)
        lagged = [
            [correlations(one, other, height, (width - 1, width - 1), whole=self.whole) for other in self.planes]
            for one in self.planes
        ]
        rows, columns = (each.reshape(-1) for each in np.indices(self.size))
        down, right = rows[None] - rows[:, None], columns[None] - columns[:, None]
        found = [
            np.where(
                down >= 0,
                lagged[i][j][np.abs(down), right + width - 1],
                lagged[j][i][np.abs(down), width - 1 - right],
            )
            for i in range(count)
            for j in range(count)
        ]
        joined: Array = np.block([found[i * count : (i + 1) * count] for i in range(count)])
        return joined

    def _products_at(self, chosen: Array) -> Array:
        """Sums of products over some windows, (H + kh - 1, W + kw - 1) of bool, of those over the border too."""
        kind = np.float32 if self.padded[0].dtype == np.int16 else np.float64
        views = [sliding_window_view(each, self.size) for each in self.padded]
        side = len(views) * self.size[0] * self.size[1]
        share, rows = -(-len(chosen) // SHARES), max(PLACES // chosen.shape[1], 1)
        sums = np.zeros((SHARES, side, side), np.int64 if self.whole else np.float64)

        def work(begin: int, end: int) -> None:
            for top in range(begin, end, rows):
                down, right = np.nonzero(chosen[top : min(top + rows, end)])
                for first in range(0, len(down), WINDOWS):
                    at = down[first : first + WINDOWS] + top, right[first : first + WINDOWS]
                    seen = [view[at].reshape(len(at[0]), -1).astype(kind) for view in views]
                    windows = seen[0] if len(seen) == 1 else np.concatenate(seen, axis=1)
                    sums[begin // share] += np.matmul(windows.T, windows).astype(sums.dtype)

        in_bands(len(chosen), share, None, work)
        total: Array = sums.sum(axis=0)
        return total


def correlations(first: Array, second: Array, rows: int, beside: Size, *, whole: bool) -> Array:
    """Sums of `first[i, j] * second[i + m, j + n]` over all places, with zeros around `second`.

    Parameters
    ----------
    first, second : ndarray, 2-D
    rows : int
        `m` goes from 0 to `rows - 1`,
    beside : pair of int
        and `n` from `-beside[0]` to `beside[1]`.
    whole : bool
        Whether the result is of whole numbers, and exact.

    Returns
    -------
    ndarray, (rows, sum(beside) + 1), of int64 or float64
    """
    left, number = beside[0], sum(beside) + 1
    columns = -(-number // 4) * 4
    height, width = first.shape
    band = max(BAND_SAMPLES // width, 1)
    sums = np.zeros((-(-height // band), rows, columns))

    def work(begin: int, end: int) -> None:
        below = np.zeros((end - begin + rows - 1, width + columns - 1))
        seen = second[begin : begin + len(below)]
        below[: len(seen), left : left + seen.shape[1]] = seen
        loops.correlate(sums[begin // band], first[begin:end].astype(np.float64), below)

    in_bands(height, band, None, work)
    total: Array = (sums.astype(np.int64) if whole else sums).sum(axis=0)[:, :number]
    return total
