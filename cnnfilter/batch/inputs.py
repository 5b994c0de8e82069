"""What a person names as inputs, as a list of files: files, patterns, folders, and lists of names.

A pattern (`*`, `?`, `[...]`) is one only where no file has that very name; the shell has expanded the others
already. Of a folder the pictures are taken, by their extensions, and with `recursive` those of the folders in it.
Each folder is visited once, however many symbolic links lead to it, so that loops end.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from cnnfilter.addresses import listing
from cnnfilter.addresses.address import Address, is_address, no_file
from cnnfilter.addresses.schemes import SCHEMES
from cnnfilter.batch.found import Found, Input
from cnnfilter.batch.names import STREAM, base_of, normal, refused
from cnnfilter.imaging.formats import NPZ, TABLE, format_for_path
from cnnfilter.messages import quoted

NO_PLACE = "in its address can be no folder's name here; give it another name there"
_OWN = re.compile(r"(?i)[\\:]|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?$|[. ]$")
"""What is no folder's name on Windows: it parts folders or drives, is a device's, or loses its end."""
LONGEST_PATTERN = 4096
"""Characters of a pattern, as many as paths have: what finds files takes time by the square of them."""


def find_inputs(
    names: Sequence[str], *, listed: Sequence[str] = (), recursive: bool = False, output: str | None = None
) -> Found:
    """Find the files that a person means.

    Parameters
    ----------
    names : sequence of str
        Files, patterns, folders, and `-`.
    listed : sequence of str
        Files and folders out of a list: nothing in them is a pattern.
    recursive : bool
        Whether to enter the folders in a folder; hidden ones never are.
    output : str, optional
        What `-o` holds: the folder for the outputs is not looked into where it lies in another.

    Returns
    -------
    Found
        In the order of the names, and of the paths in a folder.
    """
    found = Found()
    base = None if output is None else base_of(output)
    skipped = None if base is None or is_address(base) else os.path.realpath(base)
    there = f"{normal(base).rstrip('/')}/" if base is not None and is_address(base) else ""
    for name in names:
        if is_address(name):
            _add_address(found, name, recursive=recursive, skipped=there)
            continue
        is_pattern = len(name) <= LONGEST_PATTERN and glob.has_magic(name) and not os.path.lexists(name)
        matching = _matching(name) if is_pattern else []
        for each in matching or [name]:
            if is_pattern and _is_special(each):
                found.files["special"] += 1
            else:
                _add(found, each, recursive=recursive, skipped=skipped)
    for name in listed:
        if "://" in name and is_address(name):
            if name.endswith("/"):
                _add_address(found, name, recursive=recursive, skipped=there)
            else:
                found.inputs.append(Input(name, error=_misplaced(name) if "/." in name or os.sep != "/" else None))
            continue
        _add(found, f".{os.sep}{name}" if name == STREAM else name, recursive=recursive, skipped=skipped)
    return found


def _matching(pattern: str) -> list[str]:
    """What a pattern stands for, in order; `**` for folders in folders, but for links to them and hidden ones.

    Where links lead to the folder that they are in, `glob` follows them until names are too long.
    """
    parts = Path(pattern).parts
    if "**" not in parts:
        return sorted(glob.glob(pattern))  # noqa: PTH207  (it may be absolute)
    first = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    rest = [*parts[first:], *(["*"] if parts[-1] == "**" else [])]
    found: Iterable[Path] = Path(*parts[:first]).glob("/".join(rest))
    if not any(part.startswith(".") for part in rest):
        found = (path for path in found if not any(part.startswith(".") for part in path.parts[first:]))
    ends_in_any = parts[-1] == "**"
    return sorted(str(path) for path in found if not (path.is_dir() and (ends_in_any or path.is_symlink())))


def _add(found: Found, name: str, *, recursive: bool, skipped: str | None) -> None:
    kind = None if name == STREAM else _kind(name)
    if kind != "folder":
        found.inputs.append(Input(name, error=no_file(name) if kind == "missing" else None))
        return
    inside: list[Input] = []
    links = [(name, "")]
    while links:  # a folder's own place comes before that of a link to it
        folders = [links.pop(0)]
        while folders:
            folder, place = folders.pop()
            real = os.path.realpath(folder)
            if real in found.visited or (real == skipped and place):
                continue
            found.visited.add(real)
            _look_into(found, folder, place, inside, folders if recursive else None, links)
    inside.sort()
    found.inputs += inside


def _look_into(
    found: Found,
    folder: str,
    place: str,
    inside: list[Input],
    folders: list[tuple[str, str]] | None,
    links: list[tuple[str, str]],
) -> None:
    """Add the pictures in one folder, and note the folders in it."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_folder(entry):
                    if entry.name.startswith("."):
                        continue
                    if folders is None:
                        found.folders += 1
                        continue
                    below = os.path.join(place, entry.name)  # noqa: PTH118  (paths as objects take ten times as long)
                    (links if entry.is_symlink() else folders).append((entry.path, below))
                elif _is_picture(entry):
                    inside.append(Input(entry.path, place))
                else:
                    found.files[_counted_as(entry.name)] += 1
    except OSError as error:
        inside.append(Input(folder, place, f"cannot be looked into: {error.strerror}"))


