"""`cnnfilter kernels`: the catalogue, and what can be said of one kernel."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnfilter.cli import cells, commands, options, render, tables
from cnnfilter.cli.completion import complete_files, complete_kernels
from cnnfilter.errors import ArgumentError
from cnnfilter.kernels.catalogue import KERNELS, Entry
from cnnfilter.messages import quoted

if TYPE_CHECKING:
    from cnnfilter.kernels.facts import FilterFacts, KernelFacts
    from cnnfilter.kernels.kernel import Kernel
    from cnnfilter.kernels.matrix import Matrix
    from cnnfilter.weights.bank import FilterBank, Weights

MOST_ROWS = 15
"""Rows of a matrix, or filters of a bank, that are shown; of more, the first and the last."""
INDENT = 10
"""Where the second column of a description begins, behind `symmetry`."""

SIMPLE = 10**6
"""A fraction whose denominator is below this is shown as one."""
NOTHING = 1e-6
"""A bank's sum below this part of the sum of its magnitudes is shown as 0: weights are float32."""

COMBINED = {"magnitude": "square root of the sum of squares", "maximum": "the largest"}

Lines = list[tuple[str, str]]
"""A name, which may be empty, and what stands beside it."""


@click.command(
    "kernels",
    cls=commands.KernelCommand,
    short_help="List the kernels, or describe one.",
    epilog="""\b
    Examples:
      cnnfilter kernels
      cnnfilter kernels sobel
      cnnfilter kernels gaussian:sigma=2 --json
      cnnfilter kernels net.npz --kernel-name conv1 -o filters.png
      cnnfilter kernels "0 -1 0; -1 5 -1; 0 -1 0"
    """,
)
@click.argument("kernel", required=False, type=options.kernel_text, shell_complete=complete_kernels)
@options.kernel_name
@options.layout
@click.option(
    "-o", "--output", metavar="PATH", shell_complete=complete_files,
    help="Write a picture of the kernel, or of each filter of a bank: blue below 0, red above, those over three "
    "channels in their colours.",
)  # fmt: skip
@options.force
@options.as_json
def command(
    kernel: str | None, kernel_name: str | None, layout: str | None, output: str | None, force: bool, as_json: bool
) -> int:
    """List the named kernels, or show the KERNEL's matrix, sum, symmetry, rank and range of results.

    KERNEL is a name with its parameters, a file of weights, or a matrix. A file of several filters is described by
    its shape and their sums. In JSON, "low" and "high" bound the results of 8-bit pictures; "exact" says whether
    some picture reaches both.
    """
    if kernel is None and output is not None:
        msg = "--output needs a KERNEL to draw"
        raise ArgumentError(msg)
    if as_json and output is not None:
        msg = "--output draws the KERNEL, and --json writes its numbers; give one of them"
        raise ArgumentError(msg)
    if kernel is None:
        entries = list(KERNELS.values())
        render.out(_dump([_entry(entry) for entry in entries]) if as_json else _catalogue(entries))
        return 0
    from cnnfilter.kernels.facts import describe
    from cnnfilter.kernels.kernel import Kernel, from_array
    from cnnfilter.weights.bank import find_kernel

    found = find_kernel(kernel, array_name=kernel_name, layout=layout)
    if output is not None:
        _write_picture(found, output, force=force)
        return 0
    if not isinstance(found, Kernel) and found.weight.shape[:2] != (1, 1):
        if as_json:
            render.out(_dump(_bank_facts(found)))
        else:
            render.out(_bank(found), cells.painted(found.weight))
        return 0
    single = found if isinstance(found, Kernel) else from_array(found.weight[0, 0], found.name)
    bias = None if isinstance(found, Kernel) or found.bias is None else float(found.bias[0])
    facts = describe(single)
    if as_json:
        render.out(_dump(_facts(facts, bias)))
    else:
        render.out(_description(facts, bias), cells.painted(_filters(single)))
    return 0


def _filters(kernel: Kernel | FilterBank) -> Weights:
    """Return weights (O, I, kh, kw), those of a named kernel over one channel."""
    from cnnfilter.kernels.kernel import Kernel

    return kernel.weights.reshape(-1, 1, *kernel.size) if isinstance(kernel, Kernel) else kernel.weight


