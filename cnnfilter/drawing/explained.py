"""Explanations as figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from cnnfilter.drawing.grids import OUTLINE
from cnnfilter.drawing.layout import LARGE, Part, below, framed, line
from cnnfilter.drawing.letters import printed
from cnnfilter.drawing.shapes import PALE, Box, Figure, Line
from cnnfilter.drawing.windows import Surroundings, said
from cnnfilter.drawing.worked import worked
from cnnfilter.explanation import Explanation, selection, steps
from cnnfilter.explanation.selection import place_text
from cnnfilter.explanation.whole import Whole
from cnnfilter.messages import readable, show_shape
from cnnfilter.text.shown import show


def figure_of(told: Sequence[tuple[Explanation, Mapping[int, Whole]]], description: str) -> Figure:
    """A figure of explanations: of each its stages one below the other, the last first.

    Parameters
    ----------
    told : sequence of (Explanation, dict of int to Whole)
        With all of the input of some stages, by their number: it is drawn around their windows.
    description : str
        The same in words.
    """
    parts = [part for explanation, inputs in told for part in _stages(explanation, inputs)]
    wide = max(part.width for part in parts)
    rule = Part(wide, 1, (Line(((0, 0), (wide, 0)), PALE, 1),))
    divided = chain(parts[:1], *((rule, part) for part in parts[1:]))
    first = told[0][0]
    title = f"{first.stages} on a picture of {show_shape(first.input)}: {_value(first)}"
    return framed(below([*divided, *_legend(parts)], 24), title, description)


def _value(explanation: Explanation) -> str:
    return f"{place_text(explanation.at)} = {show(explanation.value)}"


def _stages(explanation: Explanation, inputs: Mapping[int, Whole]) -> Iterator[Part]:
    """What is drawn of each stage, the first with what all is about above it."""
    above = [below([line(explanation.stages, LARGE, bold=True), said(printed(_value(explanation)))], 0)]
    first = explanation.steps[-1]
    for step in explanation.steps:
        around = Surroundings(selection.followed_in(step, first), inputs.get(step.number))
        body = below(worked(step, around), 16)
        is_alone = first is step is explanation.steps[0] and step.number == 1
        yield below([*above, body if is_alone else below([_headed(step), body], 10)], 24)
        above = []
    if first.follows is None and first.number > 1:
        yield said("all of its window is from the padding: nothing before it counts")


def _headed(step: steps.Step) -> Part:
    name = "" if step.name is None else f" ({readable(step.name)})"
    head = line(f"stage {step.number}{name}  {step.stage}", bold=True)
    return head if isinstance(step, steps.Flattened) else below([head, said(place_text(step.at))], 0)


def _legend(parts: Sequence[Part]) -> list[Part]:
    """What dashed cells and outlined ones mean, if there are any."""
    boxes = [shape for part in parts for shape in part.at(0, 0) if isinstance(shape, Box)]
    meanings = ["dashed: padding"] if any(box.dashed for box in boxes) else []
    meanings += ["outlined: traced to the stage before"] if any(box.weight == OUTLINE for box in boxes) else []
    return [said(";  ".join(meanings))] if meanings else []
