"""An explanation as a lecturer writes it on the board: windows, kernels and products side by side, sums below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from cnnfilter.cli.tables import facts, padded, wrapped
from cnnfilter.explanation import Explanation, ReceptiveField, selection, steps
from cnnfilter.explanation.formulas import magnitude, show_scale
from cnnfilter.explanation.selection import MOST_CHANNELS, MOST_MEETINGS, MOST_ROWS, MOST_TERMS, place_text, range_text
from cnnfilter.messages import LONGEST_NAME, readable, shortened, show_shape
from cnnfilter.text.shown import factor, show, show_sum

MARKS = "(["
"""What stands before a number in a window that is from the padding, or that the next step explains."""


def board(explanation: Explanation, width: int) -> str:
    """An explanation as lines of at most `width` characters, as far as they have places to end."""
    size = show_shape(explanation.input)
    lines = [
        f"{shortened(explanation.stages, LONGEST_NAME)} on a picture of {size} gives {show_shape(explanation.output)}",
        f"{place_text(explanation.at)} = {show(explanation.value)}",
    ]
    first = explanation.steps[-1]
    windows: list[list[str]] = []
    for step in explanation.steps:
        follows = selection.followed_in(step, first)
        name = "" if step.name is None else f" ({readable(step.name)})"
        head = f"stage {step.number}{name}  {shortened(step.stage)}"
        where = "" if isinstance(step, steps.Flattened) else f"  {place_text(step.at)}"
        lines += ["", head + where] if len(head + where) <= width else ["", head, where]
        windows.append(list(_WRITERS[type(step)](step, follows, width - 2)))
        lines += ["  " + line if line else "" for line in windows[-1]]
    if first.follows is None and first.number > 1:
        lines += ["", "all of its window is from the padding: nothing before it counts"]
    lines += ["", *_field(explanation.receptive_field, width), *_legend(windows)]
    return "".join(line.rstrip() + "\n" for whole in lines for line in _fitted(whole, width))


def _fitted(line: str, width: int) -> Iterator[str]:
    """A line, and what it has no room for further to the right below it."""
    if len(line) <= width:
        yield line
        return
    indent = len(line) - len(line.lstrip())
    first, *more = wrapped(line[indent:], width - indent - 2)
    yield " " * indent + first
    yield from (" " * (indent + 2) + part for part in more)


def _legend(windows: Sequence[Sequence[str]]) -> list[str]:
    """What the marks in the windows mean, if there are any: those of the picture's come last."""
    cells = [[line.partition(" | ")[2] for line in lines] for lines in windows]
    meanings = ["(0) from the padding"] if any("(" in cell for each in cells for cell in each) else []
    marked = [any("[" in cell for cell in each) for each in cells]
    traced = ["traced to the stage before"] if any(marked[:-1]) else []
    traced += ["the largest of stage 1"] if marked[-1] else []  # no stage stands before it
    meanings += [f"[0] {', or '.join(traced)}"] if traced else []
    return ["", *meanings] if meanings else []


def _field(field: ReceptiveField, width: int) -> list[str]:
    height, across = field.size
    if not height:
        return ["receptive field  none: all lies in the padding"]
    rows = [("in the padding", f"{field.in_padding or 'none'} of {height * across}")]
    if field.corners:
        corners = dict.fromkeys(field.corners)  # of a single row or column they coincide
        rows.insert(0, ("corners in the picture", " ".join(f"({row}, {column})" for row, column in corners)))
    size = f"{height}x{across}, {range_text('row', *field.rows)}, {range_text('column', *field.columns)}"
    return [f"receptive field  {size}", *("  " + line for line in facts(rows, width - 2).splitlines())]


# Blocks of numbers


def _grid(cells: Sequence[Sequence[str]]) -> list[str]:
    """Cells as lines, right-aligned in columns."""
    return [" ".join(row) for row in padded(cells)]


def _matrix(values: steps.Matrix) -> list[str]:
    return _grid([[show(value) for value in row] for row in values])


