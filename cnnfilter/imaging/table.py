"""Pictures as tables of numbers, `.csv`: a line is a row of pixels, as a slide or a spreadsheet shows them.

`text.numbers` has the rules, those of tables of weights. Three tables of one size with empty lines between them are
red, green and blue. Whole numbers from 0 are an 8-bit picture, or a 16-bit one where one is beyond 255; any other
number makes it a picture of floats, which keeps them as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

import numpy as np

from cnnfilter.errors import ArgumentError, PictureError
from cnnfilter.imaging.arrays import Array
from cnnfilter.imaging.decoding import at_depth
from cnnfilter.imaging.formats import NPY
from cnnfilter.imaging.limits import Limits
from cnnfilter.imaging.picture import Picture, Stored
from cnnfilter.text.files import decoded
from cnnfilter.text.numbers import read_tables

MAX_BYTES = 16 << 20
"""The largest file: several million numbers. More belong in a `.npy`."""

PER_NUMBER = 40
"""Bytes that reading takes for each number: the array, its text, and what Python makes of that."""


def read(stream: BinaryIO, limits: Limits) -> Picture:
    """Read a table as a picture."""

    def check(width: int, height: int, channels: int) -> None:
        limits.admit_all([(channels * PER_NUMBER * width * height, height, width, channels)])

    pixels = read_table(stream, check)
    # what holds such numbers is what a result is written as
    format = NPY if pixels.dtype == np.float32 else "PNG"
    return Picture(at_depth(pixels, limits.depth), format=format, stored=Stored(table=True))


def read_table(stream: BinaryIO, check_size: Callable[[int, int, int], None]) -> Array:
    """The pixels, (H, W) or (H, W, 3), that a table of numbers holds.

    Parameters
    ----------
    stream : binary stream
    check_size : callable
        Is given width, height and channels before the rows become an array; raises if they are too large.

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

    def check(heights: list[int], columns: int) -> None:
        _check_channels(heights)
        check_size(columns, heights[0], len(heights))

    try:
        pixels = _fitting(read_tables(decoded(data), check))
    except UnicodeDecodeError:
        msg = "a .csv must be text in UTF-8 or UTF-16"
        raise PictureError(msg) from None
    except ArgumentError as error:
        raise PictureError(str(error)) from None
    return pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0))


def _check_channels(rows: list[int]) -> None:
    if len(rows) not in (1, 3) or len(set(rows)) > 1:
        shown = ", ".join(map(str, rows[:4])) + ", ..." * (len(rows) > 4)
        msg = (
            f"empty lines part it into {len(rows)} tables of {shown} rows; a picture is one table, or three of one "
            "size for red, green and blue"
        )
        raise PictureError(msg)


def written(values: Array) -> bytes:
    r"""Numbers as the text of a table; what `read_table` reads are the same numbers.

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


def _line(row: Array) -> str:
    # NumPy writes as few digits as tell a float32 from its neighbours
    return ",".join(text.removesuffix(".0") for text in row.astype(str).tolist()) + "\n"


def _fitting(grid: Array) -> Array:
    """Numbers as the smallest type of pixels that holds them all."""
    if (grid == np.rint(grid)).all() and grid.min() >= 0:
        for dtype in (np.uint8, np.uint16):
            if grid.max() <= np.iinfo(dtype).max:
                return grid.astype(dtype)
    return grid.astype(np.float32)
