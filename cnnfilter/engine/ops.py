"""Convolutions and dense layers as functions: validate, cast, pick a method, call the loops. Pools are in `pools`."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfilter.engine.arrays import as_given, as_maps, as_samples, as_weights, layout_of
from cnnfilter.engine.bands import Chain, available_threads
from cnnfilter.engine.dense import dense
from cnnfilter.engine.geometry import Array, Windows
from cnnfilter.engine.steps import Convolution, Depthwise, Step
from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.kernels.kernel import Kernel, get_kernel
from cnnfilter.sizes import LARGEST, Border, Padding, Size, parse_border, parse_padding, parse_pair
from cnnfilter.text.values import whole_number
from cnnfilter.weights.bank import FilterBank


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    groups: int = 1,
    border: str | Border = "zeros",
    layout: str | None = None,
    threads: int | None = None,
) -> Array:
    """Cross-correlation of a picture or of feature maps with a kernel or a filter bank.

    Parameters
    ----------
    x : Picture, or array_like, (H, W), (C, H, W), (H, W, C) or (N, C, H, W)
        A picture, feature maps, or a batch of maps. Values are taken as they are: nothing is divided by 255. A
        Picture's transparency is left out, with a warning.
    weight : str, Kernel, FilterBank, or array_like (kh, kw), (n, kh, kw) or (O, I, kh, kw)
        One kernel, or n, that filter each channel on its own and give n maps a channel, channel-major; or a bank of O
        filters that sum over the I channels of their group. A name is read as `get_kernel` does (`"sobel-x"`,
        `"gaussian:sigma=2"`); one whose kernels combine (`"sobel"`, the magnitude of two) gives a map a channel.
    bias : array_like, (O,), optional
        Added to each map; for kernels without channels, n numbers are used for every channel. One number is for all,
        and all that kernels which combine take. By default that of a FilterBank, or none.
    stride, dilation : int, pair or str
        Samples between windows, and between the taps of one, `2`, `(2, 1)` or `"2x1"`, height before width.
    padding : int, pair, pair of pairs or str
        Samples added around: `2` on all sides; `(1, 2)` above and below, left and right; `((1, 2), (0, 3))` above,
        below, left, right; or as text, `"1x2"`, `"1+2x0+3"`. `"valid"` adds none, `"same"` as many as give
        ``ceil(n / stride)`` results, an odd one at the end (`"same-lower"`: at the beginning).
    groups : int
        Divides input and output channels into groups that are convolved on their own.
    border : str
        What the padding holds: `"zeros"`, `"constant=V"`, `"replicate"`, `"reflect"`, `"symmetric"`, `"circular"`.
    layout : {"chw", "hwc"}, optional
        How the axes of a 3-D `x` lie, and the last three of a 4-D one. By default a Picture, and 3-D uint8 and uint16
        are (H, W, C), and all else is (C, H, W).
    threads : int, optional
        How many to use; all cores by default. The result is the same for every number.

    Returns
    -------
    ndarray of float32, (O, H', W'), or (N, O, H', W') for 4-D `x`, or (H', W') for one kernel over 2-D `x`

    Raises
    ------
    ArgumentError
        If a value is outside its limits, or `x` is none of these. Without a layout also if `x` is a 3-D array, not of
        uint8 or uint16, and looks like (H, W, C): its last axis is 1, 3 or 4, and the others are longer than 4.
    KernelError
        If `weight` is the name of no kernel.
    ShapeError
        If the channels do not match, or the kernel is larger than the padded input.

    Notes
    -----
    ``out[o, i, j] = sum_cmn x[c, i*s + m*d, j*s + n*d] * weight[o, c, m, n] + bias[o]``, as in
    `torch.nn.functional.conv2d`; the kernel is not flipped. A weight of zero contributes nothing, not even to
    NaN. The error is at most ``1e-5 * (|bias| + sum |weight| |x|)``, or under kernels of many taps over 8- and 16-bit
    pictures, and under 16 or more 3x3 filters over as many float maps, ``1e-5 * (|bias| + sum |weight| * max |x|)``,
    of the samples near by; weights that are whole numbers are exact over 8- and 16-bit pictures.

    Examples
    --------
    >>> conv2d([[0, 1, 2], [3, 4, 5], [6, 7, 8]], [[0, 1], [2, 3]]).tolist()
    [[19.0, 25.0], [37.0, 43.0]]
    >>> conv2d([[0, 1, 2], [3, 4, 5], [6, 7, 8]], "sobel-x").tolist()
    [[8.0]]
    """
    samples = as_samples(x)
    maps = as_maps(samples, layout=layout_of(x, layout))
    groups = whole_number(groups, "groups", 1, LARGEST)
    kernels, combine, own = _as_kernels(weight)
    bias = own if bias is None else bias
    channels = maps.shape[1]
    if kernels.ndim < 4 and groups != 1:
        msg = f"groups={groups} needs a bank (O, I, kh, kw): a kernel of {kernels.ndim} axes filters each channel"
        raise ArgumentError(msg)
    windows = Windows.over(
        (maps.shape[2], maps.shape[3]),
        (kernels.shape[-2], kernels.shape[-1]),
        stride=parse_pair(stride, "stride"),
        padding=parse_padding(padding),
        dilation=parse_pair(dilation, "dilation"),
        border=parse_border(border),
    )
    step: Step
    if combine is not None:
        values = as_weights(0 if bias is None else bias, (0, 1), "bias").reshape(-1)
        if len(values) > 1:
            msg = f"bias must be one number for kernels that combine ({combine}), not {len(values)}"
            raise ShapeError(msg)
        step = Depthwise([(kernels, combine)], float(values[0]), windows, channels)
    elif kernels.ndim < 4:
        bank = np.tile(kernels.reshape(-1, 1, *kernels.shape[-2:]), (channels, 1, 1, 1))
        step = Convolution(bank, _as_bias(bias, len(bank), len(bank) // channels), windows, channels)
    else:
        _check_groups(kernels, channels, groups)
        step = Convolution(kernels, _as_bias(bias, len(kernels), len(kernels)), windows, groups)
    chain = Chain([step])
    results = [chain(source, threads) for source in maps]
    return as_given(results, samples, is_plane=kernels.ndim == 2 or combine is not None)


def _as_kernels(weight: Any) -> tuple[Array, str | None, Array | None]:
    """The weights of kernels or of a bank, how the kernels' results are combined, and the bias of the bank."""
    if isinstance(weight, str):
        weight = get_kernel(weight)
    if isinstance(weight, Kernel):
        return weight.weights, weight.combine, None
    if isinstance(weight, FilterBank):
        return weight.weight, None, weight.bias
    return as_weights(weight, (2, 3, 4)), None, None


