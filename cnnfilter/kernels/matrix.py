"""A kernel written out as a matrix; `text.numbers` has the rules of rows and numbers."""

from __future__ import annotations

import re

from cnnfilter.errors import ArgumentError
from cnnfilter.text.numbers import MINUS, split_rows

Matrix = tuple[tuple[float, ...], ...]
"""Rows of numbers, all of one length."""

MAX_SIDE = 999
"""The longest side of a kernel. A blur as wide as a quarter of a photo still fits; a longer side is far more
often a picture or a table taken for a kernel than a kernel."""

_MATRIX_START = r"(?ai)(?=.*\d)[-+.\d][-+.\de/]*|[-+]?(nan|inf|infinity)|\d+(x\d+)?([-+@<>^][-+@<>^\d]*)?:.*"


def parse_rows(text: str) -> Matrix:
    """Read the rows of a matrix.

    Parameters
    ----------
    text : str
        Such as `"0 -1 0; -1 5 -1; 0 -1 0"`; in brackets, as Python, JSON, NumPy or MATLAB write it; or as
        ImageMagick does, `"3x3:0,-1,0 -1,5,-1 0,-1,0"`.

    Returns
    -------
    tuple of tuples of numbers
        At least one row of at least one number.

    Raises
    ------
    ArgumentError
        If a cell is not a finite number, rows differ in length, a side is too long, or the text could be two
        things; the message has the row and the column.

    Examples
    --------
    >>> parse_rows("1, 2; 3, 4")
    ((1, 2), (3, 4))
    >>> parse_rows("[[1, 2], [3, 4]]")
    ((1, 2), (3, 4))
    """
    text = text.strip()
    table = split_rows(_without_brackets(text) if text.startswith("[") else text)
    if len(table.lines) > MAX_SIDE:
        msg = f"{len(table.lines)} rows are too many for a kernel (at most {MAX_SIDE})"
        raise ArgumentError(msg)
    rows: list[tuple[float, ...]] = []
    for row in range(len(table.lines)):
        count = len(table.cells(row))
        if count > MAX_SIDE:
            msg = f"{count} columns are too many for a kernel (at most {MAX_SIDE})"
            raise ArgumentError(msg)
        rows.append(tuple(table.numbers(row)))
        if count != len(rows[0]):
            msg = f"row {row + 1} has {count} numbers, row 1 has {len(rows[0])}"
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
    return "".join(f"{line.strip().removesuffix(';')};" for line in inner.split("\n"))  # blanks end no row in MATLAB's


def looks_like_matrix(text: str) -> bool:
    """Whether a kernel's text is meant as an inline matrix, rather than a name or a path.

    Examples
    --------
    >>> looks_like_matrix("-1 0 1"), looks_like_matrix("3x3/edge.bin"), looks_like_matrix("sobel-x")
    (True, False, False)
    """
    text = text.strip().replace(MINUS, "-")
    first = re.split(r"[\s,;]", text, maxsplit=1)[0]
    return text.startswith("[") or ";" in text or "\n" in text or bool(re.fullmatch(_MATRIX_START, first))
