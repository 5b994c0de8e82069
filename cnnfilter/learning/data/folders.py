"""A folder with a folder of pictures for each class."""

from __future__ import annotations

import os
from pathlib import Path

from cnnfilter.errors import ArgumentError
from cnnfilter.imaging.formats import format_for_path
from cnnfilter.learning.data.dataset import Dataset, Files, labelled
from cnnfilter.messages import alternatives, quoted, readable

MAX_FILES = 2_000_000
"""The most pictures; ImageNet has 1.3 million."""

TRAINING, VALIDATION = ("train", "training"), ("val", "valid", "validation", "test")
"""What the parts of a folder may be called that is divided already."""


def read_folder(path: Path) -> Dataset:
    """The pictures of a folder, by the folders that they are in.

    Raises
    ------
    ArgumentError
        If there are none.
    """
    folders = {each.name: Path(each.path) for each in entries(path) if each.is_dir()}
    lower = {name.lower(): name for name in folders}
    training = [lower[name] for name in TRAINING if name in lower]
    validation = [lower[name] for name in VALIDATION if name in lower]
    if len(training) == len(validation) == 1 and len(folders) <= len(TRAINING + VALIDATION):
        found = read_folder(folders[training[0]])
        found.validation = read_folder(folders[validation[0]])
        return found
    paths: list[Path] = []
    names: list[str] = []
    others = deeper = 0
    for name, folder in folders.items():
        for each in entries(folder):
            if each.is_dir():
                deeper += 1
            elif format_for_path(each.name) is None or not each.is_file():
                others += 1
            else:
                paths.append(Path(each.path))
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


def entries(path: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, by name; not what is hidden."""
    try:
        with os.scandir(path) as found:
            return sorted((each for each in found if not each.name.startswith(".")), key=lambda each: each.name)
    except OSError as error:
        msg = f"{readable(path)}: {error.strerror}"
        raise ArgumentError(msg) from None
