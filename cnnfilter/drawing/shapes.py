"""What figures are made of: boxes, lines, polygons and texts, in units of which a slide's width has some 1000.

The origin is the upper left corner, x runs to the right and y down. Later shapes lie over earlier ones. Colours are
`#rrggbb`.
"""

from __future__ import annotations

from typing import NamedTuple

Point = tuple[float, float]

INK, PALE, PAPER = "#1c2733", "#5c6773", "#ffffff"
"""What texts and lines are, what is said beside them, and what they are on: the second is 5.9:1 on the third."""
ACCENT = "#b3261e"
"""Of what is looked at: the window, and the value that it makes."""
GIVEN, WEIGHTS, MADE = "#d6e6f5", "#fbe7bf", "#d8eed3"
"""The grounds of values that a stage is given, of its numbers, and of what it makes."""


class Box(NamedTuple):
    """An upright rectangle.

    Parameters
    ----------
    left, top, width, height : float
    fill, line : str, optional
        The colours of its inside and of its outline.
    weight : float
        How thick the outline is, half of it outside.
    dashed : bool
        Whether the outline is.
    """

    left: float
    top: float
    width: float
    height: float
    fill: str | None = PAPER
    line: str | None = INK
    weight: float = 1
    dashed: bool = False


class Line(NamedTuple):
    """A line from point to point.

    Parameters
    ----------
    points : tuple of (float, float)
        Two or more.
    colour : str
    weight : float
    arrow : bool
        Whether it has a head at its last point.
    """

    points: tuple[Point, ...]
    colour: str = INK
    weight: float = 2
    arrow: bool = False


class Polygon(NamedTuple):
    """A plane figure of any corners.

    Parameters
    ----------
    points : tuple of (float, float)
    fill, line : str, optional
        The colours of its inside and of its outline.
    weight : float
        How thick the outline is.
    """

    points: tuple[Point, ...]
    fill: str | None = PAPER
    line: str | None = INK
    weight: float = 1


class Text(NamedTuple):
    """A line of text.

    Parameters
    ----------
    x, y : float
        Where its `anchor` is, and the middle of its capital letters.
    text : str
        What cannot be printed is written as its escape.
    size : float
        Of the font.
    colour : str
    anchor : {"start", "middle", "end"}
    bold : bool
    formula : bool
        Whether what follows a `^` is raised.
    """

    x: float
    y: float
    text: str
    size: float = 22
    colour: str = INK
    anchor: str = "start"
    bold: bool = False
    formula: bool = False


Shape = Box | Line | Polygon | Text


class Figure(NamedTuple):
    """A drawing.

    Parameters
    ----------
    width, height : float
    title, description : str
        What it shows, for those who do not see it: in a few words, and in full.
    shapes : tuple of Shape
    """

    width: float
    height: float
    title: str
    description: str
    shapes: tuple[Shape, ...]


HEAD = 6.0
"""How long and how wide an arrow's head is, in weights of its line; see `head`."""


def head(line: Line) -> tuple[Line, Polygon]:
    """A line with an arrow as one that ends in its head, and the head."""
    *before, (from_x, from_y), (x, y) = line.points
    length = max(((x - from_x) ** 2 + (y - from_y) ** 2) ** 0.5, 1e-9)
    along = (x - from_x) / length, (y - from_y) / length
    size = HEAD * line.weight
    back = x - along[0] * size, y - along[1] * size
    half = size / 2 * along[0], size / 2 * along[1]
    sides = (back[0] - half[1], back[1] + half[0]), (back[0] + half[1], back[1] - half[0])
    shaft = line._replace(points=(*before, (from_x, from_y), back), arrow=False)
    return shaft, Polygon(((x, y), *sides), line.colour, None)
