"""Every operation in plain, slow, readable NumPy: the definition that all else is tested against.

Nothing here is clever. A loop visits each place of the result, and its body is the formula of the course,
in float64. To learn what an operation means, read it here; to run one, call `cnnfilter.engine.ops` or `pools`, which
takes the same arguments. Arguments are not checked here beyond what the sizes need.

Arrays follow one convention. Two dimensions are one channel; three dimensions of `uint8` or `uint16` are a
picture (H, W, C); three dimensions of anything else are maps (C, H, W); four are a batch (N, C, H, W).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnfilter.kernels.scaling import ZERO_SUM
from cnnfilter.network.activations import ACTIVATIONS
from cnnfilter.network.stages import Gray
from cnnfilter.sizes import (
    Border,
    Padding,
    Pads,
    Pair,
    Size,
    output_sizes,
    parse_border,
    parse_padding,
    parse_pair,
    resolve_pads,
)

Array = NDArray[np.float64]


def to_batch(x: ArrayLike) -> Array:
    """`x` as a float64 batch of maps (N, C, H, W), by the convention of the module."""
    array = np.asarray(x)
    if array.ndim == 2:
        array = array[np.newaxis]
    elif array.ndim == 3 and array.dtype.kind == "u":
        array = np.moveaxis(array, -1, 0)
    if array.ndim == 3:
        array = array[np.newaxis]
    return array.astype(np.float64)


def from_batch(batch: Array, rank: int) -> Array:
    """A batch that holds one picture as maps (rank 3), and one of a single channel as a plane (rank 2)."""
    return batch.reshape(batch.shape[4 - rank :])


def source_index(i: int, n: int, mode: str) -> int | None:
    """Which of the `n` samples of an axis stands at place `i`, which may lie outside.

    Examples
    --------
    >>> [source_index(i, 3, "reflect") for i in range(-3, 6)]
    [1, 2, 1, 0, 1, 2, 1, 0, 1]
    >>> [source_index(i, 3, "symmetric") for i in range(-3, 6)]
    [2, 1, 0, 0, 1, 2, 2, 1, 0]
    """
    if 0 <= i < n:
        return i
    if mode == "constant":
        return None
    if mode == "replicate" or n == 1:
        return 0 if i < 0 else n - 1
    if mode == "circular":
        return i % n
    if mode == "reflect":  # a b c | b a b c: the turning points stand once
        i %= 2 * n - 2
        return i if i < n else 2 * n - 2 - i
    i %= 2 * n  # symmetric, a b c | c b a a b c: the turning points stand twice
    return i if i < n else 2 * n - 1 - i


def pad(x: ArrayLike, pads: Pads, border: str | Border = "zeros") -> Array:
    """Surround the last two axes of `x` with padding.

    Parameters
    ----------
    x : array_like of shape (..., H, W)
        One channel, maps, or a batch of maps.
    pads : ((above, below), (left, right))
        Samples to add; more than the picture has are allowed, and below 0 they are taken away.
    border : str
        What they hold: `zeros`, `constant=V`, `replicate`, `reflect`, `symmetric` or `circular`.

    Returns
    -------
    ndarray of shape (..., above + H + below, left + W + right), float64

    Examples
    --------
    >>> pad([[1, 2, 3]], ((0, 0), (2, 1)), "replicate")
    array([[1., 1., 1., 2., 3., 3.]])
    """
    array = np.asarray(x, dtype=np.float64)
    height, width = array.shape[-2:]
    (above, below), (left, right) = pads
    border = parse_border(border)
    padded = np.full((*array.shape[:-2], above + height + below, left + width + right), border.value)
    rows = [source_index(i - above, height, border.mode) for i in range(padded.shape[-2])]
    columns = [source_index(j - left, width, border.mode) for j in range(padded.shape[-1])]
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if row is not None and column is not None:
                padded[..., i, j] = array[..., row, column]
    return padded


def weighted_sum(window: Array, weight: Array) -> float:
    """Multiply tap by tap and add up; a zero weight contributes nothing, not even to NaN."""
    used = weight != 0
    return float((window[used] * weight[used]).sum())


def conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    groups: int = 1,
    border: str | Border = "zeros",
) -> Array:
    """Slide a kernel, or a bank of filters, over a picture or maps.

    Parameters
    ----------
    x : array_like
        Picture, maps or batch, by the convention of the module.
    weight : array_like of shape (kh, kw), (n, kh, kw) or (O, I, kh, kw)
        A kernel filters each channel on its own; `n` kernels give n maps for each channel, those of
        channel 0 first; a bank sums over its `I` input channels.
    bias : array_like of shape (O,), optional
        Added to each map; with n kernels (n,) will do, for each channel alike.
    stride, padding, dilation, border
        As in `cnnfilter.sizes`.
    groups : int
        Filter `o` of a bank sees only the channels of its own group, as in PyTorch.

    Returns
    -------
    ndarray, float64
        (O, H', W'); (N, O, H', W') for a batch; (H', W') for one channel under one kernel, both 2-D.

    Notes
    -----
    ``out[i,j] = sum_mn x[i*s + m*d, j*s + n*d] * w[m,n] + b``: cross-correlation, as in every CNN framework.

    Examples
    --------
    >>> conv2d([[0, 1, 2], [3, 4, 5], [6, 7, 8]], [[0, 1], [2, 3]])
    array([[19., 25.],
           [37., 43.]])
    """
    batch = to_batch(x)
    filters = np.asarray(weight, dtype=np.float64)
    channels, size = batch.shape[1], (batch.shape[2], batch.shape[3])
    shifts = np.zeros(1) if bias is None else np.asarray(bias, dtype=np.float64)
    if filters.ndim < 4:
        # Each channel is a group of its own, and meets every one of the kernels.
        kernels = filters.reshape(-1, 1, *filters.shape[-2:])
        bank, groups = np.tile(kernels, (channels, 1, 1, 1)), channels
    else:
        bank = filters
    shifts = np.tile(shifts, len(bank) // len(shifts))

    count, inputs, kh, kw = bank.shape
    strides, dilations = parse_pair(stride, "stride"), parse_pair(dilation, "dilation")
    pads = resolve_pads(parse_padding(padding), size, (kh, kw), strides, dilations)
    height, width = output_sizes(size, (kh, kw), strides, pads, dilations)
    padded = pad(batch, pads, border)
    result = np.zeros((len(batch), count, height, width))
    for n in range(len(batch)):
        for o in range(count):
            first = o // (count // groups) * inputs  # the first channel of this filter's group
            for i in range(height):
                rows = slice(i * strides[0], i * strides[0] + dilations[0] * (kh - 1) + 1, dilations[0])
                for j in range(width):
                    columns = slice(j * strides[1], j * strides[1] + dilations[1] * (kw - 1) + 1, dilations[1])
                    window = padded[n, first : first + inputs, rows, columns]
                    result[n, o, i, j] = weighted_sum(window, bank[o]) + shifts[o]
    return from_batch(result, max(np.ndim(x), min(filters.ndim, 3)))


def _slide(
    x: ArrayLike,
    window: Size,
    stride: Size | None,
    padding: Padding,
    dilation: Size,
    ceil_mode: bool,
    pool: Callable[[Array, Pair], Array],
) -> Array:
    """Visit each window of each channel: `pool` gets its samples and its (height, width) with padding."""
    batch = to_batch(x)
    size = (batch.shape[2], batch.shape[3])
    taps, dilations = parse_pair(window, "window"), parse_pair(dilation, "dilation")
    strides = taps if stride is None else parse_pair(stride, "stride")
    pads = resolve_pads(parse_padding(padding), size, taps, strides, dilations)
    height, width = output_sizes(size, taps, strides, pads, dilations, ceil_mode=ceil_mode)
    result = np.zeros((*batch.shape[:2], height, width))
    for i in range(height):
        for j in range(width):
            inside: list[list[int]] = []  # the rows, then the columns, of the samples under the window
            extent = []  # its height and width with padding, but not what ceil_mode adds past that
            for axis, place in enumerate((i, j)):
                start = place * strides[axis] - pads[axis][0]
                touched = [start + m * dilations[axis] for m in range(taps[axis])]
                inside.append([t for t in touched if 0 <= t < size[axis]])
                extent.append(sum(t < size[axis] + pads[axis][1] for t in touched))
            samples = batch[:, :, inside[0]][:, :, :, inside[1]]
            result[:, :, i, j] = pool(samples, (extent[0], extent[1]))
    return from_batch(result, np.ndim(x))


def max_pool2d(
    x: ArrayLike,
    window: Size,
    *,
    stride: Size | None = None,
    padding: Padding = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Array:
    """Take the largest sample of each window; padding is minus infinity, and a NaN is the largest.

    Parameters
    ----------
    x : array_like
        Picture, maps or batch, by the convention of the module.
    window, stride, padding, dilation
        As in `cnnfilter.sizes`; the stride defaults to the window.
    ceil_mode : bool
        Round the output size up; see `cnnfilter.sizes.output_size`.

    Returns
    -------
    ndarray, float64
        (C, H', W'); (H', W') for 2-D `x`; (N, C, H', W') for a batch.

    Examples
    --------
    >>> max_pool2d([[3, 2, 0, 0], [0, 7, 1, 3]], 2)
    array([[7., 3.]])
    """
    return _slide(x, window, stride, padding, dilation, ceil_mode, lambda seen, _: seen.max((2, 3), initial=-np.inf))


def avg_pool2d(
    x: ArrayLike,
    window: Size,
    *,
    stride: Size | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """Take the mean of each window.

    The divisor counts padding unless `count_include_pad` is false, and never what `ceil_mode` adds past the
    padding. A window wholly in padding gives 0. The other arguments are those of `max_pool2d`.

    Examples
    --------
    >>> avg_pool2d([[3, 2, 0, 0], [0, 7, 1, 3]], 2)
    array([[3., 1.]])
    """

    def mean(samples: Array, extent: Pair) -> Array:
        height, width = extent if count_include_pad else samples.shape[2:]
        return np.asarray(np.sum(samples, axis=(2, 3)) / max(height * width, 1))

    return _slide(x, window, stride, padding, 1, ceil_mode, mean)


def sum_pool2d(
    x: ArrayLike,
    window: Size,
    *,
    stride: Size | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
) -> Array:
    """Add up each window; a window wholly in padding gives 0. The arguments are those of `max_pool2d`.

    Examples
    --------
    >>> sum_pool2d([[3, 2, 0, 0], [0, 7, 1, 3]], 2)
    array([[12.,  4.]])
    """
    return _slide(x, window, stride, padding, 1, ceil_mode, lambda seen, _: seen.sum((2, 3)))


def linear(x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Array:
    """Multiply the vectors along the last axis of `x` by a matrix (out, in), and add a bias (out,).

    Examples
    --------
    >>> linear([1, 2], [[3, 4], [5, 6]], [0, 100])
    array([ 11., 117.])
    """
    vectors, matrix = np.asarray(x, dtype=np.float64), np.asarray(weight, dtype=np.float64)
    result = np.zeros((*vectors.shape[:-1], len(matrix)))
    for place in np.ndindex(*vectors.shape[:-1]):
        for o in range(len(matrix)):
            result[(*place, o)] = weighted_sum(vectors[place], matrix[o])
    return result if bias is None else result + np.asarray(bias, dtype=np.float64)


def _activation(name: str) -> Callable[..., Array]:
    """An activation, whose parameters have defaults, by its definition in `cnnfilter.network.activations`."""
    known = ACTIVATIONS[name]

    def evaluated(x: ArrayLike, *values: float, **named: float) -> Array:
        given = {**known.parameters, **dict(zip(known.parameters, values, strict=False)), **named}
        return np.asarray(known.definition(np.asarray(x, dtype=np.float64), **given))

    evaluated.__name__ = evaluated.__qualname__ = name
    evaluated.__doc__ = f"``{known.formula}``."
    return evaluated


globals().update({name: _activation(name) for name in ACTIVATIONS})


def softmax(x: ArrayLike, axis: int = 0) -> Array:
    """``e^x / sum e^x`` along `axis`, shifted by its maximum so that nothing overflows."""
    values = np.asarray(x, dtype=np.float64)
    powers = np.exp(values - np.max(values, axis=axis, keepdims=True))
    return np.asarray(powers / np.sum(powers, axis=axis, keepdims=True))


def gray(x: ArrayLike) -> Array:
    """Mix red, green and blue to one map, unrounded: (3, H, W) maps or an RGB picture to (1, H, W)."""
    red, green, blue = to_batch(x)[0]
    of_red, of_green, of_blue = Gray.luma
    return np.asarray(of_red * red + of_green * green + of_blue * blue)[np.newaxis]


def rgb(x: ArrayLike) -> Array:
    """A single map three times: (1, H, W) maps or a grey picture to (3, H, W)."""
    (grey,) = to_batch(x)[0]
    return np.stack([grey, grey, grey])


def normalize(
    x: ArrayLike,
    divide: float = 255.0,
    mean: float | Sequence[float] = 0.0,
    std: float | Sequence[float] = 1.0,
) -> Array:
    """``(x/divide - mean)/std``, with one number or one for each channel, to (C, H, W) maps.

    The stage divides by the full scale of the picture that enters the chain, if nothing else is said; here of 8 bits.
    """
    batch = to_batch(x)
    channels = batch.shape[1]
    means, deviations = np.broadcast_to(mean, channels), np.broadcast_to(std, channels)
    for c in range(channels):
        batch[:, c] = (batch[:, c] / divide - means[c]) / deviations[c]
    return from_batch(batch, 3)


def combine(maps: ArrayLike, count: int, rule: str) -> Array:
    """Make one map of each `count` neighbouring maps: the `n` answers of one channel to a bank of kernels.

    `rule` is `magnitude`, the root of the sum of squares, or `maximum`.
    """
    values = np.asarray(maps, dtype=np.float64)
    result = np.zeros((len(values) // count, *values.shape[1:]))
    for c in range(len(result)):
        answers = values[c * count : (c + 1) * count]
        result[c] = np.sqrt(np.sum(answers**2, axis=0)) if rule == "magnitude" else np.max(answers, axis=0)
    return result


def magnitude(maps: ArrayLike, count: int = 2) -> Array:
    """``sqrt(gx^2 + gy^2)`` of each channel's `count` maps."""
    return combine(maps, count, "magnitude")


