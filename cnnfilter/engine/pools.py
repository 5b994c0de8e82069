"""Pools: the largest, the mean and the sum of each window."""

from __future__ import annotations

from typing import Any

from cnnfilter.engine.arrays import as_given, as_maps, as_samples, layout_of
from cnnfilter.engine.bands import Chain
from cnnfilter.engine.geometry import Array, Windows
from cnnfilter.engine.steps import Pooling
from cnnfilter.sizes import Border, Padding, Size, parse_padding, parse_pair
from cnnfilter.text.values import switch


def max_pool2d(
    x: Any,
    window: Size,
    *,
    stride: Size | None = None,
    padding: Padding = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    layout: str | None = None,
    threads: int | None = None,
) -> Array:
    """Largest value of each window, channel by channel.

    Parameters
    ----------
    x : Picture, or array_like, (H, W), (C, H, W), (H, W, C) or (N, C, H, W)
        A picture, feature maps, or a batch of maps. Values are taken as they are: nothing is divided by 255. A
        Picture's transparency is left out, with a warning.
    window : int, pair or str
        `2`, `(2, 1)` or `"2x1"`, height before width.
    stride : int, pair or str, optional
        Samples between windows; by default the window.
    padding : int, pair, pair of pairs or str
        Samples added around: `2` on all sides; `(1, 2)` above and below, left and right; `((1, 2), (0, 3))` above,
        below, left, right; or as text, `"1x2"`, `"1+2x0+3"`. `"valid"` adds none, `"same"` as many as give
        ``ceil(n / stride)`` results, an odd one at the end (`"same-lower"`: at the beginning).
        Minus infinity is padded; a window wholly in the padding gives it.
    dilation : int, pair or str
        Samples between the taps of a window.
    ceil_mode : bool
        Round the output's size up; a window that would start in the end padding is dropped.
    layout : {"chw", "hwc"}, optional
        How the axes of a 3-D `x` lie, and the last three of a 4-D one. By default a Picture, and 3-D uint8 and uint16
        are (H, W, C), and all else is (C, H, W).
    threads : int, optional
        How many to use; all cores by default. The result is the same for every number.

    Returns
    -------
    ndarray of float32, (C, H', W'), or (N, C, H', W') for 4-D `x`, or (H', W') for 2-D `x`

    Raises
    ------
    ArgumentError
        If a value is outside its limits, or `x` is none of these. Without a layout also if `x` is a 3-D array, not of
        uint8 or uint16, and looks like (H, W, C): its last axis is 1, 3 or 4, and the others are longer than 4.
    ShapeError
        If the window is larger than the padded input.

    Notes
    -----
    As `torch.nn.functional.max_pool2d`, but that the padding may exceed half the window. A NaN in the window is
    the maximum.

    Examples
    --------
    >>> max_pool2d([[3, 2, 0, 0], [0, 7, 1, 3], [5, 2, 3, 0], [0, 9, 2, 3]], 2).tolist()
    [[7.0, 3.0], [9.0, 3.0]]
    """
    return _pool("max", x, window, stride, padding, dilation, ceil_mode, layout, threads)


def avg_pool2d(
    x: Any,
    window: Size,
    *,
    stride: Size | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    layout: str | None = None,
    threads: int | None = None,
) -> Array:
    """Mean of each window, channel by channel.

    Parameters
    ----------
    x : Picture, or array_like, (H, W), (C, H, W), (H, W, C) or (N, C, H, W)
        A picture, feature maps, or a batch of maps. Values are taken as they are: nothing is divided by 255. A
        Picture's transparency is left out, with a warning.
    window : int, pair or str
        `2`, `(2, 1)` or `"2x1"`, height before width.
    stride : int, pair or str, optional
        Samples between windows; by default the window.
    padding : int, pair, pair of pairs or str
        Samples added around: `2` on all sides; `(1, 2)` above and below, left and right; `((1, 2), (0, 3))` above,
        below, left, right; or as text, `"1x2"`, `"1+2x0+3"`. `"valid"` adds none, `"same"` as many as give
        ``ceil(n / stride)`` results, an odd one at the end (`"same-lower"`: at the beginning).
        Zeros are padded.
    ceil_mode : bool
        Round the output's size up; a window that would start in the end padding is dropped.
    count_include_pad : bool
        Whether the divisor counts the padding; it never counts what `ceil_mode` adds past it.
    layout : {"chw", "hwc"}, optional
        How the axes of a 3-D `x` lie, and the last three of a 4-D one. By default a Picture, and 3-D uint8 and uint16
        are (H, W, C), and all else is (C, H, W).
    threads : int, optional
        How many to use; all cores by default. The result is the same for every number.

    Returns
    -------
    ndarray of float32, (C, H', W'), or (N, C, H', W') for 4-D `x`, or (H', W') for 2-D `x`

    Raises
    ------
    ArgumentError
        If a value is outside its limits, or `x` is none of these. Without a layout also if `x` is a 3-D array, not of
        uint8 or uint16, and looks like (H, W, C): its last axis is 1, 3 or 4, and the others are longer than 4.
    ShapeError
        If the window is larger than the padded input.

    Notes
    -----
    As `torch.nn.functional.avg_pool2d`, but that the padding may exceed half the window: one wholly in it gives 0.

    Examples
    --------
    >>> avg_pool2d([[3, 2, 0, 0], [0, 7, 1, 3], [5, 2, 3, 0], [0, 9, 2, 3]], 2).tolist()
    [[3.0, 1.0], [4.0, 2.0]]
    """
    return _pool("avg", x, window, stride, padding, 1, ceil_mode, layout, threads, count_include_pad)


