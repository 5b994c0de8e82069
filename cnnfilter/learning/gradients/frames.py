"""Maps with their padding, of batches whose pictures lie innermost, (C, H, W, N): how they are copied, and back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cnnfilter.engine.geometry import OUTSIDE
from cnnfilter.engine.groups import Array, Index
from cnnfilter.sizes import Pair


class Filled(NamedTuple):
    """Maps with their padding.

    Attributes
    ----------
    samples : ndarray, (C, R, L, lanes)
    row : int
        Samples from a row to the next one.
    lanes : int
        And from a column to the next one: the pictures, and those of zeros beside them.
    """

    samples: Array
    row: int
    lanes: int


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
        blocks = [(r, c) for r in runs(rows) for c in runs(columns)]
        self.inside = [(r, c) for r, c in blocks if OUTSIDE not in (r.first, c.first)]
        self.outside = [(r, c) for r, c in blocks if OUTSIDE in (r.first, c.first)]

    def surround(self, copy: Array) -> None:
        """Set what is outside in a copy (C, R, L, N)."""
        for row, column in self.outside:
            copy[:, row.places, column.places] = self.value

    def fill(self, copy: Array, x: Array) -> None:
        """Set what is inside in a copy of (C, H, W, N); its pictures beyond N are left alone."""
        inside = copy[..., : x.shape[-1]]
        for row, column in self.inside:
            inside[:, row.places, column.places] = x[:, row.source, column.source]

    def copied(self, x: Array) -> Array:
        """A copy (C, R, L, N) of (C, H, W, N) with the padding."""
        copy: Array = np.empty((len(x), *self.size, x.shape[-1]), x.dtype)
        self.surround(copy)
        self.fill(copy, x)
        return copy

    def give_back(self, total: Array, copy: Array) -> None:
        """Set `total`, (C, H, W, N), to the sum of all copies of each sample: the gradient of `fill`."""
        total[...] = 0
        for row, column in self.inside:
            total[:, row.source, column.source] += copy[:, row.places, column.places, : total.shape[-1]]

    def returned(self, copy: Array, shape: tuple[int, ...]) -> Array:
        """What `give_back` makes of a copy, in a new array."""
        total: Array = np.empty(shape, np.float32)
        self.give_back(total, copy)
        return total

    def corner(self, size: Pair) -> Pair | None:
        """Where maps of a size begin in the copy, if they lie in it as they are, each sample once."""
        if len(self.inside) != 1:
            return None
        row, column = self.inside[0]
        whole = row[1:] == (row.begin + size[0], 0, 1) and column[1:] == (column.begin + size[1], 0, 1)
        return (row.begin, column.begin) if whole else None
