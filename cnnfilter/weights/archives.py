"""Zip files of arrays: what one may hold, looked at before Python reads it, and without NumPy."""

from __future__ import annotations

import struct
import zipfile
from typing import IO

from cnnfilter.errors import KernelError
from cnnfilter.messages import quoted

MAX_MEMBERS = 10_000
"""The most arrays in one file; the deepest published networks have a few thousand."""

MAX_ZIP_DIRECTORY = 4 << 20
"""Python reads the whole list of a zip's members at once; this allows `MAX_MEMBERS` with long names."""

MAX_RATIO = 250
SMALL_MEMBER = 16 << 20
"""A zip member above `SMALL_MEMBER` bytes that shrank more than `MAX_RATIO` times is a zip bomb: trained
weights hardly shrink at all, and a sparse network's by a factor of ten or so."""

_ENCRYPTED = 1
"""The flag of an encrypted member."""

_ZIP_ENDS = 56 + 20 + 22
"""Bytes at the end of a zip: of the large kind's record, of what tells where it is, of the record that all have."""


def open_zip(stream: IO[bytes], size: int, kind: str) -> zipfile.ZipFile:
    """A zip file whose directory of members is no larger than arrays need, before Python reads it whole.

    Raises
    ------
    KernelError
        If it is larger, or its end is missing.
    """
    stream.seek(max(0, size - _ZIP_ENDS))
    tail = stream.read(_ZIP_ENDS)
    large, locator, end = tail[:-42], tail[-42:-22], tail[-22:]
    if len(end) < 22 or not end.startswith(b"PK\5\6"):
        msg = f"the end of the zip file is missing; it is cut off, or not a {kind} file"
        raise KernelError(msg)
    (directory,) = struct.unpack_from("<L", end, 12)
    if locator.startswith(b"PK\6\7"):  # in zips of more than 65535 members or 4 GB, and in all of PyTorch's
        directory = struct.unpack_from("<Q", large, 40)[0] if large.startswith(b"PK\6\6") else size
    if directory > MAX_ZIP_DIRECTORY:
        msg = f"it has too many members for weights (at most {MAX_MEMBERS})"
        raise KernelError(msg)
    return zipfile.ZipFile(stream)


def check_zip_member(info: zipfile.ZipInfo, size: int, kind: str) -> None:
    """Raise a `KernelError` if a member of a zip of so many bytes is encrypted, or grows far beyond them."""
    if info.flag_bits & _ENCRYPTED:
        msg = f"{quoted(info.filename)} is encrypted"
        raise KernelError(msg)
    # The other methods can be told to take gigabytes before the first byte is out; these files never have them.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        msg = f"{quoted(info.filename)} is compressed by a method that {kind} does not use"
        raise KernelError(msg)
    if info.file_size > max(SMALL_MEMBER, MAX_RATIO * min(info.compress_size, size)):
        msg = f"{quoted(info.filename)} grows from {info.compress_size} to {info.file_size} bytes, as zip bombs do"
        raise KernelError(msg)
