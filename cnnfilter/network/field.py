"""The receptive field: what one value of a result sees of the network's input, in samples.

Along one axis, through a stage whose values see `size` samples each, `stride` apart from `start` on (of a window of `k`
taps with dilation `d`: ``d*(k - 1) + 1``, its stride, and ``-padding``)::

    size' = size + (stage's size - 1)*jump        jump' = jump*stride        start' = start + (stage's start)*jump

`jump` is how far the fields of neighbouring values lie apart, `start` where the first one begins: below 0 in
the padding. Araujo et al., Computing Receptive Fields of Convolutional Neural Networks, 2019. Where maps are enlarged
all three may be fractions, and hold for all values together; `extent` is exact of each.

Where branches meet, a value sees what any of them sees: of fields that lie equally far apart, from the first begin to
the last end. Where they do not, as behind a gate that sees the whole picture, they are carried on side by side.

A value that sees all values of its stage's input, as after `dense`, sees what any of those depends on: no padding, and
nothing that a floor dropped. There the windows are followed back from the maps to the input, within the maps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple

from cnnfilter.network.graph import INPUT
from cnnfilter.network.stages.sight import Number, Sight, whole
from cnnfilter.network.stages.text import Shape

Sights = Sequence[Sight]
"""What the values of a result see along each axis."""

Extent = tuple[int, int]
"""The first and the last sample along an axis, those in the padding too; (0, -1) of none."""


NOTHING: Extent = (0, -1)


class Move(NamedTuple):
    """How a node gets its result, as far as places matter.

    Parameters
    ----------
    reads : tuple of int
        The nodes that it reads; see `Node`.
    counts : tuple of tuple of int
        How many places each of these has along each axis.
    sights : Sights, optional
        What its values see of them; without, each sees the sample at its own place.
    sees_all : bool
        Whether each value sees all that it reads.
    """

    reads: tuple[int, ...]
    counts: tuple[Shape, ...]
    sights: Sights | None
    sees_all: bool = False

    def of(self, taken: Sequence[bool]) -> Move:
        """The move of what takes only some of the results that it reads."""
        counts = tuple(compress(self.counts, taken))
        return self._replace(reads=tuple(compress(self.reads, taken)), counts=counts)

    def meets_all(self, read: int, axis: int) -> bool:
        """Whether what it reads has one place along an axis, which meets all of another branch's."""
        counts = [sizes[axis] for sizes in self.counts]
        return counts[read] == 1 < max(counts)


class Field(NamedTuple):
    """The fields of all values of a result; one number for each axis of the input but the channels.

    Parameters
    ----------
    size : tuple of int or Fraction
        Samples that one value sees, those in the padding too. Where values see unequally many, behind what enlarges
        maps or where unequal branches met, it is the formula's for all together, and some see more; see `extent`.
    jump : tuple of int or Fraction
        From one value's field to the next one's.
    start : tuple of int or Fraction
        Where the first value's field begins.
    parts : tuple of Field
        Those that are carried on side by side, where branches met that do not lie equally far apart.
    """

    size: tuple[Number, ...]
    jump: tuple[Number, ...]
    start: tuple[Number, ...]
    parts: tuple[Field, ...] = ()

    @classmethod
    def of_input(cls, shape: Shape) -> Field:
        """The field before any stage: each sample sees itself."""
        axes = len(shape) - 1 or 1
        return cls((1,) * axes, (1,) * axes, (0,) * axes)

    @classmethod
    def joined(cls, fields: Sequence[Field], counts: Shape) -> Field:
        """The field of what is made of several results, of so many values along each axis.

        Examples
        --------
        >>> Field.joined([Field((5,), (1,), (-2,)), Field((3,), (1,), (1,))], (8,)).size
        (6,)
        """
        by_jump: dict[tuple[Number, ...], Field] = {}
        for each in dict.fromkeys(part for field in fields for part in field.parts or (field,)):
            known = by_jump.get(each.jump, each)
            axes = tuple(zip(each.start, each.size, known.start, known.size, strict=True))
            start = tuple(min(a, b) for a, _, b, _ in axes)
            size = tuple(whole(max(a + n, b + m) - min(a, b)) for a, n, b, m in axes)
            by_jump[each.jump] = cls(size, each.jump, start)
        parts = tuple(by_jump.values())
        if len(parts) == 1:
            return parts[0]
        union = cls((), (), (), parts)
        first, last = union.extent(*(0 for _ in counts)), union.extent(*(count - 1 for count in counts))
        size = tuple(max(b - a, d - c) + 1 for (a, b), (c, d) in zip(first, last, strict=True))
        return cls(size, tuple(map(max, *by_jump)), tuple(begin for begin, _ in first), parts)

    def through(self, sights: Sights, counts: Shape) -> Field:
        """The field after a stage that gives so many values along each axis.

        Examples
        --------
        >>> from cnnfilter.network.stages.sight import sliding_sight
        >>> Field.of_input((28, 28, 1)).through([sliding_sight(3, 2, 1, 1)] * 2, (14, 14))
        Field(size=(3, 3), jump=(2, 2), start=(-1, -1), parts=())
        """
        if self.parts:
            return Field.joined([part.through(sights, counts) for part in self.parts], counts)
        axes = tuple(zip(sights, self.size, self.jump, self.start, strict=True))
        return Field(
            tuple(whole(size + (sight.size - 1) * jump) for sight, size, jump, _ in axes),
            tuple(whole(jump * sight.stride) for sight, _, jump, _ in axes),
            tuple(whole(start + sight.start * jump) for sight, _, jump, start in axes),
        )

    @classmethod
    def over_all(cls, counts: Shape, moves: Sequence[Move]) -> Field:
        """The field of values that each see all of some maps: neighbours see the same, their jump is 0.

        Parameters
        ----------
        counts : tuple of int
            The maps' size along each axis.
        moves : sequence of Move
            Of all nodes up to the one that sees all.
        """
        spans = []
        for axis, count in enumerate(counts):
            places: dict[int, Sequence[int]] = dict.fromkeys(moves[-1].reads, range(count))
            for number in range(len(moves) - 2, -1, -1):
                wanted, move = places.pop(number, ()), moves[number]
                for i, read in enumerate(move.reads):
                    touched = _touched(move, i, axis, wanted)
                    places[read] = _union(places.get(read, ()), touched)
            seen = places[INPUT]
            spans.append((seen[0], seen[-1] - seen[0] + 1) if seen else (0, 0))
        if (0, 0) in spans:  # along one axis all lies in the padding
            spans = [(0, 0)] * len(spans)
        return cls(tuple(size for _, size in spans), (0,) * len(spans), tuple(first for first, _ in spans))

    def extent(self, *place: int) -> tuple[Extent, ...]:
        """First and last sample, on each axis, of what the value at `place` sees; of fractions, at most these.

        Examples
        --------
        >>> Field((3, 3), (2, 2), (-1, -1)).extent(0, 4)
        ((-1, 1), (7, 9))
        """
        if self.parts:
            extents = zip(*(part.extent(*place) for part in self.parts), strict=True)
            return tuple((min(begin for begin, _ in axis), max(end for _, end in axis)) for axis in extents)
        axes = zip(self.size, self.jump, self.start, place, strict=True)
        ends = ((start + index * jump, start + index * jump + size - 1) for size, jump, start, index in axes)
        return tuple((math.floor(first), math.ceil(last)) for first, last in ends)


