"""A matrix as text: numbers at blanks or commas, rows at semicolons or new lines."""

from __future__ import annotations

import re

from cnnfilter.errors import ArgumentError
from cnnfilter.words import quoted

Matrix = tuple[tuple[float, ...], ...]
"""Rows of numbers, all of one length."""

MAX_SIDE = 999
"""The longest side of a kernel. A blur as wide as a quarter of a photo still fits; a longer side is far more
often a picture or a table taken for a kernel than a kernel."""

FLOAT32_MAX = 3.4028234663852886e38
"""The largest number that the weights' type, float32, can hold."""

LONGEST_NUMBER = 1000
"""Characters of the longest number; the 767 digits that the longest exact double has fit."""

# Without two neighbours that take the same digits: `\d+\.?\d*` takes quadratic time to refuse a long text.
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
_INTEGER = re.compile(r"[-+]?\d{1,15}", re.ASCII)
_NON_FINITE = re.compile(r"[-+]?(nan|inf|infinity)", re.IGNORECASE)
_ROW_END = re.compile(r";[^\S\n]*\n|[;\n]")
_MATRIX_START = re.compile(r"(?=.*\d)[-+.\d][-+.\de/]*|[-+]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)


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
    if len(parts) > 2 or not all(_NUMBER.fullmatch(part) for part in parts):
        problem = "is not finite" if _NON_FINITE.fullmatch(text) else "is not a number"
        msg = f"{quoted(text)} {problem}"
        raise ArgumentError(msg)
    if _INTEGER.fullmatch(text):
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


def parse_rows(text: str) -> Matrix:
    """Read the rows of a matrix.

    Parameters
    ----------
    text : str
        Such as `"0 -1 0; -1 5 -1; 0 -1 0"`; or in brackets, as Python, JSON, NumPy or MATLAB write it.

    Returns
    -------
    tuple of tuples of numbers
        At least one row of at least one number.

    Raises
    ------
    ArgumentError
        If a cell is not a finite number, rows differ in length, or a side is too long; the message has the
        row and the column.

    Examples
    --------
    >>> parse_rows("1, 2; 3, 4")
    ((1, 2), (3, 4))
    >>> parse_rows("[[1, 2], [3, 4]]")
    ((1, 2), (3, 4))
    """
    text = text.strip().replace("\N{MINUS SIGN}", "-")
    lines = _ROW_END.split(_without_brackets(text) if text.startswith("[") else text)
    if len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    if len(lines) > MAX_SIDE:
        msg = f"{len(lines)} rows are too many for a kernel (at most {MAX_SIDE})"
        raise ArgumentError(msg)
    rows: list[tuple[float, ...]] = []
    for number, line in enumerate(lines, 1):
        rows.append(_parse_row(line, number))
        if len(rows[-1]) != len(rows[0]):
            msg = f"row {number} has {len(rows[-1])} numbers, row 1 has {len(rows[0])}"
            raise ArgumentError(msg)
    return tuple(rows)


def _without_brackets(text: str) -> str:
    inner = text[1:-1].strip()
    if inner.startswith("["):
        *rows, end = inner.split("]")
        rows = [row.strip().removeprefix(",").strip() for row in rows]
        if end.strip() in ("", ",") and all(row.startswith("[") for row in rows):
            inner = ";".join(" ".join(row[1:].split()) for row in rows)
    if not text.endswith("]") or "[" in inner or "]" in inner:
        msg = "its brackets must hold rows of numbers, as in [[1, 2], [3, 4]]"
        raise ArgumentError(msg)
    return inner


def _parse_row(line: str, number: int) -> tuple[float, ...]:
    if not line.strip():
        msg = f"row {number} is empty"
        raise ArgumentError(msg)
    cells: list[str] = []
    for field in line.split(","):
        if not field.strip():
            msg = f"row {number} has an empty cell between its commas"
            raise ArgumentError(msg)
        cells += field.split()
    if len(cells) > MAX_SIDE:
        msg = f"{len(cells)} columns are too many for a kernel (at most {MAX_SIDE})"
        raise ArgumentError(msg)
    row: list[float] = []
    for column, cell in enumerate(cells, 1):
        try:
            row.append(parse_number(cell))
        except ArgumentError as error:
            msg = f"{error} (row {number}, column {column})"
            raise ArgumentError(msg) from None
    return tuple(row)


def looks_like_matrix(text: str) -> bool:
    """Tell whether a kernel's text is meant as an inline matrix, rather than a name or a path.

    Examples
    --------
    >>> looks_like_matrix("-1 0 1"), looks_like_matrix("3x3/edge.bin"), looks_like_matrix("sobel-x")
    (True, False, False)
    """
    text = text.strip().replace("\N{MINUS SIGN}", "-")
    first = re.split(r"[\s,;]", text, maxsplit=1)[0]
    return text.startswith("[") or ";" in text or "\n" in text or bool(_MATRIX_START.fullmatch(first))
