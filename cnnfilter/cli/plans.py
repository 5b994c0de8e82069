"""How plans look: a row for each stage, frameworks side by side, JSON."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnfilter.cli import render, tables
from cnnfilter.messages import show_bytes, show_shape
from cnnfilter.network.listing import Listed, columns, is_plain, listed, network_of, stage_texts
from cnnfilter.network.plan import COLUMNS
from cnnfilter.network.stages.base import Learned
from cnnfilter.weights.parameters import Named

if TYPE_CHECKING:
    from cnnfilter.export.frameworks import Answer
    from cnnfilter.network.plan import Row

NUMBERS = (3, 4)
"""The columns that stand to the right."""

COMPARISON = ("FRAMEWORK", "OUTPUT", "TOP", "BOTTOM", "LEFT", "RIGHT", "DIFFERS", "ASKED FOR AS")
PADS = (2, 3, 4, 5)

SIZES = ("input", "output", "receptive_field", "jump", "dropped")
KEYS = ("input", "output", "params", "macs", "receptive_field", "jump", "dropped")
"""What JSON has of a row, beside the stage's text; those that are sizes have a number for each axis."""


def table(rows: Sequence[Row], *, whole: bool = True) -> str:
    """A plan with its totals, or without where it is not the whole of it."""
    header, cells = _nodes(rows)
    text = tables.table(
        (header, *COLUMNS[1:]), [(cell, *row.cells[1:]) for cell, row in zip(cells, rows, strict=True)], NUMBERS
    )
    if not whole:
        return text
    return f"{text}\n{tables.paragraph(f'total: {total(rows)}')}"


def total(rows: Sequence[Row]) -> str:
    """All parameters and multiply-adds in words."""
    params, macs = totals(rows)
    size = f" ({show_bytes(4 * params, 1)} as float32)" if params else ""
    return f"{params:,} parameters{size}, {macs:,} multiply-adds"


def _nodes(rows: Sequence[Row]) -> tuple[str, Sequence[str]]:
    """The header and the cells that tell the rows' stages, with numbers and names where these are needed."""
    network = network_of(rows)
    if is_plain(network):
        return COLUMNS[0], [row.cells[0] for row in rows]
    headers, nodes = columns(network)
    lines = [tables.GAP.join(line).rstrip() for line in tables.padded([headers, *nodes], (0,))]
    if max(map(len, lines)) > render.columns():  # each stands above the rest of its row, if not above its columns
        lines = [tables.GAP.join(headers), *map(_line, listed(network))]
    header, *cells = lines
    return header, cells


def _line(node: Listed) -> str:
    """A node without columns."""
    reads = f"reads {node.reads}" if node.reads else ""
    return tables.GAP.join(filter(None, (node.number, node.name, node.stage, reads)))


def totals(rows: Sequence[Row]) -> tuple[int, int]:
    """All parameters, those that stages share once, and all multiply-adds."""
    params = {_owner(row): row.params for row in rows}
    return sum(params.values()), sum(row.macs for row in rows)


def _owner(row: Row) -> object:
    """What the learned numbers of a row belong to: several stages may share them."""
    learned = row.stage.learned if isinstance(row.stage, Learned) else None
    return learned if isinstance(learned, Named) else id(row if learned is None else learned)


def comparison(named: Sequence[tuple[str, str, Sequence[Answer]]]) -> str:
    """The frameworks' answers to each request, and at the end where they differ.

    Parameters
    ----------
    named : sequence of (str, str, answers)
        What to call the request, if there are several; the request; the answers, cnnfilter's first.
    """
    if not named:
        return "no stage has a window that moves: there is nothing to compare\n"
    blocks, found = [], []
    for name, request, answers in named:
        rows, notes = [], []
        for answer in answers:
            difference = answer.differs_from(answers[0])
            if difference:
                found.append(f"{name}{name and ' '}{answer.framework} ({difference})")
            output = "refused" if answer.output is None else show_shape(answer.output)
            pads = map(str, itertools.chain(*answer.pads)) if answer.pads else "-" * 4
            rows.append((answer.framework, output, *pads, difference, answer.request))
            notes += [tables.paragraph(f"{answer.framework}: {note}") for note in answer.notes]
        heading = tables.paragraph(f"{name}{name and tables.GAP}{request}")
        blocks.append(f"{heading}{tables.table(COMPARISON, rows, PADS)}{''.join(notes)}")
    end = "different: " + ", ".join(found) if found else "all agree"
    return "\n".join(blocks) + f"\n{tables.paragraph(end)}"


def record(rows: Sequence[Row], answers: Sequence[Sequence[Answer]] = ()) -> dict[str, Any]:
    """A plan as JSON has it; with the frameworks' answers to each stage, if they are asked for.

    A stage reads others by their numbers from 1; 0 is the network's input.
    """
    stages: list[dict[str, Any]] = [
        {"stage": text, "name": row.name, "reads": [read + 1 for read in row.reads]}
        | {key: _plain(getattr(row, key)) for key in KEYS}
        for row, text in zip(rows, stage_texts(network_of(rows)), strict=True)
    ]
    for stage, given in zip(stages, answers, strict=False):
        stage["frameworks"] = [_answer(each) for each in given]
    params, macs = totals(rows)
    return {"stages": stages, "total": {"params": params, "macs": macs}}


def _plain(value: Any) -> Any:
    """A size with a float for each fraction."""
    return [each if isinstance(each, int) else float(each) for each in value] if isinstance(value, tuple) else value


def _answer(answer: Answer) -> dict[str, Any]:
    sides = ("top", "bottom", "left", "right")
    return {
        "framework": answer.framework,
        "output": answer.output,
        "pads": answer.pads and dict(zip(sides, itertools.chain(*answer.pads), strict=True)),
        "request": answer.request,
        "notes": answer.notes,
    }
