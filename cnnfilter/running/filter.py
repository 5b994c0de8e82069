"""`Filter`: a kernel and how it is applied, checked once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cnnfilter.engine.arrays import as_number
from cnnfilter.engine.codes import ABSOLUTE, AS_IS
from cnnfilter.engine.geometry import Array, Empty, Windows, new_result
from cnnfilter.engine.scaling import prepared
from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.imaging.mapping import FULL_SCALE, RANGES, Mapping, clipped_fraction, mapping, quantise
from cnnfilter.kernels.kernel import Kernel
from cnnfilter.kernels.scaling import SCALES
from cnnfilter.messages import either
from cnnfilter.running.run import Part, Run, Setup
from cnnfilter.runtime import buffers
from cnnfilter.sizes import Border, Padding, Pair, Size, parse_border, parse_padding, parse_pair
from cnnfilter.text.values import one_of, switch
from cnnfilter.weights.bank import FilterBank

LIGHT_TAPS = 49
"""Taps up to which a fourth sample of each pixel takes less time than moving three of four to another place: so many,
of any weights, take 0.4 of it."""

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
    """A kernel and how it is applied; parameters as in `cnnfilter.apply`.

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
        one_of(scale, "scale", SCALES)
        bias = float(as_number(bias, "bias"))
        self.kernel = kernel
        self.stride = parse_pair(stride, "stride")
        self.padding = parse_padding(padding)
        self.dilation = parse_pair(dilation, "dilation")
        self.border = parse_border(border)
        self.bias = bias
        self.range = one_of(range, "range", RANGES)
        if isinstance(kernel, FilterBank):
            bank, combine, learned = kernel.weight, None, kernel.bias
        else:
            bank, combine, learned = kernel.weights.reshape(-1, 1, *kernel.size), kernel.combine, None
        self.bank = prepared(bank, flip=switch(flip, "flip"), scale=scale)
        self.combine = combine
        sums = np.abs(self.bank).sum(axis=(1, 2, 3), dtype=np.float64)
        largest = float(sums.max()) * max(FULL_SCALE["uint16"], abs(self.border.value)) + abs(bias)
        if largest > LARGEST_RESULT:
            msg = f"the kernel's weights, the bias or the border are too large: a result may reach {largest:.3g}"
            raise ArgumentError(msg)
        self.biases = np.full(len(bank), bias) if learned is None else learned + bias
        self._latest: tuple[Any, Setup] | None = None

    @property
    def is_light(self) -> bool:
        """Whether to filter one sample more of each pixel, which nobody looks at, costs little."""
        is_apart = self.bank.shape[1] == 1 and (len(self.bank) == 1 or self.combine is not None)
        is_small = int(np.count_nonzero(self.bank)) <= LIGHT_TAPS
        return is_apart and self.range in ("clip", "abs") and is_small

    def run(
        self,
        pixels: Array,
        alpha: Array | None = None,
        *,
        threads: int | None = None,
        count_clipped: bool = False,
        empty: Empty = buffers.empty,
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
        empty : callable
            Makes the array for the result, as `numpy.empty` does.

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
        run = self._run_over(pixels, alpha if transparent else None)
        out = new_result((*run.windows.out, run.channels), pixels.dtype, empty)
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

        run.in_bands(work, threads, through_floats=count_clipped or not plain)
        return Filtered(
            out.reshape(run.windows.out) if pixels.ndim == 2 or run.channels < pixels.shape[2] else out,
            None if alpha is None else run.at_anchor(alpha, 0, run.windows.out[0]),
            float(clamped.sum()) / len(clamped) if count_clipped else None,
        )

    def _run_over(self, pixels: Array, alpha: Array | None) -> Run:
        size = (pixels.shape[0], pixels.shape[1])
        parts = self._parts(pixels.reshape(*size, -1))
        return Run(parts, self._setup(size, pixels.dtype, parts), alpha, is_same_lower=self.padding == "same-lower")

    def _setup(self, size: Pair, dtype: np.dtype[Any], parts: list[Part]) -> Setup:
        """How to run over pictures of a size and type; that of the last picture, if this one is like it."""
        key = (size, [part.spacing for part in parts], dtype)
        latest = self._latest  # another thread may put another there
        if latest is None or latest[0] != key:
            windows = Windows.over(
                size,
                (self.bank.shape[2], self.bank.shape[3]),
                stride=self.stride,
                padding=self.padding,
                dilation=self.dilation,
                border=self.border,
            )
            latest = self._latest = key, Setup(windows, dtype, parts)
        return latest[1]

    def _parts(self, pixels: Array) -> list[Part]:
        """Which filters read which channels of a picture (H, W, C)."""
        bank, (height, _, channels) = self.bank, pixels.shape
        if bank.shape[1] == 1 and (len(bank) == 1 or self.combine):
            whole = pixels.reshape(1, height, -1)
            return [Part(bank, self.combine, whole, channels, self.biases[0])]
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        if bank.shape[:2] == (channels, 1):
            sources = [planes[c : c + 1] for c in range(channels)]
        elif bank.shape[1] == channels and len(bank) in (1, channels):
            sources = [planes] * len(bank)
        else:
            needed = "one filter, or one for each channel, over 1 channel"
            if len(bank) in (1, bank.shape[1]):
                needed = f"a picture of {bank.shape[1]} channels"
            msg = (
                f"{self.kernel.name} is a bank of {len(bank)} x {bank.shape[1]} x {bank.shape[2]} x "
                f"{bank.shape[3]} (filters, channels, height, width) and the picture has {channels} channels: apply "
                f"needs {needed}; {either('`cnnfilter run` shows', 'conv2d gives')} the maps of any bank"
            )
            raise ShapeError(msg)
        return [
            Part(one[None], None, source, 1, bias) for one, source, bias in zip(bank, sources, self.biases, strict=True)
        ]
