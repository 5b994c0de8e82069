"""Maps copied with their padding, so that the windows of neighbouring results begin at neighbouring samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cnnfilter.engine.geometry import OUTSIDE, Index, Windows
from cnnfilter.engine.groups import MapPadding
from cnnfilter.sizes import Pair

MOST_PADDING = 1 << 24
"""Samples of padding that are copied, beyond a few times as many as the source has."""


class Copy(NamedTuple):
    """The copy of some rows of a map.

    Attributes
    ----------
    padding : MapPadding
    length, size : int
        Samples between the windows of two rows of results, and all of a map.
    taps : ndarray of int64, (kh * kw,)
        Where the taps lie, from where a window begins.
    """

    padding: MapPadding
    length: int
    size: int
    taps: Index


class Copies:
    """How maps are copied for windows: with rows and columns sorted by where they fall within a stride."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        height, width = windows.window
        self.rows, self.columns = (
            np.arange(n) * dilation for n, dilation in zip((height, width), windows.dilation, strict=True)
        )
        # Of what lies between windows of a single sample nothing is copied.
        self.remainders = windows.stride[0] if height > 1 else 1, windows.stride[1] if width > 1 else 1
        self.picks = slice(None, None, windows.stride[0] // self.remainders[0])
        columns = windows.columns[:: windows.stride[1] // self.remainders[1]]
        self.padded_columns = sorted_by(columns, self.remainders[1])
        self.inside = inside_columns(self.padded_columns, self.remainders[1], windows.stride[1])

    def needed(self, planes: int, first: int, last: int) -> Pair:
        """The source rows for some results; (-1, -1) if a copy with their padding would be much larger."""
        begin, end = self.windows.needed(first, last)
        padded = (self.windows.stride[0] * (last - first - 1) + self.windows.span[0]) * len(self.padded_columns)
        is_much = planes * (padded - 8 * (end - begin) * self.windows.size[1]) > MOST_PADDING
        return (-1, -1) if is_much else (begin, end)

    def seen(self, first: int, count: int) -> Index:
        """The source row behind each padded one that results `first` to `first + count - 1` see, or `OUTSIDE`."""
        begin, pace = first * self.windows.stride[0], self.windows.stride[0]
        return self.windows.rows[begin : begin + (count - 1) * pace + self.windows.span[0]]

    def of(self, first: int, count: int, source_first: int) -> Copy:
        """The copy for output rows `first` to `first + count - 1`, of a source that begins with row `source_first`."""
        seen = self.seen(first, count)
        length = len(self.padded_columns) // self.remainders[1]
        rows = sorted_by(np.where(seen == OUTSIDE, OUTSIDE, seen - source_first)[self.picks], self.remainders[0])
        padding = MapPadding(rows, self.padded_columns, *self.inside, float(self.windows.border.value))
        down = _tap_places(self.rows, len(rows) // self.remainders[0], self.remainders[0])
        along = _tap_places(self.columns, len(rows) * length, self.remainders[1])
        taps = (down[:, None] * length + along).reshape(-1)
        return Copy(padding, length, len(rows) * len(self.padded_columns), taps)


def sorted_by(index: Index, stride: int) -> Index:
    """Padded rows or columns, those of each remainder by the stride together, all equally many."""
    if stride == 1:
        return np.ascontiguousarray(index)
    padded = np.pad(index, (0, -len(index) % stride), mode="edge")
    return padded.reshape(-1, stride).T.reshape(-1)


def inside_columns(index: Index, remainders: int, apart: int) -> tuple[Index, Index]:
    """Between which of the columns of each remainder the source's lie so far apart; see `MapPadding`."""
    firsts, lasts = np.zeros((2, remainders), dtype=np.int64)
    for number, columns in enumerate(index.reshape(remainders, -1)):
        breaks = np.flatnonzero((np.diff(columns) != apart) | (columns[:-1] == OUTSIDE)) + 1
        bounds = np.concatenate([[0], breaks, [len(columns)]])  # of runs, of which a circular border has several
        longest = int(np.argmax(np.diff(bounds)))
        if bounds[longest + 1] - bounds[longest] > 1:
            firsts[number], lasts[number] = bounds[longest : longest + 2]
    return firsts, lasts


def _tap_places(taps: Index, apart: int, stride: int) -> Index:
    """Where a sorted axis holds what some taps of the first window see; remainders are `apart` from each other."""
    return taps % stride * apart + taps // stride
