"""The inputs of a run, as they were found, and what is known of each before it is read."""

from __future__ import annotations

import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from cnnfilter.addresses.address import is_address
from cnnfilter.batch.names import STREAM


class Input(NamedTuple):
    """One input.

    Parameters
    ----------
    name : str
        Its path, or `-` for standard input.
    place : str, optional
        Of what was found in a folder that the person named: the folder it is in, as seen from there.
    error : str, optional
        Why it cannot be read, if that is known already.
    size : int, optional
        Its bytes, where a listing told them.
    """

    name: str
    place: str | None = None
    error: str | None = None
    size: int | None = None


def size_of(each: Input) -> int | None:
    """The bytes of an input, where a listing told them, or this machine does; None where only reading it would."""
    if each.size is not None or each.name == STREAM or is_address(each.name):
        return each.size
    try:
        status = os.stat(each.name)  # noqa: PTH116  (a path as an object takes longer)
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


@dataclass(eq=False, repr=False)
class Found:
    """The inputs, and what was passed over on the way.

    Parameters
    ----------
    inputs : list of Input
    files : Counter of str
        How many hidden files, and how many of each extension that is no picture's.
    folders : int
        Folders in a folder, which were not entered.
    visited : set of str
        The folders that were looked into, by their real paths.
    """

    inputs: list[Input] = field(default_factory=list)
    files: Counter[str] = field(default_factory=Counter)
    folders: int = 0
    visited: set[str] = field(default_factory=set)
