"""Operators with a window: convolutions and pools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cnnfilter.messages import quoted
from cnnfilter.models.onnx.building import Builder, plain_axes
from cnnfilter.models.onnx.learned import Stored
from cnnfilter.models.onnx.reading import Operation
from cnnfilter.models.onnx.tensors import Tensor
from cnnfilter.models.onnx.values import Result, UnsupportedError, Value
from cnnfilter.models.onnx.views import axes_of, known, result, settled
from cnnfilter.network import stages
from cnnfilter.sizes import NONE, ONE, Pads, Pair

AUTOMATIC: dict[str, Pads | str] = {"SAME_UPPER": "same", "SAME_LOWER": "same-lower", "VALID": NONE}


def conv(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """A convolution: depthwise where each channel is a group of its own."""
    value, weight, bias = _learned(operation, given, builder)
    filters, inputs = weight.shape[:2]
    groups = operation.attributes.get("group", 1)
    _check_channels(value, inputs * groups)
    if groups < 1 or filters % groups:
        msg = f"has {filters} filters in {groups} groups"
        raise UnsupportedError(msg)
    is_depthwise = groups > 1 and inputs == 1
    stage = stages.Conv(
        sizes=(filters // groups if is_depthwise else filters, _window(operation, weight)),
        stride=_pair(operation, "strides"),
        padding=_padding(operation),
        dilation=_pair(operation, "dilations"),
        groups=1 if is_depthwise else groups,
        depthwise=is_depthwise,
        biased=bias is not None,
        learned=_stored(weight, bias),
    )
    return builder.made(stage, value)


def conv_transpose(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """A transposed convolution."""
    value, weight, bias = _learned(operation, given, builder)
    groups = operation.attributes.get("group", 1)
    window = _window(operation, weight)
    _check_channels(value, weight.shape[0])
    stride, dilation = _pair(operation, "strides"), _pair(operation, "dilations")
    extra = _pair(operation, "output_padding", 0)
    padding = _padding(operation)
    wanted = operation.attributes.get("output_shape")
    if wanted is not None and (len(wanted) not in (2, 4) or not 0 < min(wanted) <= max(wanted) <= MOST):
        msg = f"is to give a result of {quoted(wanted)}"
        raise UnsupportedError(msg)
    if wanted is not None:
        padding, extra = _of_size(value, wanted, window, stride, dilation, extra, begins=padding != "same")
    stage = stages.ConvTranspose(
        sizes=(weight.shape[1] * groups, window),
        stride=stride,
        padding=padding,
        dilation=dilation,
        output_padding=extra,
        groups=groups,
        biased=bias is not None,
        learned=_stored(weight, bias),
    )
    return builder.made(stage, value)


def _of_size(
    value: Result,
    wanted: Sequence[int],
    window: Pair,
    stride: Pair,
    dilation: Pair,
    extra: Pair,
    *,
    begins: bool,
) -> tuple[Pads, Pair]:
    """What is cut off, and what put on, for the size of the result that is told."""
    pads, more = [], []
    for axis, name in enumerate("HW"):
        n = value.length(name).known
        if n is None:
            msg = "has a padding that depends on the size of the picture"
            raise UnsupportedError(msg)
        out = wanted[axis - 2]
        total = (n - 1) * stride[axis] + extra[axis] + dilation[axis] * (window[axis] - 1) + 1 - out
        half = max(total, 0) // 2
        ends = half, max(total, 0) - half
        pads.append(ends[::-1] if begins else ends)
        more.append(extra[axis] + max(-total, 0))
    return (pads[0], pads[1]), (more[0], more[1])


def _learned(
    operation: Operation, given: Sequence[Value | None], builder: Builder
) -> tuple[Result, Tensor, Tensor | None]:
    value, weight = builder.maps(result(given[0])), known(given[1], "weights")
    bias = None if given[2] is None else known(given[2], "bias")
    if len(weight.shape) != 4:
        msg = f"has weights of {len(weight.shape)} axes; convolutions over pictures have 4"
        raise UnsupportedError(msg)
    return value, weight, bias


def _stored(weight: Tensor, bias: Tensor | None) -> Stored:
    return Stored({"weight": weight} if bias is None else {"weight": weight, "bias": bias})


def _check_channels(value: Result, wanted: int) -> None:
    channels = value.length("C").known
    if channels not in (None, wanted):
        msg = f"has weights for {wanted} channels, but {channels} arrive"
        raise UnsupportedError(msg)


def _window(operation: Operation, weight: Tensor) -> Pair:
    height, width = weight.shape[2:]
    if operation.attributes.get("kernel_shape", (height, width)) != (height, width) or not min(weight.shape):
        msg = f"has weights of {'x'.join(map(str, weight.shape))} for a window of other size"
        raise UnsupportedError(msg)
    return height, width


def max_pool(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """The largest of each window."""
    return _pooled(operation, given, builder, stages.Pool("max", ONE, dilation=_pair(operation, "dilations")))


def average_pool(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """The mean of each window, which counts the padding only where the file says so."""
    if _pair(operation, "dilations") != ONE:
        msg = "has dilation, which average pools here have not"
        raise UnsupportedError(msg)
    counts = bool(operation.attributes.get("count_include_pad", 0))
    return _pooled(operation, given, builder, stages.Pool("avg", ONE, count_include_pad=counts))


def _pooled(operation: Operation, given: Sequence[Value | None], builder: Builder, pool: stages.Pool) -> Value:
    value = builder.maps(result(given[0]))
    if "kernel_shape" not in operation.attributes:
        msg = "has no kernel_shape"
        raise UnsupportedError(msg)
    window = _pair(operation, "kernel_shape")
    padding = _padding(operation)
    if padding == NONE and pool.kind == "avg":
        pool = replace(pool, count_include_pad=True)  # there is nothing to count, and nothing to say
    stride = _pair(operation, "strides")
    stage = replace(
        pool,
        window=window,
        stride=None if stride == window else stride,
        padding=padding,
        ceil_mode=bool(operation.attributes.get("ceil_mode", 0)),
    )
    return builder.made(stage, value)


def global_average(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """The mean of each map."""
    return builder.made(stages.GlobalAveragePool(), builder.maps(result(given[0])))


def global_max(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """The largest of each map."""
    return builder.made(stages.GlobalMaxPool(), builder.maps(result(given[0])))


def reduce_mean(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """The mean over height and width, which is that of each map."""
    return _reduced(operation, given, builder, stages.GlobalAveragePool())


def reduce_max(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """The largest over height and width."""
    return _reduced(operation, given, builder, stages.GlobalMaxPool())


def _reduced(operation: Operation, given: Sequence[Value | None], builder: Builder, pool: stages.Stage) -> Value:
    value = result(given[0])
    axes = axes_of(operation, given)
    chosen = {value.axis(axis) for axis in axes or range(len(value.axes))}
    over = {name for axis in chosen for name in value.names[axis]}
    rest = {name for axis, names in enumerate(value.names) if axis not in chosen for name in names}
    if not over <= {"H", "W"} or rest & {"H", "W", "F"} or not chosen:
        what = f"reduces axes {sorted(chosen)} of {value.show()}"
        msg = f"{what}; height and width together are done, as by globalavgpool"
        raise UnsupportedError(msg)
    made = builder.made(pool, value._replace(axes=plain_axes(value)))
    keeps = bool(operation.attributes.get("keepdims", 1))
    left = tuple(
        () if axis in chosen else atoms for axis, atoms in enumerate(value.axes) if keeps or axis not in chosen
    )
    return settled(made._replace(axes=left), builder)


def _pair(operation: Operation, name: str, default: int = 1) -> Pair:
    """Two numbers, of height and width.

    Raises
    ------
    UnsupportedError
        If there are more or fewer, or one is out of reach.
    """
    numbers = operation.attributes.get(name) or (default, default)
    if len(numbers) != 2:
        msg = f"has a window of {len(numbers)} axes ({name}); those of pictures have 2"
        raise UnsupportedError(msg)
    if min(numbers) < default or max(numbers) > MOST:
        msg = f"has {name} {quoted(numbers)}; from {default} to {MOST} is possible"
        raise UnsupportedError(msg)
    return int(numbers[0]), int(numbers[1])


MOST = 10**6
"""The largest stride and the like: more than any picture has places."""


def _padding(operation: Operation) -> Pads | str:
    automatic = operation.attributes.get("auto_pad", "NOTSET")
    if automatic != "NOTSET":
        if automatic not in AUTOMATIC:
            msg = f"has the auto_pad {quoted(automatic)}"
            raise UnsupportedError(msg)
        return AUTOMATIC[automatic]
    pads = operation.attributes.get("pads") or (0, 0, 0, 0)
    if len(pads) != 4 or min(pads) < 0 or max(pads) > MOST:
        msg = f"has pads {quoted(pads)}; 4 of 0 to {MOST} are those of pictures"
        raise UnsupportedError(msg)
    above, left, below, right = map(int, pads)
    return (above, below), (left, right)
