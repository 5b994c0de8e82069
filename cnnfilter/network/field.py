"""The receptive field: what one value of a result sees of the chain's input, in samples.

Along one axis, through a stage whose values see `size` samples each, `stride` apart from `start` on (of a window of `k`
taps with dilation `d`: ``d*(k - 1) + 1``, its stride, and ``-padding``)::

    size' = size + (stage's size - 1)*jump        jump' = jump*stride        start' = start + (stage's start)*jump

`jump` is how far the fields of neighbouring values lie apart, `start` where the first one begins: below 0 in
the padding. Araujo et al., Computing Receptive Fields of Convolutional Neural Networks, 2019. Where maps are enlarged
all three may be fractions, and hold for all values together; `extent` is exact of each.

A value that sees all values of its stage's input, as after `dense`, sees what any of those depends on: no padding, and
nothing that a floor dropped. There the windows are followed back from the maps to the input, within the maps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from cnnfilter.network.stages.sight import Number, Sight, whole
from cnnfilter.network.stages.text import Shape

Sights = Sequence[Sight]
"""What the values of a result see along each axis."""

Extent = tuple[int, int]
"""The first and the last sample along an axis, those in the padding too; (0, -1) of none."""


class Field(NamedTuple):
    """The fields of all values of a result; one number for each axis of the input but the channels.

    Parameters
    ----------
    size : tuple of int or Fraction
        Samples that one value sees, those in the padding too.
    jump : tuple of int or Fraction
        From one value's field to the next one's.
    start : tuple of int or Fraction
        Where the first value's field begins.
    """

    size: tuple[Number, ...]
    jump: tuple[Number, ...]
    start: tuple[Number, ...]

    @classmethod
    def of_input(cls, shape: Shape) -> Field:
        """The field before any stage: each sample sees itself."""
        axes = len(shape) - 1 or 1
        return cls((1,) * axes, (1,) * axes, (0,) * axes)

    def through(self, sights: Sights) -> Field:
        """The field after a stage.

        Examples
        --------
        >>> from cnnfilter.network.stages.sight import sliding_sight
        >>> Field.of_input((28, 28, 1)).through([sliding_sight(3, 2, 1, 1)] * 2)
        Field(size=(3, 3), jump=(2, 2), start=(-1, -1))
        """
        axes = tuple(zip(sights, self.size, self.jump, self.start, strict=True))
        return Field(
            tuple(whole(size + (sight.size - 1) * jump) for sight, size, jump, _ in axes),
            tuple(whole(jump * sight.stride) for sight, _, jump, _ in axes),
            tuple(whole(start + sight.start * jump) for sight, _, jump, start in axes),
        )

    @classmethod
    def over_all(cls, counts: Shape, moves: Sequence[tuple[Shape, Sights]]) -> Field:
        """The field of values that each see all of some maps: neighbours see the same, their jump is 0.

        Parameters
        ----------
        counts : tuple of int
            The maps' size along each axis.
        moves : sequence of (tuple of int, Sights)
            What was seen of the chain's input, and of what came of it, up to these maps: the sizes it met.
        """
        spans = []
        for axis, count in enumerate(counts):
            places: Sequence[int] = range(count)
            for shape, sights in reversed(moves):
                places = sights[axis].touched(shape[axis], places)
            spans.append((places[0], places[-1] - places[0] + 1) if places else (0, 0))
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
        axes = zip(self.size, self.jump, self.start, place, strict=True)
        ends = ((start + index * jump, start + index * jump + size - 1) for size, jump, start, index in axes)
        return tuple((math.floor(first), math.ceil(last)) for first, last in ends)


def extent(moves: Sequence[Sights], place: Sequence[int]) -> tuple[Extent, ...]:
    """First and last sample, on each axis, of what the value at a place sees of a chain's input.

    Parameters
    ----------
    moves : sequence of Sights
        What was seen of the input, and of what came of it, up to the value.
    place : sequence of int

    Examples
    --------
    >>> from cnnfilter.network.stages.sight import sliding_sight
    >>> extent([[sliding_sight(3, 2, 1, 1)] * 2], (0, 4))
    ((-1, 1), (7, 9))
    """
    found: list[Extent] = []
    for axis, index in enumerate(place):
        seen: Extent | None = (index, index)
        for sights in reversed(moves):
            seen = None if seen is None else sights[axis].extent(*seen)
        found.append((0, -1) if seen is None else seen)
    return tuple(found) if (0, -1) not in found else ((0, -1),) * len(found)
