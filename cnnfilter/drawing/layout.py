"""Parts of figures, put beside and below each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import NamedTuple

from cnnfilter.drawing.letters import cut, formula_width, printed, width
from cnnfilter.drawing.shapes import INK, Box, Figure, Line, Polygon, Shape, Text

SIZE, SMALL, LARGE = 22.0, 18.0, 27.0
"""Of the letters of numbers and formulas, of what is said beside them, and of what a figure is about."""
GAP, MARGIN = 14.0, 24.0
"""Between parts, and around a figure."""
ROOM = 1300.0
"""How wide parts may be together; a line of text of that width is as large on a slide as its small print."""
BOLD = 1.08
"""How much wider bold letters are."""


class Part(NamedTuple):
    """Some shapes, and the room that they take from the origin on.

    Parameters
    ----------
    width, height : float
    shapes : tuple of Shape
    axis : float, optional
        How far down is what stands in line with parts beside it; half its height by default.
    within : tuple of (float, float, Part)
        Parts in it, over its shapes, and how far to the right and down each begins.
    """

    width: float
    height: float
    shapes: tuple[Shape, ...] = ()
    axis: float | None = None
    within: tuple[tuple[float, float, Part], ...] = ()

    @property
    def middle(self) -> float:
        """How far down its axis is."""
        return self.height / 2 if self.axis is None else self.axis

    def at(self, x: float, y: float) -> tuple[Shape, ...]:
        """All its shapes, moved."""
        own = [moved(shape, x, y) for shape in self.shapes]
        return (*own, *(shape for right, down, part in self.within for shape in part.at(x + right, y + down)))


@singledispatch
def moved(shape: object, x: float, y: float) -> Shape:
    """A shape further to the right and down."""
    msg = f"{type(shape).__name__} has no place that could be moved"
    raise NotImplementedError(msg)


@moved.register
def _box(box: Box, x: float, y: float) -> Shape:
    return box._replace(left=box.left + x, top=box.top + y)


@moved.register
def _text(text: Text, x: float, y: float) -> Shape:
    return text._replace(x=text.x + x, y=text.y + y)


@moved.register(Line)
@moved.register(Polygon)
def _points(shape: Line | Polygon, x: float, y: float) -> Shape:
    return shape._replace(points=tuple((across + x, down + y) for across, down in shape.points))


def line(text: str, size: float = SIZE, colour: str = INK, *, bold: bool = False, room: float = ROOM) -> Part:
    """A line of text, without its middle where there is no room for it."""
    wide = BOLD * size if bold else size
    shown = cut(text, wide, room)
    height = 1.5 * size
    return Part(width(shown, wide), height, (Text(0, height / 2, shown, size, colour, bold=bold),))


def written(formula: str, size: float = SIZE, room: float = ROOM) -> Part:
    """A line of a formula with numbers, without its middle where there is no room for it."""
    text = cut(printed(formula), size, room)
    return Part(formula_width(text, size), 1.5 * size, (Text(0, 0.75 * size, text, size, formula=True),))


def below(parts: Iterable[Part], gap: float = GAP) -> Part:
    """Parts below each other, from the left; the axis of a single one is kept."""
    across = down = 0.0
    within: list[tuple[float, float, Part]] = []
    for part in parts:
        down += gap if within else 0
        within.append((0, down, part))
        across, down = max(across, part.width), down + part.height
    return Part(across, down, (), within[0][2].axis if len(within) == 1 else None, tuple(within))


def beside(parts: Sequence[Part], gap: float = GAP) -> Part:
    """Parts beside each other, their axes in line."""
    axis = max((part.middle for part in parts), default=0.0)
    across = under = 0.0
    within: list[tuple[float, float, Part]] = []
    for part in parts:
        across += gap if within else 0
        within.append((across, axis - part.middle, part))
        across, under = across + part.width, max(under, part.height - part.middle)
    return Part(across, axis + under, (), axis, tuple(within))


def aligned(column: Sequence[Part]) -> list[Part]:
    """Parts of one width, those that are narrower with room behind them."""
    wide = max(part.width for part in column)
    return [part._replace(width=wide) for part in column]


def framed(part: Part, title: str, description: str) -> Figure:
    """A figure of a part, with a margin around it, of whole units."""
    width, height = (math.ceil(size + 2 * MARGIN) for size in (part.width, part.height))
    return Figure(width, height, title, description, part.at(MARGIN, MARGIN))
