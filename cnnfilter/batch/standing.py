"""What stands already in the folders of the outputs: the first names are asked for, then whole folders are listed.

At an address each question is a request. Where there are many folders in a bucket of S3, all that is below the output
folder is listed at once: as many requests as there are thousands of files, and not one for each folder.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from cnnfilter.addresses.address import Address, Where, is_address, text_of
from cnnfilter.addresses.listing import names_in
from cnnfilter.addresses.schemes import SCHEMES
from cnnfilter.batch.sniff import caseless
from cnnfilter.errors import OutputError

FILE: Final = "file"
OTHER: Final = "other"
"""What is no regular file: a folder, a link, a pipe."""

FEW = 16
"""Names up to which each is asked for by itself, as a folder may hold millions of others; and folders at addresses."""


class Standing:
    """What stands under the names of outputs, as it was when they were first asked for.

    Parameters
    ----------
    base : Path or Address, optional
        The folder in which all folders of outputs lie, if one is known.
    """

    def __init__(self, base: Where | None = None) -> None:
        self.is_open = True
        """Whether addresses are asked for names that are not known yet; during work, who writes there will see."""
        self._asked = 0
        self._folders: dict[str, dict[str, str] | None] = {}
        is_bucket = isinstance(base, Address) and base.scheme == "s3"  # others list folder by folder in any case
        self._base = f"{text_of(base).rstrip('/')}/" if base and is_bucket else None
        self._buckets: set[str] = set()
        self._files: dict[Address, bool] = {}
        self._there: dict[str, Collection[str]] = {}
        self._below: Collection[str] | None = None
        """Buckets that are there; whether single addresses are files; the names in folders; the paths of all below the
        base, once listed."""

    def at(self, folder: str, name: str) -> str | None:
        """What stands under the name of an output, as `parted`: `FILE`, `OTHER`, or None for nothing.

        Raises
        ------
        OutputError
            If an address does not tell.
        """
        if "://" in folder and is_address(folder):
            return FILE if self._is_there(folder, name) else None
        if folder not in self._folders:
            if self._asked < FEW:
                self._asked += 1
                return _at(folder + name)
            self._folders[folder] = _names(folder or ".")
        names = self._folders[folder]
        return _at(folder + name) if names is None else names.get(caseless(name))

    def _is_there(self, folder: str, name: str) -> bool:
        """Whether a file is at an address; where nobody lets us look, only the service itself refuses to replace it."""
        if folder not in self._there and self._below is None:
            where = Address(folder)
            if not SCHEMES[where.scheme].lists:
                return False
            with _told(where):
                if not self.is_open or len(self._files) < FEW or where / name in self._files:
                    return self._is_file(where / name)
                if self._base is None or len(self._there) < FEW:
                    self._there[folder] = names_in(where) or ()
                else:
                    self._below = names_in(Address(self._base), recursive=True) or ()
        if folder in self._there:
            return name in self._there[folder]
        return f"{folder}{name}".removeprefix(self._base or "") in (self._below or ())

    def _is_file(self, address: Address) -> bool:
        if address not in self._files and self.is_open:
            try:
                is_there = address.is_file()
                if not is_there and address.first not in self._buckets:  # nor may its bucket be there
                    address.check_bucket()
                self._buckets.add(address.first)
                self._files[address] = is_there
            except PermissionError:  # S3 says so of what is not there to whom it does not let list
                self._files[address] = False
        return self._files.get(address, False)


@contextmanager
def _told(folder: Address) -> Iterator[None]:
    """Say which folder of outputs does not tell, and why."""
    try:
        yield
    except OSError as error:
        msg = f"cannot look for outputs in '{folder}': {error.strerror}"
        raise OutputError(msg) from error


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
