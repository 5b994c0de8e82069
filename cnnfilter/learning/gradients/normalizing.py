"""Gradients of what brings values to a common size, and of what drops some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.learning.gradients.base import (
    Differentiable,
    Fixed,
    Gradients,
    differentiable,
    each_map,
    over_maps,
    own,
)
from cnnfilter.learning.random import DROPS, generator
from cnnfilter.network import stages
from cnnfilter.network.plan import Row

MOMENTUM = 0.1
"""How much each batch counts for what is measured over many, as in PyTorch."""


class BatchNormalization(Differentiable):
    """A batch normalization: in training by what the batch itself measures, and by what many have in use."""

    def __init__(self, numbers: Mapping[str, Array], epsilon: float) -> None:
        super().__init__()
        self.parameters, self.epsilon = own(numbers), epsilon

    def forward(self, inputs: Sequence[Array], training: bool) -> tuple[Array, Any]:
        """See `Differentiable.forward`; training also updates what is measured."""
        x = inputs[0]
        count = x[0].size
        if training:
            if count < 2:
                msg = "batchnorm has one value of each map to normalise by; use larger batches"
                raise ArgumentError(msg)
            mean = over_maps(x) / np.float32(count)
            centered = x - each_map(mean, x)
            variance = over_maps(np.square(centered)) / np.float32(count)
            measured = {"running_mean": mean, "running_var": variance * np.float32(count / (count - 1))}
            for role, value in measured.items():
                self.parameters[role] += np.float32(MOMENTUM) * (value - self.parameters[role])
        else:
            mean, variance = self.parameters["running_mean"], self.parameters["running_var"]
            centered = x - each_map(mean, x)
        inverse = (1 / np.sqrt(variance.astype(np.float64) + self.epsilon)).astype(np.float32)
        normal = centered * each_map(inverse, x)
        out = np.multiply(normal, each_map(self.parameters["weight"], x), out=self.space.array("out", x.shape))
        out += each_map(self.parameters["bias"], x)
        return out, (normal, inverse, training)

    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """See `Differentiable.backward`."""
        normal, inverse, training = kept
        gradients = {"weight": over_maps(delta * normal), "bias": over_maps(delta)}
        if not wanted:
            return [], gradients
        back = delta
        if training:
            weight, bias = (each_map(gradients[role] / np.float32(normal[0].size), normal) for role in gradients)
            back = delta - bias - normal * weight
        factor = each_map(inverse * self.parameters["weight"], normal)
        return [np.multiply(back, factor, out=self.space.passing("back", delta.shape))], gradients


@differentiable.register
def _batch_norm(stage: stages.BatchNorm, row: Row) -> BatchNormalization:
    stage.numbers(row.input[-1])  # which refuses what cannot be divided by
    return BatchNormalization(stage.by_role(row.input[-1]), stage.epsilon)


class LocalResponse(Fixed):
    """`x / (bias + alpha/size * sum of squares)^beta` over neighbouring maps."""

    def __init__(self, stage: stages.LocalResponse) -> None:
        super().__init__()
        self.before, self.after = (stage.size - 1) // 2, stage.size // 2
        self.share, self.beta, self.bias = np.float32(stage.alpha / stage.size), stage.beta, np.float32(stage.bias)

    def value(self, x: Array) -> tuple[Array, Any]:
        """See `Fixed.value`."""
        sums = self.bias + self.share * _around(np.square(x), self.before, self.after)
        factor = np.power(sums, np.float32(-self.beta))
        return x * factor, (x, sums, factor)

    def delta(self, kept: Any, delta: Array) -> Array:
        """See `Fixed.delta`."""
        x, sums, factor = kept
        of_each = _around(delta * x * factor / sums, self.after, self.before)
        result: Array = delta * factor - np.float32(2 * self.beta) * self.share * x * of_each
        return result


def _around(values: Array, before: int, after: int) -> Array:
    """The sum over the maps from so many before each to so many after it."""
    total = values.copy()
    for apart in range(1, len(values)):
        if apart <= before:
            total[apart:] += values[:-apart]
        if apart <= after:
            total[:-apart] += values[apart:]
    return total


@differentiable.register
def _local_response(stage: stages.LocalResponse, row: Row) -> LocalResponse:
    return LocalResponse(stage)


class Dropping(Differentiable):
    """In training a share of all values is set to 0, and the others grow by it; nothing in use."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, inputs: Sequence[Array], training: bool) -> tuple[Array, Any]:
        """See `Differentiable.forward`. What is dropped follows from `seed`."""
        x = inputs[0]
        if not training or not self.rate:
            return x, None
        seed, *place = self.seed
        drawn, factor, out = (self.space.array(name, x.shape) for name in ("drawn", "factor", "out"))
        generator(seed, DROPS, *place).random(None, np.float32, drawn)
        np.multiply(drawn >= self.rate, np.float32(1 / (1 - self.rate) if self.rate < 1 else 0), out=factor)
        return np.multiply(x, factor, out=out), factor

    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """See `Differentiable.backward`."""
        back = delta if kept is None else np.multiply(delta, kept, out=self.space.passing("back", delta.shape))
        return [back], {}


@differentiable.register
def _dropout(stage: stages.Dropout, row: Row) -> Dropping:
    return Dropping(stage.rate)
