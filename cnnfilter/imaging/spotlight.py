"""A part of a picture brought out: the rest darkened, and lines around it that are seen on light and on dark."""

from __future__ import annotations

import numpy as np

from cnnfilter.imaging.arrays import Array
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.imaging.maps import finite_range

SHADE = 0.4
"""How much of its brightness the rest keeps."""
LINE = 256
"""A white line, and a black one around it, are each this part of the shorter side, but at least a pixel."""

Part = tuple[tuple[int, int], tuple[int, int]]
"""The first and the last row, and column."""


def brought_out(pixels: Array, part: Part | None) -> Array:
    """A picture in which a part is brought out.

    Parameters
    ----------
    pixels : ndarray, (H, W) or (H, W, C)
        Of uint8, uint16 or float32; of floats, the largest is white if that is above 1.
    part : Part, optional
        Within the picture, and not touched; without, all is the rest.

    Returns
    -------
    ndarray
        A copy of the same type.
    """
    result: Array = (pixels * np.float32(SHADE)).astype(pixels.dtype)
    if part is None:
        return result
    thick = max(1, round(min(pixels.shape[:2]) / LINE))
    result[_around(part, 2 * thick)] = 0
    white = FULL_SCALE[pixels.dtype.name]
    result[_around(part, thick)] = max(white, finite_range(pixels)[1]) if pixels.dtype == np.float32 else white
    result[_around(part, 0)] = pixels[_around(part, 0)]
    return result


def _around(part: Part, margin: int) -> tuple[slice, slice]:
    rows, columns = (slice(max(first - margin, 0), last + margin + 1) for first, last in part)
    return rows, columns
