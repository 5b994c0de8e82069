"""The receptive field: what one value of a result sees of the chain's input, in whole samples.

Along one axis, through a window of `k` taps with dilation `d` and stride `s`::

    size' = size + d*(k - 1)*jump        jump' = jump*s        start' = start - padding*jump

`jump` is how far the fields of neighbouring values lie apart, `start` where the first one begins: below 0 in
the padding. Araujo et al., Computing Receptive Fields of Convolutional Neural Networks, 2019.

A value that sees all values of its stage's input, as after `dense`, sees what any of those depends on: no padding, and
nothing that a floor dropped. There the windows are followed back from the maps to the input, within the maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnnfilter.network.stages.base import Sliding
from cnnfilter.network.stages.text import Shape


class Field(NamedTuple):
    """The fields of all values of a result; one number for each axis of the input but the channels.

    Parameters
    ----------
    size : tuple of int
        Samples that one value sees, those in the padding too.
    jump : tuple of int
        From one value's field to the next one's.
    start : tuple of int
        Where the first value's field begins.
    """

    size: tuple[int, ...]
    jump: tuple[int, ...]
    start: tuple[int, ...]

    @classmethod
    def of_input(cls, shape: Shape) -> Field:
        """The field before any stage: each sample sees itself."""
        axes = len(shape) - 1 or 1
        return cls((1,) * axes, (1,) * axes, (0,) * axes)

    def through(self, sliding: Sliding) -> Field:
        """The field after a window.

        Examples
        --------
        >>> Field.of_input((28, 28, 1)).through(Sliding((3, 3), (2, 2), (1, 1), ((1, 1), (1, 1))))
        Field(size=(3, 3), jump=(2, 2), start=(-1, -1))
        """
        window, stride, dilation, pads = sliding
        axes = tuple(enumerate(zip(self.size, self.jump, self.start, strict=True)))
        return Field(
            tuple(size + dilation[i] * (window[i] - 1) * jump for i, (size, jump, _) in axes),
            tuple(jump * stride[i] for i, (_, jump, _) in axes),
            tuple(start - pads[i][0] * jump for i, (_, jump, start) in axes),
        )

    @classmethod
    def over_all(cls, counts: Shape, moves: Sequence[tuple[Shape, Sliding]]) -> Field:
        """The field of values that each see all of some maps: neighbours see the same, their jump is 0.

        Parameters
        ----------
        counts : tuple of int
            The maps' size along each axis.
        moves : sequence of (tuple of int, Sliding)
            What moved over the chain's input, and over what came of it, up to these maps: the sizes it met.
        """
        spans = []
        for axis, count in enumerate(counts):
            places: Sequence[int] = range(count)
            for shape, sliding in reversed(moves):
                places = _touched(shape[axis], sliding, axis, places)
            spans.append((places[0], places[-1] - places[0] + 1) if places else (0, 0))
        if (0, 0) in spans:  # along one axis all lies in the padding
            spans = [(0, 0)] * len(spans)
        return cls(tuple(size for _, size in spans), (0,) * len(spans), tuple(first for first, _ in spans))

    def extent(self, *place: int) -> tuple[tuple[int, int], ...]:
        """First and last sample, on each axis, of what the value at `place` sees.

        Examples
        --------
        >>> Field((3, 3), (2, 2), (-1, -1)).extent(0, 4)
        ((-1, 1), (7, 9))
        """
        axes = zip(self.size, self.jump, self.start, place, strict=True)
        return tuple((start + index * jump, start + index * jump + size - 1) for size, jump, start, index in axes)


MOST_TAPS = 4096
"""How many taps along an axis are followed one by one, where windows leave samples out. Of more the ends are taken,
which are the same unless taps are dilated or whole windows lie in the padding."""


def _touched(n: int, sliding: Sliding, axis: int, places: Sequence[int]) -> Sequence[int]:
    """Which of `n` samples some windows touch, ascending."""
    step, dilation, before = sliding.stride[axis], sliding.dilation[axis], sliding.pads[axis][0]
    reach = dilation * (sliding.window[axis] - 1) + 1
    is_whole = isinstance(places, range) and dilation == 1 and sliding.window[axis] >= step  # nothing is left out
    if places and (is_whole or len(places) * sliding.window[axis] > MOST_TAPS):
        return range(max(0, places[0] * step - before), min(n, places[-1] * step - before + reach))
    begins = (place * step - before for place in places)
    return sorted({tap for begin in begins for tap in range(begin, begin + reach, dilation) if 0 <= tap < n})
