"""Pictures as tables of numbers, `.csv`: a line is a row of pixels, as a slide or a spreadsheet shows them.

Numbers are split at commas, semicolons, tabs or blanks, the same throughout a file; lines that begin with `#` are
comments. Three tables of one size with empty lines between them are red, green and blue. Whole numbers from 0 are an
8-bit picture, or a 16-bit one where one is beyond 255; any other number makes it a picture of floats, which keeps them
as they are.
"""

from __future__ import annotations

import itertools
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
    """Return the pixels, (H, W) or (H, W, 3), that a table of numbers holds.

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
        If it is no table of finite numbers with rows of one length, or neither one table nor three of one size; the
        message has row and column, counted from 1 without empty lines and comments.
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
    blocks = [list(block) for filled, block in itertools.groupby(lines, key=lambda line: bool(line.strip())) if filled]
    if not blocks:
        msg = "there are no numbers in it"
        raise PictureError(msg)
    separator = next((each for each in _SEPARATORS if any(each in line for line in lines)), None)
    rows, columns = len(blocks[0]), len(blocks[0][0].split(separator))
    _check_channels([len(block) for block in blocks])
    check_size(columns, rows)
    grid = np.empty((len(blocks), rows, columns))
    for number, line in enumerate(itertools.chain(*blocks)):
        grid[divmod(number, rows)] = _row(line, number + 1, separator, columns)
    pixels = _fitting(grid)
    return pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0))


def _check_channels(rows: list[int]) -> None:
    if len(rows) not in (1, 3) or len(set(rows)) > 1:
        shown = ", ".join(map(str, rows[:4])) + ", ..." * (len(rows) > 4)
        msg = (
            f"empty lines part it into {len(rows)} tables of {shown} rows; a picture is one table, or three of one "
            "size for red, green and blue"
        )
        raise PictureError(msg)


def written(values: npt.NDArray[Any]) -> bytes:
    r"""Return numbers as the text of a table; what `read_table` reads are the same numbers.

    Parameters
    ----------
    values : ndarray, (n,), (H, W) or (C, H, W)
        A vector takes a line for each value, and an empty line stands between channels.

    Examples
    --------
    >>> written(np.array([[[1, 0.5]], [[-2, 3e9]]], np.float32))
    b'1,0.5\n\n-2,3e+09\n'
    """
    blocks = values[:, np.newaxis] if values.ndim == 1 else values
    blocks = blocks[np.newaxis] if blocks.ndim == 2 else blocks
    return "\n".join("".join(_line(row) for row in block) for block in blocks).encode()


def _line(row: npt.NDArray[Any]) -> str:
    # NumPy writes as few digits as tell a float32 from its neighbours
    return ",".join(text.removesuffix(".0") for text in row.astype(str).tolist()) + "\n"


def _row(line: str, number: int, separator: str | None, columns: int) -> list[float]:
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
