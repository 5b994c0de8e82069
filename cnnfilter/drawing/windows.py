"""Parts that worked steps are made of: windows, kernels, products and sums, small or large."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cnnfilter.drawing.grids import NONE, SEEN, SEEN_PADDING, Cell, Heads, grid, matrices, number, side
from cnnfilter.drawing.layout import ROOM, SIZE, SMALL, Part, aligned, below, beside, line, written
from cnnfilter.drawing.shapes import GIVEN, MADE, PALE, PAPER, WEIGHTS, Line
from cnnfilter.explanation import selection, steps
from cnnfilter.explanation.regions import Place
from cnnfilter.explanation.selection import MOST_ROWS, MOST_TERMS
from cnnfilter.explanation.whole import Whole
from cnnfilter.text.shown import show, show_sum

SIZES = (SIZE, 18.0, 15.0)
"""Of letters in cells: the first with which a row of matrices fits."""


class Surroundings(NamedTuple):
    """What is around a step.

    Parameters
    ----------
    follows : tuple of int, optional
        The place in the stage's input that the next step explains.
    whole : Whole, optional
        All of the stage's input, where that is small.
    """

    follows: Place | None = None
    whole: Whole | None = None

    @property
    def alone(self) -> Surroundings:
        """The same without the input."""
        return self._replace(whole=None)


# Words and single values


def said(text: str) -> Part:
    """A small line."""
    return line(text, SMALL, PALE)


def sign(text: str) -> Part:
    """What stands between parts."""
    return line(text, 30)


TIMES = "\N{MULTIPLICATION SIGN}"


def arrow() -> Part:
    """What leads from one part to the next."""
    return Part(48, 16, (Line(((0, 8), (46, 8)), arrow=True),))


def made(value: float, title: str = "", size: float = SIZE) -> Part:
    """A value that came of others."""
    return grid([[Cell(number(value), MADE)]], title, size=size)


def given(value: float, title: str = "") -> Part:
    """A value of the input."""
    return grid([[Cell(number(value), GIVEN)]], title)


def equation(label: str, terms: Iterable[float], result: float, many: str, size: float = SIZE) -> Part:
    """`label  a + b = result`, or in words what was added where that is too long."""
    values = list(terms)
    if len(values) == 1:
        return written(f"{label}   {show(result)}", size)
    text = f"{label}   {show_sum(values)} = {show(result)}"
    tries = (written(text, small, math.inf) for small in SIZES if small <= size)
    fits = (part for part in tries if part.width <= ROOM)
    return next(fits, written(f"{many} = {show(result)}", size))


def table(
    heads: Sequence[object],
    columns: Sequence[tuple[str, Sequence[float], str]],
    signs: Sequence[str],
    traced: int | None = None,
) -> Part:
    """Columns of numbers with their titles and grounds, signs between them; of the first, heads and a traced row."""
    parts: list[Part] = []
    for index, (title, values, ground) in enumerate(columns):
        parts += [sign(signs[index - 1])] if index else []
        first = (Heads(heads), SIZE, traced) if not index else ()
        parts += matrices([[(value,) for value in values]], ground, title, *first)
    return beside(parts)


def products(heads: Sequence[object], numbers: Sequence[tuple[float, float, float]], weight: str) -> Part:
    """Some inputs, what each is multiplied with, and what that gives."""
    inputs, weights, multiplied = zip(*numbers, strict=True)
    columns = [("input", inputs, GIVEN), (weight, weights, WEIGHTS), ("product", multiplied, PAPER)]
    return table(heads, columns, (TIMES, "="))


def fitting(tries: Iterable[Part]) -> Part:
    """The first of some parts that is not too wide, or the last."""
    part = Part(0, 0)
    for part in tries:
        if part.width <= ROOM:
            break
    return part


# Windows


def window_part(
    window: steps.Window,
    around: Surroundings,
    size: float = SIZE,
    *,
    chosen: Place | None = None,
    several: bool = False,
    across: float | None = None,
) -> Part:
    """A window, in all of the input where that is known.

    Parameters
    ----------
    window : Window
    around : Surroundings
    size : float
        Of the letters.
    chosen : tuple of int, optional
        The place of a value that is taken as it is.
    several : bool
        Whether there are others, of other channels.
    across : float, optional
        How wide its cells are.
    """

    def cell(value: float, row: int, column: int, *, padding: bool) -> Cell:
        place = (row, column, window.channel)
        is_traced = place == around.follows != chosen
        return under(Cell(number(value), dashed=padding))._replace(chosen=place == chosen, traced=is_traced)

    taps = {
        (row, column): cell(value, row, column, padding=padding)
        for row, values, paddings in zip(window.rows, window.values, window.padding, strict=True)
        for column, value, padding in zip(window.columns, values, paddings, strict=True)
    }
    rows, columns, title = window.rows, window.columns, "window"
    if around.whole is not None:
        rows, columns, title = tuple(around.whole.rows), tuple(around.whole.columns), "input"
    others = {} if around.whole is None else cells_of(around.whole, window.channel)
    cells = [[taps.get((row, column)) or others[row, column] for column in columns] for row in rows]
    first, last = (rows.index(place) for place in (window.rows[0], window.rows[-1]))
    begin, end = (columns.index(place) for place in (window.columns[0], window.columns[-1]))
    title += f", channel {window.channel}" if several else ""
    return grid(cells, title, heads=Heads(rows, columns), frame=(first, last, begin, end), size=size, across=across)


def under(cell: Cell) -> Cell:
    """A cell that a window lies over."""
    return cell._replace(ground=SEEN_PADDING if cell.dashed else SEEN)


def cells_of(whole: Whole, channel: int) -> dict[tuple[int, int], Cell]:
    """The values of a map, by their rows and columns, those of the padding dashed."""
    found = {}
    for row, values, insides in zip(whole.rows, whole.values[channel].tolist(), whole.inside.tolist(), strict=True):
        for column, value, inside in zip(whole.columns, values, insides, strict=True):
            text = number(value)
            found[row, column] = Cell(text, GIVEN) if inside else Cell(text, dashed=True)
    return found


def is_small(window: steps.Window) -> bool:
    """Whether a window is drawn."""
    return max(len(window.rows), len(window.columns)) <= MOST_ROWS


def channel_parts(
    channels: Sequence[steps.ChannelSum], around: Surroundings, weights: str = "kernel", heads: Heads = NONE
) -> Iterator[Part]:
    """Windows of some channels, what each is multiplied with, the products and their sums, in columns."""
    size, rows = _rows(channels, around, weights, heads)
    for channel, row in zip(channels, rows, strict=True):
        height, across = len(channel.kernel), len(channel.kernel[0])
        if row is None:
            yield said(f"window of {height}x{across}: its {MOST_TERMS} largest products")
        yield row or _largest(channel, weights)
        yield equation("sum", selection.summed(channel), channel.sum, f"sum of {height * across} products", size)


def _rows(
    channels: Sequence[steps.ChannelSum], around: Surroundings, weights: str, heads: Heads
) -> tuple[float, Sequence[Part | None]]:
    """The size of letters, and a row of matrices for each channel; None for each if they are too large."""
    for size, cuts, is_alone in _ARRANGEMENTS if is_small(channels[0].window) else ():
        columns = _columns(channels, around.alone if is_alone else around, weights, heads, size)
        whole = [beside(row) for row in zip(*map(aligned, columns), strict=True)]
        if cuts:
            lines = zip(*(zip(*map(aligned, columns[part]), strict=True) for part in cuts), strict=True)
            whole = [below(map(beside, row), 20) for row in lines]
        if max(part.width for part in whole) <= ROOM:
            return size, whole
    return SIZE, [None] * len(channels)


_IN_TWO = slice(0, 3), slice(3, None)
_EACH = slice(0, 1), slice(2, 3), slice(4, 5), slice(6, None)
_ARRANGEMENTS: tuple[tuple[float, tuple[slice, ...], bool], ...] = (
    (SIZE, (), False),
    (SIZE, (), True),
    (18, (), False),
    (18, (), True),
    (SIZE, _IN_TWO, True),
    (15, (), True),
    (15, _IN_TWO, True),
    (15, _EACH, True),
)
"""How matrices stand: the size of letters, the parts of a row that stand below each other, whether the window is alone.

The first that is not too wide is taken."""


def _columns(
    channels: Sequence[steps.ChannelSum], around: Surroundings, weights: str, heads: Heads, size: float
) -> list[list[Part]]:
    """The columns of the rows: windows, a sign, kernels, a sign, products, arrows, sums."""
    several, whole = len(channels) > 1, around.whole
    shown = [each.window.values if whole is None else whole.values[each.window.channel].tolist() for each in channels]
    across = side([number(value) for values in shown for row in values for value in row], size)
    return [
        [window_part(each.window, around, size, several=several, across=across) for each in channels],
        [sign(TIMES)] * len(channels),
        matrices([each.kernel for each in channels], WEIGHTS, weights, heads, size),
        [sign("=")] * len(channels),
        matrices([each.products for each in channels], PAPER, "products", NONE, size),
        [arrow()] * len(channels),
        [made(each.sum, "sum", size) for each in channels],
    ]


def _largest(channel: steps.ChannelSum, weights: str) -> Part:
    window, taps = channel.window, selection.largest_taps(channel)
    return products(
        [f"({window.rows[i]}, {window.columns[j]})" for i, j in taps],
        [(window.values[i][j], channel.kernel[i][j], channel.products[i][j]) for i, j in taps],
        weights,
    )
