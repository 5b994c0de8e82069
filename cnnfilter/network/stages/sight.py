"""What the values of a result see of a stage's input, along one axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

Number = int | Fraction
"""A whole number, or a fraction where it is none."""


def whole(number: Number) -> Number:
    """A number as an int if it is whole."""
    return number if isinstance(number, int) or number.denominator > 1 else number.numerator


class Sight(NamedTuple):
    """What the values along one axis of a result see of the samples along that axis of a stage's input.

    Where maps are enlarged, neighbours see the same samples, or more of them than the next value does: then `size`,
    `stride` and `start` are fractions, and true of all values together, while `seen` is exact of each.

    Parameters
    ----------
    size : int or Fraction
        Samples from the first that a value sees to the last.
    stride : int or Fraction
        From the first sample that one value sees to that of the next one.
    start : int or Fraction
        The first sample that the first value sees; below 0 in the padding.
    seen : callable
        From the place of a value to the samples it sees, ascending; those in the padding too. Values beyond the result,
        as a later stage's padding has them, see what the same rule gives.
    gapless : bool
        Whether neighbouring values leave out no sample between them.
    period : int
        How many values differ in how far they reach back and ahead: the one after these sees as the first does.
    """

    size: Number
    stride: Number
    start: Number
    seen: Callable[[int], Sequence[int]]
    gapless: bool = True
    period: int = 1

    def touched(self, n: int, places: Sequence[int]) -> Sequence[int]:
        """Which of `n` samples some values see, whose places ascend, ascending."""
        is_whole = self.gapless and isinstance(places, range)
        if places and (is_whole or len(places) * self.size > MOST_TAPS):
            first, last = self.extent(places[0], places[-1]) or (0, -1)
            return range(max(0, first), min(n, last + 1))
        return sorted({sample for place in places for sample in self.seen(place) if 0 <= sample < n})

    def extent(self, first: int, last: int) -> tuple[int, int] | None:
        """The first and the last sample that values from one place to another see; None if they see none."""
        most = min(self.period, last - first + 1)
        places = *range(first, first + most), *range(last, last - most, -1)
        found = [(seen[0], seen[-1]) for place in places if (seen := self.seen(place))]
        return (min(begin for begin, _ in found), max(end for _, end in found)) if found else None


MOST_TAPS = 4096
"""How many samples along an axis are followed one by one, where values leave some out. Of more the ends are taken,
which are the same unless taps are dilated or whole windows lie in the padding."""


def sliding_sight(window: int, stride: int, dilation: int, before: int) -> Sight:
    """What the windows see that slide over one axis, with so many samples of padding before it.

    Examples
    --------
    >>> list(sliding_sight(3, 2, 1, 1).seen(4))
    [7, 8, 9]
    """
    reach = dilation * (window - 1) + 1

    def seen(place: int) -> range:
        begin = place * stride - before
        return range(begin, begin + reach, dilation)

    return Sight(reach, stride, -before, seen, gapless=dilation == 1 and window >= stride)
