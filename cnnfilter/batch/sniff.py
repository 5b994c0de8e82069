"""What can be told of files before they are read: whether two names mean one file, and what an input holds."""

from __future__ import annotations

import os
import posixpath
import sys
import unicodedata

from cnnfilter.addresses.address import Address, Where, is_address
from cnnfilter.batch.names import normal
from cnnfilter.errors import PictureError
from cnnfilter.imaging.formats import HEAD, TABLE, format_for_path, recognise
from cnnfilter.writing.write import is_device

_CASELESS = ("darwin", "win32")
"""Systems on whose usual file systems `A.png` and `a.png` are one file."""


def identity(path: str | Where) -> int | str | None:
    """What all names of one file have in common; None when there is no such file. An address is its own."""
    if isinstance(path, Address) or (isinstance(path, str) and is_address(path)):
        name = normal(path if isinstance(path, str) else path.text)
        if not name.startswith("sftp:"):
            return name
        there = Address(name)  # where folders are real, and one path may be written in several ways
        return f"sftp://{there.first}{posixpath.normpath('/' + there.path.lstrip('/'))}"
    try:
        status = os.stat(path)  # noqa: PTH116  (a path as an object takes longer than the call)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    return status.st_dev << 64 | status.st_ino


def claim_key(path: str | Where) -> str:
    """What two paths have in common that name one file, which may not exist yet."""
    if isinstance(path, Address):
        return path.text
    return caseless(os.path.realpath(path))


def caseless(name: str) -> str:
    """What real paths have in common that are one to the usual file systems of this system."""
    if sys.platform not in _CASELESS:
        return name
    # realpath leaves the case of what does not exist as it is, and macOS the composition of accents
    return unicodedata.normalize("NFC", os.path.normcase(name)).casefold()


def expected_format(source: Where | None) -> str | None:
    """The format that a result of this input probably has by its first bytes; None if it is no picture.

    What is at an address goes by its name: there may be thousands, and each would be asked for. A table of numbers and
    a colour picture in a GIF, which holds no more than 256 colours, give a PNG.
    """
    if source is None:
        return "PNG"
    if isinstance(source, Address):
        named = format_for_path(source.name)
        return "PNG" if named == TABLE else named
    if is_device(source):  # reading it would use it up
        return format_for_path(source) or "PNG"
    try:
        with source.open("rb") as stream:
            format = recognise(stream.read(HEAD), source)
        if format == "GIF":
            from cnnfilter.imaging.size import read_size  # loads Pillow

            return "PNG" if read_size(source)[2] == 3 else "GIF"
    except (OSError, PictureError):
        return None
    return "PNG" if format == TABLE else format
