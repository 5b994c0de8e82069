"""Gradients of what looks at one place at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cnnfilter.engine import loops
from cnnfilter.engine.activations import arguments
from cnnfilter.engine.bands import in_bands
from cnnfilter.engine.groups import Array
from cnnfilter.learning.gradients.base import (
    Differentiable,
    Fixed,
    Gradients,
    differentiable,
    each_map,
    own,
)
from cnnfilter.learning.gradients.workspace import BAND, Piece, cut
from cnnfilter.network import stages
from cnnfilter.network.activations import Function, Value
from cnnfilter.network.activations.table import Quadratic
from cnnfilter.network.plan import Row

ENOUGH = 1 << 20
"""Values from which a second thread is woken for what NumPy computes: fewer take it less time than to wake."""


class Pointwise(Fixed):
    """An activation: each delta times the slope there."""

    def __init__(self, known: Function, named: Mapping[str, Value]) -> None:
        super().__init__()
        self.known, self.named, self.given = known, named, arguments(known, named)

    def value(self, x: Array) -> tuple[Array, Any]:
        """See `Fixed.value`."""
        y = self.space.array("y", x.shape)
        flat, out = x.reshape(-1), y.reshape(-1)

        @np.errstate(all="ignore")  # which each thread has for itself
        def work(first: int, last: int) -> None:
            out[first:last] = self.known.compute(flat[first:last], **self.given)

        self._in_bands(x.size, work)
        return y, (x, y)

    def delta(self, kept: Any, delta: Array) -> Array:
        """See `Fixed.delta`."""
        x, y = kept
        result, slopes = self.space.passing("delta", delta.shape), self.known.derivative
        if isinstance(slopes, Quadratic):
            given = [result, delta, y]
            self.space.call("pass", given, loops.pass_curved, lambda: _parts(*given, numbers=tuple(map(float, slopes))))
            return result
        flat, out, x, y = (each.reshape(-1) for each in (delta, result, x, y))

        @np.errstate(all="ignore")  # which each thread has for itself
        def work(first: int, last: int) -> None:
            slope = slopes(x[first:last], y[first:last], **self.named)
            np.multiply(flat[first:last], slope, out=out[first:last], casting="same_kind")

        self._in_bands(flat.size, work)
        return result

    def _in_bands(self, size: int, work: Callable[[int, int], None]) -> None:
        in_bands(size, BAND, 1 if size < ENOUGH else self.space.threads, work)


class Rectified(Fixed):
    """A ReLU, which networks have more of than of all others together."""

    def value(self, x: Array) -> tuple[Array, Any]:
        """See `Fixed.value`."""
        y = self.space.array("y", x.shape)
        self.space.call("rectify", [x, y], loops.rectify, lambda: _parts(y, x))
        return y, y

    def delta(self, kept: Any, delta: Array) -> Array:
        """See `Fixed.delta`."""
        result = self.space.passing("delta", delta.shape)
        self.space.call("pass", [delta, kept, result], loops.pass_rectified, lambda: _parts(result, delta, kept))
        return result


def _parts(*arrays: Array, numbers: tuple[float, ...] = ()) -> list[Piece]:
    flat = [each.reshape(-1) for each in arrays]
    return [[(*(each[first:last] for each in flat), *numbers)] for first, last in cut(flat[0].size, BAND)]


class Linear(Fixed):
    """A function and its transpose, which takes deltas and the input's shape."""

    def __init__(self, function: Callable[[Array], Array], back: Callable[[Array, tuple[int, ...]], Array]) -> None:
        super().__init__()
        self.function, self.back = function, back

    def value(self, x: Array) -> tuple[Array, Any]:
        """See `Fixed.value`."""
        return self.function(x), x.shape

    def delta(self, kept: Any, delta: Array) -> Array:
        """See `Fixed.delta`."""
        return self.back(delta, kept)


