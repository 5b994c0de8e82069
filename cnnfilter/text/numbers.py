"""Numbers in rows as text: in an argument, in a table of weights, in a table of pixels; one set of rules for all.

A row ends at `;` or where a line ends. Its numbers are split at commas, tabs or blanks, of which a row has one kind.
In a file whose lines are rows, `;` may split numbers, as spreadsheets write them. ImageMagick's notation,
`3x3:1,0,-1 1,0,-1 1,0,-1`, is read with and without the size. What could be two things is refused.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from cnnfilter.errors import ArgumentError
from cnnfilter.messages import quoted

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FLOAT32_MAX = 3.4028234663852886e38
"""The largest number that float32, the type of all weights and maps, can hold."""

LONGEST_NUMBER = 1000
"""Characters of the longest number; the 767 digits that the longest exact double has fit."""

MOST = 10**6
"""The most rows, and numbers in a row: far more than a table has. Lists of more would take gigabytes for their text."""

EMPTY = "there are no numbers in it"

MINUS = "\N{MINUS SIGN}"
"""What documents and web pages write for a minus."""

# Compiled when the first number is read, here and wherever only a part of all runs needs them. Without two neighbours
# that take the same digits: `\d+\.?\d*` takes quadratic time to refuse a long text.
_NUMBER = r"(?ai)[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?"
_INTEGER = r"(?a)[-+]?\d{1,15}"
_NON_FINITE = r"(?i)[-+]?(nan|inf|infinity)"
_SIZE = r"(?a)([1-9]\d{0,8})(?:x([1-9]\d{0,8}))?([-+@<>^][^:\s]{0,40})?:\s*"
_PLAIN = r"(?ai)[-+.e\d\s,;]*"
"""A row that `float` reads as `parse_number` does, or not at all."""
_LONE = r"[^\s,]*(,[^\s,]*)?"
"""A number, also with a decimal comma."""
_MIXED = {",": r"[^\s,]\s+[^\s,]", "\t": r"\S[^\S\t]+\S", ";": r"[^\s;]\s+[^\s;]|,"}
"""What no row has between whose numbers a comma, a tab or a `;` stands."""


def show_number(value: float) -> str:
    """The shortest text of a number that `parse_number` reads as the same, without a `+` and a minus of zero."""
    return repr(value + 0.0).removesuffix(".0").replace("e+", "e")


def parse_number(text: str) -> float:
    """Read one finite number or fraction; an integer stays an `int`, for display.

    Raises
    ------
    ArgumentError
        If it is not a number, not finite, or too large for float32.

    Examples
    --------
    >>> parse_number("1/4")
    0.25
    """
    if len(text) > LONGEST_NUMBER:
        msg = f"{quoted(text)} is too long for a number"
        raise ArgumentError(msg)
    parts = text.split("/")
    if len(parts) > 2 or not all(re.fullmatch(_NUMBER, part) for part in parts):
        problem = "is not finite" if re.fullmatch(_NON_FINITE, text) else "is not a number"
        msg = f"{quoted(text)} {problem}"
        raise ArgumentError(msg)
    if re.fullmatch(_INTEGER, text):
        return int(text)
    divisor = float(parts[1]) if len(parts) == 2 else 1.0
    if divisor == 0:
        msg = f"{quoted(text)} divides by zero"
        raise ArgumentError(msg)
    value = float(parts[0]) / divisor
    if not abs(value) <= FLOAT32_MAX:
        msg = f"{quoted(text)} is too large for float32 (at most {FLOAT32_MAX:.3g})"
        raise ArgumentError(msg)
    return value


class Rows(NamedTuple):
    """Rows as text, and what splits their numbers: `;`, or None where each row shows it."""

    lines: list[str]
    separator: str | None = None

    def cells(self, row: int) -> list[str]:
        """The texts of a row's numbers, of the row counted from 0.

        Raises
        ------
        ArgumentError
            If it is empty or has an empty cell, or if commas and blanks both stand between its numbers.
        """
        line = self.lines[row]
        if not line:
            msg = f"row {row + 1} is empty"
            raise ArgumentError(msg)
        separator = self.separator or next((each for each in ",\t" if each in line), None)
        if separator is not None and re.search(_MIXED[separator], line):
            msg = (
                f"row {row + 1} has ';' between its numbers, and commas or blanks in them; decimals are written 0.5"
                if separator == ";"
                else f"row {row + 1} splits its numbers in two ways, so its rows cannot be told; end each with ';', as "
                "in 1 0 -1; 2 0 -2"
            )
            raise ArgumentError(msg)
        cells = [cell.strip() for cell in line.split(separator, MOST)]
        if len(cells) > MOST:
            msg = f"row {row + 1} has more than {MOST} numbers"
            raise ArgumentError(msg)
        if "" in cells:
            msg = f"row {row + 1}, column {cells.index('') + 1}: the cell is empty"
            raise ArgumentError(msg)
        return cells

    def numbers(self, row: int) -> list[float]:
        """A row's numbers, of the row counted from 0; an integer stays an `int`.

        Raises
        ------
        ArgumentError
            If a cell is not a finite number that float32 holds; the message has row and column, counted from 1.
        """
        numbers = []
        for column, cell in enumerate(self.cells(row), 1):
            try:
                numbers.append(parse_number(cell))
            except ArgumentError as error:
                msg = f"{error} (row {row + 1}, column {column})"
                raise ArgumentError(msg) from None
        return numbers


def split_rows(text: str, *, file: bool = False) -> Rows:
    r"""Split a text into rows.

    Parameters
    ----------
    text : str
    file : bool
        Whether it is a file's: `#` then begins a comment, and numbers on lines may be split at `;`.

    Raises
    ------
    ArgumentError
        If it holds nothing, too many rows, or what may be rows or not.

    Examples
    --------
    >>> split_rows("1 2; 3 4").lines, split_rows("1,2 3,4").lines, split_rows("2x2: 1 2 3 4").lines
    (['1 2', '3 4'], ['1,2', '3,4'], ['1 2', '3 4'])
    """
    text = text.replace(MINUS, "-").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n", MOST)
    if len(lines) > MOST or text.count(";") > MOST:
        msg = f"more than {MOST} rows"
        raise ArgumentError(msg)
    if file:
        lines = [line.partition("#")[0] for line in lines if not line.lstrip().startswith("#")]
    lines = [line.strip() for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    begin = next((i for i, line in enumerate(lines) if line), 0)
    lines = lines[begin:]
    if not lines:
        raise ArgumentError(EMPTY)
    sized = re.match(_SIZE, lines[0])
    if sized is None:
        return _rows(lines, file=file)
    lines[0] = lines[0][sized.end() :]
    return _sized(sized, [line for line in lines if line])


def _rows(lines: list[str], *, file: bool) -> Rows:
    """The rows of some lines, which tell together what ends a row and what splits its numbers."""
    ended = [line.removesuffix(";").rstrip() for line in lines]  # as MATLAB ends rows
    if len(lines) > 1:
        if all(line.endswith(";") for line in lines[:-1] if line) or not any(";" in line for line in ended):
            lines = ended
        return Rows(lines, ";" if any(";" in line for line in lines) else None)
    parts = [part.strip() for part in ended[0].split(";")]
    if len(parts) == 1:
        return Rows(parts if lines != ended else _imagemagick(parts[0]))
    if file and all(re.fullmatch(_LONE, part) for part in parts):
        msg = f"{quoted(lines[0])} may be one row or {len(parts)}; write a line for each row, numbers split at blanks"
        raise ArgumentError(msg)
    return Rows(parts)


def _imagemagick(line: str) -> list[str]:
    """The rows of a line where commas split numbers and blanks end rows; of any other, the line."""
    groups = ",".join(cell.strip() for cell in line.split(",", MOST)).split(maxsplit=MOST)
    lengths = {group.count(",") for group in groups}
    return groups if len(lengths) == 1 and 0 not in lengths else [line]


def _sized(size: re.Match[str], lines: list[str]) -> Rows:
    """The rows of ImageMagick's notation, whose size is width x height."""
    width, height = int(size[1]), int(size[2] or size[1])
    if size[3]:
        msg = f"an origin or rotations, {quoted(size[3])}, are not read; write {width}x{height}: alone"
        raise ArgumentError(msg)
    rows = _rows(lines or [""], file=False)
    if len(rows.lines) == 1:
        cells = rows.lines[0].replace(",", " ").split()
        if len(cells) == width * height:
            rows = Rows([" ".join(cells[begin : begin + width]) for begin in range(0, len(cells), width)])
    found = [len(rows.cells(row)) for row in range(len(rows.lines))]
    if (len(found), set(found)) != (height, {width}):
        lengths = " to ".join(map(str, dict.fromkeys((min(found), max(found)))))
        held = f"{len(found)} row{'s' * (len(found) != 1)} of {lengths}"
        msg = f"{width}x{height}: is ImageMagick's width x height, {height} rows of {width} numbers; it holds {held}"
        raise ArgumentError(msg)
    return rows


