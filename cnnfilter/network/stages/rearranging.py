"""Stages that make no numbers of their own: padding, channel shuffle, and dropout, which only learning has."""

from __future__ import annotations

from dataclasses import dataclass

from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.messages import quoted, show_shape
from cnnfilter.network.stages.base import Sliding, Stage, maps
from cnnfilter.network.stages.pointwise import SameSize
from cnnfilter.network.stages.text import Shape, show_padding
from cnnfilter.sizes import ONE, Border, Pads, Pair
from cnnfilter.text.numbers import show_number


@dataclass(frozen=True, eq=False, repr=False)
class Pad(Stage):
    """Maps with rows and columns around them.

    Parameters
    ----------
    padding : ((above, below), (left, right))
        How many; a negative number takes as many away.
    border : Border
        What they hold.

    Raises
    ------
    ArgumentError
        If these do not go together: what is taken away leaves nothing for other borders than a constant to repeat.
    """

    padding: Pads
    border: Border = Border()

    name = "pad"
    takes, gives = "maps", "maps"

    def __post_init__(self) -> None:
        if min(map(min, self.padding)) < 0 and self.border.mode != "constant":
            msg = f"padding below 0, which crops, goes with border=zeros or constant=V, not with {self.border}"
            raise ArgumentError(msg)

    def output(self, shape: Shape) -> Shape:
        """(H + above + below, W + left + right, C)."""
        height, width, channels = maps(shape, self)
        (above, below), (left, right) = self.padding
        sizes = height + above + below, width + left + right
        # not only the sum: the rows of a map that is cropped away cannot be padded again
        if min(*sizes, *(n + min(pads) for n, pads in zip((height, width), self.padding, strict=True))) < 1:
            msg = f"padding of {show_padding(self.padding)} crops all of {show_shape((height, width))}"
            raise ShapeError(msg)
        return *sizes, channels

    def arithmetic(self, shape: Shape) -> str:
        """The sums, a line for each axis or one for both."""
        lines = [_sum(n, pads) for n, pads in zip(shape[:2], self.padding, strict=True)]
        return lines[0] if lines[0] == lines[1] else f"height: {lines[0]}\nwidth: {lines[1]}"

    def sliding(self, shape: Shape) -> Sliding:
        """A window of one sample."""
        return Sliding(ONE, ONE, ONE, self.padding)

    def arguments(self) -> list[str]:
        """The amounts, and the border if it is not zeros."""
        border = [f"border={self.border}"] if self.border != Border() else []
        return [show_padding(self.padding), *border]


def _sum(n: int, pads: Pair) -> str:
    terms = "".join(f" - {-each}" if each < 0 else f" + {each}" for each in pads)
    return f"{n}{terms} = {n + sum(pads)}"


@dataclass(frozen=True, eq=False, repr=False)
class Shuffle(Stage):
    """The maps of some groups in turn: the first of each, then the second of each (Zhang et al., ShuffleNet, 2017).

    Parameters
    ----------
    groups : int

    Raises
    ------
    ArgumentError
        If it is below 1.
    """

    groups: int

    name = "shuffle"
    takes, gives = "maps", "maps"

    def __post_init__(self) -> None:
        if self.groups < 1:
            msg = f"groups must be at least 1, not {self.groups}"
            raise ArgumentError(msg)

    def output(self, shape: Shape) -> Shape:
        """The size as it is."""
        channels = maps(shape, self)[2]
        if channels % self.groups:
            msg = f"groups={self.groups} does not divide {channels} channels"
            raise ShapeError(msg)
        return shape

    def arithmetic(self, shape: Shape) -> str:
        """How many maps are in a group."""
        return f"{shape[2]} maps / {self.groups} = {shape[2] // self.groups}"

    def source(self, number: int, channels: int) -> int:
        """Which map of the input becomes a map of the result."""
        place, group = divmod(number, self.groups)
        return group * (channels // self.groups) + place

    def arguments(self) -> list[str]:
        """The groups."""
        return [f"groups={self.groups}"]


@dataclass(frozen=True, eq=False, repr=False)
class Dropout(SameSize):
    """Nothing, when a network is run. When it learns, a share of all values is set to 0, and the others grow by it.

    Parameters
    ----------
    rate : float
        The share, from 0 to 1.

    Raises
    ------
    ArgumentError
        If it is outside these limits.
    """

    rate: float = 0.5

    name = "dropout"

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            msg = f"rate must be from 0 to 1, not {quoted(self.rate)}"
            raise ArgumentError(msg)

    def arguments(self) -> list[str]:
        """The share."""
        return [show_number(self.rate)]
