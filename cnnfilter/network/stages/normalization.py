"""Stages that bring values to a common size by what is around them."""

from __future__ import annotations

from dataclasses import dataclass

from cnnfilter.network.stages.base import Stage, maps
from cnnfilter.network.stages.pointwise import check_finite
from cnnfilter.network.stages.text import Shape
from cnnfilter.text.numbers import show_number
from cnnfilter.text.values import whole_number


@dataclass(frozen=True, eq=False, repr=False)
class LocalResponse(Stage):
    """``x / (bias + alpha/size * sum of squares)^beta`` over the `size` maps around each (Krizhevsky et al., 2012).

    Parameters
    ----------
    size : int
        How many maps; of an even number one more follows than precedes, as in ONNX.
    alpha, beta, bias : float

    Raises
    ------
    ArgumentError
        If a number is not finite, or `size` below 1.
    """

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    bias: float = 1.0

    name = "lrn"
    takes, gives = "maps", "maps"

    def __post_init__(self) -> None:
        whole_number(self.size, "size", 1)
        for key in ("alpha", "beta", "bias"):
            check_finite(key, getattr(self, key))

    def output(self, shape: Shape) -> Shape:
        """The size as it is."""
        maps(shape, self)
        return shape

    def around(self, number: int, channels: int) -> range:
        """The maps whose squares are summed for one of so many."""
        return range(max(0, number - (self.size - 1) // 2), min(channels, number + self.size // 2 + 1))

    def arguments(self) -> list[str]:
        """What is not default."""
        keys = ("size", "alpha", "beta", "bias")
        return [
            f"{key}={show_number(value)}"
            for key in keys
            if (value := getattr(self, key)) != getattr(LocalResponse, key)
        ]
