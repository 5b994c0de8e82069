"""Blocks of a network as they are drawn: boxes as high and deep as their maps and as wide as there are channels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cnnfilter.drawing.blocks import Block
from cnnfilter.drawing.letters import cut, width
from cnnfilter.drawing.shapes import GIVEN, INK, PALE, PAPER, WEIGHTS, Point, Polygon, Shape, Text
from cnnfilter.messages import show_shape

HIGHEST, WIDEST, LEAST = 110.0, 56.0, 7.0
"""Of boxes: how high the largest maps are, how wide the most channels, and what the smallest of both are."""
SLOPE = 0.3
"""How far a box goes to the right, and up, for each unit that its maps are wide."""
BAR = 9.0
"""How wide a vector is."""
RADIUS = 12.0
"""Of the circles where branches meet."""
OTHERS = "#e8ebee"
"""The ground of what is neither weighed nor moved."""
SMALL, SMALLEST, LEADING = 12.0, 11.0, 15.0
"""Sizes of the fonts, and from line to line."""
ROOM = 132.0
"""How wide a text below a box may be; a longer one loses its middle."""


class Scale(NamedTuple):
    """The largest sizes of a network, which the largest boxes stand for.

    Parameters
    ----------
    side, channels : int
        Of maps.
    length : int
        Of vectors.
    """

    side: int
    channels: int
    length: int

    @classmethod
    def of(cls, blocks: Iterable[Block]) -> Scale:
        """That of some blocks."""
        sizes = [block.size for block in blocks]
        maps = [size for size in sizes if len(size) == 3] or [(1, 1, 1)]
        side, channels = max(max(size[:2]) for size in maps), max(size[2] for size in maps)
        return cls(side, channels, max([size[0] for size in sizes if len(size) == 1], default=1))


class Solid(NamedTuple):
    """A block's measures.

    Parameters
    ----------
    block : Block
    width, height : float
        Of its front.
    depth : float
        How far its back is to the right of its front, and above it.
    texts : tuple of Text
        What is said of it: of its own middle, and of a line below it.
    size : str
        What is said above it.
    """

    block: Block
    width: float
    height: float
    depth: float
    texts: tuple[Text, ...]
    size: str

    @property
    def room(self) -> float:
        """How wide it is with what is said of it."""
        told = max((width(text.text, text.size) for text in self.texts), default=0.0)
        return max(self.width + self.depth, told, width(self.size, SMALL))

    @property
    def reach(self) -> float:
        """How far it reaches to the right of its left side at the height of its middle."""
        return self.width + min(self.depth, self.height / 2)

    @property
    def above(self) -> float:
        """How far it reaches above its middle."""
        return self.height / 2 + self.depth + (LEADING + 2 if self.size else 0)

    @property
    def below(self) -> float:
        """How far it reaches below its middle."""
        return self.height / 2 + LEADING * len(self.texts) + 6

    def shapes(self, x: float, y: float) -> Iterator[Shape]:
        """It, and what is said of it, its left side at x and its middle at y."""
        middle = x + (self.width + self.depth) / 2
        yield from _circle(x + RADIUS, y, self.block.symbol) if self.block.symbol else self._box(x, y)
        if self.size:
            yield Text(middle, y - self.above + LEADING / 2, self.size, SMALL, PALE, "middle")
        below = y + self.height / 2 + LEADING / 2 + 4
        for number, text in enumerate(self.texts):
            yield text._replace(x=middle, y=below + number * LEADING)

    def _box(self, x: float, y: float) -> Iterator[Shape]:
        colour = WEIGHTS if self.block.weighs else GIVEN if self.block.moves else OTHERS
        left, right, top, bottom = x, x + self.width, y - self.height / 2, y + self.height / 2
        back = self.depth
        if back:
            yield Polygon(
                ((left, top), (left + back, top - back), (right + back, top - back), (right, top)),
                _mixed(colour, PAPER, 0.45),
            )
            yield Polygon(
                ((right, top), (right + back, top - back), (right + back, bottom - back), (right, bottom)),
                _mixed(colour, INK, 0.12),
            )
        yield Polygon(((left, top), (right, top), (right, bottom), (left, bottom)), colour)


def solid(block: Block, scale: Scale, given: Block) -> Solid:
    """A block's measures, where `given` is the one that it goes on from."""
    shown = show_shape(block.size)
    if block.symbol:
        size = "" if block.size == given.size else shown
        lines = (*block.lines, *([size] if size else []))
        return Solid(block, 2 * RADIUS, 2 * RADIUS, 0, _texts(lines, block.name), "")
    texts = _texts(block.lines, block.name)
    if len(block.size) == 1:
        height = max(HIGHEST * math.sqrt(block.size[0] / scale.length), 2 * LEAST)
        return Solid(block, BAR, height, 0, texts, shown)
    rows, columns, channels = block.size
    height, across = (max(HIGHEST * math.sqrt(side / scale.side), LEAST) for side in (rows, columns))
    thick = max(WIDEST * math.sqrt(channels / scale.channels), LEAST)
    return Solid(block, thick, height, SLOPE * across, texts, shown)


def _texts(lines: Iterable[str], name: str) -> tuple[Text, ...]:
    first, *others = lines
    texts = [Text(0, 0, cut(first, SMALL, ROOM), SMALL, INK, "middle", bold=True)]
    texts += [Text(0, 0, cut(line, SMALLEST, ROOM), SMALLEST, INK, "middle") for line in others]
    texts += [Text(0, 0, cut(name, SMALLEST, ROOM), SMALLEST, PALE, "middle")] if name else []
    return tuple(texts)


def _circle(x: float, y: float, symbol: str) -> Iterator[Shape]:
    corners = 36
    angles = (2 * math.pi * corner / corners for corner in range(corners))
    points: tuple[Point, ...] = tuple((x + RADIUS * math.cos(a), y + RADIUS * math.sin(a)) for a in angles)
    yield Polygon(points, PAPER)
    yield Text(x, y, symbol, 16, INK, "middle", bold=True)


def _mixed(colour: str, other: str, share: float) -> str:
    """A colour with so much of another one in it."""
    pairs = ((int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)
