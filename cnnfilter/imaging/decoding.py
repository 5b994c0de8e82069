"""From an opened Pillow image to arrays: modes, alpha, depth and orientation.

No second copy of the picture is made on the way. Pixels that stay as they are, are copied at once or shared (see
`runtime.pillow`). What has to be converted or turned upright goes through small bands of rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL.Image import Image, Transpose

from cnnfilter.errors import PictureError
from cnnfilter.imaging.arrays import Array, Uint8Array
from cnnfilter.imaging.colour import to_srgb
from cnnfilter.imaging.headers import AVIF_HEAD, avif_depth, jpeg2000_header
from cnnfilter.messages import either
from cnnfilter.runtime import pillow

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

BAND = 1 << 18
"""Pixels converted at a time."""


_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""What brings a picture upright, by EXIF's number."""

_SHADES = {"1": 255, "L;2": 85, "L;4": 17}
"""What a PNG's shade is multiplied with when Pillow widens it to 8 bits; a `tRNS` shade is not."""


def raw_mode(image: ImageFile) -> str:
    """How the pixels lie in the file, by Pillow's name; known only before they are decoded."""
    args = image.tile[0].args if image.tile else ""
    return str(args[0] if isinstance(args, tuple) else args)


def refuse_deep_colour(image: ImageFile, format: str, stream: BinaryIO) -> None:
    """Raise if Pillow would reduce colour (or grey with alpha) to 8 bits without a word.

    Raises
    ------
    PictureError
        Naming the depth, and the option that accepts it.
    """
    if image.mode in ("1", "P", "PA", "I", "F") or image.mode.startswith("I;"):
        return
    bits = 8
    if format == "PNG" and ";16" in raw_mode(image):
        bits = 16
    elif format == "PPM" and isinstance(image.tile[0].args, tuple):
        bits = int(image.tile[0].args[-1]).bit_length()  # the largest value
    elif format == "JPEG2000":
        bits = jpeg2000_header(stream).depth
    elif format == "AVIF":
        stream.seek(0)
        bits = avif_depth(stream.read(AVIF_HEAD))
    if bits > 8:
        grey = "grey with alpha" if raw_mode(image).startswith("LA;") else "colour"
        raise deep_colour_error(bits, grey)


def deep_colour_error(bits: int, what: str) -> PictureError:
    """The error about colour of more bits than results can have."""
    return PictureError(
        f"{bits}-bit {what} can only be read reduced to 8 bits; {either('--depth 8', 'depth=8')} accepts that"
    )


def fix_transparency(image: Image, raw: str) -> None:
    """Bring the transparent colour of a PNG to the scale that Pillow brought the pixels to."""
    transparent = image.info.get("transparency")
    if isinstance(transparent, int) and image.mode == "L":
        image.info["transparency"] = transparent * _SHADES.get(raw, 1)
    elif isinstance(transparent, tuple) and ";16" in raw:
        image.info["transparency"] = tuple(value >> 8 for value in transparent)


def target_mode(image: Image, raw: str) -> str:
    """The mode to convert an image to, decoded or not: L, LA, RGB, RGBA, or one of 16 bits or of floats as it is."""
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return image.mode
    grey = image.mode in ("1", "L", "LA", "La") or raw.startswith("LA;") or _has_grey_palette(image)
    return ("L" if grey else "RGB") + ("A" if image.has_transparency_data else "")


def _has_grey_palette(image: Image) -> bool:
    if image.mode != "P" or "icc_profile" in image.info:  # a profile would be one for RGB
        return False
    mode, data = image.palette.getdata() if image.palette else ("", b"")  # `getpalette` would decode the picture first
    if mode == "RGB;L":  # TIFF: all reds, all greens, all blues
        third = len(data) // 3
        return data[:third] == data[third : 2 * third] == data[2 * third :]
    step = {"RGB": 3, "RGBA": 4, "BGR": 3, "BGRX": 4}.get(mode, 0)
    return step > 0 and data[0::step] == data[1::step] == data[2::step]


def _place(part: slice, height: int, orientation: int) -> tuple[slice, slice]:
    """Where rows of the file belong in the upright array."""
    if orientation in (3, 4, 6, 7):
        part = slice(height - part.stop, height - part.start)
    return (part, slice(None)) if orientation < 5 else (slice(None), part)


