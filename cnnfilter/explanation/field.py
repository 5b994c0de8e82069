"""The receptive field of one value: what of the picture it depends on, which takes no picture and no weights."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cnnfilter.errors import ArgumentError
from cnnfilter.explanation.evaluation import Trace, trace
from cnnfilter.explanation.regions import Place, Region, unflattened
from cnnfilter.messages import either, quoted, show_shape
from cnnfilter.network.field import extent
from cnnfilter.network.graph import INPUT
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import Flatten, Shape


@dataclass(frozen=True)
class ReceptiveField:
    """What of the picture a value depends on.

    Attributes
    ----------
    size : (int, int)
        Rows and columns, with those in the padding.
    rows, columns : (int, int)
        First and last; below 0, or beyond the picture's last, in the padding.
    corners : tuple of (row, column)
        Upper left, upper right, lower left, lower right of what the value depends on in the picture, if on anything.
        The padding of a later stage may stand where the picture has rows that a floor dropped before.
    in_padding : int
        How many of its samples lie in the padding, of the picture or of a later stage.
    """

    size: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]
    corners: tuple[tuple[int, int], ...]
    in_padding: int


def receptive_field(rows: Sequence[Row], at: Sequence[int]) -> ReceptiveField:
    """The receptive field of a value.

    Parameters
    ----------
    rows : sequence of Row
        The value is one of the last one's result.
    at : sequence of int
        As `explain` takes it.

    Raises
    ------
    ArgumentError
        If there is no such place; the message has the result's size.

    Examples
    --------
    >>> from cnnfilter import Pipeline
    >>> receptive_field(Pipeline.parse("conv:3@3x3:padding=1,maxpool:2").plan((8, 8, 1)), (0, 1)).rows
    (-1, 2)
    """
    place = checked_place(at, rows[-1].output)
    found = trace(rows, Region.at(place), computed=False)
    return field_of(rows, found, spot(_back(rows, found, place)))


def _back(rows: Sequence[Row], found: Trace, place: Place) -> Iterator[tuple[Row, Place]]:
    """The stages from a value back to the maps that it is from; of several that count, the last one's."""
    number = len(rows) - 1
    while number != INPUT:
        row = rows[number]
        yield row, place
        counting = [pair for pair in zip(row.reads, found.asked[number], strict=True) if pair[1] is not None]
        number, region = counting[-1]
        if region is not None and len(counting) < len(row.reads):  # it is joined behind others, and counted from there
            place = region.place(len(place))


def checked_place(at: Sequence[int], shape: Shape) -> Place:
    """A place that is in a result of this size."""
    try:
        place = tuple(map(operator.index, at))
    except TypeError:
        msg = f"at must be whole numbers, row and column and which map, not {quoted(at)}"
        raise ArgumentError(msg) from None
    given = ",".join(map(quoted, place))
    if len(shape) == 1:
        fits = len(place) == 1 and 0 <= place[0] < shape[0]
        limits = f"a vector of {shape[0]}; give an index from 0 to {shape[0] - 1}"
    elif len(place) not in (2, 3):
        fits = False
        wanted = either("ROW,COL or ROW,COL,MAP", "(row, column) or (row, column, map)")
        limits = f"{show_shape(shape)}; give {wanted}"
    else:
        place = (*place, 0)[:3]
        fits = all(0 <= index < size for index, size in zip(place, shape, strict=True))
        rows, columns, maps = (f"0 to {size - 1}" for size in shape)
        limits = f"{show_shape(shape)}, rows {rows}, columns {columns}, maps {maps}"
    if not fits:
        msg = f"no value at {given}: the result is {limits}"
        raise ArgumentError(msg)
    return place


def spot(followed: Iterable[tuple[Row, Place]]) -> Place:
    """The row and the column of a value, which a vector's has in the maps that it was made of.

    `followed` are stages, and places in their results, from the value back.
    """
    row, place = next(each for each in followed if len(each[0].input) == 3 or each[0].stage.sees_all(each[0].input))
    if row.stage.sees_all(row.input):
        return 0, 0
    return (unflattened(row.input, place[0]) if isinstance(row.stage, Flatten) else place)[:2]


def field_of(rows: Sequence[Row], found: Trace, place: Place) -> ReceptiveField:
    """The receptive field of a value at a row and a column, by what it depends on."""
    (top, bottom), (left, right) = extent(found.moves(rows), place)
    size = bottom - top + 1, right - left + 1
    corners: tuple[tuple[int, int], ...] = ()
    count = 0
    if found.seen.is_seen:
        ends = [(int(places[0]), int(places[-1])) for places in (found.seen.rows, found.seen.columns)]
        corners = tuple((row, column) for row in ends[0] for column in ends[1])
        count = math.prod(last - first + 1 for first, last in ends)
    return ReceptiveField(size, (top, bottom), (left, right), corners, math.prod(size) - count)
