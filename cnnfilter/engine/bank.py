"""Convolution with a bank of filters over the same windows, which share every sample that is read."""

from __future__ import annotations

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.codes import AS_IS, FILTERS, NARROW, RECTIFIED
from cnnfilter.engine.geometry import OUTSIDE, Array, Index, Rows, Windows, flat_planes

FEWEST_FILTERS = 4
"""Filters over the same input from which the copy pays that a bank makes of it."""


class BankFilter:
    """A bank of filters that each sum over all planes of the source.

    The source is copied with its padding, and with its rows and columns sorted by where they fall within a stride:
    the windows of neighbouring results begin at neighbouring samples, whatever the stride.

    Parameters
    ----------
    filters : ndarray, (O, planes, kh, kw) float32
    biases : ndarray, (O,) float32
    windows : Windows
    """

    def __init__(self, filters: Array, biases: Array, windows: Windows) -> None:
        self.windows = windows
        self.count, self.planes, height, width = filters.shape
        groups = -(-self.count // FILTERS)
        padded = np.zeros((groups * FILTERS, filters[0].size), dtype=np.float32)
        padded[: self.count] = filters.reshape(self.count, -1)
        self.weights = np.ascontiguousarray(padded.reshape(groups, FILTERS, -1).transpose(0, 2, 1))
        self.biases = np.zeros(groups * FILTERS, dtype=np.float32)
        self.biases[: self.count] = biases
        self.rows, self.columns = (
            np.arange(n) * dilation for n, dilation in zip((height, width), windows.dilation, strict=True)
        )
        self.padded_columns = _sorted(windows.columns, windows.stride[1])
        self.offsets: dict[int, Index] = {}

    def run(self, source: Rows, first: int, out: Array, *, after: int = AS_IS) -> None:
        """Compute output rows `first` onwards into `out`, (O, R, W') float32 whose rows are contiguous."""
        windows, (count, size) = self.windows, out.shape[1:]
        begin = first * windows.stride[0]
        seen = windows.rows[begin : begin + (count - 1) * windows.stride[0] + windows.span[0]]
        rows = _sorted(np.where(seen == OUTSIDE, OUTSIDE, seen - source.first), windows.stride[0])
        columns = self.padded_columns
        length = len(columns)
        shape = (self.planes, len(rows), length)
        flat = np.zeros(self.planes * len(rows) * length + NARROW, dtype=np.float32)  # short rows read a few beyond
        copy = flat[: len(flat) - NARROW].reshape(shape)
        held = source.samples[:, rows]
        if windows.stride[1] == 1:  # what lies between the padding can be copied row by row
            left, width = windows.pads[1][0], windows.size[1]
            copy[:, :, left : left + width] = held
            for beside in (slice(None, left), slice(left + width, None)):
                copy[:, :, beside] = held[:, :, columns[beside]]
        else:
            copy[...] = held[:, :, columns]
        copy[:, rows == OUTSIDE] = windows.border.value
        copy[:, :, columns == OUTSIDE] = windows.border.value
        relu = after == RECTIFIED
        taps = (flat, length, self._offsets(len(rows)), self.weights, self.biases, self.count, relu)
        if size >= NARROW:
            target, plane = flat_planes(out)
            loops.bank_rows(target, plane, size, count, size, *taps)
        else:  # all rows as one, with what lies between them
            long = max((count - 1) * length + size, NARROW)
            every = np.empty((self.count, max(count * length, long)), dtype=np.float32)
            loops.bank_rows(every.reshape(-1), every.shape[1], 0, 1, long, *taps)
            out[...] = every[:, : count * length].reshape(self.count, count, length)[:, :, :size]

    def _offsets(self, rows: int) -> Index:
        """Return where the taps lie in a copy of so many rows."""
        if rows not in self.offsets:  # threads may make the same twice
            length = len(self.padded_columns)
            along = _place(self.columns, length, self.windows.stride[1])
            down = _place(self.rows, rows, self.windows.stride[0]) * length
            planes = np.arange(self.planes) * (rows * length)
            self.offsets[rows] = (planes[:, None, None] + down[:, None] + along).reshape(-1)
        return self.offsets[rows]


def _sorted(index: Index, stride: int) -> Index:
    """Return places of padded rows or columns, those of each remainder by the stride together, all equally many."""
    if stride == 1:
        return index
    padded = np.pad(index, (0, -len(index) % stride), mode="edge")
    return padded.reshape(-1, stride).T.reshape(-1)


def _place(taps: Index, length: int, stride: int) -> Index:
    """Return where a sorted axis holds what some taps of the first window see."""
    return taps % stride * (length // stride) + taps // stride