def to_arrays(
    image: Image,
    *,
    raw: str = "",
    orientation: int = 1,
    depth: int | None = None,
    shared: bool = False,
    notes: list[str] | None = None,
) -> tuple[Array, Array | None]:
    """Pixels and alpha of a decoded image.

    Parameters
    ----------
    image : PIL.Image.Image
        Of any mode.
    raw : str
        What `raw_mode` said before decoding.
    orientation : int
        EXIF's number of how to turn it upright, 1 to 8.
    depth : int, optional
        8 reduces 16-bit grey to `round(v * 255 / 65535)`.
    shared : bool
        Whether pixels that stay as they are may lie in the image's memory.
    notes : list of str, optional
        Is told of colours that are neither grey nor RGB, and become sRGB.

    Returns
    -------
    pixels : ndarray
        `(H, W)` or `(H, W, 3)` of uint8, uint16 or float32, C-contiguous unless shared.
    alpha : ndarray or None
        `(H, W)` of the same dtype.

    Raises
    ------
    PictureError
        If 32-bit integers are outside 0 to 65535, or floats are to become 8-bit.
    """
    fix_transparency(image, raw)
    target = target_mode(image, raw)
    if target == "F":
        check_float_depth(depth)
    deep = target.startswith("I")
    dtype = "float32" if target == "F" else "uint16" if deep and depth is None else "uint8"
    width, height = image.size
    shape = (height, width) if orientation < 5 else (width, height)
    if image.mode == target in ("L", "RGB", "RGBA") and orientation == 1:
        lent = pillow.shared(image) if shared and target == "RGB" else None
        if lent is not None:
            return lent, None
        return pillow.packed(image), pillow.packed(image.getchannel("A")) if target == "RGBA" else None
    pixels = np.empty((*shape, 3) if target.startswith("RGB") else shape, dtype)
    transparent = image.info.get("transparency") if deep else None
    alpha = np.empty(shape, dtype) if target.endswith("A") or transparent is not None else None
    convert = to_srgb(image, [] if notes is None else notes)
    rows = max(1, BAND // width)
    for top in range(0, height, rows):
        part = slice(top, min(top + rows, height))
        band = image.crop((0, part.start, width, part.stop))
        # Pillow's own conversion of "I" to 16 bits would clip, hence only the 8-bit modes are converted.
        if band.mode != target:
            band = convert(band) if convert else band.convert(target)
        if orientation > 1:  # in Pillow, which turns small blocks at a time: NumPy takes four times as long
            band = band.transpose(_TURNS[orientation])
        array = np.asarray(band)
        place = _place(part, height, orientation)
        if alpha is not None:
            cover = array != transparent if deep else array[..., -1]
            alpha[place] = cover * np.iinfo(alpha.dtype).max if deep else cover
        if deep:
            array = _sixteen_bits(array, depth)
        elif alpha is not None:
            array = array[..., 0] if array.shape[-1] == 2 else array[..., :3]
        pixels[place] = array
    return pixels, alpha


def check_float_depth(depth: int | None) -> None:
    """Refuse to reduce floats to 8 bits.

    Raises
    ------
    PictureError
        If `depth` is 8.
    """
    if depth == 8:
        msg = (
            f"float pixels have no full scale to be reduced to 8 bits from; leave out {either('--depth 8', 'depth=8')}"
        )
        raise PictureError(msg)


def check_range(what: str, low: int, high: int) -> None:
    """Refuse whole numbers that 16 bits cannot hold.

    Raises
    ------
    PictureError
        Naming the least and the largest.
    """
    if low < 0 or high > 65535:
        msg = f"{what} values from {low} to {high}: only 0 to 65535 can be read; save the picture as float"
        raise PictureError(msg)


def _sixteen_bits(array: Array, depth: int | None) -> Array:
    check_range("32-bit", int(array.min()), int(array.max()))
    return reduced(array) if depth == 8 else array


def grey_if_alike(pixels: Array) -> Array:
    """Colours as greys if all are: Pillow makes colours of whatever frame of a GIF is not the first."""
    if pixels.ndim == 3 and (pixels[..., :1] == pixels[..., 1:]).all():
        return np.ascontiguousarray(pixels[..., 0])
    return pixels


def at_depth(pixels: Array, depth: int | None) -> Array:
    """The pixels of an array at the depth that is asked for.

    Raises
    ------
    PictureError
        If floats are to become 8-bit.
    """
    if pixels.dtype.kind == "f":
        check_float_depth(depth)
    return reduced(pixels) if depth == 8 and pixels.dtype == np.uint16 else pixels


def reduced(array: Array) -> Uint8Array:
    """16-bit values brought to 8 bits, `round(v * 255 / 65535)`."""
    return ((array.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
