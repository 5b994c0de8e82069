"""Figures as pixels, drawn by Pillow in the font that it carries."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache, singledispatch
from itertools import accumulate
from unicodedata import combining, normalize

from PIL import Image, ImageDraw

from cnnfilter.drawing.letters import LIFT, MIDDLE, MINUS, RAISED, SQUARE, runs
from cnnfilter.drawing.shapes import PAPER, Box, Figure, Line, Point, Polygon, Text, head
from cnnfilter.errors import PictureError
from cnnfilter.imaging.lettering import font
from cnnfilter.messages import printable

_FINE = 4
"""How many times finer slanted edges are drawn before they are averaged."""

_SHADES = [round(value / 17) * 17 for value in range(256)]
"""Edges in 16 shades: figures then have as few colours as a GIF can hold, and look the same."""


class Canvas:
    """Pixels that shapes are drawn on.

    Parameters
    ----------
    image : PIL.Image.Image
        RGB.
    scale : float
        Pixels to a unit of the figure.
    """

    def __init__(self, image: Image.Image, scale: float) -> None:
        self.image, self.scale = image, scale
        self.draw = ImageDraw.Draw(image)

    def weight(self, value: float) -> int:
        """How many pixels thick a line is."""
        return max(1, round(value * self.scale))

    def fill(self, points: list[Point], colour: str) -> None:
        """Fill a polygon, of pixels, with smooth edges."""
        left, top = (math.floor(min(each)) - 1 for each in zip(*points, strict=True))
        right, bottom = (math.ceil(max(each)) + 1 for each in zip(*points, strict=True))
        mask = Image.new("L", ((right - left) * _FINE, (bottom - top) * _FINE))
        ImageDraw.Draw(mask).polygon([((x - left) * _FINE, (y - top) * _FINE) for x, y in points], 255)
        self.image.paste(colour, (left, top), mask.reduce(_FINE).point(_SHADES))


def to_image(figure: Figure, scale: float) -> Image.Image:
    """A figure as RGB pixels, on white.

    Raises
    ------
    PictureError
        If this Pillow has no letters of any size.
    """
    image = Image.new("RGB", (round(figure.width * scale), round(figure.height * scale)), PAPER)
    canvas = Canvas(image, scale)
    for shape in figure.shapes:
        draw(shape, canvas)
    return image


@singledispatch
def draw(shape: object, canvas: Canvas) -> None:
    """Draw a shape."""
    msg = f"there are no pixels for {type(shape).__name__}"
    raise NotImplementedError(msg)


@draw.register
def _box(box: Box, canvas: Canvas) -> None:
    left, top, right, bottom = (
        round(edge * canvas.scale) for edge in (box.left, box.top, box.left + box.width, box.top + box.height)
    )
    if box.fill is not None:
        canvas.draw.rectangle((left, top, right - 1, bottom - 1), box.fill)
    if box.line is None:
        return
    weight = canvas.weight(box.weight)
    before = weight // 2
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    on, off = (4 * weight, 3 * weight) if box.dashed else (right - left + bottom - top, 1)
    for (from_x, from_y), (x, y) in zip(corners, corners[1:], strict=False):
        begin, length = (min(from_x, x), min(from_y, y)), max(abs(x - from_x), abs(y - from_y))
        is_level = y == from_y
        for start in range(0, length, on + off):
            end = min(start + on, length) + (0 if box.dashed else weight)
            a, b = begin[0] - before, begin[1] - before
            stretch = (
                (a + start, b, a + end - 1, b + weight - 1) if is_level else (a, b + start, a + weight - 1, b + end - 1)
            )
            canvas.draw.rectangle(stretch, box.line)


@draw.register
def _line(line: Line, canvas: Canvas) -> None:
    shaft, *heads = head(line) if line.arrow else (line,)
    for (from_x, from_y), (x, y) in zip(shaft.points, shaft.points[1:], strict=False):
        length = max(math.hypot(x - from_x, y - from_y), 1e-9)
        right, down = (from_y - y) / length * line.weight / 2, (x - from_x) / length * line.weight / 2
        corners = (
            (from_x + right, from_y + down),
            (x + right, y + down),
            (x - right, y - down),
            (from_x - right, from_y - down),
        )
        canvas.fill([(a * canvas.scale, b * canvas.scale) for a, b in corners], line.colour)
    for each in heads:
        draw(each, canvas)


@draw.register
def _polygon(polygon: Polygon, canvas: Canvas) -> None:
    points = [(x * canvas.scale, y * canvas.scale) for x, y in polygon.points]
    if polygon.fill is not None:
        canvas.fill(points, polygon.fill)
    if polygon.line is not None:
        draw(Line((*polygon.points, polygon.points[0]), polygon.line, polygon.weight), canvas)


@draw.register
def _words(text: Text, canvas: Canvas) -> None:
    parts = runs(text.text) if text.formula else [(text.text, False)]
    masks = [
        (_mask(printable(part), round(text.size * canvas.scale * (RAISED if raised else 1)), text.bold), raised)
        for part, raised in parts
    ]
    wide = sum(mask.width for mask, _ in masks)
    x = round(text.x * canvas.scale - {"start": 0, "middle": wide / 2, "end": wide}[text.anchor])
    base = (text.y + MIDDLE * text.size) * canvas.scale
    for mask, raised in masks:
        lift = LIFT * text.size * canvas.scale if raised else 0
        canvas.image.paste(text.colour, (x, round(base - lift - BASE * mask.height)), mask)
        x += mask.width


BASE = (1 + MIDDLE) / 2
"""How far down in the mask of a line its letters stand, in heights of the mask."""


@lru_cache(maxsize=4096)
def _mask(text: str, size: int, bold: bool) -> Image.Image:
    """A line of text, twice as high as its size."""
    letters = Letters(size, bold)
    masks = [_SIGNS[run](letters) if run in _SIGNS else letters.mask(run) for run in _RUNS.split(text) if run]
    line = Image.new("L", (max(1, sum(mask.width for mask in masks)), 2 * size))
    across = 0
    for mask in masks:
        line.paste(mask, (across, 0))
        across += mask.width
    return line.point(_SHADES)


class Letters:
    """Pillow's own font in a size of pixels."""

    def __init__(self, size: int, bold: bool) -> None:
        self.font, self.size = font(size), size
        self.stroke = size / 45 if bold else 0.0
        if not hasattr(self.font, "getmetrics"):
            msg = "this Pillow was built without FreeType, and has no letters for figures; name an .svg instead"
            raise PictureError(msg)

    def mask(self, text: str) -> Image.Image:
        """A text, whose capitals are in the middle; the font has no accents."""
        text = "".join(letter for letter in normalize("NFKD", text) if not combining(letter))
        parts = list(text) if self.stroke else [text]  # thicker letters stand further apart
        ends = list(accumulate((self.font.getlength(part) + 1.5 * self.stroke for part in parts), initial=0.0))
        mask = Image.new("L", (math.ceil(ends[-1]), 2 * self.size))
        for part, begin in zip(parts, ends, strict=False):
            place = round(begin + self.stroke / 2), round(BASE * mask.height)
            ImageDraw.Draw(mask).text(place, part, 255, self.font, anchor="ls", stroke_width=self.stroke)
        return mask


