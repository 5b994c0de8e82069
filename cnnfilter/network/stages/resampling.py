"""Maps of another height and width, each value a weighted mean of samples of its own map."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.messages import show_shape
from cnnfilter.network.stages.base import Stage, maps
from cnnfilter.network.stages.sight import Number, Sight, whole
from cnnfilter.network.stages.text import Shape, show_pair
from cnnfilter.sizes import LARGEST, Pair
from cnnfilter.text.numbers import show_number
from cnnfilter.text.values import one_of

Taps = Sequence[tuple[int, float]]
"""The samples along an axis that a value is made of, ascending, with the weight of each; none is 0, their sum is 1."""


class Resampling(Stage):
    """A stage whose values are weighted means of samples along rows, and of these along columns."""

    takes, gives = "maps", "maps"

    @abstractmethod
    def sizes(self, shape: Shape) -> Pair:
        """Height and width of the result."""

    @abstractmethod
    def taps(self, shape: Shape, axis: int, place: int) -> Taps:
        """What the values at a place of an axis are made of."""

    def seen(self, shape: Shape, axis: int, place: int) -> Sequence[int]:
        """The samples from the first that a value at a place of an axis is made of to the last, ascending."""
        return [sample for sample, _ in self.taps(shape, axis, place)]

    @abstractmethod
    def spacing(self, shape: Shape, axis: int) -> tuple[Number, Number, Number]:
        """How many samples a value sees inside the maps, how far apart neighbours see, and where the first begins."""

    def output(self, shape: Shape) -> Shape:
        """(H', W', C): the channels stay."""
        channels = maps(shape, self)[2]
        return *self.sizes(shape), channels

    def sights(self, shape: Shape) -> tuple[Sight, Sight]:
        """What each value sees, which is nothing that has a weight of 0."""
        height, width = (self._sight(shape, axis) for axis in (0, 1))
        return height, width

    def _sight(self, shape: Shape, axis: int) -> Sight:
        size, stride, start = map(whole, self.spacing(shape, axis))
        count = self.sizes(shape)[axis]

        def seen(place: int) -> Sequence[int]:
            if 0 <= place < count:
                return self.seen(shape, axis, place)
            begin = math.floor(start + place * stride)  # beyond the result, in a later stage's padding
            return range(begin, begin + math.ceil(size))

        return Sight(size, stride, start, seen, gapless=stride <= size)


MODES = ("nearest", "bilinear")

COORDINATES = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
"""Where a value lies among the samples, by ONNX's words."""

ROUNDINGS = ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
"""Which sample is the nearest, by ONNX's words."""

_USUAL = {"nearest": "asymmetric", "bilinear": "half_pixel"}
"""The coordinates that PyTorch's modes have."""


