"""The receptive field: what one value of a result sees of the chain's input, in whole samples.

Along one axis, through a window of `k` taps with dilation `d` and stride `s`::

    size' = size + d*(k - 1)*jump        jump' = jump*s        start' = start - padding*jump

`jump` is how far the fields of neighbouring values lie apart, `start` where the first one begins: below 0 in
the padding. Araujo et al., Computing Receptive Fields of Convolutional Neural Networks, 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

from cnnfilter.model.stages.base import Sliding
from cnnfilter.model.stages.text import Shape


@dataclass(frozen=True)
class Field:
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
        """Return the field before any stage: each sample sees itself."""
        axes = len(shape) - 1 or 1
        return cls((1,) * axes, (1,) * axes, (0,) * axes)

    def through(self, sliding: Sliding) -> Field:
        """Return the field after a window.

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

    def over_all(self, counts: Shape, limits: Shape) -> Field:
        """Return the field of a value that sees all of `counts` values: no more than the input, `limits`."""
        axes = zip(self.size, self.jump, self.start, counts, limits, strict=True)
        spans = [(start, start + (count - 1) * jump + size, limit) for size, jump, start, count, limit in axes]
        inside = [(max(0, first), min(last, limit)) for first, last, limit in spans]
        return Field(tuple(last - first for first, last in inside), self.jump, tuple(first for first, _ in inside))

    def extent(self, *place: int) -> tuple[tuple[int, int], ...]:
        """Return first and last sample, on each axis, of what the value at `place` sees.

        Examples
        --------
        >>> Field((3, 3), (2, 2), (-1, -1)).extent(0, 4)
        ((-1, 1), (7, 9))
        """
        axes = zip(self.size, self.jump, self.start, place, strict=True)
        return tuple((start + index * jump, start + index * jump + size - 1) for size, jump, start, index in axes)