def _write_picture(kernel: Kernel | FilterBank, output: str, *, force: bool) -> None:
    """Write what `filter_sheet` shows; its format follows the name."""
    from cnnfilter.batch.write import write_atomically
    from cnnfilter.imaging.encoding import encode
    from cnnfilter.imaging.filters import filter_sheet
    from cnnfilter.imaging.formats import ARRAYS, format_for_path

    format = format_for_path(output)
    if format is None:
        msg = f"the name {quoted(output)} tells no format; end it in .png or another picture's extension"
        raise ArgumentError(msg)
    if format in ARRAYS:
        msg = f"-o draws a picture, and {quoted(output)} would hold numbers; end it in .png, or take them from --json"
        raise ArgumentError(msg)
    weight = _filters(kernel)
    titles = [kernel.name] if len(weight) == 1 else [f"{i} {kernel.name}" for i in range(len(weight))]
    picture = filter_sheet(weight, titles)
    write_atomically(Path(output), encode(picture, format), overwrite=force)
    height, width = picture.pixels.shape[:2]
    render.message(f"wrote {output}  {width}x{height}")


def _catalogue(entries: Sequence[Entry]) -> str:
    """Return the table; where it is narrow, without the families, and then with parameters in the last column."""
    columns = ("KERNEL", "FAMILY", "PARAMETERS", "WHAT IT SHOWS OR DOES")
    rows = [(each.name, each.family, _parameters(each), each.description) for each in entries]
    short = [f"{each.description} ({_parameters(each)})" if each.parameters else each.description for each in entries]
    tables_: list[tuple[Sequence[str], Sequence[Sequence[str]]]] = [
        (columns, rows),
        (columns[::2] + columns[3:], [row[::2] + row[3:] for row in rows]),
        (columns[::3], [(row[0], text) for row, text in zip(rows, short, strict=True)]),
    ]
    for columns_, rows_ in tables_:
        others = sum(max(map(len, column)) + 2 for column in list(zip(columns_, *rows_, strict=True))[:-1])
        if others + tables.PROSE <= render.columns():
            break
    return tables.table(columns_, rows_, prose=True)


def _parameters(entry: Entry) -> str:
    """Name them with their defaults; one that may be left out has none."""
    return " ".join(each.name if each.default is None else f"{each.name}={each.default:g}" for each in entry.parameters)


def _description(facts: KernelFacts, bias: float | None) -> str:
    height, width = facts.size
    rows: Lines = [("kernel", facts.name), ("size", f"{height}x{width}")]
    for number, each in enumerate(facts.filters, 1):
        if len(facts.filters) > 1:
            rows += [("", ""), (f"filter {number}", f"of {len(facts.filters)}")]
        rows += _matrix(each.matrix)
        if facts.scale != 1:
            rows.append(("scale", _scale(facts.scale)))
        rows += _filter_rows(each)
    if len(facts.filters) > 1:
        rows.append(("", ""))
    if facts.combine is not None:
        rows.append(("combined", COMBINED[facts.combine]))
    if bias is not None:
        rows.append(("bias", f"{bias:.6g}"))
    bound = "" if facts.exact else "at most "
    low, high = facts.low + (bias or 0), facts.high + (bias or 0)
    rows.append(("range", f"{bound}{low:.6g} to {high:.6g} for 8-bit input"))
    if facts.source:
        rows.append(("source", facts.source))
    return tables.facts(rows, render.width(), prose=True)


def _scale(scale: Fraction | float) -> str:
    """Return a simple fraction as one, and any other number in six digits."""
    is_simple = isinstance(scale, Fraction) and scale.denominator < SIMPLE
    return str(scale) if is_simple else f"{float(scale):.6g}"


def _filter_rows(facts: FilterFacts) -> Lines:
    even = ", ".join(facts.symmetric)
    odd = ", ".join(facts.antisymmetric)
    parts = [even, f"with the sign turned: {odd}" if odd else ""]
    return [
        ("sum", f"{facts.sum:.6g}"),
        ("symmetry", "; ".join(filter(None, parts)) or "none"),
        ("rank", f"{facts.rank} ({'separable' if facts.separable else 'not separable'})"),
    ]


