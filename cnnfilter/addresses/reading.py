"""Reading files at addresses: whole or their beginning, by one request, and never more than was allowed."""

from __future__ import annotations

import errno
import io
import time
from typing import TYPE_CHECKING, Any

from cnnfilter.addresses import systems
from cnnfilter.addresses.failures import SLOW, AddressError, NoPartError, failure
from cnnfilter.addresses.schemes import DEFAULT_MAX_BYTES
from cnnfilter.addresses.systems import asked, over_sftp
from cnnfilter.messages import is_command

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fsspec import AbstractFileSystem

    from cnnfilter.addresses.address import Address

_PIECE = 1 << 18
_ASKED = 1 << 24
"""Bytes that a server of SFTP is asked for at a time, by many requests at once."""

_CONNECTING, _ANSWERING, _WAITING = 5, 60, 15
"""Seconds until a server of the web is connected, until its answer begins, by whatever detours, and until its next
piece."""

_SLOWEST, _GRACE = 10_000, 60
"""Bytes a second that a server must give on average, and the seconds after which that counts."""


_most = [DEFAULT_MAX_BYTES]


def allow(most: int) -> None:
    """Let files have so many bytes where nothing else is said."""
    _most[0] = most


def nobody(size: int) -> None:
    """Nobody asks how much of a file is there."""


def fetch(address: Address, most: int | None = None, told: Callable[[int], None] = nobody) -> bytes:
    """All bytes of a file.

    Parameters
    ----------
    address : Address
    most : int, optional
        Bytes that it may have; by default, as many as `allow` was told.
    told : callable
        Is told how many are there, again and again and in the end. A `CnnfilterError` that it raises ends it.

    Raises
    ------
    OSError
        If it cannot be read, or is larger; `strerror` is one line for people.
    """
    allows = "; --max-bytes allows more" if is_command() else "" if most is None else "; max_bytes allows more"
    most = _most[0] if most is None else most
    too_large = AddressError(f"more than {most:,} bytes{allows}")
    data = _beginning(address, most + 1, told, too_large)
    if len(data) > most:
        raise too_large
    told(len(data))
    return data


def head(address: Address, size: int) -> bytes:
    """The first so many bytes of a file, or all of it.

    Raises
    ------
    OSError
        As from `fetch`.
    """
    return _beginning(address, size, nobody, None)[:size]


class Fetched(io.BytesIO):
    """A file at an address, fetched into memory: what is read of it counts as memory.

    Parameters
    ----------
    address : Address
    most, told
        As for `fetch`, whose errors it raises.
    """

    def __init__(self, address: Address, most: int | None = None, told: Callable[[int], None] = nobody) -> None:
        super().__init__(fetch(address, most, told))
        self.address = address


def _beginning(address: Address, size: int, told: Callable[[int], None], too_large: AddressError | None) -> bytes:
    """The first `size` bytes, and perhaps a few more.

    Of a file that is wanted as a whole, `too_large` is what is raised where it says that it has more; a server of the
    web is asked for no part of it.
    """
    if address.text.endswith("/") and address.scheme not in ("http", "https"):
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    if address.scheme == "sftp":
        return asked(address, lambda fs: _of_sftp(fs, address.key, size, told))
    try:
        if address.scheme in ("http", "https"):
            return asked(address, lambda fs: _of_web(fs, address.text, size, told, too_large))
        read = _of_s3 if address.scheme == "s3" else _of_bucket
        return asked(address, lambda fs: read(fs, address.key, size, told))
    except NoPartError:  # of an empty file there is none
        return b""


def _of_bucket(fs: AbstractFileSystem, key: str, size: int, told: Callable[[int], None]) -> bytes:
    data: bytes = fs.cat_file(key, start=0, end=size)
    return data


def _of_s3(fs: AbstractFileSystem, key: str, size: int, told: Callable[[int], None]) -> bytes:
    """What a bucket of S3 gives: `cat_file` would read on, whatever a service sends."""
    from fsspec.asyn import sync

    bucket, name, _ = fs.split_path(key)
    for pause in (*systems.PAUSES, None):  # of bodies that end too early; s3fs itself asks again until one begins
        body = fs.call_s3("get_object", Bucket=bucket, Key=name, Range=f"bytes=0-{size - 1}")["Body"]

        async def read(body: Any = body) -> bytes:
            try:
                return await _gathered(body.iter_chunks(_PIECE), size, told)
            finally:
                body.close()

        try:
            data: bytes = sync(fs.loop, read)
            break
        except Exception as error:
            if pause is None or not getattr(failure(error), "is_passing", False):
                raise
        time.sleep(pause)
    return data


async def _gathered(pieces: AsyncIterator[bytes], size: int, told: Callable[[int], None]) -> bytes:
    """What comes in pieces, until there are so many bytes or more; a server has to give some of them in time."""
    parts, length, start = io.BytesIO(), 0, time.monotonic()  # which gives all without a copy
    async for part in pieces:
        length += parts.write(part)
        if length >= size:
            break
        if time.monotonic() - start > _GRACE + length / _SLOWEST:
            raise AddressError(SLOW)
        told(length)
    return parts.getvalue()


def _of_sftp(fs: AbstractFileSystem, path: str, size: int, told: Callable[[int], None]) -> bytes:
    async def read(channel: Any) -> bytes:
        async with channel.open(path, "rb") as file:

            async def pieces() -> AsyncIterator[bytes]:
                for start in range(0, size, _ASKED):
                    yield (part := await file.read(min(_ASKED, size - start)))
                    if len(part) < _ASKED:  # it has ended, and asking once more would take its time
                        return

            return await _gathered(pieces(), size, told)

    return over_sftp(fs, read)


def _of_web(
    fs: AbstractFileSystem, url: str, size: int, told: Callable[[int], None], too_large: AddressError | None
) -> bytes:
    """What a server of the web gives: fsspec's own `open` asks twice, never tries again, and tells no status."""
    import asyncio

    import aiohttp
    from fsspec.asyn import sync

    limits = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECTING, sock_read=_WAITING)
    headers = {"Accept-Encoding": "identity"} | ({} if too_large else {"Range": f"bytes=0-{size - 1}"})

    async def read() -> bytes:
        session = await fs.set_session()
        async with asyncio.timeout(_ANSWERING):  # headers may drip, and `100 Continue` come again and again
            began = await session.get(fs.encode_url(url), timeout=limits, headers=headers)
        async with began as answer:
            answer.raise_for_status()
            if answer.status not in ((200,) if too_large else (200, 206)):
                msg = f"the service gives no file ({answer.status})"
                raise AddressError(msg)
            if too_large and (answer.content_length or 0) >= size:
                raise too_large
            return await _gathered(answer.content.iter_chunked(_PIECE), size, told)  # unpacked, where it came packed

    data: bytes = sync(fs.loop, read)
    return data
