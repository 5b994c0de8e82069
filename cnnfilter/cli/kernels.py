"""`cnnfilter kernels`: the catalogue, and what can be said of one kernel."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from cnnfilter.cli import cells, commands, options, render, tables
from cnnfilter.cli.completion import complete_files, complete_kernels
from cnnfilter.cli.matrices import INDENT, MOST_ROWS, Lines, matrix_rows
from cnnfilter.errors import ArgumentError
from cnnfilter.kernels.catalogue import KERNELS, Entry
from cnnfilter.messages import quoted, readable

if TYPE_CHECKING:
    from cnnfilter.imaging.picture import Picture
    from cnnfilter.kernels.facts import KernelFacts
    from cnnfilter.kernels.kernel import Kernel
    from cnnfilter.weights.bank import FilterBank, Weights

SIMPLE = 10**6
"""A fraction whose denominator is below this is shown as one."""
NOTHING = 1e-6
"""A bank's sum below this part of the sum of its magnitudes is shown as 0: weights are float32."""

COMBINED = {"magnitude": "square root of the sum of squares", "maximum": "the largest"}


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
@options.flag("--show", help="Show that picture in the terminal, written or not, as apply and run show theirs.")
@options.bounded
@options.as_json
def command(
    kernel: str | None,
    kernel_name: str | None,
    layout: str | None,
    output: str | None,
    force: bool,
    show: bool,
    as_json: bool,
) -> int:
    """List the named kernels, or show the KERNEL's matrix, sum, symmetry, rank and range of results.

    KERNEL is a name with its parameters, a file of weights, or a matrix. A file of several filters is described by
    its shape and their sums. In JSON, "low" and "high" bound the results of 8-bit pictures; "exact" says whether
    some picture reaches both.
    """
    for option in ["--output"] * (output is not None) + ["--show"] * show:
        if kernel is None:
            msg = f"{option} needs a KERNEL to draw"
            raise ArgumentError(msg)
        if as_json:
            msg = f"{option} draws the KERNEL, and --json writes its numbers; give one of them"
            raise ArgumentError(msg)
    if kernel is None:
        entries = list(KERNELS.values())
        render.out(_dump([_entry(entry) for entry in entries]) if as_json else _catalogue(entries))
        return 0
    from cnnfilter.weights.bank import FilterBank, find_kernel

    if output is not None:
        _check_output(output, force=force)
    found = find_kernel(kernel, array_name=kernel_name, layout=layout)
    picture = None if output is None else _written(found, output, force=force)
    show = show and render.is_terminal(sys.stdout)
    if picture is None:
        picture = _drawn(found) if show else None
        known = _known(found)
        if as_json:
            render.out(_dump(_bank_facts(known) if isinstance(known, FilterBank) else _facts(*known)))
        else:
            text = _bank(known) if isinstance(known, FilterBank) else _description(*known)
            render.out(text, "" if show else cells.painted(_filters(found)))
    if show and picture is not None:
        from cnnfilter.cli.preview import Preview

        Preview(sys.stdout).show(picture)
    return 0


def _known(found: Kernel | FilterBank) -> tuple[KernelFacts, float | None] | FilterBank:
    """The facts about a kernel, with the bias of one from a file; a bank of several filters as it is."""
    from cnnfilter.kernels.facts import describe
    from cnnfilter.kernels.kernel import Kernel, from_array

    if isinstance(found, Kernel):
        return describe(found), None
    if found.weight.shape[:2] != (1, 1):
        return found
    return describe(from_array(found.weight[0, 0], found.name)), None if found.bias is None else float(found.bias[0])


def _filters(found: Kernel | FilterBank) -> Weights:
    """Weights (O, I, kh, kw), those of a named kernel over one channel."""
    from cnnfilter.kernels.kernel import Kernel

    return found.weights.reshape(-1, 1, *found.size) if isinstance(found, Kernel) else found.weight


def _drawn(kernel: Kernel | FilterBank) -> Picture:
    """What `filter_sheet` shows."""
    from cnnfilter.imaging.filters import filter_sheet

    weight = _filters(kernel)
    titles = [kernel.name] if len(weight) == 1 else [f"{i} {kernel.name}" for i in range(len(weight))]
    return filter_sheet(weight, titles)


