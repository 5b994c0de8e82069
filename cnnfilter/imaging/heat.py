"""Heat maps over a photo, side by side, each with its name and what its colours mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cnnfilter.imaging.arrays import Array, Uint8Array
from cnnfilter.imaging.colormaps import DIVERGING, Scale, colours
from cnnfilter.imaging.lettering import Lettering, number
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.imaging.maps import finite_range

COLORMAP = "inferno"
"""Of values that are 0 or more; others are blue and red around 0."""

SHORTEST, LONGEST = 360, 900
"""Pixels of a panel's longer side: small photos are enlarged by a whole factor, large ones made smaller."""

FINE = 150
"""Cells along the longer side in which values that differ from pixel to pixel are averaged, to be seen."""
OUTLIERS = 99.5
"""Of such values, the percentile of magnitudes at which colours end: a few of them are far larger."""

DIM, UNSEEN = 0.75, 0.35
"""How much of its brightness the grey photo keeps under the colours, and where the network does not see it."""
LEAST, MOST = 0.15, 0.8
"""How much of a colour covers the photo where a value is 0, and where it is the largest."""

BAR, ROOM = 8, 20
"""How long a bar of colours is, and how wide a panel at least, in heights of letters."""

AROUND, CLOSE = 1.5, 0.5
"""How many times as large as what the network sees a closer look is, and which part of the photo it is at most."""

INK, GREY = (0, 0, 0), (96, 96, 96)


class Panel(NamedTuple):
    """A heat map.

    Parameters
    ----------
    title : str
    values : ndarray of float32, (H, W)
    is_fine : bool
        Whether neighbouring pixels differ much.
    part : (slice, slice), optional
        The rows and columns that are shown, of the photo's proportions; by default all.
    """

    title: str
    values: Array
    is_fine: bool = False
    part: tuple[slice, slice] | None = None


