"""What each kind of stage did, drawn: what `explain` prints of it, with the numbers in cells."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from functools import singledispatch

from cnnfilter.drawing.grids import Cell, Heads, grid, number
from cnnfilter.drawing.layout import ROOM, Part, below, beside, written
from cnnfilter.drawing.letters import printed
from cnnfilter.drawing.shapes import GIVEN, PAPER
from cnnfilter.drawing.windows import (
    SIZES,
    Surroundings,
    arrow,
    channel_parts,
    equation,
    fitting,
    given,
    is_small,
    made,
    products,
    said,
    sign,
    table,
    window_part,
)
from cnnfilter.explanation import selection, steps
from cnnfilter.explanation.formulas import magnitude, show_scale
from cnnfilter.explanation.selection import MOST_CHANNELS, MOST_MEETINGS, MOST_TERMS, place_text
from cnnfilter.text.shown import factor, show, show_sum

MOST_SOURCES = 6
"""Results that are drawn where some are joined."""


@singledispatch
def worked(step: steps.Step, around: Surroundings) -> Iterable[Part]:
    """What a stage did to make one value, as parts that stand below each other."""
    msg = f"{step.kind} has no figure"
    raise NotImplementedError(msg)


@worked.register
def _convolved(step: steps.Convolved, around: Surroundings) -> Iterator[Part]:
    several = len(step.filters) > 1
    for index in selection.shown_filters(step):
        if several:
            yield said(f"{step.filter}, filter {index + 1} of {len(step.filters)}")
        elif f"+{step.filter}" in step.stage or f"{step.filter}+" in step.stage:  # one of the kernels that it names
            yield said(step.filter)
        yield from _filter(step.filters[index], around, ("kernel", Heads()))
    yield from combined(step)


def combined(step: steps.Convolved) -> Iterator[Part]:
    """What becomes of the filters' values: the one that they give together, and the bias."""
    value = step.filters[0].value
    if step.combine is not None:
        values = [each.value for each in step.filters]
        value = step.value - step.bias
        text = magnitude(values) if step.combine == "magnitude" else f"max({', '.join(map(show, values))})"
        yield written(f"{step.combine}   {text} = {show(value)}")
    if step.bias:
        yield written(f"bias   {show_sum([value, step.bias])} = {show(step.value)}")


def _filter(each: steps.FilterSum, around: Surroundings, kernel: tuple[str, Heads]) -> Iterator[Part]:
    drawn = selection.shown_channels(each)
    yield from channel_parts([each.channels[index] for index in drawn], around, *kernel)
    yield from totals(each, drawn)


def totals(each: steps.FilterSum, drawn: Collection[int]) -> Iterator[Part]:
    """What becomes of the sums of a filter's channels, some of which are drawn."""
    count = len(each.channels)
    if count > 1:
        if count > MOST_CHANNELS:
            rest = sum(each.channels[index].sum for index in range(count) if index not in drawn)
            yield written(f"channels that are not drawn: {count - MOST_CHANNELS}, together {show(rest)}")
        sums = [channel.sum for channel in each.channels]
        yield equation("channels", sums, each.total, f"sum of {count} channels")
    if each.scale != 1:
        yield written(f"scale   {show(each.total)} * {show_scale(each.scale)} = {show(each.value)}")


@worked.register
def _transposed(step: steps.Transposed, around: Surroundings) -> Iterator[Part]:
    window = step.filters[0].channels[0].window
    axes = ("row", window.rows, step.kernel_rows), ("column", window.columns, step.kernel_columns)
    for axis, (word, samples, taps) in enumerate(axes):
        rule = f"*{step.stride[axis]} - {step.padding[axis]} + ", f"*{step.dilation[axis]} = {step.at[axis]}"
        if len(samples) > MOST_MEETINGS:
            first, last = (f"{word}s {ends[0]} to {ends[-1]}" for ends in (samples, taps))
            text = f"{first} of the input meet {last} of the kernel:  input{rule[0]}kernel{rule[1]}"
            yield said(printed(text))
            continue
        for sample, tap in zip(samples, taps, strict=True):
            terms = f"{sample}{rule[0]}{tap}{rule[1]}"
            yield said(printed(f"{word} {sample} of the input meets {word} {tap} of the kernel:  {terms}"))
    if not (window.rows and window.columns):
        yield said(f"no sample's kernel reaches this place: {'the bias' if step.bias else 'nothing'}")
        yield made(step.value)
        return
    yield from _filter(step.filters[0], around, ("of the kernel", Heads(step.kernel_rows, step.kernel_columns)))
    yield from combined(step)


