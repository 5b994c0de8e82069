"""Gradients of convolutions and transposed ones: both are convolutions again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnfilter.engine.groups import Array
from cnnfilter.engine.scaling import prepared
from cnnfilter.kernels.kernel import Kernel
from cnnfilter.learning.gradients.base import (
    Differentiable,
    Gradients,
    differentiable,
    each_map,
    over_maps,
    own,
)
from cnnfilter.learning.gradients.windows import Slide
from cnnfilter.network import stages
from cnnfilter.network.plan import Row
from cnnfilter.network.stages.base import Sliding
from cnnfilter.sizes import Border, Pair


class Convolution(Differentiable):
    """A convolution with a bank (O, C / groups, kh, kw), whose numbers are learned."""

    def __init__(self, slide: Slide, weight: Array, bias: Array | None, groups: int, shift: float = 0.0) -> None:
        super().__init__()
        self.slide, self.groups, self.shift = slide, groups, shift
        self.parameters = own({"weight": weight, "bias": bias})

    def forward(self, inputs: Sequence[Array], training: bool) -> tuple[Array, Any]:
        """See `Differentiable.forward`."""
        x = inputs[0]
        filled = self.slide.filled(x, self.space)
        bias = self.parameters.get("bias")
        if self.shift:
            bias = np.float32(self.shift) + (
                np.zeros(len(self.parameters["weight"]), np.float32) if bias is None else bias
            )
        out = self.slide.correlated(filled, self.parameters["weight"], bias, self.groups, self.space)
        return pictures(out, x.shape[-1]), (filled, x.shape)

    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """See `Differentiable.backward`."""
        filled, shape = kept
        deltas = self.slide.widened(delta, self.space)
        weight = self.parameters["weight"]
        gradients: Gradients = {}
        if self.learns:
            gradients["weight"] = self.slide.weighed(filled, deltas, self.groups, self.space)
            if "bias" in self.parameters:
                gradients["bias"] = over_maps(deltas)
        if not wanted:
            return [], gradients
        return [self.slide.spread(deltas, weight, shape, self.groups, self.space)], gradients


class Kernels(Differentiable):
    """Constant kernels, each of which filters every channel on its own; one that combines gives one map of its n."""

    def __init__(self, slide: Slide, kernels: Sequence[tuple[Array, str | None]], channels: int, shift: float) -> None:
        super().__init__()
        self.slide, self.channels, self.shift = slide, channels, shift
        planes = np.concatenate([filters for filters, _ in kernels])
        self.bank = np.tile(planes[:, None], (channels, 1, 1, 1))
        counts = [len(filters) for filters, _ in kernels]
        ends = np.cumsum(counts).tolist()
        self.parts = [(slice(end - n, end), rule) for n, end, (_, rule) in zip(counts, ends, kernels, strict=True)]

    def forward(self, inputs: Sequence[Array], training: bool) -> tuple[Array, Any]:
        """See `Differentiable.forward`."""
        x = inputs[0]
        filled = self.slide.filled(x, self.space)
        answers = pictures(self.slide.correlated(filled, self.bank, None, self.channels, self.space), x.shape[-1])
        of_each = answers.reshape(self.channels, -1, *answers.shape[1:])
        results = [_combined(of_each[:, part], rule) for part, rule in self.parts]
        out = np.concatenate(results, axis=1) + np.float32(self.shift)
        return out.reshape(-1, *out.shape[2:]), (of_each, results, x.shape)

    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """See `Differentiable.backward`."""
        of_each, results, shape = kept
        deltas = delta.reshape(self.channels, -1, *of_each.shape[2:])
        flat = self.space.passing("back", (len(self.bank), *of_each.shape[2:]))
        back, first = flat.reshape(of_each.shape), 0
        for (part, rule), result in zip(self.parts, results, strict=True):
            last = first + result.shape[1]
            back[:, part] = deltas[:, first:last] * _shares(of_each[:, part], result, rule)
            first = last
        wide = self.slide.widened(flat, self.space)
        return [self.slide.spread(wide, self.bank, shape, self.channels, self.space)], {}


def pictures(values: Array, count: int) -> Array:
    """The first so many pictures of values (..., N)."""
    return values if count == values.shape[-1] else np.ascontiguousarray(values[..., :count])


def _combined(answers: Array, rule: str | None) -> Array:
    """What is made of the answers (C, n, H', W', N) of a kernel's filters."""
    if rule is None:
        return answers
    if rule == "magnitude":
        root: Array = np.sqrt(np.square(answers, dtype=np.float64).sum(axis=1, keepdims=True)).astype(np.float32)
        return root
    largest: Array = answers.max(axis=1, keepdims=True)
    return largest


