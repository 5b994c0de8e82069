"""Files that exist in memory only, for encoders that write to a file; what they wrote is used where it lies.

While Pillow encodes into a file, other threads can encode too, which they cannot while it encodes for a Python object:
without such files, two threads take 1.5 times as long to encode JPEGs.
"""

from __future__ import annotations

import io
import mmap
import os
from collections.abc import Callable

from cnnfilter.runtime.tricks import uses


def exist() -> bool:
    """Whether the system has such files: Linux does."""
    return hasattr(os, "memfd_create") and uses("files")


def written(write: Callable[[io.FileIO], None]) -> memoryview:
    """What is written to a file in memory, read-only.

    Parameters
    ----------
    write : callable
        Is given the file, and leaves it at the end of what it wrote.

    Raises
    ------
    OSError
        If there is no room for the file, or for one more.
    """
    with io.FileIO(os.memfd_create("cnnfilter"), "w+") as file:
        write(file)
        size = file.tell()
        return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else b"")
