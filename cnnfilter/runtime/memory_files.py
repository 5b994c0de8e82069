"""Files that exist in memory only, for encoders that write to a file; what they wrote is used where it lies.

Fresh memory for a file costs as much as writing it, so a few files go from one picture to the next.
"""

from __future__ import annotations

import io
import mmap
import os
from collections import deque
from collections.abc import Callable

import numpy as np

from cnnfilter.runtime import buffers

LARGEST = 1 << 24
"""Bytes of the largest file that is kept: a JPEG of 12 megapixels has 3 to 10 million."""

WASTE = 8
"""How many times as large as its last content the memory of a file may be that is kept."""


class _File(io.FileIO):
    """A file, and the memory that it lies in as far as that has been asked for."""

    def __init__(self) -> None:
        super().__init__(os.memfd_create("cnnfilter"), "w+")
        self.memory = np.empty(0, np.uint8)
        self.process = _process

    def __del__(self) -> None:
        self.close()  # nobody else does, and a file that is not closed is warned of

    def map(self, size: int) -> None:
        """See to it that `memory` is so large.

        All pages are mapped at once: met one by one, they would take as long as a copy.
        """
        if size > self.memory.size:
            self.memory = np.empty(0, np.uint8)
            flags = mmap.MAP_SHARED | mmap.MAP_POPULATE
            self.memory = np.frombuffer(mmap.mmap(self.fileno(), size, flags=flags, prot=mmap.PROT_READ), np.uint8)


_kept: deque[buffers.Claim] = deque(maxlen=buffers.BLOCKS)

_process = object()
"""Stands for the process until it forks: two that have the same file must not both write to it."""


def _forks() -> None:
    global _process
    _process = object()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_forks, after_in_child=_forks)


def exist() -> bool:
    """Tell whether the system has such files, and maps them at once: Linux does."""
    return hasattr(os, "memfd_create") and hasattr(mmap, "MAP_POPULATE")


def written(write: Callable[[io.FileIO], None]) -> memoryview:
    """Return what is written to a file in memory.

    Parameters
    ----------
    write : callable
        Is given the file, and leaves it at the end of what it wrote.

    Returns
    -------
    memoryview
        Read-only. Its memory goes to another file when nothing refers to it any more.

    Raises
    ------
    OSError
        If there is no room for the file, or for one more.
    """
    file = _taken()
    write(file)
    size = file.tell()
    file.map(size)
    memory = file.memory[:size]
    if file.memory.size > min(LARGEST, WASTE * size):
        return memory.data
    return buffers.lend(memory, file, _kept.append).data


def _taken() -> _File:
    """Return a file that nobody uses, at its beginning."""
    while True:
        try:
            file: _File = _kept.pop().kept
        except IndexError:
            return _File()
        if file.process is _process:
            file.seek(0)
            return file