def _window(window: steps.Window, follows: Sequence[int] | None) -> list[str]:
    """A window with the rows and columns it covers; padding in parentheses, what is followed in brackets."""
    here = follows[:2] if follows is not None and follows[2] == window.channel else None
    marked = [
        [
            f"({show(value)})" if padding else f"[{show(value)}]" if here == (row, column) else show(value)
            for value, padding, column in zip(values, paddings, window.columns, strict=True)
        ]
        for values, paddings, row in zip(window.values, window.padding, window.rows, strict=True)
    ]
    if any(cell[0] in MARKS for row in marked for cell in row):
        marked = [[cell if cell[0] in MARKS else cell + " " for cell in row] for row in marked]
        heads = [f"{column} " for column in window.columns]
    else:
        heads = [str(column) for column in window.columns]
    lines = _grid([heads, *marked])
    numbers = ["", *map(str, window.rows)]
    side = max(map(len, numbers))
    return [f"{number:>{side}} | {line}" for number, line in zip(numbers, lines, strict=True)]


def _beside(blocks: Sequence[tuple[str, list[str]]], width: int) -> list[str]:
    """Titled blocks side by side, or one below the other where that is too wide."""
    sizes = [max(len(title), *map(len, lines)) for title, lines in blocks]
    if sum(sizes) + 4 * (len(blocks) - 1) > width:
        return [line for title, lines in blocks for line in (title, *("  " + each for each in lines if each))]
    rows = list(zip(*([title, *lines] for title, lines in blocks), strict=True))
    return ["    ".join(row) for row in padded(rows, ())]


def _fits(lines: Sequence[str], rows: int, width: int) -> bool:
    return rows <= MOST_ROWS and max(map(len, lines)) + 2 <= width


def _equation(label: str, terms: Iterable[float], result: float, width: int, many: str) -> str:
    """`label  a + b = result`, or in words what was added where that is too long."""
    values = list(terms)
    line = f"{label}  {show_sum(values)} = {show(result)}"
    return line if len(line) <= width and len(values) > 1 else f"{many} = {show(result)}"


# The stages


def _convolved(step: Any, follows: Sequence[int] | None, width: int) -> Iterator[str]:
    several = len(step.filters) > 1
    for number in selection.shown_filters(step):
        each = step.filters[number]
        if several:
            yield f"{step.filter}, filter {number + 1} of {len(step.filters)}"
        elif step.filter != "custom" and not f"{step.stage}:".startswith(f"conv:{step.filter}:"):
            yield step.filter
        yield from _filter(each, follows, width)
    value = step.filters[0].value
    if step.combine is not None:
        values = [each.value for each in step.filters]
        value = step.value - step.bias
        written = magnitude(values) if step.combine == "magnitude" else f"max({', '.join(map(show, values))})"
        yield f"{step.combine}  {written} = {show(value)}"
    if step.bias:
        yield f"bias  {show_sum([value, step.bias])} = {show(step.value)}"


def _filter(each: steps.FilterSum, follows: Sequence[int] | None, width: int) -> Iterator[str]:
    count = len(each.channels)
    written = selection.shown_channels(each)
    for c in written:
        if count > 1:
            yield f"channel {each.channels[c].window.channel}"
        yield from _channel(each.channels[c], follows, width)
    if count > 1:
        if count > MOST_CHANNELS:
            rest = sum(each.channels[c].sum for c in range(count) if c not in written)
            yield f"channels that are not shown: {count - MOST_CHANNELS}, together {show(rest)}"
        sums = [channel.sum for channel in each.channels]
        yield _equation("channels", sums, each.total, width, f"sum of {count} channels")
    if each.scale != 1:
        yield f"scale  {show(each.total)} * {show_scale(each.scale)} = {show(each.value)}"


def _channel(channel: steps.ChannelSum, follows: Sequence[int] | None, width: int) -> Iterator[str]:
    window, products = channel.window, [value for row in channel.products for value in row]
    shown = _window(window, follows)
    kernel, multiplied = ["", *_matrix(channel.kernel)], ["", *_matrix(channel.products)]
    widest = max((shown, kernel, multiplied), key=lambda lines: max(map(len, lines)))
    if _fits(widest, len(window.rows), width):
        yield from _beside([("window", shown), ("kernel", kernel), ("products", multiplied)], width)
    else:
        yield _extent(window) + f"; the {MOST_TERMS} largest of {len(products)} products:"
        yield from _largest_taps(channel)
    yield _equation("sum", selection.summed(channel), channel.sum, width, f"sum of {len(products)} products")


