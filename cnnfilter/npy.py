"""NumPy's `.npy` format: the header, which tells of the numbers that follow it.

References
----------
https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.lib.format as npy

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_HEADER = 1 << 14
"""Bytes that are looked at for a header, more than NumPy accepts."""


class Header(NamedTuple):
    """What a file says of its array, whose numbers begin after `size` bytes."""

    version: tuple[int, int]
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]
    size: int

    @property
    def promised(self) -> int:
        """Bytes of the numbers."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: IO[bytes]) -> Header:
    """Read the header that a stream stands before, and perhaps some of what follows.

    Raises
    ------
    Exception
        Whatever a damaged header leads NumPy's parser to.
    """
    head = io.BytesIO(stream.read(MAX_HEADER))  # which may say that it is gigabytes long
    version = npy.read_magic(head)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran_order, dtype = read(head)
    return Header(version, shape, fortran_order, dtype, head.tell())


def parts(array: npt.NDArray[Any]) -> list[bytes | memoryview]:
    """An array as a file: the header, and the numbers of a C-contiguous `array`, which are not copied."""
    header = io.BytesIO()
    npy.write_array_header_1_0(header, npy.header_data_from_array_1_0(array))
    return [header.getvalue(), array.reshape(-1).view(np.uint8).data]


class _Parts(io.RawIOBase):
    """A stream that keeps what is written to it in parts, arrays without a copy."""

    def __init__(self) -> None:
        self.parts: list[bytes | memoryview] = []

    def write(self, data: Any) -> int:
        part = data if isinstance(data, memoryview) else bytes(data)
        self.parts.append(part)
        return len(part)


def archive(arrays: Mapping[str, npt.NDArray[Any]], texts: Mapping[str, bytes] = {}) -> list[bytes | memoryview]:
    """C-contiguous arrays by name as a `.npz` file, whose numbers are not copied; before them, other members."""
    stream = _Parts()
    with zipfile.ZipFile(stream, "w") as file:
        for name, text in texts.items():
            with file.open(name, "w") as entry:
                entry.write(text)
        for name, array in arrays.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as entry:
                for part in parts(array):
                    entry.write(part)
    return stream.parts
