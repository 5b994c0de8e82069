"""What `cnnfilter explain --target` prints: a loss worked out, deltas, and where they go, back through the stages.

As JSON::

    {
      "stages": "...", "input": [H, W, C], "output": [n],
      "class": number or null, "label": name or null,    which one is right
      "loss": {...},                     as `cnnfilter loss --json`
      "deltas": [number, ...],           the gradient with respect to the scores, or of mse the results
      "steps": [{                        the last stage first, the picture as number 0
        "number": 1, "name": null, "stage": "...",
        "gradients": {role: {"shape", "largest", "at", "rms", "values"}}
      }, ...],
      "weight": {                        with --weight
        "number", "name", "stage", "at", "weight", "places", "deltas", "inputs", "products", "gradient", "rate",
        "stepped"
      }
    }

The role `deltas` is the result's, (C, H, W) or (n,), others are PyTorch's. `values` is null where all together are more
than `MOST_NUMBERS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfilter.cli import render, tables
from cnnfilter.errors import ArgumentError
from cnnfilter.messages import LONGEST_NAME, quoted, readable, shortened, show_shape
from cnnfilter.text.numbers import parse_number, split_rows
from cnnfilter.text.shown import factor, show, show_product, show_sum
from cnnfilter.text.values import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnfilter.learning.explained import Explained, Gradient
    from cnnfilter.learning.one_weight import WeightGradient
    from cnnfilter.network.graph import Network

MOST_NUMBERS = 20_000
"""Up to so many numbers JSON has all deltas and gradients; of more their sizes, the largest and the RMS."""
FEW_TERMS = 9
"""Products up to which their sum is written out."""


def target(text: str, names: Sequence[str]) -> int | tuple[float, ...]:
    """What a result should be: the name of a class that the network brings, the number of one, or numbers.

    Raises
    ------
    ArgumentError
        If it is none of them.
    """
    from cnnfilter.models.labels import number_of

    text = text.strip()
    if text in names:
        return number_of(text, names)
    if text.isascii() and text.isdigit():
        return whole_number(text, "--target", 0)
    if "," in text:
        return tuple(split_rows(text).numbers(0))
    try:
        return (parse_number(text),)
    except ArgumentError:
        if names:
            return number_of(text, names)
        msg = f"--target {quoted(text)} is no number of a class, and the network brings no names of any"
        raise ArgumentError(msg) from None


def twice(name: str, network: Network) -> str | None:
    """What is told of a loss that makes probabilities of what a network's end has made probabilities already."""
    from cnnfilter.learning.figures import FIGURES

    makes, last = FIGURES[name].before, network[-1].stage.name
    if makes is None or last == makes or last not in ("softmax", "sigmoid"):
        return None
    return f"the network ends in {last}, and {name} takes its result as scores: p is made of it by {makes}"


def weight(text: str) -> tuple[str, tuple[int, ...]]:
    """A stage, and the place of one of its weights.

    Raises
    ------
    ArgumentError
        If it is not so written.
    """
    stage, *place = text.split(",")
    if len(place) not in (2, 4):
        msg = f"--weight takes STAGE,FILTER,CHANNEL,ROW,COL, or STAGE,UNIT,INPUT of a dense stage, not {quoted(text)}"
        raise ArgumentError(msg)
    return stage, tuple(whole_number(part, "--weight", 0) for part in place)


def rate(text: str) -> float:
    """A learning rate.

    Raises
    ------
    ArgumentError
        If it is no number above 0.
    """
    value = parse_number(text.strip())
    if value <= 0:
        msg = f"--lr must be above 0, not {quoted(text)}"
        raise ArgumentError(msg)
    return value


def written(explained: Explained, format: str | None) -> str:
    """A loss and its gradients as text: for a terminal, as `json`, or in one of the formats of `typeset`."""
    if format == "json":
        from cnnfilter.explanation import to_record

        return render.as_json(to_record(_record(explained)))
    if format is not None:
        from cnnfilter import typeset
        from cnnfilter.typeset.losses import explained_parts

        return typeset.written(format, explained_parts(explained))
    return "\n".join(_text(explained))