def _extent(window: steps.Window) -> str:
    rows, columns = window.rows, window.columns
    size = f"{len(rows)}x{len(columns)}"
    return f"window of {size}, {range_text('row', rows[0], rows[-1])}, {range_text('column', columns[0], columns[-1])}"


def _largest_taps(channel: steps.ChannelSum) -> list[str]:
    window = channel.window
    taps = selection.largest_taps(channel)
    places = [f"({window.rows[i]}, {window.columns[j]})" for i, j in taps]
    numbers = [(window.values[i][j], channel.kernel[i][j], channel.products[i][j]) for i, j in taps]
    return _terms(places, numbers)


def _terms(places: Sequence[str], numbers: Sequence[tuple[float, float, float]]) -> list[str]:
    """A line for each product: its place, `input * weight = product`."""
    cells = [(place, *map(show, each)) for place, each in zip(places, numbers, strict=True)]
    return ["  {}  {} * {} = {}".format(*row) for row in padded(cells)]


def _pooled(step: Any, follows: Sequence[int] | None, width: int) -> Iterator[str]:
    window = step.window
    marked = step.follows if step.pool == "max" else follows
    lines = _window(window, marked)
    if _fits(lines, len(window.rows), width):
        yield from ("window", *("  " + line for line in lines))
    else:
        yield _extent(window)
    values = [value for row in window.values for value in row]
    if step.pool == "max":
        at = "" if step.follows is None else f", at {place_text(step.follows)}"
        yield f"largest  {show(step.value)}{at}"
        return
    yield _equation("sum", values, step.sum, width, f"sum of {len(values)} values")
    if step.pool == "avg":
        yield f"mean  {show(step.sum)} / {step.divisor} = {show(step.value)}"


def _transposed(step: Any, follows: Sequence[int] | None, width: int) -> Iterator[str]:
    window = step.filters[0].channels[0].window
    for axis, (word, samples, taps) in enumerate(
        (("row", window.rows, step.kernel_rows), ("column", window.columns, step.kernel_columns))
    ):
        rule = f"*{step.stride[axis]} - {step.padding[axis]} + ", f"*{step.dilation[axis]} = {step.at[axis]}"
        if len(samples) > MOST_MEETINGS:
            first, last = (f"{word}s {ends[0]} to {ends[-1]}" for ends in (samples, taps))
            yield f"{first} of the input meet {last} of the kernel  input{rule[0]}kernel{rule[1]}"
            continue
        for sample, tap in zip(samples, taps, strict=True):
            terms = f"{sample}{rule[0]}{tap}{rule[1]}"
            yield f"{word} {sample} of the input meets {word} {tap} of the kernel  {terms}"
    if window.rows and window.columns:
        yield from _convolved(step, follows, width)
    else:
        yield f"no sample's kernel reaches this place: {'the bias' if step.bias else 'nothing'}, {show(step.value)}"


def _largest(step: Any, follows: Sequence[int] | None, width: int) -> Iterator[str]:
    yield f"largest of {step.count} values  {show(step.value)}, at {place_text(step.follows)}"


def _resampled(step: Any, follows: Sequence[int] | None, width: int) -> Iterator[str]:
    yield from _channel(step.samples, follows, width)


def _copied(step: Any, follows: Sequence[int] | None, width: int) -> Iterator[str]:
    where = "in the padding" if step.follows is None else f"at {place_text(step.follows)}"
    yield f"as it is {where}, {show(step.value)}"


def _averaged(step: Any, follows: Sequence[int] | None, width: int) -> Iterator[str]:
    yield f"mean of the map  {show(step.sum)} / {step.count} = {show(step.value)}"


def _pointwise(step: Any, follows: Sequence[int] | None, width: int) -> Iterator[str]:
    yield f"{step.formula} = {show(step.value)}"


