"""Losses that are worked out, and labels as one-hot, as the parts of a text."""

from __future__ import annotations

from collections.abc import Iterator

from cnnfilter.learning.explained import Explained, shown_deltas
from cnnfilter.learning.figures import FIGURES, LONGEST_SUM
from cnnfilter.learning.one_hot import OneHot
from cnnfilter.learning.one_weight import WeightGradient, largest_products
from cnnfilter.learning.worked import Worked
from cnnfilter.messages import LONGEST_NAME, readable, shortened, show_shape
from cnnfilter.text.shown import factor, show
from cnnfilter.typeset.formulas import chain, equation, formula, matrix, number
from cnnfilter.typeset.parts import Code, Display, Heading, Math, Part, Piece, Table, paragraph

TITLES = {"mse": "MSE"}
"""Losses whose names are abbreviations."""


def worked_parts(worked: Worked) -> Iterator[Part]:
    """A loss, or what belongs to it, worked out."""
    yield _heading(worked)
    yield from _arithmetic(worked)


def _heading(worked: Worked) -> Heading:
    heading = TITLES.get(worked.name, worked.name.capitalize())
    return Heading((f"{heading}: ", *_listed(worked.result), f" {worked.unit}".rstrip()), is_whole=True)


def _arithmetic(worked: Worked) -> Iterator[Part]:
    yield paragraph("Values: ", *_listed(worked.values))
    if worked.targets is not None:
        yield paragraph("Targets: ", *_listed(worked.targets))
    yield Display(formula(worked.formula))
    for line in worked.lines:
        if len(line.equal) > 1:  # the others list values
            yield Display(chain(line.equal))


def explained_parts(explained: Explained) -> Iterator[Part]:
    """A loss of one picture, and where its gradient goes."""
    size, output = show_shape(explained.input), show_shape(explained.output)
    yield _heading(explained.loss)
    chain = Code(shortened(explained.stages, LONGEST_NAME))
    name = f"class {explained.right}" if explained.label is None else Code(shortened(explained.label))
    right = () if explained.right is None else ("; right is ", name)
    yield paragraph(chain, f" on a picture of {size} gives {output}", *right, ".")
    yield from _arithmetic(explained.loss)
    yield Heading(("Deltas, ", Math(formula(FIGURES[explained.loss.name].delta))))
    chosen, targets, names = shown_deltas(explained), explained.loss.targets or (), explained.labels
    rows: list[tuple[str | Code, ...]] = [
        (
            str(place),
            *(Code(shortened(name)) for name in names[place : place + 1]),
            *map(number, (explained.loss.results[place], targets[place], explained.deltas[place])),
        )
        for place in chosen
    ]
    yield Table(("index", *(["label"] if names else []), "p", "t", "delta"), tuple(rows))
    if len(explained.deltas) > len(chosen):
        yield paragraph(f"Deltas that are not shown, as they are smaller: {len(explained.deltas) - len(chosen)}.")
    yield Heading(("Back through the stages",))
    for step in explained.steps:
        named = () if step.name is None else (" (", Code(readable(step.name)), ")")
        title = (f"Stage {step.number}", *named, ": ", Code(shortened(step.stage))) if step.number else ("The picture",)
        yield paragraph(*title)
        cells = [
            (rf"\text{{{role}}}", r" \times ".join(map(str, each.size)), number(float(each.values[each.largest])),
             ", ".join(map(str, each.place)), number(each.rms))
            for each in step.gradients for role in [each.what.replace("_", " ")]
        ]  # fmt: skip
        yield Table(("gradient", "size", "largest", "at", "RMS"), tuple(cells))
    if explained.weight is not None:
        yield from _weight(explained.weight)


def _weight(told: WeightGradient) -> Iterator[Part]:
    place = ", ".join(map(str, told.at))
    yield Heading((f"Weight {place} of stage {told.number}: ", Math(number(told.weight))))
    products, chosen = told.products.tolist(), largest_products(told)
    rows = [
        (", ".join(map(str, told.met.places[i])), number(float(told.met.deltas[i])), number(float(told.met.samples[i])),
         number(products[i]))
        for i in chosen
    ]  # fmt: skip
    title = f"largest of {len(products)}, at" if len(products) > len(chosen) else "at"
    yield Table((title, "delta", "input", "product"), tuple(rows))
    yield Display(equation("gradient", products, told.gradient, LONGEST_SUM))
    step = f"{show(told.weight)} - {show(told.rate)} * {factor(told.gradient)}"
    yield Display(rf"\text{{after a step}} = {formula(step)} = {number(told.stepped)}")


def one_hot_parts(labels: OneHot) -> Iterator[Part]:
    """Labels as rows of a 1 among zeros."""
    yield Heading(("One-hot",), is_whole=True)
    classes = (piece for name in labels.classes for piece in (", ", Code(shortened(name))))
    yield paragraph("Columns: ", *[*classes][1:])
    yield Display(matrix([[str(each) for each in row] for row in labels.rows]))


def _listed(values: tuple[float, ...]) -> Iterator[Piece]:
    if len(values) > LONGEST_SUM:
        yield f"{len(values)} numbers"
        return
    for place, value in enumerate(values):
        yield from ([", "] if place else [])
        yield Math(number(value))
