"""A window that moves over its input, place by place, as figures of one size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatch
from typing import NamedTuple

from cnnfilter.drawing.grids import Cell, Heads, grid, matrices, number, side
from cnnfilter.drawing.layout import LARGE, ROOM, Part, below, beside, framed, line
from cnnfilter.drawing.shapes import MADE, WEIGHTS, Figure
from cnnfilter.drawing.windows import SIZES, TIMES, arrow, cells_of, equation, said, sign, under
from cnnfilter.drawing.worked import combined, of_pool, totals
from cnnfilter.errors import ArgumentError
from cnnfilter.explanation import selection, steps
from cnnfilter.explanation.selection import MOST_CHANNELS
from cnnfilter.explanation.sweep import Moment, Sweep
from cnnfilter.text.shown import show


class Kernel(NamedTuple):
    """What a window is multiplied with, what it is called, and the others that are drawn in its place elsewhere."""

    title: str
    values: steps.Matrix
    others: tuple[steps.Matrix, ...] = ()


class Manner(NamedTuple):
    """How a moving window is drawn: the size of letters in cells, and whether the output is beside the input."""

    size: float
    is_beside: bool


MANNERS = tuple(Manner(size, is_beside) for size in SIZES for is_beside in (True, False))
LINES_GAP = 16.0


def moving(swept: Sweep) -> Iterator[Figure]:
    """A figure for each place of a window, row by row, all of one size.

    Raises
    ------
    ArgumentError
        If its numbers are too wide to be read.
    """
    manner = next((each for each in MANNERS if _maps(swept, 0, each).width <= ROOM), None)
    if manner is None:
        height, width = swept.whole.inside.shape
        msg = f"the numbers of {height}x{width} values are too wide to be read; put a crop before the stage"
        raise ArgumentError(msg)
    top = _maps(swept, 0, manner)
    under = [below(lines(moment.step), LINES_GAP) for moment in swept.moments]
    width = max(top.width, *(each.width for each in under))
    height = top.height + LINES_GAP + max(each.height for each in under)
    for index, moment in enumerate(swept.moments):
        value = f"{selection.place_text(moment.step.at)} = {show(moment.step.value)}"
        whole = below([_maps(swept, index, manner), under[index]], LINES_GAP)
        yield framed(whole._replace(width=width, height=height), f"{swept.stage}: {value}", value)


def _maps(swept: Sweep, index: int, manner: Manner) -> Part:
    """What is drawn of one place above the lines; it is of one size at all of them."""
    moment, size = swept.moments[index], manner.size
    given = multiplied(moment.step, swept)
    texts = [number(value) for channel in given for row in swept.whole.values[channel].tolist() for value in row]
    rows = []
    for channel, kernels in given.items():
        title = "input" if len(given) == 1 else f"input, channel {channel}"
        parts = [matrices([each.values, *each.others], WEIGHTS, each.title, size=size)[0] for each in kernels]
        over = [sign(TIMES), below(parts)] if kernels else []
        rows.append(beside([_input(swept, moment, channel, title, side(texts, size), size), *over]))
    output = _output(swept, index, size)
    maps = beside([below(rows), arrow(), output]) if manner.is_beside else below([*rows, output])
    head = below([line(swept.stage, LARGE, bold=True), said(selection.place_text(moment.step.at))], 0)
    return below([head, maps], LINES_GAP)


def _input(swept: Sweep, moment: Moment, channel: int, title: str, across: float, size: float) -> Part:
    whole, step = swept.whole, moment.step
    cells = cells_of(whole, channel)
    chosen = step.follows if isinstance(step, steps.Pooled) and step.pool == "max" else None
    for row in moment.rows:
        for column in moment.columns:
            cells[row, column] = under(cells[row, column])._replace(chosen=(row, column, channel) == chosen)
    first, last = (whole.rows.index(row) for row in (moment.rows[0], moment.rows[-1]))
    begin, end = (whole.columns.index(column) for column in (moment.columns[0], moment.columns[-1]))
    heads = Heads(
        _heads(whole.rows, swept.spacing[0], [any(each) for each in whole.inside.tolist()]),
        _heads(whole.columns, swept.spacing[1], [any(each) for each in whole.inside.T.tolist()]),
    )
    in_rows = [[cells[row, column] for column in whole.columns] for row in whole.rows]
    return grid(in_rows, title, heads=heads, frame=(first, last, begin, end), size=size, across=across)


def _heads(places: Sequence[int], spacing: int, inside: Sequence[bool]) -> list[object]:
    """The numbers of rows or columns; of those that lie apart, only of samples."""
    if spacing == 1:
        return list(places)
    return [place // spacing if seen else "" for place, seen in zip(places, inside, strict=True)]


def _output(swept: Sweep, index: int, size: float) -> Part:
    """The map as far as it is made."""
    height, width = swept.made.shape
    texts = [number(value) for values in swept.made.tolist() for value in values]
    cells = [
        [Cell(texts[place], MADE) if place <= index else Cell() for place in range(row * width, (row + 1) * width)]
        for row in range(height)
    ]
    row, column = divmod(index, width)
    heads = Heads(range(height), range(width))
    return grid(cells, "output", heads=heads, frame=(row, row, column, column), size=size, across=side(texts, size))


@singledispatch
def multiplied(step: steps.Step, swept: Sweep) -> dict[int, list[Kernel]]:
    """What the window of each channel that is drawn is multiplied with, by the channel; nothing in a pool."""
    msg = f"{step.kind} has no window that moves"
    raise NotImplementedError(msg)


@multiplied.register
def _convolved(step: steps.Convolved, swept: Sweep) -> dict[int, list[Kernel]]:
    found: dict[int, list[Kernel]] = {}
    for index in selection.shown_filters(step):
        title = "kernel" if len(step.filters) == 1 else f"kernel {index + 1} of {len(step.filters)}"
        for place, channel in enumerate(step.filters[index].channels[:MOST_CHANNELS]):
            others = tuple(each.channels[place].kernel for each in step.filters)
            found.setdefault(channel.window.channel, []).append(Kernel(title, channel.kernel, others))
    return found


@multiplied.register
def _transposed(step: steps.Transposed, swept: Sweep) -> dict[int, list[Kernel]]:
    title = "kernel, turned by 180\N{DEGREE SIGN}"
    channels = [channel.window.channel for channel in step.filters[0].channels[:MOST_CHANNELS]]
    return {channel: [Kernel(title, steps.matrix(swept.kernels[i]))] for i, channel in enumerate(channels)}


@multiplied.register
def _pooled(step: steps.Pooled, swept: Sweep) -> dict[int, list[Kernel]]:
    return {step.window.channel: []}


@singledispatch
def lines(step: steps.Step) -> Iterator[Part]:
    """What comes of a window, in numbers."""
    msg = f"{step.kind} has no window that moves"
    raise NotImplementedError(msg)


@lines.register
def _sums(step: steps.Convolved) -> Iterator[Part]:
    for index in selection.shown_filters(step):
        each = step.filters[index]
        drawn = range(min(MOST_CHANNELS, len(each.channels)))
        for channel in each.channels[: len(drawn)]:
            label = "sum" if len(each.channels) == 1 else f"channel {channel.window.channel}"
            terms, count = selection.summed(channel), sum(map(len, channel.products))
            yield equation(label, terms, channel.sum, f"{label}   {count} products")
        yield from totals(each, drawn)
    yield from combined(step)


@lines.register
def _meeting(step: steps.Transposed) -> Iterator[Part]:
    window = step.filters[0].channels[0].window
    if window.rows and window.columns:
        yield from _sums(step)
    else:
        yield said("no sample's kernel reaches this place")
        yield from combined(step)


lines.register(of_pool)
