"""Matrices of numbers as cells, with what is marked in them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from cnnfilter.drawing.layout import SIZE, SMALL, Part
from cnnfilter.drawing.letters import formula_width, printed, width
from cnnfilter.drawing.shapes import ACCENT, INK, PALE, PAPER, Box, Shape, Text
from cnnfilter.text.shown import show

RULE = "#9aa5b1"
"""The lines between cells."""
SEEN, SEEN_PADDING = "#f9d5ce", "#fbe4df"
"""The grounds of values, and of padding, under a window: the accent, thinned."""


OUTLINE = 2.5
"""How thick the line around a value is that another part of the figure is about: no other box has such a one."""


class Cell(NamedTuple):
    """A place in a grid.

    Parameters
    ----------
    text : str
    ground : str, optional
        Its colour; None where there is nothing.
    dashed : bool
        Whether it is no value of the maps: padding.
    chosen : bool
        Whether it is the one that counts.
    traced : bool
        Whether another part of the figure is about it.
    """

    text: str = ""
    ground: str | None = PAPER
    dashed: bool = False
    chosen: bool = False
    traced: bool = False


@lru_cache(maxsize=4096)
def number(value: float) -> str:
    """A value as a cell has it: as `explain` writes it, with a minus of print."""
    return printed(show(value))


class Heads(NamedTuple):
    """What stands above the columns of a grid and before its rows."""

    rows: Sequence[object] = ()
    columns: Sequence[object] = ()


NONE = Heads()


def side(texts: Sequence[str], size: float = SIZE) -> float:
    """How wide cells must be that hold some texts."""
    return max([1.9 * size, *(width(text, size) + 0.7 * size for text in texts)])


def grid(
    cells: Sequence[Sequence[Cell]],
    title: str = "",
    *,
    heads: Heads = NONE,
    frame: tuple[int, int, int, int] | None = None,
    size: float = SIZE,
    across: float | None = None,
) -> Part:
    """Cells in rows, below their title.

    Parameters
    ----------
    cells : rows of Cell
    title : str
    heads : Heads
    frame : (int, int, int, int), optional
        First and last row, and first and last column, of what a line in the accent goes around.
    size : float
        Of the letters.
    across : float, optional
        How wide a cell is; as its longest text needs by default.
    """
    wide = across or side([cell.text for row in cells for cell in row], size)
    high = 1.9 * size
    small = SMALL * size / SIZE
    left = max((width(_head(head), small) for head in heads.rows), default=-8) + 8
    above = 1.5 * size * bool(title)
    top = above + 1.4 * small * bool(heads.columns)
    columns = max(map(len, cells), default=0)
    shapes: list[Shape] = [Text(left, above / 2, title, small, PALE, formula=True)] if title else []
    shapes += [
        Text(left + (number + 0.5) * wide, top - 0.7 * small, _head(head), small, PALE, "middle")
        for number, head in enumerate(heads.columns)
    ]
    shapes += [
        Text(left - 8, top + (number + 0.5) * high, _head(head), small, PALE, "end")
        for number, head in enumerate(heads.rows)
    ]
    placed = [
        (cell, Box(left + j * wide, top + i * high, wide, high))
        for i, row in enumerate(cells)
        for j, cell in enumerate(row)
        if cell.ground is not None
    ]
    # dashed lines first: a whole one may run along them
    for cell, box in sorted(placed, key=lambda each: not each[0].dashed):
        shapes += _cell(cell, box, size)
    if frame is not None:
        first, last, begin, end = frame
        around = left + begin * wide, top + first * high, (end - begin + 1) * wide, (last - first + 1) * high
        shapes.append(Box(*around, None, ACCENT, 3.5))
    title_end = left + formula_width(title, small) if title else 0
    return Part(
        max(left + columns * wide, title_end), top + len(cells) * high, tuple(shapes), top + len(cells) * high / 2
    )


def _head(head: object) -> str:
    return printed(str(head))


def _cell(cell: Cell, box: Box, size: float) -> list[Shape]:
    ground, colour = (ACCENT, PAPER) if cell.chosen else (cell.ground, PALE if cell.dashed else INK)
    shapes: list[Shape] = [box._replace(fill=ground, line=RULE, weight=1.5, dashed=cell.dashed)]
    if cell.traced:
        shapes.append(Box(box.left + 4, box.top + 4, box.width - 8, box.height - 8, None, INK, OUTLINE))
    if cell.text:
        shapes.append(
            Text(box.left + box.width / 2, box.top + box.height / 2, cell.text, size, colour, "middle", cell.chosen)
        )
    return shapes


def matrices(
    several: Sequence[Sequence[Sequence[float]]],
    ground: str,
    title: str,
    heads: Heads = NONE,
    size: float = SIZE,
    traced: int | None = None,
) -> list[Part]:
    """Matrices of numbers in cells of one width, on one ground; `traced` is the row of what is told elsewhere."""
    cells = [
        [[Cell(number(value), ground, traced=i == traced) for value in row] for i, row in enumerate(values)]
        for values in several
    ]
    across = side([cell.text for values in cells for row in values for cell in row], size)
    return [grid(values, title, heads=heads, size=size, across=across) for values in cells]
