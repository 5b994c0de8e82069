"""Writing whatever there is to write in pieces, to files and to standard output."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import BinaryIO

from cnnfilter.runtime.tricks import uses

Data = bytes | memoryview | Sequence[bytes | memoryview]
"""All of a file, at once or in parts: a large array is written where it lies, without a copy."""

_PIECE = 1 << 18 if uses("pieces") else sys.maxsize
"""Bytes given to the system at a time. For more it looks for larger blocks of memory, which the host of a virtual
machine may have yet to provide: on average, a write of 7 MB then takes 13 ms instead of 2 to 5."""


def write_all(file: BinaryIO, data: Data) -> None:
    """Write all of `data`, however little a single write takes.

    A write is short at 2 GB, on a disk that is nearly full, and on a pipe whose reader goes away; standard
    output hides that unless PYTHONUNBUFFERED is set.
    """
    for part in (data,) if isinstance(data, bytes | memoryview) else data:
        rest = memoryview(part)
        while rest:
            rest = rest[file.write(rest[:_PIECE]) :]
