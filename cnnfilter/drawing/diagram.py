"""The usual drawing of a network: boxes from left to right, branches below and arcs above, in lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from cnnfilter.drawing.blocks import Block, Part, blocks_of, description, parts_of
from cnnfilter.drawing.laying import Edge, Laid, lay
from cnnfilter.drawing.letters import cut, width
from cnnfilter.drawing.shapes import GIVEN, INK, PALE, WEIGHTS, Box, Figure, Line, Point, Shape, Text
from cnnfilter.drawing.solids import LEADING, OTHERS, RADIUS, SMALL, SMALLEST, Scale, Solid, solid
from cnnfilter.errors import ArgumentError
from cnnfilter.network.graph import INPUT
from cnnfilter.network.plan import Row

GAP, MARGIN, TURN = 34.0, 26.0, 8.0
"""Between two columns, around the drawing, and from a column to where what leads from it, or to it, turns."""
ASIDE, MOST_ASIDE = 4.0, 2
"""What comes from a lower lane turns so much later, by up to so many lanes: so that two are not taken for one."""
BETWEEN = 22.0
"""From lane to lane, and from line to line."""
ARC = 12.0
"""From one arc to the next one above it."""
FOLD = 12.0
"""What is around a part that stands for several."""
ASPECT, LEAST_LINE = 16 / 9, 640.0
"""What the drawing's width is of its height, as far as lines can be broken; and the least that a line has room for."""
TITLE = 16.0
MOST_DRAWN = 1000
"""Blocks of the largest drawing: ResNet-152 has 208."""


class _Laid(NamedTuple):
    """A part with its measures; lengths down are from the middle of lane 0.

    Parameters
    ----------
    part : Part
    laid : Laid
    solids : dict of int to Solid
    widths : list of float
        Of its columns.
    middles : list of float
        Where the middle of each lane is.
    arcs : float
        Where the lowest arc is.
    above, below : float
        How far it reaches.
    """

    part: Part
    laid: Laid
    solids: dict[int, Solid]
    widths: list[float]
    middles: list[float]
    arcs: float
    above: float
    below: float

    @property
    def width(self) -> float:
        return sum(self.widths) + GAP * len(self.widths) + 2 * FOLD * (self.part.times > 1)


class _Start(NamedTuple):
    """Where the way goes on: the right end of a box, the column it is in, and the middle of lane 0."""

    x: float
    right: float
    y: float


def diagram(rows: Sequence[Row], title: str, caption: str) -> Figure:
    """The drawing of a network.

    Parameters
    ----------
    rows : sequence of Row
        Its plan.
    title, caption : str
        What stands above and below it.

    Returns
    -------
    Figure
        Its description has every stage with its number, its name and the size of its result.

    Raises
    ------
    ArgumentError
        If it has more blocks than anybody looks at: see `MOST_DRAWN`.
    """
    blocks = blocks_of(rows)
    if len(blocks) > MOST_DRAWN:
        msg = f"{len(blocks):,} blocks are too many for a drawing (at most {MOST_DRAWN:,}); draw a part of the network"
        raise ArgumentError(msg)
    given = Block((), (), rows[0].inputs[0], lines=("input",))
    scale = Scale.of([given, *blocks])
    first = solid(given, scale, given)
    parts = [_laid(part, blocks, given, scale) for part in parts_of(blocks)]
    shapes: list[Shape] = []
    top, right, start = MARGIN + TITLE + LEADING, LEAST_LINE / 2, None
    for line in _broken(parts, first.room):
        is_first = start is None
        middle = top + max([part.above for part in line] + [first.above] * is_first)
        start = _begun(first, middle, shapes) if start is None else _turned(start, middle, top, shapes)
        for part in line:
            start = _drawn(part, start, shapes)
        right = max(right, start.right)
        top = middle + max([part.below for part in line] + [first.below] * is_first) + BETWEEN
    legend = _legend(top, caption)
    across = max(right, *(box.x + width(box.text, box.size) for box in legend if isinstance(box, Text))) + MARGIN
    heading = Text(MARGIN, MARGIN, cut(title, TITLE, across - 2 * MARGIN), TITLE, bold=True)
    return Figure(across, top + 2 * LEADING + MARGIN, title, description(rows), (heading, *shapes, *legend))


def _laid(part: Part, blocks: Sequence[Block], given: Block, scale: Scale) -> _Laid:
    """A part laid out and measured."""
    laid = lay(blocks, part.blocks)
    solids = {}
    for number in part.blocks:
        read = blocks[number].reads[-1]
        solids[number] = solid(blocks[number], scale, given if read == INPUT else blocks[read])
    count = 1 + max(laid.columns.values())
    widths = [max(s.room for n, s in solids.items() if laid.columns[n] == column) for column in range(count)]
    lanes = [[s for n, s in solids.items() if laid.lanes[n] == lane] for lane in range(1 + max(laid.lanes.values()))]
    above = [max(s.above for s in lane) for lane in lanes]
    below = [max(s.below for s in lane) for lane in lanes]
    middles = [0.0]
    for lane in range(1, len(lanes)):
        middles.append(middles[-1] + below[lane - 1] + above[lane] + BETWEEN / 2)
    levels = [edge.level for edge in laid.edges if edge.level is not None]
    arcs = above[0] + ARC / 2
    reach = arcs + ARC * max(levels) if levels else above[0]
    fold, label = (FOLD, LEADING) if part.times > 1 else (0, 0)
    return _Laid(part, laid, solids, widths, middles, arcs, reach + fold + label, middles[-1] + below[-1] + fold)