def batch_norm(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    epsilon: float = 1e-5,
) -> Array:
    """``(x - mean) / sqrt(variance + epsilon) * weight + bias`` with a number of each for each map of `x` (C, ...).

    Examples
    --------
    >>> batch_norm([[3.0, 7.0]], weight=[2], bias=[1], mean=[5], variance=[4], epsilon=0)
    array([[-1.,  3.]])
    """
    values = np.asarray(x, dtype=np.float64)
    numbers = zip(*(np.asarray(each, dtype=np.float64) for each in (weight, bias, mean, variance)), strict=True)
    scaled = [(plane - m) / np.sqrt(v + epsilon) * w + b for plane, (w, b, m, v) in zip(values, numbers, strict=True)]
    return np.array(scaled)


def prelu(x: ArrayLike, slope: ArrayLike) -> Array:
    """``x`` from 0 on, below it a slope times ``x``, with a slope for each map of `x` (C, ...) or one for all.

    Examples
    --------
    >>> prelu([[-2.0, 3.0], [-2.0, 3.0]], slope=[0.5, 0])
    array([[-1.,  3.],
           [-0.,  3.]])
    """
    values = np.asarray(x, dtype=np.float64)
    slopes = np.broadcast_to(np.asarray(slope, dtype=np.float64), len(values))
    return np.array([np.where(plane >= 0, plane, s * plane) for plane, s in zip(values, slopes, strict=True)])


