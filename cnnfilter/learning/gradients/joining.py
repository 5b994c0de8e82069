"""Gradients of what reads several results."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.learning.gradients.base import Differentiable, Gradients, differentiable
from cnnfilter.network import stages
from cnnfilter.network.plan import Row


class Sum(Differentiable):
    """The sum of some results."""

    def forward(self, inputs: Sequence[Array], training: bool) -> tuple[Array, Any]:
        """See `Differentiable.forward`."""
        shapes = [each.shape for each in inputs]
        out = self.space.array("out", np.broadcast_shapes(*shapes))
        out[...] = inputs[0]
        for each in inputs[1:]:
            out += each
        return out, shapes

    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """See `Differentiable.backward`."""
        return [_met(delta, shape) for shape in kept], {}


class Product(Differentiable):
    """The product of some results."""

    def forward(self, inputs: Sequence[Array], training: bool) -> tuple[Array, Any]:
        """See `Differentiable.forward`."""
        return reduce(np.multiply, inputs), list(inputs)

    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """See `Differentiable.backward`."""
        others = [[*kept[:number], *kept[number + 1 :]] for number in range(len(kept))]
        products = [reduce(np.multiply, rest, delta) for rest in others]
        return [_met(each, value.shape) for each, value in zip(products, kept, strict=True)], {}


def _met(deltas: Array, shape: tuple[int, ...]) -> Array:
    """The sum of the deltas that one sample met, where a result has 1 along an axis."""
    axes = tuple(axis for axis, size in enumerate(shape) if size == 1 < deltas.shape[axis])
    total: Array = deltas.sum(axis=axes, keepdims=True) if axes else deltas
    return total


class Concatenation(Differentiable):
    """Some results one after the other."""

    def forward(self, inputs: Sequence[Array], training: bool) -> tuple[Array, Any]:
        """See `Differentiable.forward`."""
        return np.concatenate(inputs), [len(each) for each in inputs]

    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """See `Differentiable.backward`."""
        return np.split(delta, np.cumsum(kept)[:-1]), {}


@differentiable.register
def _add(stage: stages.Add, row: Row) -> Sum:
    return Sum()


@differentiable.register
def _multiply(stage: stages.Multiply, row: Row) -> Product:
    return Product()


@differentiable.register
def _concat(stage: stages.Concat, row: Row) -> Concatenation:
    return Concatenation()