def _broken(parts: Sequence[_Laid], first: float) -> list[list[_Laid]]:
    """Parts in lines, about as many as give the drawing its `ASPECT`; `first` is what stands before them."""
    length = first + sum(part.width for part in parts)
    height = max(part.above + part.below for part in parts) + BETWEEN
    count = max(1, round(length / max(math.sqrt(length * height * ASPECT), LEAST_LINE)))
    room = max(length / count, LEAST_LINE, *(part.width for part in parts))
    while len(lines := _filled(parts, first, room)) > count:
        room *= 1.02
    return lines


def _filled(parts: Sequence[_Laid], first: float, room: float) -> list[list[_Laid]]:
    """Parts in lines that have some room."""
    lines: list[list[_Laid]] = [[]]
    taken = first
    for part in parts:
        if lines[-1] and taken + part.width > room:
            lines.append([])
            taken = 0.0
        lines[-1].append(part)
        taken += part.width
    return lines


def _begun(given: Solid, middle: float, shapes: list[Shape]) -> _Start:
    """Draw what a network is given."""
    left, right = MARGIN + (given.room - given.width - given.depth) / 2, MARGIN + given.room
    shapes += given.shapes(left, middle)
    return _Start(left + given.reach, right, middle)


def _turned(start: _Start, middle: float, top: float, shapes: list[Shape]) -> _Start:
    """Draw the way back to the beginning of the next line."""
    over, left, between = start.right + 2 * TURN, MARGIN - TURN, top - BETWEEN / 2
    way = (start.x, start.y), (over, start.y), (over, between), (left, between), (left, middle)
    shapes.append(Line(way, PALE, 1.5))
    return _Start(left, left + TURN / 2, middle)


def _drawn(part: _Laid, start: _Start, shapes: list[Shape]) -> _Start:
    """Draw a part."""
    lefts, x = [], start.right + FOLD * (part.part.times > 1)
    for across in part.widths:
        lefts.append(x + GAP)
        x += GAP + across
    places = {}
    for number, each in part.solids.items():
        column, lane = part.laid.columns[number], part.laid.lanes[number]
        spare = (part.widths[column] - each.width - each.depth) / 2
        places[number] = lefts[column] + spare, start.y + part.middles[lane]
    columns = [*zip(lefts, (left + across for left, across in zip(lefts, part.widths, strict=True)), strict=True)]
    for edge in part.laid.edges:
        shapes.append(Line(tuple(_way(edge, part, places, columns, start)), PALE, 1.5, arrow=True))
    for number, (left, middle) in places.items():
        shapes += part.solids[number].shapes(left, middle)
    last = part.part.blocks[-1]
    if part.part.times > 1:
        x += FOLD
        shapes += _bracket(part, start.right + FOLD, x, start.y)
    ends = part.solids[last]
    return _Start(places[last][0] + ends.reach, x, start.y)


def _way(
    edge: Edge, part: _Laid, places: dict[int, Point], columns: Sequence[tuple[float, float]], start: _Start
) -> list[Point]:
    """The corners of what leads from one block to another."""
    to_x, to_y = places[edge.target]
    before = columns[part.laid.columns[edge.target]][0] - TURN
    aside = ASIDE * (0 if edge.source is None else min(part.laid.lanes[edge.source], MOST_ASIDE))
    if edge.source is None:
        x, y, behind = start.x, start.y, columns[0][0] - GAP + TURN
    else:
        source = part.solids[edge.source]
        x, y = places[edge.source]
        x, behind = x + source.reach, columns[part.laid.columns[edge.source]][1] + TURN + aside
    if edge.level is not None:
        over = start.y - part.arcs - edge.level * ARC
        way = [(x, y), (behind, y), (behind, over)]
        if to_y == start.y:
            return [*way, (to_x + RADIUS, over), (to_x + RADIUS, to_y - RADIUS)]
        return [*way, (before, over), (before, to_y), (to_x, to_y)]
    if y == to_y:
        return [(x, y), (to_x, to_y)]
    turn = before if edge.turns_late else behind
    return [(x, y), (turn, y), (turn, to_y), (to_x, to_y)]


def _bracket(part: _Laid, left: float, right: float, middle: float) -> list[Shape]:
    """What tells that a part stands for several."""
    top = middle - part.above + LEADING
    around = Box(left, top, right - left, middle + part.below - top, None, PALE, 1, dashed=True)
    times = f"\N{MULTIPLICATION SIGN} {part.part.times}"
    return [around, Text(left + 4, top - LEADING / 2, times, SMALL, INK, bold=True)]


def _legend(top: float, caption: str) -> list[Shape]:
    """What the colours mean, and the caption."""
    shapes: list[Shape] = []
    x, y = MARGIN, top + LEADING
    for colour, meaning in ((WEIGHTS, "with weights"), (GIVEN, "pools, resizes or pads"), (OTHERS, "others")):
        shapes.append(Box(x, y - 6, 12, 12, colour))
        shapes.append(Text(x + 18, y, meaning, SMALLEST, PALE))
        x += 18 + width(meaning, SMALLEST) + 20
    shapes.append(Text(MARGIN, y + LEADING + 6, caption, SMALL))
    return shapes
