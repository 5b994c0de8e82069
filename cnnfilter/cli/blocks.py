"""Pictures as characters, for Rich: two pixels in each, one above the other; or shades, where there are no colours."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

import numpy as np
from rich.color import Color
from rich.segment import Segment, Segments
from rich.style import Style

if TYPE_CHECKING:
    from rich.console import Console

    from cnnfilter.imaging.arrays import Uint8Array

UPPER = "\u2580"
"""The upper half of a cell in one colour; the lower is its ground, in another."""
SHADES = (" \u2591\u2592\u2593\u2588", " .:+#")
"""From black to white; the second are ASCII."""
LUMINANCE = (0.299, 0.587, 0.114)

Colour = tuple[int, ...]


def blocks(pixels: Uint8Array, console: Console, encoding: str) -> Segments:
    """A picture in half blocks: a column for each pixel, and a line for two.

    Parameters
    ----------
    pixels : ndarray of uint8, (H, W, 3)
    console : Console
        One that has no colours is given shades.
    encoding : str
        The terminal's; in one without half blocks there are whole ones.
    """
    if console.color_system is None or console.no_color or console.legacy_windows:
        shades = next(each for each in SHADES if _has(encoding, each))
        return Segments(_shaded(_halved(pixels), shades))
    if not _has(encoding, UPPER):
        pixels = np.repeat(_halved(pixels), 2, axis=0)
    return Segments(_coloured(pixels))


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _halved(pixels: Uint8Array) -> Uint8Array:
    """The means of two rows each; of an odd last one, that row."""
    lower = pixels[1::2] if len(pixels) % 2 == 0 else np.concatenate([pixels[1::2], pixels[-1:]])
    return ((pixels[::2].astype(np.uint16) + lower) // 2).astype(np.uint8)


def _shaded(pixels: Uint8Array, shades: str) -> Iterator[Segment]:
    levels = (pixels @ np.array(LUMINANCE) * len(shades) / 256).astype(int)
    for row in levels.tolist():
        yield Segment("".join(shades[level] for level in row))
        yield Segment.line()


def _coloured(pixels: Uint8Array) -> Iterator[Segment]:
    rows = [list(map(tuple, row)) for row in pixels.tolist()]
    style = functools.cache(_style)  # of this picture alone: Rich keeps in a style how the first terminal writes it
    for upper, lower in zip_longest(rows[::2], rows[1::2], fillvalue=[None] * len(rows[0])):
        for colours, run in groupby(zip(upper, lower, strict=True)):
            mark = " " if colours[0] == colours[1] else UPPER
            yield Segment(mark * sum(1 for _ in run), style(*colours))
        yield Segment.line()


def _style(upper: Colour, lower: Colour | None) -> Style:
    ground = None if lower is None else Color.from_rgb(*lower)
    return Style(color=Color.from_rgb(*upper), bgcolor=ground)