def read_tables(text: str, check: Callable[[list[int], int], None]) -> npt.NDArray[np.float64]:
    """The numbers (n, H, W) of a file of n tables of one size, with empty lines between them.

    Parameters
    ----------
    text : str
    check : callable
        Is given the rows of each table and how many numbers one has, before the numbers are read; raises if these are
        too many, or the tables not of one size.

    Raises
    ------
    ArgumentError
        If it is no table of numbers with rows of one length; the message has row and column, counted from 1 without
        comments and empty lines.
    """
    import numpy as np  # most rows are arguments, which do without

    rows = split_rows(text, file=True)
    heights = [len(list(block)) for filled, block in itertools.groupby(rows.lines, key=bool) if filled]
    rows = Rows([line for line in rows.lines if line], rows.separator)
    if not rows.lines:
        raise ArgumentError(EMPTY)
    columns = len(rows.cells(0))
    check(heights, columns)
    grid = np.empty((len(rows.lines), columns))
    for row, line in enumerate(rows.lines):
        values = _plain(rows.cells(row)) if re.fullmatch(_PLAIN, line) else None
        values = rows.numbers(row) if values is None else values
        if len(values) != columns:
            msg = f"row {row + 1} has {len(values)} numbers, row 1 has {columns}; all rows must have the same length"
            raise ArgumentError(msg)
        grid[row] = values
    return grid.reshape(len(heights), -1, columns)


def _plain(cells: list[str]) -> list[float] | None:
    """Numbers, a few times faster than one by one; None if it takes a closer look."""
    try:
        values = list(map(float, cells))
    except ValueError:
        return None
    return values if max(map(abs, values)) <= FLOAT32_MAX else None
