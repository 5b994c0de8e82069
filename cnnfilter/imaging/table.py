"""Pictures as tables of numbers, `.csv`: a line is a row of pixels, as a slide or a spreadsheet shows them.

Numbers are split at commas, semicolons, tabs or blanks, the same throughout a file; lines that begin with `#` are
comments. Whole numbers from 0 are an 8-bit picture, or a 16-bit one where one is beyond 255; any other number makes
it a picture of floats, which keeps them as they are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from cnnfilter.errors import PictureError

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_BYTES = 16 << 20
"""The largest file: several million numbers. More belong in a `.npy`."""

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)  # linear on any text
_SEPARATORS = (";", ",", "\t")  # in this order: a spreadsheet that writes 0,5 puts semicolons between its numbers
_FLOAT32_MAX = float(np.finfo(np.float32).max)


def read_table(stream: BinaryIO, check_size: Callable[[int, int], None]) -> npt.NDArray[Any]:
    """Return the pixels (H, W) that a table of numbers holds.

    Parameters
    ----------
    stream : binary stream
    check_size : callable
        Is given width and height before the rows become an array; raises if they are too large.

    Returns
    -------
    ndarray of uint8, uint16 or float32

    Raises
    ------
    PictureError
        If it is no table of finite numbers with rows of one length; the message has row and column, counted from 1
        without empty lines at either end and comments.
    """
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        msg = f"a table of numbers of more than {MAX_BYTES} bytes is not read; save it as .npy"
        raise PictureError(msg)
    try:
        text = data.decode("utf-8-sig").replace("\N{MINUS SIGN}", "-")
    except UnicodeDecodeError:
        msg = "a .csv must be text in UTF-8"
        raise PictureError(msg) from None
    lines = [line.strip(" ") for line in text.splitlines() if not line.lstrip().startswith("#")]
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    if not lines:
        msg = "there are no numbers in it"
        raise PictureError(msg)
    separator = next((each for each in _SEPARATORS if any(each in line for line in lines)), None)
    columns = len(lines[0].split(separator))
    check_size(columns, len(lines))
    grid = np.empty((len(lines), columns))
    for number, line in enumerate(lines, 1):
        grid[number - 1] = _row(line, number, separator, columns)
    return _fitting(grid)


def _row(line: str, number: int, separator: str | None, columns: int) -> list[float]:
    if not line.strip():
        msg = f"row {number} is empty"
        raise PictureError(msg)
    cells = line.split(separator)
    row = [_value(cell.strip(), number, column) for column, cell in enumerate(cells, 1)]
    if len(row) != columns:
        msg = f"row {number} has {len(row)} numbers, row 1 has {columns}; all rows must have the same length"
        raise PictureError(msg)
    return row


def _value(cell: str, row: int, column: int) -> float:
    value = float(cell) if _NUMBER.fullmatch(cell) else math.nan
    if abs(value) <= _FLOAT32_MAX:
        return value
    shown = cell if len(cell) <= 20 else cell[:17] + "..."
    problem = f"{shown!r} is not a number" if cell else "the cell is empty"
    if re.fullmatch(r"[-+]?(nan|inf|infinity)", cell, re.IGNORECASE):
        problem = f"{shown!r} is not finite"
    elif not math.isnan(value):
        problem = f"{shown!r} is too large for a pixel (at most {_FLOAT32_MAX:.3g})"
    msg = f"row {row}, column {column}: {problem}"
    raise PictureError(msg)


def _fitting(grid: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """Return numbers as the smallest type of pixels that holds them all."""
    if (grid == np.rint(grid)).all() and grid.min() >= 0:
        for dtype in (np.uint8, np.uint16):
            if grid.max() <= np.iinfo(dtype).max:
                return grid.astype(dtype)
    return grid.astype(np.float32)