def extent(moves: Sequence[Move], place: Sequence[int]) -> tuple[Extent, ...]:
    """First and last sample, on each axis, of what the value at a place sees of a network's input.

    Parameters
    ----------
    moves : sequence of Move
        Of all nodes up to the one whose value it is.
    place : sequence of int

    Examples
    --------
    >>> from cnnfilter.network.stages.sight import sliding_sight
    >>> extent([Move((INPUT,), ((9, 9),), [sliding_sight(3, 2, 1, 1)] * 2)], (0, 4))
    ((-1, 1), (7, 9))
    """
    found: list[Extent] = []
    wholes: dict[int, tuple[Extent, ...]] = {}
    for axis, index in enumerate(place):
        places: dict[int, Extent] = {len(moves) - 1: (index, index)}
        for number in range(len(moves) - 1, -1, -1):
            if number not in places:
                continue
            wanted, move = places.pop(number), moves[number]
            if move.sees_all:
                if number not in wholes:
                    wholes[number] = Field.over_all(move.counts[0], moves[: number + 1]).extent(*place)
                _meet(places, INPUT, wholes[number][axis])
                continue
            for i, read in enumerate(move.reads):
                seen = wanted if move.sights is None else move.sights[axis].extent(*wanted)
                if seen is not None:
                    _meet(places, read, (0, 0) if move.meets_all(i, axis) else seen)
        found.append(places.get(INPUT, NOTHING))
    return tuple(found) if NOTHING not in found else (NOTHING,) * len(found)


def _meet(places: dict[int, Extent], read: int, seen: Extent) -> None:
    """Let the places that are seen of a result reach over some more."""
    if seen != NOTHING:
        first, last = places.get(read, seen)
        places[read] = min(seen[0], first), max(seen[1], last)


def _touched(move: Move, read: int, axis: int, places: Sequence[int]) -> Sequence[int]:
    """Which places of one of the results that a node reads its values at some places see, ascending."""
    if move.sights is not None:
        return move.sights[axis].touched(move.counts[read][axis], places)
    return range(bool(places)) if move.meets_all(read, axis) else places


def _union(some: Sequence[int], others: Sequence[int]) -> Sequence[int]:
    """The places among some or others, ascending; of two ranges all between their ends, as those of branches are."""
    if not some or not others:
        return some or others
    if isinstance(some, range) and isinstance(others, range):
        return range(min(some[0], others[0]), max(some[-1], others[-1]) + 1)
    return sorted({*some, *others})
