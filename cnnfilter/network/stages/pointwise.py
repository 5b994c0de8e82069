"""Stages that look at one place at a time: colours, activations, and what combines the maps of a place."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.messages import quoted, show_shape
from cnnfilter.network.activations import ACTIVATIONS, Function, Value
from cnnfilter.network.stages.base import Stage, maps
from cnnfilter.network.stages.convolution import Conv
from cnnfilter.network.stages.text import Shape
from cnnfilter.text.numbers import show_number
from cnnfilter.text.values import one_of

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and deviation of red, green and blue, from 0 to 1, over ImageNet's pictures: what torchvision's networks were
trained with."""


class Gray(Stage):
    """Mix red, green and blue to one map; a single map stays as it is."""

    name = "gray"
    takes, gives = "maps", "maps"
    luma = (0.299, 0.587, 0.114)
    """What red, green and blue count (ITU-R BT.601)."""

    def output(self, shape: Shape) -> Shape:
        """(H, W, 1)."""
        height, width, channels = maps(shape, self)
        if channels not in (1, 3):
            msg = f"takes 3 channels (or 1, which stays as it is), not {channels}; put gray before conv"
            raise ShapeError(msg)
        return height, width, 1


class Rgb(Stage):
    """Take a single map three times, as red, green and blue; three maps stay as they are."""

    name = "rgb"
    takes, gives = "maps", "maps"

    def output(self, shape: Shape) -> Shape:
        """(H, W, 3)."""
        height, width, channels = maps(shape, self)
        if channels not in (1, 3):
            msg = f"takes 1 channel (or 3, which stay as they are), not {channels}; put rgb before conv"
            raise ShapeError(msg)
        return height, width, 3


class SameSize(Stage):
    """A stage of maps or of a vector, whose result is of the same size."""

    takes, gives = "either", "same"

    def output(self, shape: Shape) -> Shape:
        """The size as it is."""
        return shape


@dataclass(frozen=True, eq=False, repr=False)
class Normalize(SameSize):
    """``(x/divide - mean)/std``, where `mean` and `std` are one number or one for each channel.

    `divide` None is the full scale of the picture that enters the chain, wherever in it the stage stands: 255, 65535,
    or 1 of floats. See `at_scale`.
    """

    divide: float | None = None
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    name = "normalize"

    def __post_init__(self) -> None:
        divide = () if self.divide is None else (self.divide,)
        for key, values in (("divide", divide), ("mean", self.mean), ("std", self.std)):
            check_finite(key, *values)
            if 0 in values and key != "mean":
                msg = f"{key} must not be 0"
                raise ArgumentError(msg)

    @property
    def divisor(self) -> float:
        """The number by which it divides: 1, as of floats, where no picture has told its scale."""
        return 1.0 if self.divide is None else self.divide

    def at_scale(self, full_scale: float) -> Normalize:
        """The stage as it is for pictures of this full scale."""
        return replace(self, divide=full_scale) if self.divide is None else self

    def output(self, shape: Shape) -> Shape:
        """The size as it is."""
        for key, values in (("mean", self.mean), ("std", self.std)):
            if len(values) > 1 and (len(shape) != 3 or len(values) != shape[2]):
                advice = "put rgb before it, or " if len(values) == 3 and shape[2:] == (1,) else ""
                msg = (
                    f"{key} holds {len(values)} numbers, one for each channel, which does not fit {show_shape(shape)}; "
                    f"{advice}give one number, or one for each"
                )
                raise ShapeError(msg)
        return shape

    def arguments(self) -> list[str]:
        """`imagenet`, or what is not default."""
        if self == Normalize(None, *IMAGENET):
            return ["imagenet"]
        shown = {
            "divide": "" if self.divide is None else show_number(self.divide),
            "mean": "+".join(map(show_number, self.mean)),
            "std": "+".join(map(show_number, self.std)),
        }
        return [f"{key}={text}" for key, text in shown.items() if getattr(self, key) != getattr(Normalize, key)]


@dataclass(frozen=True, eq=False, repr=False)
class Activation(SameSize):
    """An activation function, value by value.

    Parameters
    ----------
    function : str
        One of `ACTIVATIONS`.
    values : tuple, optional
        Its parameters, in order; the defaults if left out.
    """

    function: str
    values: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        one_of(self.function, "activation", ACTIVATIONS)
        defaults = tuple(self.known.parameters.values())
        if len(self.values) > len(defaults):
            msg = f"{self.function} takes {len(defaults)} parameters, not {len(self.values)}"
            raise ArgumentError(msg)
        object.__setattr__(self, "values", self.values + defaults[len(self.values) :])
        for key, value in self.named.items():
            if key in self.known.words:
                one_of(value, key, self.known.words[key])
            elif value is not None or self.known.parameters[key] is not None:
                check_finite(key, value)

    @property
    def name(self) -> str:
        """The function's."""
        return self.function

    @property
    def known(self) -> Function:
        """What the table has of it."""
        return ACTIVATIONS[self.function]

    @property
    def named(self) -> dict[str, Value]:
        """Its parameters by name."""
        return dict(zip(self.known.parameters, self.values, strict=True))

    def arguments(self) -> list[str]:
        """What is not default."""
        defaults = self.known.parameters
        return [f"{key}={_shown(value)}" for key, value in self.named.items() if value != defaults[key]]


def _shown(value: Value) -> str:
    return show_number(value) if isinstance(value, int | float) else str(value)


class Absolute(SameSize):
    """The absolute value."""

    name = "abs"


@dataclass(frozen=True, eq=False, repr=False)
class Magnitude(Stage):
    """``sqrt(a^2 + b^2 + ...)`` over the maps that a convolution made of each channel.

    Parameters
    ----------
    of : Conv
        That convolution: the nearest one before this stage.
    """

    of: Conv

    name = "magnitude"
    takes, gives = "maps", "maps"

    @property
    def count(self) -> int:
        """How many neighbouring maps become one."""
        return self.of.maps_per_group

    def output(self, shape: Shape) -> Shape:
        """The size with the channels divided."""
        height, width, channels = maps(shape, self)
        if channels % self.count:
            msg = f"combines {self.count} maps at a time, which does not divide the {channels} of {show_shape(shape)}"
            raise ShapeError(msg)
        return height, width, channels // self.count

    def arithmetic(self, shape: Shape) -> str:
        """How many maps become one."""
        return f"{shape[2]} maps / {self.count} = {shape[2] // self.count}"


class Softmax(SameSize):
    """``e^x / sum e^x`` over the vector, or over the channels of each place."""

    name = "softmax"

    def sees_all(self, shape: Shape) -> bool:
        """Whether all are divided by one sum: those of a vector are."""
        return len(shape) == 1


def check_finite(key: str, *values: object) -> None:
    """Raise an `ArgumentError` unless all values are finite numbers."""
    for value in values:
        if not isinstance(value, int | float) or not math.isfinite(value):
            msg = f"{key} must be a finite number, not {quoted(value)}"
            raise ArgumentError(msg)
