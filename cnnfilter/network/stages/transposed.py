"""Transposed convolutions, which enlarge maps: each sample adds the kernel, as often as it counts, to the result."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.kernels.kernel import Kernel
from cnnfilter.messages import readable, show_shape
from cnnfilter.network.stages.base import Learned, grouped, maps, params_arithmetic
from cnnfilter.network.stages.convolution import kernel_text
from cnnfilter.network.stages.placing import Placing, transposed_arithmetic
from cnnfilter.network.stages.sight import Sight
from cnnfilter.network.stages.text import Shape, show_padding, show_pair
from cnnfilter.network.stages.weight_file import WeightFile
from cnnfilter.sizes import NONE, ONE, Pads, Pair
from cnnfilter.text.numbers import show_number
from cnnfilter.weights.parameters import fan_in

if TYPE_CHECKING:
    from cnnfilter.weights.bank import TransposedBank, Weights


@dataclass(frozen=True, eq=False, repr=False)
class ConvTranspose(Learned):
    """A transposed convolution, of exactly one of `kernels`, `file` and `sizes`.

    Parameters
    ----------
    kernels : tuple of Kernel
        Constants of one window size, each for every channel on its own, as `Conv` has them; none that combine.
    file : WeightFile, optional
        Learned weights, (I, O/groups, kh, kw) or Keras' (kh, kw, O, I); a single kernel is for every channel.
    sizes : (int, (int, int)), optional
        How many maps, and the window; weights unknown unless they are `learned`.
    stride, dilation : (int, int)
        Places from one sample's kernel to the next one's, and between its taps.
    padding : ((above, below), (left, right)) or str
        What is cut off the result; `same` leaves ``n * stride``.
    output_padding : (int, int)
        Places that are added at the end of the result.
    groups : int
        Of a bank: maps and channels in as many groups, as in PyTorch.
    bias : float
        Added to each value, beside the bias that a file may hold.
    biased : bool
        Of `sizes`: whether there is a learned bias for each map.

    Raises
    ------
    ArgumentError
        If these do not go together.
    """

    kernels: tuple[Kernel, ...] = ()
    file: WeightFile | None = None
    sizes: tuple[int, Pair] | None = None
    stride: Pair = ONE
    padding: Pads | str = NONE
    output_padding: Pair = (0, 0)
    dilation: Pair = ONE
    groups: int = 1
    bias: float = 0.0
    biased: bool = True

    name = "convtranspose"
    takes, gives = "maps", "maps"

    def __post_init__(self) -> None:
        if bool(self.kernels) + (self.file is not None) + (self.sizes is not None) != 1:
            msg = "takes one of a kernel, a weight file and sizes such as 32@2x2"
            raise ArgumentError(msg)
        for kernel in self.kernels:
            if kernel.combine:
                msg = f"{kernel.name} is the {kernel.combine} of several kernels; name one, such as {kernel.name}-x"
                raise ArgumentError(msg)
            if kernel.size != self.kernels[0].size:
                msg = "kernels of one stage must have one size"
                raise ArgumentError(msg)
        if not math.isfinite(self.bias):
            msg = f"bias must be a finite number, not {self.bias!r}"
            raise ArgumentError(msg)
        if self.groups < 1:
            msg = f"groups must be at least 1, not {self.groups}"
            raise ArgumentError(msg)
        if self.groups > 1 and self.kernels:
            msg = "groups are for banks that sum over channels; here every channel is a group of its own"
            raise ArgumentError(msg)
        if self.learned is not None and self.sizes is None:
            msg = "learned numbers are for sizes, such as 32@2x2"
            raise ArgumentError(msg)
        if isinstance(self.padding, str) and self.output_padding != (0, 0):
            msg = f"padding={self.padding} settles the size; output_padding goes with paddings in numbers"
            raise ArgumentError(msg)
        for extra, stride, dilation in zip(self.output_padding, self.stride, self.dilation, strict=True):
            if extra >= max(stride, dilation):
                msg = (
                    f"output_padding must be less than the stride or the dilation, {max(stride, dilation)}, not {extra}"
                )
                raise ArgumentError(msg)

    def channels_of(self, number: int, channels: int, count: int) -> range:
        """Which of so many channels one of `count` maps is made of."""
        is_apart = self.sizes is None and isinstance(self.source(channels), tuple)
        return grouped(number, count, channels, channels if is_apart else self.groups)

    def weight(self, channels: int) -> tuple[Weights, Weights | None, int]:
        """The weights (I, O/groups, kh, kw) over so many channels, the bias (O,) if there is any, and the groups.

        Raises
        ------
        KernelError, MissingExtraError
            If its file cannot be used, or its numbers do not fit.
        """
        import numpy as np  # sizes alone do without

        source = self.source(channels)
        if isinstance(source, tuple):
            planes = np.concatenate([each.weights.reshape(-1, *each.size) for each in source])
            bias = np.full(channels * len(planes), self.bias, np.float32) if self.bias else None
            return np.tile(planes, (channels, 1, 1, 1)), bias, channels
        bias = source.bias
        if self.bias:
            own = np.full(source.weight.shape[1] * self.groups, self.bias, np.float32)
            bias = own if bias is None else own + bias
        return source.weight, bias, self.groups

    def source(self, channels: int) -> tuple[Kernel, ...] | TransposedBank:
        """What it multiplies with: kernels, each of which is for every channel, or weights over so many channels.

        Raises
        ------
        ArgumentError
            If there are sizes and no numbers.
        KernelError, MissingExtraError
            If its file cannot be used, or may be read in two ways.
        """
        if self.sizes is not None:
            from cnnfilter.weights.bank import TransposedBank

            if self.learned is None:
                raise ArgumentError(self.runnable)
            shapes = self.arrays((1, 1, channels))
            weight = self.learned.required("weight", shapes["weight"])
            bias = self.learned.array("bias", shapes["bias"], fan_in(weight.shape)) if self.biased else None
            return TransposedBank(self.name, weight, bias)
        if self.file is None:
            return self.kernels
        bank = self.file.transposed(channels, self.groups)
        return (bank,) if isinstance(bank, Kernel) else bank

    @property
    def roles(self) -> tuple[str, ...]:
        """See `Learned.roles`."""
        return ("weight", "bias") if self.biased else ("weight",)

    def arrays(self, shape: Shape) -> dict[str, Shape]:
        """`weight` (I, O / groups, kh, kw) and `bias` (O,), of `sizes`."""
        count, window = self._count(shape[2]), self._window(shape[2])
        bias: dict[str, Shape] = {"bias": (count,)} if self.biased else {}
        return {"weight": (shape[2], count // self.groups, *window), **bias}

    def _window(self, channels: int) -> Pair:
        if self.sizes is not None:
            return self.sizes[1]
        source = self.source(channels)
        return source[0].size if isinstance(source, tuple) else (source.weight.shape[2], source.weight.shape[3])

    def placing(self, shape: Shape) -> Placing:
        """How the kernel is placed, its padding in numbers."""
        window = self._window(shape[2])
        if not isinstance(self.padding, str):
            return Placing(window, self.stride, self.dilation, self.padding, self.output_padding)
        pads, extra = [], []
        for stride, dilation, taps in zip(self.stride, self.dilation, window, strict=True):
            total = dilation * (taps - 1) + 1 - stride
            small = max(total, 0) // 2
            sides = small, max(total, 0) - small
            pads.append(sides if self.padding == "same" else sides[::-1])
            extra.append(max(-total, 0))
        return Placing(window, self.stride, self.dilation, (pads[0], pads[1]), (extra[0], extra[1]))

    def output(self, shape: Shape) -> Shape:
        """(H', W', C')."""
        height, width, channels = maps(shape, self)
        count = self._count(channels)
        window, stride, dilation, pads, extra = self.placing(shape)
        rows, columns = (
            (n - 1) * stride[i] - sum(pads[i]) + dilation[i] * (window[i] - 1) + extra[i] + 1
            for i, n in enumerate((height, width))
        )
        if min(rows, columns) < 1:
            msg = (
                f"a padding of {show_padding(self.padding)} leaves nothing of the {rows + sum(pads[0])}x"
                f"{columns + sum(pads[1])} that {show_shape(shape[:2])} becomes; use less"
            )
            raise ShapeError(msg)
        return rows, columns, count

    def _count(self, channels: int) -> int:
        """How many maps it gives."""
        if self.sizes is not None:
            if channels % self.groups or self.sizes[0] % self.groups:
                msg = f"groups={self.groups} does not divide {channels} input channels and {self.sizes[0]} maps"
                raise ShapeError(msg)
            return self.sizes[0]
        source = self.source(channels)
        if isinstance(source, tuple):
            return channels * sum(len(each.filters) for each in source)
        inputs, outputs = source.weight.shape[:2]
        if inputs != channels or channels % self.groups:
            msg = (
                f"{readable(source.name)} holds weights over {inputs} channels in {self.groups} "
                f"group{'s' * (self.groups > 1)}, but {channels} {'arrives' if channels == 1 else 'arrive'}; another "
                "stage before it must give that many"
            )
            raise ShapeError(msg)
        return int(outputs) * self.groups

    def params(self, shape: Shape) -> int:
        """The learned numbers, with the biases."""
        if self.kernels:
            return 0
        if self.sizes is not None:
            count, window = self.sizes
            return shape[2] * (count // self.groups) * math.prod(window) + count * self.biased
        source = self.source(shape[2])
        if isinstance(source, tuple):
            return math.prod(source[0].size)
        return source.weight.size + (0 if source.bias is None else len(source.bias))

    def macs(self, shape: Shape) -> int:
        """One for each weight and bias at each place of the result, though of the weights one in stride^2 counts."""
        height, width, count = maps(self.output(shape), self)
        if self._is_kernel(shape[2]):
            return height * width * count * (math.prod(self._window(shape[2])) + bool(self.bias))
        return height * width * self.params(shape)

    def _is_kernel(self, channels: int) -> bool:
        """Whether every channel has kernels of its own."""
        return self.sizes is None and isinstance(self.source(channels), tuple)

    def arithmetic(self, shape: Shape) -> str:
        """The size formula with its numbers, and that of the learned ones."""
        placing, out = self.placing(shape), self.output(shape)
        lines = [transposed_arithmetic(shape[i], out[i], i, placing) for i in (0, 1)]
        size = lines[0] if lines[0] == lines[1] else f"height: {lines[0]}\nwidth: {lines[1]}"
        if self._is_kernel(shape[2]):
            return size
        sizes = (*placing.window, shape[2] // self.groups)  # for each map
        biased = self.params(shape) > math.prod(sizes) * out[2]
        return f"{size}\n{params_arithmetic(sizes, out[2], biased=biased)}"

    def sights(self, shape: Shape) -> tuple[Sight, Sight]:
        """The samples whose kernels reach a place."""
        placing = self.placing(shape)
        return placing.sight(0), placing.sight(1)

    @property
    def runnable(self) -> str | None:
        """Sizes alone cannot be run."""
        if self.sizes is None or self.learned is not None:
            return None
        return f"{self} has sizes but no weights; name a kernel or a weight file to run it"

    def load(self) -> None:
        """Read its numbers, if they are in a file."""
        super().load()
        if self.file is not None:
            self.file.transposed_layer(self.groups)

    def arguments(self) -> list[str]:
        """What is multiplied with, then what is not default."""
        options = {
            "stride": (show_pair(self.stride), self.stride != ONE),
            "padding": (show_padding(self.padding), self.padding != NONE),
            "output_padding": (show_pair(self.output_padding), self.output_padding != (0, 0)),
            "dilation": (show_pair(self.dilation), self.dilation != ONE),
            "groups": (str(self.groups), self.groups > 1),
            "bias": (show_number(self.bias) if self.biased else "no", self.bias != 0 or not self.biased),
        }
        given = (f"{key}={text}" for key, (text, is_given) in options.items() if is_given)
        return [*self._what(), *given, *self.learned_arguments()]

    def _what(self) -> list[str]:
        if self.file is not None:
            return self.file.arguments("kernel")
        if self.sizes is not None:
            count, window = self.sizes
            return [f"{count}@{window[0]}x{window[1]}"]
        return ["+".join(map(kernel_text, self.kernels))]
