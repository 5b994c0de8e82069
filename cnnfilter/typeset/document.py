"""Explanations and listings of numbers as the parts of a text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cnnfilter.explanation import Explanation, ReceptiveField, selection, steps
from cnnfilter.explanation.numbers import Numbers
from cnnfilter.explanation.selection import place_text, range_text
from cnnfilter.messages import LONGEST_NAME, readable, shortened, show_shape
from cnnfilter.text.shown import show
from cnnfilter.typeset.formulas import ROOM, column_width, matrix, number
from cnnfilter.typeset.parts import Code, Display, Heading, Math, Part, Piece, paragraph
from cnnfilter.typeset.worked import told


def explanation_parts(explanation: Explanation) -> Iterator[Part]:
    """One value, worked out from the last stage back to the picture."""
    where = place_text(explanation.at).capitalize()
    yield Heading((f"{where}: ", Math(number(explanation.value))), is_whole=True)
    size, result = show_shape(explanation.input), show_shape(explanation.output)
    chain = Code(shortened(explanation.stages, LONGEST_NAME))
    yield paragraph(chain, f" on a picture of {size} gives {result}.")
    first = explanation.steps[-1]
    windows: list[Part] = []
    for step in explanation.steps:
        yield Heading((*_stage(step.number, step.name, step.stage), f", {place_text(step.at)}"))
        parts = [*told(step, selection.followed_in(step, first))]
        yield from parts
        windows += parts
    if first.follows is None and first.number > 1:
        yield paragraph("All of its window is from the padding: nothing before it counts.")
    yield Heading(("Receptive field",))
    yield paragraph(_field(explanation.receptive_field))
    yield from _legend(windows)


def _legend(parts: Sequence[Part]) -> Iterator[Part]:
    """What the marks in the windows mean, if there are any."""
    shown = [part.latex for part in parts if isinstance(part, Display)]
    if any(re.search(r"(?<!left)\(", latex) for latex in shown):  # those of formulas have grown
        yield paragraph("A number in parentheses is from the padding.")
    if any(r"\boxed" in latex for latex in shown):
        yield paragraph("A number in a box is explained next, or the largest of a pool.")


def numbers_parts(each: Numbers) -> Iterator[Part]:
    """All numbers of a picture or a result, as far as a person reads them."""
    size = show_shape(each.size)
    if each.number:
        yield Heading((*_stage(each.number, each.name, each.stage), f", {size}"))
    else:
        yield Heading((f"{each.what.capitalize()}, {size}",))
    matrices = each.matrices
    for place, values in enumerate(matrices):
        if len(matrices) > 1:
            yield paragraph(f"{each.word.capitalize()} {place}:")
        yield from _in_parts(values)
    if each.unprinted:
        yield paragraph(f"There are {each.unprinted} more, which --json has.")


def _in_parts(values: steps.Matrix) -> Iterator[Part]:
    """A matrix, so many columns at a time as a page has room for."""
    sizes = [column_width([*map(show, column)]) for column in zip(*values, strict=True)]
    begin = 0
    while begin < len(sizes):
        end = begin + 1
        room = ROOM - sum(sizes[begin:end])
        while end < len(sizes) and sizes[end] <= room:
            room -= sizes[end]
            end += 1
        if end - begin < len(sizes):
            yield paragraph(f"{range_text('column', begin, end - 1).capitalize()}:")
        yield Display(matrix([[number(value) for value in row[begin:end]] for row in values]))
        begin = end


def _stage(number: int, name: str | None, text: str) -> tuple[Piece, ...]:
    named = () if name is None else (" (", Code(readable(name)), ")")
    return (f"Stage {number}", *named, ": ", Code(shortened(text)))


def _field(field: ReceptiveField) -> str:
    height, width = field.size
    if not height:
        return "None: all lies in the padding."
    places = f"{range_text('row', *field.rows)} and {range_text('column', *field.columns)} of the picture"
    padding = f"{field.in_padding or 'none'} of its {height * width} samples in the padding"
    return f"{height}x{width}: {places}, {padding}."