class Softmax(Fixed):
    """`e^x / sum e^x` over the channels, or over a vector."""

    def value(self, x: Array) -> tuple[Array, Any]:
        """See `Fixed.value`."""
        powers = np.exp(x - x.max(axis=0))
        powers /= powers.sum(axis=0)
        return powers, powers

    def delta(self, kept: Any, delta: Array) -> Array:
        """See `Fixed.delta`."""
        result: Array = kept * (delta - (delta * kept).sum(axis=0))
        return result


class Sizes(Fixed):
    """The absolute value, whose slope at 0 is 0."""

    def value(self, x: Array) -> tuple[Array, Any]:
        """See `Fixed.value`."""
        return np.abs(x), np.sign(x)

    def delta(self, kept: Any, delta: Array) -> Array:
        """See `Fixed.delta`."""
        result: Array = delta * kept
        return result


class Root(Fixed):
    """The root of the sum of squares of each few neighbouring maps; where it is 0, so are the slopes."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def value(self, x: Array) -> tuple[Array, Any]:
        """See `Fixed.value`."""
        few = x.reshape(-1, self.count, *x.shape[1:])
        root = np.sqrt(np.square(few, dtype=np.float64).sum(axis=1)).astype(np.float32)
        return root, (few, root)

    def delta(self, kept: Any, delta: Array) -> Array:
        """See `Fixed.delta`."""
        few, root = kept
        shares = np.divide(few, root[:, None], out=np.zeros_like(few), where=root[:, None] != 0)
        result: Array = (delta[:, None] * shares).reshape(-1, *delta.shape[1:])
        return result


class Slopes(Differentiable):
    """A PReLU: the slope below 0, and at it, is learned."""

    def __init__(self, slopes: Array) -> None:
        super().__init__()
        self.parameters = own({"weight": slopes})

    def forward(self, inputs: Sequence[Array], training: bool) -> tuple[Array, Any]:
        """See `Differentiable.forward`."""
        x = inputs[0]
        return np.where(x > 0, x, each_map(self.parameters["weight"], x) * x), x

    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """See `Differentiable.backward`."""
        slopes = self.parameters["weight"]
        below = np.where(kept > 0, np.float32(0), kept * delta)
        gradients = {"weight": below.reshape(len(slopes), -1).sum(axis=1)}
        back = np.where(kept > 0, delta, each_map(slopes, kept) * delta)
        return [back] if wanted else [], gradients


@differentiable.register
def _activation(stage: stages.Activation, row: Row) -> Fixed:
    return Rectified() if stage.function == "relu" else Pointwise(stage.known, stage.named)


@differentiable.register
def _softmax(stage: stages.Softmax, row: Row) -> Softmax:
    return Softmax()


@differentiable.register
def _absolute(stage: stages.Absolute, row: Row) -> Sizes:
    return Sizes()


@differentiable.register
def _magnitude(stage: stages.Magnitude, row: Row) -> Root:
    return Root(stage.count)


@differentiable.register
def _prelu(stage: stages.PReLU, row: Row) -> Slopes:
    return Slopes(stage.slopes(row.input[-1]))


@differentiable.register
def _normalize(stage: stages.Normalize, row: Row) -> Linear:
    mean, std = (np.array(each, np.float64) for each in (stage.mean, stage.std))
    scale, shift = (1 / (stage.divisor * std)).astype(np.float32), (mean / std).astype(np.float32)
    return Linear(
        lambda x: x * each_map(scale, x) - each_map(shift, x), lambda delta, shape: delta * each_map(scale, delta)
    )


@differentiable.register
def _gray(stage: stages.Gray, row: Row) -> Linear:
    luma = np.array(stages.Gray.luma if row.input[2] == 3 else (1.0,), np.float32)
    return Linear(
        lambda x: (x * each_map(luma, x)).sum(axis=0, keepdims=True), lambda delta, shape: delta * each_map(luma, delta)
    )


@differentiable.register
def _rgb(stage: stages.Rgb, row: Row) -> Linear:
    return Linear(
        lambda x: np.broadcast_to(x, (3, *x.shape[1:])),
        lambda delta, shape: delta.sum(axis=0, keepdims=True) if shape[0] == 1 else delta,
    )
