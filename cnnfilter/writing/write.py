"""Writing so that nothing is lost: under a final name stands the old file or the complete new one.

A file's bytes go to a temporary sibling (see `temporaries`), each write is checked, they are flushed to the disk,
and only then does the sibling take the final name in one step.

What stands under a name is looked at once (`look`), when a run is planned. A link or a named pipe that somebody puts
there later is neither followed nor opened, and is in the way like any other file. Permissions and times are those of
the file that was opened, whatever its name stands for by then; on Windows they go by the name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cnnfilter.errors import DiskFullError, ExistsError, OutputError
from cnnfilter.messages import either
from cnnfilter.writing.pieces import Data, write_all
from cnnfilter.writing.temporaries import Temporaries

FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
"""The errors of a disk, or of a user's share of one, that has no room left."""


class Place(NamedTuple):
    """Where a file of some name is written.

    Parameters
    ----------
    path : Path
        The name, or what it led to if it was a link.
    device : (int, int, int), optional
        Which device, pipe or socket it was, if it was one.
    """

    path: Path
    device: tuple[int, int, int] | None = None


def look(path: Path) -> Place:
    """Look what stands under a name now.

    Where it is a symbolic link, its target is written, and the link stays. What is no regular file (`/dev/null`, a
    named pipe) is written straight, since nothing can take its place.
    """
    if not os.path.lexists(path):
        return Place(path)
    if is_device(path):
        return Place(path, _identity(path.stat()))
    return Place(Path(os.path.realpath(path)) if path.is_symlink() else path)


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_dev, status.st_ino, stat.S_IFMT(status.st_mode)


class Writing(NamedTuple):
    """How a file is written.

    Parameters
    ----------
    overwrite : bool
        Whether an existing file is replaced. Without it, a file that appears under the name while this one is written
        is not lost either. A new file's permissions follow the umask; one that replaces another takes on that one's, so
        that a private file stays private, and what is in `belongings`. As with `mv`, a read-only file is replaced too:
        what counts are the rights to its folder.
    private : bool
        See `belongings.take_over`.
    times : tuple of int, optional
        When it was last read and changed, in nanoseconds, for the file to tell; by default, now.
    sync : bool
        Whether the new name lasts through a power cut from now on; else `sync_folder` is to see to that.
    before_sync : callable, optional
        Is called when all is written, and only the disk is left to wait for.
    """

    overwrite: bool = False
    private: bool = False
    times: tuple[int, int] | None = None
    sync: bool = True
    before_sync: Callable[[], None] | None = None


