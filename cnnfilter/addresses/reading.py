"""Reading files at addresses: whole or their beginning, by one request, and never more than was allowed."""

from __future__ import annotations

import errno
import io
import time
from typing import TYPE_CHECKING, Any

from cnnfilter.addresses.failures import SLOW, AddressError, status_of
from cnnfilter.addresses.schemes import DEFAULT_MAX_BYTES
from cnnfilter.addresses.systems import asked, over_sftp
from cnnfilter.messages import either

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from cnnfilter.addresses.address import Address

_PIECE = 1 << 18
_CONNECTING, _WAITING = 5, 15
"""Seconds until a server of the web is connected, and until its next piece."""

_SLOWEST, _GRACE = 10_000, 60
"""Bytes a second that a server must give on average, and the seconds after which that counts."""


def fetch(address: Address, most: int = DEFAULT_MAX_BYTES) -> bytes:
    """All bytes of a file.

    Parameters
    ----------
    address : Address
    most : int
        Bytes that it may have.

    Raises
    ------
    OSError
        If it cannot be read, or is larger; `strerror` is one line for people.
    """
    data = _beginning(address, most + 1, whole=True)
    if len(data) > most:
        raise _too_large(most)
    return data


def head(address: Address, size: int) -> bytes:
    """The first so many bytes of a file, or all of it.

    Raises
    ------
    OSError
        As from `fetch`.
    """
    return _beginning(address, size, whole=False)[:size]


class Fetched(io.BytesIO):
    """A file at an address, fetched into memory: what is read of it counts as memory.

    Parameters
    ----------
    address : Address
    most : int
        As for `fetch`, whose errors it raises.
    """

    def __init__(self, address: Address, most: int = DEFAULT_MAX_BYTES) -> None:
        super().__init__(fetch(address, most))
        self.address = address


def _too_large(most: int) -> AddressError:
    return AddressError(f"more than {most:,} bytes; {either('--max-bytes', 'max_bytes')} allows more")


def _beginning(address: Address, size: int, *, whole: bool) -> bytes:
    """The first `size` bytes, and perhaps a few more; as of a whole, of which a server of the web is asked no part."""
    if address.text.endswith("/") and address.scheme not in ("http", "https"):
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    if address.scheme == "sftp":
        return asked(address, lambda fs: _of_sftp(fs, address.key, size))
    if address.scheme in ("http", "https"):
        return asked(address, lambda fs: _of_web(fs, address.text, size, whole=whole))
    return asked(address, lambda fs: _of_bucket(fs, address.key, size))


def _of_bucket(fs: AbstractFileSystem, key: str, size: int) -> bytes:
    try:
        data: bytes = fs.cat_file(key, start=0, end=size)
    except Exception as error:
        if status_of(error) == 416:  # of nothing there is no part
            return b""
        raise
    return data


def _of_sftp(fs: AbstractFileSystem, path: str, size: int) -> bytes:
    async def read(channel: Any) -> bytes:
        async with channel.open(path, "rb") as file:
            data: bytes = await file.read(size)
            return data

    return over_sftp(fs, read)


def _of_web(fs: AbstractFileSystem, url: str, size: int, *, whole: bool) -> bytes:
    """What a server of the web gives: fsspec's own `open` asks twice, never tries again, and tells no status."""
    import aiohttp
    from fsspec.asyn import sync

    limits = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECTING, sock_read=_WAITING)
    headers = {"Accept-Encoding": "identity"} | ({} if whole else {"Range": f"bytes=0-{size - 1}"})

    async def read() -> bytes:
        session = await fs.set_session()
        async with session.get(fs.encode_url(url), timeout=limits, headers=headers) as answer:
            if answer.status == 416:  # of nothing there is no part
                return b""
            answer.raise_for_status()
            if whole and (answer.content_length or 0) >= size:
                raise _too_large(size - 1)
            parts, length, start = [], 0, time.monotonic()
            async for part in answer.content.iter_chunked(_PIECE):  # unpacked, where it came packed all the same
                parts.append(part)
                length += len(part)
                if length >= size:
                    break
                if time.monotonic() - start > _GRACE + length / _SLOWEST:
                    raise AddressError(SLOW)
            return b"".join(parts)

    data: bytes = sync(fs.loop, read)
    return data
