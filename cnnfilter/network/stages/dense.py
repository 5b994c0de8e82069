"""From maps to a vector, and the layers of a vector."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.messages import show_shape
from cnnfilter.network.stages.base import Learned, Stage, params_arithmetic
from cnnfilter.network.stages.text import Shape
from cnnfilter.network.stages.weight_file import WeightFile
from cnnfilter.text.values import one_of

if TYPE_CHECKING:
    from cnnfilter.weights.bank import Weights

ORDERS = ("chw", "hwc")
"""In which order the maps that a dense stage was trained on were flattened: PyTorch's, Keras's."""


class Flatten(Stage):
    """All samples of the maps in one vector, in C, H, W order."""

    name = "flatten"
    takes, gives = "maps", "vector"

    def output(self, shape: Shape) -> Shape:
        """(H*W*C,); a vector stays as it is."""
        return (math.prod(shape),)

    def arithmetic(self, shape: Shape) -> str:
        """The product."""
        return f"{'*'.join(map(str, shape))} = {math.prod(shape)}"


@dataclass(frozen=True, eq=False, repr=False)
class Dense(Learned):
    """A matrix and a bias, of exactly one of `units` and `file`.

    Parameters
    ----------
    units : int, optional
        How many outputs; the weights are unknown without `learned`.
    file : WeightFile, optional
        Learned weights (out, in), or (in, out) as Keras stores them, with a bias (out,) if there is one beside them.
    order : {"chw", "hwc"}
        How the weights expect maps to have been flattened.
    biased : bool
        Of `units`: whether there is a learned bias for each.
    learned : Parameters, optional
        The numbers behind `units`: `weight` (out, in), and `bias` (out,) if there is one.

    Raises
    ------
    ArgumentError
        If these do not go together.
    """

    units: int | None = None
    file: WeightFile | None = None
    order: str = "chw"
    biased: bool = True

    name = "dense"
    takes, gives = "vector", "vector"

    def __post_init__(self) -> None:
        if (self.units is None) == (self.file is None):
            msg = "takes a number of units or a weight file"
            raise ArgumentError(msg)
        if self.units is not None and self.units < 1:
            msg = f"units must be at least 1, not {self.units}"
            raise ArgumentError(msg)
        one_of(self.order, "layout", ORDERS)
        if self.file is not None and self.learned is not None:
            msg = "random and weights are for a number of units"
            raise ArgumentError(msg)
        if self.file is not None and not self.biased:
            msg = "bias=no is for units; a weight file has a bias or has none"
            raise ArgumentError(msg)

    def output(self, shape: Shape) -> Shape:
        """(units,)."""
        if len(shape) != 1:
            msg = f"takes a vector, not maps of {show_shape(shape)}; put flatten before it"
            raise ShapeError(msg)
        if self.units is not None:
            return (self.units,)
        outputs, inputs = self.matrix(shape[0])[0].shape
        if inputs != shape[0]:
            msg = f"weights (out, in) of {outputs}x{inputs} do not fit a vector of {shape[0]}"
            raise ShapeError(msg)
        return (outputs,)

    def matrix(self, inputs: int) -> tuple[Weights, Weights | None]:
        """The weights (out, in) over so many inputs, and the bias (out,) if there is one.

        Raises
        ------
        ArgumentError
            If they are unknown.
        KernelError, MissingExtraError
            If its file cannot be used.
        """
        if self.file is not None:
            return self.file.matrix(inputs)
        if self.learned is None:
            raise ArgumentError(self.runnable)
        shapes = self.arrays((inputs,))
        weight = self.learned.required("weight", shapes["weight"])
        return weight, self.learned.array("bias", shapes["bias"], inputs) if self.biased else None

    @property
    def roles(self) -> tuple[str, ...]:
        """See `Learned.roles`."""
        return ("weight", "bias") if self.biased else ("weight",)

    def arrays(self, shape: Shape) -> dict[str, Shape]:
        """`weight` (out, in) and `bias` (out,), of `units`."""
        (outputs,) = self.output(shape)
        bias: dict[str, Shape] = {"bias": (outputs,)} if self.biased else {}
        return {"weight": (outputs, shape[0]), **bias}

    def params(self, shape: Shape) -> int:
        """The learned numbers, with the biases."""
        if self.units is not None:
            return self.units * (shape[0] + self.biased)
        weight, bias = self.matrix(shape[0])
        return int(weight.size) + (0 if bias is None else len(bias))

    def macs(self, shape: Shape) -> int:
        """One multiply-add for each weight and bias."""
        return self.params(shape)

    def arithmetic(self, shape: Shape) -> str:
        """The formula of the learned numbers, with its numbers."""
        outputs = self.output(shape)[0]
        return params_arithmetic((shape[0],), outputs, biased=self.params(shape) > shape[0] * outputs)

    def sees_all(self, shape: Shape) -> bool:
        """Each output is a sum over the whole vector."""
        return True

    @property
    def runnable(self) -> str | None:
        """Units alone cannot be run."""
        if self.units is None or self.learned is not None:
            return None
        return f"{self} has units but no weights; name a weight file to run it"

    def load(self) -> None:
        """Read its file, if it has one."""
        super().load()
        if self.file is not None:
            _ = self.file.dense

    def arguments(self) -> list[str]:
        """The units or the file, then what is not default."""
        what = [str(self.units)] if self.file is None else self.file.arguments("weights")
        order = [f"layout={self.order}"] if self.order != "chw" else []
        return [*what, *order, *([] if self.biased else ["bias=no"]), *self.learned_arguments()]