def write_atomically(
    path: Path, data: Data, writing: Writing, *, place: Place | None = None, temporaries: Temporaries | None = None
) -> tuple[str, ...]:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : Path
        The final name.
    data : bytes, memoryview of bytes, or a sequence of these
        All of the file.
    writing : Writing
    place : Place, optional
        What `look` found under the name when the run was planned; by default it looks now.
    temporaries : Temporaries, optional
        Those of the run that this is part of.

    Returns
    -------
    tuple of str
        A note on what could not be taken over from the file that it replaces, if anything.

    Raises
    ------
    ExistsError
        If the file exists and may not be overwritten.
    DiskFullError
        If there is no room for it.
    OutputError
        If anything else about writing it fails; no temporary file is left behind.
    """
    try:
        place = place or look(path)
        notes: tuple[str, ...] = ()
        if place.device is not None:
            _write_straight(place, data)
        else:
            target = place.path if writing.overwrite else path
            with contextlib.nullcontext(temporaries) if temporaries else contextlib.closing(Temporaries()) as own:
                notes = _write_sibling(target, data, writing, own)
            if writing.sync:
                sync_folder(target.parent)
    except FileExistsError as error:
        if path.is_dir():  # which nothing overwrites
            msg = f"the output '{path}' is a folder"
            raise OutputError(msg) from error
        msg = f"'{path}' exists already; {either('--force', 'overwrite=True')} overwrites it"
        raise ExistsError(msg) from error
    except OSError as error:
        msg = f"cannot write '{path}': {error.strerror or error}"
        raise (DiskFullError if error.errno in FULL else OutputError)(msg) from error
    return notes


def check_free(path: Path, *, overwrite: bool, remedy: str | None = None) -> None:
    """Refuse an output that could not be written in the end, before the work that makes it.

    Parameters
    ----------
    path : Path
    overwrite : bool
        Whether an existing file is replaced.
    remedy : str, optional
        What else to do about one that is there.

    Raises
    ------
    ExistsError, OutputError
        If it exists, and is not to be overwritten, or its folder cannot take it.
    """
    place = look(path)
    if place.device is not None:
        return
    if path.is_dir():
        msg = f"the output '{path}' is a folder"
        raise OutputError(msg)
    if os.path.lexists(path) and not overwrite:
        msg = f"'{path}' exists already; {remedy or either('--force', 'overwrite=True') + ' overwrites it'}"
        raise ExistsError(msg)
    folder = place.path.parent
    if not folder.is_dir():
        msg = f"there is no folder '{folder}' for the output '{path.name}'"
        raise OutputError(msg)
    if not os.access(folder, os.W_OK):
        msg = f"the folder '{folder}' of the output '{path.name}' cannot be written to"
        raise OutputError(msg)


def write_stream(stream: BinaryIO, data: Data) -> None:
    """Write all of `data` to standard output.

    Raises
    ------
    BrokenPipeError
        If the reader has gone: there is nobody left to write for.
    OutputError
        If it could not be written in full.
    """
    try:
        write_all(stream, data)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        msg = f"cannot write standard output: {error.strerror or error}"
        raise OutputError(msg) from error


def is_device(path: Path) -> bool:
    """Whether `path` exists and is neither a file nor a folder: a device, a pipe, a socket."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def is_same(one: str, other: str) -> bool:
    """Whether two names are those of one file that is there."""
    try:
        return Path(one).samefile(other)
    except (OSError, ValueError):  # one of them does not exist, or has a NUL in its name
        return False


def _write_straight(place: Place, data: Data) -> None:
    flags = os.O_WRONLY | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(place.path, flags), "wb", buffering=0) as file:
        if _identity(os.fstat(file.fileno())) != place.device:
            raise OSError(errno.EINVAL, "something else has taken its place")
        write_all(file, data)


def _write_sibling(target: Path, data: Data, writing: Writing, temporaries: Temporaries) -> tuple[str, ...]:
    temporary, file = temporaries.open(target, _permissions(target) if writing.overwrite else None)
    try:
        with file:  # its lock ends with it, and must not before its name does
            write_all(file, data)
            notes: tuple[str, ...] = ()
            if writing.overwrite:
                from cnnfilter.writing.belongings import take_over  # most results are new

                notes = take_over(file.fileno(), target, private=writing.private)
            if writing.before_sync is not None:
                writing.before_sync()
            os.fsync(file.fileno())
            temporaries.before_rename(file)
            if writing.times is not None:
                os.utime(temporary if file.closed else file.fileno(), ns=writing.times)
            if writing.overwrite:
                temporary.replace(target)
            else:
                _rename_to_new(temporary, target)
                temporaries.remove(temporary)
    finally:  # whatever ended it, a signal included
        temporaries.remove(temporary)
    return notes


def _permissions(path: Path) -> int | None:
    """Who may read, write and run a file; None if there is none. Other bits are no permissions."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return None
    return mode & 0o777 if stat.S_ISREG(mode) else None


def _rename_to_new(temporary: Path, target: Path) -> None:
    """Give `temporary` its final name unless something has that name: renaming alone would replace it."""
    try:
        target.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links; on Windows renaming is exclusive by itself
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        temporary.rename(target)


def sync_folder(folder: Path) -> None:
    """Make the renames in a folder last through a power cut, where the system has a way to."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:  # Windows opens no folders, and a folder may be writable but not readable
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems have no such call
            raise
    finally:
        os.close(descriptor)
