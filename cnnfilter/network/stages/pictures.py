"""What is done to a picture before a network sees it: another size, and a part of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, repeat
from typing import NamedTuple

from cnnfilter.errors import ShapeError
from cnnfilter.messages import show_shape
from cnnfilter.network.stages.base import Stage, maps
from cnnfilter.network.stages.resampling import Resampling, Taps
from cnnfilter.network.stages.sight import Number, Sight, sliding_sight
from cnnfilter.network.stages.text import Shape, show_pair
from cnnfilter.sizes import Pair
from cnnfilter.text.values import one_of


class Curve(NamedTuple):
    """How much samples count by their distance: nothing from `support` on."""

    support: Number
    weight: Callable[[float], float]


def _bicubic(x: float) -> float:
    x = abs(x)
    if x < 1:
        return (1.5 * x - 2.5) * x * x + 1
    return ((-0.5 * x + 2.5) * x - 4) * x + 2 if x < 2 else 0.0


def _sinc(x: float) -> float:
    return 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)


def _hamming(x: float) -> float:
    return _sinc(x) * (0.54 + 0.46 * math.cos(math.pi * x)) if -1 < x < 1 else 0.0


FILTERS: dict[str, Curve] = {
    "bilinear": Curve(1, lambda x: max(1 - abs(x), 0.0)),
    "bicubic": Curve(2, _bicubic),
    "lanczos": Curve(3, lambda x: _sinc(x) * _sinc(x / 3) if -3 <= x < 3 else 0.0),
    "box": Curve(Fraction(1, 2), lambda x: 1.0 if -0.5 < x <= 0.5 else 0.0),
    "hamming": Curve(1, _hamming),
    "nearest": Curve(Fraction(1, 2), lambda x: 1.0),
}
"""Pillow's filters. All but the nearest sample are widened where the picture gets smaller, so that no sample is left
out."""

ZERO = 1e-15
"""A weight so small is that of a sample where a curve crosses 0, but for its rounding."""


@dataclass(frozen=True, eq=False, repr=False)
class Resize(Resampling):
    """A picture of another size, as Pillow makes it of floats: smoothed where it gets smaller, and not rounded.

    Parameters
    ----------
    size : int or (int, int)
        Of the shorter side, the longer one in proportion and rounded down; or height and width.
    filter : str
        One of `FILTERS`.

    Raises
    ------
    ArgumentError
        If the filter is unknown.
    """

    size: int | Pair
    filter: str = "bilinear"

    name = "resize"
    takes_whole = True

    def __post_init__(self) -> None:
        one_of(self.filter, "filter", FILTERS)

    def sizes(self, shape: Shape) -> Pair:
        """As they are given, or in proportion."""
        if not isinstance(self.size, int):
            return self.size
        height, width = shape[0], shape[1]
        if height <= width:
            return self.size, self.size * width // height
        return self.size * height // width, self.size

    def arithmetic(self, shape: Shape) -> str:
        """How the longer side follows from the shorter one."""
        short, long = sorted(shape[:2])
        if not isinstance(self.size, int) or short == long:
            return ""
        quotient = f"{self.size}*{long}/{short}"
        whole = self.size * long // short
        rounded = f" = floor({self.size * long / short:.2f})" if self.size * long % short else ""
        return f"{'height' if shape[0] > shape[1] else 'width'}: floor({quotient}){rounded} = {whole}"

    def spacing(self, shape: Shape, axis: int) -> tuple[Number, Number, Number]:
        """As many samples as the filter reaches to both sides."""
        scale = Fraction(shape[axis], self.sizes(shape)[axis])
        reach = FILTERS[self.filter].support * (1 if self.filter == "nearest" else max(scale, Fraction(1)))
        return max(2 * reach, Fraction(1)), scale, scale / 2 - reach + Fraction(1, 2)

    def taps(self, shape: Shape, axis: int, place: int) -> Taps:
        """The samples under the filter's curve about the value."""
        n, out = shape[axis], self.sizes(shape)[axis]
        if self.filter == "nearest":
            return ((_nearest(n, out)[place], 1.0),)
        samples, weight = self._under(n, out, place)
        weights = [weight(sample) for sample in samples]
        total = sum(weights)
        pairs = zip(samples, weights, strict=True)
        return tuple((sample, each / total) for sample, each in pairs if abs(each) > ZERO)

    def seen(self, shape: Shape, axis: int, place: int) -> Sequence[int]:
        """All samples under the curve, without weighing more than the outermost."""
        if self.filter == "nearest":
            return super().seen(shape, axis, place)
        samples, weight = self._under(shape[axis], self.sizes(shape)[axis], place)
        first = next(sample for sample in samples if abs(weight(sample)) > ZERO)
        last = next(sample for sample in reversed(samples) if abs(weight(sample)) > ZERO)
        return range(first, last + 1)

    def _under(self, n: int, out: int, place: int) -> tuple[range, Callable[[int], float]]:
        """The samples that the filter's curve reaches from a value, and what weighs each, as Pillow works it out."""
        curve, scale = FILTERS[self.filter], n / out
        wide = max(scale, 1.0)
        narrow, center, reach = 1 / wide, (place + 0.5) * scale, float(curve.support) * wide
        samples = range(max(int(center - reach + 0.5), 0), min(int(center + reach + 0.5), n))
        return samples, lambda sample: curve.weight((sample - center + 0.5) * narrow)

    def arguments(self) -> list[str]:
        """The size, then the filter unless it is the default."""
        size = str(self.size) if isinstance(self.size, int) else f"{self.size[0]}x{self.size[1]}"
        return [size, *([f"filter={self.filter}"] if self.filter != "bilinear" else [])]


@lru_cache(maxsize=8)
def _nearest(n: int, out: int) -> tuple[int, ...]:
    """The nearest of `n` samples for each value, as Pillow finds them: it adds the step up, with its roundings."""
    step = n / out
    return tuple(min(int(place), n - 1) for place in accumulate(repeat(step, out - 1), initial=step * 0.5))


@dataclass(frozen=True, eq=False, repr=False)
class Crop(Stage):
    """The middle of maps; of an odd rest torchvision's half.

    Parameters
    ----------
    size : (int, int)
        Height and width.
    """

    size: Pair

    name = "crop"
    takes, gives = "maps", "maps"

    def output(self, shape: Shape) -> Shape:
        """The size, with the channels."""
        height, width, channels = maps(shape, self)
        if self.size[0] > height or self.size[1] > width:
            msg = (
                f"{show_shape(self.size)} is more than {show_shape((height, width))} (height x width), and nothing is "
                f"padded; put resize:{max(self.size)} before it"
            )
            raise ShapeError(msg)
        return *self.size, channels

    def corner(self, shape: Shape) -> Pair:
        """The row and the column of the input where it begins."""
        top, left = (round((shape[axis] - self.size[axis]) / 2) for axis in (0, 1))  # a half to the even number
        return top, left

    def arithmetic(self, shape: Shape) -> str:
        """Where it begins."""
        lines = [f"round(({shape[i]} - {self.size[i]})/2) = {self.corner(shape)[i]}" for i in (0, 1)]
        return f"top, left: {lines[0]}" if lines[0] == lines[1] else f"top: {lines[0]}\nleft: {lines[1]}"

    def sights(self, shape: Shape) -> tuple[Sight, Sight]:
        """The sample as far from the corner."""
        top, left = self.corner(shape)
        return sliding_sight(1, 1, 1, -top), sliding_sight(1, 1, 1, -left)

    def arguments(self) -> list[str]:
        """The size."""
        return [show_pair(self.size)]
