"""`apply`: a filter that is used once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack, overload

import numpy as np

from cnnfilter.engine.arrays import as_array, as_weights
from cnnfilter.engine.geometry import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.imaging.picture import Picture
from cnnfilter.kernels.kernel import Kernel, from_array, get_kernel
from cnnfilter.running.filter import Filter
from cnnfilter.sizes import Border, Padding, Size
from cnnfilter.weights.bank import FilterBank

if TYPE_CHECKING:
    import numpy.typing as npt

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