def sum_pool2d(
    x: Any,
    window: Size,
    *,
    stride: Size | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    layout: str | None = None,
    threads: int | None = None,
) -> Array:
    """Sum of each window, channel by channel.

    Parameters
    ----------
    x : Picture, or array_like, (H, W), (C, H, W), (H, W, C) or (N, C, H, W)
        A picture, feature maps, or a batch of maps. Values are taken as they are: nothing is divided by 255. A
        Picture's transparency is left out, with a warning.
    window : int, pair or str
        `2`, `(2, 1)` or `"2x1"`, height before width.
    stride : int, pair or str, optional
        Samples between windows; by default the window.
    padding : int, pair, pair of pairs or str
        Samples added around: `2` on all sides; `(1, 2)` above and below, left and right; `((1, 2), (0, 3))` above,
        below, left, right; or as text, `"1x2"`, `"1+2x0+3"`. `"valid"` adds none, `"same"` as many as give
        ``ceil(n / stride)`` results, an odd one at the end (`"same-lower"`: at the beginning).
        Zeros are padded; a window wholly in the padding gives 0.
    ceil_mode : bool
        Round the output's size up; a window that would start in the end padding is dropped.
    layout : {"chw", "hwc"}, optional
        How the axes of a 3-D `x` lie, and the last three of a 4-D one. By default a Picture, and 3-D uint8 and uint16
        are (H, W, C), and all else is (C, H, W).
    threads : int, optional
        How many to use; all cores by default. The result is the same for every number.

    Returns
    -------
    ndarray of float32, (C, H', W'), or (N, C, H', W') for 4-D `x`, or (H', W') for 2-D `x`

    Raises
    ------
    ArgumentError
        If a value is outside its limits, or `x` is none of these. Without a layout also if `x` is a 3-D array, not of
        uint8 or uint16, and looks like (H, W, C): its last axis is 1, 3 or 4, and the others are longer than 4.
    ShapeError
        If the window is larger than the padded input.

    Examples
    --------
    >>> sum_pool2d([[1, 2], [3, 4]], 2).tolist()
    [[10.0]]
    """
    return _pool("sum", x, window, stride, padding, 1, ceil_mode, layout, threads)


def _pool(
    kind: str,
    x: Any,
    window: Size,
    stride: Size | None,
    padding: Padding,
    dilation: Size,
    ceil_mode: bool,
    layout: str | None,
    threads: int | None,
    count_include_pad: bool = True,
) -> Array:
    samples = as_samples(x)
    maps = as_maps(samples, layout=layout_of(x, layout))
    size = parse_pair(window, "window")
    counts = switch(count_include_pad, "count_include_pad")
    windows = Windows.over(
        (maps.shape[2], maps.shape[3]),
        size,
        stride=size if stride is None else parse_pair(stride, "stride"),
        padding=parse_padding(padding),
        dilation=parse_pair(dilation, "dilation"),
        border=Border(),
        ceil_mode=switch(ceil_mode, "ceil_mode"),
    )
    step = Pooling(kind, windows, maps.shape[1], count_include_pad=counts)
    chain = Chain([step])
    return as_given([chain(source, threads) for source in maps], samples, is_plane=True)