# Signs that Pillow's font has not are made of those that it has.


def _minus(letters: Letters) -> Image.Image:
    plus = letters.mask("+")
    left, _, right, _ = plus.getbbox() or (0, 0, 1, 1)
    arm = plus.crop((left + 1, 0, left + 2, plus.height))
    result = Image.new("L", plus.size)
    result.paste(arm.resize((right - left, plus.height)), (left, 0))
    return result


def _times(letters: Letters) -> Image.Image:
    plus = letters.mask("+")
    left, top, right, bottom = plus.getbbox() or (0, 0, 1, 1)
    return plus.rotate(45, Image.Resampling.BICUBIC, center=((left + right - 1) / 2, (top + bottom - 1) / 2))


def _infinity(letters: Letters) -> Image.Image:
    eight = letters.mask("8")
    lying = eight.crop(eight.getbbox()).rotate(90, expand=True)
    lying = lying.resize((round(1.1 * lying.width), round(0.85 * lying.height)))
    result = Image.new("L", (lying.width + letters.size // 10, eight.height))
    result.paste(lying, (letters.size // 20, (eight.height - lying.height) // 2))
    return result


def _square(letters: Letters) -> Image.Image:
    two = letters.mask("2")
    result = Image.new("L", (round(two.width * RAISED), two.height))
    top = BASE * (1 - RAISED) * two.height - LIFT * letters.size
    result.paste(two.resize((result.width, round(two.height * RAISED))), (0, round(top)))
    return result


_SIGNS: dict[str, Callable[[Letters], Image.Image]] = {
    MINUS: _minus,
    "\N{MULTIPLICATION SIGN}": _times,
    "\N{INFINITY}": _infinity,
    SQUARE: _square,
}
_RUNS = re.compile(f"([{''.join(_SIGNS)}])")