@dataclass(frozen=True, eq=False, repr=False)
class Upsample(Resampling):
    """Maps made larger, or smaller, by the nearest sample or by two neighbours along each axis; nothing is smoothed.

    Parameters
    ----------
    scale : (float, float), optional
        What height and width are multiplied by, the product rounded down.
    size : (int, int), optional
        Height and width of the result instead.
    mode : {"nearest", "bilinear"}
    coordinates : str, optional
        One of `COORDINATES`: half-pixel centres for bilinear, and for nearest `asymmetric`, if left out.
    rounding : str
        Of nearest, one of `ROUNDINGS`.

    Raises
    ------
    ArgumentError
        If these do not go together.

    Notes
    -----
    Where a value lies is worked out exactly. PyTorch rounds it to float32, which may take the sample beside the nearest
    where two are equally near; and with a scale that is not whole, it copies an axis whose length stays or doubles.

    References
    ----------
    ONNX's operator Resize, whose words these are.
    """

    scale: tuple[float, float] | None = None
    size: Pair | None = None
    mode: str = "nearest"
    coordinates: str = ""
    rounding: str = "floor"

    name = "upsample"

    def __post_init__(self) -> None:
        if (self.scale is None) == (self.size is None):
            msg = "takes a scale, such as upsample:2, or the size of the result, such as upsample:size=56x56"
            raise ArgumentError(msg)
        for scale in self.scale or ():
            if not 1 / LARGEST <= scale <= LARGEST:
                msg = f"scale must be from {1 / LARGEST:g} to {LARGEST}, not {show_number(scale)}"
                raise ArgumentError(msg)
        one_of(self.mode, "mode", MODES)
        object.__setattr__(self, "coordinates", self.coordinates or _USUAL[self.mode])
        one_of(self.coordinates, "coordinates", COORDINATES)
        one_of(self.rounding, "rounding", ROUNDINGS)
        if self.mode != "nearest" and self.rounding != "floor":
            msg = "rounding is for mode=nearest"
            raise ArgumentError(msg)

    def sizes(self, shape: Shape) -> Pair:
        """The size that is given, or the product."""
        if self.scale is None:
            return self.size or (1, 1)
        height, width = (int(shape[axis] * self.scale[axis]) for axis in (0, 1))
        if min(height, width) < 1:
            msg = f"{show_shape(shape[:2])} times {_show_scale(self.scale)} leaves nothing; use a larger scale"
            raise ShapeError(msg)
        return height, width

    def arithmetic(self, shape: Shape) -> str:
        """The product with its numbers."""
        if self.scale is None:
            return ""
        sizes = zip(shape, self.scale, self.sizes(shape), strict=False)
        lines = [f"floor({n}*{show_number(scale)}) = {out}" for n, scale, out in sizes]
        return lines[0] if lines[0] == lines[1] else f"height: {lines[0]}\nwidth: {lines[1]}"

    def rule(self, shape: Shape, axis: int) -> tuple[int, int, bool]:
        """The scale along an axis as numerator and denominator, and whether centres are half a pixel from the edge.

        Of `align_corners` it is the scale between the centres of the outermost samples.
        """
        n, out = shape[axis], self.sizes(shape)[axis]
        if self.coordinates == "align_corners":
            return (out - 1, n - 1, False) if out > 1 else (1, 0, False)
        if self.coordinates == "pytorch_half_pixel" and out == 1:
            return 1, 0, False
        given = Fraction(out, n) if self.scale is None else Fraction(self.scale[axis])
        ratio = given.limit_denominator(LARGEST)  # a third in float32 is meant as a third
        return ratio.numerator, ratio.denominator, self.coordinates != "asymmetric"

    def spacing(self, shape: Shape, axis: int) -> tuple[Number, Number, Number]:
        """One sample or two, as far apart as the scale says."""
        up, down, _ = self.rule(shape, axis)
        ahead = {"floor": Fraction(0), "ceil": Fraction(1)}.get(self.rounding, Fraction(1, 2))
        size = 2 if self.mode == "bilinear" and shape[axis] > 1 and down else 1
        return size, Fraction(down, up), Fraction(*self._place(shape, axis, 0)) + ahead

    def _place(self, shape: Shape, axis: int, place: int) -> tuple[int, int]:
        """Where a value lies among the samples, as numerator and denominator."""
        up, down, half_pixel = self.rule(shape, axis)
        return ((2 * place + 1) * down - up, 2 * up) if half_pixel else (place * down, up)

    def taps(self, shape: Shape, axis: int, place: int) -> Taps:
        """The nearest sample, or the two beside the value; beyond the ends, the sample at the end."""
        last = shape[axis] - 1
        over, under = self._place(shape, axis, place)
        if self.mode == "nearest":
            nearest = {
                "floor": over // under,
                "ceil": -(-over // under),
                "round_prefer_floor": -((under - 2 * over) // (2 * under)),
                "round_prefer_ceil": (2 * over + under) // (2 * under),
            }[self.rounding]
            return ((min(max(nearest, 0), last), 1.0),)
        before, rest = divmod(over, under)
        if rest == 0 or before < 0 or before >= last:
            return ((min(max(before, 0), last), 1.0),)
        share = rest / under
        return (before, 1 - share), (before + 1, share)

    def arguments(self) -> list[str]:
        """The scale or the size, then what is not default."""
        what = f"size={show_pair(self.size)}" if self.size else _show_scale(self.scale or (1, 1))
        options = {
            "mode": (self.mode, self.mode != "nearest"),
            "coordinates": (self.coordinates, self.coordinates != _USUAL[self.mode]),
            "rounding": (self.rounding, self.rounding != "floor"),
        }
        return [what, *(f"{key}={text}" for key, (text, given) in options.items() if given)]


def _show_scale(scale: tuple[float, float]) -> str:
    height, width = map(show_number, scale)
    return height if height == width else f"{height}x{width}"
