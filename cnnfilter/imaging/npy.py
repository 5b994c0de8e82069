"""Pictures as bare NumPy arrays, `.npy`.

A picture is `(H, W)` or `(H, W, C)` with C from 1 to 4, of uint8, uint16 or float32; float16 and float64 are
read as float32. No channel is taken for alpha, since nothing in the file says so: all are filtered alike.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from cnnfilter.errors import PictureError

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_HEADER = 1 << 14
"""Bytes that are looked at for a header, more than NumPy accepts."""

_DTYPES = ("uint8", "uint16", "float32")
_FLOATS = ("float16", "float64")


def read_header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, Fortran order and dtype of a `.npy` file that can be a picture.

    Raises
    ------
    PictureError
        If the header is broken or the array no picture, before any memory is taken.
    """
    stream.seek(0)
    head = io.BytesIO(stream.read(MAX_HEADER))  # which may say that it is gigabytes long
    try:
        version = np.lib.format.read_magic(head)
        header = (
            np.lib.format.read_array_header_1_0(head)
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0(head)
        )
    except Exception as error:  # a hostile header leads NumPy's parser to many of them
        msg = "cannot decode NPY: its header is damaged or cut off"
        raise PictureError(msg) from error
    shape, fortran, dtype = header
    if dtype.name not in (*_DTYPES, *_FLOATS):
        msg = f"an array of {dtype} is no picture: save it as uint8, uint16 or float32"
        raise PictureError(msg)
    if len(shape) not in (2, 3) or min(shape) < 1 or (len(shape) == 3 and shape[2] > 4):
        msg = f"an array of shape {shape} is no picture: save it as (H, W) or (H, W, C) with C from 1 to 4"
        raise PictureError(msg)
    start = head.tell()
    promised = math.prod(shape) * dtype.itemsize
    stream.seek(start + promised - 1)  # not to the end, which a stream may not have
    if not stream.read(1):
        present = stream.seek(0, 2) - start
        msg = f"truncated NPY: shape {shape} of {dtype} takes {promised} bytes, the file has {present}"
        raise PictureError(msg)
    stream.seek(start)
    return shape, fortran, dtype


def read_body(stream: BinaryIO, shape: tuple[int, ...], fortran: bool, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return the array after a header, C-contiguous and in the machine's byte order."""
    array = np.empty(shape[::-1] if fortran else shape, dtype)
    stream.readinto(array.reshape(-1).view(np.uint8))  # type: ignore[attr-defined]  # BinaryIO lacks it
    name = "float32" if dtype.name in _FLOATS else dtype.name
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite
        return np.ascontiguousarray(array.T if fortran else array, dtype=name)


def write(stream: BinaryIO, array: npt.NDArray[Any]) -> None:
    """Write an array as `.npy`."""
    np.lib.format.write_array(stream, array, allow_pickle=False)