def _shares(answers: Array, result: Array, rule: str | None) -> Array | float:
    """How much each answer counts for what was made of them: nothing of a magnitude of 0, the first of the largest."""
    if rule is None:
        return 1.0
    if rule == "magnitude":
        return np.divide(answers, result, out=np.zeros_like(answers), where=result != 0)
    first = np.argmax(answers, axis=1)[:, None]
    return np.asarray(np.arange(answers.shape[1]).reshape(1, -1, 1, 1, 1) == first, np.float32)


class Transposed(Differentiable):
    """A transposed convolution with (I, O / groups, kh, kw): the gradient of a convolution from O maps to I."""

    def __init__(
        self, slide: Slide, weight: Array, bias: Array | None, groups: int, shape: tuple[int, ...], *, learns: bool
    ) -> None:
        super().__init__()
        self.slide, self.groups, self.shape = slide, groups, shape
        numbers = own({"weight": weight, "bias": bias})
        self.weight, self.bias = numbers["weight"], numbers.get("bias")
        self.parameters = numbers if learns else {}

    def forward(self, inputs: Sequence[Array], training: bool) -> tuple[Array, Any]:
        """See `Differentiable.forward`."""
        x = inputs[0]
        height, width, channels = self.shape
        wide = self.slide.widened(x, self.space)
        out = self.slide.spread(wide, self.weight, (channels, height, width, x.shape[-1]), self.groups, self.space)
        if self.bias is not None:
            out += each_map(self.bias, out)
        return out, (wide, x.shape[-1])

    def backward(self, kept: Any, delta: Array, wanted: bool = True) -> tuple[list[Array], Gradients]:
        """See `Differentiable.backward`."""
        wide, count = kept
        filled = self.slide.filled(delta, self.space)
        gradients: Gradients = {}
        if self.learns and self.parameters:
            gradients["weight"] = self.slide.weighed(filled, wide, self.groups, self.space)
            if "bias" in self.parameters:
                gradients["bias"] = over_maps(delta)
        if not wanted:
            return [], gradients
        return [pictures(self.slide.correlated(filled, self.weight, None, self.groups, self.space), count)], gradients


@differentiable.register
def _conv(stage: stages.Conv, row: Row) -> Differentiable:
    channels, source = row.input[2], stage.source(row.input[2])
    slide = Slide(_places(row.input), _places(row.output), stage.sliding(row.input), stage.border)
    if isinstance(source, tuple):
        planes = [_planes(stage, kernel) for kernel in source]
        rules = [kernel.combine for kernel in source]
        return Kernels(slide, list(zip(planes, rules, strict=True)), channels, stage.bias)
    groups = channels if stage.depthwise else stage.groups
    bank = prepared(source.weight, flip=stage.flip, scale=stage.scale)
    return Convolution(slide, bank, source.bias, groups, stage.bias)


def _places(shape: stages.Shape) -> Pair:
    return shape[0], shape[1]


def _planes(stage: stages.Conv, kernel: Kernel) -> Array:
    """The filters of a kernel as they multiply, (n, kh, kw)."""
    weights = kernel.weights.reshape(-1, 1, *kernel.size)
    planes: Array = np.asarray(prepared(weights, flip=stage.flip, scale=stage.scale)[:, 0], np.float32)
    return planes


@differentiable.register
def _transposed(stage: stages.ConvTranspose, row: Row) -> Differentiable:
    weight, bias, groups = stage.weight(row.input[2])
    window, stride, dilation, pads, _ = stage.placing(row.input)
    slide = Slide(_places(row.output), _places(row.input), Sliding(window, stride, dilation, pads), Border())
    learns = not isinstance(stage.source(row.input[2]), tuple)
    return Transposed(slide, weight, bias, groups, row.output, learns=learns)
