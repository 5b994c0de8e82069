"""Pooling: what stands for a window, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass

from cnnfilter.errors import ArgumentError
from cnnfilter.network.stages.base import Sliding, Stage, maps, size_arithmetic
from cnnfilter.network.stages.text import Shape, show_padding, show_pair
from cnnfilter.sizes import NONE, ONE, Pads, Pair, output_sizes, resolve_pads
from cnnfilter.text.values import one_of

KINDS = ("max", "avg", "sum")


@dataclass(frozen=True, eq=False, repr=False)
class Pool(Stage):
    """The largest, the mean or the sum of each window.

    Parameters
    ----------
    kind : {"max", "avg", "sum"}
    window : (int, int)
    stride : (int, int), optional
        The window if left out.
    padding : ((above, below), (left, right)) or str
    dilation : (int, int)
        Of `max` only.
    ceil_mode : bool
        Round the size up; a last window that would start in the end padding is dropped.
    count_include_pad : bool
        Of `avg` only: whether the divisor counts the padding.

    Raises
    ------
    ArgumentError
        If these do not go together.
    """

    kind: str
    window: Pair
    stride: Pair | None = None
    padding: Pads | str = NONE
    dilation: Pair = ONE
    ceil_mode: bool = False
    count_include_pad: bool = True

    takes, gives = "maps", "maps"

    def __post_init__(self) -> None:
        one_of(self.kind, "pool", KINDS)
        if self.dilation != ONE and self.kind != "max":
            msg = f"{self.name} has no dilation; only maxpool has"
            raise ArgumentError(msg)
        if not self.count_include_pad and self.kind != "avg":
            msg = f"count_include_pad is for avgpool, not for {self.name}"
            raise ArgumentError(msg)

    @property
    def name(self) -> str:
        """`maxpool`, `avgpool` or `sumpool`."""
        return f"{self.kind}pool"

    @property
    def strides(self) -> Pair:
        """The stride, which is the window unless one is given."""
        return self.window if self.stride is None else self.stride

    def output(self, shape: Shape) -> Shape:
        """(H', W', C): the channels stay."""
        height, width, channels = maps(shape, self)
        sliding = self.sliding(shape)
        sizes = output_sizes((height, width), *sliding[:2], sliding.pads, sliding.dilation, ceil_mode=self.ceil_mode)
        return *sizes, channels

    def arithmetic(self, shape: Shape) -> str:
        """The size formula with its numbers."""
        return size_arithmetic((shape[0], shape[1]), self.sliding(shape), ceil_mode=self.ceil_mode)

    def sliding(self, shape: Shape) -> Sliding:
        """How the window moves."""
        pads = resolve_pads(self.padding, (shape[0], shape[1]), self.window, self.strides, self.dilation)
        return Sliding(self.window, self.strides, self.dilation, pads)

    def arguments(self) -> list[str]:
        """The window, then what is not default."""
        options = {
            "stride": (show_pair(self.strides), self.strides != self.window),
            "padding": (show_padding(self.padding), self.padding != NONE),
            "dilation": (show_pair(self.dilation), self.dilation != ONE),
            "ceil_mode": ("yes", self.ceil_mode),
            "count_include_pad": ("no", not self.count_include_pad),
        }
        return [show_pair(self.window), *(f"{key}={text}" for key, (text, given) in options.items() if given)]


class GlobalPool(Stage):
    """One value for each whole map, 1x1xC; `flatten` then makes it a vector."""

    takes, gives = "maps", "maps"

    def output(self, shape: Shape) -> Shape:
        """(1, 1, C)."""
        return 1, 1, maps(shape, self)[2]

    def sees_all(self, shape: Shape) -> bool:
        """Each map is one window."""
        return True


class GlobalAveragePool(GlobalPool):
    """The mean of each whole map."""

    name = "globalavgpool"

    def arithmetic(self, shape: Shape) -> str:
        """How many samples the mean is of."""
        return f"mean of {shape[0]}*{shape[1]} = {shape[0] * shape[1]}"


class GlobalMaxPool(GlobalPool):
    """The largest value of each whole map; a NaN is the largest."""

    name = "globalmaxpool"
    takes_whole = True

    def arithmetic(self, shape: Shape) -> str:
        """How many samples the value is the largest of."""
        return f"largest of {shape[0]}*{shape[1]} = {shape[0] * shape[1]}"
