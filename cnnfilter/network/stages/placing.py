"""Where the kernels of a transposed convolution come to lie in its result, and which of its taps meet at a place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from cnnfilter.network.stages.sight import Sight, whole
from cnnfilter.sizes import Pads, Pair


class Phase(NamedTuple):
    """The taps of a kernel that meet samples at the places of one remainder by the stride.

    Parameters
    ----------
    remainder : int
        Of the places, counted with the padding before them.
    taps : range
        Of the kernel, ascending. They meet samples in descending order.
    back : int
        How many samples before place // stride the last tap meets its sample, the first of all.
    step : int
        Samples from one of these to the next.
    """

    remainder: int
    taps: range
    back: int
    step: int

    def seen(self, place: int) -> range:
        """The samples that meet the taps, ascending, by their place // stride."""
        return range(place - self.back, place - self.back + self.step * (len(self.taps) - 1) + 1, self.step)


def phase_of(remainder: int, window: int, stride: int, dilation: int) -> Phase | None:
    """The phase of a remainder; None if no tap leaves it."""
    common = math.gcd(stride, dilation)
    apart = stride // common  # taps that leave the same lie so far apart
    first = remainder // common * pow(dilation // common, -1, apart) % apart
    if remainder % common or first >= window:
        return None
    taps = range(first, window, apart)
    return Phase(remainder, taps, (taps[-1] * dilation - remainder) // stride, dilation // common)


def phases(window: int, stride: int, dilation: int) -> list[Phase]:
    """The taps by what they leave of the stride.

    Examples
    --------
    >>> [(phase.remainder, list(phase.taps)) for phase in phases(3, 2, 1)]
    [(0, [0, 2]), (1, [1])]
    """
    remainders = (tap * dilation % stride for tap in range(_count(window, stride, dilation)))
    found = (phase_of(remainder, window, stride, dilation) for remainder in remainders)
    return [phase for phase in found if phase is not None]


def _count(window: int, stride: int, dilation: int) -> int:
    """How many phases there are."""
    return min(window, stride // math.gcd(stride, dilation))


class Placing(NamedTuple):
    """How a kernel is placed over a result: its padding is cut off at the ends, and places are added at the end."""

    window: Pair
    stride: Pair
    dilation: Pair
    pads: Pads
    output_padding: Pair

    def sight(self, axis: int) -> Sight:
        """What the values along an axis see."""
        window, stride, dilation = self.window[axis], self.stride[axis], self.dilation[axis]
        before = self.pads[axis][0]
        # the mean of all phases, each of which ends with one of the last taps
        count = _count(window, stride, dilation)
        size = 1 + Fraction((window - count) * (dilation // math.gcd(stride, dilation)), count)
        start = Fraction(2 * before - dilation * (2 * window - count - 1), 2 * stride)

        def seen(place: int) -> Sequence[int]:
            over, remainder = divmod(place + before, stride)
            phase = phase_of(remainder, window, stride, dilation)
            return () if phase is None else phase.seen(over)

        gapless = dilation == 1 and window >= stride
        return Sight(whole(size), whole(Fraction(1, stride)), whole(start), seen, gapless, stride)


def transposed_arithmetic(n: int, out: int, axis: int, placing: Placing) -> str:
    """The size formula of one axis with its numbers: (n-1)*s - begin - end + d*(k-1) + output_padding + 1.

    Examples
    --------
    >>> transposed_arithmetic(7, 14, 0, Placing((3, 3), (2, 2), (1, 1), ((1, 1), (1, 1)), (1, 1)))
    '(7 - 1)*2 - 1 - 1 + 1*(3 - 1) + 1 + 1 = 14'
    """
    window, stride, dilation, (begin, end) = *(each[axis] for each in placing[:3]), placing.pads[axis]
    extra = placing.output_padding[axis]
    return f"({n} - 1)*{stride} - {begin} - {end} + {dilation}*({window} - 1) + {extra} + 1 = {out}"
