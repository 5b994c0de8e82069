"""Short lines of text, drawn into arrays with the font that Pillow carries."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from cnnfilter.errors import ShapeError
from cnnfilter.imaging.arrays import Array, Uint8Array
from cnnfilter.imaging.grid import FRAME
from cnnfilter.messages import either

Colour = tuple[int, int, int]

MOST_NUMBERS = 20_000
"""Numbers that are written into a picture; drawing so many takes seconds."""

_SMALLEST, _LARGEST = 7, 64
"""The sizes of letters in cells."""
_MIDDLE = 128
"""The mean of red, green and blue above which a pixel is bright."""

_LONGEST = 200
"""Characters of a title that are looked at at all."""


def tidy(text: str) -> str:
    """A text in one line of printable characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:_LONGEST])


def number(value: float) -> str:
    """Write a value in at most nine characters: three digits, but whole numbers up to 9999 in full.

    Examples
    --------
    >>> [number(value) for value in (0, -0.25, 12.345, 1275, 123456, -1e-7)]
    ['0', '-0.25', '12.3', '1275', '1.23e5', '-1e-7']
    """
    if 100 <= abs(value) < 9999.5:
        return f"{value:.0f}"
    digits, exponential, exponent = f"{value + 0.0:.3g}".partition("e")
    return f"{digits}e{int(exponent)}" if exponential else digits


@functools.lru_cache(maxsize=8)
def font(size: int) -> Any:
    """Pillow's own font in a size of pixels; of a Pillow without FreeType, the one that it has."""
    from PIL import ImageFont

    try:
        return ImageFont.load_default(size)
    except ImportError:  # a Pillow built without FreeType has one small bitmap font
        return ImageFont.load_default()


class Lettering:
    """Text of one size.

    Parameters
    ----------
    size : int
        Of the font, in pixels.
    """

    def __init__(self, size: int) -> None:
        self.font = font(size)
        self.size = size
        self.line: int = math.ceil(self.font.getbbox("Hgjq(|)")[3]) + max(2, size // 6)
        """From one line of text to the next, in pixels."""

    def _writable(self, text: str) -> str:
        # The bitmap font refuses what is not Latin-1; the other draws a box.
        return text if hasattr(self.font, "getmetrics") else text.encode("latin-1", "replace").decode("latin-1")

    def width(self, text: str) -> int:
        """A line's width in pixels."""
        return math.ceil(float(self.font.getlength(self._writable(text)))) + 1

    def shorten(self, text: str, width: int) -> str:
        """As much of a line as fits, with `...` where its end was cut off."""
        if self.width(text) <= width:
            return text
        kept = next((n for n in range(len(text), 0, -1) if self.width(text[:n] + "...") <= width), 0)
        return text[:kept] + "..."

    def draw(self, canvas: Array, top: int, left: int, text: str, colour: Colour) -> None:
        """Write a line into an RGB canvas, with its upper left corner at a place."""
        from PIL import Image, ImageDraw

        mask = Image.new("L", (self.width(text), self.line))
        ImageDraw.Draw(mask).text((0, 0), self._writable(text), fill=255, font=self.font)
        ink = np.asarray(mask, np.float32)[..., np.newaxis] / 255
        under = canvas[top : top + self.line, left : left + mask.width]
        under[:] = np.rint(under * (1 - ink) + np.array(colour, np.float32) * ink)

    def draw_lines(self, canvas: Array, top: int, left: int, lines: Iterable[tuple[str, Colour]], width: int) -> None:
        """Write lines of given colours below each other, as much of each as fits."""
        for row, (text, colour) in enumerate(lines):
            self.draw(canvas, top + row * self.line, left, self.shorten(text, width), colour)


def draw_numbers(canvas: Uint8Array, values: Array, cell: int) -> None:
    """Write a value into each of a picture's enlarged pixels, which get lines between them.

    Numbers are black on bright pixels and white on dark ones.

    Parameters
    ----------
    canvas : ndarray of uint8, (H*cell, W*cell, 3)
    values : ndarray, (H, W) or (H, W, C)
        Several of one pixel stand below each other.
    cell : int
        Side of an enlarged pixel.

    Raises
    ------
    ShapeError
        If they do not fit.
    """
    height, width = values.shape[:2]
    rows = values.reshape(height, width, -1).tolist()
    texts = [[[number(value) for value in place] for place in row] for row in rows]
    lines, longest = len(texts[0][0]), {text for row in texts for place in row for text in place}

    def room(size: int) -> int:
        """The smallest cell for letters of this size, with a margin."""
        lettering = Lettering(size)
        widest = max(lettering.width(text) for text in longest)
        return max(widest + widest // 7 + 3, lines * lettering.line + 1, 2 * size)

    size = next((size for size in range(min(cell // 2, _LARGEST), _SMALLEST - 1, -1) if room(size) <= cell), 0)
    if not size or height * width > MOST_NUMBERS:
        few = height * width <= MOST_NUMBERS
        needed = room(_SMALLEST)
        larger = either(f"--enlarge {needed}", f"cell={needed * max(height, width)}")
        remedy = f"{larger} makes room" if few else "they are for small pictures"
        msg = f"{height}x{width} numbers of this length do not fit into cells of {cell} pixels; {remedy}"
        raise ShapeError(msg)
    lettering = Lettering(size)
    canvas[::cell] = canvas[:, ::cell] = FRAME
    for row, across in enumerate(texts):
        for column, place in enumerate(across):
            top, left = row * cell, column * cell
            bright = canvas[top + 1, left + 1].mean() > _MIDDLE
            above = top + (cell - lines * lettering.line) // 2
            for line, text in enumerate(place):
                start = left + (cell - lettering.width(text) + 1) // 2
                lettering.draw(canvas, above + line * lettering.line, start, text, (0,) * 3 if bright else (255,) * 3)
