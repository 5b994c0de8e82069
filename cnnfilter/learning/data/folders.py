"""A folder with a folder of pictures for each class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from cnnfilter.addresses.address import Address, Where, located
from cnnfilter.addresses.schemes import SCHEMES
from cnnfilter.errors import ArgumentError
from cnnfilter.imaging.formats import format_for_path
from cnnfilter.learning.data.dataset import Dataset, Files, labelled
from cnnfilter.messages import alternatives, quoted, readable

MAX_FILES = 2_000_000
"""The most pictures; ImageNet has 1.3 million."""

TRAINING, VALIDATION = ("train", "training"), ("val", "valid", "validation", "test")
"""What the parts of a folder may be called that is divided already."""


def read_folder(path: Where) -> Dataset:
    """The pictures of a folder, by the folders that they are in.

    Raises
    ------
    ArgumentError
        If there are none.
    """
    folders = {each.name: located(each.path) for each in entries(path) if each.is_dir()}
    lower = {name.lower(): name for name in folders}
    training = [lower[name] for name in TRAINING if name in lower]
    validation = [lower[name] for name in VALIDATION if name in lower]
    if len(training) == len(validation) == 1 and len(folders) <= len(TRAINING + VALIDATION):
        found = read_folder(folders[training[0]])
        found.validation = read_folder(folders[validation[0]])
        return found
    paths: list[Where] = []
    names: list[str] = []
    others = deeper = 0
    for name, folder in folders.items():
        for each in entries(folder):
            if each.is_dir():
                deeper += 1
            elif format_for_path(each.name) is None or not each.is_file():
                others += 1
            else:
                paths.append(located(each.path))
                names.append(name)
        if len(paths) > MAX_FILES:
            msg = f"{readable(path)} holds more than {MAX_FILES:,} pictures"
            raise ArgumentError(msg)
    if not paths:
        loose = sum(format_for_path(each.name) is not None for each in entries(path))
        advice = f"; {loose} lie in it without one" if loose else ""
        msg = f"{readable(path)} holds no folders with pictures, one for each class{advice}"
        raise ArgumentError(msg)
    found = labelled(Files(paths), names)
    empty = sorted({*folders} - {*names})
    if empty:
        found.notes.append(f"without pictures, and left out: {alternatives([*map(quoted, empty[:5])], 'and')}")
    if others or deeper:
        kinds = ((others, "other file", ""), (deeper, "folder", " in them"))
        left = [f"{count} {what}{'s' * (count > 1)}{where}" for count, what, where in kinds if count]
        found.notes.append(f"left out of the folders of classes: {' and '.join(left)}")
    return found


class Listed(NamedTuple):
    """What is in a folder at an address, which answers as an `os.DirEntry` does.

    Parameters
    ----------
    name : str
    path : str
        All of its address.
    is_folder : bool
    """

    name: str
    path: str
    is_folder: bool

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self.is_folder

    def is_file(self) -> bool:
        """Whether it is a file."""
        return not self.is_folder


def entries(path: Where) -> Sequence[os.DirEntry[str] | Listed]:
    """What is in a folder, by name; not what is hidden."""
    try:
        if isinstance(path, Address):
            found: Sequence[os.DirEntry[str] | Listed] = _listed(path)
        else:
            with os.scandir(path) as there:
                found = [each for each in there if not each.name.startswith(".")]
    except OSError as error:
        msg = f"{readable(path)}: {error.strerror}"
        raise ArgumentError(msg) from None
    return sorted(found, key=lambda each: each.name)


def _listed(folder: Address) -> list[Listed]:
    from cnnfilter.addresses.listing import Folder
    from cnnfilter.addresses.listing import entries as listed

    if not SCHEMES[folder.scheme].lists:
        msg = f"{readable(folder)}: {folder.scheme}:// has no folders; give an .npz, an IDX file or a .csv"
        raise ArgumentError(msg)
    found = listed(folder, recursive=False)
    return [Listed(each.name.rpartition("/")[2], each.name, isinstance(each, Folder)) for each in found]