def _joined(step: Any, follows: Sequence[int] | None, width: int) -> Iterator[str]:
    sources = [f"stage {number}" if number else "the picture" for number in step.reads]
    if len(step.inputs) < len(step.reads):
        yield f"{show(step.value)} of {sources[step.source]}, {place_text(step.follows)}"
        return
    for source, value in zip(sources, step.inputs, strict=True):
        yield f"{source}  {show(value)}"
    yield f"{step.formula} = {show(step.value)}"


def _flattened(step: Any, follows: Sequence[int] | None, width: int) -> Iterator[str]:
    yield f"index {step.at[0]} is {place_text(step.follows)}, {show(step.value)}"


def _responded(step: Any, follows: Sequence[int] | None, width: int) -> Iterator[str]:
    count = len(step.inputs)
    numbers = f": {', '.join(map(show, step.inputs))}" if count <= MOST_TERMS else ""
    yield f"{range_text('map', step.first, step.first + count - 1)}{numbers}"
    yield _equation("squares", step.squares, step.sum, width, f"sum of {count} squares" if count > 1 else "square")
    yield f"{step.formula} = {show(step.value)}"


def _multiplied(step: Any, follows: Sequence[int] | None, width: int) -> Iterator[str]:
    count = len(step.products)
    chosen = selection.largest_products(step)
    if count > MOST_TERMS:
        yield f"the {MOST_TERMS} largest of {count} products, input * weight:"
    else:
        yield "products, input * weight:"
    numbers = [(step.inputs[i], step.weights[i], step.products[i]) for i in chosen]
    yield from _terms([f"weight {i:>{len(str(max(chosen)))}}" for i in chosen], numbers)
    yield _equation("sum", step.products, step.total, width, f"sum of {count} products")
    if step.bias:
        yield f"bias  {show_sum([step.total, step.bias])} = {show(step.value)}"


def _softmaxed(step: Any, follows: Sequence[int] | None, width: int) -> Iterator[str]:
    count, own = len(step.inputs), step.at[-1]
    chosen = selection.largest_powers(step)
    yield f"e^(input - {factor(step.largest)}), the largest taken off so that no power overflows:"
    cells = [(str(i), show(step.inputs[i]), show(step.powers[i])) for i in chosen]
    for number, given, power in padded(cells):
        yield f"  {number}  e^({given} - {factor(step.largest)}) = {power}"
    if count > len(chosen):
        yield f"  not shown, as they are smaller: {count - len(chosen)}"
    yield _equation("sum", step.powers, step.sum, width, f"sum of {count} powers")
    yield f"share  {show(step.powers[own])} / {show(step.sum)} = {show(step.value)}"


_Writer = Callable[[Any, Sequence[int] | None, int], Iterator[str]]
_WRITERS: dict[type[steps.Step], _Writer] = {
    steps.Convolved: _convolved,
    steps.Pooled: _pooled,
    steps.Transposed: _transposed,
    steps.Averaged: _averaged,
    steps.Largest: _largest,
    steps.Resampled: _resampled,
    steps.Copied: _copied,
    steps.Pointwise: _pointwise,
    steps.Flattened: _flattened,
    steps.Responded: _responded,
    steps.Joined: _joined,
    steps.Multiplied: _multiplied,
    steps.Softmaxed: _softmaxed,
}


def numbers(title: str, maps: Sequence[steps.Matrix], word: str, width: float) -> str:
    """The numbers of a picture, or of a chain's result, one matrix below the other, in lines of some width."""
    lines = [title]
    for number, values in enumerate(maps):
        lines += [f"{word} {number}"] if len(maps) > 1 else []
        lines += ["  " + line for line in _in_parts(values, width - 2)]
    return "".join(line + "\n" for line in lines)


def _in_parts(values: steps.Matrix, width: float) -> Iterator[str]:
    """The lines of a matrix, so many columns at a time as there is room for."""
    cells = [[show(value) for value in row] for row in values]
    sizes = [max(map(len, column)) for column in zip(*cells, strict=True)]
    begin = 0
    while begin < len(sizes):
        end = begin + 1
        while end < len(sizes) and sum(sizes[begin : end + 1]) + end - begin <= width:
            end += 1
        if end - begin < len(sizes):
            yield range_text("column", begin, end - 1)
        yield from _grid([row[begin:end] for row in cells])
        begin = end
