"""Losses that are worked out, and labels as one-hot, as the parts of a text."""

from __future__ import annotations

from collections.abc import Iterator

from cnnfilter.learning.one_hot import OneHot
from cnnfilter.learning.worked import Worked
from cnnfilter.messages import shortened
from cnnfilter.typeset.formulas import formula, matrix, number
from cnnfilter.typeset.parts import Code, Display, Heading, Math, Part, Piece, paragraph


def worked_parts(worked: Worked) -> Iterator[Part]:
    """A loss, or what belongs to it, worked out."""
    yield Heading((f"{worked.name.capitalize()}: ", *_listed(worked.result), f" {worked.unit}".rstrip()), is_whole=True)
    yield paragraph("Values: ", *_listed(worked.values))
    if worked.targets is not None:
        yield paragraph("Targets: ", *_listed(worked.targets))
    yield Display(formula(worked.formula))
    for line in worked.lines:
        if len(line.equal) > 1:  # the others list values
            yield Display(" = ".join(map(formula, line.equal)))


def one_hot_parts(labels: OneHot) -> Iterator[Part]:
    """Labels as rows of a 1 among zeros."""
    yield Heading(("One-hot",), is_whole=True)
    classes = (piece for name in labels.classes for piece in (", ", Code(shortened(name))))
    yield paragraph("Columns: ", *[*classes][1:])
    yield Display(matrix([[str(each) for each in row] for row in labels.rows]))


def _listed(values: tuple[float, ...]) -> Iterator[Piece]:
    for place, value in enumerate(values):
        yield from ([", "] if place else [])
        yield Math(number(value))
