"""Arrays of pictures that are larger than memory, or than it may hold: they stay in a file, and are read one by one."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cnnfilter.errors import KernelError
from cnnfilter.learning.data.dataset import Source
from cnnfilter.messages import readable, show_bytes

BLOCK = 1 << 20
"""Bytes that are copied at a time."""


class Place(NamedTuple):
    """Where numbers lie one after the other: from `begin` on in an open file."""

    file: IO[bytes]
    begin: int = 0


class Filed(Source):
    """Pictures that lie one after the other in a file.

    Parameters
    ----------
    place : Place
        Whose file it closes when it ends.
    dtype : numpy.dtype
    shape : sequence of int
        (N, H, W) or (N, H, W, C).
    name : str
        What the file is called.
    """

    def __init__(self, place: Place, dtype: np.dtype[Any], shape: Sequence[int], name: str) -> None:
        self._place, self._dtype, self._name = place, dtype, name
        weakref.finalize(self, place.file.close)
        self._count, self._shape = shape[0], (*shape[1:], 1)[:3]
        self._size = int(np.prod(self._shape)) * dtype.itemsize

    def __len__(self) -> int:
        return self._count

    def picture(self, number: int) -> npt.NDArray[Any]:
        """See `Source.picture`."""
        self._place.file.seek(self._place.begin + int(number) * self._size)
        values = np.frombuffer(self._place.file.read(self._size), self._dtype).reshape(self._shape)
        return values if values.dtype in (np.uint8, np.uint16) else values.astype(np.float32)

    def name(self, number: int) -> str:
        """See `Source.name`."""
        return f"picture {number} of {readable(self._name)}"

    @property
    def held(self) -> int:
        """See `Source.held`."""
        return 0

    @property
    def is_certain(self) -> bool:
        """See `Source.is_certain`."""
        return True


def unpacked(stream: IO[bytes], size: int) -> Place:
    """The next `size` bytes of a stream in a temporary file, which is gone when it is closed.

    Raises
    ------
    KernelError
        If there is no room for it, or the stream ends before.
    """
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if size > free:
        msg = f"it takes {show_bytes(size)}, more than --memory allows, and {folder} has room for {show_bytes(free)}"
        raise KernelError(msg)
    with contextlib.ExitStack() as until_whole:
        file = until_whole.enter_context(tempfile.TemporaryFile())
        left = size
        while left:
            part = stream.read(min(BLOCK, left))
            if not part:
                msg = f"it tells of {size} bytes of numbers, but {size - left} follow"
                raise KernelError(msg)
            file.write(part)
            left -= len(part)
        until_whole.pop_all()
    return Place(file)