def _check_groups(bank: Array, channels: int, groups: int) -> None:
    if channels % groups or len(bank) % groups:
        msg = f"groups={groups} does not divide {channels} input channels and {len(bank)} filters"
        raise ShapeError(msg)
    if bank.shape[1] * groups != channels:
        msg = (
            f"each filter takes {bank.shape[1]} channels, but the input has {channels}"
            + (f" in {groups} groups" if groups > 1 else "")
            + "; give a bank (O, I, kh, kw) with I = channels / groups, or a 2-D kernel for every channel"
        )
        raise ShapeError(msg)


def _as_bias(bias: Any, filters: int, repeated: int) -> Array:
    if bias is None:
        return np.zeros(filters, dtype=np.float32)
    values = as_weights(bias, (0, 1), "bias").reshape(-1)
    if len(values) not in (1, filters, repeated):
        msg = f"bias must hold a number for each of {filters} maps, or one for all, not {len(values)}"
        raise ShapeError(msg)
    return np.tile(values, filters // len(values))


def linear(x: Any, weight: Any, bias: Any = None, *, threads: int | None = None) -> Array:
    """Product with a matrix, plus a bias: a dense layer.

    Parameters
    ----------
    x : array_like, (in,) or (N, in)
        A vector, or N of them.
    weight : array_like, (out, in)
        A row for each output, as PyTorch stores it.
    bias : array_like, (out,), optional
        Or what is broadcast to the result, as ONNX's Gemm has it: one number, (N, 1) or (N, out).
    threads : int, optional
        How many to use for many weights; all cores by default. The result is the same for every number.

    Returns
    -------
    ndarray of float32, (out,) or (N, out)

    Raises
    ------
    ArgumentError
        If an array has another number of axes, or a weight is not finite.
    ShapeError
        If the sizes do not match.

    Notes
    -----
    ``x @ weight.T + bias``, as `torch.nn.functional.linear`. A weight of zero contributes nothing, not even to
    NaN.

    Examples
    --------
    >>> linear([1, 2], [[3, 4], [5, 6]], [0.5, 0]).tolist()
    [11.5, 17.0]
    """
    available_threads(threads)
    values = as_samples(x).astype(np.float32, copy=False)
    matrix = as_weights(weight, (2,))
    if values.ndim not in (1, 2) or values.shape[-1] != matrix.shape[1]:
        msg = f"x of shape {values.shape} does not fit a weight (out, in) of shape {matrix.shape}"
        raise ShapeError(msg)
    biases = np.zeros(1, dtype=np.float32) if bias is None else as_weights(bias, (0, 1, 2), "bias")
    biases = biases.reshape(-1) if biases.ndim == 2 and len(biases) == 1 else biases
    shape = (*values.shape[:-1], len(matrix)) if biases.ndim == 2 else (len(matrix),)
    try:
        spread = np.broadcast_to(biases, shape)
    except ValueError:
        held = len(biases) if biases.ndim == 1 else f"an array of {biases.shape}"
        msg = f"bias must hold a number for each of {len(matrix)} outputs, or one for all, not {held}"
        raise ShapeError(msg) from None
    if biases.ndim < 2:
        return dense(values, matrix, np.ascontiguousarray(spread), threads)
    result: Array = dense(values, matrix, np.zeros(len(matrix), dtype=np.float32), threads) + spread
    return result
