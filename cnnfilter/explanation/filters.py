"""What a convolution multiplies with to make one of its maps: weights as they are written, and their scale."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from cnnfilter.engine.reference import Array, combine
from cnnfilter.kernels.kernel import Kernel
from cnnfilter.kernels.scaling import divisor
from cnnfilter.network.stages import Conv, Shape


@dataclass(frozen=True, eq=False)
class MapFilter:
    """The filters behind one map.

    Attributes
    ----------
    name : str
        That of the kernel, or of the weight file and the map's number.
    channels : tuple of int
        Those of the input that it looks at.
    weights : ndarray, (n, channels, kh, kw)
        Before the scale: whole numbers where the kernel is written in whole numbers. n is 1 unless they combine.
    scales : tuple of Fraction or float
        What the sum of each of the n is multiplied by.
    combine : str, optional
        What the n sums become: `"magnitude"` or `"maximum"`.
    bias : float
    """

    name: str
    channels: tuple[int, ...]
    weights: Array
    scales: tuple[Fraction | float, ...]
    combine: str | None
    bias: float

    def finish(self, sums: Array) -> Array:
        """The map's values from the sums of products, (n, ...)."""
        combined: Array = combine(self.scaled(sums), len(sums), self.combine or "maximum")[0]
        return combined + self.bias

    def scaled(self, sums: Array) -> Array:
        """Sums times their scales; a ninth of 9 is exactly 1."""
        return np.array([_times(one, scale) for one, scale in zip(sums, self.scales, strict=True)])


class Filters:
    """The filters of a convolution over an input (H, W, C), map by map."""

    def __init__(self, stage: Conv, shape: Shape) -> None:
        self.stage = stage
        self.channels = shape[2]
        source = stage.source(shape[2])
        self.bank = None if isinstance(source, tuple) else source
        self.named: list[tuple[str, Array, Kernel]] = []  # for each map of a channel
        for kernel in source if isinstance(source, tuple) else ():
            weights = np.array(kernel.filters, dtype=np.float64)[:, None]
            parts = [weights] if kernel.combine else [one[None] for one in weights]
            self.named += [(kernel.name, part, kernel) for part in parts]

    def of(self, number: int) -> MapFilter:
        """The filter of a map, counted from 0."""
        bias = float(self.stage.bias)
        if self.bank is None:
            channel, place = divmod(number, len(self.named))
            name, weights, kernel = self.named[place]
            scales = _scales(weights, self.stage.scale, kernel.scale)
            return MapFilter(name, (channel,), self._turned(weights), scales, kernel.combine, bias)
        weights = self.bank.weight[number].astype(np.float64)[None]
        scales = _scales(weights, self.stage.scale, 1)
        if self.bank.bias is not None:
            bias += float(self.bank.bias[number])
        name = f"{self.bank.name}, map {number}"
        channels = tuple(self.stage.channels_of(number, self.channels, len(self.bank.weight)))
        return MapFilter(name, channels, self._turned(weights), scales, None, bias)

    def _turned(self, weights: Array) -> Array:
        return weights[..., ::-1, ::-1] if self.stage.flip else weights


def products(weights: Array, values: Array) -> Array:
    """Weights times values; a weight of 0 gives 0 whatever it meets."""
    return np.where(weights == 0, 0.0, weights * values)


def _times(sums: Array, scale: Fraction | float) -> Array:
    if isinstance(scale, Fraction):
        return sums * float(scale.numerator) / float(scale.denominator)
    return sums * scale


def _scales(weights: Array, scale: str, own: Fraction | float) -> tuple[Fraction | float, ...]:
    """What the sum of each filter is multiplied by; where they are scaled, a kernel's own scale cancels out."""
    return tuple(own if scale == "none" else 1 / Fraction(divisor(each.flat, scale)) for each in weights)
