"""Writing files at addresses: whole or not at all, and over none that stands there unless that is asked for.

A bucket takes a file by one request, or by parts that one request completes; where nothing may be overwritten, that
request is conditional (`If-None-Match`), and the service itself refuses it. A server of SFTP is given a temporary
sibling, and then a rename, which does not replace.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import mimetypes
import os
import time
import warnings
from typing import TYPE_CHECKING, Any

from cnnfilter.addresses import systems
from cnnfilter.addresses.failures import CONTESTED, ENDED_UPLOAD, UNKNOWN_CONDITION, AddressError
from cnnfilter.addresses.reading import fetch
from cnnfilter.addresses.schemes import SCHEMES
from cnnfilter.errors import CnnfilterWarning
from cnnfilter.messages import is_command

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from cnnfilter.addresses.address import Address

PART = 50 << 20
"""Bytes of a part, where a bucket takes a file by parts: one of at least two."""

_TOGETHER = 2
"""Parts that are sent at once: each is a copy."""

_TYPE_OF = {"s3": "ContentType", "gs": "content_type"}
"""What libraries call the type of a file's content."""

_PIECE = 1 << 22
"""Bytes that a server of SFTP is given at a time."""

PATIENCE = 1.0
"""Seconds that a process that is told to end waits for servers."""

_writing: set[Any] = set()
"""The tasks of fsspec's loop that have a temporary on a server, or are about to."""

_ended: list[bool] = []
"""Not empty once the process is about to end."""

_STEM = 40
"""How much of a name a temporary's repeats; see `writing.temporaries`."""


def put(address: Address, data: bytes, *, overwrite: bool) -> None:
    """Write a file whole or not at all.

    Where the same bytes stand there already, it is written: a request may be done and its answer lost, so that it is
    sent again and refused.

    Parameters
    ----------
    address : Address
    data : bytes
        All of it.
    overwrite : bool
        Whether a file that stands there is replaced.

    Raises
    ------
    FileExistsError
        If other bytes stand there, and are not to be overwritten.
    OSError
        If anything else about it fails; `strerror` is one line for people.
    """
    if not SCHEMES[address.scheme].writes:
        msg = f"{address.scheme}:// is only read"
        raise AddressError(msg)
    if not address.name or address.text.endswith("/"):
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    if address.scheme == "memory" and is_command():
        warnings.warn("what is written at memory:// goes with this process", CnnfilterWarning, stacklevel=2)
    try:
        _send(address, data, overwrite=overwrite)
    except FileExistsError:
        if not _stands(address, data):
            raise
    except AddressError as error:
        if error.strerror != ENDED_UPLOAD or not _stands(address, data):
            raise


def _send(address: Address, data: bytes, *, overwrite: bool) -> None:
    if address.scheme == "sftp":
        folder, name = address.key.rpartition("/")[0], address.name[:_STEM]
        sibling = f"{folder}/.{name}.cnnfilter-{os.urandom(8).hex()}.tmp"  # of all tries: a lost connection leaves it
        systems.asked(address, lambda fs: _to_server(fs, address.key, sibling, data, overwrite=overwrite))
        return
    for pause in (*systems.PAUSES, None):
        try:
            systems.asked(address, lambda fs: _to_bucket(fs, address, data, overwrite=overwrite))
            return
        except AddressError as error:
            if error.strerror == UNKNOWN_CONDITION and not overwrite:
                break
            if error.strerror != CONTESTED or pause is None:
                raise
        time.sleep(pause)
    if address.exists():
        raise FileExistsError(errno.EEXIST, "it exists already")
    systems.asked(address, lambda fs: _to_bucket(fs, address, data, overwrite=True))


def _stands(address: Address, data: bytes) -> bool:
    """Whether just these bytes stand there."""
    try:
        return fetch(address, len(data)) == data
    except OSError:  # it is larger, or may be written and not read
        return False


def _to_bucket(fs: AbstractFileSystem, address: Address, data: bytes, *, overwrite: bool) -> None:
    options: dict[str, Any] = {"mode": "overwrite" if overwrite else "create"}
    kind, _ = mimetypes.guess_type(address.name)
    if kind and address.scheme in _TYPE_OF:
        options[_TYPE_OF[address.scheme]] = kind
    if address.scheme == "s3":
        options |= {"chunksize": PART, "max_concurrency": _TOGETHER}
    fs.pipe_file(address.key, data, **options)


def _to_server(fs: AbstractFileSystem, path: str, sibling: str, data: bytes, *, overwrite: bool) -> None:
    import asyncssh

    async def write(channel: Any) -> None:
        if await channel.isdir(path):
            raise IsADirectoryError
        if not overwrite and await channel.lexists(path):  # which a rename tells too, once all is sent
            raise FileExistsError
        async with await _opened(channel, sibling) as file:
            for start in range(0, len(data), _PIECE):
                await file.write(data[start : start + _PIECE])
            with contextlib.suppress(asyncssh.SFTPError):  # not every server can
                await file.fsync()
        if overwrite:
            with contextlib.suppress(asyncssh.SFTPError):  # nothing stands there, or it is another's
                await channel.chmod(sibling, (await channel.stat(path)).permissions & 0o777)
            await channel.posix_rename(sibling, path)
        else:
            await _rename_to_new(channel, sibling, path)

    async def write_or_remove(channel: Any) -> None:
        task = asyncio.current_task()
        _writing.add(task)
        try:
            if _ended:
                raise InterruptedError
            await write(channel)
        except BaseException as error:
            with contextlib.suppress(asyncssh.Error, OSError):
                await channel.remove(sibling)
            if isinstance(error, asyncio.CancelledError):  # which fsspec would not pass on
                raise InterruptedError from None
            raise
        finally:
            _writing.discard(task)

    systems.over_sftp(fs, write_or_remove)


def remove_all() -> None:
    """Write no more to servers, and leave no temporary there, if they answer soon: the process is about to end."""
    _ended.append(True)
    if _writing:
        from fsspec.asyn import get_loop, sync

        async def cancel() -> None:
            tasks = list(_writing)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=PATIENCE)

        with contextlib.suppress(Exception):
            sync(get_loop(), cancel, timeout=PATIENCE)


async def _opened(channel: Any, path: str) -> Any:
    """A file of a server, to be written; its folder is made if it is not there."""
    import asyncssh

    try:
        return await channel.open(path, "wb")
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
        await channel.makedirs(path.rpartition("/")[0], exist_ok=True)
        return await channel.open(path, "wb")


async def _rename_to_new(channel: Any, sibling: str, path: str) -> None:
    import asyncssh

    try:
        await channel.rename(sibling, path)
    except asyncssh.SFTPError:
        if await channel.lexists(path):
            raise FileExistsError from None
        raise
