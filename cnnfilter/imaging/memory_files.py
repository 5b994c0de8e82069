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

from cnnfilter import buffers


class _File(io.FileIO):
    """A file, and the memory that it lies in as far as that has been asked for."""

    def __init__(self) -> None:
        super().__init__(os.memfd_create("cnnfilter"), "w+")
        self.memory = np.empty(0, np.uint8)

    def __del__(self) -> None:
        self.close()  # nobody else does, and a file that is not closed is warned of

    def map(self, size: int) -> None:
        """See to it that `memory` is so large.

        All pages are mapped at once: met one by one, they would take as long as a copy.
        """
        if size > self.memory.size:
            flags = mmap.MAP_SHARED | mmap.MAP_POPULATE
            self.memory = np.frombuffer(mmap.mmap(self.fileno(), size, flags=flags, prot=mmap.PROT_READ), np.uint8)


_kept: deque[buffers.Claim] = deque(maxlen=buffers.BLOCKS)


def exist() -> bool:
    """Tell whether the system has such files: Linux does."""
    return hasattr(os, "memfd_create")


def written(write: Callable[[io.FileIO], None]) -> memoryview:
    """Return what is written to a new file.

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
        If there is no room for the file.
    """
    try:
        file: _File = _kept.pop().kept
    except IndexError:
        file = _File()
    file.seek(0)
    write(file)
    size = file.tell()
    file.map(size)
    memory = file.memory[:size]
    if size > buffers.LARGEST:
        return memory.data
    return buffers.lend(memory, file, _kept.append).data
