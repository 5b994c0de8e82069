"""Copies of files at addresses, for what reads in parts or opens by name: weights, models, networks, labels.

They lie in a folder that only this user may enter, and go with the process. A worker of a cluster is sent the files
that its client read, and holds them here under the names that were given.
"""

from __future__ import annotations

import atexit
import math
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from cnnfilter.addresses import reading
from cnnfilter.addresses.address import Address, Where, located
from cnnfilter.messages import known_as

_LONGEST_NAME = 60
"""Characters of a copy's name, from the end."""

FRESH = 60.0
"""Seconds for which a copy is the file: a run asks for one several times, and a notebook when it has been changed."""

PATIENCE = 0.3
"""Seconds that a process that is told to end waits for a thread that fetches a file."""

_lock = threading.RLock()
_files: dict[str, Path] = {}
"""The file of each name that was given."""

_origins: dict[Path, str] = {}
"""The name of each copy."""

_times: dict[str, float] = {}
"""When each copy was fetched."""

_folders: list[Path] = []
"""That of the copies, once there is one."""


def _begin_anew() -> None:
    """A child owns no copies of its parent's."""
    global _lock
    _lock = threading.RLock()
    for kept in (_files, _origins, _times, _folders):
        kept.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def file_at(name: str | os.PathLike[str] | Address) -> Path:
    """A file that can be opened: of an address a copy, which is fetched again only after a minute; of a path itself.

    Raises
    ------
    ArgumentError
        If it is an address that is refused.
    OSError
        If it cannot be fetched; `strerror` is one line for people.
    """
    where = located(name)
    text = where.text if isinstance(where, Address) else os.fspath(name)  # type: ignore[arg-type]  # a path, then
    with _lock:
        if text not in _files or time.monotonic() - _times.get(text, math.inf) > FRESH:
            _files[text] = _copied(where) if isinstance(where, Address) else where
        return _files[text]


def renew() -> None:
    """Let what is at addresses be fetched anew by whoever asks from now on: it may have changed."""
    with _lock:
        _times.update(dict.fromkeys(_times, -math.inf))


def address_of(path: Path) -> Where:
    """The address of a file that `file_at` gave, or the path that it has elsewhere; of any other file its path."""
    with _lock:
        return located(_origins[path]) if path in _origins else path


def beside(path: Path, name: str) -> Path:
    """The file of another name beside one that `file_at` gave.

    Raises
    ------
    OSError
        If it cannot be fetched.
    """
    return file_at(address_of(path).parent / name)


def read_files() -> dict[str, Path]:
    """Every name that was given to `file_at` and that a file has, and the file."""
    with _lock:
        return {name: path for name, path in _files.items() if path.is_file()}


def hold(files: Mapping[str, Path]) -> None:
    """Let names stand for files that are here: those that were sent to a worker."""
    with _lock:
        for name, path in files.items():
            _know(name, path)
            _times.pop(name, None)


def remove_all() -> None:
    """Remove all copies, and forget the names."""
    held = _lock.acquire(timeout=PATIENCE)  # a thread may be waiting for a server, and a signal has come
    try:
        for path in list(_origins):
            known_as.pop(str(path), None)
        for folder in _folders:
            shutil.rmtree(folder, ignore_errors=True)
        for kept in (_files, _origins, _times, _folders):
            kept.clear()
    finally:
        if held:
            _lock.release()


def _copied(address: Address) -> Path:
    data = reading.fetch(address)
    if not _folders:
        _folders.append(Path(tempfile.mkdtemp(prefix="cnnfilter-")))
        atexit.register(remove_all)
    folder = _folders[0] / str(len(_origins))  # two may have one name
    folder.mkdir()
    name = re.sub(r'[<>:"|?*\\/]', "_", address.name)[-_LONGEST_NAME:]
    path = folder / (name if name.strip(".") else "file")
    path.write_bytes(data)
    _know(address.text, path)
    _times[address.text] = time.monotonic()
    return path


def _know(name: str, path: Path) -> None:
    _files[name] = path
    _origins[path] = name
    known_as[str(path)] = str(located(name))
