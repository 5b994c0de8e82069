"""Lists of names that a person has in a file, on standard input, or at an address."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from cnnfilter.addresses.address import Address, Where, located, shown
from cnnfilter.batch.names import STREAM, wrong_input
from cnnfilter.errors import ArgumentError
from cnnfilter.messages import alternatives
from cnnfilter.text.files import without_mark

MAX_LIST, MAX_NAMES = 1 << 27, 1 << 20
"""The most bytes and names of a list, more than lists of a million files have."""
FEW = 5
"""Names that cannot be taken, up to which it is said where each stands in a list."""


def read_list(name: str, stream: BinaryIO | None, *, null: bool = False) -> tuple[str, ...]:
    """Read names from a list: one a line, or each ended by a NUL.

    Where every line ends as on Windows, that is no part of the names, and neither is a byte order mark. A list in
    UTF-16, which begins with one, is read as well.

    Parameters
    ----------
    name : str
        The list's file, or its address; `-` is `stream`.
    stream : binary stream, optional
        Standard input; None if it is closed.
    null : bool
        Whether names end in a NUL, as `find -print0` writes them.

    Raises
    ------
    ArgumentError
        If it cannot be read, is longer than a list may be, or has a name that can name nothing.
    """
    if name == STREAM and stream is None:
        msg = "the list of files: standard input is closed"
        raise ArgumentError(msg)
    where, name = (None if name == STREAM else located(name)), shown(name)
    try:
        data = _read(where, stream)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        msg = f"the list of files '{name}': {getattr(error, 'strerror', None) or error}"
        raise ArgumentError(msg) from None
    if len(data) > MAX_LIST:
        msg = f"the list of files '{name}': more than {MAX_LIST} bytes, the most that a list may have"
        raise ArgumentError(msg)
    try:
        data = data if null else without_mark(data)
    except UnicodeDecodeError:
        msg = f"the list of files '{name}': no text in UTF-16, as which it begins"
        raise ArgumentError(msg) from None
    if not null and b"\0" in data:
        msg = f"the list of files '{name}' has names ended by NUL; -0 reads such lists"
        raise ArgumentError(msg)
    if not null and data.count(b"\n") == data.count(b"\r\n"):
        data = data.replace(b"\r\n", b"\n")
    end = b"\0" if null else b"\n"
    if data.count(end) > MAX_NAMES:
        msg = f"the list of files '{name}': more than {MAX_NAMES} names; give it in parts"
        raise ArgumentError(msg)
    names = [os.fsdecode(each) for each in data.split(end)]
    _check(names, f"the list of files '{name}'", "name" if null else "line")
    return tuple(filter(None, names))


def _check(names: Sequence[str], title: str, unit: str) -> None:
    """Refuse a list in which names can name nothing: it is said why of the first, and where some others are."""
    reasons = ((number, wrong_input(each)) for number, each in enumerate(names, 1) if each)
    wrong = ((number, reason) for number, reason in reasons if reason)
    for number, reason in wrong:
        others = [str(other) for other, _ in itertools.islice(wrong, FEW)]
        others[FEW - 1 :] = ["more"] * (len(others) == FEW)
        rest = f"; {unit}{'s' * (len(others) > 1)} {alternatives(others, 'and')} cannot be taken either" * bool(others)
        msg = f"{title}, {unit} {number}: {reason}{rest}"
        raise ArgumentError(msg)


def _read(where: Where | None, stream: BinaryIO | None) -> bytes:
    """All of a list, or a little more than one may have."""
    if isinstance(where, Address):
        from cnnfilter.addresses.reading import head  # few lists are there

        return head(where, MAX_LIST + 1)
    with contextlib.nullcontext(stream) if stream and where is None else Path(where or STREAM).open("rb") as file:
        return file.read(MAX_LIST + 1)  # of a device, perhaps, without an end
