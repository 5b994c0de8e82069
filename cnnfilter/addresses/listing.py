"""What is in folders at addresses, and what a pattern stands for.

A bucket has no folders: its keys hold slashes, and what stands before one is called a folder here. S3 is listed page by
page, and nothing of it is kept; other systems folder by folder.
"""

from __future__ import annotations

import fnmatch
import glob
import re
import stat
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnfilter.addresses.failures import AddressError
from cnnfilter.addresses.systems import asked, over_sftp

if TYPE_CHECKING:
    from cnnfilter.addresses.address import Address

MOST = 1 << 22
"""The most files of a listing; whoever keeps them needs some gigabytes by then."""

PAGES = 1 << 16
"""The most pages of a listing, most of which may be nearly empty."""


class Entry(NamedTuple):
    """A file in a listing.

    Parameters
    ----------
    name : str
        All of its address.
    size : int
        Bytes.
    """

    name: str
    size: int


class Folder(NamedTuple):
    """A folder in a listing.

    Parameters
    ----------
    name : str
        All of its address, without a slash at the end.
    """

    name: str


def entries(folder: Address, *, recursive: bool) -> Iterator[Entry | Folder]:
    """What is in a folder, but hidden files and folders.

    Parameters
    ----------
    folder : Address
    recursive : bool
        Whether the files in its folders are told, too, instead of the folders.

    Yields
    ------
    Entry or Folder
        In no order.

    Raises
    ------
    OSError
        If it cannot be looked into, or has too many files.
    """
    for path, size in _listed(folder, recursive=recursive):
        yield _told(folder, path, size)


def _told(folder: Address, path: str, size: int | None) -> Entry | Folder:
    name = f"{folder.text}{'' if folder.text.endswith('/') else '/'}{path}"
    return Folder(name) if size is None else Entry(name, size)


def _listed(
    folder: Address, *, recursive: bool = False, hidden: bool = False, start: str = ""
) -> Iterator[tuple[str, int | None]]:
    """Paths as seen from a folder, and the sizes of files; of a bucket, only those that begin with `start`."""
    listed = _of_bucket(folder, start, flat=recursive) if folder.scheme == "s3" else _in_turn(folder, recursive, hidden)
    for count, (path, size) in enumerate(listed, 1):
        if count > MOST:
            raise _too_many()
        if hidden or "/." not in f"/{path}":
            yield path, size


def _too_many() -> AddressError:
    return AddressError(f"more than {MOST:,} files in it")


def _in_turn(folder: Address, recursive: bool, hidden: bool) -> Iterator[tuple[str, int | None]]:
    look = _on_server if folder.scheme == "sftp" else _in_system
    waiting = [""]
    while waiting:
        place = waiting.pop()
        for name, size in look(folder / place if place else folder):
            if size is not None or not recursive:
                yield place + name, size
            elif hidden or not name.startswith("."):
                waiting.append(f"{place}{name}/")


def _of_bucket(folder: Address, start: str, *, flat: bool) -> Iterator[tuple[str, int | None]]:
    prefix = prefix_of(folder)
    for page in pages_of(folder, prefix + start, flat=flat):
        found = [(each.get("Prefix", "").removesuffix("/"), None) for each in page.get("CommonPrefixes", ())]
        found += [(each.get("Key", ""), max(each.get("Size", 0), 0)) for each in page.get("Contents", ())]
        for key, size in found:
            # what ends in a slash stands for a folder, and a service may tell of other folders
            if key.startswith(prefix) and len(key) > len(prefix) and not key.endswith("/"):
                yield key[len(prefix) :], size


def prefix_of(folder: Address) -> str:
    """What the keys of a bucket begin with that are in a folder."""
    path = folder.path.removeprefix("/")
    return path if not path or path.endswith("/") else f"{path}/"


def pages_of(folder: Address, prefix: str, *, flat: bool, size: int = 1000) -> Iterator[dict[str, Any]]:
    """Pages of a listing of S3: `fs.find` would keep every entry, a kilobyte each. One that breaks off is an error."""
    told: set[int] = set()
    options = {"Bucket": folder.first, "Prefix": prefix, "MaxKeys": size} | ({} if flat else {"Delimiter": "/"})
    while True:
        page: dict[str, Any] = asked(folder, lambda fs: fs.call_s3("list_objects_v2", **options))
        yield page
        if not page.get("IsTruncated"):
            return
        token = page.get("NextContinuationToken")
        if not token or hash(token) in told or len(told) >= PAGES:
            msg = "the service does not say how its listing goes on"
            raise AddressError(msg)
        told.add(hash(token))
        options["ContinuationToken"] = token


