"""`cnnfilter kernels`: the catalogue, and what can be said of one kernel."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import click

from cnnfilter.cli import options, render
from cnnfilter.errors import KernelError
from cnnfilter.model.catalogue import KERNELS, Entry

if TYPE_CHECKING:
    from cnnfilter.model.facts import FilterFacts, KernelFacts
    from cnnfilter.model.matrix import Matrix

WIDEST = 15
"""Columns of a matrix that are shown; a wider one would wrap into a jumble."""

COMBINED = {"magnitude": "square root of the sum of squares", "maximum": "the largest"}


@click.command(
    "kernels",
    cls=options.KernelCommand,
    short_help="List the kernels, or describe one.",
    epilog="""\b
    Examples:
      cnnfilter kernels
      cnnfilter kernels sobel
      cnnfilter kernels gaussian:sigma=2 --json
      cnnfilter kernels "0 -1 0; -1 5 -1; 0 -1 0"
    """,
)
@click.argument("kernel", required=False, type=options.kernel_text)
@options.kernel_name
@options.layout
@options.as_json
def command(kernel: str | None, kernel_name: str | None, layout: str | None, as_json: bool) -> int:
    """List the named kernels, or show the KERNEL's matrix, sum, symmetry, rank and range of results.

    KERNEL is a name with its parameters, a file of weights, or a matrix.
    """
    if kernel is None:
        entries = list(KERNELS.values())
        render.out(_dump([_entry(entry) for entry in entries]) if as_json else _catalogue(entries))
        return 0
    from cnnfilter.model.facts import describe
    from cnnfilter.model.kernels import Kernel
    from cnnfilter.model.weights import find_kernel

    found = find_kernel(kernel, array_name=kernel_name, layout=layout)
    if not isinstance(found, Kernel):
        shape = "x".join(map(str, found.weight.shape))
        msg = f"{found.name} is a bank of shape {shape}; only single kernels are described"
        raise KernelError(msg)
    facts = describe(found)
    render.out(_dump(_facts(facts)) if as_json else _description(facts))
    return 0


def _catalogue(entries: list[Entry]) -> str:
    rows = [(entry.name, entry.family, _parameters(entry), entry.description) for entry in entries]
    return render.table(("KERNEL", "FAMILY", "PARAMETERS", "WHAT IT SHOWS OR DOES"), rows)


def _parameters(entry: Entry) -> str:
    """Name them with their defaults; one that may be left out has none."""
    return " ".join(each.name if each.default is None else f"{each.name}={each.default:g}" for each in entry.parameters)


def _description(facts: KernelFacts) -> str:
    height, width = facts.size
    rows = [("kernel", facts.name), ("size", f"{height}x{width}")]
    for number, each in enumerate(facts.filters, 1):
        if len(facts.filters) > 1:
            rows.append(("", ""))
            rows.append((f"filter {number}", f"of {len(facts.filters)}"))
        rows += [("matrix", line) if i == 0 else ("", line) for i, line in enumerate(_matrix(each.matrix))]
        if facts.scale != 1:
            rows.append(("scale", str(facts.scale)))
        rows += _filter_rows(each)
    if len(facts.filters) > 1:
        rows.append(("", ""))
    if facts.combine is not None:
        rows.append(("combined", COMBINED[facts.combine]))
    bound = "" if facts.exact else "at most "
    rows.append(("range", f"{bound}{facts.low:.6g} to {facts.high:.6g} for 8-bit input"))
    if facts.source:
        rows.append(("source", facts.source))
    return "".join(f"{name:<10}{render.printable(value)}".rstrip() + "\n" for name, value in rows)


def _filter_rows(facts: FilterFacts) -> list[tuple[str, str]]:
    even = ", ".join(facts.symmetric)
    odd = ", ".join(facts.antisymmetric)
    parts = [even, f"with the sign turned: {odd}" if odd else ""]
    return [
        ("sum", f"{facts.sum:.6g}"),
        ("symmetry", "; ".join(filter(None, parts)) or "none"),
        ("rank", f"{facts.rank} ({'separable' if facts.separable else 'not separable'})"),
    ]


def _matrix(matrix: Matrix) -> list[str]:
    if len(matrix[0]) > WIDEST:
        return [f"{len(matrix)}x{len(matrix[0])} numbers; --json shows them"]
    cells = [[f"{value:.4g}" for value in row] for row in matrix]
    width = max(len(cell) for row in cells for cell in row)
    return [" ".join(cell.rjust(width) for cell in row) for row in cells]


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "family": entry.family,
        "description": entry.description,
        "source": entry.source,
        "parameters": [dataclasses.asdict(each) for each in entry.parameters],
    }


def _facts(facts: KernelFacts) -> dict[str, Any]:
    record = dataclasses.asdict(facts)
    record["scale"] = str(facts.scale)  # "1/9" says more than 0.1111111111111111
    for each, filter_facts in zip(record["filters"], facts.filters, strict=True):
        each["separable"] = filter_facts.separable
    return record


def _dump(data: Any) -> str:
    return json.dumps(data, indent=2) + "\n"
