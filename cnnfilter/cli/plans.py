"""How plans look: a row for each stage, frameworks side by side, JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cnnfilter.cli import tables
from cnnfilter.messages import show_shape
from cnnfilter.network.plan import COLUMNS

if TYPE_CHECKING:
    from cnnfilter.export.frameworks import Answer
    from cnnfilter.network.plan import Row

NUMBERS = (3, 4)
"""The columns that stand to the right."""

COMPARISON = ("FRAMEWORK", "OUTPUT", "TOP", "BOTTOM", "LEFT", "RIGHT", "DIFFERS", "ASKED FOR AS")
PADS = (2, 3, 4, 5)


def table(rows: Sequence[Row], *, whole: bool = True) -> str:
    """Return a plan with its totals, or without where it is not the whole of it."""
    text = tables.table(COLUMNS, [row.cells for row in rows], NUMBERS)
    if not whole:
        return text
    params, macs = totals(rows)
    size = f" ({memory(4 * params)} as float32)" if params else ""
    return f"{text}\n{tables.paragraph(f'total: {params:,} parameters{size}, {macs:,} multiply-adds')}"


def memory(count: int) -> str:
    """Return a number of bytes as people say it."""
    if count < 1e3:
        return f"{count} bytes"
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def totals(rows: Iterable[Row]) -> tuple[int, int]:
    """Return all parameters, and all multiply-adds."""
    counts = [(row.params, row.macs) for row in rows]
    return sum(params for params, _ in counts), sum(macs for _, macs in counts)


def comparison(named: Sequence[tuple[str, str, Sequence[Answer]]]) -> str:
    """Return the frameworks' answers to each request, and at the end where they differ.

    Parameters
    ----------
    named : sequence of (str, str, answers)
        What to call the request, if there are several; the request; the answers, cnnfilter's first.
    """
    if not named:
        return "no stage has a window that moves: there is nothing to compare\n"
    blocks, found = [], []
    for name, request, answers in named:
        rows = []
        notes = []
        for answer in answers:
            difference = answer.differs_from(answers[0])
            if difference:
                found.append(f"{name}{name and ' '}{answer.framework} ({difference})")
            output = "refused" if answer.output is None else show_shape(answer.output)
            pads = [str(side) for axis in answer.pads for side in axis] if answer.pads else ["-"] * 4
            rows.append((answer.framework, output, *pads, difference, answer.request))
            notes += [tables.paragraph(f"{answer.framework}: {note}") for note in answer.notes]
        heading = tables.paragraph(f"{name}{name and tables.GAP}{request}")
        blocks.append(f"{heading}{tables.table(COMPARISON, rows, PADS)}{''.join(notes)}")
    end = "different: " + ", ".join(found) if found else "all agree"
    return "\n".join(blocks) + f"\n{tables.paragraph(end)}"


def record(rows: Sequence[Row], answers: Sequence[Sequence[Answer]] = ()) -> dict[str, Any]:
    """Return a plan as JSON has it; with the frameworks' answers to each stage, if they are asked for."""
    stages: list[dict[str, Any]] = [
        {
            "stage": str(row.stage),
            "input": list(row.input),
            "output": list(row.output),
            "params": row.params,
            "macs": row.macs,
            "receptive_field": list(row.receptive_field),
            "jump": row.jump and list(row.jump),
            "dropped": row.dropped and list(row.dropped),
        }
        for row in rows
    ]
    for stage, given in zip(stages, answers, strict=False):
        stage["frameworks"] = [_answer(each) for each in given]
    params, macs = totals(rows)
    return {"stages": stages, "total": {"params": params, "macs": macs}}


def _answer(answer: Answer) -> dict[str, Any]:
    pads = answer.pads and dict(
        zip(("top", "bottom", "left", "right"), (*answer.pads[0], *answer.pads[1]), strict=True)
    )
    return {
        "framework": answer.framework,
        "output": answer.output and list(answer.output),
        "pads": pads,
        "request": answer.request,
        "notes": list(answer.notes),
    }
