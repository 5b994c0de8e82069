"""Writing so that nothing is lost: under a final name stands the old file or the complete new one.

A file's bytes go to a temporary sibling (`.NAME.cnnfilter-XXXXXXXX.tmp`), each write is checked, they are
flushed to the disk, and only then does the sibling take the final name in one step.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from cnnfilter.errors import OutputError

STEM_BYTES = 60
"""How much of the target's name a temporary's name repeats: enough to recognise it, short enough for any."""


def write_atomically(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : Path
        The final name. Of a symbolic link the target is written, and the link stays. What is no regular
        file (`/dev/null`, a named pipe) is written straight, since nothing can take its place.
    data : bytes
        All of the file.
    overwrite : bool
        Whether an existing file is replaced. Without it, a file that appears under the name while this
        one is written is not lost either. Permissions are those of a new file, by the umask.

    Raises
    ------
    OutputError
        If the file exists and may not be overwritten, or anything about writing it fails; no temporary
        file is left behind.
    """
    try:
        if is_device(path):
            with path.open("wb", buffering=0) as device:
                write_all(device, data)
        else:
            target = Path(os.path.realpath(path)) if path.is_symlink() else path
            _write_sibling(target, data, overwrite=overwrite)
            _sync_folder(target.parent)
    except FileExistsError as error:
        msg = f"'{path}' exists already; --force overwrites it"
        raise OutputError(msg) from error
    except OSError as error:
        msg = f"cannot write '{path}': {error.strerror or error}"
        raise OutputError(msg) from error


def write_stream(stream: BinaryIO, data: bytes) -> None:
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


def write_all(file: BinaryIO, data: bytes) -> None:
    """Write all of `data`, however little a single write takes.

    A write is short at 2 GB, on a disk that is nearly full, and on a pipe whose reader goes away; standard
    output hides that unless PYTHONUNBUFFERED is set.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def is_device(path: Path) -> bool:
    """Tell whether `path` exists and is neither a file nor a folder: a device, a pipe, a socket."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _write_sibling(target: Path, data: bytes, *, overwrite: bool) -> None:
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    stem = os.fsencode(target.name)[:STEM_BYTES].decode("utf-8", "ignore")
    temporary = target.with_name(f".{stem}.cnnfilter-{os.urandom(8).hex()}.tmp")
    try:
        with temporary.open("xb", buffering=0) as file:
            write_all(file, data)
            os.fsync(file.fileno())
        if overwrite:
            temporary.replace(target)
        else:
            _rename_to_new(temporary, target)
    finally:  # whatever ended it, a signal included
        with contextlib.suppress(OSError):
            temporary.unlink()


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


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system has a way to."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders, and a folder may be writable but not readable
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems have no such call
            raise
    finally:
        os.close(descriptor)
