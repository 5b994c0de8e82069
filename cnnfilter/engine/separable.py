"""Convolution with a kernel of rank 1: a column of weights down the rows, then a row of weights along them."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.codes import AS_IS, NARROW, TOGETHER
from cnnfilter.engine.geometry import OUTSIDE, Array, Rows, Windows, pick_columns
from cnnfilter.engine.groups import Finish, LinePadding, RunningSums, Source, Taps
from cnnfilter.engine.precision import float32_serves_twice
from cnnfilter.engine.reach import unit_of
from cnnfilter.engine.shared import share
from cnnfilter.text.numbers import FLOAT32_MAX

EQUAL = 2e-6
"""The part of each weight by which the outer product may miss it, of the 1e-5 that is promised of the sum."""

SMALLEST_NORMAL = 2.0**-126
"""The smallest number with all digits of float32."""


def factors(weights: Array) -> tuple[Array, Array] | None:
    """The column and the row whose outer product a kernel (kh, kw) is, or None if it has another rank.

    Those of whole numbers are whole.

    Examples
    --------
    >>> factors(np.array([[1, 2], [2, 4]]))
    (array([1., 2.]), array([1., 2.]))
    """
    wide = weights.astype(np.float64)
    if not wide.any():
        return None
    i, j = np.unravel_index(np.argmax(np.abs(wide)), wide.shape)
    along = wide[i]
    if (wide == np.rint(wide)).all() and np.abs(wide).max() < 2**53:
        along = along / np.gcd.reduce(along.astype(np.int64))
    else:
        along = along * (np.abs(wide[:, j]).sum() / abs(along[j]))
    down = wide[:, j] / along[j]
    missed = np.abs(np.outer(down, along) - wide)
    return (down, along) if (missed <= EQUAL * np.abs(wide)).all() else None


class SeparableFilter:
    """A single kernel of rank 1 over flat rows; used as `DirectFilter` is, of at least `ROW` columns.

    Parameters
    ----------
    down, along : ndarray, (kh,) and (kw,)
        As `factors` of the numbers of `whole_form` gives them.
    gain : float
    windows : Windows
    kind : type
        Of the sums: float64 where float32 has no room for whole numbers.
    """

    is_tiled = False
    band_rows = TOGETHER

    def __init__(
        self, down: Array, along: Array, gain: float, windows: Windows, kind: type[np.number[Any]] = np.float32
    ) -> None:
        self.windows = windows
        units = [unit_of(float(np.abs(one).sum())) for one in (down, along)]
        self.gain = gain * units[0] * units[1]
        down, along = down / units[0], along / units[1]
        lightest = min(np.abs(one[one != 0]).min() for one in (down, along))
        fits = lightest >= SMALLEST_NORMAL and self.gain <= FLOAT32_MAX
        self.kind = kind if fits and float32_serves_twice(len(down), len(along)) else np.float64
        self.rows, self.columns = np.flatnonzero(down), np.flatnonzero(along)
        self.down, self.along = down[self.rows].astype(self.kind), along[self.columns].astype(self.kind)
        # Rows share what they see where no weight down is left out; see `DirectFilter`.
        is_dense = len(self.rows) == self.rows[-1] - self.rows[0] + 1
        self.together = TOGETHER if is_dense and windows.stride[0] == windows.dilation[0] == 1 else 1
        self.rows *= windows.dilation[0]
        self.columns *= windows.dilation[1]

    def run(self, source: Rows, first: int, out: Array, *, bias: float = 0.0, after: int = AS_IS) -> None:
        """Compute output rows `first` onwards into `out`; see `DirectFilter.run`."""
        windows, samples, spacing = self.windows, source.samples, source.spacing
        length, (stride, pick) = samples.shape[2], windows.stride
        padding = line_padding(windows, spacing, float(self.down.sum(dtype=np.float64)) * windows.border.value)
        lines = np.empty((self.together, len(windows.columns) * spacing), dtype=self.kind)
        seen, along = Source(samples.reshape(-1), 0, stride * length), Taps(self.columns * spacing, self.along)
        how = Finish(self.gain, float(bias), after)
        every = out if pick == 1 else np.empty((len(out), windows.every_column(spacing)), dtype=out.dtype)
        for top, bottom in windows.runs(first, first + len(out), 0, windows.span[0] - 1):
            rows = windows.rows[top * stride + self.rows]
            inside = rows != OUTSIDE
            together = min(bottom - top, self.together)
            offsets, down = (rows[inside] - source.first) * length, self.down[inside]
            base = float(self.down[~inside].sum(dtype=np.float64)) * windows.border.value
            taps = share(offsets[:, None], down[:, None], stride * length, together, base)
            some = every[top - first : bottom - first]
            loops.separable_block(some, seen, taps, along, how, lines[:together], padding)
        if pick > 1:
            pick_columns(out, every, spacing, pick)


class BoxFilter:
    """A kernel of equal weights over 8- or 16-bit rows, stride 1; used as `SeparableFilter` is.

    Parameters
    ----------
    gain : float
    windows : Windows
    largest : int
        What the sum of a window may reach, within 32 bits; in 16 bits sums take half of the time.
    """

    is_tiled = False
    band_rows = 1

    def __init__(self, gain: float, windows: Windows, largest: int) -> None:
        self.windows = windows
        self.gain = gain
        self.kind = np.int16 if largest <= np.iinfo(np.int16).max else np.int32

    def run(self, source: Rows, first: int, out: Array, *, bias: float = 0.0, after: int = AS_IS) -> None:
        """Compute output rows `first` onwards into `out`; see `DirectFilter.run`."""
        windows, spacing = self.windows, source.spacing
        pitch = len(windows.columns) * spacing + 2 * NARROW
        side = windows.window[1]
        top = max(0, side.bit_length() - 3)  # about 4 to 10 sums are left to add, which takes less than more doubling
        powers = np.array([top] * (side >> top) + [p for p in range(top) if side >> p & 1])
        taken = np.cumsum(1 << powers) - (1 << powers)
        lines, ones = np.zeros((top + 1) * pitch, dtype=self.kind), np.ones(len(powers), dtype=self.kind)
        sums = RunningSums(lines, pitch, spacing, powers * pitch + taken * spacing, ones)
        padding = line_padding(windows, spacing, int(windows.border.value))
        rows, how = windows.rows_from(source.first)[first:], Finish(self.gain, float(bias), after)
        loops.box_rows(out, source.samples.reshape(-1), rows, windows.window[0], sums, padding, how)


def line_padding(windows: Windows, spacing: int, outside: float) -> LinePadding:
    """The padding of padded rows, where `outside` stands for the border's constant."""
    left, width = windows.pads[1][0], windows.size[1]
    columns = np.delete(np.arange(len(windows.columns)), slice(left, left + width))
    sources = windows.columns[columns]
    channels = np.arange(spacing)
    places = columns[:, None] * spacing + channels
    behind = np.where(sources[:, None] == OUTSIDE, OUTSIDE, (sources[:, None] + left) * spacing + channels)
    return LinePadding(left * spacing, width * spacing, places.reshape(-1), behind.reshape(-1), outside)
