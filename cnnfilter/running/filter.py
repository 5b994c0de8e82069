"""`Filter`: a kernel and how it is applied, checked once; and `apply`, which uses it once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, TypeVar, Unpack, overload

import numpy as np

from cnnfilter.engine.arrays import as_array, as_number, as_weights
from cnnfilter.engine.codes import ABSOLUTE, AS_IS
from cnnfilter.engine.geometry import Array, Empty, new_result
from cnnfilter.engine.scaling import prepared
from cnnfilter.errors import ArgumentError
from cnnfilter.imaging.mapping import FULL_SCALE, RANGES, Mapping, clipped_fraction, mapping, quantise
from cnnfilter.imaging.picture import Picture
from cnnfilter.kernels.kernel import Kernel, from_array, get_kernel
from cnnfilter.kernels.scaling import SCALES
from cnnfilter.running.run import Part, Run, Setup
from cnnfilter.runtime import buffers
from cnnfilter.sizes import Border, Padding, Pair, Size, parse_border, parse_padding, parse_pair
from cnnfilter.text.values import one_of, switch
from cnnfilter.weights.bank import FilterBank

if TYPE_CHECKING:
    import numpy.typing as npt

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
        run = Run(self, pixels, alpha if transparent else None)
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

    def setup_for(self, size: Pair, channels: int, dtype: np.dtype[Any], parts: list[Part]) -> Setup:
        """How to run over pictures of a size and type; that of the last picture, if this one is like it."""
        key = (size, channels, dtype)
        latest = self._latest
        if latest is None or latest[0] != key:
            latest = self._latest = key, Setup(self, size, dtype, parts)
        return latest[1]


Pictured = TypeVar("Pictured", bound=Picture)


class Options(TypedDict, total=False):
    """The keywords of `apply`."""

    stride: Size
    padding: Padding
    dilation: Size
    border: str | Border
    flip: bool
    scale: str
    bias: float
    range: str
    threads: int | None


@overload
def apply(image: Pictured, kernel: Any, **options: Unpack[Options]) -> Pictured: ...


@overload
def apply(image: npt.ArrayLike, kernel: Any, **options: Unpack[Options]) -> Array: ...


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
) -> Any:
    """Filter a picture with one kernel, each channel on its own.

    Parameters
    ----------
    image : Picture, or ndarray, (H, W) or (H, W, C), of uint8, uint16 or float32
        All channels of an array are treated alike, alpha too. A Picture's alpha is carried through, and a transparent
        neighbour counts as the centre's colour.
    kernel : str, Kernel, FilterBank or array_like
        A name (`"gaussian:sigma=2"`), an inline matrix (`"0 -1 0; -1 5 -1; 0 -1 0"`), a matrix (kh, kw), or a
        bank (O, I, kh, kw) with one filter in all or one for each channel.
    stride, dilation : int, pair or str
        Pixels between windows, and between the taps of one, `2`, `(2, 1)` or `"2x1"`, height before width.
    padding : int, pair, pair of pairs or str
        Pixels added around: `"same"` keeps the size (with a stride, it gives ``ceil(n / stride)``), an odd one at the
        end (`"same-lower"`: at the beginning); `"valid"` adds none; `2` on all sides; `(1, 2)` above and below, left
        and right; `((1, 2), (0, 3))` above, below, left, right; or as text, `"1x2"`, `"1+2x0+3"`.
    border : str
        What the padding holds: `"replicate"` (the edge), `"zeros"`, `"constant=V"`, `"reflect"`, `"symmetric"`,
        `"circular"`.
    flip : bool
        Rotate the kernel by 180 degrees: convolution in the sense of signal processing.
    scale : {"none", "sum", "l1"}
        Divide the kernel by its sum (where that is 0, by that of its positive weights), or by that of its absolute
        weights.
    bias : float
        Added to each value.
    range : {"clip", "abs", "normalize", "center"}
        What happens to values before they are rounded, half to even, to the picture's type: cut off at black and white;
        made positive; stretched from black to white; 0 at mid grey. Floats are not rounded or cut off.
    threads : int, optional
        How many to use; all cores by default. The result is the same for every number.

    Returns
    -------
    ndarray, (H', W') or (H', W', C), of the type of `image`; a Picture for a Picture

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
    given = image.pixels if isinstance(image, Picture) else as_array(image, "image")
    pixels = np.ascontiguousarray(given, dtype=given.dtype.newbyteorder("="))
    if pixels.dtype.name not in FULL_SCALE or given.ndim not in (2, 3) or pixels.size == 0:
        msg = (
            f"image must be (H, W) or (H, W, C) of uint8, uint16 or float32, not {pixels.dtype.name} of shape "
            f"{given.shape}"
        )
        raise ArgumentError(msg)
    if isinstance(kernel, str):
        chosen: Kernel | FilterBank = get_kernel(kernel)
    elif isinstance(kernel, Kernel | FilterBank):
        chosen = kernel
    else:
        weights = as_weights(kernel, (2, 3, 4), "kernel")
        bank = weights if weights.ndim == 4 else weights[:, None]
        chosen = from_array(weights) if weights.ndim == 2 else FilterBank("custom", bank, None)
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
    if not isinstance(image, Picture):
        return filter_.run(pixels, threads=threads).pixels
    filtered = filter_.run(pixels, image.alpha, threads=threads)
    return replace(image, pixels=filtered.pixels, alpha=filtered.alpha)