def _in_system(folder: Address) -> list[tuple[str, int | None]]:
    found = asked(folder, lambda fs: fs.ls(folder.key, detail=True))
    base = folder.key.strip("/")
    return [
        (each["name"].rstrip("/").rpartition("/")[2], None if each["type"] == "directory" else each["size"] or 0)
        for each in found
        if each["name"].strip("/") != base  # a folder that has an object of its own, or a file
    ]


def _on_server(folder: Address) -> list[tuple[str, int | None]]:
    """What is in a folder of a server; a link is what it leads to, but to a folder it is not followed."""

    async def scan(channel: Any) -> list[tuple[str, int | None]]:
        import asyncssh

        found = []
        async for each in channel.scandir(folder.key):
            attributes = each.attrs
            if each.filename in (".", "..") or "/" in each.filename:
                continue
            if stat.S_ISLNK(attributes.permissions or 0):
                try:
                    attributes = await channel.stat(f"{folder.key.rstrip('/')}/{each.filename}")
                except asyncssh.SFTPError:  # it leads nowhere
                    continue
                if kind_of(attributes.permissions) == "directory":
                    continue
            kind = kind_of(attributes.permissions)
            if kind != "other":
                found.append((each.filename, None if kind == "directory" else attributes.size or 0))
            if len(found) > MOST:
                raise _too_many()
        return found

    return asked(folder, lambda fs: over_sftp(fs, scan))


def names_in(folder: Address, *, recursive: bool = False) -> set[str] | None:
    """The names of all files in a folder, hidden ones too; None where nobody lets us look.

    With `recursive`, the paths of all that are below it.

    Raises
    ------
    OSError
        If there is no such bucket, or looking fails otherwise.
    """
    try:
        return {name for name, size in _listed(folder, recursive=recursive, hidden=True) if size is not None}
    except PermissionError:
        return None
    except FileNotFoundError:
        if folder.scheme == "s3":  # a folder of a bucket is never missing, so it is the bucket
            raise
        return set()


def matching(pattern: Address) -> Iterator[Entry | Folder]:
    """What a pattern stands for: `*`, `?` and `[...]` in names, `**` for folders in folders, but for hidden ones.

    Parameters
    ----------
    pattern : Address
        With such characters in its path.

    Yields
    ------
    Entry or Folder
        In no order.

    Raises
    ------
    OSError
        If a folder cannot be looked into.
    """
    parts = [part for part in pattern.path.split("/") if part]
    first = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    folder = pattern
    for _ in parts[first:]:
        folder = folder.parent
    yield from _below(folder, parts[first:])


def _below(folder: Address, parts: Sequence[str]) -> Iterator[Entry | Folder]:
    """What is below a folder by the parts of a pattern that are left."""
    part, rest = parts[0], parts[1:]
    is_deep = part == "**"
    if parts[-1] == "**":
        parts = [*parts, "*"]
    start = re.split(r"[*?\[]", part, maxsplit=1)[0]
    hidden = any(each.startswith(".") for each in parts)
    try:
        for path, size in _listed(folder, recursive=is_deep, hidden=hidden, start=start):
            if is_deep and _fits(path.split("/"), parts):
                yield _told(folder, path, size)
            elif not is_deep and _fits([path], [part]):
                if not rest:
                    yield _told(folder, path, size)
                elif size is None:
                    yield from _below(folder / path, rest)
    except FileNotFoundError:
        if folder.scheme == "s3":  # whose folders are never missing: there is no such bucket
            raise


def _fits(names: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether the names of a path are those of a pattern; one with a dot in front only where the pattern has it."""
    places = _onward({0}, parts)
    for name in names:
        after = set()
        for place in places:
            if place < len(parts):
                part = parts[place]
                if part == "**":
                    after.add(place)
                elif fnmatch.fnmatchcase(name, part) and (part.startswith(".") or not name.startswith(".")):
                    after.add(place + 1)
        places = _onward(after, parts)
    return len(parts) in places


def _onward(places: set[int], parts: Sequence[str]) -> set[int]:
    """Places in a pattern, and those behind a `**`, which may stand for nothing."""
    for place in range(len(parts)):
        if place in places and parts[place] == "**":
            places.add(place + 1)
    return places


def kind_of(permissions: int | None) -> str:
    """What fsspec calls a file of such permissions."""
    mode = permissions or 0
    return "directory" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"
