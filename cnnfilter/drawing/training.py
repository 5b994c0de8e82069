"""What a training reached, as figures: its curves, and which classes were told for which."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cnnfilter.drawing.shapes import ACCENT, GIVEN, INK, PALE, Box, Figure, Line, Shape, Text
from cnnfilter.messages import shortened

if TYPE_CHECKING:
    from cnnfilter.learning.training import Figures

LEARNED, HELD = "#1f5fa8", ACCENT
"""The lines of what is learned from, and of what is held back."""

WIDTH, HEIGHT = 440.0, 300.0
LEFT, TOP, GAP = 90.0, 60.0, 130.0
"""The size of a plot, and the room around it."""

SIZE = 18.0
LONGEST_LABEL = 16
"""Letters of a class's name."""
MOST_CLASSES = 50
"""Of more classes no matrix can be read."""


def curves(history: Sequence[Figures]) -> Figure:
    """Loss and accuracy over the epochs, of what is learned from and of what is held back."""
    shapes: list[Shape] = []
    losses: list[list[float | None]] = [[each.loss for each in history], [each.validation_loss for each in history]]
    rates: list[list[float | None]] = [
        [each.accuracy for each in history],
        [each.validation_accuracy for each in history],
    ]
    most = max(value for series in losses for value in series if value is not None)
    first, last = history[0].epoch, history[-1].epoch
    shapes += _plot(LEFT, "loss", losses, _round_up(most), (first, last))
    shapes += _plot(LEFT + WIDTH + GAP, "accuracy", rates, 1.0, (first, last))
    shapes += _legend()
    best = history[-1]
    told = f"after epoch {last} the loss is {best.loss:.4g} and the accuracy {best.accuracy:.2%}"
    width, height = 2 * LEFT + 2 * WIDTH + GAP - 40, TOP + HEIGHT + 110
    return Figure(width, height, "loss and accuracy over the epochs", told, tuple(shapes))


def _round_up(most: float) -> float:
    """The top of a plot: no less than the most, with four parts below it that are read at a glance."""
    if not most:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most / 4))
    step = next(each for each in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if each * power * 4 >= most * (1 - 1e-9))
    return step * power * 4


def _plot(
    left: float, title: str, series: list[list[float | None]], top: float, ends: tuple[int, int]
) -> Iterator[Shape]:
    yield Text(left, TOP - 28, title, SIZE + 4, bold=True)
    for part in range(5):
        y = TOP + HEIGHT * (1 - part / 4)
        yield Line(((left, y), (left + WIDTH, y)), "#d5dae0", 1)
        yield Text(left - 10, y, f"{top * part / 4:.6g}", SIZE, PALE, "end")
    yield Text(left, TOP + HEIGHT + 24, str(ends[0]), SIZE, PALE)
    yield Text(left + WIDTH, TOP + HEIGHT + 24, f"epoch {ends[1]}", SIZE, PALE, "end")
    for values, colour in zip(series, (LEARNED, HELD), strict=True):
        count = max(len(values) - 1, 1)
        points = [
            (left + WIDTH * place / count, TOP + HEIGHT * (1 - min(value / top, 1)))
            for place, value in enumerate(values)
            if value is not None
        ]
        if len(points) > 1:
            yield Line(tuple(points), colour, 3)
        if points:
            x, y = points[-1]
            yield Box(x - 4, y - 4, 8, 8, colour, None)


def _legend() -> Iterator[Shape]:
    y = TOP + HEIGHT + 70
    for place, (word, colour) in enumerate((("learned from", LEARNED), ("held back", HELD))):
        x = LEFT + place * 220
        yield Line(((x, y), (x + 40, y)), colour, 3)
        yield Text(x + 50, y, word, SIZE)


def confusion(counts: Sequence[Sequence[int]], labels: Sequence[str]) -> Figure:
    """How often each class (row) was told as each (column)."""
    side = 56.0
    names = [shortened(label, LONGEST_LABEL) for label in labels]
    left = 40 + max(map(len, names)) * SIZE * 0.62
    top = 90.0
    shapes: list[Shape] = [Text(left, 30, "told as", SIZE, PALE)]
    most = max(max(row) for row in counts) or 1
    for row, (name, line) in enumerate(zip(names, counts, strict=True)):
        y = top + row * side
        shapes.append(Text(left - 12, y + side / 2, name, SIZE, INK, "end"))
        shapes.append(Text(left + (row + 0.5) * side, top - 20, name[: int(side / SIZE / 0.6)], SIZE, INK, "middle"))
        for column, count in enumerate(line):
            fill = _shade(count / most, right=row == column)
            shapes.append(Box(left + column * side, y, side, side, fill, "#d5dae0"))
            shapes.append(Text(left + (column + 0.5) * side, y + side / 2, str(count), SIZE, INK, "middle"))
    right = sum(line[place] for place, line in enumerate(counts))
    told = f"{right} of {sum(map(sum, counts))} are told right"
    size = side * len(names)
    return Figure(left + size + 30, top + size + 30, "which classes were told for which", told, tuple(shapes))


def _shade(part: float, *, right: bool) -> str:
    """From white to the colour of what is right, or of what is wrong."""
    ends = (GIVEN if right else "#f3b4ae")[1:]
    channels = (int(ends[at : at + 2], 16) for at in (0, 2, 4))
    return "#" + "".join(f"{round(255 + (end - 255) * part):02x}" for end in channels)
