"""Tables and descriptions. Where a terminal is narrow their layout changes: no number and no word is ever broken.

A table has its cells side by side; else the last cell below the others; else the first one above them as well; else
each cell on a line of its own. A file or a pipe has no end to its lines, so that a row stays a line there. No rich
here: `shape` starts fast, and rich breaks what is too wide instead of moving it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from cnnfilter.cli import render
from cnnfilter.messages import printable, printable_lines

GAP = "  "
PROSE = 20
"""The least room beside something that is worth breaking a text into lines for."""


def padded(rows: Sequence[Sequence[str]], right: Collection[int] | None = None) -> list[list[str]]:
    """Cells as wide as the widest of their column; those of the columns `right`, by default of all, to the right."""
    columns = []
    for i, column in enumerate(zip(*rows, strict=True)):
        width = max(map(len, column))
        columns.append([cell.rjust(width) if right is None or i in right else cell.ljust(width) for cell in column])
    return [list(row) for row in zip(*columns, strict=True)]


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    right: Collection[int] = (),
    *,
    prose: bool = False,
    room: float | None = None,
) -> str:
    """Cells in columns.

    Parameters
    ----------
    header : sequence of str
        The columns' names.
    rows : iterable of sequences of str
        The last cell of a row may have several lines.
    right : collection of int
        The columns that stand to the right.
    prose : bool
        Whether the last cells are texts, which may be broken between words to stand beside the others.
    room : float, optional
        How wide a line may be; by default as wide as the terminal.
    """
    room = render.columns() if room is None else room
    if len(header) - 1 in right:  # what stands to the right has an end: that of a column without a name
        header, rows = [*header, ""], [[*row, ""] for row in rows]
    lines = [[*map(printable, row[:-1]), printable_lines(row[-1])] for row in (header, *rows)]
    columns = padded([line[:-1] for line in lines], right)
    begin = sum(len(cell) + len(GAP) for cell in columns[0])
    if prose and room - begin >= PROSE:
        for line in lines:
            line[-1] = "\n".join(part for text in line[-1].split("\n") for part in wrapped(text, room - begin))
    longest = max(len(part) for line in lines for part in line[-1].split("\n"))
    if begin - len(columns[0][0]) > room:  # two gaps before, one behind the first left out
        return "".join(f"{part}\n" for line in lines[1:] for part in _stacked(header, line, room))
    out: list[str] = []
    for line, cells in zip(lines, columns, strict=True):
        if begin + longest <= room:
            first, *more = line[-1].split("\n")
            out += [GAP.join([*cells, first]), *(" " * begin + part for part in more)]
            continue
        if begin - len(GAP) > room:
            out += [*wrapped(line[0], room), GAP * 2 + GAP.join(cells[1:])]
        else:
            out.append(GAP.join(cells))
        out += [] if line is lines[0] else _indented(line[-1], room)
    return "".join(line.rstrip() + "\n" for line in out)


def _indented(text: str, room: float, indent: str = GAP * 2) -> Iterator[str]:
    """A text's lines as they stand below something; what is still too long goes on further to the right."""
    for line in filter(None, text.split("\n")):
        first, *more = wrapped(line, room - len(indent))
        yield indent + first
        yield from (indent + GAP + part for part in more)


def _stacked(header: Sequence[str], cells: Sequence[str], room: float) -> Iterator[str]:
    """A row cell by cell, below the first, each beside its name if it has the room; empty ones are left out."""
    indent = max(map(len, header[1:])) + 2 * len(GAP)
    yield from wrapped(cells[0], room)
    for name, cell in zip(header[1:], cells[1:], strict=True):
        if cell:
            yield from (GAP + line for line in _entry(name, cell, indent - len(GAP), room - len(GAP)))


def _entry(name: str, text: str, indent: int, room: float, *, prose: bool = False) -> Iterator[str]:
    """A name and its text: beside it, or where that would break more of it than it must be, below."""
    lines = text.split("\n")
    longest = max(map(len, lines))
    if room - indent < longest and (room - indent < PROSE or (longest <= room - len(GAP) and not prose)):
        yield name
        name, indent = "", len(GAP)
    parts = [part for line in lines for part in wrapped(line, room - indent)]
    for part in parts:
        yield f"{name:<{indent}}{part}"
        name = ""


def facts(rows: Sequence[tuple[str, str]], room: float, *, prose: bool = False) -> str:
    """Names, which may be empty, with what is said of each; of `prose`, all lines stand beside the name."""
    indent = max(len(name) for name, _ in rows) + len(GAP)
    lines = [line for name, text in rows for line in _entry(name, printable(text), indent, room, prose=prose)]
    return "".join(line.rstrip() + "\n" for line in lines)


_BREAKS = (r"(?<= )(?== )", r"(?<= )(?! )", r"(?<=[:,;/|])")
"""Where a line may end, the best places first: before a `=`, between words, in a word behind what separates."""


def wrapped(text: str, room: float) -> list[str]:
    """The lines of a text that have the room, as far as it has places to end them.

    Examples
    --------
    >>> wrapped("conv:32@3x3:stride=2 on 28x28x1", 16)
    ['conv:32@3x3:', 'stride=2 on', '28x28x1']
    """
    return [line.rstrip() for line in _broken(text, room, _BREAKS)]


def _broken(text: str, room: float, breaks: Sequence[str]) -> list[str]:
    if len(text.rstrip()) <= room or not breaks:
        return [text]
    lines = [""]
    for part in re.split(breaks[0], text):
        first, *more = _broken(part, room, breaks[1:])
        if lines[-1] and len(lines[-1]) + len(first.rstrip()) > room:
            lines.append("")
        lines[-1] += first
        lines += more
    return lines


def paragraph(text: str) -> str:
    """A text in lines that the terminal has room for."""
    return "".join(line + "\n" for line in wrapped(printable(text), render.columns()))


def joined(*parts: str) -> str:
    """Parts of a line, each on a line of its own where the terminal is too narrow for all."""
    room = render.columns()
    first, *others = map(printable, parts)
    whole = " ".join([first, *others])
    lines = [whole] if len(whole) <= room else [*wrapped(first, room), *_indented("\n".join(others), room, GAP)]
    return "\n".join(lines) + "\n"
