"""What `cnnfilter explain` prints of listings of numbers and of values worked out: for people, programs and notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnfilter.cli import render
from cnnfilter.messages import readable, shortened, show_shape

if TYPE_CHECKING:
    from cnnfilter.explanation import Explanation
    from cnnfilter.explanation.numbers import Numbers


def written(numbers: Sequence[Numbers], explained: Sequence[Explanation], format: str | None) -> str:
    """Both as text: for a terminal, as `json`, or in one of the formats of `typeset`."""
    if format is None:
        return _text(numbers, explained)
    if format == "json":
        return _json(numbers, explained)
    from cnnfilter.typeset import typeset

    return typeset(format, numbers, explained)


def _json(numbers: Sequence[Numbers], explained: Sequence[Explanation]) -> str:
    from cnnfilter.explanation import to_record

    records = [to_record(each) for each in explained]
    record = dict(*records) if len(records) < 2 else {"nodes": records}
    if any(each.number for each in numbers):
        return render.as_json(record | {"matrices": [to_record(_matrices(each)) for each in numbers]})
    matrix = {each.what: each.values.tolist() for each in numbers}
    return render.as_json(record | (to_record({"matrix": matrix}) if matrix else {}))


def _matrices(each: Numbers) -> dict[str, Any]:
    """What JSON has of a stage in the listing of all of them; 0 is the picture."""
    told = {"number": each.number, "name": each.name, "stage": each.stage or each.what, "reads": each.reads}
    return told | {"output": each.size, "values": each.values.tolist()}


def _text(numbers: Sequence[Numbers], explained: Sequence[Explanation]) -> str:
    from cnnfilter.cli import board

    parts = []
    for each in numbers:
        parts.append(board.numbers(_title(each), each.matrices, each.word, render.columns()))
        parts[-1] += f"  and {each.unprinted} more; --json has them all\n" if each.unprinted else ""
    parts += [board.board(each, render.width()) for each in explained]
    return "\n".join(parts)


def _title(each: Numbers) -> str:
    size = show_shape(each.size)
    if not each.number:
        return f"{each.what} {size}"
    name = "" if each.name is None else f" ({readable(each.name)})"
    return f"stage {each.number}{name}  {shortened(each.stage)}  {size}"
