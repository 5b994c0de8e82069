"""What is told of each kind of step: one table, which raises for a step that it does not know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch

from cnnfilter.explanation import selection, steps
from cnnfilter.explanation.formulas import magnitude, show_scale
from cnnfilter.explanation.regions import Place
from cnnfilter.explanation.selection import MOST_CHANNELS, MOST_MEETINGS, MOST_ROWS, MOST_TERMS, place_text, range_text
from cnnfilter.text.shown import show, show_product
from cnnfilter.typeset.formulas import ROOM, aligned, equation, formula, matrix, number, width
from cnnfilter.typeset.parts import Code, Display, Math, Paragraph, Part, Piece, Table, paragraph

LONGEST_SUM = 36
"""Terms up to which a sum is written out: the products of three 3x3 windows, and of a 6x6 one."""

SIGNS = 6
"""How many digits wide the signs between a window, its kernel and their products are."""

Follows = Place | None
"""The place that the next step explains, which is marked."""


@singledispatch
def told(step: steps.Step, follows: Follows) -> Iterator[Part]:
    """What is told of a step, after its heading.

    Raises
    ------
    TypeError
        If there is no entry for such a step.
    """
    msg = f"there is nothing to tell of a step of the kind {type(step).__name__}"
    raise TypeError(msg)


@told.register
def _convolved(step: steps.Convolved, follows: Follows) -> Iterator[Part]:
    for place in selection.shown_filters(step):
        each = step.filters[place]
        if len(step.filters) > 1:
            yield paragraph(Code(step.filter), f", filter {place + 1} of {len(step.filters)}:")
        elif step.filter != "custom" and not f"{step.stage}:".startswith(f"conv:{step.filter}:"):
            yield paragraph(Code(step.filter), ":")
        yield from _filter(each, follows)
    value = step.filters[0].value
    if step.combine is not None:
        values = [each.value for each in step.filters]
        value = step.value - step.bias
        written = magnitude(values) if step.combine == "magnitude" else f"max({', '.join(map(show, values))})"
        yield _equal(step.combine, written, value)
    if step.bias:
        yield Display(equation("with the bias", [value, step.bias], step.value, LONGEST_SUM))


def _filter(each: steps.FilterSum, follows: Follows) -> Iterator[Part]:
    count, written = len(each.channels), selection.shown_channels(each)
    for c in written:
        if count > 1:
            yield paragraph(f"Channel {each.channels[c].window.channel}:")
        yield from _channel(each.channels[c], follows)
    if count > 1:
        if count > MOST_CHANNELS:
            rest = sum(each.channels[c].sum for c in range(count) if c not in written)
            yield paragraph(f"Channels that are not shown, {count - MOST_CHANNELS}: ", Math(number(rest)), " together.")
        sums = [channel.sum for channel in each.channels]
        yield Display(equation("all channels", sums, each.total, LONGEST_SUM))
    if each.scale != 1:
        yield _equal("scaled", f"{show_product([each.total])} * {show_scale(each.scale)}", each.value)


def _channel(channel: steps.ChannelSum, follows: Follows) -> Iterator[Part]:
    window = channel.window
    named = [
        ("window", _marked(window, follows)),
        ("kernel", _numbers(channel.kernel)),
        ("products", _numbers(channel.products)),
    ]
    widths = [width([[show(value) for value in row] for row in rows]) for rows in (window.values, channel.kernel)]
    widths.append(width([[show(value) for value in row] for row in channel.products]))
    if len(window.rows) > MOST_ROWS or max(widths) > ROOM:
        yield _largest_taps(channel)
    else:
        signs = ("", r"\odot", "=")
        matrices = [rf"\overset{{\text{{{name}}}}}{{{matrix(rows)}}}" for name, rows in named]
        if sum(widths) + SIGNS <= ROOM:
            latex = "\n".join(f"{sign} {each}".strip() for sign, each in zip(signs, matrices, strict=True))
        else:
            latex = aligned([f"{sign}& {each}".strip() for sign, each in zip(signs, matrices, strict=True)])
        yield _extent(window)
        yield Display(latex)
    yield Display(equation("sum", selection.summed(channel), channel.sum, LONGEST_SUM))


def _numbers(rows: steps.Matrix) -> list[list[str]]:
    return [[number(value) for value in row] for row in rows]


def _marked(window: steps.Window, follows: Follows) -> list[list[str]]:
    """The numbers of a window, those of the padding in parentheses, what is followed in a box."""
    here = follows[:2] if follows is not None and follows[2] == window.channel else None
    return [
        [
            f"({number(value)})" if padding else rf"\boxed{{{number(value)}}}" if here == spot else number(value)
            for value, padding, spot in zip(values, paddings, ((row, column) for column in window.columns), strict=True)
        ]
        for values, paddings, row in zip(window.values, window.padding, window.rows, strict=True)
    ]


def _extent(window: steps.Window) -> Paragraph:
    """Where a window lies; of a dilated one, each row and column."""
    ends = (_places("row", window.rows), _places("column", window.columns))
    return paragraph(f"The window of {_size(window)} covers {ends[0]} and {ends[1]}.")


def _size(window: steps.Window) -> str:
    return f"{len(window.rows)}x{len(window.columns)}"


def _places(word: str, places: Sequence[int]) -> str:
    if len(places) < 2 or places[-1] - places[0] == len(places) - 1 or len(places) > MOST_TERMS:
        return range_text(word, places[0], places[-1])
    return f"{word}s {', '.join(map(str, places))}"


def _largest_taps(channel: steps.ChannelSum) -> Table:
    window, taps = channel.window, selection.largest_taps(channel)
    numbers = ((window.values[i][j], channel.kernel[i][j], channel.products[i][j]) for i, j in taps)
    rows = [
        (f"({window.rows[i]}, {window.columns[j]})", *map(number, each))
        for (i, j), each in zip(taps, numbers, strict=True)
    ]
    return Table((f"largest of {_size(window)}, at", "window", "weight", "product"), tuple(rows))


@told.register
def _transposed(step: steps.Transposed, follows: Follows) -> Iterator[Part]:
    window = step.filters[0].channels[0].window
    for axis, (word, samples, taps) in enumerate(
        (("row", window.rows, step.kernel_rows), ("column", window.columns, step.kernel_columns))
    ):
        if len(samples) > MOST_MEETINGS:
            first, last = (f"{word}s {ends[0]} to {ends[-1]}" for ends in (samples, taps))
            yield paragraph(f"{first.capitalize()} of the input meet {last} of the kernel.")
            continue
        for sample, tap in zip(samples, taps, strict=True):
            terms = f"{sample} * {step.stride[axis]} - {step.padding[axis]} + {tap} * {step.dilation[axis]}"
            met = f"{word.capitalize()} {sample} of the input meets {word} {tap} of the kernel: "
            yield paragraph(met, Math(f"{formula(terms)} = {step.at[axis]}"))
    if window.rows and window.columns:
        yield from _convolved(step, follows)
    else:
        rest = "the bias" if step.bias else "nothing"
        yield paragraph(f"No sample's kernel reaches this place: {rest}, ", Math(number(step.value)), ".")


@told.register
def _pooled(step: steps.Pooled, follows: Follows) -> Iterator[Part]:
    window, values = step.window, [value for row in step.window.values for value in row]
    yield _extent(window)
    is_shown = len(window.rows) <= MOST_ROWS and width([[show(value) for value in row] for row in window.values]) < ROOM
    if step.pool == "max":
        at = () if step.follows is None else (f", at {place_text(step.follows)}",)
        if is_shown:
            yield Display(rf"\max {matrix(_marked(window, step.follows))} = {number(step.value)}")
        yield paragraph("The largest is ", Math(number(step.value)), *at, ".")
        return
    if is_shown:
        yield Display(matrix(_marked(window, follows)))
    total = float(step.sum or 0)
    yield Display(equation("sum", values, total, LONGEST_SUM))
    if step.pool == "avg":
        yield _equal("mean", f"{show(total)} / {step.divisor}", step.value)


@told.register
def _averaged(step: steps.Averaged, follows: Follows) -> Iterator[Part]:
    yield _equal("mean of the map", f"{show(step.sum)} / {step.count}", step.value)


@told.register
def _largest(step: steps.Largest, follows: Follows) -> Iterator[Part]:
    at = "" if step.follows is None else f", at {place_text(step.follows)}"
    yield paragraph(f"The largest of {step.count} values is ", Math(number(step.value)), f"{at}.")


@told.register
def _resampled(step: steps.Resampled, follows: Follows) -> Iterator[Part]:
    yield from _channel(step.samples, follows)


@told.register
def _copied(step: steps.Copied, follows: Follows) -> Iterator[Part]:
    where = "in the padding" if step.follows is None else f"at {place_text(step.follows)}"
    yield paragraph(f"As it is {where}: ", Math(number(step.value)), ".")


@told.register
def _pointwise(step: steps.Pointwise, follows: Follows) -> Iterator[Part]:
    yield _equal("", step.formula, step.value)


@told.register
def _joined(step: steps.Joined, follows: Follows) -> Iterator[Part]:
    sources = [f"stage {each}" if each else "the picture" for each in step.reads]
    if len(step.inputs) < len(step.reads):
        where = () if step.follows is None else (f", {place_text(step.follows)}",)
        yield paragraph("It is ", Math(number(step.value)), f" of {sources[step.source]}", *where, ".")
        return
    pieces: list[Piece] = []
    for source, value in zip(sources, step.inputs, strict=True):
        pieces += [", " if pieces else "", f"{source}: ", Math(number(value))]
    yield paragraph(*pieces)
    yield _equal("", step.formula, step.value)


@told.register
def _flattened(step: steps.Flattened, follows: Follows) -> Iterator[Part]:
    where = "" if step.follows is None else f" is {place_text(step.follows)}"
    yield paragraph(f"Index {step.at[0]}{where}: ", Math(number(step.value)), ".")


@told.register
def _responded(step: steps.Responded, follows: Follows) -> Iterator[Part]:
    count = len(step.inputs)
    maps = range_text("map", step.first, step.first + count - 1)
    yield paragraph(f"{maps.capitalize()}: ", *_listed(step.inputs))
    yield Display(equation("sum of squares", step.squares, step.sum, LONGEST_SUM))
    yield _equal("", step.formula, step.value)


def _listed(values: Iterable[float]) -> Iterator[Piece]:
    for place, value in enumerate(values):
        yield from ([", "] if place else [])
        yield Math(number(value))


@told.register
def _multiplied(step: steps.Multiplied, follows: Follows) -> Iterator[Part]:
    count, chosen = len(step.products), selection.largest_products(step)
    numbers = ((step.inputs[i], step.weights[i], step.products[i]) for i in chosen)
    rows = [(str(i), *map(number, each)) for i, each in zip(chosen, numbers, strict=True)]
    title = f"largest of {count}, at" if count > MOST_TERMS else "index"
    yield Table((title, "input", "weight", "product"), tuple(rows))
    yield Display(equation("sum", step.products, step.total, LONGEST_SUM))
    if step.bias:
        yield Display(equation("with the bias", [step.total, step.bias], step.value, LONGEST_SUM))


@told.register
def _softmaxed(step: steps.Softmaxed, follows: Follows) -> Iterator[Part]:
    chosen = selection.largest_powers(step)
    yield paragraph("The largest input, ", Math(number(step.largest)), ", is taken off so that no power overflows.")
    powers = (formula(f"e^({show(step.inputs[i])} - {show_product([step.largest])})") for i in chosen)
    rows = [
        (str(i), number(step.inputs[i]), f"{power} = {number(step.powers[i])}")
        for i, power in zip(chosen, powers, strict=True)
    ]
    yield Table(("index", "input", "power"), tuple(rows))
    if len(step.inputs) > len(chosen):
        yield paragraph(f"Powers that are not shown, as they are smaller: {len(step.inputs) - len(chosen)}.")
    yield Display(equation("sum", step.powers, step.sum, LONGEST_SUM))
    yield _equal("share", f"{show(step.powers[step.at[-1]])} / {show(step.sum)}", step.value)


def _equal(label: str, written: str, value: float) -> Display:
    """`label = formula = value`."""
    begin = rf"\text{{{label}}} = " if label else ""
    return Display(f"{begin}{formula(written)} = {number(value)}")