@worked.register
def _resampled(step: steps.Resampled, around: Surroundings) -> Iterator[Part]:
    yield from channel_parts([step.samples], around, "weights")


@worked.register
def _pooled(step: steps.Pooled, around: Surroundings) -> Iterator[Part]:
    window, chosen = step.window, step.follows if step.pool == "max" else None
    word = {"max": "largest", "avg": "mean", "sum": "sum"}[step.pool]
    yield from _into_one(window, around, chosen, made(step.value, word))
    yield from of_pool(step)


def of_pool(step: steps.Pooled) -> Iterator[Part]:
    """What becomes of the values in a pool's window."""
    values = [value for row in step.window.values for value in row]
    if step.sum is None:
        text = written(f"max({', '.join(map(show, values))}) = {show(step.value)}", room=math.inf)
        yield text if text.width <= ROOM else written(f"largest of {len(values)} values = {show(step.value)}")
        return
    yield equation("sum", values, step.sum, f"sum of {len(values)} values")
    if step.pool == "avg":
        yield written(f"mean   {show(step.sum)} / {step.divisor} = {show(step.value)}")


@worked.register
def _averaged(step: steps.Averaged, around: Surroundings) -> Iterator[Part]:
    yield from _map_of(step, around, "mean", None)
    yield written(f"mean of the map   {show(step.sum)} / {step.count} = {show(step.value)}")


@worked.register
def _largest(step: steps.Largest, around: Surroundings) -> Iterator[Part]:
    yield from _map_of(step, around, "largest", step.follows)
    yield said(f"the largest of {step.count} values is at {place_text(step.follows or ())}")


def _map_of(step: steps.Step, around: Surroundings, word: str, chosen: tuple[int, ...] | None) -> Iterator[Part]:
    """A whole map, where it is known, and the one value that comes of it."""
    if around.whole is None:
        yield made(step.value, word)
        return
    rows, columns = around.whole.rows, around.whole.columns
    values = around.whole.values[step.at[-1]].tolist()
    window = steps.Window(step.at[-1], tuple(rows), tuple(columns), values, ((False,) * len(columns),) * len(rows))
    yield from _into_one(window, around, chosen, made(step.value, word))


def _into_one(
    window: steps.Window, around: Surroundings, chosen: tuple[int, ...] | None, result: Part
) -> Iterator[Part]:
    """A window and the one value that comes of it; of a window too large to be drawn, the value."""
    tries = (
        beside([window_part(window, seen, size, chosen=chosen), arrow(), result])
        for size in SIZES
        for seen in (around, around.alone)
        if is_small(window)
    )
    drawn = next((part for part in tries if part.width <= ROOM), None)
    if drawn is None:
        yield said(f"window of {len(window.rows)}x{len(window.columns)}")
    yield drawn or result


@worked.register
def _copied(step: steps.Copied, around: Surroundings) -> Iterator[Part]:
    if step.follows is None:
        yield beside([made(step.value), said("the constant that the padding holds")])
        return
    yield _moved(step.value, place_text(step.follows), place_text(step.at))


@worked.register
def _flattened(step: steps.Flattened, around: Surroundings) -> Iterator[Part]:
    yield _moved(step.value, place_text(step.follows or ()), place_text(step.at))


def _moved(value: float, before: str, after: str) -> Part:
    """A value that is somewhere else afterwards."""
    return beside([given(value), said(before), arrow(), made(value), said(after)])


