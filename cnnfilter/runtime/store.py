"""Machine code that is kept from one run to the next, in a folder of the user's.

It is run as it is, so it must be the user's own: the folder and a file in it count only if they belong to whoever
runs this, and nobody else may write to them. Both are looked at through their descriptors, once they are open; a link
in the folder is not followed, and a named pipe not waited for. (Windows has no such owners and descriptors: there,
files go by their names, in a folder among the user's own.) A checksum finds what is damaged: a flipped bit in object
code loads without complaint. Whatever is refused costs a compilation and nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

MAGIC = b"cnnfilter object code 1\n"

OLDEST = 3600
"""Seconds after which nobody is writing an unfinished file: its writer was killed."""

on_refusal: list[Callable[[str], None]] = []
"""Told, in one line, why the store or a file in it is of no use: a command tells a person who asks."""

_PLAIN: int = sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
"""How files are opened: no link followed, no named pipe waited for, and on Windows no line end changed."""

_UNFINISHED = r"\w+-[0-9a-f]{32}\.o\.[0-9a-f]{16}\.tmp"


class _Folder(NamedTuple):
    path: Path
    descriptor: int | None

    def name(self, file: str) -> str:
        """A file's name beside the descriptor, or its path where there is none."""
        return str(self.path / file) if self.descriptor is None else file


def folder() -> Path | None:
    """Where it is kept: `CNNFILTER_CACHE_DIR`, or the folder that the system keeps caches in.

    A relative path would mean another folder wherever the person works, and one that came with somebody's pictures:
    it is passed over. None if no other is known.
    """
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  (never raises)
    if sys.platform == "win32":
        usual = [Path(os.environ.get("LOCALAPPDATA", "")), home / "AppData" / "Local"]
    elif sys.platform == "darwin":
        usual = [home / "Library" / "Caches"]
    else:
        usual = [Path(os.environ.get("XDG_CACHE_HOME", "")), home / ".cache"]
    chosen = Path(os.environ.get("CNNFILTER_CACHE_DIR", ""))
    if chosen.parts and not chosen.is_absolute():
        _refuse(f"CNNFILTER_CACHE_DIR is '{chosen}', which is no absolute path")
    return next((path for path in (chosen, *(base / "cnnfilter" for base in usual)) if path.is_absolute()), None)


def read(file: str) -> bytes | None:
    """What `write` kept under a name; None if there is nothing, or it is damaged or another's."""
    try:
        with _folder() as place, _open(place.name(file), os.O_RDONLY | _PLAIN, place.descriptor) as descriptor:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, f"'{place.path / file}' is no regular file")
            _check(status, place.path / file)
            with open(descriptor, "rb", closefd=False) as stream:
                stored = stream.read()
        code = stored[len(MAGIC) + hashlib.sha256().digest_size :]
        if stored == _with_checksum(code):
            return code
        _refuse(f"'{place.path / file}' is damaged")
    except FileNotFoundError:
        pass
    except OSError as error:
        _refuse(_reason(error))
    return None


def write(file: str, code: bytes) -> None:
    """Keep object code with its checksum, whole or not at all; where that cannot be done, it is no failure."""
    try:
        with _folder(make=True) as place:
            _clear(place)
            unfinished, at = place.name(f"{file}.{os.urandom(8).hex()}.tmp"), place.descriptor
            try:
                with (
                    _open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN, at) as descriptor,
                    open(descriptor, "wb", closefd=False) as stream,
                ):
                    stream.write(_with_checksum(code))
                os.replace(unfinished, place.name(file), src_dir_fd=at, dst_dir_fd=at)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(unfinished, dir_fd=at)
                raise
    except OSError as error:
        _refuse(_reason(error))


def _with_checksum(code: bytes) -> bytes:
    return MAGIC + hashlib.sha256(code).digest() + code


def _refuse(reason: str) -> None:
    for tell in list(on_refusal):
        tell(f"the cache of machine code is not used: {reason}")


def _reason(error: OSError) -> str:
    named = "" if error.filename is None else f"'{error.filename}': "
    return f"{named}{error.strerror}"


@contextlib.contextmanager
def _open(name: str | Path, flags: int, beside: int | None = None) -> Iterator[int]:
    descriptor = os.open(name, flags, 0o600, dir_fd=beside)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _folder(*, make: bool = False) -> Iterator[_Folder]:
    """Open the folder.

    Raises
    ------
    OSError
        If it cannot be opened, or is not this user's alone.
    """
    path = folder()
    if path is None:
        raise OSError(errno.ENOTDIR, "no folder for caches is known")
    if make and not path.exists():
        _make(path)
    if os.open not in os.supports_dir_fd:
        yield _Folder(path, None)
        return
    with _open(path, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
        _check(os.fstat(descriptor), path)
        yield _Folder(path, descriptor)


def _make(path: Path) -> None:
    """Make the folder and those above it, for nobody else; but not in the home of a user for whom root is at work."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    above = missing[-1].parent
    if hasattr(os, "geteuid") and above.stat().st_uid not in (0, os.geteuid()):
        raise OSError(errno.EPERM, f"'{above}' belongs to another user")
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)


def _check(status: os.stat_result, path: Path) -> None:
    """Refuse what anybody but this user may have written."""
    if hasattr(os, "geteuid"):
        if status.st_uid != os.geteuid():
            raise OSError(errno.EPERM, f"'{path}' belongs to another user")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise OSError(errno.EPERM, f"others may write to '{path}'")


def _clear(place: _Folder) -> None:
    """Remove what writers that were killed left: nobody takes an hour to write a file."""
    at = place.descriptor
    names = os.listdir(place.path if at is None else at)  # noqa: PTH208  (by its descriptor)
    for file in [name for name in names if re.fullmatch(_UNFINISHED, name)]:
        with contextlib.suppress(OSError):  # another process removed it
            if time.time() - os.stat(place.name(file), dir_fd=at, follow_symlinks=False).st_mtime > OLDEST:
                os.unlink(place.name(file), dir_fd=at)
