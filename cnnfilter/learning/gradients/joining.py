"""Gradients of what reads several results."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.learning.gradients.base import Differentiable, Gradients, differentiable, innermost, outermost
from cnnfilter.network import stages
from cnnfilter.network.plan import Row


class Sum(Differentiable):
    """The sum of some results."""

    def forward(self, inputs: Sequence[Array], training: bool) -> tuple[Array, Any]:
        """See `Differentiable.forward`."""
        values = [innermost(each) for each in inputs]
        return outermost(reduce(np.add, values)), [each.shape for each in values]

    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """See `Differentiable.backward`."""
        deltas = innermost(delta)
        return [outermost(_met(deltas, shape)) for shape in kept], {}


class Product(Differentiable):
    """The product of some results."""

    def forward(self, inputs: Sequence[Array], training: bool) -> tuple[Array, Any]:
        """See `Differentiable.forward`."""
        values = [innermost(each) for each in inputs]
        return outermost(reduce(np.multiply, values)), values

    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """See `Differentiable.backward`."""
        deltas = innermost(delta)
        others = [[*kept[:number], *kept[number + 1 :]] for number in range(len(kept))]
        products = [reduce(np.multiply, rest, deltas) for rest in others]
        return [outermost(_met(each, value.shape)) for each, value in zip(products, kept, strict=True)], {}


def _met(deltas: Array, shape: tuple[int, ...]) -> Array:
    """The sum of the deltas that one sample met, where a result has 1 along an axis."""
    axes = tuple(axis for axis, size in enumerate(shape) if size == 1 < deltas.shape[axis])
    total: Array = deltas.sum(axis=axes, keepdims=True) if axes else deltas
    return total


class Concatenation(Differentiable):
    """Some results one after the other."""

    def forward(self, inputs: Sequence[Array], training: bool) -> tuple[Array, Any]:
        """See `Differentiable.forward`."""
        values = [innermost(each) for each in inputs]
        return outermost(np.concatenate(values)), [len(each) for each in values]

    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """See `Differentiable.backward`."""
        parts = np.split(innermost(delta), np.cumsum(kept)[:-1])
        return [outermost(part) for part in parts], {}


@differentiable.register
def _add(stage: stages.Add, row: Row) -> Sum:
    return Sum()


@differentiable.register
def _multiply(stage: stages.Multiply, row: Row) -> Product:
    return Product()


@differentiable.register
def _concat(stage: stages.Concat, row: Row) -> Concatenation:
    return Concatenation()