@worked.register
def _function(step: steps.Pointwise, around: Surroundings) -> Iterator[Part]:
    count = len(step.inputs)
    inputs = grid([[Cell(number(value), GIVEN) for value in step.inputs[:MOST_TERMS]]])
    more = [said(f"and {count - MOST_TERMS} more")] if count > MOST_TERMS else []
    parts = [inputs, *more, arrow(), *_equal(step)]
    whole = beside(parts)
    yield whole if whole.width <= ROOM else below([beside(parts[:-3]), beside(parts[-3:])])


def _equal(step: steps.Pointwise | steps.Joined | steps.Responded) -> list[Part]:
    """A formula and what it gives."""
    result = made(step.value)
    return [written(step.formula, room=ROOM - result.width - 60), sign("="), result]


@worked.register
def _joined(step: steps.Joined, around: Surroundings) -> Iterator[Part]:
    sources = [f"stage {number}" if number else "the picture" for number in step.reads]
    if len(step.inputs) < len(step.reads):
        yield said(f"{', then '.join(sources)}: their maps one after the other")
        yield _moved(step.value, f"{sources[step.source]}, {place_text(step.follows or ())}", place_text(step.at))
        return
    shown = list(zip(sources, step.inputs, strict=True))[:MOST_SOURCES]
    more = [said(f"and {len(sources) - MOST_SOURCES} more")] if len(sources) > MOST_SOURCES else []
    yield beside([*(given(value, source) for source, value in shown), *more])
    yield beside(_equal(step))


@worked.register
def _responded(step: steps.Responded, around: Surroundings) -> Iterator[Part]:
    count, own = len(step.inputs), step.at[2] - step.first
    first = min(max(0, own - MOST_TERMS // 2), max(0, count - MOST_TERMS))
    shown = range(first, min(count, first + MOST_TERMS))
    heads = Heads(("value", "square"), [step.first + index for index in shown])
    values = [Cell(number(step.inputs[index]), GIVEN, traced=index == own) for index in shown]
    squares = [Cell(number(step.squares[index])) for index in shown]
    of_all = f" ({MOST_TERMS} of {count} are drawn)" if count > MOST_TERMS else ""
    yield fitting(grid([values, squares], f"maps at this place{of_all}", heads=heads, size=size) for size in SIZES)
    yield equation("squares", step.squares, step.sum, f"sum of {count} squares" if count > 1 else "square")
    yield beside(_equal(step))


@worked.register
def _multiplied(step: steps.Multiplied, around: Surroundings) -> Iterator[Part]:
    count = len(step.products)
    chosen = selection.largest_products(step)
    if count > MOST_TERMS:
        yield said(f"the {MOST_TERMS} largest of {count} products")
    yield products(chosen, [(step.inputs[i], step.weights[i], step.products[i]) for i in chosen], "weight")
    if count > MOST_TERMS:
        rest = sum(product for index, product in enumerate(step.products) if index not in chosen)
        yield written(f"products that are not drawn: {count - MOST_TERMS}, together {show(rest)}")
    yield equation("sum", step.products, step.total, f"sum of {count} products")
    if step.bias:
        yield written(f"bias   {show_sum([step.total, step.bias])} = {show(step.value)}")


@worked.register
def _softmaxed(step: steps.Softmaxed, around: Surroundings) -> Iterator[Part]:
    count, own = len(step.inputs), step.at[-1]
    chosen = selection.largest_powers(step)
    yield said(f"the largest, {printed(show(step.largest))}, is taken off so that no power overflows")
    power = printed(f"e^(input - {factor(step.largest)})")
    columns = [
        ("input", [step.inputs[index] for index in chosen], GIVEN),
        (power, [step.powers[index] for index in chosen], PAPER),
    ]
    yield table(chosen, columns, ("",), None if around.follows is None else chosen.index(own))
    if count > len(chosen):
        yield said(f"not drawn, as they are smaller: {count - len(chosen)}")
    yield equation("sum", step.powers, step.sum, f"sum of {count} powers")
    yield beside([written(f"share   {show(step.powers[own])} / {show(step.sum)}"), sign("="), made(step.value)])
