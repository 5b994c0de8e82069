"""Maps of another size in plain, slow, readable NumPy, as `reference` has the other operations.

A loop visits each place of the result, and its body is the formula, in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from cnnfilter.engine.reference import Array, from_batch, to_batch
from cnnfilter.sizes import Padding, Size, parse_padding, parse_pair, resolve_pads


def conv_transpose2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Size = 1,
    padding: Padding = 0,
    output_padding: Sequence[int] = (0, 0),
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Add the kernel, times each sample, to the result where the sample lies in it.

    Parameters
    ----------
    x : array_like
        Picture, maps or batch, by the convention of `reference`.
    weight : array_like of shape (I, O/groups, kh, kw)
    bias : array_like of shape (O,), optional
    stride, dilation
        Places between the kernels of neighbouring samples, and between the taps of one.
    padding
        What is cut off, in numbers.
    output_padding : (height, width)
        Places that are added at the end.
    groups : int

    Notes
    -----
    ``out[i*s - begin + m*d, j*s - begin + n*d] += x[i,j] * w[m,n]``; its size is
    ``(n-1)*s - begin - end + d*(k-1) + output_padding + 1``.

    Examples
    --------
    >>> conv_transpose2d([[1, 10]], [[[[1, 2], [3, 4]]]], stride=2)[0]
    array([[ 1.,  2., 10., 20.],
           [ 3.,  4., 30., 40.]])
    """
    batch, bank = to_batch(x), np.asarray(weight, dtype=np.float64)
    inputs, outputs, kh, kw = bank.shape
    strides, dilations = parse_pair(stride, "stride"), parse_pair(dilation, "dilation")
    pads = resolve_pads(parse_padding(padding), (1, 1), (kh, kw), strides, dilations)
    height, width = (
        (batch.shape[2 + i] - 1) * strides[i] - sum(pads[i]) + dilations[i] * (k - 1) + output_padding[i] + 1
        for i, k in enumerate((kh, kw))
    )
    result = np.zeros((len(batch), outputs * groups, height, width))
    if bias is not None:
        result += np.asarray(bias, dtype=np.float64)[:, None, None]
    for c in range(inputs):
        first = c // (inputs // groups) * outputs  # the first map of this channel's group
        for i, j, m, n in np.ndindex(*batch.shape[2:], kh, kw):
            row = i * strides[0] - pads[0][0] + m * dilations[0]
            column = j * strides[1] - pads[1][0] + n * dilations[1]
            if 0 <= row < height and 0 <= column < width:
                for o in np.flatnonzero(bank[c, :, m, n]):  # a zero weight contributes nothing, not even to NaN
                    result[:, first + o, row, column] += batch[:, c, i, j] * bank[c, o, m, n]
    return from_batch(result, max(np.ndim(x), 3))


def global_max_pool2d(x: ArrayLike) -> Array:
    """Take the largest sample of each map, (C, 1, 1); a NaN is the largest."""
    return from_batch(to_batch(x).max(axis=(2, 3), keepdims=True), max(np.ndim(x), 3))


def crop(x: ArrayLike, size: Sequence[int]) -> Array:
    """Cut out the middle of maps; of an odd rest, Python's `round` of a half says where it begins."""
    batch = to_batch(x)
    top, left = (round((n - wanted) / 2) for n, wanted in zip(batch.shape[2:], size, strict=True))
    return from_batch(batch[:, :, top : top + size[0], left : left + size[1]], max(np.ndim(x), 3))