def _check_output(output: str, *, force: bool) -> None:
    """Refuse what cannot be written before a kernel is looked for."""
    from cnnfilter.addresses.address import located
    from cnnfilter.imaging.formats import ARRAYS, format_for_path
    from cnnfilter.writing.write import check_free

    target = located(output)
    format = format_for_path(target)
    if format is None:
        msg = f"the name {quoted(output)} tells no format; end it in .png or another picture's extension"
        raise ArgumentError(msg)
    if format in ARRAYS:
        msg = f"-o draws a picture, and {quoted(output)} would hold numbers; end it in .png, or take them from --json"
        raise ArgumentError(msg)
    check_free(target, overwrite=force)


def _written(kernel: Kernel | FilterBank, output: str, *, force: bool) -> Picture:
    """Write the picture of filters, in the format of the name."""
    from cnnfilter.addresses.address import located
    from cnnfilter.imaging.encoding import encode
    from cnnfilter.imaging.formats import format_for_path
    from cnnfilter.writing.write import Writing, write_atomically

    target, picture = located(output), _drawn(kernel)
    format = format_for_path(target)
    assert format is not None
    write_atomically(target, encode(picture, format), Writing(overwrite=force))
    height, width = picture.pixels.shape[:2]
    render.message(f"wrote {readable(output)}  {width}x{height}")
    return picture


def _catalogue(entries: Sequence[Entry]) -> str:
    """The table; where it is narrow, without the families, and then with parameters in the last column."""
    whole = [
        ("KERNEL", "FAMILY", "PARAMETERS", "WHAT IT SHOWS OR DOES"),
        *((each.name, each.family, _parameters(each), each.description) for each in entries),
    ]
    short = [(name, f"{text} ({given})" if given else text) for name, _, given, text in whole[1:]]
    header, *rows = next(
        (rows for rows in (whole, [(row[0], *row[2:]) for row in whole]) if _has_room(rows)), [whole[0][::3], *short]
    )
    return tables.table(header, rows, prose=True)


def _has_room(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the last column may stand beside the others as prose."""
    others = list(zip(*rows, strict=True))[:-1]
    return sum(max(map(len, column)) + len(tables.GAP) for column in others) + tables.PROSE <= render.columns()


def _parameters(entry: Entry) -> str:
    """The parameters with their defaults; one that may be left out has none."""
    return " ".join(each.name if each.default is None else f"{each.name}={each.default:g}" for each in entry.parameters)


def _description(facts: KernelFacts, bias: float | None) -> str:
    height, width = facts.size
    rows: Lines = [("kernel", facts.name), ("size", f"{height}x{width}")]
    several = len(facts.filters) > 1
    for number, each in enumerate(facts.filters, 1):
        if several:
            rows += [("", ""), (f"filter {number}", f"of {len(facts.filters)}")]
        rows += matrix_rows(each.matrix)
        if facts.scale != 1:
            rows.append(("scale", _scale(facts.scale)))
        odd = ", ".join(each.antisymmetric)
        symmetry = [", ".join(each.symmetric), f"with the sign turned: {odd}" if odd else ""]
        rows += [
            ("sum", f"{each.sum:.6g}"),
            ("symmetry", "; ".join(filter(None, symmetry)) or "none"),
            ("rank", f"{each.rank} ({'separable' if each.separable else 'not separable'})"),
        ]
    rows += [("", "")] * several
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
    """A simple fraction as one, and any other number in six digits."""
    is_simple = isinstance(scale, Fraction) and scale.denominator < SIMPLE
    return str(scale) if is_simple else f"{float(scale):.6g}"


def _bank(bank: FilterBank) -> str:
    """The shape of a bank, and the sums of its filters."""
    record = _bank_facts(bank)
    filters, channels, height, width = record["shape"]
    rows: Lines = [
        ("bank", bank.name),
        ("shape", f"{filters}x{channels}x{height}x{width} (filters, channels, height, width)"),
    ]
    columns = ["filter", "sum", *(["bias"] if bank.bias is not None else [])]
    sums = [[str(i), *(f"{each[key]:.6g}" for key in columns[1:])] for i, each in enumerate(record["filters"])]
    text = tables.table(columns, sums[:MOST_ROWS], range(3), room=render.width() - INDENT)
    rows += [("filters" if i == 0 else "", line) for i, line in enumerate(text.splitlines())]
    if len(sums) > MOST_ROWS:
        rows.append(("more", f"{len(sums) - MOST_ROWS} filters; --json has them all"))
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
    texts = {key: getattr(entry, key) for key in ("name", "family", "description", "source")}
    return texts | {"parameters": [each._asdict() for each in entry.parameters]}


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
    """JSON with a list of numbers, such as a row of a matrix, on one line."""
    return re.sub(_NUMBERS, lambda match: "[" + " ".join(match[0][1:-1].split()) + "]", render.as_json(data, indent=2))
