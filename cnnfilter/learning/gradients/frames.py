"""Maps with their padding, of batches whose pictures lie innermost, (C, H, W, N): how they are copied, and back."""

from __future__ import annotations

from typing import NamedTuple

from cnnfilter.engine.geometry import OUTSIDE
from cnnfilter.engine.groups import Array, Index
from cnnfilter.learning.gradients.memory import fresh, zeros


class Filled(NamedTuple):
    """Maps with their padding.

    Attributes
    ----------
    samples : ndarray, (C, R * row)
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
        self.blocks = [(r, c) for r in runs(rows) for c in runs(columns)]

    def filled(self, x: Array, lanes: int) -> Filled:
        """A copy of (C, H, W, N) with the padding; lanes beyond N are 0."""
        row, count = self.size[1] * lanes, x.shape[-1]
        if count == lanes and self._copies(x):
            return Filled(x.reshape(len(x), -1), row, lanes)
        out: Array = fresh((len(x), *self.size, lanes), x.dtype)
        out[..., count:] = 0
        self._fill(out[..., :count], x)
        return Filled(out.reshape(len(x), -1), row, lanes)

    def copied(self, x: Array) -> Array:
        """A copy (C, R, L, N) of (C, H, W, N) with the padding."""
        out: Array = fresh((len(x), *self.size, x.shape[-1]), x.dtype)
        self._fill(out, x)
        return out

    def _fill(self, out: Array, x: Array) -> None:
        for row, column in self.blocks:
            is_outside = OUTSIDE in (row.first, column.first)
            out[:, row.places, column.places] = self.value if is_outside else x[:, row.source, column.source]

    def returned(self, copied: Array, shape: tuple[int, ...]) -> Array:
        """The sum of all copies of each sample, of the shape of `filled`'s input: the gradient of the copying."""
        if copied.shape == shape and self._copies(copied):
            return copied
        total = zeros(shape)
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
