"""What stands already in the folders of the outputs: the first names are asked for, then whole folders are listed."""

from __future__ import annotations

import os
import stat
from typing import Final

from cnnfilter.batch.sniff import caseless

FILE: Final = "file"
OTHER: Final = "other"
"""What is no regular file: a folder, a link, a pipe."""

FEW = 16
"""Names up to which each is asked for by itself: a folder may hold millions of others."""


class Standing:
    """What stands under the names of outputs, as it was when they were first asked for."""

    def __init__(self) -> None:
        self._asked = 0
        self._folders: dict[str, dict[str, str] | None] = {}

    def at(self, folder: str, name: str) -> str | None:
        """What stands under the name of an output, as `parted`: `FILE`, `OTHER`, or None for nothing."""
        if folder not in self._folders:
            if self._asked < FEW:
                self._asked += 1
                return _at(folder + name)
            self._folders[folder] = _names(folder or ".")
        names = self._folders[folder]
        return _at(folder + name) if names is None else names.get(caseless(name))


def _at(target: str) -> str | None:
    try:
        mode = os.lstat(target).st_mode
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    return FILE if stat.S_ISREG(mode) else OTHER


def _names(folder: str) -> dict[str, str] | None:
    """What stands in a folder, by names; None if it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return {caseless(each.name): FILE if each.is_file(follow_symlinks=False) else OTHER for each in entries}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError:
        return None
