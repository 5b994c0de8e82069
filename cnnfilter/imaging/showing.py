"""A small picture made large, with its numbers in its cells, or with the one that it was made of beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cnnfilter.errors import PictureError
from cnnfilter.imaging.arrays import Array
from cnnfilter.imaging.formats import NPY
from cnnfilter.imaging.grid import MAX_SIDE, Zoom
from cnnfilter.imaging.lettering import draw_numbers
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.imaging.maps import map_picture
from cnnfilter.imaging.picture import Picture

_GAP = 50
"""Between two pictures lies this part of their width."""


def enlarged(picture: Picture, factor: int, numbers: Array | None = None) -> Picture:
    """A picture whose pixels are squares of `factor` by `factor` pixels.

    Parameters
    ----------
    picture : Picture
        One of floats comes out in the colours of `maps.map_picture`.
    factor : int
    numbers : ndarray, (H, W) or (H, W, C), optional
        What is written into each square; 16-bit pixels then become 8-bit ones.

    Raises
    ------
    PictureError
        If a side would be longer than a contact sheet's.
    ShapeError
        If there is no room for the numbers.
    """
    picture = seen(picture, eight_bits=numbers is not None)
    height, width = picture.pixels.shape[:2]
    if factor * max(height, width) > MAX_SIDE:
        most = MAX_SIDE // max(height, width)
        msg = f"enlarged {factor} times, {width}x{height} has a side of more than {MAX_SIDE} pixels"
        raise PictureError(msg + (f"; --enlarge {most} is the most for it" if most > 1 else "; leave out --enlarge"))
    zoom = Zoom(factor)
    pixels = zoom.enlarged(picture.pixels)
    if numbers is not None:
        pixels = np.repeat(pixels[..., np.newaxis], 3, axis=2) if pixels.ndim == 2 else pixels
        draw_numbers(pixels, numbers, factor)
    alpha = None if picture.alpha is None else zoom.enlarged(picture.alpha)
    return replace(picture, pixels=pixels, alpha=alpha)


def beside(first: Picture, second: Picture) -> Picture:
    """Two pictures in one, side by side, with the second's metadata; what is higher stands out below."""
    eight_bits = first.pixels.dtype != second.pixels.dtype
    first, second = (seen(each, eight_bits=eight_bits) for each in (first, second))
    both = (first, second)
    shapes = [each.pixels.shape for each in both]
    gap = max(2, (shapes[0][1] + shapes[1][1]) // _GAP)
    size = max(shape[0] for shape in shapes), shapes[0][1] + gap + shapes[1][1]
    full = FULL_SCALE[second.pixels.dtype.name]
    colours = (3,) if any(len(shape) == 3 for shape in shapes) else ()
    has_alpha = any(each.alpha is not None for each in both)
    pixels = np.full(size + colours, full, second.pixels.dtype)
    alpha = np.zeros(size, second.pixels.dtype) if has_alpha else None
    for each, left in zip(both, (0, size[1] - shapes[1][1]), strict=True):
        place = np.s_[: each.pixels.shape[0], left : left + each.pixels.shape[1]]
        pixels[place] = each.pixels[..., np.newaxis] if colours and each.pixels.ndim == 2 else each.pixels
        if alpha is not None:
            alpha[place] = full if each.alpha is None else each.alpha
    return replace(second, pixels=pixels, alpha=alpha)


def seen(picture: Picture, *, eight_bits: bool) -> Picture:
    """A picture that can be looked at: floats in colours, and 16 bits as 8 where that is asked for."""
    pixels = picture.pixels
    format = "PNG" if picture.format == NPY else picture.format
    if pixels.dtype == np.float32:
        planes = pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels
        mapped = map_picture(planes)
        return replace(picture, pixels=mapped.pixels, alpha=None, format=format, notes=picture.notes + mapped.notes)
    alpha = picture.alpha
    if eight_bits and pixels.dtype == np.uint16:
        pixels = (pixels // 257).astype(np.uint8)
        alpha = None if alpha is None else (alpha // 257).astype(np.uint8)
    return replace(picture, pixels=pixels, alpha=alpha, format=format)