def _add_address(found: Found, name: str, *, recursive: bool, skipped: str) -> None:
    """Add what an address stands for; what has a picture's name is a file, and nobody is asked."""
    if refused(name):  # the plan tells why
        found.inputs.append(Input(name))
        return
    address = Address(normal(name))
    lists, is_called_folder = SCHEMES[address.scheme].lists, name.endswith("/")
    if not lists and (is_called_folder or "*" in address.path):
        found.inputs.append(Input(name, error=f"{address.scheme}:// has no listing: name its files, or a list of them"))
        return
    try:
        if lists and glob.has_magic(address.path) and (is_called_folder or not address.is_file()):
            matching = sorted(listing.matching(address), key=lambda each: each.name)
            for each in matching:
                if isinstance(each, listing.Folder):
                    _look_there(found, Address(each.name), recursive=recursive, skipped=skipped)
                else:
                    error = _misplaced(each.name) or refused(each.name)
                    found.inputs.append(Input(each.name, None, error, each.size))
            if not matching:
                found.inputs.append(Input(name, error="no such file"))
        elif lists and (is_called_folder or (format_for_path(address.name) is None and address.is_dir())):
            if not is_called_folder and address.is_file():  # a bucket may have both
                found.files["of a folder's name"] += 1
            _look_there(found, address, recursive=recursive, skipped=skipped)
        else:
            found.inputs.append(Input(name, error=_misplaced(name)))
    except OSError as error:
        found.inputs.append(Input(name, error=f"cannot be looked into: {error.strerror}"))


def _look_there(found: Found, folder: Address, *, recursive: bool, skipped: str) -> None:
    """Add the pictures in a folder at an address, and with `recursive` of those in it."""
    base = f"{folder.text.rstrip('/')}/"
    if base[:-1] in found.visited:
        return
    found.visited.add(base[:-1])
    is_output_below = skipped != base and skipped.startswith(base)
    inside, is_empty = [], True
    for each in listing.entries(folder, recursive=recursive):
        is_empty = False
        path = each.name.removeprefix(base)
        place, _, name = path.rpartition("/")
        if isinstance(each, listing.Folder):
            found.folders += 1
        elif is_output_below and each.name.startswith(skipped):
            continue
        elif _is_named_as_picture(name):
            error = f"'//' {NO_PLACE}" if "//" in f"/{path}" else _misplaced(each.name) or refused(each.name)
            inside.append(Input(each.name, "" if error else place, error, each.size))
        else:
            found.files[_counted_as(name)] += 1
    if is_empty:
        inside.append(Input(folder.text, error="no such folder, or nothing is in it"))
    found.inputs += sorted(inside)


def _misplaced(name: str) -> str | None:
    """Why an output cannot have the place here that an input has at its address."""
    first, *rest = Address(name).parts
    strange = [part for part in (first, *rest) if part in (".", "..")]
    if os.sep != "/":
        strange += filter(_OWN.search, rest)
    return f"{quoted(strange[0])} {NO_PLACE}" if strange else None


def _counted_as(name: str) -> str:
    """What a file that is passed over is counted as; what has a picture's name and is none is a pipe, say."""
    if name.startswith("."):
        return "hidden"
    if format_for_path(name) not in (None, NPZ, TABLE):
        return "special"
    return os.path.splitext(name)[1].lower() or "without extension"  # noqa: PTH122  (a path as an object takes longer)


def _kind(name: str) -> str | None:
    """Whether a name is a folder's or nothing's; why what is there cannot be looked at, reading it will tell."""
    try:
        mode = os.stat(name).st_mode  # noqa: PTH116  (a path as an object takes longer)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        return "missing" if isinstance(error, FileNotFoundError) else None
    return "folder" if stat.S_ISDIR(mode) else None


def _is_special(name: str) -> bool:
    """Whether a name is that of a pipe or a device, which would be waited for."""
    return os.path.exists(name) and not (os.path.isfile(name) or os.path.isdir(name))  # noqa: PTH110, PTH112, PTH113  (never raise)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself, or where nobody may look
        return False


def _is_named_as_picture(name: str) -> bool:
    return not name.startswith(".") and format_for_path(name) not in (None, NPZ, TABLE)


def _is_picture(entry: os.DirEntry[str]) -> bool:
    if not _is_named_as_picture(entry.name):
        return False
    # a link that leads nowhere fails by itself; a pipe would be waited for
    return entry.is_file() if os.path.exists(entry.path) else entry.is_symlink()  # noqa: PTH110  (never raises)
