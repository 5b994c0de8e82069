"""Short lines of text, drawn into arrays with the font that Pillow carries."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import numpy.typing as npt

Colour = tuple[int, int, int]

_LONGEST = 200
"""Characters of a title that are looked at at all."""


def tidy(text: str) -> str:
    """Return a text in one line of printable characters."""
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
def _font(size: int) -> Any:
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
        self.font = _font(size)
        self.size = size
        self.line: int = math.ceil(self.font.getbbox("Hgjq(|)")[3]) + max(2, size // 6)
        """From one line of text to the next, in pixels."""

    def _writable(self, text: str) -> str:
        # The bitmap font refuses what is not Latin-1; the other draws a box.
        return text if hasattr(self.font, "getmetrics") else text.encode("latin-1", "replace").decode("latin-1")

    def width(self, text: str) -> int:
        """Return a line's width in pixels."""
        return math.ceil(float(self.font.getlength(self._writable(text)))) + 1

    def shorten(self, text: str, width: int) -> str:
        """Return as much of a line as fits, with `...` where its end was cut off."""
        if self.width(text) <= width:
            return text
        kept = next((n for n in range(len(text), 0, -1) if self.width(text[:n] + "...") <= width), 0)
        return text[:kept] + "..."

    def draw(self, canvas: npt.NDArray[Any], top: int, left: int, text: str, colour: Colour) -> None:
        """Write a line into an RGB canvas, with its upper left corner at a place."""
        from PIL import Image, ImageDraw

        mask = Image.new("L", (self.width(text), self.line))
        ImageDraw.Draw(mask).text((0, 0), self._writable(text), fill=255, font=self.font)
        ink = np.asarray(mask, np.float32)[..., np.newaxis] / 255
        under = canvas[top : top + self.line, left : left + mask.width]
        under[:] = np.rint(under * (1 - ink) + np.array(colour, np.float32) * ink)
