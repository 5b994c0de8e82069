"""Writing so that nothing is lost: under a final name stands the old file or the complete new one.

A file's bytes go to a temporary sibling (see `temporaries`), each write is checked, they are flushed to the disk,
and only then does the sibling take the final name in one step.

What stands under a name is looked at once (`look`), when a run is planned. A link or a named pipe that somebody puts
there later is neither followed nor opened, and is in the way like any other file. Permissions and times are those of
the file that was opened, whatever its name stands for by then; on Windows they go by the name.

At an address, what keeps it is the service: see `addresses.putting`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cnnfilter.addresses.address import Address, Where, is_address
from cnnfilter.addresses.schemes import SCHEMES
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
    path : Path or Address
        The name, or what it led to if it was a link.
    device : (int, int, int), optional
        Which device, pipe or socket it was, if it was one.
    """

    path: Where
    device: tuple[int, int, int] | None = None


def look(path: Where) -> Place:
    """Look what stands under a name now; at an address, nobody does.

    Where it is a symbolic link, its target is written, and the link stays. What is no regular file (`/dev/null`, a
    named pipe) is written straight, since nothing can take its place.
    """
    if isinstance(path, Address) or not os.path.lexists(path):
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
    path: Where, data: Data, writing: Writing, *, place: Place | None = None, temporaries: Temporaries | None = None
) -> tuple[str, ...]:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : Path or Address
        The final name.
    data : bytes, memoryview of bytes, or a sequence of these
        All of the file.
    writing : Writing
        Of an address, only whether a file is replaced; it is as the service makes new ones.
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
        if isinstance(path, Address):
            from cnnfilter.addresses.putting import put  # most outputs are files of this machine

            put(path, _joined(data), overwrite=writing.overwrite)
            return ()
        return _write_here(path, data, writing, place or look(path), temporaries)
    except FileExistsError as error:
        if isinstance(path, Path) and path.is_dir():  # which nothing overwrites
            msg = f"the output '{path}' is a folder"
            raise OutputError(msg) from error
        raise _exists(path) from error
    except OSError as error:
        msg = f"cannot write '{path}': {error.strerror or error}"
        raise (DiskFullError if error.errno in FULL else OutputError)(msg) from error


def _write_here(
    path: Path, data: Data, writing: Writing, place: Place, temporaries: Temporaries | None
) -> tuple[str, ...]:
    if place.device is not None:
        _write_straight(path, place.device, data)
        return ()
    target = place.path if writing.overwrite and isinstance(place.path, Path) else path
    with contextlib.nullcontext(temporaries) if temporaries else contextlib.closing(Temporaries()) as own:
        notes = _write_sibling(target, data, writing, own)
    if writing.sync:
        sync_folder(target.parent)
    return notes


def _joined(data: Data) -> bytes:
    """All of it in one piece, which libraries of buckets take."""
    return data if isinstance(data, bytes) else bytes(data) if isinstance(data, memoryview) else b"".join(data)


def check_free(path: Where, *, overwrite: bool, remedy: str | None = None) -> None:
    """Refuse an output that could not be written in the end, before the work that makes it.

    Parameters
    ----------
    path : Path or Address
        Of an address, all that is known before is whether its bucket is there.
    overwrite : bool
        Whether an existing file is replaced.
    remedy : str, optional
        What else to do about one that is there.

    Raises
    ------
    ExistsError, OutputError
        If it exists, and is not to be overwritten, or its folder cannot take it.
    """
    if isinstance(path, Address):
        _check_free_there(path, overwrite=overwrite, remedy=remedy)
        return
    place = look(path)
    if place.device is not None:
        return
    if path.is_dir():
        msg = f"the output '{path}' is a folder"
        raise OutputError(msg)
    if os.path.lexists(path) and not overwrite:
        raise _exists(path, remedy)
    folder = Path(os.path.realpath(path)).parent if path.is_symlink() else path.parent
    if not folder.is_dir():
        msg = f"there is no folder '{folder}' for the output '{path.name}'"
        raise OutputError(msg)
    if not os.access(folder, os.W_OK):
        msg = f"the folder '{folder}' of the output '{path.name}' cannot be written to"
        raise OutputError(msg)


def _exists(path: Where, remedy: str | None = None) -> ExistsError:
    return ExistsError(f"'{path}' exists already; {remedy or either('--force', 'overwrite=True') + ' overwrites it'}")


def _check_free_there(address: Address, *, overwrite: bool, remedy: str | None) -> None:
    if not SCHEMES[address.scheme].writes:
        msg = f"cannot write '{address}': {address.scheme}:// is only read"
        raise OutputError(msg)
    try:
        if not address.name or address.text.endswith("/"):
            msg = f"the output '{address}' is a folder"
            raise OutputError(msg)
        if not overwrite and address.is_file():
            raise _exists(address, remedy)
        address.check_bucket()
    except OSError as error:
        msg = f"cannot write '{address}': {error.strerror}"
        raise OutputError(msg) from error


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


def is_device(path: Where) -> bool:
    """Whether `path` exists and is neither a file nor a folder: a device, a pipe, a socket; at an address none is."""
    if isinstance(path, Address):
        return False
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def is_same(one: str, other: str) -> bool:
    """Whether two names are those of one file that is there, or one address."""
    if is_address(one):
        return one == other
    try:
        return Path(one).samefile(other)
    except (OSError, ValueError):  # one of them does not exist, or has a NUL in its name
        return False


def is_file_of(path: Where, data: Data) -> bool:
    """Whether a file holds these bytes, and no others."""
    pieces = [data] if isinstance(data, bytes | memoryview) else data
    try:
        with path.open("rb") as file:
            return all(file.read(len(piece)) == piece for piece in pieces) and not file.read(1)
    except OSError:
        return False


def _write_straight(path: Path, device: tuple[int, int, int], data: Data) -> None:
    flags = os.O_WRONLY | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "wb", buffering=0) as file:
        if _identity(os.fstat(file.fileno())) != device:
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
