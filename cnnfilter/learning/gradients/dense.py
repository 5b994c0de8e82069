"""Gradients of dense layers, and of what makes a vector of maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnfilter.engine.bands import SMALLEST_WORK, in_bands
from cnnfilter.engine.groups import Array
from cnnfilter.learning.gradients.base import (
    Differentiable,
    Fixed,
    Gradients,
    differentiable,
    own,
)
from cnnfilter.network import stages
from cnnfilter.network.plan import Row

PARTS = 2
"""Parts of large products of matrices, which NumPy multiplies on one thread each."""


class Flattening(Fixed):
    """Maps as vectors in C, H, W order."""

    def value(self, x: Array) -> tuple[Array, Any]:
        """See `Fixed.value`."""
        return self.space.once("vector", [x], lambda: x.reshape(-1, x.shape[-1])), x.shape

    def delta(self, kept: Any, delta: Array) -> Array:
        """See `Fixed.delta`."""
        back: Array = self.space.once("maps", [delta], lambda: delta.reshape(kept))
        return back


class Matrix(Differentiable):
    """A dense layer.

    Parameters
    ----------
    weight, bias : ndarray
    order : ndarray of int64, optional
        Which value of the vector each column of the weight meets, if not that of its number.
    """

    def __init__(self, weight: Array, bias: Array | None, order: Array | None = None) -> None:
        super().__init__()
        self.parameters = own({"weight": weight, "bias": bias})
        self.order = order

    def forward(self, inputs: Sequence[Array], training: bool) -> tuple[Array, Any]:
        """See `Differentiable.forward`."""
        x = inputs[0] if self.order is None else inputs[0][self.order]
        weight, bias = self.parameters["weight"], self.parameters.get("bias")
        out = self.space.array("out", (len(weight), x.shape[1]))
        self._multiply(weight, x, out)
        if bias is not None:
            out += bias[:, None]
        return out, x

    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """See `Differentiable.backward`."""
        weight = self.parameters["weight"]
        gradients: Gradients = {}
        if self.learns:
            gradients["weight"] = self.space.array("weight", weight.shape)
            self._multiply(delta, kept.T, gradients["weight"])
            if "bias" in self.parameters:
                gradients["bias"] = delta.sum(axis=1)
        if not wanted:
            return [], gradients
        back = self.space.passing("back", kept.shape)
        self._multiply(weight.T, delta, back)
        if self.order is not None:
            ordered = self.space.passing("ordered", kept.shape)
            ordered[self.order] = back
            back = ordered
        return [back], gradients

    def _multiply(self, left: Array, right: Array, out: Array) -> None:
        """Set `out` to a product of matrices, in parts of rows that hang on its size alone."""
        rows = len(left) if left.size * right.shape[1] < SMALLEST_WORK else -(-len(left) // PARTS)

        @np.errstate(all="ignore")  # which each thread has for itself
        def work(first: int, last: int) -> None:
            np.matmul(left[first:last], right, out=out[first:last])

        in_bands(len(left), rows, self.space.threads, work)


@differentiable.register
def _flatten(stage: stages.Flatten, row: Row) -> Flattening:
    return Flattening()


@differentiable.register
def _dense(stage: stages.Dense, row: Row) -> Matrix:
    weight, bias = stage.matrix(row.input[0])
    return Matrix(weight, bias, column_order(stage, row))


def column_order(stage: stages.Dense, row: Row) -> Array | None:
    """Which value of the vector each column of the weight meets; None where that is the one of its number."""
    if stage.order != "hwc" or row.flattened is None:
        return None
    height, width, channels = row.flattened
    order: Array = np.arange(row.input[0]).reshape(channels, height, width).transpose(1, 2, 0).reshape(-1)
    return order
