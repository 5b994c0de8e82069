"""One kernel over one picture's pixels: the engine, alpha, and the way back to the picture's own type.

Stands beside `pipeline`: both bring what is below them together for one picture, and know no files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from cnnfilter import buffers
from cnnfilter.engine.arrays import as_number, as_weights
from cnnfilter.engine.bands import in_bands, whole_bands
from cnnfilter.engine.codes import ABSOLUTE, AS_IS
from cnnfilter.engine.geometry import OUTSIDE, Array, Rows, Windows
from cnnfilter.engine.methods import Method, choose
from cnnfilter.engine.scaling import scaled
from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.imaging.mapping import FULL_SCALE, RANGES, Mapping, clipped_fraction, mapping, quantise
from cnnfilter.model.kernels import SCALES, Kernel, from_array, get_kernel
from cnnfilter.model.shapes import (
    Border,
    Padding,
    Pair,
    Size,
    parse_border,
    parse_padding,
    parse_pair,
)
from cnnfilter.model.weights import FilterBank
from cnnfilter.words import nearest

BAND_SAMPLES = 1 << 21
"""Samples of the result that one call of the loops computes. Nothing waits in a cache between steps here, so bands
need only be small enough to be shared, and large enough for what a call costs (30 microseconds) not to count."""

FLOAT_SAMPLES = 1 << 18
"""The same where a band passes through several arrays of floats, 24 bytes a sample on each thread. A quarter of it
took 1.4 times as long, and four times as much gained 4%."""

LARGEST_RESULT = 1e19
"""What a result may reach: its square, which a magnitude takes, is still a float32."""


class Filtered(NamedTuple):
    """What `Filter.run` gives.

    Attributes
    ----------
    pixels : ndarray, (H', W') or (H', W', C)
        Of the type of the input.
    alpha : ndarray, (H', W'), or None
        The input's alpha where each window is anchored.
    clipped : float or None
        The fraction of values that were clamped, where it was asked for.
    """

    pixels: Array
    alpha: Array | None = None
    clipped: float | None = None


class Filter:
    """A kernel and how it is applied; parameters as in `apply`.

    Raises
    ------
    ArgumentError
        If a value is outside its limits; nothing is left to find but what depends on the picture.
    """

    def __init__(
        self,
        kernel: Kernel | FilterBank,
        *,
        stride: Size = 1,
        padding: Padding = "same",
        dilation: Size = 1,
        border: str | Border = "replicate",
        flip: bool = False,
        scale: str = "none",
        bias: float = 0.0,
        range: str = "clip",
    ) -> None:
        for name, value, known in (("scale", scale, SCALES), ("range", range, RANGES)):
            if value not in known:
                msg = f"unknown {name} {value!r}{nearest(value, known)} (known: {', '.join(known)})"
                raise ArgumentError(msg)
        bias = float(as_number(bias, "bias"))
        self.kernel = kernel
        self.stride = parse_pair(stride, "stride")
        self.padding = parse_padding(padding)
        self.dilation = parse_pair(dilation, "dilation")
        self.border = parse_border(border)
        self.bias = bias
        self.range = range
        if isinstance(kernel, FilterBank):
            bank, combine, learned = kernel.weight, None, kernel.bias
        else:
            bank, combine, learned = kernel.weights.reshape(-1, 1, *kernel.size), kernel.combine, None
        self.bank = np.ascontiguousarray(scaled(bank[..., ::-1, ::-1] if flip else bank, scale))
        self.combine = combine
        sums = np.abs(self.bank).sum(axis=(1, 2, 3), dtype=np.float64)
        largest = float(sums.max()) * max(FULL_SCALE["uint16"], abs(self.border.value)) + abs(bias)
        if largest > LARGEST_RESULT:
            msg = f"the kernel's weights, the bias or the border are too large: a result may reach {largest:.3g}"
            raise ArgumentError(msg)
        self.biases = np.full(len(bank), bias) if learned is None else learned + bias
        self._latest: tuple[Any, _Plan] | None = None

    def run(
        self,
        pixels: Array,
        alpha: Array | None = None,
        *,
        threads: int | None = None,
        count_clipped: bool = False,
    ) -> Filtered:
        """Filter one picture.

        Parameters
        ----------
        pixels : ndarray, (H, W) or (H, W, C), of uint8, uint16 or float32
        alpha : ndarray, (H, W), of the same type, optional
            A transparent neighbour counts as the centre's colour: with `a` in 0..1 the result is
            `K*(a c) + c (sum(K) - K*a)`.
        threads : int, optional
            All cores by default.
        count_clipped : bool
            Also count what is clamped, which takes a second pass.

        Returns
        -------
        Filtered

        Raises
        ------
        ShapeError
            If the kernel is larger than the padded picture, or its channels do not match.
        PictureError
            If `range` needs the extremes of values that are not finite.
        """
        transparent = alpha is not None and bool((alpha < FULL_SCALE[alpha.dtype.name]).any())
        run = _Run(self, pixels, alpha if transparent else None)
        out = buffers.empty((*run.windows.out, run.channels), pixels.dtype)
        how = Mapping(absolute=self.range == "abs")
        if self.range in ("normalize", "center"):
            how = mapping(self.range, *run.extremes(threads), dtype=pixels.dtype)
        plain = self.range in ("clip", "abs") and not transparent
        clamped = np.zeros(run.windows.out[0])

        def work(first: int, last: int) -> None:
            if plain:
                run.store(out[first:last], first, ABSOLUTE if how.absolute else AS_IS)
            if count_clipped or not plain:
                values = run.values(first, last)
                clamped[first] = clipped_fraction(values, pixels.dtype, how) * (last - first)
                if not plain:
                    out[first:last] = quantise(values, pixels.dtype, how)

        run.in_bands(work, threads, BAND_SAMPLES if plain and not count_clipped else FLOAT_SAMPLES)
        return Filtered(
            out.reshape(run.windows.out) if pixels.ndim == 2 or run.channels < pixels.shape[2] else out,
            None if alpha is None else run.at_anchor(alpha, 0, run.windows.out[0]),
            float(clamped.sum()) / len(clamped) if count_clipped else None,
        )

    def plan_for(self, size: Pair, channels: int, dtype: np.dtype[Any], parts: list[_Part]) -> _Plan:
        """Return how to run over pictures of a size and type: that of the last one, if this is like it."""
        key = (size, channels, dtype)
        latest = self._latest
        if latest is None or latest[0] != key:
            latest = self._latest = key, _Plan(self, size, dtype, parts)
        return latest[1]


class _Part(NamedTuple):
    """Filters, combined into one map, and the source that they read, (planes, H, W * step)."""

    filters: Array
    combine: str | None
    source: Array
    step: int
    bias: float


class _Plan:
    """How a filter runs over all pictures of one size and type."""

    def __init__(self, filter_: Filter, size: Pair, dtype: np.dtype[Any], parts: list[_Part]) -> None:
        self.windows = Windows.over(
            size,
            (filter_.bank.shape[2], filter_.bank.shape[3]),
            stride=filter_.stride,
            padding=filter_.padding,
            dilation=filter_.dilation,
            border=filter_.border,
        )
        # Beyond a border of one colour, everything is opaque.
        beyond = Border("constant", 1.0) if filter_.border.mode == "constant" else filter_.border
        self.cover_windows = replace(self.windows, border=beyond)
        self.filters = [part.filters for part in parts]
        self.methods = [choose(part.filters, self.windows, dtype, part.combine) for part in parts]

    @cached_property
    def blending(self) -> list[list[list[tuple[Method, Method]]]]:
        """How each weight matrix of each filter of each part runs over colours times alpha, and over alpha."""
        kind = np.dtype(np.float32)
        return [
            [
                [
                    (choose(one[None, None], self.windows, kind), choose(one[None, None], self.cover_windows, kind))
                    for one in planes
                ]
                for planes in filters
            ]
            for filters in self.filters
        ]


class _Run:
    """A filter over one picture: which part of it reads which channels, and any band of the result."""

    def __init__(self, filter_: Filter, pixels: Array, alpha: Array | None) -> None:
        self.is_same_lower = filter_.padding == "same-lower"
        self.alpha = alpha
        self.size = (pixels.shape[0], pixels.shape[1])
        channels = pixels.size // (self.size[0] * self.size[1])
        self.parts = self._parts(filter_, pixels.reshape(*self.size, channels))
        self.channels = sum(part.step for part in self.parts)
        self.plan = filter_.plan_for(self.size, channels, pixels.dtype, self.parts)
        self.windows, self.methods = self.plan.windows, self.plan.methods

    def _parts(self, filter_: Filter, pixels: Array) -> list[_Part]:
        bank, channels = filter_.bank, pixels.shape[2]
        if bank.shape[1] == 1 and (len(bank) == 1 or filter_.combine):
            whole = pixels.reshape(1, self.size[0], -1)
            return [_Part(bank, filter_.combine, whole, channels, filter_.biases[0])]
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        if bank.shape[:2] == (channels, 1):
            sources = [planes[c : c + 1] for c in range(channels)]
        elif bank.shape[:2] == (1, channels):
            sources = [planes]
        else:
            needed = "one filter, or one for each channel, over 1 channel"
            if len(bank) == 1:
                needed = f"a picture of {bank.shape[1]} channels"
            msg = (
                f"{filter_.kernel.name} is a bank of {len(bank)} x {bank.shape[1]} x {bank.shape[2]} x "
                f"{bank.shape[3]} (filters, channels, height, width) and the picture has {channels} channels: apply "
                f"needs {needed}; `cnnfilter run` shows the maps of any bank"
            )
            raise ShapeError(msg)
        return [
            _Part(one[None], None, source, 1, bias)
            for one, source, bias in zip(bank, sources, filter_.biases, strict=True)
        ]

    def in_bands(self, work: Callable[[int, int], None], threads: int | None, samples: int) -> None:
        rows, columns = self.windows.out
        height = max(1, samples // (columns * self.channels))
        multiple = max(method.band_rows for method in self.methods)
        in_bands(rows, whole_bands(height, multiple), threads, work)

    def store(self, out: Array, first: int, after: int = AS_IS) -> None:
        """Compute rows `first` onwards into `out`, (R, W', C') of any type of picture."""
        for c, part in enumerate(self.parts):
            rows = out if len(self.parts) == 1 else np.empty(out.shape[:2], dtype=out.dtype)
            source = Rows(part.source, part.step)
            self.methods[c].run(source, first, rows.reshape(len(out), -1), bias=part.bias, after=after)
            if len(self.parts) > 1:
                out[..., c] = rows

    def values(self, first: int, last: int) -> Array:
        """Return rows `first` to `last - 1` before any range, (R, W', C') float32."""
        out = np.empty((last - first, self.windows.out[1], self.channels), dtype=np.float32)
        if self.alpha is None:
            self.store(out, first)
        else:
            for c, part in enumerate(self.parts):
                out[..., c : c + part.step] = self._blended(c, self.alpha, first, last)
        return out

    def _blended(self, c: int, alpha: Array, first: int, last: int) -> Array:
        """Return `K*(a c) + c (sum(K) - K*a)` for part `c`, combined, (R, W', step) float32."""
        part = self.parts[c]
        begin, end = self.windows.needed(first, last)
        opacity = alpha[begin:end] / np.float32(FULL_SCALE[alpha.dtype.name])
        width = self.size[1]
        sums = []
        for planes, methods in zip(part.filters, self.plan.blending[c], strict=True):
            total = np.zeros((last - first, self.windows.out[1], part.step), dtype=np.float32)
            for weights, plane, (over_colours, over_cover) in zip(planes, part.source, methods, strict=True):
                colours = plane.reshape(-1, width, part.step)
                shared = np.multiply(colours[begin:end], opacity[..., None], dtype=np.float32)
                filtered = np.empty_like(total)
                cover = np.empty_like(total[..., :1])
                for method, step, source, result in (
                    (over_colours, part.step, shared, filtered),
                    (over_cover, 1, opacity, cover),
                ):
                    rows = Rows(source.reshape(1, end - begin, width * step), step, begin)
                    method.run(rows, first, result.reshape(last - first, -1))
                missing = np.float32(weights.sum(dtype=np.float64)) - cover
                total += filtered + self.at_anchor(colours, first, last) * missing
            sums.append(total)
        if part.combine == "magnitude":
            result = np.sqrt(sum(np.square(one) for one in sums))
        else:
            result = np.maximum.reduce(sums)
        return result + np.float32(part.bias)

    def at_anchor(self, source: Array, first: int, last: int) -> Array:
        """Return the samples where the windows of rows `first` to `last - 1` are anchored: in their middle."""
        windows = self.windows
        places = []
        for axis, index, bounds in (
            (0, windows.rows, (first, last)),
            (1, windows.columns, (0, windows.out[1])),
        ):
            # Of two middles that with which the window covers as much before as `same` pads there.
            span = windows.span[axis] if self.is_same_lower else windows.span[axis] - 1
            padded = np.arange(*bounds) * windows.stride[axis] + span // 2
            inside = np.clip(padded - windows.pads[axis][0], 0, windows.size[axis] - 1)
            places.append(np.where(index[padded] == OUTSIDE, inside, index[padded]))
        return source[np.ix_(*places)]

    def extremes(self, threads: int | None) -> tuple[float, float]:
        """Return the smallest and the largest value before any range."""
        found: list[tuple[float, float]] = []

        def work(first: int, last: int) -> None:
            values = self.values(first, last)
            found.append((float(values.min()), float(values.max())))

        self.in_bands(work, threads, FLOAT_SAMPLES)
        return float(np.min(found)), float(np.max(found))


def apply(
    image: Any,
    kernel: str | Kernel | FilterBank | Any,
    *,
    stride: Size = 1,
    padding: Padding = "same",
    dilation: Size = 1,
    border: str | Border = "replicate",
    flip: bool = False,
    scale: str = "none",
    bias: float = 0.0,
    range: str = "clip",
    threads: int | None = None,
) -> Array:
    """Filter a picture with one kernel, each channel on its own.

    Parameters
    ----------
    image : ndarray, (H, W) or (H, W, C), of uint8, uint16 or float32
        All channels are treated alike, alpha too.
    kernel : str, Kernel, FilterBank or array_like
        A name (`"gaussian:sigma=2"`), an inline matrix (`"0 -1 0; -1 5 -1; 0 -1 0"`), a matrix (kh, kw), or a
        bank (O, I, kh, kw) with one filter in all or one for each channel.
    stride, padding, dilation, border
        As in `conv2d`; the default keeps the picture's size, and repeats its edge.
    flip : bool
        Rotate the kernel by 180 degrees: convolution in the sense of signal processing.
    scale : {"none", "sum", "l1"}
        Divide the kernel by its sum, or by the sum of its absolute weights.
    bias : float
        Added to each value.
    range : {"clip", "abs", "normalize", "center"}
        What happens to values before they are rounded to the picture's type.
    threads : int, optional
        All cores by default. The result is the same for every number.

    Returns
    -------
    ndarray, (H', W') or (H', W', C), of the type of `image`

    Raises
    ------
    ArgumentError
        If a value is outside its limits.
    KernelError
        If the kernel's name is unknown.
    ShapeError
        If the kernel is larger than the padded picture, or its channels do not match.
    PictureError
        If `range` needs the extremes of values that are not finite.

    Examples
    --------
    >>> apply(np.eye(3, dtype=np.uint8) * 100, "box")[1].tolist()
    [33, 33, 33]
    """
    pixels = np.ascontiguousarray(image)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if pixels.dtype.name not in FULL_SCALE or np.ndim(image) not in (2, 3) or pixels.size == 0:
        msg = (
            f"a picture is (H, W) or (H, W, C) of uint8, uint16 or float32, not {pixels.dtype} of shape "
            f"{np.shape(image)}"
        )
        raise ArgumentError(msg)
    if isinstance(kernel, str):
        chosen: Kernel | FilterBank = get_kernel(kernel)
    elif isinstance(kernel, Kernel | FilterBank):
        chosen = kernel
    elif np.ndim(kernel) == 2:
        chosen = from_array(kernel)
    else:
        weights = as_weights(kernel, (2, 3, 4), "kernel")
        chosen = FilterBank("custom", weights if weights.ndim == 4 else weights[:, None], None)
    filter_ = Filter(
        chosen,
        stride=stride,
        padding=padding,
        dilation=dilation,
        border=border,
        flip=flip,
        scale=scale,
        bias=bias,
        range=range,
    )
    return filter_.run(pixels, threads=threads).pixels
