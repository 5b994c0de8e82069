"""The weights of a stage as nested lists, ready to be printed into a program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cnnfilter.errors import ArgumentError
from cnnfilter.kernels.kernel import Kernel
from cnnfilter.kernels.scaling import divisor
from cnnfilter.messages import readable, without_secrets
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import Conv, ConvTranspose, Dense, Shape
from cnnfilter.network.stages.per_map import EachMap
from cnnfilter.sizes import Pair
from cnnfilter.text.numbers import show_number

MAX_NUMBERS = 10_000
"""The most weights that a stage prints: a page of them already is no pleasure to read."""

Filter = list[list[list[float]]]
"""(I, kh, kw)."""


@dataclass(frozen=True)
class ConvWeights:
    """The bank of a convolution, (O, I, kh, kw).

    Parameters
    ----------
    count, inputs, window, groups
        O, I, (kh, kw), and in how many groups.
    weight : list, optional
        The filters; None if only sizes are known.
    repeat : int
        How often `weight` stands in the bank: named kernels do once for each channel.
    bias : list, optional
        O numbers; None if there is none or only sizes are known.
    biased : bool
        Whether there is a bias.
    parts : tuple of (int, str or None)
        How the maps of each channel combine: so many of them, by `magnitude`, `maximum` or not at all.
    shift : float
        Added after that.
    """

    count: int
    inputs: int
    window: Pair
    groups: int
    weight: list[Filter] | None = None
    repeat: int = 1
    bias: list[float] | None = None
    biased: bool = False
    parts: tuple[tuple[int, str | None], ...] = ()
    shift: float = 0.0


def conv_weights(row: Row, *, is_loaded: bool = False) -> ConvWeights:
    """The bank of a row's convolution, of whose numbers none is asked for if they are loaded.

    Raises
    ------
    ArgumentError
        If there are too many numbers.
    """
    stage, channels = row.stage, row.input[-1]
    if not isinstance(stage, Conv):
        msg = f"{stage.name} has no filters"
        raise ArgumentError(msg)
    if stage.sizes is not None and (stage.learned is None or is_loaded):
        groups = channels if stage.depthwise else stage.groups
        return ConvWeights(row.output[2], channels // groups, stage.window, groups, biased=stage.biased)
    bank = stage.source(channels)
    if isinstance(bank, tuple):
        return _repeated(bank, stage, channels)
    _check_count(bank.weight.size, bank.name)
    weight = [_adjusted(one, stage) for one in bank.weight.tolist()]
    learned = [0.0] * len(weight) if bank.bias is None else bank.bias.tolist()
    bias = [value + stage.bias for value in learned]
    biased = any(bias) or bank.bias is not None
    groups = channels if stage.depthwise else stage.groups
    inputs = channels // groups
    window = stage.sliding(row.input).window
    return ConvWeights(len(weight), inputs, window, groups, weight, bias=bias if biased else None, biased=biased)


def transposed_weights(row: Row, stage: ConvTranspose, *, is_loaded: bool = False) -> ConvWeights:
    """The weights of a row's transposed convolution, (I, O/groups, kh, kw): `inputs` is O/groups; see `conv_weights`.

    Raises
    ------
    ArgumentError
        If there are too many numbers.
    """
    channels, window = row.input[2], stage.placing(row.input).window
    if stage.runnable is not None or is_loaded:
        return ConvWeights(row.output[2], row.output[2] // stage.groups, window, stage.groups, biased=stage.biased)
    weight, bias, groups = stage.weight(channels)
    source = stage.source(channels)
    repeat = channels if isinstance(source, tuple) else 1
    name = "+".join(each.name for each in source) if isinstance(source, tuple) else source.name
    _check_count(weight.size // repeat, name)
    _check_count(0 if bias is None else bias.size, name)
    return ConvWeights(
        row.output[2],
        weight.shape[1],
        window,
        groups,
        weight[: len(weight) // repeat].tolist(),
        repeat=repeat,
        bias=None if bias is None else bias.tolist(),
        biased=bias is not None,
    )


def _repeated(kernels: Sequence[Kernel], stage: Conv, channels: int) -> ConvWeights:
    weight: list[Filter] = []
    parts: list[tuple[int, str | None]] = []
    names = "+".join(kernel.name for kernel in kernels)
    _check_count(sum(len(kernel.filters) * math.prod(kernel.size) for kernel in kernels), names)
    for kernel in kernels:
        for matrix in kernel.filters:
            scaled = [[float(value * kernel.scale) for value in line] for line in matrix]
            weight.append(_adjusted([scaled], stage))
        parts += [(len(kernel.filters), kernel.combine)] if kernel.combine else [(1, None)] * len(kernel.filters)
    combined = any(rule for _, rule in parts)
    if stage.bias and not combined:
        _check_count(len(weight) * channels, f"{stage.name} over {channels:,} channels")
    bias = [stage.bias] * len(weight) * channels if stage.bias and not combined else None
    return ConvWeights(
        len(weight) * channels,
        1,
        stage.window,
        channels,
        weight,
        repeat=channels,
        bias=bias,
        biased=bias is not None,
        parts=tuple(parts) if combined else (),
        shift=stage.bias if combined else 0.0,
    )


def _adjusted(one: Filter, stage: Conv) -> Filter:
    """Turn and scale a filter as the stage says."""
    turned = [[row[::-1] for row in plane[::-1]] for plane in one] if stage.flip else one
    by = divisor((value for plane in one for row in plane for value in row), stage.scale)
    return [[[value / by for value in row] for row in plane] for plane in turned]


class DenseWeights(NamedTuple):
    """The matrix (out, in) and the bias of a dense stage, None where only sizes are known, or there is none.

    `order` is the size (H, W, C) of the maps whose values the matrix takes in H, W, C order, as they are flattened in
    C, H, W order; None where it takes them as they come.
    """

    biased: bool
    weight: list[list[float]] | None = None
    bias: list[float] | None = None
    order: Shape | None = None


def dense_weights(row: Row, *, is_loaded: bool = False) -> DenseWeights:
    """The matrix and the bias of a row's dense stage; what is printed is for maps flattened in C, H, W order.

    Raises
    ------
    ArgumentError
        If there are too many numbers.
    """
    stage = row.stage
    biased = row.params != row.output[0] * row.input[0]
    if not isinstance(stage, Dense) or stage.runnable:
        return DenseWeights(biased)
    order = row.flattened if stage.order == "hwc" else None
    if is_loaded:
        return DenseWeights(biased, order=order)
    weight, bias = stage.matrix(row.input[0])
    _check_count(weight.size, str(stage) if stage.file is None else without_secrets(stage.file.path))
    if order is not None:
        height, width, channels = order
        weight = weight.reshape(-1, height, width, channels).transpose(0, 3, 1, 2).reshape(len(weight), -1)
    return DenseWeights(biased, weight.tolist(), None if bias is None else bias.tolist())


def map_numbers(row: Row, *, is_loaded: bool = False) -> dict[str, list[float]]:
    """The learned numbers of a stage that has some for each map, by PyTorch's names; empty if unknown or loaded.

    Raises
    ------
    ArgumentError
        If there are too many numbers.
    """
    stage = row.stage
    if not isinstance(stage, EachMap) or stage.runnable or is_loaded:
        return {}
    found = stage.by_role(row.input[-1])
    _check_count(sum(each.size for each in found.values()), str(stage))
    return {role: each.tolist() for role, each in found.items()}


def _check_count(count: int, name: str) -> None:
    if count > MAX_NUMBERS:
        msg = (
            f"{readable(name)} holds {count:,} numbers, too many to print (at most {MAX_NUMBERS:,}); "
            "give sizes instead, such as conv:32@3x3 or dense:10; those of weights=FILE:name=NAME and of random=N "
            "a program loads from the file that --weights FILE writes"
        )
        raise ArgumentError(msg)


def literal(values: Any, indent: str = "    ") -> str:
    """Nested lists as Python, the outermost with a line for each of its items.

    Examples
    --------
    >>> print(literal([[1.0, 2.0], [3.0, 0.5]]))
    [
        [1, 2],
        [3, 0.5],
    ]
    """
    lines = [f"{indent}{inline(value)},\n" for value in values]
    return "[\n" + "".join(lines) + indent[4:] + "]"


def inline(value: Any) -> str:
    """A number, or nested lists in one line."""
    return f"[{', '.join(map(inline, value))}]" if isinstance(value, list) else show_number(value)