def upsample(
    x: ArrayLike,
    *,
    scale: Sequence[float] | None = None,
    size: Sequence[int] | None = None,
    mode: str = "nearest",
    coordinates: str = "asymmetric",
    rounding: str = "floor",
) -> Array:
    """Make maps larger or smaller, as ONNX's Resize defines it.

    Parameters
    ----------
    x : array_like
        Picture, maps or batch, by the convention of `reference`.
    scale, size : (height, width)
        One of the two: what the sizes are multiplied by, or the sizes of the result.
    mode, coordinates, rounding : str
        ONNX's `mode` ("nearest" or "bilinear"), `coordinate_transformation_mode` and `nearest_mode`.

    Examples
    --------
    >>> upsample([[1, 2]], scale=(1, 2))
    array([[1., 1., 2., 2.]])
    >>> upsample([[1, 2]], scale=(1, 2), mode="bilinear", coordinates="half_pixel")
    array([[1.  , 1.25, 1.75, 2.  ]])
    """
    result = to_batch(x)
    for axis in (2, 3):
        n = result.shape[axis]
        out = int(n * scale[axis - 2]) if scale is not None else (size or (1, 1))[axis - 2]
        factor = scale[axis - 2] if scale is not None else out / n
        places = [_source(place, n, out, factor, coordinates) for place in range(out)]
        if mode == "nearest":
            chosen = [min(max(_ROUNDINGS[rounding](place), 0), n - 1) for place in places]
            result = result.take(chosen, axis)
        else:
            inside = np.clip(places, 0, n - 1)
            before = np.floor(inside).astype(int)
            share = (inside - before).reshape(-1, *[1] * (3 - axis))
            after = np.minimum(before + 1, n - 1)
            result = np.asarray(result.take(before, axis) * (1 - share) + result.take(after, axis) * share)
    return from_batch(result, np.ndim(x))


def _source(place: int, n: int, out: int, factor: float, coordinates: str) -> float:
    """Where a value lies among the samples; a hair is added, so that a third times three is one."""
    if coordinates == "align_corners":
        return place * (n - 1) / (out - 1) if out > 1 else 0.0
    if coordinates == "pytorch_half_pixel" and out == 1:
        return 0.0
    if coordinates == "asymmetric":
        return round(place / factor, 9)
    return round((place + 0.5) / factor - 0.5, 9)


_ROUNDINGS: dict[str, Callable[[float], int]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "round_prefer_floor": lambda place: math.ceil(place - 0.5),
    "round_prefer_ceil": lambda place: math.floor(place + 0.5),
}


def resize(x: ArrayLike, size: Sequence[int], filter: str = "bilinear") -> Array:
    """Resize maps as Pillow does: the mean of the samples under a curve about each value, rows after columns.

    Where an axis gets shorter, the curve is as much wider, so that every sample counts.

    Parameters
    ----------
    x : array_like
        Picture, maps or batch, by the convention of `reference`.
    size : (height, width)
    filter : str
        `bilinear`, `bicubic` (a = -0.5), `lanczos` (3 lobes), `box` or `hamming`.

    Examples
    --------
    >>> resize([[0, 4, 8, 12]], (1, 2), "box")
    array([[ 2., 10.]])
    """
    support, curve = _CURVES[filter]
    result = to_batch(x)
    for axis in (3, 2):
        n, out = result.shape[axis], size[axis - 2]
        step = n / out
        wide = max(step, 1.0)
        values = []
        for place in range(out):
            center = (place + 0.5) * step
            weights = np.array([curve((sample + 0.5 - center) / wide) for sample in range(n)])
            weights[np.abs(np.arange(n) + 0.5 - center) > support * wide] = 0
            values.append(np.tensordot(result, weights / weights.sum(), (axis, 0)))
        result = np.stack(values, axis)
    return from_batch(result, np.ndim(x))


def _cubic(x: float) -> float:
    x = abs(x)
    return 1.5 * x**3 - 2.5 * x**2 + 1 if x < 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2


_CURVES: dict[str, tuple[float, Callable[[float], float]]] = {
    "bilinear": (1.0, lambda x: max(1 - abs(x), 0.0)),
    "bicubic": (2.0, _cubic),
    "lanczos": (3.0, lambda x: float(np.sinc(x) * np.sinc(x / 3))),
    "box": (0.5, lambda x: 1.0 if -0.5 < x <= 0.5 else 0.0),
    "hamming": (1.0, lambda x: float(np.sinc(x) * (0.54 + 0.46 * math.cos(math.pi * x)))),
}