def _matrix(matrix: Matrix) -> Lines:
    """Return a matrix in as many digits as fit; where that are too few, its middle is left out."""
    room = max(render.width() - INDENT, INDENT)
    width = len(matrix[0])
    rows = [*matrix[: MOST_ROWS // 2], None, *matrix[-(MOST_ROWS // 2) :]] if len(matrix) > MOST_ROWS else [*matrix]
    sizes: list[int] = []
    for digits in (4, 3, 2):
        cells = [None if row is None else [f"{value:.{digits}g}" for value in row] for row in rows]
        size = max(len(cell) for row in cells if row for cell in row)
        sizes.append(size)
        if width * (size + 1) - 1 <= room:
            break
    columns = width if width * (size + 1) - 1 <= room else max((room - 3) // (size + 1) // 2 * 2, 2)
    texts = []
    for row in cells:
        if row is None:
            texts.append("...")
            continue
        parts = [cell.rjust(size) for cell in row]
        texts.append(" ".join(parts if columns == width else [*parts[: columns // 2], "...", *parts[-columns // 2 :]]))
    lines = [("matrix" if i == 0 else "", text) for i, text in enumerate(texts)]
    if columns < width or None in rows:
        lines.append(("part", f"of {len(matrix)}x{width} numbers; --json shows all"))
    return lines


def _bank(bank: FilterBank) -> str:
    """Describe a bank by its shape and its filters' sums."""
    record = _bank_facts(bank)
    filters, channels, height, width = record["shape"]
    rows: Lines = [
        ("bank", bank.name),
        ("shape", f"{filters}x{channels}x{height}x{width} (filters, channels, height, width)"),
    ]
    columns = ["filter", "sum", *(["bias"] if bank.bias is not None else [])]
    cells = [[str(i), *(f"{each[key]:.6g}" for key in columns[1:])] for i, each in enumerate(record["filters"])]
    hidden = len(cells) - MOST_ROWS
    text = tables.table(columns, cells[:MOST_ROWS], range(3), room=render.width() - INDENT)
    rows += [("filters" if i == 0 else "", line) for i, line in enumerate(text.splitlines())]
    if hidden > 0:
        rows.append(("more", f"{hidden} filters; --json has them all"))
    rows.append(
        ("use", "cnnfilter run conv:FILE shows what each filter finds; apply takes one filter, or one a channel")
    )
    return tables.facts(rows, render.width(), prose=True)


def _bank_facts(bank: FilterBank) -> dict[str, Any]:
    axes = (1, 2, 3)
    largest = abs(bank.weight).sum(axis=axes, dtype=float)
    raw = bank.weight.sum(axis=axes, dtype=float)
    sums = (raw * (abs(raw) > NOTHING * largest) + 0.0).tolist()  # no negative zero
    biases = [None] * len(sums) if bank.bias is None else bank.bias.tolist()
    filters = [{"sum": total, "bias": bias} for total, bias in zip(sums, biases, strict=True)]
    return {"name": bank.name, "shape": list(bank.weight.shape), "filters": filters}


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "family": entry.family,
        "description": entry.description,
        "source": entry.source,
        "parameters": [each._asdict() for each in entry.parameters],
    }


def _facts(facts: KernelFacts, bias: float | None) -> dict[str, Any]:
    record = dataclasses.asdict(facts)
    record["scale"] = str(facts.scale)  # "1/9" says more than 0.1111111111111111
    for each, filter_facts in zip(record["filters"], facts.filters, strict=True):
        each["separable"] = filter_facts.separable
    if bias is not None:
        record |= {"bias": bias, "low": facts.low + bias, "high": facts.high + bias}
    return record


_NUMBERS = r"\[\n[-+.,eE0-9 \n]*\]"


def _dump(data: Any) -> str:
    """Return JSON with a list of numbers, such as a row of a matrix, on one line."""
    return re.sub(_NUMBERS, lambda match: "[" + " ".join(match[0][1:-1].split()) + "]", render.as_json(data, indent=2))
