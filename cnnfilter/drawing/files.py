"""Figures as the bytes of files."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnfilter.drawing.apng import write_apng
from cnnfilter.drawing.pixels import to_image
from cnnfilter.drawing.shapes import Figure
from cnnfilter.errors import PictureError

LARGEST_SCALE = 2.0
"""Pixels to a unit, where that are not too many."""
SMALLEST_SCALE = 0.7
"""Below it letters cannot be read."""
MOST_PIXELS = 60_000_000
"""Of a picture: 180 megabytes while it is drawn."""
FRAME_PIXELS, ALL_PIXELS = 1_500_000, 256_000_000
"""Of a frame, and of all frames, which are in memory together."""
COLOURS = 255
"""Of all frames together; one more is transparent."""


def png(figure: Figure) -> tuple[bytes, tuple[int, int]]:
    """A figure as a PNG, and the width and height of that in pixels.

    Raises
    ------
    PictureError
        If it would have too many pixels.
    """
    area = figure.width * figure.height
    image = to_image(figure, _scale(math.sqrt(MOST_PIXELS / area), figure))
    return _saved(image, format="PNG"), image.size


def animation(figures: Iterator[Figure], count: int, format: str, delay: int) -> tuple[bytes, tuple[int, int]]:
    """Figures of one size as frames of an animation that goes on for ever, and their width and height in pixels.

    Parameters
    ----------
    figures : iterator of Figure
    count : int
        How many there are.
    format : {"GIF", "PNG"}
    delay : int
        How long each is seen, in milliseconds; a GIF counts hundredths of a second.

    Raises
    ------
    PictureError
        If they would have too many pixels.
    """
    first = next(figures)
    area = first.width * first.height
    scale = _scale(math.sqrt(min(FRAME_PIXELS, ALL_PIXELS / count) / area), first)
    images = (to_image(figure, scale) for figure in chain([first], figures))
    palette = Palette()
    frames = (palette.apply(image) for image in images)
    size = round(first.width * scale), round(first.height * scale)
    if format == "PNG":
        return write_apng(frames, lambda: bytes(palette.bytes), delay), size
    drawn = [Image.fromarray(frame, "P") for frame in frames]
    drawn.reverse()
    given = (_coloured(drawn.pop(), palette) for _ in range(count))  # Pillow copies them: one at a time is enough
    return _saved(next(given), format=format, save_all=True, append_images=given, duration=delay, loop=0), size


def _coloured(image: Image.Image, palette: Palette) -> Image.Image:
    image.putpalette(palette.bytes)
    return image


def _scale(most: float, figure: Figure) -> float:
    if most < SMALLEST_SCALE:
        size = f"{figure.width:.0f}x{figure.height:.0f}"
        msg = f"{size} are too many pixels for a picture that can be read; name an .svg, or explain fewer stages"
        raise PictureError(msg)
    return min(LARGEST_SCALE, most)


class Palette:
    """The colours of pictures, in the order in which they come; from the 256th on, the nearest ones."""

    def __init__(self) -> None:
        self.colours: list[int] = []
        self._index = np.full(1 << 24, -1, np.int16)

    def apply(self, image: Image.Image) -> NDArray[np.uint8]:
        """The numbers of an RGB picture's colours."""
        red, green, blue = np.moveaxis(np.asarray(image, np.int32), 2, 0)
        packed = red << 16 | green << 8 | blue
        found = self._index[packed]
        if (found < 0).any():
            for colour in np.unique(packed[found < 0]).tolist():
                self._index[colour] = self._number(colour)
            found = self._index[packed]
        numbers: NDArray[np.uint8] = found.astype(np.uint8)
        return numbers

    def _number(self, colour: int) -> int:
        if len(self.colours) < COLOURS:
            self.colours.append(colour)
            return len(self.colours) - 1
        away = np.array([_channels(colour)]) - np.array([_channels(each) for each in self.colours])
        return int(np.square(away).sum(axis=1).argmin())

    @property
    def bytes(self) -> list[int]:
        """Red, green and blue of each."""
        return [channel for colour in self.colours for channel in _channels(colour)]


def _channels(colour: int) -> tuple[int, int, int]:
    return colour >> 16, colour >> 8 & 255, colour & 255


def _saved(image: Image.Image, *, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()