def _text(explained: Explained) -> Iterator[str]:
    from cnnfilter.cli.loss import worked_text
    from cnnfilter.learning.explained import shown_deltas
    from cnnfilter.learning.figures import FIGURES

    room = render.columns()
    size, output = show_shape(explained.input), show_shape(explained.output)
    chain = shortened(explained.stages, LONGEST_NAME)
    known = f"class {explained.right}" if explained.label is None else readable(shortened(explained.label))
    right = "" if explained.right is None else f"; right is {known}"
    worked = explained.loss
    yield tables.paragraph(f"{chain} on a picture of {size} gives {output}{right}")
    yield f"{worked.name}\n{worked_text(worked)}"
    values = [(place, worked.results[place], (worked.targets or ())[place]) for place in shown_deltas(explained)]
    named = [[readable(name) for name in explained.labels[place : place + 1]] for place, _, _ in values]
    rows = [
        (str(place), *name, show(p), show(t), show(explained.deltas[place]))
        for name, (place, p, t) in zip(named, values, strict=True)
    ]
    header = ["INDEX", *(["LABEL"] if explained.labels else []), "P", "T", "DELTA"]
    numbers = [place for place, head in enumerate(header) if head != "LABEL"]
    more = len(explained.deltas) - len(rows)
    rest = f"not shown, as they are smaller: {more}\n" if more else ""
    yield f"deltas  {FIGURES[worked.name].delta}\n{tables.table(header, rows, numbers)}{rest}"
    cells = [
        (
            *((str(step.number), readable(step.name or "")) if not place else ("", "")),
            each.what,
            show_shape(each.size),
            show(float(each.values[each.largest])),
            ",".join(map(str, each.place)),
            show(each.rms),
            shortened(step.stage) if not place else "",
        )
        for step in explained.steps
        for place, each in enumerate(step.gradients)
    ]
    columns = ("STAGE", "NAME", "GRADIENT", "SIZE", "LARGEST", "AT", "RMS", "")
    yield f"back through the stages\n{tables.table(columns, cells, (0, 4, 6))}"
    if explained.weight is not None:
        yield _weight(explained.weight, room)


def _weight(told: WeightGradient, room: float) -> str:
    from cnnfilter.explanation.selection import MOST_TERMS
    from cnnfilter.learning.one_weight import largest_products

    products, places = told.products.tolist(), told.met.places
    name = "" if told.name is None else f" ({readable(told.name)})"
    place = ",".join(map(str, told.at))
    title = f"weight {place} of stage {told.number}{name}  {shortened(told.stage)}  {show(told.weight)}"
    chosen = largest_products(told)
    rows = [
        (
            f"({', '.join(map(str, places[i]))})",
            f"{show_product([float(told.met.deltas[i]), float(told.met.samples[i])])} = {show(products[i])}",
        )
        for i in chosen
    ]
    what = f"the {MOST_TERMS} largest of {len(products)}" if len(products) > len(chosen) else "all"
    terms = show_sum(products) if len(products) <= FEW_TERMS else f"sum of {len(products)} products"
    lines = [
        ("formula", "sum(delta * input)"),
        ("products", f"{what}, by the place of the result"),
        *rows,
        ("gradient", f"{terms} = {show(told.gradient)}"),
        ("step", f"{show(told.weight)} - {show(told.rate)} * {factor(told.gradient)} = {show(told.stepped)}"),
    ]
    return f"{tables.paragraph(title)}{tables.facts(lines, room)}"


def _record(explained: Explained) -> dict[str, Any]:
    from cnnfilter.cli.loss import worked_record

    count = sum(each.values.size for step in explained.steps for each in step.gradients)
    back = [
        {
            "number": step.number,
            "name": step.name,
            "stage": step.stage,
            "gradients": {each.what: _told(each, whole=count <= MOST_NUMBERS) for each in step.gradients},
        }
        for step in explained.steps
    ]
    record: dict[str, Any] = {"stages": explained.stages, "input": explained.input, "output": explained.output}
    record |= {"class": explained.right, "label": explained.label}
    record |= {"loss": worked_record(explained.loss), "deltas": explained.deltas, "steps": back}
    one = explained.weight
    if one is None:
        return record
    met = {"places": one.met.places, "deltas": one.met.deltas.tolist(), "inputs": one.met.samples.tolist()}
    return record | {
        "weight": {
            "number": one.number, "name": one.name, "stage": one.stage, "at": one.at, "weight": one.weight, **met,
            "products": one.products.tolist(), "gradient": one.gradient, "rate": one.rate, "stepped": one.stepped,
        }
    }  # fmt: skip


def _told(each: Gradient, *, whole: bool) -> dict[str, Any]:
    told = {"shape": each.values.shape, "largest": float(each.values[each.largest]), "at": each.largest}
    return {**told, "rms": each.rms, "values": each.values.tolist() if whole else None}
