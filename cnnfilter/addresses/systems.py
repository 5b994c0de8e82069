"""The file systems of addresses, by fsspec, each opened once; and asking them."""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from cnnfilter.addresses.failures import AddressError, failures
from cnnfilter.addresses.schemes import SCHEMES
from cnnfilter.errors import MissingExtraError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from cnnfilter.addresses.address import Address

T = TypeVar("T")

PAUSES = (0.5, 1.0)
"""Seconds before another try; the libraries of buckets have tries of their own."""

_open: dict[tuple[str, str], AbstractFileSystem] = {}
_lock = threading.Lock()


def _begin_anew() -> None:
    """In a child no thread runs that serves its parent's."""
    global _lock
    _open.clear()
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def check_installed(address: Address) -> None:
    """Refuse an address whose back end is not there; nobody is asked.

    Raises
    ------
    MissingExtraError
        With the command that installs it.
    """
    scheme = SCHEMES[address.scheme]
    try:
        for name in ("fsspec", scheme.library):
            importlib.import_module(name)
    except ImportError:
        msg = f"{address.scheme}:// needs the {scheme.library} library: {scheme.install}"
        raise MissingExtraError(msg) from None


def system(address: Address) -> AbstractFileSystem:
    """The file system of an address. Its credentials are those that its library finds by itself.

    Raises
    ------
    MissingExtraError
    """
    name = _name(address)
    with _lock:
        if name not in _open:
            check_installed(address)
            _open[name] = _sftp(address) if address.scheme == "sftp" else _of_scheme(address.scheme)
        return _open[name]


def _name(address: Address) -> tuple[str, str]:
    """What has one file system: a whole scheme, but of SFTP a connection, by user and host."""
    return address.scheme, address.first if address.scheme == "sftp" else ""


def _of_scheme(scheme: str) -> AbstractFileSystem:
    """The file system of a whole scheme: `fsspec.open`, which is given a text, would follow chains in it."""
    import fsspec
    from fsspec.config import conf

    options: dict[str, Any] = {}
    if scheme in ("http", "https"):  # through the proxy that the environment names, as every other library
        options["client_kwargs"] = {"trust_env": True, **conf.get(scheme, {}).get("client_kwargs", {})}
    # listings would be kept for ever, a kilobyte a name; an instance of another's may be set up otherwise
    fs = fsspec.filesystem(scheme, use_listings_cache=False, skip_instance_cache=True, **options)
    if scheme == "s3":
        fs.retries = 2  # of five: each time botocore tries five times by itself
        _read_times_quickly(fs)
    return fs


def _read_times_quickly(fs: AbstractFileSystem) -> None:
    """Let the times of a listing, which nobody asks for, take little of its time: dateutil takes over half of it."""
    from datetime import datetime

    from aiobotocore.session import AioSession
    from botocore.utils import parse_timestamp

    def read(text: Any) -> datetime:
        try:
            return datetime.fromisoformat(text)
        except (TypeError, ValueError):  # it may be a number of seconds, or as in the headers of the web
            found: datetime = parse_timestamp(text)
            return found

    fs.session = AioSession(**fs.kwargs)  # as it makes one itself
    fs.session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=read)


def _sftp(address: Address) -> AbstractFileSystem:
    """A connection to a server of SFTP, whose key is known; fsspec's own class would trust any."""
    import sshfs

    user, _, host = address.first.rpartition("@")
    name, _, password = user.partition(":")
    bare, _, port = host.rpartition(":") if not host.endswith("]") and ":" in host else (host, "", "")
    options: dict[str, Any] = {
        "port": int(port) if port else None, "username": unquote(name), "password": unquote(password)
    }  # fmt: skip
    return sshfs.SSHFileSystem(
        bare.strip("[]"),
        known_hosts=(),  # the person's own file of them
        connect_timeout=15,
        login_timeout=30,
        keepalive_interval=15,  # a server that has gone is given up after three
        skip_instance_cache=True,
        **{option: value for option, value in options.items() if value},
    )


def forget(address: Address | None = None) -> None:
    """Open the file system of an address, or all of them, anew the next time."""
    with _lock:
        if address is None:
            _open.clear()
        else:
            _open.pop(_name(address), None)


def asked(address: Address, question: Callable[[AbstractFileSystem], T]) -> T:
    """What a question to the file system of an address gives.

    What failed over the web or SFTP, and may not the next time, is tried thrice.

    Raises
    ------
    OSError
        Whose `strerror` is one line in our words: see `failures`.
    """
    for pause in PAUSES if SCHEMES[address.scheme].is_of_host else ():
        try:
            with failures():
                return question(system(address))
        except AddressError as error:
            if not error.is_passing:
                raise
        if address.scheme == "sftp":  # whose connection has ended
            forget(address)
        time.sleep(pause)
    with failures():
        return question(system(address))


def over_sftp(fs: AbstractFileSystem, work: Callable[[Any], Awaitable[T]]) -> T:
    """What a coroutine makes of a channel of SFTP: `sshfs` itself opens no file exclusively, and renames otherwise."""
    from fsspec.asyn import sync

    async def inside() -> T:
        async with fs._pool.get() as channel:
            return await work(channel)

    found: T = sync(fs.loop, inside)
    return found