def heat_panels(photo: Array, panels: Sequence[Panel], seen: tuple[slice, slice], heading: str) -> Uint8Array:
    """Heat maps over a photo, side by side.

    Parameters
    ----------
    photo : ndarray, (H, W) or (H, W, C)
        Of uint8, uint16 or float32; three channels are colours, of others their mean is shown.
    panels : sequence of Panel
    seen : (slice, slice)
        The rows and columns that the network sees; the rest is darkened.
    heading : str

    Returns
    -------
    ndarray of uint8, (H', W', 3)
        The photo as it is stands before them.
    """
    size = _shown(photo.shape[:2])
    planes = _rgb(photo)
    height, width = size
    count = len(panels) + 1
    columns = count if count < 4 else math.ceil(count / 2)
    lettering = Lettering(max(13, max(size) // 28))
    gap, line = lettering.size, lettering.line
    room = max(width, ROOM * gap)
    top, tile = 2 * gap + line, (height + 2 * line + 2 * gap, room + gap)
    canvas = np.full((top + math.ceil(count / columns) * tile[0], gap + columns * tile[1], 3), 255, np.uint8)
    lettering.draw(canvas, gap, gap, lettering.shorten(heading, canvas.shape[1] - 2 * gap), INK)
    for place, panel in enumerate([None, *panels]):
        first, left = top + place // columns * tile[0], gap + place % columns * tile[1]
        inside = canvas[first : first + height, left : left + width]
        below = first + height + gap // 3
        title = "photo" if panel is None else panel.title
        lettering.draw(canvas, below, left, lettering.shorten(title, room), INK)
        rows, columns_of = (panel and panel.part) or (slice(0, photo.shape[0]), slice(0, photo.shape[1]))
        under = np.stack([_sized(plane[rows, columns_of], size) for plane in planes], axis=-1)
        if panel is None:
            inside[:] = np.rint(under)
        else:
            values = panel.values[rows, columns_of]
            values = _sized(_averaged(values) if panel.is_fine else values, size, smooth=panel.is_fine)
            scale = _scale(values, is_fine=panel.is_fine)
            inside[:] = _overlaid(under, values, scale, _mask((rows, columns_of), seen, size))
            _draw_bar(canvas, below + line, left, scale, lettering)
    return canvas


def closer(seen: tuple[slice, slice], size: Sequence[int]) -> tuple[slice, slice] | None:
    """The rows and columns around those that a network sees, of a photo's proportions; None where they are much of it.

    Parameters
    ----------
    seen : (slice, slice)
    size : sequence of int
        The photo's height and width.
    """
    share = AROUND * max((each.stop - each.start) / side for each, side in zip(seen, size, strict=True))
    if share > CLOSE:
        return None
    spans = []
    for each, side in zip(seen, size, strict=True):
        length = max(round(share * side), each.stop - each.start)
        first = min(max((each.start + each.stop - length) // 2, 0), side - length)
        spans.append(slice(first, first + length))
    return spans[0], spans[1]


def _shown(size: tuple[int, ...]) -> tuple[int, int]:
    """The height and width of a panel."""
    height, width = size
    longer = max(size)
    if longer > LONGEST:
        return max(1, height * LONGEST // longer), max(1, width * LONGEST // longer)
    factor = -(-SHORTEST // longer)
    return height * factor, width * factor


def _rgb(photo: Array) -> Array:
    """A photo's red, green and blue, (3, H, W) float32 up to 255; white is the largest of floats above 1."""
    white = float(FULL_SCALE[photo.dtype.name])
    if photo.dtype == np.float32:
        white = max(white, finite_range(photo)[1])
    planes = (np.atleast_3d(photo).transpose(2, 0, 1) * np.float32(255 / white)).clip(0, 255)
    return planes if len(planes) == 3 else np.repeat(planes.mean(axis=0, keepdims=True), 3, axis=0)


def _sized(plane: Array, size: tuple[int, int], *, smooth: bool = False) -> Array:
    """A plane in another size: means where it gets smaller, squares where it gets larger, or straight lines."""
    from PIL import Image

    larger = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    how = larger if size[0] >= plane.shape[0] else Image.Resampling.BOX
    return np.asarray(Image.fromarray(np.ascontiguousarray(plane, np.float32)).resize(size[::-1], how))


def _averaged(values: Array) -> Array:
    """Values as means of cells, where there would be more than `FINE` of these."""
    longer = max(values.shape)
    if longer <= FINE:
        return values
    height, width = (max(1, side * FINE // longer) for side in values.shape)
    return _sized(values, (height, width))


def _scale(values: Array, *, is_fine: bool) -> Scale:
    """The colours of values, of which 0 is in the middle or the darkest."""
    magnitudes = np.abs(values)
    high = float(np.percentile(magnitudes, OUTLIERS) if is_fine else magnitudes.max()) or float(magnitudes.max())
    return Scale(DIVERGING, -high, high) if float(values.min()) < 0 else Scale(COLORMAP, 0.0, high)


def _mask(part: tuple[slice, slice], seen: tuple[slice, slice], size: tuple[int, int]) -> tuple[slice, slice]:
    """The seen rows and columns in a panel that shows a part of the photo."""
    spans = []
    for each, new, shown in zip(seen, size, part, strict=True):
        first, last = ((place - shown.start) * new // (shown.stop - shown.start) for place in (each.start, each.stop))
        spans.append(slice(first, max(last, first + 1)))
    return spans[0], spans[1]


def _overlaid(under: Array, values: Array, scale: Scale, seen: tuple[slice, slice]) -> Uint8Array:
    """Colours over a grey photo, the more of them the larger a value is."""
    grey = under @ np.array([0.299, 0.587, 0.114], np.float32)
    result = np.repeat(grey[..., np.newaxis] * np.float32(UNSEEN), 3, axis=-1)
    part = values[seen]
    strength = np.clip(np.abs(part) / (scale.high or 1), 0, 1)[..., np.newaxis]
    is_signed = scale.colormap == DIVERGING
    opacity = strength if is_signed else LEAST + (MOST - LEAST) * strength
    result[seen] = grey[seen][..., np.newaxis] * DIM * (1 - opacity) + colours(part, scale) * opacity
    return np.rint(result).astype(np.uint8)


def _draw_bar(canvas: Uint8Array, top: int, left: int, scale: Scale, lettering: Lettering) -> None:
    """A bar of all colours, between the values at its ends."""
    low, high = (f" {number(value)} " for value in scale[1:])
    begin, length = left + lettering.width(low), BAR * lettering.size
    lettering.draw(canvas, top, left, low, GREY)
    bar = colours(np.linspace(0, 1, length), Scale(scale.colormap, 0, 1))
    canvas[top + 2 : top + lettering.size, begin : begin + length] = bar
    lettering.draw(canvas, top, begin + length, high, GREY)
