"""Convolutions: named kernels, learned weights from a file, or sizes alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.kernels.kernel import Kernel
from cnnfilter.kernels.scaling import SCALES
from cnnfilter.messages import about, readable
from cnnfilter.network.stages.base import Learned, Sliding, grouped, maps, params_arithmetic, size_arithmetic
from cnnfilter.network.stages.text import Shape, show_padding, show_pair
from cnnfilter.network.stages.weight_file import WeightFile
from cnnfilter.sizes import NONE, ONE, Border, Pads, Pair, output_sizes, resolve_pads
from cnnfilter.text.numbers import show_number
from cnnfilter.text.values import one_of
from cnnfilter.weights.layouts import readings

if TYPE_CHECKING:
    from cnnfilter.weights.bank import FilterBank
    from cnnfilter.weights.parameters import Parameters


@dataclass(frozen=True, eq=False, repr=False)
class Conv(Learned):
    """A convolution, of exactly one of `kernels`, `file` and `sizes`.

    Parameters
    ----------
    kernels : tuple of Kernel
        Constants of one window size. Each filters every channel on its own: n kernels give n maps for each
        channel, those of channel 0 first; one with `combine` gives its combined map.
    file : WeightFile, optional
        Learned weights. A bank (O, I, kh, kw) sums over its I channels; a single kernel filters every channel.
    sizes : (int, (int, int)), optional
        How many filters (for each channel if depthwise) and their window: a full bank, unknown without `learned`.
    stride, dilation : (int, int)
    padding : ((above, below), (left, right)) or str
    border : Border
        What the padding holds.
    groups : int
        Of a bank: filter and channels in as many groups, as in PyTorch.
    depthwise : bool
        One group for each channel, however many there are.
    flip : bool
        Rotate the kernel by 180 degrees first.
    scale : {"none", "sum", "l1"}
        Divide each filter by its sum, or by the sum of its absolute weights.
    bias : float
        Added to each value, beside the bias that a file may hold.
    biased : bool
        Of `sizes`: whether there is a learned bias for each filter.
    learned : Parameters, optional
        The numbers behind `sizes`: `weight` (O, I / groups, kh, kw), and `bias` (O,) if there is one.

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
    dilation: Pair = ONE
    border: Border = Border()
    groups: int = 1
    depthwise: bool = False
    flip: bool = False
    scale: str = "none"
    bias: float = 0.0
    biased: bool = True

    takes, gives = "maps", "maps"

    def __post_init__(self) -> None:
        if bool(self.kernels) + (self.file is not None) + (self.sizes is not None) != 1:
            msg = "takes one of a kernel, a weight file and sizes such as 32@3x3"
            raise ArgumentError(msg)
        for other in self.kernels[1:]:
            if other.size != self.kernels[0].size:
                first = self.kernels[0]
                msg = (
                    f"kernels of one stage must have one size: {first.name} is {first.size[0]}x{first.size[1]}, "
                    f"{other.name} is {other.size[0]}x{other.size[1]}"
                )
                raise ArgumentError(msg)
        one_of(self.scale, "scale", SCALES)
        if not math.isfinite(self.bias):
            msg = f"bias must be a finite number, not {self.bias!r}"
            raise ArgumentError(msg)
        if self.groups < 1:
            msg = f"groups must be at least 1, not {self.groups}"
            raise ArgumentError(msg)
        if self.groups > 1 and (self.kernels or self.depthwise):
            msg = "groups are for banks that sum over channels; here every channel is a group of its own"
            raise ArgumentError(msg)
        if self.sizes is not None and (self.flip or self.scale != "none" or self.bias):
            msg = "flip, scale and a bias that is a number are for given weights, not for sizes"
            raise ArgumentError(msg)

    @property
    def name(self) -> str:
        """`conv` or `depthwise`."""
        return "depthwise" if self.depthwise else "conv"

    @property
    def window(self) -> Pair:
        """Height and width of the kernel; of a file whose shape tells them, whatever arrives."""
        return self._window(None)

    def _window(self, channels: int | None) -> Pair:
        if self.sizes is not None:
            return self.sizes[1]
        source = self.source(channels)
        return source[0].size if isinstance(source, tuple) else (source.weight.shape[2], source.weight.shape[3])

    def source(self, channels: int | None = None) -> tuple[Kernel, ...] | FilterBank:
        """What it multiplies with: kernels, each of which filters every channel, or a bank over so many channels.

        Raises
        ------
        KernelError, MissingExtraError
            If its file cannot be used, or may be read in two ways.
        """
        if self.learned is not None and channels is not None:
            return self._bank(self.learned, channels)
        if self.file is None:
            return self.kernels
        bank = self.file.bank(channels, self.groups, depthwise=self.depthwise)
        return (bank,) if isinstance(bank, Kernel) else bank

    def _bank(self, learned: Parameters, channels: int) -> FilterBank:
        from cnnfilter.weights.bank import FilterBank  # brings NumPy, which sizes alone do not need
        from cnnfilter.weights.parameters import fan_in

        shapes = self.arrays((1, 1, channels))
        weight = learned.required("weight", shapes["weight"])
        bias = learned.array("bias", shapes["bias"], fan_in(weight.shape)) if self.biased else None
        return FilterBank(self.name, weight, bias)

    @property
    def roles(self) -> tuple[str, ...]:
        """See `Learned.roles`."""
        return ("weight", "bias") if self.biased else ("weight",)

    def arrays(self, shape: Shape) -> dict[str, Shape]:
        """`weight` (O, I / groups, kh, kw) and `bias` (O,), of `sizes`."""
        count, inputs = self._count(shape[2]), self._inputs(shape[2])
        bias: dict[str, Shape] = {"bias": (count,)} if self.biased else {}
        return {"weight": (count, inputs, *self.window), **bias}

    def _inputs(self, channels: int) -> int:
        """How many channels each filter of a bank of `sizes` sums over."""
        return 1 if self.depthwise else channels // self.groups

    def channels_of(self, number: int, channels: int, count: int) -> range:
        """Which of so many channels one of `count` maps is made of."""
        is_apart = self.depthwise or (self.sizes is None and isinstance(self.source(channels), tuple))
        return grouped(number, count, channels, channels if is_apart else self.groups)

    @property
    def maps_per_group(self) -> int:
        """How many neighbouring maps come from the same channels: those that `magnitude` makes one.

        Raises
        ------
        ArgumentError
            If that depends on the input.
        """
        if self.sizes is not None:
            return self.sizes[0] // self.groups
        source = self.source()
        if isinstance(source, tuple):
            return sum(1 if each.combine else len(each.filters) for each in source)
        if self.depthwise:
            msg = f"cannot tell how many filters of {readable(source.name)} see one channel; give magnitude a conv"
            raise ArgumentError(msg)
        return len(source.weight) // self.groups

    def output(self, shape: Shape) -> Shape:
        """(H', W', C')."""
        height, width, channels = maps(shape, self)
        count = self._count(channels)
        sliding = self.sliding(shape)
        window = sliding.window
        is_matrix = self.file is not None and self.file.convolution.weight.ndim == 2 and window[0] != window[1]
        with about(advice="; a dense layer's matrix is for dense" if is_matrix else ""):
            return *output_sizes((height, width), *sliding[:2], sliding.pads, sliding.dilation), count

    def _count(self, channels: int) -> int:
        if self.sizes is not None:
            filters = self.sizes[0] * (channels if self.depthwise else 1)
            self._check_groups(filters, channels)
            return filters
        bank = self.source(channels)
        if isinstance(bank, tuple):
            return channels * sum(1 if each.combine else len(each.filters) for each in bank)
        filters, inputs = len(bank.weight), int(bank.weight.shape[1])
        if self.depthwise:
            if inputs != 1 or filters % channels:
                msg = (
                    f"{readable(bank.name)} holds {filters} filters over {inputs} channels; over {channels} channels, "
                    "depthwise needs filters over 1, the same number for each channel"
                )
                raise ShapeError(msg)
            return filters
        self._check_groups(filters, channels)
        if inputs * self.groups != channels:
            msg = (
                f"{readable(bank.name)} holds filters over {inputs} channels, but {channels} "
                f"{'arrives' if channels == 1 else 'arrive'}; {self._remedy(inputs, filters, channels)}"
            )
            raise ShapeError(msg)
        return filters

    def _check_groups(self, filters: int, channels: int) -> None:
        if channels % self.groups or filters % self.groups:
            msg = f"groups={self.groups} does not divide {channels} input channels and {filters} filters"
            raise ShapeError(msg)

    def _remedy(self, inputs: int, filters: int, channels: int) -> str:
        if inputs == 1 and channels == 3:
            return "put gray before it" + (", or use depthwise" if filters % 3 == 0 else "")
        if channels % inputs == 0 and filters % (channels // inputs) == 0 and channels > inputs:
            return f"groups={channels // inputs} would fit"
        if inputs == 3 and channels == 1:
            return "use a colour picture, and no gray before it, or put rgb before it"
        return "another stage before it must give that many"

    def params(self, shape: Shape) -> int:
        """The learned numbers, with the biases."""
        if self.kernels:
            return 0
        if self.sizes is None:
            bank = self.source(shape[2])
            if isinstance(bank, tuple):
                return math.prod(bank[0].size)
            return bank.weight.size + (0 if bank.bias is None else bank.bias.size)
        return self._count(shape[2]) * (math.prod(self.sizes[1]) * self._inputs(shape[2]) + self.biased)

    def macs(self, shape: Shape) -> int:
        """One for each weight and bias of a filter at each place; all filters of a combined kernel count."""
        height, width, count = maps(self.output(shape), self)
        if self.kernels:
            filters = shape[2] * sum(len(each.filters) for each in self.kernels)
            return height * width * (filters * math.prod(self.window) + count * bool(self.bias))
        numbers = self.params(shape)
        if self.file is not None and isinstance(self.source(shape[2]), tuple):
            numbers *= shape[2]
        return height * width * numbers

    def arithmetic(self, shape: Shape) -> str:
        """The size formula with its numbers, and that of the learned ones."""
        size = size_arithmetic((shape[0], shape[1]), self.sliding(shape))
        learned = self._params_arithmetic(shape)
        return f"{size}\n{learned}" if learned else size

    def _params_arithmetic(self, shape: Shape) -> str:
        count = self._count(shape[2])
        if self.sizes is not None:
            return params_arithmetic((*self.sizes[1], self._inputs(shape[2])), count, biased=self.biased)
        bank = self.source(shape[2])
        if isinstance(bank, tuple):
            return ""
        return params_arithmetic((*bank.weight.shape[2:], bank.weight.shape[1]), count, biased=bank.bias is not None)

    def sliding(self, shape: Shape) -> Sliding:
        """How the kernel moves."""
        window = self._window(shape[2])
        pads = resolve_pads(self.padding, (shape[0], shape[1]), window, self.stride, self.dilation)
        return Sliding(window, self.stride, self.dilation, pads)

    @property
    def runnable(self) -> str | None:
        """Sizes alone cannot be run."""
        if self.sizes is None or self.learned is not None:
            return None
        return f"{self} has sizes but no weights; name a kernel or a weight file to run it"

    def load(self) -> None:
        """Read its file, if it has one."""
        super().load()
        if self.file is None:
            return
        inputs = {each.lengths[1] for each in readings(self.file.convolution.weight.shape, self.file.layout)}
        if len(inputs) == 1 and not self.depthwise:
            self.source(inputs.pop() * self.groups)

    def arguments(self) -> list[str]:
        """What is filtered with, then what is not default."""
        options = {
            "stride": (show_pair(self.stride), self.stride != ONE),
            "padding": (show_padding(self.padding), self.padding != NONE),
            "dilation": (show_pair(self.dilation), self.dilation != ONE),
            "border": (str(self.border), self.border != Border()),
            "groups": (str(self.groups), self.groups > 1),
            "flip": ("yes", self.flip),
            "scale": (self.scale, self.scale != "none"),
            "bias": (show_number(self.bias) if self.biased else "no", self.bias != 0 or not self.biased),
        }
        learned = self.learned_arguments()
        return [*self._what(), *(f"{key}={text}" for key, (text, given) in options.items() if given), *learned]

    def _what(self) -> list[str]:
        if self.file is not None:
            return self.file.arguments("kernel")
        if self.sizes is not None:
            count, window = self.sizes
            shown = f"{window[0]}x{window[1]}"
            return [shown if self.depthwise and count == 1 else f"{count}@{shown}"]
        return ["+".join(kernel_text(each) for each in self.kernels)]


def kernel_text(kernel: Kernel) -> str:
    """A kernel as a stage's text has it: its name, or its matrix."""
    if kernel.name != "custom":
        return kernel.name
    text = "; ".join(" ".join(show_number(value) for value in row) for row in kernel.filters[0])
    return f"[{text}]" if kernel.size == ONE else text  # a number alone would be a number of filters
