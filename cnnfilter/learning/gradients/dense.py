"""Gradients of dense layers, and of what makes a vector of maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.learning.gradients.base import (
    Differentiable,
    Fixed,
    Gradients,
    differentiable,
    innermost,
    outermost,
    own,
)
from cnnfilter.learning.gradients.memory import fresh
from cnnfilter.network import stages
from cnnfilter.network.plan import Row


class Flattening(Fixed):
    """Maps as vectors in C, H, W order."""

    def value(self, x: Array) -> tuple[Array, Any]:
        """See `Fixed.value`."""
        return x.reshape(-1, x.shape[-1]), x.shape

    def delta(self, kept: Any, delta: Array) -> Array:
        """See `Fixed.delta`."""
        return delta.reshape(kept)


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
        x = innermost(inputs[0])
        x = x if self.order is None else x[self.order]
        out = np.matmul(self.parameters["weight"], x, out=fresh((len(self.parameters["weight"]), x.shape[1])))
        if "bias" in self.parameters:
            out += self.parameters["bias"][:, None]
        return outermost(out), x

    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """See `Differentiable.backward`."""
        deltas = innermost(delta)
        gradients: Gradients = {}
        if self.learns:
            gradients["weight"] = np.matmul(deltas, kept.T, out=fresh(self.parameters["weight"].shape))
            if "bias" in self.parameters:
                gradients["bias"] = deltas.sum(axis=1)
        if not wanted:
            return [], gradients
        back = np.matmul(self.parameters["weight"].T, deltas, out=fresh(kept.shape))
        if self.order is not None:
            ordered = np.empty_like(back)
            ordered[self.order] = back
            back = ordered
        return [outermost(back)], gradients


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