def lrn(x: ArrayLike, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> Array:
    """``x / (bias + alpha/size * sum of squares)^beta`` of maps (C, H, W), over the `size` maps around each.

    Of an even `size`, one more follows than precedes, as in ONNX.

    Examples
    --------
    >>> lrn([[[1]], [[2]], [[3]]], size=3, alpha=3, beta=1, bias=1)[:, 0, 0].round(4).tolist()
    [0.1667, 0.1333, 0.2143]
    """
    values = np.asarray(x, dtype=np.float64)
    result = np.zeros(values.shape)
    for c in range(len(values)):
        around = values[max(0, c - (size - 1) // 2) : c + size // 2 + 1]
        result[c] = values[c] / (bias + alpha / size * np.sum(around**2, axis=0)) ** beta
    return result


def channel_shuffle(x: ArrayLike, groups: int) -> Array:
    """Maps in turn: the first of each group, then the second of each.

    Examples
    --------
    >>> channel_shuffle([[[0]], [[1]], [[2]], [[3]], [[4]], [[5]]], groups=2)[:, 0, 0].tolist()
    [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    """
    values = np.asarray(x, dtype=np.float64)
    size = len(values) // groups
    return np.array([values[group * size + place] for place in range(size) for group in range(groups)])


def scale_kernel(weight: ArrayLike, scale: str = "none") -> Array:
    """Scale one filter; a sum of zero is never divided by.

    `none` leaves it as it is. `sum` is ImageMagick's: divide by ``|sum w|``, or by the sum of the positive
    weights where the sum is zero. `l1` is kornia's: divide by ``sum |w|``.

    Examples
    --------
    >>> scale_kernel([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], "sum")[1].tolist()
    [-0.5, 0.0, 0.5]
    """
    values = np.asarray(weight, dtype=np.float64)
    size = float(np.sum(np.abs(values)))
    divisor = 1.0
    if scale == "l1":
        divisor = size
    elif scale == "sum":
        total = abs(float(np.sum(values)))
        divisor = total if total > ZERO_SUM * size else float(np.sum(values[values > 0]))
    return values / divisor if divisor else values
